"""Deleting what is not needed any more, and only that.

Originals go when an instance is done (or decided against) and their retention has passed; outputs and sidecars after
theirs. What is received or held keeps its bytes for as long as it takes, and so does what a target has been sent and
is asked to commit to keep, until it does.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import log
from gateway.commitments import unconfirmed
from gateway.ledger import NODE
from gateway.spool import Shelf, Spool
from gateway.states import InstanceState
from gateway.tables import delivery, instance, receipt

if TYPE_CHECKING:
    from config.schema import Retention
    from gateway.database import Database

_FINAL = (
    InstanceState.DONE.value,
    InstanceState.REFUSED.value,
    InstanceState.REJECTED.value,
    InstanceState.SUPERSEDED.value,
)
_BATCH = 500


def clean_up_after_crash(database: Database, spool: Spool) -> int:
    """Remove unfinished files and files that no row names; to be called when nothing else runs.

    An original that was acknowledged is never removed, even when its row is gone: reconciling names it. A pull may be
    taking objects in: it loses what it has no receipt for, and its peer is told so.
    """
    with spool.intake_lock(exclusive=True):
        removed = _remove_leftovers(database, spool)
    if removed:
        log.event("removed_leftovers", count=removed)
    return removed


def _remove_leftovers(database: Database, spool: Spool) -> int:
    removed = spool.clear_incoming()
    for leftover in list(spool.leftovers()):
        leftover.unlink()
        removed += 1
    with database.snapshot() as connection:
        acknowledged = set(connection.execute(sa.select(receipt.c.token)).scalars())
        forgotten = sa.select(instance.c.token).where(instance.c.original_kept.is_(False))
        acknowledged -= set(connection.execute(forgotten).scalars())
        outputs = set(connection.execute(sa.select(instance.c.output_token).where(instance.c.output_kept)).scalars())
        converted = sa.select(delivery.c.output_token).join(instance, instance.c.id == delivery.c.instance_id)
        outputs |= set(connection.execute(converted.where(instance.c.output_kept)).scalars())
    for file in list(spool.files()):
        known = acknowledged if file.shelf is Shelf.ORIGINALS else outputs
        if file.token not in known:
            spool.remove(file.shelf, file.token)
            removed += 1
    return removed


def apply_retention(database: Database, spool: Spool, retention: Retention) -> int:
    """Delete what is past its retention; return how many files."""
    now = database.clock()
    removed = _forget_originals(database, spool, before=now - retention.originals.total_seconds())
    removed += _forget_outputs(database, spool, before=now - retention.outputs.total_seconds())
    removed += _forget_sidecars(spool, older_than_s=retention.sidecar.total_seconds())
    return removed


def _is_past(before: float) -> sa.ColumnElement[bool]:
    needed = sa.and_(instance.c.state == InstanceState.DONE.value, unconfirmed())
    return sa.and_(instance.c.state.in_(_FINAL), instance.c.changed_at <= before, ~needed)


def _forget_originals(database: Database, spool: Spool, *, before: float) -> int:
    due = sa.select(instance.c.id, instance.c.token).where(instance.c.original_kept, _is_past(before)).limit(_BATCH)
    with database.read() as connection:
        rows = connection.execute(due).all()
    if not rows:
        return 0
    # The row first: a file too many is found by reconciling, a row that promises a missing file is a lie.
    _mark(database, [row.id for row in rows], action="delete_originals", original_kept=False)
    for row in rows:
        spool.remove(Shelf.ORIGINALS, row.token)
    return len(rows)


def _forget_outputs(database: Database, spool: Spool, *, before: float) -> int:
    due = (
        sa.select(instance.c.id, instance.c.output_token).where(instance.c.output_kept, _is_past(before)).limit(_BATCH)
    )
    with database.read() as connection:
        rows = connection.execute(due).all()
        ids = [row.id for row in rows]
        converted = connection.execute(sa.select(delivery.c.output_token).where(delivery.c.instance_id.in_(ids)))
        tokens = {row.output_token for row in rows} | set(converted.scalars())
    if not rows:
        return 0
    _mark(database, ids, action="delete_outputs", output_kept=False)
    for token in tokens:
        spool.remove(Shelf.OUTPUTS, token)
    return len(tokens)


def _mark(database: Database, ids: list[int], *, action: str, **columns: bool) -> None:
    with database.write() as connection:
        connection.execute(instance.update().where(instance.c.id.in_(ids)).values(**columns))
        database.append_audit(
            connection,
            actor=NODE,
            action=action,
            instance_id=None,
            detail={"count": len(ids), "first": min(ids), "last": max(ids)},
        )


def _forget_sidecars(spool: Spool, *, older_than_s: float) -> int:
    limit = time.time() - older_than_s
    removed = 0
    for path in spool.sidecar.glob("*.csv"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
