"""Who is done together with whom."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway import batches
from gateway.batches import Batches
from tests.peers.programs import wait_until


class _Recorded(Batches):
    """Batches of numbers, whose sizes are kept; each is doubled."""

    def __init__(self):
        super().__init__(self._double)
        self.sizes = []

    def _double(self, numbers):
        self.sizes.append(len(numbers))
        return [2 * number for number in numbers]


def _pair(recorded, first_of_the_other, go, *, is_short):
    """Let one be there and another on its way, which `go` lets come; return both futures."""
    begun = threading.Event()

    def first() -> None:
        begun.set()
        assert go.wait(20)
        first_of_the_other()

    with ThreadPoolExecutor(2) as pool:
        coming = pool.submit(recorded.do, 1, first=first, is_short=is_short)
        assert begun.wait(20)
        there = pool.submit(recorded.do, 2, first=lambda: None, is_short=True)
        if is_short:
            wait_until(lambda: recorded._waiting, what="the one to wait for company")
        else:
            there.result(20)
        go.set()
    return there, coming


@pytest.fixture
def long_wait(monkeypatch):
    """Wait for company longer than any test runs."""
    monkeypatch.setattr(batches, "_FOR_COMPANY_S", 600)


@pytest.mark.usefixtures("long_wait")
def test_who_is_on_the_way_is_waited_for():
    """Two whose bytes are being synced at the same time are committed at once."""
    recorded = _Recorded()

    there, coming = _pair(recorded, lambda: None, threading.Event(), is_short=True)

    assert (there.result(), coming.result(), recorded.sizes) == (4, 2, [2])


@pytest.mark.usefixtures("long_wait")
def test_who_fails_on_the_way_keeps_nobody_waiting():
    """A part file that cannot be synced is its own sender's trouble."""

    def fail() -> None:
        raise OSError(5, "no")

    recorded = _Recorded()

    there, coming = _pair(recorded, fail, threading.Event(), is_short=True)

    with pytest.raises(OSError, match="no"):
        coming.result()
    assert (there.result(), recorded.sizes) == (4, [1])


@pytest.mark.usefixtures("long_wait")
def test_who_takes_long_is_not_waited_for():
    """A gigabyte that is being synced does not keep small objects waiting."""
    recorded = _Recorded()

    there, coming = _pair(recorded, lambda: None, threading.Event(), is_short=False)

    assert (there.result(), coming.result(), recorded.sizes) == (4, 2, [1, 1])


def test_nobody_waits_longer_than_for_a_flush(monkeypatch):
    """The one who is there goes on alone where the other does not come."""
    monkeypatch.setattr(batches, "_FOR_COMPANY_S", 0)
    recorded, go = _Recorded(), threading.Event()
    begun = threading.Event()

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(recorded.do, 1, first=lambda: (begun.set(), go.wait(20)), is_short=True)
        assert begun.wait(20)
        assert recorded.do(2, first=lambda: None, is_short=True) == 4
        go.set()

    assert (coming.result(), recorded.sizes) == (2, [1, 1])
