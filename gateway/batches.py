"""Group commit: what several threads want done at the same time is done once for all of them.

Rule of the file: no clock and no thread of its own. Nobody waits for company: who comes while a batch is being done
is in the next one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        self._queueing = threading.Lock()
        self._waiting: list[_Ticket[Item, Result]] = []

    def do(self, item: Item) -> Result:
        """Return the result for an item when its batch is done.

        Raises
        ------
        Exception
            The item's outcome.
        """
        ticket: _Ticket[Item, Result] = _Ticket(item)
        with self._queueing:
            self._waiting.append(ticket)
        with self._working:  # whoever gets in first does it for all who wait; these find theirs done
            if not ticket.is_done:
                self._do_all()
        if isinstance(ticket.outcome, Exception):
            raise ticket.outcome
        return ticket.outcome

    def _do_all(self) -> None:
        with self._queueing:
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
