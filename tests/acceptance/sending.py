"""A modality (DCMTK's storescu) that re-sends what was not acknowledged, as modalities do, until everything is."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tests.peers.dcmtk import storescu

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_GIVE_UP_S = 300


class StubbornSender(threading.Thread):
    """Sends files one after the other, each until storescu says that it was answered with Success.

    Parameters
    ----------
    port
        Of the gateway.
    files
        What to send.
    """

    def __init__(self, port: int, files: Sequence[Path]) -> None:
        super().__init__(name="stubborn-sender", daemon=True)
        self._port = port
        self._waiting = list(files)
        self.acknowledged: list[Path] = []
        self.failures = 0

    def run(self) -> None:
        """Send until every file was answered with Success."""
        deadline = time.monotonic() + _GIVE_UP_S
        while self._waiting and time.monotonic() < deadline:
            sent = storescu(self._port, self._waiting[:1], calling="CLINICAL", called="SONOVEIL", options=["-to", "5"])
            if sent.returncode == 0:
                self.acknowledged.append(self._waiting.pop(0))
            else:
                self.failures += 1
