"""The requestor's side of pynetdicom: an association that we open, watched and bounded.

Rule of the file: pynetdicom's `Association` as a requestor, and the reasons why one is lost. What is sent on it is
`connection`'s business.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom._globals import MODE_REQUESTOR
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.pdu_primitives import AsynchronousOperationsWindowNegotiation
from pynetdicom.presentation import build_context
from pynetdicom.transport import AddressInformation

from gateway.calling import CallingProvider, CallingSocket, let_the_system_time
from gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from gateway.transport import PDU_BYTES, Bell, NoticedQueue, TolerantStateMachine, tune

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from pynetdicom.dimse_primitives import DimseServiceType
    from pynetdicom.events import Event

    from gateway.tls import CallingContext, RenewedContext

MOST_CONTEXTS = 128
"""Presentation context IDs are the odd numbers of a byte (PS3.8 9.3.2.2)."""

_WINDOW_PDUS = 8
"""How many PDUs may wait for the socket: a file passes through memory in pieces of this size."""
_LOOK_AGAIN_S = 0.1


class Failure(StrEnum):
    """Why something is tried again later; nothing here is the object's fault as far as we know."""

    UNREACHABLE = "unreachable"
    """No connection: wrong address, nobody listens, a firewall."""
    TLS = "tls_failed"
    """No handshake: the peer's certificate is not trusted or names somebody else, or the peer speaks no TLS."""
    REJECTED = "association_rejected"
    """The peer does not want the association (AE titles, limits), or ended the connection instead of an answer."""
    ABORTED = "aborted"
    """The peer, or the network, ended the association."""
    TIMEOUT = "timeout"
    """The peer did not answer, or did not take bytes, within the node's timeout."""
    BAD_ANSWER = "bad_answer"
    """An answer that is none to what was asked."""
    FILE = "file"
    """Our own file could not be read as Part 10, or became shorter while it was sent."""
    OUT_OF_RESOURCES = "out_of_resources"
    """The peer said so (0xA7xx)."""
    NOT_TRIED = "not_tried"
    """The peer failed with the objects before this one; it is spared, and this one waits."""


class Lost(Exception):
    """The association did not come about, or is gone.

    Parameters
    ----------
    why
        A reason of ours; what the peer or the system said is not carried along.
    """

    def __init__(self, why: Failure) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom to call.

    Parameters
    ----------
    host
        A name or an address.
    ae_title, local_aet
        Theirs and ours.
    timeout_s
        For the connection, for each answer and for each PDU to be taken.
    idle_s
        An association without traffic for so long is released.
    tls
        In which it is called; None: without TLS.
    server_name
        What its certificate must say that it is, with TLS.
    """

    host: str
    port: int
    ae_title: str
    local_aet: str
    timeout_s: float
    idle_s: float
    tls: RenewedContext | None
    server_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One presentation context to propose: one abstract syntax in one transfer syntax."""

    abstract_syntax: str
    transfer_syntax: str


