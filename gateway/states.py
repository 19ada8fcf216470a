"""The states of an instance and of a delivery, as data.

An acknowledged instance is at any moment in exactly one state. It is `received` until the pipeline has an outcome;
then it is `clean` (scrubbed, waiting to leave), `held` (waiting for a decision, under a reason) or `refused` (a rule
says so). A clean instance is `done` when nothing of it is left to send. Beside this way stand `suppressed` (the same
bytes came again), `superseded` (other bytes under the same UID took its place) and `rejected` (a person said no, or
consent was withdrawn; its deliveries still say what had left by then).

Each clean instance has one delivery per target. Deliveries live apart, because one dead target must not stop the
others: `waiting` until the target says Success, then `sent`, then `confirmed` where the target commits to keep it
(where it says that it does not have it after all, the same bytes wait once more);
`failed` when the target refuses for good; `cancelled` when the instance was superseded or rejected first.

The tables below are the only place where a state changes into another. A pair that is absent is an error and the
state stays. No I/O and no clock here; `docs/states.svg` is drawn from these tables.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class InstanceState(StrEnum):
    """Where an acknowledged instance is."""

    RECEIVED = "received"
    CLEAN = "clean"
    DONE = "done"
    HELD = "held"
    REFUSED = "refused"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"
    SUPERSEDED = "superseded"


class InstanceEvent(StrEnum):
    """What can happen to an instance."""

    CLEAN = "clean"
    """The pipeline wrote and verified an output."""
    HOLD = "hold"
    """The pipeline or the node named a reason."""
    REFUSE = "refuse"
    """The rule's action is refuse."""
    DELIVER = "deliver"
    """Its last open delivery was sent."""
    RETRY = "retry"
    """The whole pipeline is to run again."""
    RELEASE = "release"
    """A person lets the scrubbed result go."""
    REJECT = "reject"
    """A person says it must not leave."""
    RESEND = "resend"
    """The same bytes are to be sent once more: a person wants it, or a target does not have them any more."""
    DISAVOW = "disavow"
    """A target that had taken it does not commit to keep it (PS3.4 Annex J)."""
    WITHDRAW = "withdraw"
    """Consent was withdrawn: it must not leave any more, and no copy of it stays here."""
    SUPERSEDE = "supersede"
    """Other bytes under the same UID take its place."""


class DeliveryState(StrEnum):
    """Where one instance stands with one target."""

    WAITING = "waiting"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    SEND = "send"
    """The target answered Success or a warning."""
    CONFIRM = "confirm"
    """The target committed to keep it (PS3.4 Annex J)."""
    FAIL = "fail"
    """The target refused it for good, or took it and does not commit to keep it."""
    RETRY = "retry"
    """Try a failed one again."""
    RESEND = "resend"
    """Send a sent one again, byte for byte."""
    CANCEL = "cancel"
    """Nothing is to be sent any more."""


INSTANCE: Mapping[tuple[InstanceState, InstanceEvent], InstanceState] = MappingProxyType(
    {
        (InstanceState.RECEIVED, InstanceEvent.CLEAN): InstanceState.CLEAN,
        (InstanceState.RECEIVED, InstanceEvent.HOLD): InstanceState.HELD,
        (InstanceState.RECEIVED, InstanceEvent.REFUSE): InstanceState.REFUSED,
        (InstanceState.RECEIVED, InstanceEvent.WITHDRAW): InstanceState.REJECTED,
        (InstanceState.RECEIVED, InstanceEvent.SUPERSEDE): InstanceState.SUPERSEDED,
        (InstanceState.HELD, InstanceEvent.RETRY): InstanceState.RECEIVED,
        (InstanceState.HELD, InstanceEvent.RELEASE): InstanceState.CLEAN,
        (InstanceState.HELD, InstanceEvent.REJECT): InstanceState.REJECTED,
        (InstanceState.HELD, InstanceEvent.WITHDRAW): InstanceState.REJECTED,
        (InstanceState.HELD, InstanceEvent.SUPERSEDE): InstanceState.SUPERSEDED,
        (InstanceState.CLEAN, InstanceEvent.DELIVER): InstanceState.DONE,
        (InstanceState.CLEAN, InstanceEvent.REJECT): InstanceState.REJECTED,
        (InstanceState.CLEAN, InstanceEvent.WITHDRAW): InstanceState.REJECTED,
        (InstanceState.CLEAN, InstanceEvent.SUPERSEDE): InstanceState.SUPERSEDED,
        (InstanceState.DONE, InstanceEvent.RESEND): InstanceState.CLEAN,
        (InstanceState.DONE, InstanceEvent.DISAVOW): InstanceState.CLEAN,
        (InstanceState.DONE, InstanceEvent.WITHDRAW): InstanceState.REJECTED,
        (InstanceState.DONE, InstanceEvent.SUPERSEDE): InstanceState.SUPERSEDED,
    }
)

