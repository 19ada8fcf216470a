"""The child processes of the node: started, watched, started again, replaced when the configuration changed.

Rule of the file: whoever dies loses its claims, not its work; whoever is to go finishes what it holds (SIGTERM).
"""

from __future__ import annotations

import multiprocessing
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.process import BaseProcess

    from gateway.database import Database
    from gateway.ledger import Ledger

_STOP_CHILDREN_S = 60.0
_FIRST_RESTART_S = 0.5
_LONGEST_RESTART_S = 30.0
_STEADY_S = 60.0


@dataclass(slots=True, kw_only=True)
class Child:
    """One child process and when it may be started again.

    Parameters
    ----------
    name
        Unique among the children.
    target, settings
        What it runs; both go to the process by pickle.
    follows_settings
        It takes new settings while it runs, and is not ended for them.
    is_changing
        It was asked to end because its settings changed, or because it is not wanted any more.
    is_wanted
        It is started again when it has ended.
    """

    name: str
    target: Callable[[Any], None]
    settings: Any
    follows_settings: bool = False
    process: BaseProcess | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    restarts: int = 0
    is_changing: bool = False
    is_wanted: bool = True


class Children:
    """The child processes of one node.

    Parameters
    ----------
    database, ledger
        For their claims.
    wanted
        What runs; nothing is started yet.
    """

    def __init__(self, database: Database, ledger: Ledger, wanted: Iterable[Child]) -> None:
        self._database = database
        self._ledger = ledger
        self._children = {child.name: child for child in wanted}
        self._unreleased: list[str] = []

    def start_due(self) -> None:
        """Start every child that should run and does not."""
        for child in self._children.values():
            if child.process is None and time.monotonic() >= child.restart_at:
                # spawn: a forked copy of threads, locks and database connections would not work
                process = multiprocessing.get_context("spawn").Process(
                    target=child.target, args=(child.settings,), name=child.name
                )
                process.start()
                child.process, child.started_at, child.is_changing = process, time.monotonic(), False
                log.event("process_started", process=child.name, pid=process.pid)

    def reap(self) -> None:
        """Notice who has ended: plan its successor, and free its claims, or at the next call where they cannot be now.

        Until they are free `start_due` must not be called: a successor of the same name would lose its own.
        """
        for child in list(self._children.values()):
            process = child.process
            if process is None or process.is_alive():
                continue
            process.join()
            child.process = None
            self._unreleased.append(child.name)
            _forget_metrics_of(process.pid)
            wait = 0.0 if child.is_changing else _wait_before_restart(child)
            child.restart_at = time.monotonic() + wait
            log.event("process_ended", process=child.name, status=process.exitcode, seconds=wait)
            if not child.is_wanted:
                del self._children[child.name]
        while self._unreleased:
            self._ledger.release_claims(self._unreleased[0])
            self._unreleased.pop(0)

    def replace(self, wanted: Iterable[Child]) -> None:
        """Give every child its new settings, let go who is not wanted any more, and add who is new.

        Each finishes what it holds; `reap` and `start_due` do the rest.
        """
        new = {child.name: child for child in wanted}
        for name, child in list(self._children.items()):
            successor = new.pop(name, None)
            if successor is not None and child.follows_settings:
                child.settings = successor.settings  # of its own successor, should it end
                continue
            child.is_changing, child.is_wanted, child.restarts = True, successor is not None, 0
            if successor is not None:
                child.target, child.settings, child.restart_at = successor.target, successor.settings, 0.0
            if child.process is not None:
                child.process.terminate()
            elif successor is None:
                del self._children[name]
        self._children |= new

    def end_hanging(self) -> None:
        """Kill workers whose claim ran out: their instance is tried again by another."""
        for name in self._ledger.overdue_workers():
            child = self._children.get(name)
            if child is not None and child.process is not None:
                log.event("process_hangs", process=name)
                child.process.kill()

    def alive(self) -> bool:
        """Whether every child runs, or is being replaced."""
        return all(
            child.is_changing or (child.process is not None and child.process.is_alive())
            for child in self._children.values()
        )

    def stop(self) -> None:
        """Ask all to end, and wait for them; kill who does not end in a minute."""
        running = [child.process for child in self._children.values() if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _STOP_CHILDREN_S
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def _wait_before_restart(child: Child) -> float:
    steady = time.monotonic() - child.started_at > _STEADY_S
    child.restarts = 1 if steady else child.restarts + 1
    return min(_FIRST_RESTART_S * 2.0 ** (child.restarts - 1), _LONGEST_RESTART_S)


def _forget_metrics_of(pid: int | None) -> None:
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415  looks at its folder when it is imported: see Node._run

    with suppress(OSError):  # its gauges stay one restart longer
        mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library has no annotation here
