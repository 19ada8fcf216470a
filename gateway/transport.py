"""pynetdicom, made quiet and quick: loggers off, large reads, no delayed acknowledgements, bounded PDUs, poll.

Rule of the file: nothing about C-STORE. Private members of pynetdicom 3.0 are used here and in `acceptor`, nowhere
else (`pyproject.toml` pins the minor version; the network tests guard a change).
"""

from __future__ import annotations

import logging
import math
import select
import socket
import ssl
import time
from contextlib import suppress
from queue import Queue
from typing import TYPE_CHECKING, Any, cast

from pynetdicom import _config
from pynetdicom.fsm import InvalidEventError, StateMachine
from pynetdicom.transport import AssociationSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynetdicom.association import Association

PDU_BYTES = 131_072
"""The largest PDU that we ask for; more brings nothing."""

_READ_BYTES = 1 << 18
_LOOK_AGAIN_MS = 100
"""How long a thread may be deaf to timers and to being stopped."""
_SLOWEST_BYTES_S = 1_000
"""Slower than the slowest modem: who sends a byte now and then would otherwise hold an association for ever."""
_LARGEST_BEFORE_ASSOCIATION_BYTES = 1 << 20
_LARGEST_BYTES = 1 << 24
"""Peers may exceed what was negotiated, within reason: an announced length is memory that a stranger can ask for."""


class PduTooLongError(OSError):
    """A peer announced a PDU that is longer than any honest one; pynetdicom ends the connection on an OSError."""


def silence() -> None:
    """Turn pynetdicom's and pydicom's loggers off: their lines quote UIDs, AE titles and whole data sets."""
    _config.LOG_HANDLER_LEVEL = "none"
    for name in ("pynetdicom", "pydicom"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)


silence()


def tune(connection: socket.socket, *, stall_s: float | None) -> None:
    """Set a connected socket's options.

    Parameters
    ----------
    stall_s
        How long a single read or write may wait for the peer: half a PDU and then silence ends there.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.settimeout(stall_s)
    acknowledge_now(connection)


def acknowledge_now(connection: socket.socket) -> None:
    """Ask for immediate TCP acknowledgements; the kernel forgets, so it is asked after every read.

    A sender that leaves Nagle's algorithm on (DCMTK does) otherwise waits 40 ms for each object.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class ClosingSocket(AssociationSocket):
    """Closes its descriptor also where the connection is gone already; pynetdicom leaves that to the collector."""

    def _shutdown_socket(self) -> None:
        connection = self.socket
        if connection is None:
            return
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            connection.close()


class Bell:
    """Wakes a thread that waits for its peer's bytes because something of ours is to be sent."""

    def __init__(self) -> None:
        self._ear, self._rope = socket.socketpair()
        self._ear.setblocking(False)
        self._rope.setblocking(False)

    def fileno(self) -> int:
        """Return what to poll."""
        return self._ear.fileno()

    def ring(self) -> None:
        """Wake; a bell that rings already, or is gone, is no error."""
        with suppress(OSError):
            self._rope.send(b"!")

    def hush(self) -> None:
        """Stop ringing."""
        with suppress(OSError):
            self._ear.recv(_READ_BYTES)

    def close(self) -> None:
        """Close both ends."""
        self._ear.close()
        self._rope.close()


class NoticedQueue(Queue[Any]):
    """A queue that tells when something was put.

    Parameters
    ----------
    notice
        Called after each `put`.
    """

    def __init__(self, notice: Callable[[], None]) -> None:
        super().__init__()
        self._notice = notice

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002  the signature of `Queue`
        """Put and tell."""
        super().put(item, block, timeout)
        self._notice()


class QuickSocket(ClosingSocket):
    """The acceptor's socket: waits instead of looking every millisecond, reads in large pieces, bounds what it reads.

    Parameters
    ----------
    bell
        Rung when something is put into the association's queue of what is to be sent.
    """

    def __init__(self, assoc: Association, client_socket: socket.socket, bell: Bell) -> None:
        super().__init__(assoc, client_socket=client_socket)
        self._bell = bell
        self._descriptor = client_socket.fileno()
        self._poll = select.poll()
        self._poll.register(client_socket, select.POLLIN)
        self._poll.register(bell, select.POLLIN)

    @property
    def ready(self) -> bool:
        """Whether there is something to read, an end of the connection included; waits for it a tenth of a second."""
        if self.socket is None or not self._is_connected:
            return False
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True
        dul = self.assoc.dul
        # Sta13 closes the connection as soon as nothing is left to read, and queued events are not to wait.
        is_awaited = dul.event_queue.empty() and dul.state_machine.current_state != "Sta13"
        readable = {descriptor for descriptor, _ in self._poll.poll(_LOOK_AGAIN_MS if is_awaited else 0)}
        if readable - {self._descriptor}:
            self._bell.hush()
        return self._descriptor in readable

    def recv(self, nr_bytes: int) -> bytearray:
        """Read exactly so many bytes, fewer only when the peer closed.

        Raises
        ------
        OSError
            The peer stalled or drips (TimeoutError), the connection broke, or the length is unreasonable.
        """
        is_established = self.assoc.is_established
        if nr_bytes > (_LARGEST_BYTES if is_established else _LARGEST_BEFORE_ASSOCIATION_BYTES):
            raise PduTooLongError
        connection = cast("socket.socket", self.socket)
        allowed_s = (connection.gettimeout() or math.inf) + (nr_bytes / _SLOWEST_BYTES_S if is_established else 0.0)
        begun = time.monotonic()
        received = bytearray(nr_bytes)
        with memoryview(received) as view:
            count = 0
            while count < nr_bytes:
                read = connection.recv_into(view[count : count + _READ_BYTES])
                if not read:
                    break
                count += read
                if count < nr_bytes and time.monotonic() - begun > allowed_s:
                    raise TimeoutError
                acknowledge_now(connection)
        del received[count:]
        return received


class TolerantStateMachine(StateMachine):
    """Ends the upper layer where pynetdicom's raises: the connection went while something of ours was still queued."""

    def do_action(self, event: str) -> None:
        """Perform an event's action."""
        try:
            super().do_action(event)
        except InvalidEventError:
            self.dul.kill_dul()
