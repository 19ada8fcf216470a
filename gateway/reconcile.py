"""The accounting equation: what was acknowledged equals what is somewhere.

    acknowledged = received + clean + held + sent + confirmed + refused + rejected + suppressed + superseded

The left side is counted from the receipts journal, which only the receiver writes; the right side from the rows; and
rows are compared with the files of the spool, and the audit with itself. Repeated identical sends (`suppressed`) are
information. A discrepancy names the instance or the spool token: our own names, never a patient's.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.audit_chain import verify
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
STALE_AFTER_S = 3600.0
"""An unfinished file to which nothing was written for so long is nobody's any more."""


class Kind(StrEnum):
    """What does not add up: a closed list, for scripts and the metric."""

    NO_ROW = "acknowledged_but_no_row"
    """A receipt, and no instance."""
    NO_RECEIPT = "row_without_receipt"
    """An instance that was never acknowledged."""
    MISSING = "file_missing"
    """A row says that its file is here."""
    SIZE = "file_size_differs"
    """The file is shorter or longer than the row says."""
    BYTES = "file_bytes_differ"
    """The output is not what was verified; looked for with `--hash`."""
    ORPHAN = "file_without_row"
    """An object that no row names."""
    PART = "part_file"
    """An unfinished file that nobody writes any more."""
    NO_BYTES = "waiting_without_bytes"
    """An instance that waits, and by its row has no file."""
    DIFFERING = "differing_resend_undecided"
    """The same UID came again with other bytes, and nobody has decided yet."""
    OPEN = "done_with_open_delivery"
    """Done, and something is still to be sent."""
    NOTHING_OPEN = "clean_without_delivery"
    """To be sent, and nothing is to be sent."""
    CHAIN = "audit_chain_broken"
    """The first audit row that was changed, or that follows one that is gone."""
    NOT_RECEIVED = "not_acknowledged"
    """A source lists instances of a study that were not acknowledged here; looked for with `--find`."""
    NOT_AT_TARGET = "not_at_target"
    """A target does not list what it was sent; likewise."""
    NOT_ASKED = "not_asked"
    """A node could not be asked; likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing that does not add up.

    Parameters
    ----------
    subject
        `instance N`, `originals/TOKEN`, `outputs/TOKEN`, `incoming/NAME`, `receipt TOKEN`, `audit N` or `node NAME…`.
    """

    kind: Kind
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
    """Compare receipts, rows and files, and verify the audit's chain.

    A running node moves files and rows in two steps. What looks wrong is therefore looked at once more a moment
    later, and only what is wrong both times is told.

    Parameters
    ----------
    hash_outputs
        Also read every output and compare its SHA-256 with the ledger's.
    """
    account = _look(database, spool, hash_outputs=hash_outputs)
    if not account.balanced:
        time.sleep(_SECOND_LOOK_AFTER_S)
        second = _look(database, spool, hash_outputs=hash_outputs)
        known = set(account.discrepancies)
        account = Account(counts=second.counts, discrepancies=tuple(d for d in second.discrepancies if d in known))
    chain = verify(database)
    if chain.holds:
        return account
    broken = Discrepancy(kind=Kind.CHAIN, subject=f"audit {chain.broken_id}")
    return Account(counts=account.counts, discrepancies=(*account.discrepancies, broken))


def _look(database: Database, spool: Spool, *, hash_outputs: bool) -> Account:
    files = {(file.shelf, file.token): file.size_bytes for file in spool.files()}
    with database.snapshot() as connection:
        counts = count(connection, now=database.clock())
        found = [
            *_receipts_against_rows(connection),
            *_rows_against_files(connection, spool, files, hash_outputs=hash_outputs),
            *_rows_against_themselves(connection),
            *_unfinished(spool),
        ]
    return Account(counts=counts, discrepancies=tuple(found))


def _receipts_against_rows(connection: sa.Connection) -> Iterator[Discrepancy]:
    without_row = sa.select(receipt.c.token).where(~sa.exists().where(instance.c.token == receipt.c.token))
    for token in connection.execute(without_row).scalars():
        yield Discrepancy(kind=Kind.NO_ROW, subject=f"receipt {token}")
    without_receipt = sa.select(instance.c.id).where(~sa.exists().where(receipt.c.token == instance.c.token))
    for instance_id in connection.execute(without_receipt).scalars():
        yield Discrepancy(kind=Kind.NO_RECEIPT, subject=f"instance {instance_id}")


