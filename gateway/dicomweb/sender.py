"""STOW-RS to one target: what became of each object that was to be sent to it (PS3.18 10.5).

The counterpart of `gateway.forward` for a node with a `url`: the same outcomes, so that ledger, retries and circuit are
the same. One instance in a request, so that each has its own answer; the connection is kept open between them.

Rule of the file: bytes are sent as they stand on disk, and streamed; success is only what the answer says of the very
instance that was sent, because a proxy also answers 200.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from gateway.dicomweb.answers import DICOM_JSON, told_about
from gateway.dicomweb.client import WebClient
from gateway.dicomweb.part import MEDIA_TYPE
from gateway.dicomweb.probe import ask
from gateway.forward import FAILURES_IN_A_ROW, IDLE_S, OutcomeKind, SendOutcome, failures_after, not_tried
from gateway.requestor import Failure, Lost
from gateway.statuses import REFERENCED_SYNTAX_NOT_SUPPORTED, Answer, answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from config.gateway import Node, NodeTls
    from gateway.dicomweb.client import HttpAnswer
    from gateway.forward import Outgoing

_PIECE_BYTES = 1 << 20
OF_THE_NODE = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.GONE,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    }
)
"""Said of us or of the URL, not of the object: others would fare the same, as with a rejected association."""
LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
"""The same request may succeed later, as after 5xx."""


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

    def probe(self) -> Failure | None:
        """Ask for a study that cannot exist; return why nobody answered, None where somebody did, whatever was said."""
        try:
            ask(self._client)
        except Lost as lost:
            return lost.why
        self._used_at = time.monotonic()
        return None

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
    404, 405, 406, 407, 410 and redirections are about us or the URL and rest the whole target; 415 asks for another
    transfer syntax; a 2xx is no answer to what was asked, and the same is sent again later. Everything else is a
    refusal that somebody must look at.
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
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in LATER:
        return _outcome(outgoing, OutcomeKind.LATER, status=status, why=Failure.OUT_OF_RESOURCES)
    if status in OF_THE_NODE or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _outcome(outgoing, OutcomeKind.LATER, status=status, why=Failure.REJECTED)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return _outcome(outgoing, OutcomeKind.LATER, status=status, why=Failure.BAD_ANSWER)
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


def _outcome(
    outgoing: Outgoing,
    kind: OutcomeKind,
    *,
    status: int | None = None,
    why: Failure | None = None,
    sent_bytes: int = 0,
) -> SendOutcome:
    return SendOutcome(token=outgoing.token, kind=kind, status=status, why=why, sent_bytes=sent_bytes)
