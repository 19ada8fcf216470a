"""The rows of arriving objects: receipt, instance and audit, written with statements that are compiled once.

Several hundred arrive each second, and building a statement anew for each costs more than its execution. The statements
are made from the tables of `tables`, so that these stay the one place that names columns.

Rule of the file: what is written, never whether; states and reasons are decided in `ledger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.database import Prepared
from gateway.states import InstanceState
from gateway.tables import instance, receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.database import Database
    from gateway.entries import NewInstance

_RECEIPT = Prepared.insert(receipt, ("token", "at", "node", "size_bytes", "content_sha256"))
_INSTANCE = Prepared.insert(
    instance,
    (
        "id", "token", "state", "reason", "note", "node", "calling_aet", "called_aet", "sop_class_uid",
        "transfer_syntax_uid", "readable", "sop_index", "study_index", "patient_index", "sealed", "content_sha256",
        "size_bytes", "received_at", "changed_at", "original_kept", "output_kept", "attempts",
    ),
)  # fmt: skip
_SAME_UID = Prepared.of(sa.select(instance.c.id).where(instance.c.sop_index == sa.bindparam("sop_index")))
_OTHER_BYTES = "another object with this UID and other bytes is here already"


class ArrivalRows:
    """Gathers the rows of one transaction and writes them together.

    Parameters
    ----------
    database, connection
        Inside `Database.write`.
    actor
        Of the audit rows.
    """

    def __init__(self, database: Database, connection: sa.Connection, *, actor: str) -> None:
        self._database = database
        self._connection = connection
        self._actor = actor
        self._now = database.clock()
        self._next_id = database.greatest_number(connection, instance) + 1
        self._gathered: list[tuple[int, NewInstance, InstanceState, str | None]] = []

    def known(self, arrived: Sequence[NewInstance]) -> set[bytes]:
        """Return those of their UIDs, as indexes, under which something is written already."""
        with self._database.cursor(self._connection) as cursor:
            return {
                new.sop_index
                for new in arrived
                if cursor.execute(_SAME_UID.sql, _SAME_UID.values({"sop_index": new.sop_index})).fetchone()
            }

    def add(self, new: NewInstance, state: InstanceState, reason: str | None) -> None:
        """Gather what is to be written about one object."""
        self._gathered.append((self._next_id, new, state, reason))
        self._next_id += 1

    def write(self) -> None:
        """Write what was gathered since the last time; it is durable when the transaction is."""
        gathered, self._gathered = self._gathered, []
        if not gathered:
            return
        receipts = [_receipt_row(new, self._now) for _, new, _, _ in gathered]
        instances = [_instance_row(number, new, self._now, state, reason) for number, new, state, reason in gathered]
        with self._database.cursor(self._connection) as cursor:
            cursor.executemany(_RECEIPT.sql, map(_RECEIPT.values, receipts))
            cursor.executemany(_INSTANCE.sql, map(_INSTANCE.values, instances))
        self._database.append_audits(
            self._connection,
            actor=self._actor,
            rows=[
                ("receive", number, {"node": new.node, "state": state.value, "reason": reason})
                for number, new, state, reason in gathered
            ],
        )


def _receipt_row(new: NewInstance, now: float) -> dict[str, Any]:
    return {
        "token": new.token,
        "at": now,
        "node": new.node,
        "size_bytes": new.size_bytes,
        "content_sha256": new.content_sha256,
    }


def _instance_row(
    number: int, new: NewInstance, now: float, state: InstanceState, reason: str | None
) -> dict[str, Any]:
    return {
        "id": number,
        "token": new.token,
        "state": state.value,
        "reason": reason,
        "note": _OTHER_BYTES if reason else None,
        "node": new.node,
        "calling_aet": new.calling_aet,
        "called_aet": new.called_aet,
        "sop_class_uid": new.sop_class_uid,
        "transfer_syntax_uid": new.transfer_syntax_uid,
        "readable": new.readable,
        "sop_index": new.sop_index,
        "study_index": new.study_index,
        "patient_index": new.patient_index,
        "sealed": new.sealed,
        "content_sha256": new.content_sha256,
        "size_bytes": new.size_bytes,
        "received_at": now,
        "changed_at": now,
        "original_kept": state is not InstanceState.SUPPRESSED,
        "output_kept": False,
        "attempts": 0,
    }
