"""The listening socket: connections become associations, which are counted in and out.

Rule of the file: pynetdicom's server and request handler. Nothing is accepted here: a new association supports nothing
until `receive` has let its caller in.
"""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from socketserver import BaseServer
from typing import TYPE_CHECKING, Any, cast

from pynetdicom import evt
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from gateway import log
from gateway.acceptor import StoreAssociation
from gateway.tls import shake_hands
from gateway.transport import QuickSocket, tune

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from gateway.commitment import ReportTaker
    from gateway.intake import Intake
    from gateway.tls import RenewedContext

_BACKLOG = 256
_LONGEST_HANDSHAKE_S = 30.0
_WAITING_TO_ASSOCIATE = 64
"""Connections beyond `max_associations` that may stand while they are being decided about."""


class _Handler(RequestHandler):
    """Makes a `StoreAssociation` of a connection, in a thread of its own."""

    def handle(self) -> None:
        """Shake hands where TLS is spoken, then begin the association."""
        if isinstance(self.request, ssl.SSLSocket):
            with cast("StoreServer", self.server).shaking_hands():
                shake_hands(self.request, allowed_s=self.ae.acse_timeout or _LONGEST_HANDSHAKE_S)
        super().handle()

    def _create_association(self) -> StoreAssociation:
        server = cast("StoreServer", self.server)
        assoc = StoreAssociation(server)
        assoc.name = "AcceptorThread"  # pynetdicom finds its acceptors by this name
        assoc.set_socket(QuickSocket(assoc, client_socket=self.request, bell=assoc.bell))
        assoc.acceptor.maximum_length = self.ae.maximum_pdu_size
        assoc.acceptor.ae_title = server.ae_title
        assoc.acceptor.address_info = self.local
        assoc.acceptor.implementation_class_uid = self.ae.implementation_class_uid
        assoc.acceptor.implementation_version_name = self.ae.implementation_version_name
        assoc.acceptor.supported_contexts = []  # nothing, until `EVT_REQUESTED` has let the caller in
        assoc.requestor.address_info = self.remote
        assoc.bind(evt.EVT_REQUESTED, server.requested)
        assoc.bind(evt.EVT_C_ECHO, _echo)
        assoc.bind(evt.EVT_CONN_CLOSE, _closed)
        server.began(assoc)
        return assoc


def _echo(_event: evt.Event) -> int:
    return 0x0000


def _closed(event: evt.Event) -> None:
    """End the wait for an association request where the peer has gone: a port scan must not hold a thread."""
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(cast("Any", None))  # read as: no request came


class StoreServer(ThreadedAssociationServer):
    """The listening socket and the associations that came through it.

    Parameters
    ----------
    ae
        pynetdicom's application entity, with timeouts and PDU size.
    address
        Where to listen.
    intake
        Where objects go.
    reports
        Where answers to our storage commitment requests go; None: nowhere.
    requested
        Handler of `EVT_REQUESTED`: lets the caller in (sets `caller` and the supported contexts) or rejects it.
    max_associations
        For bounding connections; associations proper are bounded by `requested`.
    stall_s
        How long one read or write may wait.
    tls
        In which every connection is answered; None: without TLS.
    inherited
        A socket that listens already and that other processes accept from too; None: one of its own is made.
    changed
        Called when an association has ended.
    """

    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(
        self,
        ae: Any,
        address: tuple[str, int],
        *,
        intake: Intake,
        reports: ReportTaker | None,
        requested: Any,
        max_associations: int,
        stall_s: float,
        tls: RenewedContext | None,
        inherited: socket.socket | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._inherited = inherited
        self._changed = changed
        self.intake = intake
        self.reports = reports
        self.requested = requested
        self._most_connections = max_associations + _WAITING_TO_ASSOCIATE
        self._stall_s = stall_s
        self._tls = tls
        self._open: set[StoreAssociation] = set()
        self._shaking_hands = 0
        self._all_ended = threading.Condition()
        super().__init__(ae, address, ae.ae_title, [], request_handler=_Handler)

    def server_bind(self) -> None:
        """Take the address, or the socket that has it."""
        if self._inherited is None:
            super().server_bind()
            return
        cast("socket.socket", self.socket).close()  # the one that `socketserver` made
        self.socket = self._inherited
        # Several are told of each connection, and one of them gets it: the others must not wait for the next.
        self.socket.setblocking(False)
        self.server_address = self.socket.getsockname()

    def server_activate(self) -> None:
        """Listen, where that is not done already."""
        if self._inherited is None:
            super().server_activate()

    def server_close(self) -> None:
        """Close the socket; an inherited one goes on listening for the others."""
        if self._inherited is None:
            super().server_close()
        else:
            self._inherited.close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        connection, address = super().get_request()
        tune(connection, stall_s=self._stall_s)
        if self._tls is not None:  # the handshake waits for the peer: not in the thread that accepts
            context = self._tls.current()
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    @contextmanager
    def shaking_hands(self) -> Iterator[None]:
        """Count a connection that is no association yet."""
        with self._all_ended:
            self._shaking_hands += 1
        try:
            yield
        except ssl.SSLError as error:
            log.event("tls_refused", why=(error.reason or "unknown").lower())
            raise
        finally:
            with self._all_ended:
                self._shaking_hands -= 1

    def verify_request(self, _request: Any, _client_address: Any) -> bool:
        """Close a connection at once when far too many stand already."""
        with self._all_ended:
            return len(self._open) + self._shaking_hands < self._most_connections

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Record a connection that could not be served, without its traceback."""
        log.event("connection_failed")

    def stop_listening(self) -> None:
        """End `serve_forever` and close the listening socket; associations go on."""
        BaseServer.shutdown(self)  # pynetdicom's own also looks for itself in a list that this server is not in
        self.server_close()

    def began(self, assoc: StoreAssociation) -> None:
        """Count an association in."""
        with self._all_ended:
            self._open.add(assoc)

    def ended(self, assoc: StoreAssociation) -> None:
        """Count an association out."""
        with self._all_ended:
            self._open.discard(assoc)
            self._all_ended.notify_all()
        self._changed()

    @property
    def associations(self) -> tuple[StoreAssociation, ...]:
        """Every association that has not ended, those being negotiated included."""
        with self._all_ended:
            return tuple(self._open)

    def wait_for_change(self, timeout_s: float) -> None:
        """Wait until an association ends or the time is over."""
        with self._all_ended:
            if self._open:
                self._all_ended.wait(timeout_s)
