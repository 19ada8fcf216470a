"""Withdrawn consent: nothing waits, nothing stays, what left is told, what comes later is held."""

import os
from dataclasses import replace

import pytest
import sqlalchemy as sa

from config.schema import Node
from gateway.reconcile import reconcile
from gateway.spool import Shelf
from gateway.states import InstanceState
from gateway.subjects import Subjects
from gateway.tables import audit, withdrawal
from gateway.withdrawals import Whose, Withdrawals
from pipeline import sidecar
from pipeline.reasons import Reason
from tests.factories.crosswalk import crosswalk_entry

from .conftest import ROUTE, WORKER

PATIENT = Whose(patient_id="4711", domain=None, study_uid=None)
STUDY = Whose(patient_id=None, domain=None, study_uid="1.2.3.2")
OTHER = crosswalk_entry(
    patient_id="4712",
    normal_patient_id="4712",
    pseudonym="SV-B",
    study_uid=("1.2.9.2", "2.25.93"),
    instance_uid=("1.2.9.1", "2.25.91"),
)


class Config:
    """The part of the configuration that a withdrawal reads."""

    nodes = {"clinical": Node(ae_title="CLINICAL", host=("127.0.0.1",), patient_domain="A")}  # noqa: RUF012  a stand-in


@pytest.fixture
def withdrawals(node):
    """Of the small node."""
    return Withdrawals(node.database, node.spool, node.subjects, Config(), actor="user:test")


def _entry(number):
    return crosswalk_entry(instance_uid=(f"1.2.3.{number}", f"2.25.{number}"))


def _send(node, target="research"):
    for claimed in node.deliveries.claim(target, "forward", limit=99, lease_s=60):
        node.deliveries.record_sent(claimed, status=0)


def test_what_waits_is_cancelled_and_every_copy_goes(node, withdrawals):
    """In whatever state an instance is; another patient's objects are not touched; the account stays balanced."""
    sent = node.clean_of(_entry(101))
    _send(node)
    waiting = node.clean_of(_entry(102))
    held, _ = node.arrive("1.2.3.103", b"held", patient_id="4711", study="1.2.3.2")
    node.ledger.record_held(node.claim(), WORKER, ROUTE, reason=Reason.NO_RULE, note="n", output=None)
    kept = node.clean_of(OTHER)
    node.arrive("1.2.3.104", b"received", patient_id="4711", study="1.2.3.2")
    node.arrive("1.2.3.104", b"received", patient_id="4711", study="1.2.3.2")

    done = withdrawals.withdraw(PATIENT)

    assert (done.instances, done.rejected, done.cancelled) == (5, 4, 1)
    assert [node.state(number) for number in (sent, waiting, 3, 5, 6)] == ["rejected"] * 4 + ["suppressed"]
    assert node.delivery_states(sent) == {"research": "sent"}
    assert node.delivery_states(waiting) == {"research": "cancelled"}
    assert node.delivery_states(kept) == {"research": "waiting"}
    assert {file.token for file in node.spool.files()} == {
        node.decisions.show(kept)["token"],
        node.decisions.show(kept)["output_token"],
    }
    assert not node.spool.path(Shelf.ORIGINALS, held).exists()
    assert reconcile(node.database, node.spool).balanced


def test_what_has_left_is_listed_under_its_new_uids(node, withdrawals):
    """With target and time; also what is being sent at this moment, and what was sent before a correction."""
    first, second = node.clean_of(_entry(101)), node.clean_of(_entry(102))
    _send(node)
    node.clock.now += 60
    node.decisions.resend(second)
    node.deliveries.claim("research", "forward", limit=9, lease_s=60)

    sent = withdrawals.withdraw(PATIENT).sent

    assert [(one.instance_id, one.at) for one in sent] == [(first, 1_000_000), (second, 1_000_000), (second, None)]
    assert {one.sop_instance_uid for one in sent} == {"2.25.101", "2.25.102"}
    assert {one.target for one in sent} == {"research"}


def test_a_success_that_comes_after_the_withdrawal_is_listed_when_asked_again(node, withdrawals):
    """The target answered while the delivery was cancelled; a second withdrawal deletes and rejects nothing more."""
    number = node.clean_of(_entry(101))
    (claimed,) = node.deliveries.claim("research", "forward", limit=9, lease_s=60)
    withdrawals.withdraw(PATIENT)
    node.deliveries.record_sent(claimed, status=0)

    again = withdrawals.withdraw(PATIENT)

    assert (again.instances, again.rejected, again.cancelled, again.deleted_files) == (1, 0, 0, 0)
    assert [(one.instance_id, one.at) for one in again.sent] == [(number, node.clock.now)]
    assert node.state(number) == "rejected"
    with node.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(withdrawal)).scalar() == 1


@pytest.mark.parametrize("typed", ["ab12", " AB12 ", "\uff21B12"])
def test_a_patient_is_found_however_the_id_is_spelled(node, withdrawals, typed):
    """As the keyed method compares IDs."""
    node.arrive("1.2.3.1", patient_id="Ab12", study="1.2.3.2")

    assert withdrawals.withdraw(Whose(patient_id=typed, domain=None, study_uid=None)).rejected == 1


def test_leading_zeros_count_unless_a_profile_says_otherwise(node):
    """007 and 7 are two patients, or one."""
    node.arrive("1.2.3.1", b"a", patient_id="007", study="1.2.3.2")
    strict = Withdrawals(node.database, node.spool, node.subjects, Config(), actor="user:test")
    lax = Withdrawals(
        node.database,
        node.spool,
        Subjects(sealer=node.sealer, strips_leading_zeros=True),
        Config(),
        actor="user:test",
    )
    seven = Whose(patient_id="7", domain=None, study_uid=None)

    assert strict.withdraw(seven).instances == 0
    assert lax.withdraw(seven).instances == 1


