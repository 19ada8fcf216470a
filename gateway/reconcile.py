"""The accounting equation: what was acknowledged equals what is somewhere.

    acknowledged = received + clean + held + sent + confirmed + refused + rejected + suppressed + superseded

The left side is counted from the receipts journal, which only the receiver writes; the right side from the rows; and
rows are compared with the files of the spool. Repeated identical sends (`suppressed`) are information. A discrepancy
names the instance or the spool token: our own names, never a patient's.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.counts import Counts, count
from gateway.spool import Shelf, Spool
from gateway.states import OPEN_DELIVERIES, DeliveryState, InstanceState
from gateway.tables import delivery, instance, receipt
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gateway.database import Database

_SECOND_LOOK_AFTER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing that does not add up.

    Parameters
    ----------
    kind
        From a closed list, for scripts.
    subject
        `instance N` or `originals/TOKEN`, `outputs/TOKEN`, `receipt TOKEN`.
    """

    kind: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The equation and what contradicts it."""

    counts: Counts
    discrepancies: tuple[Discrepancy, ...]

    @property
    def balanced(self) -> bool:
        """Whether both sides are equal and nothing contradicts them."""
        return not self.discrepancies and self.counts.acknowledged == sum(self.counts.states.values())


def reconcile(database: Database, spool: Spool, *, hash_outputs: bool = False) -> Account:
    """Compare receipts, rows and files.

    A running node moves files and rows in two steps. What looks wrong is therefore looked at once more a moment
    later, and only what is wrong both times is told.

    Parameters
    ----------
    hash_outputs
        Also read every output and compare its SHA-256 with the ledger's.
    """
    first = _look(database, spool, hash_outputs=hash_outputs)
    if first.balanced:
        return first
    time.sleep(_SECOND_LOOK_AFTER_S)
    second = _look(database, spool, hash_outputs=hash_outputs)
    known = set(first.discrepancies)
    return Account(counts=second.counts, discrepancies=tuple(d for d in second.discrepancies if d in known))


def _look(database: Database, spool: Spool, *, hash_outputs: bool) -> Account:
    files = {(file.shelf, file.token): file.size_bytes for file in spool.files()}
    with database.snapshot() as connection:
        counts = count(connection, now=database.clock())
        found = [
            *_receipts_against_rows(connection),
            *_rows_against_files(connection, spool, files, hash_outputs=hash_outputs),
            *_rows_against_themselves(connection),
        ]
    return Account(counts=counts, discrepancies=tuple(found))


def _receipts_against_rows(connection: sa.Connection) -> Iterator[Discrepancy]:
    without_row = sa.select(receipt.c.token).where(~sa.exists().where(instance.c.token == receipt.c.token))
    for token in connection.execute(without_row).scalars():
        yield Discrepancy(kind="acknowledged_but_no_row", subject=f"receipt {token}")
    without_receipt = sa.select(instance.c.id).where(~sa.exists().where(receipt.c.token == instance.c.token))
    for instance_id in connection.execute(without_receipt).scalars():
        yield Discrepancy(kind="row_without_receipt", subject=f"instance {instance_id}")


def _rows_against_files(
    connection: sa.Connection, spool: Spool, files: dict[tuple[Shelf, str], int], *, hash_outputs: bool
) -> Iterator[Discrepancy]:
    unexplained = dict(files)
    for row in connection.execute(sa.select(instance)):
        if row.original_kept:
            yield from _check_file(unexplained, files, Shelf.ORIGINALS, row.token, row.size_bytes)
        if row.output_kept and row.output_token is not None:
            yield from _check_file(unexplained, files, Shelf.OUTPUTS, row.output_token, row.output_bytes)
            if hash_outputs:
                yield from _check_hash(spool.path(Shelf.OUTPUTS, row.output_token), row)
    converted = (
        sa.select(delivery.c.output_token)
        .join(instance, instance.c.id == delivery.c.instance_id)
        .where(instance.c.output_kept, delivery.c.output_token != instance.c.output_token)
    )
    for token in connection.execute(converted).scalars():
        yield from _check_file(unexplained, files, Shelf.OUTPUTS, token, None)
    for shelf, token in unexplained:
        yield Discrepancy(kind="file_without_row", subject=f"{shelf}/{token}")


def _check_file(
    unexplained: dict[tuple[Shelf, str], int],
    files: dict[tuple[Shelf, str], int],
    shelf: Shelf,
    token: str,
    size_bytes: int | None,
) -> Iterator[Discrepancy]:
    unexplained.pop((shelf, token), None)
    found = files.get((shelf, token))
    if found is None:
        yield Discrepancy(kind="file_missing", subject=f"{shelf}/{token}")
    elif size_bytes is not None and found != size_bytes:
        yield Discrepancy(kind="file_size_differs", subject=f"{shelf}/{token}")


def _check_hash(path: Path, row: Any) -> Iterator[Discrepancy]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return  # told as missing already, or removed since the files were listed
    if digest != row.output_sha256:
        yield Discrepancy(kind="file_bytes_differ", subject=f"{Shelf.OUTPUTS}/{row.output_token}")


def _rows_against_themselves(connection: sa.Connection) -> Iterator[Discrepancy]:
    lost = sa.select(instance.c.id).where(
        instance.c.state.in_([InstanceState.RECEIVED.value, InstanceState.HELD.value]),
        instance.c.original_kept.is_(False),
        instance.c.output_kept.is_(False),
    )
    for instance_id in connection.execute(lost).scalars():
        yield Discrepancy(kind="waiting_without_bytes", subject=f"instance {instance_id}")
    differing = sa.select(instance.c.id).where(
        instance.c.state == InstanceState.HELD.value, instance.c.reason == Reason.CORRECTION.value
    )
    for instance_id in connection.execute(differing).scalars():
        yield Discrepancy(kind="differing_resend_undecided", subject=f"instance {instance_id}")
    for instance_id in _wrongly_done(connection):
        yield Discrepancy(kind="done_with_open_delivery", subject=f"instance {instance_id}")
    deliverable = [DeliveryState.WAITING.value, DeliveryState.FAILED.value]
    stuck = sa.select(instance.c.id).where(
        instance.c.state == InstanceState.CLEAN.value,
        ~sa.exists().where(delivery.c.instance_id == instance.c.id, delivery.c.state.in_(deliverable)),
    )
    for instance_id in connection.execute(stuck).scalars():
        yield Discrepancy(kind="clean_without_delivery", subject=f"instance {instance_id}")


def _wrongly_done(connection: sa.Connection) -> Sequence[int]:
    return (
        connection.execute(
            sa.select(instance.c.id).where(
                instance.c.state == InstanceState.DONE.value,
                sa.exists().where(
                    delivery.c.instance_id == instance.c.id,
                    delivery.c.state.in_([state.value for state in OPEN_DELIVERIES]),
                ),
            )
        )
        .scalars()
        .all()
    )
