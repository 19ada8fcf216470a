"""pynetdicom, made quiet and quick: loggers off, large reads, no delayed acknowledgements, bounded PDUs, poll.

Rule of the file: nothing about C-STORE. Private members of pynetdicom 3.0 are used here and in `acceptor`, nowhere
else (`pyproject.toml` pins the minor version; the network tests guard a change).
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from pynetdicom import _config
from pynetdicom.fsm import InvalidEventError, StateMachine
from pynetdicom.transport import AssociationSocket

if TYPE_CHECKING:
    from pynetdicom.association import Association

PDU_BYTES = 131_072
"""The largest PDU that we ask for; more brings nothing."""

_READ_BYTES = 1 << 18
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


class QuickSocket(ClosingSocket):
    """The acceptor's socket: reads in large pieces, polls without a limit on descriptors, bounds what it reads."""

    def __init__(self, assoc: Association, client_socket: socket.socket) -> None:
        super().__init__(assoc, client_socket=client_socket)
        self._poll = select.poll()
        self._poll.register(client_socket, select.POLLIN)

    @property
    def ready(self) -> bool:
        """Whether there is something to read, an end of the connection included."""
        if self.socket is None or not self._is_connected:
            return False
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True
        return bool(self._poll.poll(0))

    def recv(self, nr_bytes: int) -> bytearray:
        """Read exactly so many bytes, fewer only when the peer closed.

        Raises
        ------
        OSError
            The peer stalled (TimeoutError), the connection broke, or the length is unreasonable.
        """
        limit = _LARGEST_BYTES if self.assoc.is_established else _LARGEST_BEFORE_ASSOCIATION_BYTES
        if nr_bytes > limit:
            raise PduTooLongError
        connection = cast("socket.socket", self.socket)
        received = bytearray(nr_bytes)
        with memoryview(received) as view:
            count = 0
            while count < nr_bytes:
                read = connection.recv_into(view[count : count + _READ_BYTES])
                if not read:
                    break
                count += read
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
