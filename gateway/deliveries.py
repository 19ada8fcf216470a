"""Deliveries in the ledger: what waits for a target, who is sending it, and what the target said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.ledger import NODE
from gateway.priority import Priority
from gateway.states import (
    OPEN_DELIVERIES,
    DeliveryEvent,
    DeliveryState,
    InstanceEvent,
    InstanceState,
    next_delivery_state,
)
from gateway.studies import is_whole
from gateway.tables import delivery, instance
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.database import Database


_CLOCK_WAS_SET_BACK_S = 7 * 86_400.0
"""No delay is so long: a try that lies further ahead was planned by a clock that has been set back since."""


_RELEASED = {"claimed_by": None, "lease_until": None, "conversion_wanted": False}
_NOTED = 500
"""Of so many that wait for a dead target the reason is written, so that a long queue is not rewritten each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """One delivery that a forwarder (or, for a conversion, a worker) holds for a while.

    Parameters
    ----------
    attempts
        How often it was tried before.
    sha256
        Of the very file that is to be sent, hexadecimal.
    """

    delivery_id: int
    instance_id: int
    target: str
    attempts: int
    token: str
    sha256: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    series_instance_uid: str
    study_instance_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery that the target has.

    Parameters
    ----------
    status
        What it answered; None where it was not sent because the target had it already.
    why
        A note of ours.
    """

    claimed: ClaimedDelivery
    status: int | None
    why: str | None = None


class Deliveries:
    """The rows of deliveries.

    Parameters
    ----------
    database
        Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        target: str,
        forwarder: str,
        *,
        limit: int,
        lease_s: float,
        whole_studies: bool = False,
        off_peak: bool = True,
    ) -> Sequence[ClaimedDelivery]:
        """Take what is due for a target, by priority, of one priority the oldest first.

        Parameters
        ----------
        whole_studies, off_peak
            As in `is_due`.
        """
        return self._claim(
            _to_send(target, whole_studies=whole_studies, off_peak=off_peak), forwarder, limit=limit, lease_s=lease_s
        )

    def is_due(self, target: str, *, whole_studies: bool = False, off_peak: bool = True) -> bool:
        """Tell whether something is due for a target.

        Parameters
        ----------
        whole_studies
            `completion.release: study`: only of studies that are complete and of which nothing is held or unprocessed.
        off_peak
            Whether what is to leave off-peak may leave now.
        """
        with self._database.read() as connection:
            due = self._due(_to_send(target, whole_studies=whole_studies, off_peak=off_peak), self._database.clock())
            return connection.execute(due.limit(1)).first() is not None

    def note_unreachable(self, target: str, why: str) -> None:
        """Write with what is due for a target that does not answer why it waits; nothing was tried."""
        now = self._database.clock()
        waiting = sa.and_(
            delivery.c.target == target, delivery.c.state == DeliveryState.WAITING.value, delivery.c.next_try_at <= now
        )
        first = sa.select(delivery.c.id).where(waiting).order_by(delivery.c.priority, delivery.c.id).limit(_NOTED)
        with self._database.write() as connection:
            connection.execute(
                delivery.update()
                .where(delivery.c.id.in_(first), sa.or_(delivery.c.why.is_(None), delivery.c.why != why))
                .values(why=why, status=None)
            )

    def claim_conversion(self, worker: str, *, targets: Sequence[str], lease_s: float) -> ClaimedDelivery | None:
        """Take one delivery whose target refused the output's syntax; those of other targets wait."""
        wanted = sa.and_(delivery.c.conversion_wanted.is_(True), delivery.c.target.in_(targets))
        claimed = self._claim(wanted, worker, limit=1, lease_s=lease_s)
        return claimed[0] if claimed else None

    def _claim(
        self, condition: sa.ColumnElement[bool], name: str, *, limit: int, lease_s: float
    ) -> Sequence[ClaimedDelivery]:
        now = self._database.clock()
        due = self._due(condition, now).limit(limit)
        with self._database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return ()  # looking must not take the write lock many times a second
        with self._database.write() as connection:
            rows = connection.execute(due.with_for_update(skip_locked=True)).all()
            connection.execute(
                delivery.update()
                .where(delivery.c.id.in_([row.id for row in rows]))
                .values(claimed_by=name, lease_until=now + lease_s)
            )
        return [_claimed(row) for row in rows]

    def _due(self, condition: sa.ColumnElement[bool], now: float) -> sa.Select[Any]:
        return (
            sa.select(
                delivery,
                instance.c.sop_class_uid,
                instance.c.public_sop_uid,
                instance.c.public_series_uid,
                instance.c.public_study_uid,
            )
            .join(instance, instance.c.id == delivery.c.instance_id)
            .where(
                condition,
                delivery.c.state == DeliveryState.WAITING.value,
                sa.or_(delivery.c.next_try_at <= now, delivery.c.next_try_at > now + _CLOCK_WAS_SET_BACK_S),
                sa.or_(delivery.c.lease_until.is_(None), delivery.c.lease_until < now),
            )
            .order_by(delivery.c.priority, delivery.c.id)
        )

    def never_sent(self, claimed: Sequence[ClaimedDelivery]) -> frozenset[int]:
        """Return which of these deliveries their target was never sent, nor another version under the same UID."""
        other, its = delivery.alias(), instance.alias()
        sent = (
            sa.select(other.c.id)
            .join(its, its.c.id == other.c.instance_id)
            .where(
                other.c.target == delivery.c.target,
                its.c.public_sop_uid == instance.c.public_sop_uid,
                other.c.sent_at.is_not(None),
            )
            .exists()
        )
        rows = (
            sa.select(delivery.c.id)
            .join(instance, instance.c.id == delivery.c.instance_id)
            .where(delivery.c.id.in_([item.delivery_id for item in claimed]), ~sent)
        )
        with self._database.read() as connection:
            return frozenset(connection.execute(rows).scalars())

    def record_sent(self, claimed: ClaimedDelivery, *, status: int, ask_after_s: float | None = None) -> None:
        """Write that the target answered Success or a warning; the instance is done with its last open delivery."""
        self.record_all_sent([Sent(claimed=claimed, status=status)], ask_after_s=ask_after_s)

    def record_all_sent(self, sent: Sequence[Sent], *, ask_after_s: float | None = None) -> None:
        """Write that the target has these, in one transaction; an instance is done with its last open delivery.

        Parameters
        ----------
        ask_after_s
            When the target is to be asked whether it commits to keep them; None where it is not asked.
        """
        now = self._database.clock()
        ask_at = None if ask_after_s is None else now + ask_after_s
        numbers = [one.claimed.delivery_id for one in sent]
        with self._database.write() as connection:
            select = sa.select(delivery.c.id, delivery.c.state).where(delivery.c.id.in_(numbers))
            states = {row.id: DeliveryState(row.state) for row in connection.execute(select)}
            # What was cancelled meanwhile, or sent by another lane whose claim had run out, stays what it is; the
            # audit tells the truth.
            waiting = [one for one in sent if states[one.claimed.delivery_id] is DeliveryState.WAITING]
            for status, why in {(one.status, one.why) for one in waiting}:
                same = [one.claimed.delivery_id for one in waiting if (one.status, one.why) == (status, why)]
                connection.execute(
                    delivery.update()
                    .where(delivery.c.id.in_(same))
                    .values(
                        state=next_delivery_state(DeliveryState.WAITING, DeliveryEvent.SEND).value,
                        attempts=delivery.c.attempts + 1,
                        status=status,
                        why=why,
                        sent_at=now,
                        ask_at=ask_at,
                        **_RELEASED,
                    )
                )
            rows = [self._audit_row(one, states[one.claimed.delivery_id]) for one in sent]
            self._database.append_audits(connection, actor=NODE, rows=rows)
            settle_all(self._database, connection, [one.claimed.instance_id for one in sent])

    @staticmethod
    def _audit_row(one: Sent, state: DeliveryState) -> tuple[str, int, dict[str, str | int | None]]:
        action = "send" if state is DeliveryState.WAITING else f"send_of_{state.value}"
        return action, one.claimed.instance_id, _detail(one.claimed, one.status, one.why)

    def record_failed(self, claimed: ClaimedDelivery, *, status: int | None, why: str) -> None:
        """Write that the target refused for good; the others go on."""
        self._record(claimed, DeliveryEvent.FAIL, action="delivery_failed", status=status, why=why)

    def record_later(self, claimed: ClaimedDelivery, *, delay_s: float, status: int | None, why: str) -> None:
        """Write that it is to be tried again after a delay."""
        with self._database.write() as connection:
            connection.execute(
                delivery.update()
                .where(delivery.c.id == claimed.delivery_id, delivery.c.state == DeliveryState.WAITING.value)
                .values(
                    attempts=claimed.attempts + 1,
                    next_try_at=self._database.clock() + delay_s,
                    status=status,
                    why=why,
                    claimed_by=None,
                    lease_until=None,
                )
            )

    def give_back(self, claimed: Sequence[ClaimedDelivery]) -> None:
        """Return claimed deliveries that were not tried."""
        with self._database.write() as connection:
            connection.execute(
                delivery.update()
                .where(delivery.c.id.in_([item.delivery_id for item in claimed]))
                .values(claimed_by=None, lease_until=None)
            )

    def want_conversion(self, claimed: ClaimedDelivery) -> None:
        """Ask a worker for a lossless output in another syntax, because the target refused this one."""
        with self._database.write() as connection:
            connection.execute(
                delivery.update()
                .where(delivery.c.id == claimed.delivery_id)
                .values(conversion_wanted=True, claimed_by=None, lease_until=None)
            )

    def record_converted(self, claimed: ClaimedDelivery, *, token: str, sha256: str, transfer_syntax_uid: str) -> bool:
        """Let the delivery name the converted file from now on; False when it was cancelled meanwhile."""
        with self._database.write() as connection:
            changed = connection.execute(
                delivery.update()
                .where(delivery.c.id == claimed.delivery_id, delivery.c.state == DeliveryState.WAITING.value)
                .values(
                    output_token=token,
                    output_sha256=sha256,
                    output_syntax_uid=transfer_syntax_uid,
                    conversion_wanted=False,
                    claimed_by=None,
                    lease_until=None,
                )
            ).rowcount
            self._database.append_audit(
                connection,
                actor=NODE,
                action="convert",
                instance_id=claimed.instance_id,
                detail={"target": claimed.target, "syntax": transfer_syntax_uid, "output_sha256": sha256},
            )
        return changed == 1

    def _record(self, claimed: ClaimedDelivery, event: DeliveryEvent, *, action: str, **columns: Any) -> None:
        with self._database.write() as connection:
            current = connection.execute(
                sa.select(delivery.c.state).where(delivery.c.id == claimed.delivery_id)
            ).scalar_one()
            if current != DeliveryState.WAITING.value:
                # Cancelled, or sent by another lane whose claim had run out, while this target was answering: the
                # truth is told in the audit, the state stays.
                action = f"{action}_of_{current}"
            else:
                state = next_delivery_state(DeliveryState(current), event)
                connection.execute(
                    delivery.update()
                    .where(delivery.c.id == claimed.delivery_id)
                    .values(
                        state=state.value,
                        attempts=claimed.attempts + 1,
                        **_RELEASED,
                        **columns,
                    )
                )
            self._database.append_audit(
                connection,
                actor=NODE,
                action=action,
                instance_id=claimed.instance_id,
                detail=_detail(claimed, columns.get("status"), columns.get("why")),
            )
            settle(self._database, connection, claimed.instance_id)


