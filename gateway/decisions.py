"""What a person may decide about an instance: look, release, reject, try again.

Nothing here can send original bytes: a release needs a scrubbed result that the pipeline wrote, exists for two
reasons only, and sends exactly that result. Everything else runs the whole pipeline again or says no.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.deliveries import failure_reason
from gateway.entries import Identity, Output
from gateway.ledger import cancel_deliveries, insert_deliveries, supersede
from gateway.priority import Priority
from gateway.states import (
    DeliveryEvent,
    DeliveryState,
    ImpossibleEventError,
    InstanceEvent,
    InstanceState,
    next_delivery_state,
)
from gateway.tables import audit, delivery, instance
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.database import Database

RELEASABLE = frozenset({Reason.RESIDUAL_TEXT.value, Reason.CONE_UNCERTAIN.value})
"""The only reasons under which a scrubbed, redacted result may exist and be let go by a person."""


class NotPossibleError(Exception):
    """The decision cannot be taken; the text says why, for the person at the shell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldInstance:
    """One row of the review queue: nothing of the patient, only our own numbers and names."""

    instance_id: int
    reason: str
    note: str
    node: str
    rule: str | None
    sop_class_uid: str
    received_at: float
    size_bytes: int
    releasable: bool


class Decisions:
    """What a person may do.

    Parameters
    ----------
    database
        The ledger.
    actor
        Who decides: the login name, for the audit.
    """

    def __init__(self, database: Database, *, actor: str) -> None:
        self._database = database
        self._actor = actor

    def held(self) -> Sequence[HeldInstance]:
        """Return what waits for a decision, oldest first; a failed delivery waits too."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(instance, failure_reason().label("failure"))
                .where(
                    sa.or_(
                        instance.c.state == InstanceState.HELD.value,
                        sa.and_(instance.c.state == InstanceState.CLEAN.value, failure_reason().is_not(None)),
                    )
                )
                .order_by(instance.c.id)
            ).all()
        return [_held_row(row) for row in rows]

    def show(self, instance_id: int) -> Mapping[str, Any]:
        """Return all that the ledger says about an instance, source identifiers left out."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(instance).where(instance.c.id == instance_id)).mappings().first()
            if row is None:
                raise NotPossibleError(f"there is no instance {instance_id}")
            deliveries = connection.execute(sa.select(delivery).where(delivery.c.instance_id == instance_id)).mappings()
            history = connection.execute(
                _AUDITED.where(audit.c.instance_id == instance_id).order_by(audit.c.id)
            ).mappings()
            shown = {k: v for k, v in row.items() if not isinstance(v, bytes)}
            return {**shown, "deliveries": [dict(d) for d in deliveries], "history": [dict(h) for h in history]}

    def release(
        self, instance_id: int, *, targets: Sequence[str], reason: str, priority: Priority = Priority.NORMAL
    ) -> None:
        """Let the scrubbed result of a held instance go to its rule's targets, with its rule's priority.

        Raises
        ------
        NotPossibleError
            When the instance is not held, is held for another reason, or has no scrubbed result.
        """
        with self._database.write() as connection:
            row = self._row(connection, instance_id)
            if row.state != InstanceState.HELD.value or row.reason not in RELEASABLE:
                raise NotPossibleError(
                    f"instance {instance_id} cannot be released: only what is held as residual_text or cone_uncertain "
                    "has a scrubbed result; use retry or reject"
                )
            if row.output_token is None or not row.output_kept:
                raise NotPossibleError(f"instance {instance_id} has no scrubbed result to release; use retry or reject")
            if not targets:
                raise NotPossibleError(f"the rule of instance {instance_id} names no target any more")
            self._database.apply(connection, instance_id, InstanceEvent.RELEASE)
            insert_deliveries(self._database, connection, instance_id, targets, stored_output(row), priority=priority)
            self._audit(connection, "release", instance_id, {"reason": row.reason, "why": reason})

    def reject(self, instance_id: int, *, reason: str) -> None:
        """Say that a held instance, or one that a target refused, must not leave (any further)."""
        with self._database.write() as connection:
            row = self._row(connection, instance_id)
            if row.state == InstanceState.CLEAN.value and not self._has_failed_delivery(connection, instance_id):
                raise NotPossibleError(f"instance {instance_id} is not held")
            self._apply(connection, instance_id, InstanceEvent.REJECT, f"instance {instance_id} is not held")
            cancel_deliveries(connection, instance_id)
            self._audit(connection, "reject", instance_id, {"reason": row.reason, "why": reason})

    def retry(self, instance_id: int) -> str | None:
        """Try again now: the pipeline for a held instance, the failed deliveries of a clean one.

        Retrying what is held as a correction accepts it: the earlier object under the same UID is superseded, and a
        changed pseudonym is the study's from then on.

        Returns
        -------
        str or None
            The spool token of a result that is not needed any more.
        """
        with self._database.write() as connection:
            row = self._row(connection, instance_id)
            if row.state == InstanceState.CLEAN.value:
                if self._change_deliveries(connection, instance_id, DeliveryEvent.RETRY, DeliveryState.FAILED) == 0:
                    raise NotPossibleError(f"instance {instance_id} has no failed delivery")
                self._audit(connection, "retry", instance_id, {"what": "deliveries"})
                return None
            if row.reason == Reason.CORRECTION.value:
                self._supersede_earlier(connection, row)
            self._apply(
                connection,
                instance_id,
                InstanceEvent.RETRY,
                f"instance {instance_id} is not held",
                reason=None,
                note=None,
                attempts=0,
                accepted=row.accepted or row.reason == Reason.CORRECTION.value,
                output_token=None,
                output_kept=False,
            )
            self._audit(connection, "retry", instance_id, {"what": "pipeline", "reason": row.reason})
            return str(row.output_token) if row.output_token else None

    def resend(self, instance_id: int) -> int:
        """Send again, byte for byte, what was sent of an instance; return to how many targets."""
        with self._database.write() as connection:
            row = self._row(connection, instance_id)
            sent = connection.execute(
                sa.select(delivery.c.target).where(
                    delivery.c.instance_id == instance_id,
                    delivery.c.state.in_([DeliveryState.SENT.value, DeliveryState.CONFIRMED.value]),
                )
            ).scalars()
            targets = sent.all()
            if row.state not in {InstanceState.CLEAN.value, InstanceState.DONE.value} or not targets:
                raise NotPossibleError(f"nothing of instance {instance_id} was sent")
            if not row.output_kept:
                raise NotPossibleError(f"the output of instance {instance_id} was deleted by storage.retention")
            for target in targets:
                self._reopen(connection, instance_id, target, DeliveryEvent.RESEND)
            self._audit(connection, "resend", instance_id, {"count": len(targets)})
        return len(targets)

    def retry_target(self, target: str, *, resend: bool) -> int:
        """Make everything that waits for a target due now, failed ones included; with `resend`, sent ones too."""
        now = self._database.clock()
        with self._database.write() as connection:
            waiting = connection.execute(
                delivery.update()
                .where(delivery.c.target == target, delivery.c.state == DeliveryState.WAITING.value)
                .values(next_try_at=now)
            ).rowcount
            wanted = [DeliveryState.FAILED.value]
            if resend:
                wanted += [DeliveryState.SENT.value, DeliveryState.CONFIRMED.value]
            rows = connection.execute(
                sa.select(delivery.c.instance_id, delivery.c.state)
                .join(instance, instance.c.id == delivery.c.instance_id)
                .where(
                    delivery.c.target == target,
                    delivery.c.state.in_(wanted),
                    instance.c.output_kept,
                    instance.c.state.in_([InstanceState.CLEAN.value, InstanceState.DONE.value]),
                )
            ).all()
            for row in rows:
                sent = row.state != DeliveryState.FAILED.value
                self._reopen(connection, row.instance_id, target, DeliveryEvent.RESEND if sent else DeliveryEvent.RETRY)
            self._audit(connection, "retry_target", None, {"target": target, "count": len(rows) + waiting})
        return len(rows) + waiting

    def _reopen(self, connection: sa.Connection, instance_id: int, target: str, event: DeliveryEvent) -> None:
        state = self._row(connection, instance_id).state
        if state == InstanceState.DONE.value:
            self._database.apply(connection, instance_id, InstanceEvent.RESEND)
        row = connection.execute(
            sa.select(delivery).where(delivery.c.instance_id == instance_id, delivery.c.target == target)
        ).one()
        connection.execute(
            delivery.update()
            .where(delivery.c.id == row.id)
            .values(
                state=next_delivery_state(DeliveryState(row.state), event).value,
                next_try_at=self._database.clock(),
                attempts=0,
                times_missing=0,
            )
        )

    def _change_deliveries(
        self, connection: sa.Connection, instance_id: int, event: DeliveryEvent, state: DeliveryState
    ) -> int:
        return connection.execute(
            delivery.update()
            .where(delivery.c.instance_id == instance_id, delivery.c.state == state.value)
            .values(
                state=next_delivery_state(state, event).value,
                next_try_at=self._database.clock(),
                attempts=0,
                times_missing=0,
            )
        ).rowcount

    def _supersede_earlier(self, connection: sa.Connection, row: Any) -> None:
        others = connection.execute(
            sa.select(instance.c.id).where(
                instance.c.sop_index == row.sop_index,
                instance.c.id < row.id,  # a correction that came later still waits for its own decision
                instance.c.state.in_(
                    [
                        InstanceState.RECEIVED.value,
                        InstanceState.CLEAN.value,
                        InstanceState.DONE.value,
                        InstanceState.HELD.value,
                    ]
                ),
            )
        ).scalars()
        for other in others.all():
            supersede(self._database, connection, other)

    def _apply(
        self, connection: sa.Connection, instance_id: int, event: InstanceEvent, refusal: str, **columns: Any
    ) -> None:
        try:
            self._database.apply(connection, instance_id, event, **columns)
        except ImpossibleEventError:
            raise NotPossibleError(refusal) from None

    def _row(self, connection: sa.Connection, instance_id: int) -> Any:
        row = connection.execute(sa.select(instance).where(instance.c.id == instance_id)).first()
        if row is None:
            raise NotPossibleError(f"there is no instance {instance_id}")
        return row

    def _has_failed_delivery(self, connection: sa.Connection, instance_id: int) -> bool:
        found = connection.execute(
            sa.select(delivery.c.id).where(
                delivery.c.instance_id == instance_id, delivery.c.state == DeliveryState.FAILED.value
            )
        ).first()
        return found is not None

    def _audit(
        self, connection: sa.Connection, action: str, instance_id: int | None, detail: Mapping[str, str | int | None]
    ) -> None:
        self._database.append_audit(
            connection, actor=self._actor, action=action, instance_id=instance_id, detail=detail
        )


