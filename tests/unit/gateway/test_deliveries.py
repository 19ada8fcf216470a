"""Deliveries in the ledger."""

import pytest

from gateway.deliveries import _to_send
from gateway.entries import Route
from gateway.priority import Priority

TWO = Route(rule="r", project="p", profile="research", targets=("research", "archive"))


def _claim(node, target="research", limit=10):
    return node.deliveries.claim(target, f"forward-{target}", limit=limit, lease_s=60)


def test_an_instance_is_done_when_its_last_open_delivery_is_sent(node):
    """One sent target of two leaves it clean."""
    number = node.clean(route=TWO)

    node.deliveries.record_sent(_claim(node)[0], status=0)
    assert node.state(number) == "clean"
    node.deliveries.record_sent(_claim(node, "archive")[0], status=0xB000)
    assert node.state(number) == "done"


def test_a_failed_delivery_holds_the_instance_while_the_other_goes_on(node):
    """The held list names it; the other target is served."""
    number = node.clean(route=TWO)

    node.deliveries.record_failed(_claim(node)[0], status=0xC000, why="refused_by_target")
    node.deliveries.record_sent(_claim(node, "archive")[0], status=0)

    assert node.delivery_states(number) == {"research": "failed", "archive": "sent"}
    assert [row.reason for row in node.decisions.held()] == ["delivery_failed"]


def test_a_delivery_is_claimed_once_and_again_after_its_delay(node):
    """Later means later."""
    node.clean()
    claimed = _claim(node)
    assert _claim(node) == ()

    node.deliveries.record_later(claimed[0], delay_s=30, status=0xA700, why="out_of_resources")
    assert _claim(node) == ()
    node.clock.now += 31

    assert _claim(node)[0].attempts == 1


def test_given_back_deliveries_are_due_at_once_and_not_counted(node):
    """What a batch did not reach was not tried."""
    node.clean()
    node.deliveries.give_back(_claim(node))

    assert _claim(node)[0].attempts == 0


def test_a_conversion_is_for_workers_and_then_for_the_forwarder_again(node):
    """The delivery names the converted file; the instance keeps its own."""
    number = node.clean()
    claimed = _claim(node)[0]
    node.deliveries.want_conversion(claimed)
    assert _claim(node) == ()

    wanted = node.deliveries.claim_conversion("worker-0", targets=("research",), lease_s=60)
    converted = node.output(b"converted")
    assert node.deliveries.record_converted(
        wanted, token=converted.token, sha256=converted.sha256, transfer_syntax_uid="1.2.840.10008.1.2.1"
    )

    assert _claim(node)[0].token == converted.token
    assert node.decisions.show(number)["output_token"] == claimed.token


def test_what_left_while_it_was_cancelled_is_told_by_the_audit(node):
    """The state stays cancelled and nothing is hidden."""
    number = node.clean()
    claimed = _claim(node)[0]
    node.deliveries.record_failed(claimed, status=0xC000, why="refused_by_target")
    node.decisions.reject(number, reason="test")

    node.deliveries.record_sent(claimed, status=0)

    assert node.delivery_states(number) == {"research": "cancelled"}
    assert "send_of_cancelled" in [entry["action"] for entry in node.decisions.show(number)["history"]]


def _route(priority):
    return Route(rule="r", project="p", profile="research", targets=("research",), priority=priority)


@pytest.fixture
def queue(node):
    """Make deliveries of each priority, the least urgent first; numbers by priority."""
    return {
        priority: [node.clean(f"{priority.value}.{n}", route=_route(priority)) for n in range(2)]
        for priority in (Priority.OFF_PEAK, Priority.NORMAL, Priority.URGENT)
    }


def test_the_urgent_leave_first_and_of_one_priority_the_oldest(node, queue):
    """What waits for off-peak hours comes last, even within them."""
    claimed = _claim(node)

    wanted = [*queue[Priority.URGENT], *queue[Priority.NORMAL], *queue[Priority.OFF_PEAK]]
    assert [item.instance_id for item in claimed] == wanted


def test_outside_off_peak_hours_the_rest_waits(node, queue):
    """It is neither claimed nor due, and stays what it is."""
    claimed = node.deliveries.claim("research", "f", limit=10, lease_s=60, off_peak=False)

    assert [item.instance_id for item in claimed] == [*queue[Priority.URGENT], *queue[Priority.NORMAL]]
    assert not node.deliveries.is_due("research", off_peak=False)
    assert node.deliveries.is_due("research")
    assert {node.state(n) for n in queue[Priority.OFF_PEAK]} == {"clean"}


def test_a_long_queue_is_not_sorted_for_each_claim(node):
    """The order comes from an index: no temporary sorting in the plan."""
    due = node.deliveries._due(_to_send("research", whole_studies=False, off_peak=True), 0.0).limit(32)
    text = str(due.compile(node.database._engine, compile_kwargs={"literal_binds": True}))
    with node.database.read() as connection:
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]

    assert any("delivery_by_priority" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)
