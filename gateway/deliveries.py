"""Deliveries in the ledger: what waits for a target, who is sending it, and what the target said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.ledger import NODE
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
        self, target: str, forwarder: str, *, limit: int, lease_s: float, whole_studies: bool = False
    ) -> Sequence[ClaimedDelivery]:
        """Take what is due for a target, oldest first.

        Parameters
        ----------
        whole_studies
            `completion.release: study`: only of studies that are complete and of which nothing is held or unprocessed.
        """
        wanted = [delivery.c.target == target, delivery.c.conversion_wanted.is_(False)]
        return self._claim(
            sa.and_(*wanted, is_whole()) if whole_studies else sa.and_(*wanted),
            forwarder,
            limit=limit,
            lease_s=lease_s,
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
        due = (
            sa.select(delivery, instance.c.sop_class_uid, instance.c.public_sop_uid)
            .join(instance, instance.c.id == delivery.c.instance_id)
            .where(
                condition,
                delivery.c.state == DeliveryState.WAITING.value,
                sa.or_(delivery.c.next_try_at <= now, delivery.c.next_try_at > now + _CLOCK_WAS_SET_BACK_S),
                sa.or_(delivery.c.lease_until.is_(None), delivery.c.lease_until < now),
            )
            .order_by(delivery.c.id)
            .limit(limit)
        )
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

    def record_sent(self, claimed: ClaimedDelivery, *, status: int, ask_after_s: float | None = None) -> None:
        """Write that the target answered Success or a warning; the instance is done with its last open delivery.

        Parameters
        ----------
        ask_after_s
            When the target is to be asked whether it commits to keep it; None where it is not asked.
        """
        now = self._database.clock()
        ask_at = None if ask_after_s is None else now + ask_after_s
        self._record(claimed, DeliveryEvent.SEND, action="send", status=status, why=None, sent_at=now, ask_at=ask_at)

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
                        claimed_by=None,
                        lease_until=None,
                        conversion_wanted=False,
                        **columns,
                    )
                )
            self._database.append_audit(
                connection,
                actor=NODE,
                action=action,
                instance_id=claimed.instance_id,
                detail={
                    "target": claimed.target,
                    "status": columns.get("status"),
                    "why": columns.get("why"),
                    "output_sha256": claimed.sha256,
                },
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
    state = connection.execute(sa.select(instance.c.state).where(instance.c.id == instance_id)).scalar_one()
    if state != InstanceState.CLEAN.value:
        return
    still_open = connection.execute(
        sa.select(sa.func.count())
        .select_from(delivery)
        .where(delivery.c.instance_id == instance_id, delivery.c.state.in_([s.value for s in OPEN_DELIVERIES]))
    ).scalar_one()
    if still_open == 0:
        database.apply(connection, instance_id, InstanceEvent.DELIVER)


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
    )
