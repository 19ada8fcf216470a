"""The daily self-check of a running node: what `sonoveil reconcile` would say, as a metric.

Rule of the file: it looks and tells; it repairs nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from gateway import log
from gateway.metrics import DISCREPANCIES, LAST_SELF_CHECK
from gateway.reconcile import Kind, reconcile

if TYPE_CHECKING:
    from gateway.database import Database
    from gateway.spool import Spool

EVERY_S = 86_400.0
_ASKED_FOR = frozenset({Kind.BYTES, Kind.NOT_RECEIVED, Kind.NOT_AT_TARGET, Kind.NOT_ASKED})
"""What only a person's question looks for (`--hash`, `--find`)."""
LOOKED_FOR = tuple(kind for kind in Kind if kind not in _ASKED_FOR)


class SelfCheck:
    """Looks at once when it is started, and then every day, on a thread of its own.

    Parameters
    ----------
    database, spool
        Of the running node.
    """

    def __init__(self, database: Database, spool: Spool) -> None:
        self._database = database
        self._spool = spool
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="self-check", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Let no further check begin. One that runs is not waited for: it only reads."""
        self._ended.set()

    def look(self) -> int:
        """Check once, tell the metrics, and return how many things do not add up."""
        account = reconcile(self._database, self._spool)
        numbers = Counter(discrepancy.kind for discrepancy in account.discrepancies)
        for kind in LOOKED_FOR:
            DISCREPANCIES.labels(kind.value).set(numbers[kind])
            if numbers[kind]:
                log.event("does_not_add_up", kind=kind.value, count=numbers[kind])
        LAST_SELF_CHECK.set_to_current_time()
        log.event("self_checked", count=len(account.discrepancies), state="balanced" if account.balanced else "not")
        return len(account.discrepancies)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  tomorrow again, whatever it was; the alert says that none has ended
                log.fault("self_check_failed", error)
            self._ended.wait(EVERY_S)
