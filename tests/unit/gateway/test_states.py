"""The state tables."""

import itertools

import pytest

from gateway.states import (
    DELIVERY,
    INSTANCE,
    SHOWN_STATES,
    DeliveryEvent,
    DeliveryState,
    ImpossibleEventError,
    InstanceEvent,
    InstanceState,
    next_delivery_state,
    next_instance_state,
    shown_state,
)


def test_every_pair_either_leads_to_a_state_or_is_refused():
    """An absent pair raises and names no state."""
    for pair in itertools.product(InstanceState, InstanceEvent):
        if pair in INSTANCE:
            assert next_instance_state(*pair) is INSTANCE[pair]
        else:
            with pytest.raises(ImpossibleEventError):
                next_instance_state(*pair)
    for pair in itertools.product(DeliveryState, DeliveryEvent):
        if pair in DELIVERY:
            assert next_delivery_state(*pair) is DELIVERY[pair]
        else:
            with pytest.raises(ImpossibleEventError):
                next_delivery_state(*pair)


def test_an_instance_can_be_sent_only_after_the_pipeline_or_a_release():
    """The only ways into `clean` are a verified output, a release of one, and one that is sent again or disavowed."""
    into_clean = {event for (_, event), state in INSTANCE.items() if state is InstanceState.CLEAN}

    assert into_clean == {
        InstanceEvent.CLEAN,
        InstanceEvent.RELEASE,
        InstanceEvent.RESEND,
        InstanceEvent.DISAVOW,
    }


def test_what_was_rejected_refused_suppressed_or_superseded_stays_so():
    """Final states have no way out."""
    final = {InstanceState.REJECTED, InstanceState.REFUSED, InstanceState.SUPPRESSED, InstanceState.SUPERSEDED}

    assert not [pair for pair in INSTANCE if pair[0] in final]


def test_every_instance_state_is_shown_as_one_of_the_equation():
    """Whatever the deliveries are, an instance counts in exactly one term."""
    for state in InstanceState:
        for number in range(3):
            for deliveries in itertools.combinations_with_replacement(DeliveryState, number):
                assert shown_state(state, deliveries) in SHOWN_STATES


@pytest.mark.parametrize(
    ("state", "deliveries", "shown"),
    [
        (InstanceState.CLEAN, [DeliveryState.WAITING, DeliveryState.FAILED], "held"),
        (InstanceState.CLEAN, [DeliveryState.WAITING, DeliveryState.SENT], "clean"),
        (InstanceState.DONE, [DeliveryState.SENT, DeliveryState.CONFIRMED], "sent"),
        (InstanceState.DONE, [DeliveryState.CONFIRMED, DeliveryState.CANCELLED], "confirmed"),
        (InstanceState.DONE, [DeliveryState.CANCELLED], "sent"),
    ],
)
def test_shown_state_takes_the_deliveries_into_account(state, deliveries, shown):
    """A failed delivery shows as held; done shows as sent or confirmed."""
    assert shown_state(state, deliveries) == shown
