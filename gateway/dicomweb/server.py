"""The STOW-RS service on a port: uvicorn on a thread of the node, its TLS, and its limits against idle callers.

Rule of the file: sockets, deadlines and the thread. What uvicorn lets wait for ever (a handshake, the head of a
request) ends here, and connections are counted before any of it.
"""

from __future__ import annotations

import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from config.tokens import TokenUnusableError
from gateway import log
from gateway.dicomweb.callers import Callers
from gateway.dicomweb.service import Limits, StoreService
from gateway.tls import following, listening, names_in

if TYPE_CHECKING:
    import asyncio
    import ssl
    from datetime import timedelta

    from config.gateway import Dicomweb
    from config.schema import GatewayConfig
    from gateway.intake import Intake

_KEPT_OPEN_S = 30
_LARGEST_HEAD_BYTES = 32 * 1024
_END_S = 5.0


class StoreServer:
    """The service of one node.

    Parameters
    ----------
    config
        With a `dicomweb` section.
    intake
        Where objects go; called from many threads.

    Raises
    ------
    gateway.tls.TlsFilesError
        The certificates cannot be used.
    config.tokens.TokenUnusableError
        A caller's token cannot be used.
    """

    def __init__(self, config: GatewayConfig, intake: Intake) -> None:
        assert config.dicomweb is not None
        self._settings = config.dicomweb
        times = config.listener.timeouts
        self._context = None if self._settings.tls is None else following(listening(self._settings.tls))
        self._executor = ThreadPoolExecutor(self._settings.max_connections, thread_name_prefix="dicomweb")
        limits = Limits(max_request_bytes=self._settings.max_request, stall_s=times.dimse.total_seconds())
        self._service = StoreService(intake, Callers(config), limits, self._executor)
        self._head_s = times.association.total_seconds()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self, *, drain: timedelta) -> None:
        """Listen; returns when connections are taken.

        Parameters
        ----------
        drain
            How long `stop` lets requests end.

        Raises
        ------
        OSError
            The address cannot be bound.
        """
        listener = _CountedListener.bound(self._settings)
        self.port = int(listener.getsockname()[1])
        settings = uvicorn.Config(
            self._service,
            http=type("Bounded", (_Bounded,), {"head_s": self._head_s}),
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEPT_OPEN_S,
            timeout_graceful_shutdown=max(1, int(drain.total_seconds())),
            ssl_context_factory=self._given_context if self._context is not None else None,
            h11_max_incomplete_event_size=_LARGEST_HEAD_BYTES,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), name="dicomweb", daemon=True)
        self._thread.start()

    def _given_context(self, _config: uvicorn.Config, _usual: Any) -> ssl.SSLContext:
        assert self._context is not None
        return self._context

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        except Exception as error:  # noqa: BLE001  the node's health shows that the thread is gone
            log.fault("dicomweb_ended", error)

    def admit(self, config: GatewayConfig) -> None:
        """Let callers in by new settings from now on; requests that have begun go on."""
        try:
            self._service.callers = Callers(config)
        except TokenUnusableError:  # it was usable when the configuration was read, a moment ago
            log.event("token_unusable")

    @property
    def is_alive(self) -> bool:
        """Whether requests are answered."""
        return self._thread is not None and self._thread.is_alive()

    def stop_accepting(self) -> None:
        """Take no more connections; requests that have begun go on for the time given to `start`, then are cut."""
        if self._server is not None:
            self._server.should_exit = True

    def stop(self) -> None:
        """Wait for the end of what `stop_accepting` began."""
        self.stop_accepting()
        if self._server is None or self._thread is None:
            return
        self._thread.join((self._server.config.timeout_graceful_shutdown or 0) + _END_S)
        self._executor.shutdown(wait=True)


class _CountedListener(socket.socket):
    """A listening socket that closes what comes beyond a number of open connections, before anything is read."""

    most: int
    accepted: weakref.WeakSet[socket.socket]

    @classmethod
    def bound(cls, settings: Dicomweb) -> _CountedListener:
        """Listen where the settings say."""
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = cls(family, kind, protocol)
        try:
            listener.most = settings.max_connections
            listener.accepted = weakref.WeakSet()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(settings.max_connections)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        return listener

    def accept(self) -> tuple[socket.socket, Any]:
        """Take the next connection.

        Raises
        ------
        BlockingIOError
            There is none, or it was one too many and is closed.
        """
        connection, address = super().accept()
        if sum(known.fileno() != -1 for known in self.accepted) >= self.most:
            log.event("too_many_connections", where="dicomweb")
            connection.close()
            raise BlockingIOError
        self.accepted.add(connection)
        return connection, address


class _Bounded(H11Protocol):
    """uvicorn's protocol with a deadline for each head, and the caller's certificate in the request's state."""

    head_s: float
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        names = names_in(transport.get_extra_info("peercert"))
        self.app_state = {**self.app_state, "certificate_names": names}
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        self._stop_watching()
        super().on_response_complete()

    @property
    def _is_in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch_head(self) -> None:
        if self._is_in_request:
            self._stop_watching()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.head_s, self._give_up)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self._is_in_request:
            self.transport.abort()