DELIVERY: Mapping[tuple[DeliveryState, DeliveryEvent], DeliveryState] = MappingProxyType(
    {
        (DeliveryState.WAITING, DeliveryEvent.SEND): DeliveryState.SENT,
        (DeliveryState.WAITING, DeliveryEvent.FAIL): DeliveryState.FAILED,
        (DeliveryState.WAITING, DeliveryEvent.CANCEL): DeliveryState.CANCELLED,
        (DeliveryState.SENT, DeliveryEvent.CONFIRM): DeliveryState.CONFIRMED,
        (DeliveryState.SENT, DeliveryEvent.FAIL): DeliveryState.FAILED,
        (DeliveryState.SENT, DeliveryEvent.RESEND): DeliveryState.WAITING,
        (DeliveryState.CONFIRMED, DeliveryEvent.RESEND): DeliveryState.WAITING,
        (DeliveryState.FAILED, DeliveryEvent.RETRY): DeliveryState.WAITING,
        (DeliveryState.FAILED, DeliveryEvent.CANCEL): DeliveryState.CANCELLED,
    }
)

OPEN_DELIVERIES = frozenset({DeliveryState.WAITING, DeliveryState.FAILED})
"""A clean instance with one of these is not done."""


class ImpossibleEventError(Exception):
    """The event does not apply in this state; nothing was changed."""

    def __init__(self, state: InstanceState | DeliveryState, event: InstanceEvent | DeliveryEvent) -> None:
        super().__init__(f"{event} does not apply to what is {state}")


def next_instance_state(state: InstanceState, event: InstanceEvent) -> InstanceState:
    """Return the state that follows, or raise `ImpossibleEventError`."""
    try:
        return INSTANCE[state, event]
    except KeyError:
        raise ImpossibleEventError(state, event) from None


def next_delivery_state(state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """Return the state that follows, or raise `ImpossibleEventError`."""
    try:
        return DELIVERY[state, event]
    except KeyError:
        raise ImpossibleEventError(state, event) from None


SHOWN_STATES = (
    "received",
    "clean",
    "held",
    "sent",
    "confirmed",
    "refused",
    "rejected",
    "suppressed",
    "superseded",
)
"""The right-hand side of the accounting equation, in the order it is printed."""


def shown_state(state: InstanceState, deliveries: Collection[DeliveryState]) -> str:
    """Return the state a person is told: that of the instance and its deliveries taken together.

    A clean instance with a failed delivery is shown as held; one that is done is `confirmed` when every delivery that
    was not cancelled is, else `sent`.
    """
    if state is InstanceState.CLEAN and DeliveryState.FAILED in deliveries:
        return InstanceState.HELD.value
    if state is InstanceState.DONE:
        kept = [delivery for delivery in deliveries if delivery is not DeliveryState.CANCELLED]
        return "confirmed" if kept and all(d is DeliveryState.CONFIRMED for d in kept) else "sent"
    return state.value
