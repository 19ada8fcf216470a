"""Storage commitment in the ledger: whom to ask about what, what was asked, and what the answers change.

A request is written down before it leaves, so that its answer is known whenever and wherever it arrives. An answer
counts for the very send that it was asked about; an older one, and one that another node gives, changes nothing. Every
method is one transaction.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa

from gateway.commitment import Reference
from gateway.ledger import NODE
from gateway.states import DeliveryEvent, DeliveryState, InstanceEvent, InstanceState, next_delivery_state
from gateway.statuses import NO_SUCH_OBJECT_INSTANCE
from gateway.tables import commitment, commitment_item, delivery, instance

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gateway.commitment import Report
    from gateway.database import Database

ASK_AFTER_S = 10.0
"""What was sent is asked about so much later: a study is then asked about together, and the target has filed it."""

MOST_IN_ONE_REQUEST = 100
_MOST_TIMES_MISSING = 3
"""So often is sent again what the target says it does not have; then a person looks."""

_CURRENT = (InstanceState.CLEAN.value, InstanceState.DONE.value)


class Answered(StrEnum):
    """What an answer means for one delivery, as the metric's label says it."""

    CONFIRMED = "confirmed"
    """The target commits to keep it."""
    MISSING = "missing"
    """The target does not have it; it is sent again."""
    FAILED = "failed"
    """The target does not commit to keep it, for a reason that a person has to look at."""
    OUTDATED = "outdated"
    """It was sent again, rejected or superseded since; nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One storage commitment request, written down and to be sent.

    Parameters
    ----------
    unanswered
        How many of its instances were asked about before, in vain.
    """

    commitment_id: int
    target: str
    transaction_uid: str
    references: tuple[Reference, ...]
    unanswered: int


