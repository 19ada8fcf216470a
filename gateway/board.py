"""What the node and its receiving processes know of each other: who has how many associations, which settings count.

A file of numbers that all of them map into memory, each written by one process alone, so that there is no lock which a
killed process could take with it. The settings lie beside it, written whole and then announced by a number.

Rule of the file: no count survives its process, and a limit is never exceeded; two who come at the same moment for the
last place may both be refused.
"""

from __future__ import annotations

import mmap
import os
import pickle
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from config.schema import GatewayConfig

_NUMBER_BYTES = 4
_PID, _OPEN, _FOLLOWED = range(3)
_PER_PROCESS = 3
_LOOK_AGAIN_S = 0.01
_PATIENCE_S = 2.0


class Board:
    """The shared numbers, as the node sees them.

    Parameters
    ----------
    folder
        Private to the node, and there as long as it runs.
    processes
        How many receiving processes there are.
    """

    def __init__(self, folder: Path, *, processes: int) -> None:
        size = _NUMBER_BYTES * (1 + _PER_PROCESS * processes)
        descriptor = os.open(folder / "receiving", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, size)
            # Aligned numbers of four bytes are written and read in one piece.
            self._numbers = memoryview(mmap.mmap(descriptor, size)).cast("I")
        finally:
            os.close(descriptor)
        self._processes = processes
        self._settings = folder / "settings"

    def publish(self, config: GatewayConfig, *, patience_s: float = _PATIENCE_S) -> bool:
        """Give every receiving process new settings; True when all that live go by them.

        Parameters
        ----------
        patience_s
            How long that is waited for; who comes later finds them too.
        """
        new = self._settings.with_suffix(".new")
        new.write_bytes(pickle.dumps(config))
        new.replace(self._settings)
        self._numbers[0] += 1
        until = time.monotonic() + patience_s
        while not all(self._at(number, _FOLLOWED) == self._numbers[0] for number in self._living()):
            if time.monotonic() > until:
                return False
            time.sleep(_LOOK_AGAIN_S)
        return True

    def open(self) -> int:
        """Return how many associations are open in all."""
        return sum(self._at(number, _OPEN) for number in self._living())

    def _living(self) -> Iterator[int]:
        for number in range(self._processes):
            pid = self._at(number, _PID)
            if pid and _lives(pid):
                yield number

    def _at(self, number: int, what: int) -> int:
        return self._numbers[1 + _PER_PROCESS * number + what]


class Seat(Board):
    """The same for one receiving process, which begins without associations.

    Parameters
    ----------
    number
        Which of the processes it is.
    """

    def __init__(self, folder: Path, *, processes: int, number: int) -> None:
        super().__init__(folder, processes=processes)
        self._number = number
        self.say_open(0)
        self._set(_PID, os.getpid())

    def say_open(self, associations: int) -> None:
        """Say how many associations this process has."""
        self._set(_OPEN, associations)

    def follow(self, apply: Callable[[GatewayConfig], None]) -> None:
        """Apply settings that were published since this was last asked."""
        announced = self._numbers[0]
        if self._at(self._number, _FOLLOWED) != announced:
            apply(pickle.loads(self._settings.read_bytes()))  # noqa: S301  the node's own file, in a folder of its own
            self._set(_FOLLOWED, announced)

    def _set(self, what: int, value: int) -> None:
        self._numbers[1 + _PER_PROCESS * self._number + what] = value


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
