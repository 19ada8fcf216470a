"""What is to be written into the ledger and need not be written at once: tried now, and again until it is done.

Rule of the file: in the order in which it came; for one thread. What must be durable before somebody is answered has no
place here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import log

if TYPE_CHECKING:
    from collections.abc import Callable


class Owed:
    """Writes that a full, locked or read-only ledger may put off."""

    def __init__(self) -> None:
        self._writes: deque[Callable[[], None]] = deque()

    def write(self, write: Callable[[], None]) -> None:
        """Do this now or, where the ledger cannot be written, later."""
        self._writes.append(write)
        self.settle()

    def settle(self) -> bool:
        """Do what is owed; False when something still is."""
        while self._writes:
            try:
                self._writes[0]()
            except (OSError, sa.exc.OperationalError) as error:
                log.fault("ledger_unwritable", error)
                return False
            self._writes.popleft()
        return True
