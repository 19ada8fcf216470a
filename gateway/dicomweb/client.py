"""HTTP to a node with a `url`: its token, its TLS, its timeouts, and why there is no answer.

Rule of the file: httpx is known here only; what goes wrong on the way is a `Lost` with a reason of ours, and nothing of
the peer's is carried along. Redirections are not followed and no proxy of the environment is used.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from gateway.dicomweb.tokens import TokenFile
from gateway.forward import IDLE_S
from gateway.requestor import Failure, Lost
from gateway.tls import calling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from config.gateway import Node, NodeTls
    from gateway.tls import RenewedContext

_LARGEST_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer, its body read.

    Parameters
    ----------
    body
        Up to a megabyte; a longer one is no answer to one instance and is empty here.
    """

    status: int
    body: bytes


class WebClient:
    """HTTP to one node with a `url`: its token, its TLS, its timeouts. For one thread.

    Parameters
    ----------
    node
        The target.
    tls
        Ours towards it (`GatewayConfig.tls_towards`).

    Raises
    ------
    gateway.tls.TlsFilesError, config.tokens.TokenUnusableError
        A file cannot be used.
    ValueError
        The node has no `url`, or one with https and nobody whose certificates are trusted.
    """

    def __init__(self, node: Node, *, tls: NodeTls | None) -> None:
        if node.url is None or (node.is_encrypted and tls is None):
            raise ValueError("the node cannot be called by DICOMweb")
        self._url = node.url
        self._timeout_s = node.timeout.total_seconds()
        self._token = None if node.token_file is None else TokenFile(node.token_file)
        self._renewed: RenewedContext | None = calling(tls) if tls is not None and node.is_encrypted else None
        self._server_name = tls.server_name if tls is not None else None
        self._context: ssl.SSLContext | None = None
        self._client: httpx.Client | None = None
        self._watch = _AnswerWatch(self._timeout_s)
        self.was_used = False

    def ask(
        self, method: str, path: str, *, content: Iterator[bytes] | None = None, headers: dict[str, str]
    ) -> HttpAnswer:
        """Send one request and read its answer.

        Raises
        ------
        gateway.requestor.Lost
            There is no answer.
        """
        if self._token is not None:
            headers |= {"Authorization": f"Bearer {self._token.current()}"}
        extensions: dict[str, Any] = {"trace": self._watch.trace}
        if self._server_name is not None:
            extensions["sni_hostname"] = self._server_name
        try:
            with (
                self._watch.watching(),
                self._current().stream(
                    method, self._url + path, content=content, headers=headers, extensions=extensions
                ) as response,
            ):
                answer = HttpAnswer(status=response.status_code, body=_body(response))
        except Lost:
            self.close()
            raise
        except httpx.HTTPError as error:
            self.close()
            raise Lost(Failure.TIMEOUT if self._watch.has_ended_it else _why(error)) from None
        self.was_used = True
        return answer

    def _current(self) -> httpx.Client:
        context = None if self._renewed is None else self._renewed.current()
        if self._client is None or context is not self._context:
            self.close()
            self._context = context
            self._client = httpx.Client(
                verify=context if context is not None else False,  # without a context, nothing is called by https
                trust_env=False,
                timeout=self._timeout_s,
                limits=httpx.Limits(max_connections=1, keepalive_expiry=IDLE_S),
                headers={"Accept-Encoding": "identity"},
            )
        return self._client

    def close(self) -> None:
        """Close the connection, if one is open."""
        current, self._client = self._client, None
        self.was_used = False
        if current is not None:
            current.close()


class _AnswerWatch:
    """Ends a connection whose answer is not there in time; httpx has a time for each read, and there may be many.

    Parameters
    ----------
    timeout_s
        From the last byte of the request to the last byte of the answer.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.has_ended_it = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow what becomes of a request (httpcore's request extension of that name)."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")
        elif event == "http11.send_request_body.complete":
            self._timer = threading.Timer(self._timeout_s, self._end)
            self._timer.daemon = True
            self._timer.start()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch one request."""
        self.has_ended_it = False
        try:
            yield
        finally:
            timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()

    def _end(self) -> None:
        self.has_ended_it = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > _LARGEST_ANSWER_BYTES:
            return b""
    return bytes(body)


def _why(error: httpx.HTTPError) -> Failure:
    """Return why there is no answer."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Failure.UNREACHABLE
        case httpx.TimeoutException():
            return Failure.TIMEOUT
        case httpx.ConnectError():
            return Failure.TLS if _tls_fault(error) is not None else Failure.UNREACHABLE
        case _:
            # With TLS 1.3 a peer that does not trust our certificate says so after the handshake.
            fault = _tls_fault(error)
            return Failure.TLS if fault is not None and "ALERT" in (fault.reason or "") else Failure.ABORTED


def _tls_fault(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error
