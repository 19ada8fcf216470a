"""Storage commitment in the ledger: who is asked about what, and what an answer changes."""

from datetime import timedelta

import pytest

from config.gateway import Retention
from gateway.commitment import Reference, Report
from gateway.commitments import ASK_AFTER_S, Answered, Commitments
from gateway.counts import count
from gateway.entries import Route
from gateway.housekeeping import apply_retention
from gateway.reconcile import reconcile
from gateway.spool import Shelf

TWO = Route(rule="r", project="p", profile="research", targets=("research", "archive"))
DAY_S = 86_400.0
NOTHING_STAYS = Retention(originals=timedelta(0), outputs=timedelta(0))


@pytest.fixture
def commitments(node):
    """The rows of storage commitment of the test's ledger."""
    return Commitments(node.database)


def _sent(node, uid="1.2.3", **kinds):
    """Walk a new instance to a target that is asked to keep it; return its number."""
    number = node.clean(uid, **kinds)
    _send(node)
    return number


def _send(node, target="research", ask_after_s=ASK_AFTER_S):
    for claimed in node.deliveries.claim(target, f"forward-{target}", limit=100, lease_s=60):
        node.deliveries.record_sent(claimed, status=0, ask_after_s=ask_after_s)


def _asked(node, commitments, **options):
    node.clock.now += ASK_AFTER_S + 1
    request = commitments.next_request("research", timeout_s=DAY_S, **options)
    if request is not None:
        commitments.record_asked(request)
    return request


def _kept(request, *, references=None):
    kept = request.references if references is None else references
    return Report(transaction_uid=request.transaction_uid, kept=frozenset(kept), failed={})


def _failed(request, reason):
    return Report(
        transaction_uid=request.transaction_uid, kept=frozenset(), failed=dict.fromkeys(request.references, reason)
    )


def _states(node):
    with node.database.snapshot() as connection:
        return {k: v for k, v in count(connection, now=node.clock.now).states.items() if v}


def _research(node):
    with node.database.snapshot() as connection:
        return count(connection, now=node.clock.now).targets["research"]


def _history(node, number):
    return [entry["action"] for entry in node.decisions.show(number)["history"]]


def test_what_a_target_keeps_is_confirmed_and_counted_so(node, commitments):
    """`confirmed` is a term of the equation, and nothing is left to ask."""
    number = _sent(node)
    request = _asked(node, commitments)
    assert _states(node) == {"sent": 1}

    assert commitments.record_report("research", _kept(request)) == {Answered.CONFIRMED: 1}

    assert node.delivery_states(number) == {"research": "confirmed"}
    assert _states(node) == {"confirmed": 1}
    assert reconcile(node.database, node.spool).balanced
    node.clock.now += 10 * DAY_S
    assert commitments.next_request("research", timeout_s=DAY_S) is None


def test_nobody_is_asked_before_a_study_had_time_to_arrive(node, commitments):
    """What was sent a moment ago is asked about together with what follows."""
    _sent(node)

    assert commitments.next_request("research", timeout_s=DAY_S) is None


def test_a_target_without_the_setting_is_never_asked(node, commitments):
    """Its deliveries stay sent."""
    node.clean()
    _send(node, ask_after_s=None)

    assert _asked(node, commitments) is None


def test_a_request_is_bounded_and_keeps_studies_together(node, commitments):
    """Three of two studies in requests of two: the study of two is one request."""
    for uid, study in (("1.1", "2.25.5"), ("1.2", "2.25.9"), ("1.3", "2.25.5")):
        _sent(node, uid, study=study)

    first, second = (_asked(node, commitments, limit=2) for _ in range(2))

    studies = [
        {row["public_study_uid"] for row in map(node.decisions.show, (1, 2, 3)) if row["public_sop_uid"] in named}
        for named in ([r.sop_instance_uid for r in request.references] for request in (first, second))
    ]
    assert studies == [{"2.25.5"}, {"2.25.9"}]
    assert first.transaction_uid != second.transaction_uid


def test_an_unknown_transaction_changes_nothing(node, commitments):
    """Neither one that was never begun, nor one of another target."""
    number = _sent(node)
    request = _asked(node, commitments)
    stranger = Report(transaction_uid="2.25.1", kept=frozenset(request.references), failed={})

    assert commitments.record_report("research", stranger) is None
    assert commitments.record_report("archive", _kept(request)) is None
    assert node.delivery_states(number) == {"research": "sent"}


def test_only_what_is_named_with_its_class_is_confirmed(node, commitments):
    """A report of success that names nothing, or another class, confirms nothing."""
    number = _sent(node)
    request = _asked(node, commitments)
    (asked,) = request.references
    other = Reference(sop_class_uid="1.2.840.10008.5.1.4.1.1.4", sop_instance_uid=asked.sop_instance_uid)

    assert commitments.record_report("research", _kept(request, references=())) == {}
    assert commitments.record_report("research", _kept(request, references=[other])) == {}
    assert node.delivery_states(number) == {"research": "sent"}