def failure_reason() -> sa.ScalarSelect[str]:
    """Return, as a column beside an instance, the reason under which its failed deliveries hold it; NULL without one.

    A target that takes neither the syntax nor its substitute is told apart: another target setting mends that, and
    nothing is wrong with the object.
    """
    why = sa.func.max(sa.case((delivery.c.why == Reason.NOT_ACCEPTED_BY_TARGET.value, delivery.c.why), else_=""))
    reason = sa.case((why != "", why), else_=Reason.DELIVERY_FAILED.value)
    return (
        sa.select(reason)
        .where(delivery.c.instance_id == instance.c.id, delivery.c.state == DeliveryState.FAILED.value)
        .group_by(delivery.c.instance_id)
        .correlate(instance)
        .scalar_subquery()
    )


def settle(database: Database, connection: sa.Connection, instance_id: int) -> None:
    """Mark a clean instance done when no delivery of it is open."""
    settle_all(database, connection, [instance_id])


def settle_all(database: Database, connection: sa.Connection, instance_ids: Sequence[int]) -> None:
    """Mark those of these instances done that are clean and of which no delivery is open."""
    still_open = (
        sa.select(delivery.c.id)
        .where(delivery.c.instance_id == instance.c.id, delivery.c.state.in_([s.value for s in OPEN_DELIVERIES]))
        .exists()
    )
    settled = sa.select(instance.c.id).where(
        instance.c.id.in_(instance_ids), instance.c.state == InstanceState.CLEAN.value, ~still_open
    )
    done = connection.execute(settled).scalars().all()
    if done:
        database.apply_to_all(connection, done, InstanceEvent.DELIVER)


def _to_send(target: str, *, whole_studies: bool, off_peak: bool) -> sa.ColumnElement[bool]:
    wanted = [delivery.c.target == target, delivery.c.conversion_wanted.is_(False)]
    if whole_studies:
        wanted.append(is_whole())
    if not off_peak:
        wanted.append(delivery.c.priority < int(Priority.OFF_PEAK))
    return sa.and_(*wanted)


def _detail(claimed: ClaimedDelivery, status: int | None, why: str | None) -> dict[str, str | int | None]:
    return {"target": claimed.target, "status": status, "why": why, "output_sha256": claimed.sha256}


def _claimed(row: Any) -> ClaimedDelivery:
    return ClaimedDelivery(
        delivery_id=row.id,
        instance_id=row.instance_id,
        target=row.target,
        attempts=row.attempts,
        token=row.output_token,
        sha256=row.output_sha256,
        sop_class_uid=row.sop_class_uid,
        sop_instance_uid=row.public_sop_uid,
        transfer_syntax_uid=row.output_syntax_uid,
        series_instance_uid=row.public_series_uid,
        study_instance_uid=row.public_study_uid,
    )
