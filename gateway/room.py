"""Whether there is room for another object: bytes, inodes, and a queue that is not too long.

It is asked before an association for storage is accepted, since many senders never repeat what was answered with
0xA700, then before each object, and while a large one is being written. Nothing has to be switched back: as soon as
there is room, objects are taken again.

Rule of the file: looks, and remembers only a count for a second; who is told what is decided by the callers.
"""

from __future__ import annotations

import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.states import InstanceState
from gateway.tables import instance

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.database import Database
    from gateway.spool import Spool

_COUNTED_FOR_S = 1.0
_INODE_SHARE = 0.02
_MOST_RESERVED_INODES = 10_000
_BEGUN_MAY_TAKE = 0.5
"""Share of the reserve that objects which have begun already may use up; the workers' own limit is the same."""


class Shortage(StrEnum):
    """What there is too little of, as the log says it."""

    SPACE = "disk_reserve"
    INODES = "inodes"
    QUEUE = "queue"


class Room:
    """Room on a node's disk and in its queue. Asked from many threads.

    Parameters
    ----------
    spool
        Where objects lie.
    reserve_bytes
        `storage.reserve_space`.
    queue_limit
        `processing.queue_limit`; 0 sets none.
    waiting
        Counts what waits to be de-identified (`waiting_in`).
    """

    def __init__(
        self, spool: Spool, *, reserve_bytes: int, queue_limit: int = 0, waiting: Callable[[], int] = lambda: 0
    ) -> None:
        self._spool = spool
        self._reserve_bytes = reserve_bytes
        self.queue_limit = queue_limit
        self._waiting = waiting
        self._lock = threading.Lock()
        self._counted_at = float("-inf")
        self._count = 0

    def shortage(self) -> Shortage | None:
        """Return what keeps another object from being taken, None where nothing does."""
        if self._spool.free_bytes() < self._reserve_bytes:
            return Shortage.SPACE
        total, free = self._spool.inodes()
        if total and free < min(total * _INODE_SHARE, _MOST_RESERVED_INODES):
            return Shortage.INODES
        if self.queue_limit and self._queued() >= self.queue_limit:
            return Shortage.QUEUE
        return None

    def is_exhausted(self) -> bool:
        """Tell whether even an object that has begun must not go on: the ledger needs what is left."""
        return self._spool.free_bytes() < self._reserve_bytes * _BEGUN_MAY_TAKE

    def _queued(self) -> int:
        with self._lock:
            if time.monotonic() - self._counted_at >= _COUNTED_FOR_S:
                self._count, self._counted_at = self._waiting(), time.monotonic()
            return self._count


def waiting_in(database: Database) -> Callable[[], int]:
    """Return a function that counts what waits in a ledger to be de-identified."""

    def count() -> int:
        received = instance.c.state == InstanceState.RECEIVED.value
        with database.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(instance).where(received)).scalar_one()

    return count
