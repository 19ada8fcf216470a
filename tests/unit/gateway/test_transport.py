"""Reading from a peer that drips: a byte now and then must not hold an association, nor a stranger the port."""

from types import SimpleNamespace

import pytest

from gateway import transport
from gateway.transport import QuickSocket

STALL_S = 60.0


class Dripping:
    """A connection that gives `piece` bytes a time, `pause_s` apart, on a clock of its own."""

    def __init__(self, piece, pause_s):
        self.piece, self.pause_s, self.now = piece, pause_s, 0.0

    def gettimeout(self):
        return STALL_S

    def recv_into(self, view):
        self.now += self.pause_s
        return min(self.piece, len(view))

    def setsockopt(self, *_arguments):
        pass


def _read(monkeypatch, connection, nr_bytes, *, is_established):
    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: connection.now))
    quick = object.__new__(QuickSocket)
    quick._buffer, quick._start, quick._end = bytearray(), 0, 0
    quick._assoc = SimpleNamespace(is_established=is_established)
    quick.socket = connection
    return QuickSocket.recv(quick, nr_bytes)


@pytest.mark.parametrize("is_established", [True, False])
def test_a_peer_that_drips_is_cut(monkeypatch, is_established):
    """Each byte comes within the stall limit; the whole never would."""
    connection = Dripping(piece=1, pause_s=50.0)

    with pytest.raises(TimeoutError):
        _read(monkeypatch, connection, 5_000, is_established=is_established)

    assert connection.now < 300


def test_a_slow_line_is_patiently_read(monkeypatch):
    """Two kilobytes a second is a bad line, not an attack."""
    connection = Dripping(piece=2_000, pause_s=1.0)

    assert len(_read(monkeypatch, connection, 131_072, is_established=True)) == 131_072