class CallingAssociation(Association):
    """An association that we open; tells when it was connected and when PDUs have left."""

    def __init__(self, entity: ApplicationEntity, target: Target) -> None:
        super().__init__(entity, MODE_REQUESTOR)
        self.bell = Bell()
        weakref.finalize(self, self.bell.close)  # of one that was never begun
        self.dul = CallingProvider(self, self.bell)
        self.dul._idle_timer.timeout = self.network_timeout  # noqa: SLF001  as in `acceptor`
        self.dul.artim_timer.timeout = self.acse_timeout
        self.dul.state_machine = TolerantStateMachine(self.dul)
        self.dul.daemon = True  # a thread that waits for a peer must not keep the process
        self.name = "RequestorThread"
        self.was_connected = False
        self.context: CallingContext | None = None
        self.window = threading.Semaphore(_WINDOW_PDUS)
        self.on_report: Callable[[N_EVENT_REPORT], None] | None = None
        self._talking = threading.Lock()
        self._news = threading.Event()
        self.dul.to_provider_queue = NoticedQueue(self.bell.ring)
        self.dul.to_user_queue = NoticedQueue(self._news.set)
        self.dul._run_loop_delay = 0.0  # noqa: SLF001  `CallingSocket.rest` waits
        self._stall_s = target.timeout_s
        self.bind(evt.EVT_CONN_OPEN, self._connected)
        self.bind(evt.EVT_PDU_SENT, self._sent)

    @property
    def failed_at_tls(self) -> bool:
        """Whether the last attempt to connect ended in the handshake."""
        return self.context is not None and not self.was_connected and self.context.handshake_failed

    def _connected(self, _event: Event) -> None:
        self.was_connected = True
        connection = cast("socket.socket", self.connection.socket)
        tune(connection, stall_s=self._stall_s)
        if self.context is None:
            let_the_system_time(connection, self._stall_s)

    def _sent(self, event: Event) -> None:
        if isinstance(event.pdu, P_DATA_TF):
            self.window.release()

    @property
    def connection(self) -> CallingSocket:
        """The socket, for who sends and reads by itself."""
        return cast("CallingSocket", self.dul.socket)

    def note_traffic(self) -> None:
        """Count the idle time from now: something was sent or read that pynetdicom has not seen."""
        cast("CallingProvider", self.dul).note_traffic()

    @contextmanager
    def paused(self, *, quietly: bool = False) -> Iterator[None]:
        """Keep the association's own thread from taking what is waited for.

        A lock, because pynetdicom's own way has a gap in which its thread takes an answer and drops it.

        Parameters
        ----------
        quietly
            Whether that thread goes on by itself afterwards, a little later, instead of being woken.

        Raises
        ------
        Lost
            The association has ended.
        """
        if not self._talking.acquire(timeout=self._stall_s):
            raise Lost(Failure.TIMEOUT)
        try:
            if not self.is_established or not self.is_alive():
                raise Lost(Failure.ABORTED)
            yield
        finally:
            self._talking.release()
            if not quietly:
                self._news.set()

    def _run_reactor(self) -> None:
        """Watch, between operations, for the peer's release and abort and for the idle time."""
        self._is_paused = True  # `release` and `abort` of pynetdicom wait for this
        while not self._kill:
            self._news.wait(_LOOK_AGAIN_S)
            self._news.clear()
            if self._talking.acquire(blocking=False):
                try:
                    self._look_around()
                finally:
                    self._talking.release()

    def _serve_request(self, msg: DimseServiceType, context_id: int) -> None:
        """Take an N-EVENT-REPORT; pynetdicom calls this for each, in a thread of its own, and for nothing else here."""
        if self.on_report is not None and isinstance(msg, N_EVENT_REPORT):
            self.on_report(msg)
        else:
            super()._serve_request(msg, context_id)  # answered with a failure: nobody handles it

    def _look_around(self) -> None:
        if self.is_established and self.acse.is_release_requested():
            self.acse.send_release(is_response=True)
            self.is_released = True
            self.kill()
        elif self.acse.is_aborted():
            self.dul.receive_pdu(wait=False)
            self.is_aborted = True
            self.kill()
        elif not self.dul.is_alive():
            self.kill()
        elif self.dul.idle_timer_expired():
            self.release()
            self.kill()

    def answer(self) -> DimseServiceType:
        """Wait for the next message.

        Raises
        ------
        Lost
            The association ended, or the time is over (then it is aborted).
        """
        _, message = self.dimse.get_msg(block=True)
        if message is None:
            ended = self.acse.is_aborted() or not self.is_established or not self.dul.is_alive()
            raise Lost(Failure.ABORTED if ended else Failure.TIMEOUT)
        return message


def prepared(target: Target, wanted: Sequence[Wanted], *, operations: int = 1) -> CallingAssociation:
    """Return an association that is ready to be requested.

    Parameters
    ----------
    wanted
        1 to 128 contexts, each proposed with its one transfer syntax.
    operations
        How many requests we should like to have unanswered at a time; 1 is not negotiated.

    Raises
    ------
    Lost
        The host name cannot be resolved.
    """
    if not 1 <= len(wanted) <= MOST_CONTEXTS:
        raise ValueError("an association proposes 1 to 128 presentation contexts")
    entity = ApplicationEntity(target.local_aet)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = target.timeout_s
    entity.network_timeout = target.idle_s
    assoc = CallingAssociation(entity, target)
    try:
        remote = AddressInformation.from_addr_port(target.host, target.port)
        local = AddressInformation.from_tuple(("" if remote.is_ipv4 else "::0", 0))
        connection = CallingSocket(assoc, local, assoc.bell)
        if target.tls is not None:
            assoc.context = cast("CallingContext", target.tls.current())
            connection.tls_args = (assoc.context, target.server_name)
        assoc.set_socket(connection)
    except OSError:
        raise Lost(Failure.UNREACHABLE) from None
    assoc.acceptor.ae_title = target.ae_title
    assoc.acceptor.address_info = remote
    assoc.requestor.address_info = local
    assoc.requestor.ae_title = target.local_aet
    assoc.requestor.maximum_length = PDU_BYTES
    assoc.requestor.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    assoc.requestor.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    if operations > 1:
        asked = AsynchronousOperationsWindowNegotiation()
        asked.maximum_number_operations_invoked, asked.maximum_number_operations_performed = operations, 1
        assoc.requestor.add_negotiation_item(asked)
    contexts = [build_context(w.abstract_syntax, w.transfer_syntax) for w in wanted]
    for index, context in enumerate(contexts):
        context.context_id = 2 * index + 1
    assoc.requestor.requested_contexts = contexts
    return assoc
