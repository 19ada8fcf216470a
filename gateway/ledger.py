"""Instances in the ledger: their arrival, their claiming by workers, and the pipeline's outcome.

Every method is one transaction. What changes a state goes through `Database.apply`; who decided stands in the audit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.arrival_rows import ArrivalRows
from gateway.entries import Claim
from gateway.objections import any_withdrawn, objection_to
from gateway.states import OPEN_DELIVERIES, DeliveryState, InstanceEvent, InstanceState
from gateway.tables import delivery, instance, receipt
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.database import Database
    from gateway.entries import NewInstance, Output, Route
    from gateway.priority import Priority

NODE = "node"
"""The actor of what the program decides by itself."""

_NOT_CURRENT = (InstanceState.SUPPRESSED.value, InstanceState.SUPERSEDED.value, InstanceState.REFUSED.value)
"""Not compared with what arrives. Refused: a rule said so, and after the rule was mended the object may come again."""


class Ledger:
    """The rows of instances.

    Parameters
    ----------
    database
        Where they are.
    replace_duplicates
        `storage.duplicates: replace`: other bytes under a known UID take the old one's place instead of being held.
    """

    def __init__(self, database: Database, *, replace_duplicates: bool) -> None:
        self._database = database
        self._replace = replace_duplicates

    def record_arrival(self, new: NewInstance) -> InstanceState:
        """Write receipt and row of an object and return its state; when this returns, both are durable.

        `suppressed` means that the caller's file is not needed: the same bytes are here under another token.
        """
        return self.record_arrivals([new])[0]

    def record_arrivals(self, arrived: Sequence[NewInstance]) -> list[InstanceState]:
        """Write receipts and rows of objects in one transaction, all or none, and return their states."""
        with self._database.write() as connection:
            rows = ArrivalRows(self._database, connection, actor=NODE)
            known = rows.known(arrived)
            states = []
            for new in arrived:
                state, reason = InstanceState.RECEIVED, None
                if new.sop_index in known:
                    rows.write()  # it may be one of these
                    state, reason = self._judge_duplicate(connection, new)
                known.add(new.sop_index)
                rows.add(new, state, reason)
                states.append(state)
            rows.write()
        return states

    def is_withdrawn(self, indexes: Sequence[bytes]) -> bool:
        """Tell whether a withdrawal stands under one of these (see `gateway.subjects`)."""
        with self._database.read() as connection:
            return any_withdrawn(connection, indexes)

    def was_withdrawn(self, claim: Claim) -> bool:
        """Tell whether consent was withdrawn while a worker held the instance."""
        with self._database.read() as connection:
            reason = connection.execute(sa.select(instance.c.reason).where(instance.c.id == claim.instance_id)).scalar()
        return reason == Reason.WITHDRAWN.value

    def has_receipt(self, token: str) -> bool:
        """Tell whether an object of that name was acknowledged."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(receipt.c.id).where(receipt.c.token == token)).first()
        return found is not None

    def newest_seal(self) -> tuple[str, bytes] | None:
        """Return token and sealed identifiers of the newest instance, None where there is none."""
        newest = sa.select(instance.c.token, instance.c.sealed).order_by(instance.c.id.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(newest).first()
        return None if row is None else (str(row.token), bytes(row.sealed))

    def names_output(self, token: str) -> bool:
        """Tell whether an instance names an output of that name."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(instance.c.id).where(instance.c.output_token == token)).first()
        return found is not None

    def _judge_duplicate(self, connection: sa.Connection, new: NewInstance) -> tuple[InstanceState, str | None]:
        # What was withdrawn is not compared: the same object again is looked at and, while that stands, held.
        withdrawn = sa.and_(
            instance.c.state == InstanceState.REJECTED.value,
            sa.func.coalesce(instance.c.reason, "") == Reason.WITHDRAWN.value,
        )
        current = connection.execute(
            sa.select(instance.c.id, instance.c.content_sha256, instance.c.state)
            .where(instance.c.sop_index == new.sop_index, instance.c.state.not_in(_NOT_CURRENT), ~withdrawn)
            .order_by(instance.c.id.desc())
        ).all()
        if any(row.content_sha256 == new.content_sha256 for row in current):
            return InstanceState.SUPPRESSED, None
        if not current:
            return InstanceState.RECEIVED, None
        # Somebody said no to the object under this UID: other bytes do not undo that.
        rejected = any(row.state == InstanceState.REJECTED.value for row in current)
        if rejected or not self._replace:
            return InstanceState.HELD, Reason.CORRECTION.value
        for row in current:
            supersede(self._database, connection, row.id)
        return InstanceState.RECEIVED, None

    def claim(self, worker: str, *, lease_s: float, max_attempts: int) -> Claim | None:
        """Take the oldest waiting instance, or None.

        One that was claimed `max_attempts` times without any outcome ended its workers and is held instead.
        """
        while True:
            now = self._database.clock()
            waiting = (
                sa.select(instance)
                .where(
                    instance.c.state == InstanceState.RECEIVED.value,
                    sa.or_(instance.c.lease_until.is_(None), instance.c.lease_until < now),
                )
                .order_by(instance.c.id)
                .limit(1)
            )
            with self._database.read() as connection:
                if connection.execute(waiting).first() is None:
                    return None  # looking must not take the write lock many times a second
            with self._database.write() as connection:
                row = connection.execute(waiting.with_for_update(skip_locked=True)).first()
                if row is None:
                    return None
                if row.attempts < max_attempts:
                    lease = {"claimed_by": worker, "lease_until": now + lease_s, "attempts": row.attempts + 1}
                    connection.execute(instance.update().where(instance.c.id == row.id).values(lease))
                    return _claim(row)
                note = "processing was started several times and never ended; the program itself may be at fault"
                hold(self._database, connection, row.id, reason=Reason.WORKER_CRASHED, note=note)

    def record_clean(self, claim: Claim, worker: str, route: Route, output: Output) -> bool:
        """Write a verified output and one delivery per target; False when the claim was lost meanwhile."""
        with self._database.write() as connection:
            if not self._still_ours(connection, claim, worker):
                return False
            objection = objection_to(connection, claim.instance_id, route, output)
            columns = {**route.columns(), **output.columns(), **_UNCLAIMED}
            if objection is not None:
                reason, note = objection
                hold(self._database, connection, claim.instance_id, reason=reason, note=note, **columns)
                return True
            self._database.apply(connection, claim.instance_id, InstanceEvent.CLEAN, reason=None, note=None, **columns)
            insert_deliveries(
                self._database, connection, claim.instance_id, route.targets, output, priority=route.priority
            )
            self._database.append_audit(
                connection,
                actor=NODE,
                action="clean",
                instance_id=claim.instance_id,
                detail={"rule": route.rule, "profile": route.profile, "output_sha256": output.sha256},
            )
        return True

    def record_held(
        self, claim: Claim, worker: str, route: Route | None, *, reason: Reason, note: str, output: Output | None
    ) -> bool:
        """Write why an instance is held, with its scrubbed result where one exists; False when the claim was lost."""
        columns = {**(route.columns() if route else {}), **(output.columns() if output else {}), **_UNCLAIMED}
        with self._database.write() as connection:
            if not self._still_ours(connection, claim, worker):
                return False
            if output is not None and route is not None:
                # Under none of these reasons can a release send the result.
                reason, note = objection_to(connection, claim.instance_id, route, output) or (reason, note)
            hold(self._database, connection, claim.instance_id, reason=reason, note=note, **columns)
        return True

    def record_refused(self, claim: Claim, worker: str, route: Route) -> bool:
        """Write that a rule refuses the instance; False when the claim was lost."""
        with self._database.write() as connection:
            if not self._still_ours(connection, claim, worker):
                return False
            self._database.apply(
                connection, claim.instance_id, InstanceEvent.REFUSE, **route.columns(), **_UNCLAIMED, note=None
            )
            self._database.append_audit(
                connection, actor=NODE, action="refuse", instance_id=claim.instance_id, detail={"rule": route.rule}
            )
        return True

    def give_back(self, claim: Claim, worker: str) -> None:
        """Return an unprocessed instance to the queue; the attempt does not count."""
        with self._database.write() as connection:
            if self._still_ours(connection, claim, worker):
                connection.execute(
                    instance.update()
                    .where(instance.c.id == claim.instance_id)
                    .values(claimed_by=None, lease_until=None, attempts=claim.attempt - 1)
                )

    def release_claims(self, worker: str | None) -> int:
        """Free what a worker that has ended (or, with None, any process of an earlier run) had claimed."""
        freed = 0
        with self._database.write() as connection:
            for table in (instance, delivery):
                claimed = table.c.claimed_by.is_not(None) if worker is None else table.c.claimed_by == worker
                freed += connection.execute(table.update().where(claimed).values(**_UNCLAIMED)).rowcount
        return freed

    def overdue_workers(self) -> Sequence[str]:
        """Return the names of workers whose lease ran out: they hang."""
        with self._database.read() as connection:
            return (
                connection.execute(
                    sa.select(instance.c.claimed_by).where(
                        instance.c.state == InstanceState.RECEIVED.value,
                        instance.c.claimed_by.is_not(None),
                        instance.c.lease_until < self._database.clock(),
                    )
                )
                .scalars()
                .all()
            )

    def _still_ours(self, connection: sa.Connection, claim: Claim, worker: str) -> bool:
        row = connection.execute(
            sa.select(instance.c.state, instance.c.claimed_by).where(instance.c.id == claim.instance_id)
        ).one()
        return bool(row.state == InstanceState.RECEIVED.value and row.claimed_by == worker)


_UNCLAIMED: Mapping[str, None] = {"claimed_by": None, "lease_until": None}


def _claim(row: Any) -> Claim:
    return Claim(
        instance_id=row.id,
        token=row.token,
        node=row.node,
        calling_aet=row.calling_aet,
        called_aet=row.called_aet,
        size_bytes=row.size_bytes,
        readable=row.readable,
        study_index=row.study_index,
        received_at=row.received_at,
        attempt=row.attempts + 1,
    )


def hold(
    database: Database, connection: sa.Connection, instance_id: int, *, reason: Reason, note: str, **columns: Any
) -> None:
    """Hold an instance inside the caller's transaction."""
    values = {**_UNCLAIMED, **columns}
    database.apply(connection, instance_id, InstanceEvent.HOLD, reason=reason.value, note=note[:200], **values)
    database.append_audit(
        connection, actor=NODE, action="hold", instance_id=instance_id, detail={"reason": reason.value}
    )


def supersede(database: Database, connection: sa.Connection, instance_id: int) -> None:
    """Put an instance aside because other bytes under its UID take its place; what waits of it is cancelled."""
    cancel_deliveries(connection, instance_id)
    database.apply(connection, instance_id, InstanceEvent.SUPERSEDE, **_UNCLAIMED)
    database.append_audit(connection, actor=NODE, action="supersede", instance_id=instance_id, detail={})


def cancel_deliveries(connection: sa.Connection, instance_id: int) -> None:
    """Cancel what is open of an instance: waiting and failed deliveries both may be (see `gateway.states`)."""
    connection.execute(
        delivery.update()
        .where(delivery.c.instance_id == instance_id, delivery.c.state.in_([s.value for s in OPEN_DELIVERIES]))
        .values(state=DeliveryState.CANCELLED.value, **_UNCLAIMED)
    )


def insert_deliveries(
    database: Database,
    connection: sa.Connection,
    instance_id: int,
    targets: Sequence[str],
    output: Output,
    *,
    priority: Priority,
) -> None:
    """Create one waiting delivery per target for a verified output."""
    # A reprocessed instance has cancelled deliveries of its earlier output.
    connection.execute(delivery.delete().where(delivery.c.instance_id == instance_id))
    connection.execute(
        delivery.insert(),
        [
            {
                "instance_id": instance_id,
                "target": target,
                "state": DeliveryState.WAITING.value,
                "attempts": 0,
                "next_try_at": database.clock(),
                "conversion_wanted": False,
                "priority": int(priority),
                "output_token": output.token,
                "output_sha256": output.sha256,
                "output_syntax_uid": output.transfer_syntax_uid,
            }
            for target in targets
        ],
    )
