"""Deliveries in the ledger."""

from gateway.entries import Route

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
