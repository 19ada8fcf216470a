"""STOW-RS to one target: what became of each object that was to be sent to it (PS3.18 10.5).

The counterpart of `gateway.forward` for a node with a `url`: the same outcomes, so that ledger, retries and circuit are
the same. One instance in a request, so that each has its own answer; the connection is kept open between them.

Rule of the file: bytes are sent as they stand on disk, and streamed; success is only what the answer says of the very
instance that was sent, because a proxy also answers 200.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from uuid import uuid4

import httpx

from gateway.dicomweb.answers import DICOM_JSON, told_about
from gateway.dicomweb.part import MEDIA_TYPE
from gateway.dicomweb.tokens import TokenFile
from gateway.forward import FAILURES_IN_A_ROW, IDLE_S, OutcomeKind, SendOutcome, failures_after, not_tried
from gateway.requestor import Failure, Lost
from gateway.statuses import REFERENCED_SYNTAX_NOT_SUPPORTED, Answer, answer_of
from gateway.tls import calling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from config.gateway import Node, NodeTls
    from gateway.forward import Outgoing
    from gateway.tls import RenewedContext

_PIECE_BYTES = 1 << 20
_LARGEST_ANSWER_BYTES = 1 << 20
_OF_THE_NODE = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    }
)
"""Said of us or of the URL, not of the object: every other object would fare the same, as with a rejected association."""
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


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
    """

    def __init__(self, node: Node, *, tls: NodeTls | None) -> None:
        assert node.url is not None
        self._url = node.url
        self._timeout_s = node.timeout.total_seconds()
        self._token = None if node.token_file is None else TokenFile(node.token_file)
        self._renewed: RenewedContext | None = calling(tls) if tls is not None and node.is_encrypted else None
        self._server_name = tls.server_name if tls is not None else None
        self._context: ssl.SSLContext | None = None
        self._client: httpx.Client | None = None
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
        extensions = {"sni_hostname": self._server_name} if self._server_name is not None else {}
        try:
            with self._current().stream(
                method, self._url + path, content=content, headers=headers, extensions=extensions
            ) as response:
                self.was_used = True
                return HttpAnswer(status=response.status_code, body=self._body(response))
        except Lost:
            self.close()
            raise
        except httpx.TimeoutException as error:
            self.close()
            connecting = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
            raise Lost(Failure.UNREACHABLE if connecting else Failure.TIMEOUT) from None
        except httpx.ConnectError as error:
            self.close()
            raise Lost(Failure.TLS if _is_of_tls(error) else Failure.UNREACHABLE) from None
        except httpx.HTTPError:
            self.close()
            raise Lost(Failure.ABORTED) from None

    def _body(self, response: httpx.Response) -> bytes:
        body, deadline = bytearray(), time.monotonic() + self._timeout_s
        for piece in response.iter_raw():
            body += piece
            if time.monotonic() > deadline:
                raise Lost(Failure.TIMEOUT)
            if len(body) > _LARGEST_ANSWER_BYTES:
                return b""
        return bytes(body)

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


