"""What every child process of the node does first, and how it learns that it should end.

A child ends by itself when its parent is gone, however the parent ended: otherwise a killed node would go on sending
while its successor does the same.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from multiprocessing import connection, parent_process
from typing import TYPE_CHECKING, TypeVar

from gateway import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_PARENT_GONE = 3
_Settings = TypeVar("_Settings")


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


def as_child(body: Callable[[_Settings], None]) -> Callable[[_Settings], None]:
    """Make the body of a process tell of its unexpected end by class and place alone.

    `multiprocessing` prints whatever leaves a body as a traceback, past `sys.excepthook`: messages and contexts of
    errors quote header values.
    """

    @functools.wraps(body)
    def quiet(settings: _Settings) -> None:
        try:
            body(settings)
        except Exception as error:  # noqa: BLE001  the last resort: logged, and the node starts a successor
            log.fault("uncaught", error)
            sys.exit(1)

    return quiet


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
