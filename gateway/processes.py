"""What every child process of the node does first, and how it learns that it should end.

A child ends by itself when its parent is gone, however the parent ended: otherwise a killed node would go on sending
while its successor does the same.
"""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import connection, parent_process
from typing import TYPE_CHECKING

from gateway import log

if TYPE_CHECKING:
    from types import FrameType

_PARENT_GONE = 3


class StopFlag:
    """Becomes set on SIGTERM; waiting on it is waiting for a reason to stop."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask to stop."""
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; True when it is time to stop."""
        return self._event.wait(seconds)

    def on_signals(self, *signals: signal.Signals) -> None:
        """Set the flag on these signals; only from a main thread."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self._event.set()

        for number in signals:
            signal.signal(number, handle)


def begin_child() -> StopFlag:
    """Prepare a child process: private files, quiet libraries, SIGTERM as a request, an end with the parent."""
    os.umask(0o077)
    log.silence_others()
    stop = StopFlag()
    stop.on_signals(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    return stop


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    os._exit(_PARENT_GONE)
