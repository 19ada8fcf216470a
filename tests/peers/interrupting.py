"""A line between two programs that can be cut, held, slowed and taken away.

Rule of the file: bytes are passed on as they come or not at all; what they mean is not looked at.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import contextmanager, suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOPBACK = "127.0.0.1"
_READ_BYTES = 1 << 16
_DRIP_BYTES, _DRIP_S = 400, 0.01
_LOOK_AGAIN_S = 0.02


class Mode(Enum):
    """What the line does with connections, those that stand included."""

    PASS = auto()
    DOWN = auto()
    """Nobody listens."""
    CLOSE = auto()
    """Every connection is closed at once."""
    HOLD = auto()
    """After some bytes of the caller's nothing more is passed, either way; nothing is closed."""
    CUT = auto()
    """After some bytes of the caller's the connection is reset."""
    CUT_ANYWHERE = auto()
    """The same, after a random number of bytes up to that."""
    DRIP = auto()
    """40 kB/s."""


class Line:
    """Listens and passes on.

    Parameters
    ----------
    to_port
        Of whom it leads to, on loopback.

    Attributes
    ----------
    connections
        How many came so far.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._mode = Mode.PASS
        self._after_bytes = 0
        self._dice = random.Random(20261126)
        self._listener = socket.create_server((_LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self._standing: set[socket.socket] = set()
        self._counting = threading.Lock()
        self._ended = False
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def set(self, mode: Mode, *, after_bytes: int = 0) -> None:
        """Behave so from now on."""
        was, self._mode, self._after_bytes = self._mode, mode, after_bytes
        if mode is Mode.DOWN:
            self._close_listener()
        elif was is Mode.DOWN:
            self._listener = socket.create_server((_LOOPBACK, self.port))
            threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def drop(self) -> None:
        """Close the connections that stand."""
        with self._counting:
            standing = list(self._standing)
        for side in standing:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Close everything."""
        self._ended = True
        self._close_listener()

    def _close_listener(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._listener.close()

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._mode is Mode.CLOSE:
                caller.close()
                continue
            try:
                called = socket.create_connection((_LOOPBACK, self._to_port))
            except OSError:
                caller.close()
                continue
            limit = self._dice.randrange(1, self._after_bytes + 1) if self._mode is Mode.CUT_ANYWHERE else None
            for source, sink, counts in ((caller, called, True), (called, caller, False)):
                threading.Thread(target=self._pump, args=(source, sink, counts, limit), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counts: bool, limit: int | None) -> None:  # noqa: FBT001
        passed = 0
        with self._counting:
            self._standing.add(source)
        try:
            while not self._ended and (piece := source.recv(_READ_BYTES)):
                passed += len(piece) if counts else 0
                if counts and passed > (self._after_bytes if limit is None else limit):
                    self._interrupt()
                self._pass(sink, piece, counts=counts)
        except OSError:
            pass
        for side in (source, sink):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
        with self._counting:
            self._standing.discard(source)

    def _interrupt(self) -> None:
        mode = self._mode
        if mode is Mode.HOLD:
            while self._mode is mode and not self._ended:
                time.sleep(_LOOK_AGAIN_S)
            raise OSError("held until now")
        if mode in (Mode.CUT, Mode.CUT_ANYWHERE):
            raise OSError("cut")

    def _pass(self, sink: socket.socket, piece: bytes, *, counts: bool) -> None:
        if self._mode is not Mode.DRIP or not counts:
            sink.sendall(piece)
            return
        for start in range(0, len(piece), _DRIP_BYTES):
            sink.sendall(piece[start : start + _DRIP_BYTES])
            time.sleep(_DRIP_S)


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Lay a line until the block ends."""
    line = Line(port)
    try:
        yield line
    finally:
        line.end()
