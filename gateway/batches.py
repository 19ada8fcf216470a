"""Group commit: what several threads want done at the same time is done once for all of them.

Who comes while a batch is being done is in the next one. Before one is begun, those are waited for who are on their
way already, and no longer than a flush of the disk takes: a batch is a few flushes, however many are in it.

Rule of the file: no thread of its own.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")

_FOR_COMPANY_S = 0.002


class _Ticket(Generic[Item, Result]):
    """One item, and what became of it once `is_done`."""

    __slots__ = ("is_done", "item", "outcome")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.is_done = False
        self.outcome: Result | Exception = RuntimeError("the batch ended without an outcome for this item")


class Batches(Generic[Item, Result]):
    """Does work in batches for many threads.

    Parameters
    ----------
    work
        Does a batch and returns one outcome per item, in their order; an exception is an outcome too. One it raises
        is everybody's. Never called by two threads at once.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._work = work
        self._working = threading.Lock()
        self._queueing = threading.Condition()
        self._on_their_way = 0
        self._arrived = 0  # of all who ever were, those included who failed on it
        self._waiting: list[_Ticket[Item, Result]] = []

    def do(self, item: Item, *, first: Callable[[], None], is_short: bool) -> Result:
        """Return the result for an item when its batch is done.

        Parameters
        ----------
        first
            What this thread does by itself before its item is ready for a batch.
        is_short
            Whether that takes no longer than others may wait for it.

        Raises
        ------
        Exception
            The item's outcome, or what `first` raised.
        """
        ticket: _Ticket[Item, Result] = _Ticket(item)
        with self._on_the_way(is_short=is_short):
            first()
            with self._queueing:
                self._waiting.append(ticket)
        with self._working:  # whoever gets in first does it for all who wait; these find theirs done
            if not ticket.is_done:
                self._do_all()
        if isinstance(ticket.outcome, Exception):
            raise ticket.outcome
        return ticket.outcome

    @contextmanager
    def _on_the_way(self, *, is_short: bool) -> Iterator[None]:
        if not is_short:
            yield
            return
        with self._queueing:
            self._on_their_way += 1
        try:
            yield
        finally:
            with self._queueing:
                self._on_their_way -= 1
                self._arrived += 1
                self._queueing.notify_all()

    def _do_all(self) -> None:
        with self._queueing:
            all_there = self._arrived + self._on_their_way
            self._queueing.wait_for(lambda: self._arrived >= all_there, _FOR_COMPANY_S)
            batch, self._waiting = self._waiting, []
        try:
            outcomes = self._work([ticket.item for ticket in batch])
            for ticket, outcome in zip(batch, outcomes, strict=True):
                ticket.outcome = outcome
        except Exception as error:  # noqa: BLE001  raised again in every thread whose item it was
            for ticket in batch:
                ticket.outcome = error
        finally:
            for ticket in batch:
                ticket.is_done = True
