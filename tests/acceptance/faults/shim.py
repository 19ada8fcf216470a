"""The driver of `shim.c`: which call of which process on which path kills, fails or waits; what is written down.

Rule of the file: the layout of `struct control` stands here and in `shim.c`, nowhere else.
"""

from __future__ import annotations

import mmap
import struct
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import TYPE_CHECKING

from tests.peers.programs import find, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCE = Path(__file__).with_name("shim.c")
_MAGIC = 0x46415553
_HEAD = struct.Struct("<IIq512s512s")
_RULE = struct.Struct("<IIiiIiIiII88s")
_HITS_AT = 32
_RULES = 8


class Op(IntFlag):
    """What a process does to the disk."""

    CREATE = 1
    WRITE = 2
    SYNC = 4
    RENAME = 8
    UNLINK = 16
    TRUNCATE = 32
    MKDIR = 64
    SYNC_FOLDER = 128
    ALIEN = 256

    CHANGE = CREATE | WRITE | RENAME | UNLINK | TRUNCATE | MKDIR
    GROW = CREATE | WRITE


class Action(IntEnum):
    """What happens at it."""

    KILL_BEFORE = 1
    KILL_AFTER = 2
    FAIL = 3
    DELAY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point in the life of a process at which something happens.

    Parameters
    ----------
    ops, path
        Which calls, on paths that contain this (under the storage).
    action, argument
        What; the errno of `FAIL`, the milliseconds of `DELAY`.
    nth
        At which such call, from 1.
    lasting
        At every one from then on.
    after
        Calls count from when this other point was reached.
    """

    ops: Op
    path: str
    action: Action
    argument: int = 0
    nth: int = 1
    lasting: bool = False
    after: Point | None = None


class Shim:
    """A compiled shim with the control file of one storage.

    Parameters
    ----------
    folder
        For the library, the control file and the journal; not the storage.
    root
        The storage: only paths in it are looked at.
    """

    def __init__(self, folder: Path, *, root: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.journal = folder / "journal"
        self._library = folder / "shim.so"
        control = folder / "control"
        subprocess.run(
            [find("cc"), "-O1", "-shared", "-fPIC", "-o", self._library, _SOURCE, "-ldl", "-lpthread"], check=True
        )
        head = _HEAD.pack(_MAGIC, 0, 0, str(root.resolve()).encode(), str(self.journal).encode())
        control.write_bytes(head + bytes(_RULE.size * _RULES))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(self._library), "FAULTS_CONTROL": str(control)}

    def record(self) -> None:
        """Write the journal from now on."""
        struct.pack_into("<I", self._control, 4, 1)

    def position(self) -> int:
        """Return how long the journal is: what stands before it has happened."""
        return self.journal.stat().st_size if self.journal.exists() else 0

    def set_clock(self, seconds: float) -> None:
        """Let the wall clock of the processes be so far ahead (or behind)."""
        struct.pack_into("<q", self._control, 8, int(seconds * 1e9))

    def arm(self, point: Point, *, pid: int = 0) -> int:
        """Let a point count from now on, for one process or (0) for all; return its number, for `hits`."""
        chain = [point]
        while chain[0].after is not None:
            chain.insert(0, chain[0].after)
        self.disarm()
        for number, link in enumerate(chain):
            packed = _RULE.pack(
                0, link.ops, pid, link.nth, link.action, link.argument, link.lasting, number, 0, 0, link.path.encode()
            )
            self._control[self._at(number) : self._at(number) + _RULE.size] = packed
        for number in range(len(chain)):
            struct.pack_into("<I", self._control, self._at(number), 1)
        return len(chain) - 1

    def disarm(self) -> None:
        """Let nothing happen any more."""
        for number in range(_RULES):
            struct.pack_into("<I", self._control, self._at(number), 0)

    def hits(self, number: int) -> int:
        """Return how often a point has acted."""
        return int(struct.unpack_from("<I", self._control, self._at(number) + _HITS_AT)[0])

    def wait_for(self, number: int, *, seconds: float = 60) -> None:
        """Wait until a point has acted."""
        wait_until(lambda: self.hits(number), what="the armed point is reached", seconds=seconds)

    @contextmanager
    def armed(self, point: Point, *, pid: int = 0) -> Iterator[int]:
        """Let a point count until the block ends."""
        number = self.arm(point, pid=pid)
        try:
            yield number
        finally:
            self.disarm()

    @staticmethod
    def _at(number: int) -> int:
        return _HEAD.size + number * _RULE.size
