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
import struct
import time
from contextlib import suppress
from queue import Queue
from typing import TYPE_CHECKING, Any, cast

from pynetdicom import _config
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import InvalidEventError, StateMachine
from pynetdicom.transport import AssociationSocket

from gateway import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynetdicom.association import Association

PDU_BYTES = 131_072
"""The largest PDU that we ask for; more brings nothing."""

_READ_BYTES = 1 << 18
_LOOK_AGAIN_MS = 100
"""How long a thread may be deaf to timers and to being stopped."""
_LOOK_AGAIN_IDLE_MS = 1_000
"""The same within an association, where `kill_dul` rings."""
_UNCONNECTED_S = 0.001
_ESTABLISHED = "Sta6"
_P_DATA_TF = 4
_PDU_HEADER = struct.Struct(">BxL")
_PDV_HEADER = struct.Struct(">LB")
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


class Pace:
    """How long one message may take to come: as long as a stall, and more the larger it is.

    Parameters
    ----------
    stall_s
        How long nothing may come; None for no bound.
    """

    def __init__(self, stall_s: float | None) -> None:
        self._stall_s = math.inf if stall_s is None else stall_s
        self._begun_at: float | None = None
        self._taken_bytes = 0

    def take(self, count: int) -> None:
        """Count what has come of a message, which begins with the first bytes.

        Raises
        ------
        TimeoutError
            It comes so slowly that its sender seems to want the place and not the answer.
        """
        now = time.monotonic()
        if self._begun_at is None:
            self._begun_at, self._taken_bytes = now, 0
        self._taken_bytes += count
        if now - self._begun_at > self._stall_s + self._taken_bytes / _SLOWEST_BYTES_S:
            raise TimeoutError

    def spare(self, seconds: float) -> None:
        """Do not count this time: it was ours."""
        if self._begun_at is not None:
            self._begun_at += seconds

    def end(self) -> None:
        """Count the next bytes as the beginning of another message."""
        self._begun_at = None


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

    Without TLS the connection is switched to non-blocking: what is there is read without asking first whether there is
    something, and waiting is done here.

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
        self._stall_s = client_socket.gettimeout() or math.inf
        self._is_tls = isinstance(client_socket, ssl.SSLSocket)
        if not self._is_tls:
            client_socket.setblocking(False)
        self._owes_acknowledgement = False
        self._buffer = bytearray()
        self._start = self._end = 0  # of what was read and not yet taken

    @property
    def ready(self) -> bool:
        """Whether there is something to read, an end of the connection included; waits for it a tenth of a second."""
        connection = self.socket
        if connection is None or not self._is_connected:
            return False
        if self._start < self._end or (isinstance(connection, ssl.SSLSocket) and connection.pending()):
            return True
        self._acknowledge(connection)
        dul = self.assoc.dul
        state = dul.state_machine.current_state
        # Sta13 closes the connection as soon as nothing is left to read, and queued events are not to wait.
        is_awaited = dul.event_queue.empty() and state != "Sta13"
        wait_ms = _LOOK_AGAIN_IDLE_MS if state == _ESTABLISHED else _LOOK_AGAIN_MS
        readable = {descriptor for descriptor, _ in self._poll.poll(wait_ms if is_awaited else 0)}
        if readable - {self._descriptor}:
            self._bell.hush()
        return self._descriptor in readable

    def _acknowledge(self, connection: socket.socket) -> None:
        """Acknowledge what was read before waiting for more; an answer that has left since has done it already."""
        if self._owes_acknowledgement:
            self._owes_acknowledgement = False
            with suppress(OSError):  # whoever reads or sends next learns that it is gone
                acknowledge_now(connection)

    def recv(self, nr_bytes: int) -> bytearray:
        """Read exactly so many bytes, fewer only when the peer closed.

        Raises
        ------
        OSError
            The peer stalled or drips (TimeoutError), the connection broke, or the length is unreasonable.
        """
        if nr_bytes > (_LARGEST_BYTES if self.assoc.is_established else _LARGEST_BEFORE_ASSOCIATION_BYTES):
            raise PduTooLongError
        received = bytearray(nr_bytes)
        taken = min(nr_bytes, self._end - self._start)
        with memoryview(received) as view:
            view[:taken] = self._buffer[self._start : self._start + taken]
            self._start += taken
            count = taken + self._read_into(view[taken:], nr_bytes - taken)
        del received[count:]
        return received

    def _read_into(self, view: memoryview, least: int) -> int:
        """Read at least so many bytes, fewer only when the peer closed; return how many."""
        connection = cast("socket.socket", self.socket)
        begun: float | None = None
        count = 0
        while count < least:
            read = self._read_some(connection, view[count : count + _READ_BYTES])
            if not read:
                break
            count += read
            self._owes_acknowledgement = True
            if count < least:
                now = time.monotonic()
                begun = now if begun is None else begun
                if now - begun > self._stall_s + (least / _SLOWEST_BYTES_S if self.assoc.is_established else 0.0):
                    raise TimeoutError
        return count

    def _read_some(self, connection: socket.socket, view: memoryview) -> int:
        """Read what there is, and where there is nothing wait for it; 0 when the peer closed."""
        while True:
            try:
                return connection.recv_into(view)
            except BlockingIOError:
                self._acknowledge(connection)
                self._wait(connection, select.POLLIN)

    def _wait(self, connection: socket.socket, event: int) -> None:
        poll = select.poll()
        poll.register(connection, event)
        if not poll.poll(None if self._stall_s == math.inf else self._stall_s * 1_000):
            raise TimeoutError

    def send(self, bytestream: bytes) -> None:
        """Send all of it; where the peer is gone or takes nothing, the connection is as good as closed."""
        connection = self.socket
        waiting = memoryview(bytestream)
        try:
            if connection is None:
                raise ConnectionError
            while waiting:
                try:
                    waiting = waiting[connection.send(waiting) :]
                except BlockingIOError:
                    self._wait(connection, select.POLLOUT)
        except OSError:
            self.event_queue.put("Evt17")
        else:
            self._owes_acknowledgement = False

    def next_fragments(self) -> memoryview | None:
        """Return the body of the next PDU where it is a P-DATA-TF of the usual size, read with what came beside it.

        None stands for any other; `recv` reads that one. The body is valid until the next call.

        Raises
        ------
        OSError
            As `recv`; also where the peer closed within it.
        """
        if not self._buffer:
            self._buffer = bytearray(_READ_BYTES)  # only who sends pays for it
        if not self._fill(_PDU_HEADER.size):
            return None
        kind, length = _PDU_HEADER.unpack_from(self._buffer, self._start)
        whole = _PDU_HEADER.size + length
        if kind != _P_DATA_TF or whole > _READ_BYTES:
            return None
        if not self._fill(whole):
            raise ConnectionError
        body = memoryview(self._buffer)[self._start + _PDU_HEADER.size : self._start + whole]
        self._start += whole
        return body

    def has_more(self) -> bool:
        """Tell whether something of another PDU was read already."""
        return self._start < self._end

    def _fill(self, wanted: int) -> bool:
        """Have so many bytes in the buffer, in one piece; False when the peer closed before."""
        lacking = wanted - (self._end - self._start)
        if lacking <= 0:
            return True
        if self._start == self._end or self._start + wanted > len(self._buffer):
            rest = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        with memoryview(self._buffer) as view:
            read = self._read_into(view[self._end :], lacking)
        self._end += read
        return read >= lacking


