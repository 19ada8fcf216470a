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

    def recv_into(self, view):
        self.now += self.pause_s
        return min(self.piece, len(view))

    def setsockopt(self, *_arguments):
        pass


def _read(monkeypatch, connection, nr_bytes, *, is_established):
    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: connection.now))
    quick = object.__new__(QuickSocket)
    quick._buffer, quick._start, quick._end = bytearray(), 0, 0
    quick._stall_s = STALL_S
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


def test_fragments_are_told_apart():
    """Two in one PDU, a command and data."""
    body = memoryview(b"\0\0\0\3\1\3C" + b"\0\0\0\4\5\2DD")

    assert [(context, bytes(whole)) for context, whole in transport.fragments(body)] == [(1, b"\3C"), (5, b"\2DD")]


@pytest.mark.parametrize("body", [b"\0\0\0", b"\0\0\0\1\1\3", b"\0\0\0\7\1\3C", b"\xff\xff\xff\xff\1\3C"])
def test_fragments_that_do_not_fill_their_pdu_are_refused(body):
    """Cut in its header, without its control byte, longer than the PDU."""
    with pytest.raises(transport.MalformedPduError):
        transport.fragments(memoryview(body))
