"""The audit as a hash chain: each row holds the hash of the row before it and of its own content.

Whoever changes, inserts or removes a row inside the chain breaks every hash after it. A row cut off at the end leaves a
gap in the numbers once the next is written, and until then a smaller last number than the database has given out; who
could also rewrite everything to the end is found by a hash that was noted elsewhere (`sonoveil audit verify` prints
it, and every exported message carries its row's).

Rule of the file: what is hashed is said here alone, so that the migration, who writes and who verifies agree.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.tables import audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateway.database import Database

BEFORE_THE_FIRST = bytes(32)
"""What the first row holds as the hash of the row before."""
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
_BATCH = 1000
_AS_STORED = tuple(
    sa.type_coerce(column, sa.Text).label("detail") if column.name == "detail" else column for column in audit.c
)
"""A detail that is no JSON any more must be found, not trip whoever reads it."""


def row_sha256(
    previous: bytes, *, at: float, actor: str, action: str, instance_id: int | None, detail: Mapping[str, Any]
) -> bytes:
    """Return the hash of a row: SHA-256 over the hash of the row before and its content as canonical JSON.

    Parameters
    ----------
    previous
        The hash of the row before, 32 bytes; `BEFORE_THE_FIRST` for the first.
    """
    content = [float(at), actor, action, instance_id, dict(detail)]
    return hashlib.sha256(previous + _CANONICAL.encode(content).encode("ascii")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What verifying found.

    Parameters
    ----------
    rows
        How many rows hold, from the first on.
    last_id, last_sha256
        Number and hash of the last row that holds; 0 and `BEFORE_THE_FIRST` where none does.
    broken_id
        The first row that does not fit to the one before; None when all do.
    """

    rows: int
    last_id: int
    last_sha256: bytes
    broken_id: int | None

    @property
    def holds(self) -> bool:
        """Whether nothing was changed, inserted or removed."""
        return self.broken_id is None


def verify(database: Database, *, noted: tuple[int, bytes] | None = None) -> Chain:
    """Walk the chain from its first row and stop at the first that does not fit.

    Rows are read in parts: nothing but appending can happen to them, so no snapshot is needed and a writer never waits.

    Parameters
    ----------
    noted
        Number and hash of a row that were noted at another time; a chain that was rewritten does not have them.
    """
    given_out = max(database.newest_audit_number(), noted[0] if noted is not None else 0)
    rows, last_id, previous = 0, 0, BEFORE_THE_FIRST
    for row in read(database, columns=_AS_STORED):
        fits = row.id == last_id + 1 and row.previous_sha256 == previous and row.sha256 == _hash_of(row, previous)
        if not fits or (noted is not None and noted[0] == row.id and noted[1] != row.sha256):
            return Chain(rows=rows, last_id=last_id, last_sha256=previous, broken_id=row.id)
        rows, last_id, previous = rows + 1, row.id, bytes(row.sha256)
    cut_off = last_id + 1 if last_id < given_out else None
    return Chain(rows=rows, last_id=last_id, last_sha256=previous, broken_id=cut_off)


def read(database: Database, *, after: int = 0, columns: Sequence[Any] = tuple(audit.c)) -> Iterator[Any]:
    """Yield the rows with a greater number, in order."""
    while True:
        some = sa.select(*columns).where(audit.c.id > after).order_by(audit.c.id).limit(_BATCH)
        with database.read() as connection:
            found = connection.execute(some).all()
        yield from found
        if len(found) < _BATCH:
            return
        after = found[-1].id


def _hash_of(row: Any, previous: bytes) -> bytes | None:
    """Return the hash of a row as it is stored; None where it holds what nobody here writes, and so no hash fits it."""
    try:
        return row_sha256(
            previous,
            at=row.at,
            actor=row.actor,
            action=row.action,
            instance_id=row.instance_id,
            detail=json.loads(row.detail),
        )
    except (TypeError, ValueError):
        return None