def _rows_against_files(
    connection: sa.Connection, spool: Spool, files: dict[tuple[Shelf, str], int], *, hash_outputs: bool
) -> Iterator[Discrepancy]:
    unexplained = dict(files)
    for row in connection.execute(_KEPT):
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
        yield Discrepancy(kind=Kind.ORPHAN, subject=_orphan_subject(spool, shelf, token))


_KEPT = sa.select(
    instance.c.token,
    instance.c.size_bytes,
    instance.c.original_kept,
    instance.c.output_kept,
    instance.c.output_token,
    instance.c.output_bytes,
    instance.c.output_sha256,
).where(sa.or_(instance.c.original_kept, instance.c.output_kept))


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
        yield Discrepancy(kind=Kind.MISSING, subject=f"{shelf}/{token}")
    elif size_bytes is not None and found != size_bytes:
        yield Discrepancy(kind=Kind.SIZE, subject=f"{shelf}/{token}")


def _check_hash(path: Path, row: Any) -> Iterator[Discrepancy]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return  # told as missing already, or removed since the files were listed
    if digest != row.output_sha256:
        yield Discrepancy(kind=Kind.BYTES, subject=f"{Shelf.OUTPUTS}/{row.output_token}")


def _rows_against_themselves(connection: sa.Connection) -> Iterator[Discrepancy]:
    waits = instance.c.state.in_([InstanceState.RECEIVED.value, InstanceState.HELD.value])
    no_file = sa.and_(waits, instance.c.original_kept.is_(False), instance.c.output_kept.is_(False))
    no_output = sa.and_(instance.c.state == InstanceState.CLEAN.value, instance.c.output_kept.is_(False))
    for instance_id in connection.execute(sa.select(instance.c.id).where(sa.or_(no_file, no_output))).scalars():
        yield Discrepancy(kind=Kind.NO_BYTES, subject=f"instance {instance_id}")
    differing = sa.select(instance.c.id).where(
        instance.c.state == InstanceState.HELD.value, instance.c.reason == Reason.CORRECTION.value
    )
    for instance_id in connection.execute(differing).scalars():
        yield Discrepancy(kind=Kind.DIFFERING, subject=f"instance {instance_id}")
    for instance_id in _wrongly_done(connection):
        yield Discrepancy(kind=Kind.OPEN, subject=f"instance {instance_id}")
    deliverable = [DeliveryState.WAITING.value, DeliveryState.FAILED.value]
    stuck = sa.select(instance.c.id).where(
        instance.c.state == InstanceState.CLEAN.value,
        ~sa.exists().where(delivery.c.instance_id == instance.c.id, delivery.c.state.in_(deliverable)),
    )
    for instance_id in connection.execute(stuck).scalars():
        yield Discrepancy(kind=Kind.NOTHING_OPEN, subject=f"instance {instance_id}")


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


def _unfinished(spool: Spool) -> Iterator[Discrepancy]:
    for path in spool.stale(older_than_s=STALE_AFTER_S):
        yield Discrepancy(kind=Kind.PART, subject=part_subject(spool, path))


def _orphan_subject(spool: Spool, shelf: Shelf, token: str) -> str:
    """Return under which name a file without a row is told: a name that somebody else gave may be a patient's."""
    try:
        spool.path(shelf, token)
    except ValueError:
        return f"{shelf}/a name that is not ours"
    return f"{shelf}/{token}"


def part_subject(spool: Spool, path: Path) -> str:
    """Return under which name an unfinished file is told: ours as they are, a name somebody else gave by its inode."""
    room = path.relative_to(spool.root).parts[0]
    ours = re.fullmatch(r"\.?[0-9a-f]{32}[A-Za-z0-9._-]{0,32}", path.name, re.ASCII)
    return f"{room}/{path.name}" if ours else f"{room}/inode {path.stat().st_ino}"