class QuickProvider(DULServiceProvider):
    """The acceptor's upper layer: within an association, fragments go to DIMSE without an object per PDU.

    Parameters
    ----------
    bell
        Rung to be stopped.
    """

    def __init__(self, assoc: Association, bell: Bell) -> None:
        super().__init__(assoc)
        self._bell = bell
        self._run_loop_delay = 0.0  # `QuickSocket.ready` waits

    def kill_dul(self) -> None:
        """Stop the reactor; it hears of it at once."""
        super().kill_dul()
        self._bell.ring()

    def _read_pdu_data(self) -> None:
        """Take fragments as long as they come whole; everything else goes pynetdicom's way."""
        connection = self.socket
        if not isinstance(connection, QuickSocket) or self.state_machine.current_state != _ESTABLISHED:
            super()._read_pdu_data()
            return
        while self._take_pdu(connection):
            pass

    def _take_pdu(self, connection: QuickSocket) -> bool:
        """Take one PDU; return whether the next may be taken before anything else is looked at."""
        try:
            body = connection.next_fragments()
        except OSError:
            self.event_queue.put("Evt17")  # the connection is as good as closed
            return False
        if body is None:
            super()._read_pdu_data()
            return False
        self._idle_timer.restart()
        provider = cast("Any", self.assoc.dimse)
        try:
            provider.take(fragments(body))
        except MalformedPduError:
            self.event_queue.put("Evt19")  # unrecognised PDU: A-ABORT by the state machine (PS3.8 9.2, AA-8)
            return False
        is_free = not self._kill_thread and self.event_queue.empty() and self.to_provider_queue.empty()
        return is_free and connection.has_more()


class MalformedPduError(Exception):
    """A P-DATA-TF whose items do not fill it."""


def fragments(body: memoryview) -> list[tuple[int, memoryview]]:
    """Return context ID and fragment, message control header included, of each PDV (PS3.8 9.3.5.1)."""
    found, offset = [], 0
    while offset < len(body):
        if offset + _PDV_HEADER.size > len(body):
            raise MalformedPduError
        length, context_id = _PDV_HEADER.unpack_from(body, offset)
        end = offset + 4 + length
        if length < 2 or end > len(body):  # noqa: PLR2004  context ID and message control header
            raise MalformedPduError
        found.append((context_id, body[offset + _PDV_HEADER.size : end]))
        offset = end
    return found


class TolerantStateMachine(StateMachine):
    """Ends the upper layer where pynetdicom's raises.

    The connection went while something of ours was still queued, or a PDU says what pynetdicom does not let one say,
    such as an A-ABORT from a source that does not exist.
    """

    def do_action(self, event: str) -> None:
        """Perform an event's action."""
        try:
            super().do_action(event)
        except InvalidEventError:
            self.dul.kill_dul()
        except Exception as error:  # noqa: BLE001  whatever a peer says ends its association, never a thread unseen
            log.fault("pdu_refused", error)
            self.dul.kill_dul()