def test_the_same_report_twice_is_taken_and_counts_once(node, commitments):
    """The target may not have heard our answer."""
    _sent(node)
    request = _asked(node, commitments)
    commitments.record_report("research", _kept(request))

    assert commitments.record_report("research", _kept(request)) == {}
    assert _states(node) == {"confirmed": 1}


def test_without_an_answer_it_is_asked_again_and_the_first_answer_counts_too(node, commitments):
    """After `commitment_timeout`, under a new Transaction UID."""
    _sent(node)
    first = _asked(node, commitments)
    node.clock.now += DAY_S - 60
    assert commitments.next_request("research", timeout_s=DAY_S) is None
    node.clock.now += 61

    second = commitments.next_request("research", timeout_s=DAY_S)
    assert second.unanswered == 1
    assert second.transaction_uid != first.transaction_uid
    commitments.record_report("research", _kept(first))
    commitments.record_report("research", _failed(second, 0x0110))

    assert _states(node) == {"confirmed": 1}


def test_the_age_of_what_is_unconfirmed_is_told(node, commitments):
    """For the alert: since it was sent, however often it was asked about."""
    _sent(node)
    _asked(node, commitments)
    node.clock.now += 2 * DAY_S
    _asked(node, commitments)

    found = _research(node)

    assert found.unconfirmed == 1
    assert found.oldest_unconfirmed_s > 2 * DAY_S
    assert found.sent == 1


def test_what_a_target_does_not_have_is_sent_again_byte_for_byte(node, commitments):
    """The delivery waits anew with the same file, and is asked about once it was sent."""
    number = _sent(node)
    before = node.decisions.show(number)["deliveries"][0]
    report = _failed(_asked(node, commitments), 0x0112)

    assert commitments.record_report("research", report) == {Answered.MISSING: 1}

    assert node.state(number) == "clean"
    (claimed,) = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    assert (claimed.token, claimed.sha256) == (before["output_token"], before["output_sha256"])
    node.deliveries.record_sent(claimed, status=0, ask_after_s=ASK_AFTER_S)
    assert node.state(number) == "done"
    commitments.record_report("research", _kept(_asked(node, commitments)))
    assert node.delivery_states(number) == {"research": "confirmed"}
    assert reconcile(node.database, node.spool).balanced


def test_what_a_target_loses_again_and_again_is_for_a_person(node, commitments):
    """It is sent three times more, then held with the reason; a retry begins anew."""
    number = _sent(node)
    for _ in range(3):
        assert commitments.record_report("research", _failed(_asked(node, commitments), 0x0112))[Answered.MISSING] == 1
        _send(node)

    assert commitments.record_report("research", _failed(_asked(node, commitments), 0x0112)) == {Answered.FAILED: 1}

    (found,) = node.decisions.show(number)["deliveries"]
    assert (found["state"], found["status"], found["why"]) == ("failed", 0x0112, "missing_at_target")
    assert [row.reason for row in node.decisions.held()] == ["delivery_failed"]
    node.decisions.retry(number)
    _send(node)
    assert commitments.record_report("research", _failed(_asked(node, commitments), 0x0112))[Answered.MISSING] == 1


@pytest.mark.parametrize("reason", [0x0110, 0x0119, 0x0122, 0x0213, 0xBEEF, None])
def test_any_other_failure_is_held_with_its_reason(node, commitments, reason):
    """Sending again would not mend it; known and unknown reasons alike."""
    number = _sent(node)

    assert commitments.record_report("research", _failed(_asked(node, commitments), reason)) == {Answered.FAILED: 1}

    (found,) = node.decisions.show(number)["deliveries"]
    assert (found["state"], found["status"], found["why"]) == ("failed", reason, "not_committed_by_target")
    assert node.state(number) == "clean"
    assert _states(node) == {"held": 1}
    assert reconcile(node.database, node.spool).balanced


def test_one_target_that_fails_leaves_the_other_alone(node, commitments):
    """Sent to two: the one that commits is confirmed."""
    number = node.clean(route=TWO)
    _send(node)
    _send(node, "archive")
    request = _asked(node, commitments)
    other = commitments.next_request("archive", timeout_s=DAY_S)

    commitments.record_report("archive", _kept(other))
    commitments.record_report("research", _failed(request, 0x0110))

    assert node.delivery_states(number) == {"research": "failed", "archive": "confirmed"}


def test_an_answer_about_an_earlier_send_changes_nothing(node, commitments):
    """It was sent again since: what the target had or lacked then is not what it has now."""
    number = _sent(node)
    request = _asked(node, commitments)
    node.decisions.resend(number)

    assert commitments.record_report("research", _kept(request)) == {Answered.OUTDATED: 1}
    assert node.delivery_states(number) == {"research": "waiting"}
    node.clock.now += 1
    _send(node)
    again = _asked(node, commitments)
    assert commitments.record_report("research", _failed(request, 0x0112)) == {}
    commitments.record_report("research", _kept(again))
    assert node.delivery_states(number) == {"research": "confirmed"}


