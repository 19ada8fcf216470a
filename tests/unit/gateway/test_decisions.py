"""What a person may decide: nothing here can send original bytes."""

import contextlib

import pytest

from gateway.decisions import RELEASABLE, NotPossibleError
from gateway.spool import Shelf
from pipeline.reasons import Reason

from .conftest import ROUTE, WORKER


def _hold(node, reason, *, with_result):
    node.arrive()
    claim = node.claim()
    output = node.output(b"scrubbed") if with_result else None
    assert node.ledger.record_held(claim, WORKER, ROUTE, reason=reason, note="n", output=output)
    return claim.instance_id


@pytest.mark.parametrize("with_result", [False, True])
@pytest.mark.parametrize("reason", list(Reason))
def test_no_reason_and_no_decision_lets_original_bytes_go(node, reason, with_result):
    """All reasons times all decisions: what a forwarder may claim is a scrubbed output or nothing."""
    number = _hold(node, reason, with_result=with_result)
    original = node.decisions.show(number)["token"]
    decisions = [
        lambda: node.decisions.release(number, targets=("research",), reason="r"),
        lambda: node.decisions.resend(number),
        lambda: node.decisions.retry_target("research", resend=True),
        lambda: node.decisions.retry(number),
        lambda: node.decisions.reject(number, reason="r"),
    ]
    for decide in decisions:
        with contextlib.suppress(NotPossibleError):
            decide()
        claimed = node.deliveries.claim("research", "forward-research", limit=10, lease_s=60)
        node.deliveries.give_back(claimed)
        assert original not in {item.token for item in claimed}
        for item in claimed:
            assert reason.value in RELEASABLE
            assert with_result
            assert node.spool.path(Shelf.OUTPUTS, item.token).read_bytes() == b"scrubbed"


@pytest.mark.parametrize("reason", [r for r in Reason if r.value not in RELEASABLE])
def test_only_two_reasons_can_be_released(node, reason):
    """Even where a result stands in the ledger."""
    number = _hold(node, reason, with_result=True)

    with pytest.raises(NotPossibleError, match="cannot be released"):
        node.decisions.release(number, targets=("research",), reason="r")


def test_a_release_without_a_scrubbed_result_is_refused(node):
    """The right reason is not enough."""
    number = _hold(node, Reason.RESIDUAL_TEXT, with_result=False)

    with pytest.raises(NotPossibleError, match="no scrubbed result"):
        node.decisions.release(number, targets=("research",), reason="r")


def test_a_release_sends_exactly_the_held_result(node):
    """The delivery names the result's file and hash."""
    number = _hold(node, Reason.RESIDUAL_TEXT, with_result=True)
    shown = node.decisions.show(number)

    node.decisions.release(number, targets=("research",), reason="looked at it")

    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    assert (claimed[0].token, claimed[0].sha256) == (shown["output_token"], shown["output_sha256"])
    assert node.decisions.show(number)["history"][-1]["actor"] == "user:test"


def test_a_retry_runs_the_whole_pipeline_again(node):
    """The instance is received once more, with its attempts forgotten and its old result unneeded."""
    number = _hold(node, Reason.RESIDUAL_TEXT, with_result=True)
    token = node.decisions.show(number)["output_token"]

    assert node.decisions.retry(number) == token
    assert node.claim().instance_id == number


def test_retrying_a_correction_supersedes_the_earlier_object(node):
    """A person accepts the new version."""
    old = node.clean("1.2.3")
    node.arrive("1.2.3", content=b"corrected")
    number = node.decisions.held()[0].instance_id

    node.decisions.retry(number)

    assert node.state(old) == "superseded"
    assert node.state(number) == "received"


def test_what_is_not_held_cannot_be_decided_about(node):
    """A clean instance whose deliveries are fine is left alone."""
    number = node.clean()

    with pytest.raises(NotPossibleError):
        node.decisions.reject(number, reason="r")
    with pytest.raises(NotPossibleError):
        node.decisions.retry(number)
    with pytest.raises(NotPossibleError):
        node.decisions.show(4711)


def test_a_failed_delivery_is_retried_or_given_up(node):
    """Retry makes it wait again; reject cancels it."""
    number = node.clean()
    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)[0]
    node.deliveries.record_failed(claimed, status=0xC000, why="refused_by_target")

    node.decisions.retry(number)
    assert node.delivery_states(number) == {"research": "waiting"}

    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)[0]
    node.deliveries.record_failed(claimed, status=0xC000, why="refused_by_target")
    node.decisions.reject(number, reason="r")
    assert node.state(number) == "rejected"
    assert node.delivery_states(number) == {"research": "cancelled"}


def test_a_resend_names_the_very_file_that_was_sent(node):
    """Byte for byte means the same file and hash."""
    number = node.clean()
    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)[0]
    node.deliveries.record_sent(claimed, status=0)

    assert node.decisions.resend(number) == 1
    again = node.deliveries.claim("research", "f", limit=1, lease_s=60)[0]

    assert (again.token, again.sha256) == (claimed.token, claimed.sha256)


def test_retry_target_makes_everything_due_now(node):
    """Waiting and failed deliveries; sent ones only with resend; rejected instances never."""
    waiting, failed, sent, rejected = (node.clean(uid) for uid in ("1.1", "1.2", "1.3", "1.4"))
    claimed = {c.instance_id: c for c in node.deliveries.claim("research", "f", limit=10, lease_s=60)}
    node.deliveries.record_later(claimed[waiting], delay_s=900, status=None, why="unreachable")
    node.deliveries.record_failed(claimed[failed], status=0xC000, why="refused_by_target")
    node.deliveries.record_sent(claimed[sent], status=0)
    node.deliveries.record_failed(claimed[rejected], status=0xC000, why="refused_by_target")
    node.decisions.reject(rejected, reason="r")

    assert node.decisions.retry_target("research", resend=False) == 2
    due = node.deliveries.claim("research", "f", limit=10, lease_s=60)
    assert {c.instance_id for c in due} == {waiting, failed}
    node.deliveries.give_back(due)

    node.decisions.retry_target("research", resend=True)
    due = node.deliveries.claim("research", "f", limit=10, lease_s=60)
    assert {c.instance_id for c in due} == {waiting, failed, sent}