class Commitments:
    """The rows of storage commitment.

    Parameters
    ----------
    database
        Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def follow(self, targets: Collection[str]) -> None:
        """Fit what is to be asked to the configuration.

        What was sent to these targets and is still kept here is asked about; nothing that was sent to others is.
        """
        with self._database.write() as connection:
            connection.execute(
                delivery.update()
                .where(delivery.c.target.not_in(list(targets)), delivery.c.ask_at.is_not(None))
                .values(ask_at=None)
            )
            for target in targets:
                self._adopt(connection, target)

    def begin(self, target: str, *, asked: bool) -> None:
        """Set out what is to be asked of one target; to be called when its forwarder starts.

        A forwarder of an earlier configuration may have sent until a moment ago. What was asked and not answered is
        due now, since the answer may have come while nobody listened; answers to the earlier requests still count.
        """
        sent = sa.and_(delivery.c.target == target, delivery.c.state == DeliveryState.SENT.value)
        values = {"ask_at": self._database.clock() if asked else None}
        with self._database.write() as connection:
            connection.execute(delivery.update().where(sent, delivery.c.ask_at.is_not(None)).values(values))
            if asked:
                self._adopt(connection, target)

    def _adopt(self, connection: sa.Connection, target: str) -> None:
        kept = sa.select(instance.c.id).where(instance.c.output_kept, instance.c.state.in_(_CURRENT))
        connection.execute(
            delivery.update()
            .where(delivery.c.target == target, delivery.c.state == DeliveryState.SENT.value)
            .where(delivery.c.ask_at.is_(None), delivery.c.instance_id.in_(kept))
            .values(ask_at=self._database.clock())
        )

    def next_request(self, target: str, *, timeout_s: float, limit: int = MOST_IN_ONE_REQUEST) -> Request | None:
        """Write down the next request to a target, None where nothing is due; instances of one study stand together.

        Parameters
        ----------
        timeout_s
            Without an answer for so long, the same instances are due again.
        """
        now = self._database.clock()
        longest = max(timeout_s, ASK_AFTER_S)
        asked_before = sa.exists().where(commitment_item.c.delivery_id == delivery.c.id)
        due = (
            sa.select(
                delivery.c.id,
                delivery.c.sent_at,
                instance.c.sop_class_uid,
                instance.c.public_sop_uid,
                asked_before.label("asked_before"),
            )
            .join(instance, instance.c.id == delivery.c.instance_id)
            .where(
                delivery.c.target == target,
                delivery.c.state == DeliveryState.SENT.value,
                # Further ahead than any wait: a clock that has been set back since, or a shorter timeout now.
                sa.or_(delivery.c.ask_at <= now, delivery.c.ask_at > now + longest),
                instance.c.state.in_(_CURRENT),
            )
            .order_by(instance.c.public_study_uid, delivery.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return None  # looking must not take the write lock every time
        with self._database.write() as connection:
            rows = connection.execute(due).all()
            return self._written(connection, target, rows, due_again_at=now + timeout_s) if rows else None

    def _written(self, connection: sa.Connection, target: str, rows: Sequence[Any], *, due_again_at: float) -> Request:
        uid = f"2.25.{uuid4().int}"
        values = {"transaction_uid": uid, "target": target, "made_at": self._database.clock()}
        key = connection.execute(commitment.insert().values(values)).inserted_primary_key
        assert key is not None
        number = int(key[0])
        items = [{"commitment_id": number, "delivery_id": row.id, "sent_at": row.sent_at} for row in rows]
        connection.execute(commitment_item.insert(), items)
        connection.execute(
            delivery.update().where(delivery.c.id.in_([row.id for row in rows])).values(ask_at=due_again_at)
        )
        references = [Reference(sop_class_uid=row.sop_class_uid, sop_instance_uid=row.public_sop_uid) for row in rows]
        return Request(
            commitment_id=number,
            target=target,
            transaction_uid=uid,
            references=tuple(dict.fromkeys(references)),
            unanswered=sum(bool(row.asked_before) for row in rows),
        )

    def record_asked(self, request: Request) -> None:
        """Write that the target has taken the request; its answer is waited for."""
        with self._database.write() as connection:
            connection.execute(
                commitment.update()
                .where(commitment.c.id == request.commitment_id)
                .values(asked_at=self._database.clock())
            )
            self._database.append_audit(
                connection,
                actor=NODE,
                action="ask_commitment",
                instance_id=None,
                detail={
                    "target": request.target,
                    "commitment": request.commitment_id,
                    "count": len(request.references),
                    "unanswered": request.unanswered,
                },
            )

    def record_not_asked(self, request: Request, *, maybe: bool) -> None:
        """Write that the request did not come through: its instances are due now, in another request.

        Parameters
        ----------
        maybe
            The target may have taken it, since only its answer is missing: what it reports still counts.
        """
        with self._database.write() as connection:
            items = sa.select(commitment_item.c.delivery_id).where(
                commitment_item.c.commitment_id == request.commitment_id
            )
            connection.execute(
                delivery.update()
                .where(delivery.c.id.in_(items), delivery.c.state == DeliveryState.SENT.value)
                .values(ask_at=self._database.clock())
            )
            if not maybe:
                connection.execute(commitment.delete().where(commitment.c.id == request.commitment_id))

    def record_report(self, target: str, report: Report) -> Mapping[Answered, int] | None:
        """Write what a target told; None, and nothing changes, where it was never asked that.

        What it names neither as kept nor as failed stays unanswered.
        """
        with self._database.write() as connection:
            asked = connection.execute(
                sa.select(commitment.c.id).where(
                    commitment.c.transaction_uid == report.transaction_uid, commitment.c.target == target
                )
            ).scalar()
            if asked is None:
                return None
            counts: Counter[Answered] = Counter()
            for row in connection.execute(_items_of(asked)).all():
                reference = Reference(sop_class_uid=row.sop_class_uid, sop_instance_uid=row.public_sop_uid)
                if reference in report.failed:
                    counts[self._disavowed(connection, row, report.failed[reference])] += 1
                elif reference in report.kept:
                    counts[self._kept(connection, row)] += 1
            connection.execute(
                commitment.update().where(commitment.c.id == asked).values(answered_at=self._database.clock())
            )
        return counts

    def _kept(self, connection: sa.Connection, row: Any) -> Answered:
        if not _is_about_this_send(row):
            return self._outdated(connection, row)
        self._change(connection, row, DeliveryEvent.CONFIRM, action="confirm", times_missing=0)
        return Answered.CONFIRMED

    def _disavowed(self, connection: sa.Connection, row: Any, reason: int | None) -> Answered:
        if not _is_about_this_send(row) or row.instance_state not in _CURRENT:
            return self._outdated(connection, row)
        is_missing = reason == NO_SUCH_OBJECT_INSTANCE
        if is_missing and row.output_kept and row.times_missing < _MOST_TIMES_MISSING:
            columns = {"attempts": 0, "next_try_at": self._database.clock(), "times_missing": row.times_missing + 1}
            self._change(connection, row, DeliveryEvent.RESEND, action="missing_at_target", reason=reason, **columns)
            if row.instance_state == InstanceState.DONE.value:
                self._database.apply(connection, row.instance_id, InstanceEvent.RESEND)
            return Answered.MISSING
        why = "missing_at_target" if is_missing else "not_committed_by_target"
        self._change(connection, row, DeliveryEvent.FAIL, action=why, reason=reason, status=reason, why=why)
        if row.instance_state == InstanceState.DONE.value:
            self._database.apply(connection, row.instance_id, InstanceEvent.DISAVOW)
        return Answered.FAILED

    def _change(
        self,
        connection: sa.Connection,
        row: Any,
        event: DeliveryEvent,
        *,
        action: str,
        reason: int | None = None,
        **columns: Any,
    ) -> None:
        state = next_delivery_state(DeliveryState(row.delivery_state), event)
        connection.execute(
            delivery.update().where(delivery.c.id == row.delivery_id).values(state=state.value, ask_at=None, **columns)
        )
        connection.execute(commitment_item.delete().where(commitment_item.c.delivery_id == row.delivery_id))
        self._database.append_audit(
            connection,
            actor=NODE,
            action=action,
            instance_id=row.instance_id,
            detail={"target": row.target, "commitment": row.commitment_id, "reason": reason},
        )

    def _outdated(self, connection: sa.Connection, row: Any) -> Answered:
        connection.execute(
            commitment_item.delete().where(
                commitment_item.c.commitment_id == row.commitment_id, commitment_item.c.delivery_id == row.delivery_id
            )
        )
        return Answered.OUTDATED


def _items_of(commitment_id: int) -> sa.Select[Any]:
    return (
        sa.select(
            commitment_item.c.commitment_id,
            commitment_item.c.sent_at.label("asked_about"),
            delivery.c.id.label("delivery_id"),
            delivery.c.state.label("delivery_state"),
            delivery.c.sent_at,
            delivery.c.target,
            delivery.c.times_missing,
            instance.c.id.label("instance_id"),
            instance.c.state.label("instance_state"),
            instance.c.output_kept,
            instance.c.sop_class_uid,
            instance.c.public_sop_uid,
        )
        .join(delivery, delivery.c.id == commitment_item.c.delivery_id)
        .join(instance, instance.c.id == delivery.c.instance_id)
        .where(commitment_item.c.commitment_id == commitment_id)
    )


def _is_about_this_send(row: Any) -> bool:
    return bool(row.delivery_state == DeliveryState.SENT.value and row.sent_at == row.asked_about)


def unconfirmed() -> sa.ColumnElement[bool]:
    """Return, as a condition on an instance, that a target has not yet committed to keep it although it is asked."""
    return sa.exists().where(
        delivery.c.instance_id == instance.c.id,
        delivery.c.state == DeliveryState.SENT.value,
        delivery.c.ask_at.is_not(None),
    )
