"""Studies: complete after a quiet time, late instances, what was counted, and leaving as a whole."""

import json

import pytest
import sqlalchemy as sa

from gateway.studies import Studies, count_studies
from gateway.tables import audit
from pipeline.reasons import Reason

from .conftest import ROUTE, WORKER

QUIET_S = 900


@pytest.fixture
def studies(node):
    """The rows of studies."""
    return Studies(node.database)


def _arrive(node, uid, study="1.1"):
    node.arrive(uid, content=uid.encode(), patient_id="4711", study=study)


def _clean(node):
    claim = node.claim()
    assert node.ledger.record_clean(claim, WORKER, ROUTE, node.output(claim.token.encode()))
    return claim.instance_id


def _hold(node, reason=Reason.RESIDUAL_TEXT):
    claim = node.claim()
    output = node.output() if reason is Reason.RESIDUAL_TEXT else None
    assert node.ledger.record_held(claim, WORKER, ROUTE, reason=reason, note="n", output=output)
    return claim.instance_id


def _claim(node, *, whole=True):
    return node.deliveries.claim("research", "forward-research", limit=10, lease_s=60, whole_studies=whole)


def _after(node, studies, seconds):
    node.clock.now += seconds
    return studies.sweep(QUIET_S)


def test_a_study_is_complete_when_nothing_new_came_for_the_trigger(node, studies):
    """Each new instance begins the wait anew; the same bytes again do not."""
    _arrive(node, "1.1.1")
    assert _after(node, studies, QUIET_S - 1) == 0
    _arrive(node, "1.1.2")
    assert _after(node, studies, QUIET_S - 1) == 0
    _arrive(node, "1.1.2")

    assert _after(node, studies, 1) == 1
    assert _after(node, studies, 10 * QUIET_S) == 0


def test_a_clock_that_is_set_back_does_not_put_off_the_end(node, studies):
    """An arrival that lies in the future counts as now."""
    _arrive(node, "1.1.1")
    node.clock.now -= 10 * QUIET_S
    studies.sweep(QUIET_S)

    assert _after(node, studies, QUIET_S) == 1


def test_a_restarted_node_goes_on_where_it_was(node, studies):
    """Nothing is counted twice, and a late instance opens its study again."""
    _arrive(node, "1.1.1")
    _after(node, studies, QUIET_S)
    _arrive(node, "1.1.2")

    again = Studies(node.database)

    assert again.sweep(QUIET_S) == 0
    assert again.newest(5)[0].completed_at is None
    assert _after(node, again, QUIET_S) == 1
    assert again.newest(5)[0].instances == 2


def test_the_record_counts_what_became_of_the_instances(node, studies):
    """And is written into the audit when the study is complete, without a value of the patient."""
    for number in range(3):
        _arrive(node, f"1.1.{number}")
    first = _clean(node)
    node.deliveries.record_sent(_claim(node, whole=False)[0], status=0)
    _hold(node)
    _after(node, studies, QUIET_S)
    node.clock.now += 1
    _arrive(node, "1.1.9")

    (record,) = studies.newest(5)
    assert (record.instances, record.held, record.sent, record.late, record.rule) == (4, 1, 1, 1, ROUTE.rule)
    assert record.states == {"sent": 1, "held": 1, "received": 2}
    assert studies.find(str(record.study)) == studies.find(node.decisions.show(first)["public_study_uid"]) == record
    assert studies.find("1.2.3") is None
    with node.database.read() as connection:
        detail = connection.execute(sa.select(audit.c.detail).where(audit.c.action == "study_complete")).scalar()
    assert detail == {"study": 1, "rule": ROUTE.rule, "instances": 3, "late": 0, "held": 1, "sent": 1}
    assert "4711" not in json.dumps(detail)


def test_studies_are_counted_by_what_is_left_of_them(node, studies):
    """Complete ones by what waits and what is held."""
    _arrive(node, "1.1.1", study="1.1")
    _arrive(node, "1.2.1", study="1.2")
    _hold(node)
    _clean(node)
    _after(node, studies, QUIET_S)
    _arrive(node, "1.3.1", study="1.3")
    studies.sweep(QUIET_S)

    with node.database.read() as connection:
        found = count_studies(connection)

    assert (found.receiving, found.complete, found.waiting, found.held) == (1, 2, 1, 1)


def test_only_a_late_instance_goes_by_the_studys_first_rule(node, studies):
    """Before the study was complete the rules decide; so they do where the first rule is gone or held everything."""
    _arrive(node, "1.1.1")
    _clean(node)
    index = node.subjects.study("1.1")
    before = node.clock.now
    _after(node, studies, QUIET_S)

    def first_rule(at, names=(ROUTE.rule,), of=index):
        return studies.first_rule(of, received_at=at, names=names)

    assert first_rule(before) is None
    assert first_rule(node.clock.now + 1) == ROUTE.rule
    assert first_rule(node.clock.now + 1, names=("other",)) is None
    assert first_rule(node.clock.now + 1, of=None) is None
    assert first_rule(node.clock.now + 1, of=node.subjects.study("1.2")) is None


def test_nothing_of_a_study_leaves_before_it_is_complete_and_decided(node, studies):
    """Not while it is being received, not while one is unprocessed, not while one is held."""
    for number in range(3):
        _arrive(node, f"1.1.{number}")
    _clean(node)
    assert _claim(node) == ()
    _after(node, studies, QUIET_S)
    assert _claim(node) == (), "two are not processed"
    _clean(node)
    held = _hold(node)
    assert _claim(node) == (), "one is held"

    node.decisions.release(held, targets=("research",), reason="seen")

    assert len(_claim(node)) == 3


def test_rejecting_the_held_one_lets_the_others_go(node, studies):
    """A decision is a decision."""
    _arrive(node, "1.1.1")
    _arrive(node, "1.1.2")
    _clean(node)
    held = _hold(node, Reason.UNDECODABLE)
    _after(node, studies, QUIET_S)
    assert _claim(node) == ()

    node.decisions.reject(held, reason="phantom")

    assert len(_claim(node)) == 1


def test_a_late_instance_stops_what_has_not_left(node, studies):
    """At once, and until the study is complete again; other studies are not concerned."""
    _arrive(node, "1.1.1", study="1.1")
    _arrive(node, "1.2.1", study="1.2")
    _clean(node)
    other = _clean(node)
    _after(node, studies, QUIET_S)
    node.clock.now += 1
    _arrive(node, "1.1.2", study="1.1")

    (claimed,) = _claim(node)
    assert claimed.instance_id == other
    node.deliveries.record_sent(claimed, status=0)
    _clean(node)
    studies.sweep(QUIET_S)
    assert _claim(node) == ()
    _after(node, studies, QUIET_S)
    assert len(_claim(node)) == 2


def test_a_late_instance_that_no_sweep_has_seen_yet_does_not_leave(node, studies):
    """It is processed faster than the next sweep comes."""
    _arrive(node, "1")
    _clean(node)
    _after(node, studies, 0)
    _after(node, studies, QUIET_S + 1)
    assert len(_claim(node)) == 1

    _arrive(node, "2")
    _clean(node)

    assert list(_claim(node)) == []


def test_an_object_without_a_study_waits_for_none(node):
    """It is one of its own."""
    node.clean()

    assert len(_claim(node)) == 1