@pytest.mark.parametrize(("domain", "found"), [("A", 2), (" A ", 2), ("B", 0), (None, 2)])
def test_a_domain_tells_patients_of_one_id_apart(node, withdrawals, domain, found):
    """Known from the crosswalk, and before that from the node's configuration."""
    node.clean_of(_entry(101))
    node.arrive("1.2.3.102", b"received", patient_id="4711", study="1.2.3.2")

    assert withdrawals.withdraw(replace(PATIENT, domain=domain)).instances == found


@pytest.mark.parametrize("uid", ["1.2.3.2", "2.25.13"])
def test_a_study_is_withdrawn_by_its_old_or_its_new_uid(node, withdrawals, uid):
    """Either way, later objects of the source's study are held."""
    node.clean_of(_entry(101))
    kept = node.clean_of(OTHER)

    done = withdrawals.withdraw(Whose(patient_id=None, domain=None, study_uid=uid))

    assert done.rejected == 1
    assert node.state(kept) == "clean"
    assert node.ledger.is_withdrawn([node.subjects.study("1.2.3.2")])
    assert not node.ledger.is_withdrawn([node.subjects.study("1.2.9.2")])


def test_an_output_that_is_finished_after_the_withdrawal_is_not_recorded(node, withdrawals):
    """The worker held the instance when it was withdrawn."""
    node.arrive("1.2.3.1", patient_id="4711", study="1.2.3.2")
    claim = node.claim()
    withdrawals.withdraw(PATIENT)

    output = node.output(entry=_entry(1), token=claim.token)

    assert not node.ledger.record_clean(claim, WORKER, ROUTE, output)
    assert node.ledger.was_withdrawn(claim)
    assert node.state(claim.instance_id) == "rejected"


@pytest.mark.parametrize("whose", [PATIENT, replace(PATIENT, domain="A"), STUDY])
def test_what_arrives_later_is_held_and_stays_held(node, withdrawals, whose):
    """Also the very bytes that were here before: they are looked at anew. Retrying does not help."""
    first = node.clean_of(_entry(101))
    withdrawals.withdraw(whose)

    for number in (101, 102):
        second = node.clean_of(_entry(number))
        node.decisions.retry(second)
        node.ledger.record_clean(node.claim(), WORKER, ROUTE, node.output(entry=_entry(number), token="0" * 32))

        assert node.state(second) == "held"
        assert node.decisions.show(second)["reason"] == Reason.WITHDRAWN
    assert node.state(first) == "rejected"


def test_the_same_bytes_after_a_withdrawal_are_no_silent_repetition(node, withdrawals):
    """A node that suppressed them would not tell anybody that they still come."""
    node.arrive("1.2.3.1", b"same", patient_id="4711", study="1.2.3.2")
    withdrawals.withdraw(PATIENT)

    assert node.arrive("1.2.3.1", b"same", patient_id="4711", study="1.2.3.2")[1] is InstanceState.RECEIVED


def test_a_withdrawal_can_be_lifted(node, withdrawals):
    """What arrives from then on may pass; what was deleted stays deleted."""
    first = node.clean_of(_entry(101))
    withdrawals.withdraw(PATIENT)

    assert withdrawals.lift(PATIENT) == 1
    assert withdrawals.lift(PATIENT) == 0
    assert node.state(node.clean_of(_entry(102))) == "clean"
    assert node.state(first) == "rejected"


def test_nothing_of_the_patient_is_in_the_audit(node, withdrawals):
    """It says who did what, of which kind, and to how many."""
    node.clean_of(_entry(101))
    withdrawals.withdraw(PATIENT)
    withdrawals.withdraw(STUDY)

    with node.database.read() as connection:
        rows = connection.execute(sa.select(audit).where(audit.c.action == "withdraw")).all()
    assert {row.actor for row in rows} == {"user:test"}
    assert [row.detail for row in rows if row.instance_id is None] == [
        {"kind": "patient", "instances": 1, "cancelled": 1},
        {"kind": "study", "instances": 1, "cancelled": 0},
    ]
    everything = b"".join(path.read_bytes() for path in node.root.glob("ledger.sqlite*"))
    assert b"4711" not in everything
    assert b"1.2.3.2" not in everything


def test_rows_of_the_withdrawn_leave_the_sidecar_and_others_stay(node, withdrawals):
    """A study's file may hold rows of two patients; an empty one goes."""
    columns = [""] * len(sidecar.COLUMNS)
    for study, sops in (("2.25.13", ("2.25.101", "2.25.7")), ("2.25.14", ("2.25.102",))):
        rows = [(f"{sop}.dcm", sop, *columns[2:]) for sop in sops]
        sidecar.write(node.spool.sidecar / f"{study}.csv", rows)
    node.clean_of(_entry(101))
    node.clean_of(replace(_entry(102), study_uid=("1.2.3.4", "2.25.14")))

    withdrawals.withdraw(PATIENT)

    assert [path.name for path in node.spool.sidecar.iterdir()] == ["2.25.13.csv"]
    left = (node.spool.sidecar / "2.25.13.csv").read_text()
    assert "2.25.7" in left
    assert "2.25.101" not in left


def test_many_instances_are_withdrawn_in_one_go(node, withdrawals):
    """More than one statement may name."""
    for number in range(1100, 2110):
        node.arrive(f"1.2.3.{number}", os.urandom(4), patient_id="4711", study="1.2.3.2")

    assert withdrawals.withdraw(PATIENT).rejected == 1010
    assert list(node.spool.files()) == []