def test_what_was_superseded_is_neither_asked_about_nor_sent_again(replacing_node):
    """An answer that comes late does not bring an old version back."""
    commitments = Commitments(replacing_node.database)
    number = _sent(replacing_node)
    request = _asked(replacing_node, commitments)
    replacing_node.arrive("1.2.3", content=b"a correction")
    assert replacing_node.state(number) == "superseded"

    assert commitments.record_report("research", _failed(request, 0x0112)) == {Answered.OUTDATED: 1}

    assert replacing_node.state(number) == "superseded"
    assert replacing_node.delivery_states(number) == {"research": "sent"}
    replacing_node.clock.now += 2 * DAY_S
    assert commitments.next_request("research", timeout_s=DAY_S) is None
    assert _research(replacing_node).unconfirmed == 0


def test_a_request_that_never_left_is_forgotten_and_due_at_once(node, commitments):
    """Nobody can answer it."""
    _sent(node)
    request = _asked(node, commitments)

    commitments.record_not_asked(request, maybe=False)

    assert commitments.record_report("research", _kept(request)) is None
    assert commitments.next_request("research", timeout_s=DAY_S).unanswered == 0


def test_a_request_whose_response_was_lost_may_still_be_answered(node, commitments):
    """The target may have taken it; it is asked again all the same."""
    _sent(node)
    request = _asked(node, commitments)

    commitments.record_not_asked(request, maybe=True)

    assert commitments.next_request("research", timeout_s=DAY_S).unanswered == 1
    assert commitments.record_report("research", _kept(request)) == {Answered.CONFIRMED: 1}


def test_after_a_start_what_is_unanswered_is_asked_at_once(node, commitments):
    """The answer may have come while nobody listened; another target's is not asked for."""
    _sent(node)
    _asked(node, commitments)
    commitments.begin("archive", asked=True)
    assert commitments.next_request("research", timeout_s=DAY_S) is None

    commitments.begin("research", asked=True)

    assert commitments.next_request("research", timeout_s=DAY_S).unanswered == 1


def test_what_a_forwarder_of_the_old_settings_sent_follows_the_new_ones(node, commitments):
    """It may send for a moment after a reload."""
    node.clean("1.1")
    _send(node, ask_after_s=None)
    commitments.begin("research", asked=True)
    assert _research(node).unconfirmed == 1

    commitments.begin("research", asked=False)

    assert _research(node).unconfirmed == 0
    assert _asked(node, commitments) is None


def test_a_clock_that_was_set_back_does_not_silence_it(node, commitments):
    """What is due further ahead than any wait is due."""
    _sent(node)
    _asked(node, commitments)
    node.clock.now -= 30 * DAY_S

    assert commitments.next_request("research", timeout_s=DAY_S) is not None


def test_the_setting_turned_on_asks_about_what_is_still_kept(node, commitments):
    """What was sent before and deleted since could not be sent again, so it is not asked about."""
    kept, gone = node.clean("1.1"), node.clean("1.2")
    _send(node, ask_after_s=None)
    with node.database.write() as connection:
        connection.exec_driver_sql("UPDATE instance SET output_kept=0 WHERE id=?", (gone,))

    commitments.follow({"research"})

    request = _asked(node, commitments)
    assert [r.sop_instance_uid for r in request.references] == [node.decisions.show(kept)["public_sop_uid"]]


def test_the_setting_turned_off_lets_retention_go_on(node, commitments):
    """Nobody is asked any more, and nothing waits for an answer."""
    _sent(node)
    commitments.follow(())

    assert _asked(node, commitments) is None
    assert apply_retention(node.database, node.spool, NOTHING_STAYS) == 2


def test_retention_waits_for_the_target_to_commit(node, commitments):
    """Original and output stay however old they are, and go once it has."""
    number = _sent(node)
    original, output = (node.decisions.show(number)[name] for name in ("token", "output_token"))
    request = _asked(node, commitments)
    node.clock.now += 100 * DAY_S

    assert apply_retention(node.database, node.spool, NOTHING_STAYS) == 0
    assert node.spool.path(Shelf.ORIGINALS, original).exists()
    commitments.record_report("research", _kept(request))
    assert apply_retention(node.database, node.spool, NOTHING_STAYS) == 2

    assert not node.spool.path(Shelf.ORIGINALS, original).exists()
    assert not node.spool.path(Shelf.OUTPUTS, output).exists()


def test_retention_waits_for_every_target_that_is_asked(node, commitments):
    """One of two has committed."""
    node.clean(route=TWO)
    _send(node)
    _send(node, "archive")
    commitments.record_report("research", _kept(_asked(node, commitments)))
    node.clock.now += DAY_S

    assert apply_retention(node.database, node.spool, NOTHING_STAYS) == 0


def test_every_step_is_in_the_audit_without_a_uid(node, commitments):
    """What was asked, what was confirmed, what was missing."""
    number = _sent(node)
    commitments.record_report("research", _failed(_asked(node, commitments), 0x0112))
    _send(node)
    commitments.record_report("research", _kept(_asked(node, commitments)))

    assert _history(node, number)[-4:] == ["send", "missing_at_target", "send", "confirm"]
    with node.database.read() as connection:
        details = connection.exec_driver_sql("SELECT detail FROM audit WHERE action='ask_commitment'").scalars().all()
    assert len(details) == 2
    assert "2.25" not in "".join(details)
