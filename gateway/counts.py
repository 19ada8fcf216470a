"""How many instances are where: for `status`, the metrics and the accounting equation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.deliveries import failure_reason
from gateway.states import SHOWN_STATES, DeliveryState, InstanceState, shown_state
from gateway.tables import delivery, instance, receipt

if TYPE_CHECKING:
    from collections.abc import Mapping

_WAITING = (InstanceState.RECEIVED, InstanceState.CLEAN, InstanceState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCounts:
    """Deliveries of one target."""

    waiting: int
    sent: int
    confirmed: int
    failed: int
    cancelled: int
    unconfirmed: int
    """Sent, and the target, asked to commit to keep it, has not done so."""
    oldest_waiting_s: float | None
    oldest_unconfirmed_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The ledger at one moment.

    Parameters
    ----------
    states
        Instances per shown state (`gateway.states.SHOWN_STATES`), zeros included.
    held
        Instances per reason; failed deliveries included, see `gateway.deliveries.failure_reason`.
    oldest_waiting_s
        Age of the oldest instance that is received, clean or held.
    """

    acknowledged: int
    states: Mapping[str, int]
    held: Mapping[str, int]
    oldest_waiting_s: Mapping[str, float]
    targets: Mapping[str, TargetCounts]


def count(connection: sa.Connection, *, now: float) -> Counts:
    """Count everything on one connection; give it a snapshot where the sums must agree."""
    states: Counter[str] = Counter(dict.fromkeys(SHOWN_STATES, 0))
    held: Counter[str] = Counter()
    plain = sa.select(instance.c.state, instance.c.reason, sa.func.count()).group_by(
        instance.c.state, instance.c.reason
    )
    composed = (InstanceState.CLEAN.value, InstanceState.DONE.value)
    for state, reason, number in connection.execute(plain.where(instance.c.state.not_in(composed))):
        states[state] += number
        if state == InstanceState.HELD.value:
            held[reason] += number
    for state, kinds, number in connection.execute(_by_deliveries(composed)):
        shown = shown_state(InstanceState(state), [DeliveryState(kind) for kind in (kinds or "").split(",") if kind])
        states[shown] += number
    for reason, number in connection.execute(_failures()):
        held[reason] += number
    return Counts(
        acknowledged=connection.execute(sa.select(sa.func.count()).select_from(receipt)).scalar_one(),
        states=dict(states),
        held=dict(held),
        oldest_waiting_s=_oldest(connection, now),
        targets=_targets(connection, now),
    )


def _by_deliveries(states: tuple[str, ...]) -> sa.Select[str, str, int]:
    kinds = sa.func.group_concat(delivery.c.state.distinct()).label("kinds")
    each = (
        sa.select(instance.c.id, instance.c.state, kinds)
        .outerjoin(delivery, delivery.c.instance_id == instance.c.id)
        .where(instance.c.state.in_(states))
        .group_by(instance.c.id, instance.c.state)
        .subquery()
    )
    return sa.select(each.c.state, each.c.kinds, sa.func.count()).group_by(each.c.state, each.c.kinds)


def _failures() -> sa.Select[str, int]:
    reason = failure_reason().label("reason")
    failed = sa.select(reason).where(instance.c.state == InstanceState.CLEAN.value, reason.is_not(None)).subquery()
    return sa.select(failed.c.reason, sa.func.count()).group_by(failed.c.reason)


def _oldest(connection: sa.Connection, now: float) -> dict[str, float]:
    waiting = [state.value for state in _WAITING]
    rows = connection.execute(
        sa.select(instance.c.state, sa.func.min(instance.c.received_at))
        .where(instance.c.state.in_(waiting))
        .group_by(instance.c.state)
    )
    ages = dict.fromkeys(waiting, 0.0)
    ages.update({state: max(0.0, now - first) for state, first in rows})
    return ages


def _targets(connection: sa.Connection, now: float) -> dict[str, TargetCounts]:
    numbers: dict[str, Counter[str]] = {}
    oldest: dict[str, float] = {}
    rows = connection.execute(
        sa.select(delivery.c.target, delivery.c.state, sa.func.count(), sa.func.min(instance.c.received_at))
        .join(instance, instance.c.id == delivery.c.instance_id)
        .group_by(delivery.c.target, delivery.c.state)
    )
    for target, state, number, first in rows:
        numbers.setdefault(target, Counter())[state] = number
        if state == DeliveryState.WAITING.value:
            oldest[target] = max(0.0, now - first)
    unconfirmed = _unconfirmed(connection, now)
    return {
        target: TargetCounts(
            **{state.value: found[state.value] for state in DeliveryState},
            unconfirmed=unconfirmed.get(target, (0, None))[0],
            oldest_waiting_s=oldest.get(target),
            oldest_unconfirmed_s=unconfirmed.get(target, (0, None))[1],
        )
        for target, found in numbers.items()
    }


def _unconfirmed(connection: sa.Connection, now: float) -> dict[str, tuple[int, float]]:
    rows = connection.execute(
        sa.select(delivery.c.target, sa.func.count(), sa.func.min(delivery.c.sent_at))
        .join(instance, instance.c.id == delivery.c.instance_id)
        .where(
            delivery.c.ask_at.is_not(None),
            delivery.c.state == DeliveryState.SENT.value,
            instance.c.state.in_([InstanceState.CLEAN.value, InstanceState.DONE.value]),
        )
        .group_by(delivery.c.target)
    )
    return {target: (number, max(0.0, now - first)) for target, number, first in rows}
