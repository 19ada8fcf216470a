"""The socket of an association that we open, and who reads it: the upper layer's thread, or the one that has sent.

    waits for what it sent      `CallingSocket.lent`: reads itself, no other thread is woken
    anything else               the upper layer reads, as pynetdicom does

Rule of the file: nothing about C-STORE; whatever was read and is not what was waited for goes back to the upper layer,
byte for byte. Private members of pynetdicom 3.0 are used as in `transport`.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from pynetdicom.dul import DULServiceProvider

from gateway.transport import ClosingSocket, acknowledge_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pynetdicom.association import Association
    from pynetdicom.transport import AddressInformation

    from gateway.transport import Bell

_LOOK_AGAIN_MS = 100
"""How long the upper layer's thread may be deaf to timers, to being stopped, and, while it lends, to the peer."""
_UNCONNECTED_S = 0.001
_READ_BYTES = 1 << 14
_PDU_HEADER = struct.Struct(">BxL")
_LARGEST_BYTES = _READ_BYTES
"""Of a PDU that is read here; no answer is longer."""


class CallingSocket(ClosingSocket):
    """The requestor's socket: waits for the peer's bytes or for the bell instead of looking every millisecond.

    Parameters
    ----------
    bell
        Rung when something is put into the association's queue of what is to be sent.
    """

    def __init__(self, assoc: Association, address: AddressInformation, bell: Bell) -> None:
        super().__init__(assoc, address=address)
        self._bell = bell
        self._sending = threading.Lock()
        self.reading = threading.Lock()
        self._is_lent = False
        self._ahead = bytearray()  # read and not yet taken

    # Writing

    def send(self, bytestream: bytes) -> None:
        """Send PDUs of the upper layer's own, never within those of another thread."""
        with self._sending:
            super().send(bytestream)

    def send_directly(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Send whole PDUs from the thread that made them, in as few calls as the system allows.

        With TLS only while it is `lent`: one thread must not write while another reads.

        Raises
        ------
        OSError
            The peer is gone or takes nothing (TimeoutError). The connection is ended then: half a PDU may have left.
        """
        with self._sending:
            connection = self.socket
            if connection is None:
                raise ConnectionError
            try:
                if isinstance(connection, ssl.SSLSocket):
                    connection.sendall(b"".join(pieces))
                else:
                    _send_all(connection, pieces)
            except OSError as error:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                raise _timed(error) from None

    # Reading

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Keep the upper layer's thread from reading within the block; it goes on not to wait for the peer after it.

        So many messages in a row wake it for none; `give_back` makes it wait for the peer again.
        """
        self._is_lent = True
        with self.reading:
            yield

    def give_back(self) -> None:
        """Let the upper layer's thread wait for the peer again."""
        if self._is_lent:
            self._is_lent = False
            self._bell.ring()

    def next_pdu(self, *, until: float) -> bytes:
        """Return the next PDU, with its header; only while it is `lent`.

        Parameters
        ----------
        until
            On the monotonic clock: when it must be complete.

        Raises
        ------
        OSError
            The peer closed, sends nothing or drips (TimeoutError), or announces a PDU that is longer than an answer.
        """
        self._have(_PDU_HEADER.size, until)
        whole = _PDU_HEADER.size + _PDU_HEADER.unpack_from(self._ahead)[1]
        if whole > _LARGEST_BYTES:
            raise ConnectionError
        self._have(whole, until)
        pdu = bytes(self._ahead[:whole])
        del self._ahead[:whole]
        return pdu

    def put_back(self, pdu: bytes) -> None:
        """Let the upper layer read what was read here."""
        self._ahead[:0] = pdu
        self.give_back()

    def _have(self, size: int, until: float) -> None:
        connection = cast("socket.socket", self.socket)
        if connection is None:
            raise ConnectionError
        while len(self._ahead) < size:
            if self._ahead and time.monotonic() > until:
                raise TimeoutError
            try:
                read = connection.recv(_READ_BYTES)
            except OSError as error:
                raise _timed(error) from None
            if not read:
                raise ConnectionError
            self._ahead += read
            if len(self._ahead) < size:  # else what is sent next acknowledges it
                acknowledge_now(connection)

    def recv(self, nr_bytes: int) -> bytearray:
        """Read so many bytes for the upper layer, fewer only when the peer closed."""
        taken = self._ahead[:nr_bytes]
        del self._ahead[:nr_bytes]
        if len(taken) < nr_bytes:
            taken += super().recv(nr_bytes - len(taken))
        return taken

    @property
    def ready(self) -> bool:
        """Whether there is something to read now, an end of the connection included."""
        connection = self.socket
        if connection is None or not self._is_connected or connection.fileno() < 0:
            return False
        if self._ahead or (isinstance(connection, ssl.SSLSocket) and connection.pending()):
            return True
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))

    def rest(self) -> None:
        """Wait a tenth of a second for the bell, and for the peer where nobody else does."""
        connection = self.socket
        if connection is None or not self._is_connected or connection.fileno() < 0:
            time.sleep(_UNCONNECTED_S)
            return
        if not self._is_lent and (self._ahead or (isinstance(connection, ssl.SSLSocket) and connection.pending())):
            return
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        if not self._is_lent:
            poll.register(connection, select.POLLIN)
        with suppress(OSError):
            if self._bell.fileno() in {descriptor for descriptor, _ in poll.poll(_LOOK_AGAIN_MS)}:
                self._bell.hush()


def let_the_system_time(connection: socket.socket, stall_s: float) -> None:
    """Bound single reads and writes by the system instead of by polling before each; not with TLS.

    Half the calls, and in Python each is a moment in which every other association's thread wants to run.
    """
    limit = struct.pack("@ll", int(stall_s), int(stall_s % 1 * 1_000_000))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, limit)
    connection.settimeout(None)


def _timed(error: OSError) -> OSError:
    """Name the end of `let_the_system_time` as Python names its own."""
    return TimeoutError() if isinstance(error, BlockingIOError) else error


def _send_all(connection: socket.socket, pieces: Sequence[bytes | memoryview]) -> None:
    sent = connection.sendmsg(pieces)
    if sent == sum(map(len, pieces)):
        return
    waiting = [memoryview(piece) for piece in pieces]
    first = 0
    while True:
        while first < len(waiting) and sent >= len(waiting[first]):
            sent -= len(waiting[first])
            first += 1
        if first == len(waiting):
            return
        waiting[first] = waiting[first][sent:]
        sent = connection.sendmsg(waiting[first:])


class CallingProvider(DULServiceProvider):
    """The requestor's upper layer: reads only while no other thread does.

    Parameters
    ----------
    bell
        Closed when the upper layer ends, for nobody else listens; left to the collector, each refused association would
        keep two descriptors until that runs.
    """

    def __init__(self, assoc: Association, bell: Bell) -> None:
        super().__init__(assoc)
        self._bell = bell

    def run_reactor(self) -> None:
        """Serve the association until it ends."""
        try:
            super().run_reactor()
        finally:
            self._bell.close()

    def _is_transport_event(self) -> bool:
        connection = self.socket
        if not isinstance(connection, CallingSocket):
            return super()._is_transport_event()
        # Sta13 closes the connection as soon as nothing is left to read, and queued events are not to wait.
        if self.event_queue.empty() and self.state_machine.current_state != "Sta13":
            connection.rest()
        if not connection.reading.acquire(blocking=False):
            return False
        try:
            return super()._is_transport_event()
        finally:
            connection.reading.release()

    def note_traffic(self) -> None:
        """Count the idle time from now."""
        self._idle_timer.restart()