_AUDITED = sa.select(audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.instance_id, audit.c.detail)


def _held_row(row: Any) -> HeldInstance:
    delivery_failed = row.state == InstanceState.CLEAN.value
    return HeldInstance(
        instance_id=row.id,
        reason=row.failure if delivery_failed else row.reason,
        note="a target refused it for good, or does not commit to keep it; `held show` names target and status"
        if delivery_failed
        else row.note,
        node=row.node,
        rule=row.rule,
        sop_class_uid=row.sop_class_uid,
        received_at=row.received_at,
        size_bytes=row.size_bytes,
        releasable=not delivery_failed and row.reason in RELEASABLE and row.output_token is not None,
    )


def stored_output(row: Any) -> Output:
    """Return the output that an instance's row tells of."""
    return Output(
        token=row.output_token,
        sha256=row.output_sha256,
        size_bytes=row.output_bytes,
        transfer_syntax_uid=row.output_syntax_uid,
        sop_instance_uid=row.public_sop_uid,
        series_instance_uid=row.public_series_uid,
        study_instance_uid=row.public_study_uid,
        pseudonym=row.pseudonym,
        profile_sha256=row.profile_sha256,
        record=row.record,
        identity=Identity(
            subject_index=row.subject_index,
            patient_index=row.patient_index,
            withdrawal_indexes=(),  # what is withdrawn is not held any more, so nobody can release it
            crosswalk=row.crosswalk,
        ),
    )