class WebSender:
    """Sends objects to one target by STOW-RS. Not for several threads.

    Parameters
    ----------
    node_name
        For those who watch.
    node
        The target, with a `url`.
    tls
        Ours towards it (`GatewayConfig.tls_towards`).
    """

    def __init__(self, node_name: str, node: Node, *, tls: NodeTls | None = None) -> None:
        self.node_name = node_name
        self._client = WebClient(node, tls=tls)
        self._used_at = time.monotonic()

    def __enter__(self) -> Self:
        """Return the sender."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def send(self, objects: Sequence[Outgoing]) -> Iterator[SendOutcome]:
        """Send objects, one outcome each as it happens.

        Parameters
        ----------
        objects
            In the order wanted.
        """
        failures = 0
        for outgoing in objects:
            if failures >= FAILURES_IN_A_ROW:
                yield not_tried(outgoing)
                continue
            outcome = self._send_one(outgoing)
            self._used_at = time.monotonic()
            failures = failures_after(outcome, failures)
            yield outcome

    def _send_one(self, outgoing: Outgoing) -> SendOutcome:
        was_used = self._client.was_used
        try:
            try:
                return self._stored(outgoing)
            except Lost as lost:
                if not was_used or lost.why is not Failure.ABORTED:
                    raise
            # The peer had closed the connection while it was kept: not this object's fault, nor a failure yet.
            return self._stored(outgoing)
        except Lost as lost:
            return _outcome(outgoing, OutcomeKind.LATER, why=lost.why)

    def _stored(self, outgoing: Outgoing) -> SendOutcome:
        boundary = uuid4().hex
        head = f"--{boundary}\r\nContent-Type: {MEDIA_TYPE}\r\n\r\n".encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        try:
            size_bytes = outgoing.path.stat().st_size
        except OSError:
            raise Lost(Failure.FILE) from None
        headers = {
            "Content-Type": f'multipart/related; type="{MEDIA_TYPE}"; boundary={boundary}',
            "Content-Length": str(len(head) + size_bytes + len(tail)),
            "Accept": DICOM_JSON,
        }
        content = _streamed(outgoing.path, size_bytes, head=head, tail=tail)
        answer = self._client.ask("POST", "/studies", content=content, headers=headers)
        return outcome_of(answer, outgoing, sent_bytes=size_bytes)

    def close_if_idle(self) -> None:
        """Close the connection when it was not used for the idle time; call this now and then."""
        if self._client.was_used and time.monotonic() - self._used_at >= IDLE_S:
            self.close()

    def close(self) -> None:
        """Close the connection, if one is open."""
        self._client.close()


def outcome_of(answer: HttpAnswer, outgoing: Outgoing, *, sent_bytes: int) -> SendOutcome:
    """Sort an answer: what it says of the instance comes before the status of the request.

    Stored, with or without a warning, is a delivery. A failure reason is read as the status of a C-STORE would be.
    Where nothing is said of the instance, the status decides: 5xx, 408, 425 and 429 are tried again later; 401, 403,
    404, 405, 407 and redirections are about us or the URL and rest the whole target; 415 asks for another transfer
    syntax. Everything else, a bare 200 included, is a refusal that somebody must look at.
    """
    told = (
        told_about(answer.body, outgoing.sop_instance_uid) if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR else None
    )
    if told is None or (not told.is_stored and told.reason is None):
        return _by_status(answer.status, outgoing)
    if told.is_stored:
        kind = OutcomeKind.SENT if not told.reason else OutcomeKind.SENT_WITH_WARNING
        return _outcome(outgoing, kind, status=told.reason or 0, sent_bytes=sent_bytes)
    assert told.reason is not None
    if told.reason == REFERENCED_SYNTAX_NOT_SUPPORTED:
        return _outcome(outgoing, OutcomeKind.SYNTAX_NOT_ACCEPTED)
    later = answer_of(told.reason) is Answer.LATER
    return _outcome(
        outgoing,
        OutcomeKind.LATER if later else OutcomeKind.REFUSED,
        status=told.reason,
        why=Failure.OUT_OF_RESOURCES if later else None,
    )


def _by_status(status: int, outgoing: Outgoing) -> SendOutcome:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        return _outcome(outgoing, OutcomeKind.LATER, status=status, why=Failure.OUT_OF_RESOURCES)
    if status in _OF_THE_NODE or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _outcome(outgoing, OutcomeKind.LATER, status=status, why=Failure.REJECTED)
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return _outcome(outgoing, OutcomeKind.SYNTAX_NOT_ACCEPTED)
    return _outcome(outgoing, OutcomeKind.REFUSED, status=status)


def _streamed(path: Path, size_bytes: int, *, head: bytes, tail: bytes) -> Iterator[bytes]:
    """Yield a body of exactly the length that was announced.

    Raises
    ------
    gateway.requestor.Lost
        The file cannot be read, or has become shorter.
    """
    yield head
    left = size_bytes
    try:
        with path.open("rb") as file:
            while left:
                piece = file.read(min(_PIECE_BYTES, left))
                if not piece:
                    break
                left -= len(piece)
                yield piece
    except OSError:
        raise Lost(Failure.FILE) from None
    if left:
        raise Lost(Failure.FILE)
    yield tail


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _outcome(
    outgoing: Outgoing,
    kind: OutcomeKind,
    *,
    status: int | None = None,
    why: Failure | None = None,
    sent_bytes: int = 0,
) -> SendOutcome:
    return SendOutcome(token=outgoing.token, kind=kind, status=status, why=why, sent_bytes=sent_bytes)
