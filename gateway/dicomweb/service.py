"""The STOW-RS service as an ASGI application: who may, what is asked, and the body in pieces (PS3.18 10.5).

Rule of the file: HTTP only; what an object is worth is decided behind `upload`. Nobody unknown learns anything but 401,
nothing of a URL or a header is logged, and the disk's work is done in threads of its own.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from gateway import log
from gateway.dicomweb.answers import DICOM_JSON, http_status, response_body
from gateway.dicomweb.callers import Refusal
from gateway.dicomweb.part import MEDIA_TYPE
from gateway.dicomweb.upload import Upload
from gateway.intake import OutOfResources
from gateway.negotiation import is_valid_uid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
    from concurrent.futures import Executor

    from gateway.admission import Caller
    from gateway.dicomweb.callers import Callers
    from gateway.intake import Intake

    Message_ = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message_]]
    Send = Callable[[Message_], Awaitable[None]]

_Result = TypeVar("_Result")

ROOT = "/dicom-web"
RETRY_AFTER_S = 60
LEAST_RATE_BYTES_PER_S = 1_000
_GRACE_S = 60.0
"""A caller may be slower than that until we have waited for it so long."""
_PIECE_BYTES = 512 * 1024
_STUDIES = re.compile(rf"{ROOT}/studies(?:/([^/]+))?/?")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
_MOST_DROPPED_BYTES = 16 << 20
_DROPPING_S = 5.0
"""A refused caller's body is read so far: many read an answer only after they have sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may take.

    Parameters
    ----------
    max_request_bytes
        The longest body.
    stall_s
        For the next bytes of a body.
    """

    max_request_bytes: int
    stall_s: float


class _Refused(Exception):
    """The request is answered with a status and nothing else."""

    def __init__(self, status: HTTPStatus, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(status.phrase)
        self.status = status
        self.headers = headers


class _Gone(Exception):
    """The caller has left; there is nobody to answer."""


class StoreService:
    """The application.

    Parameters
    ----------
    intake
        Where objects go; called from many threads.
    callers
        Who may store; replaced on reload.
    limits
        Of a request.
    executor
        The threads that write.
    """

    def __init__(self, intake: Intake, callers: Callers, limits: Limits, executor: Executor) -> None:
        self._intake = intake
        self.callers = callers
        self._limits = limits
        self._executor = executor

    async def __call__(self, scope: Message_, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request, body = _Request(scope), _Body(receive)
        try:
            await self._store(request, body, send)
        except _Gone:
            log.event("upload_cut_off", node=request.node_name)
        except _Refused as refused:
            await _refuse(request, refused, body, send)
        except Exception as error:  # noqa: BLE001  whatever breaks, never success; an error's text may quote a header
            log.fault("web_request_failed", error, node=request.node_name)
            await _refuse(request, _Refused(HTTPStatus.INTERNAL_SERVER_ERROR), body, send)

    async def _store(self, request: _Request, body: _Body, send: Send) -> None:
        caller = await self._let_in(request)
        study_instance_uid = request.study_instance_uid()
        boundary, media_type = request.boundary(), request.answer_type()
        if request.announced_bytes > self._limits.max_request_bytes:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        await self._in_thread(self._has_space)
        upload = Upload(self._intake, caller, boundary=boundary, study_instance_uid=study_instance_uid)
        try:
            async for piece in self._pieces(body):
                await self._in_thread(partial(upload.feed, piece))
            outcomes = await self._in_thread(upload.end)
        finally:
            # Off the loop: a thread may still be writing for a request that was cancelled.
            self._executor.submit(upload.abandon)
        status = http_status(outcomes)
        headers = [(b"content-type", media_type)]
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
        await _answer(send, status, response_body(outcomes), *headers)

    async def _let_in(self, request: _Request) -> Caller:
        # In a thread: a host's name may have to be looked up.
        decide = partial(
            self.callers.decide,
            authorization=request.header("authorization"),
            address=request.address,
            certificate_names=request.certificate_names,
        )
        decision = await self._in_thread(decide)
        if isinstance(decision, Refusal):
            log.event("web_caller_refused", reason=decision.value, host=request.address)
            if decision is Refusal.ADDRESS:
                raise _Refused(HTTPStatus.FORBIDDEN)
            raise _Refused(HTTPStatus.UNAUTHORIZED, (b"www-authenticate", b'Bearer realm="sonoveil"'))
        request.node_name = decision.node_name
        return decision

    def _has_space(self) -> None:
        """Ask the intake before a body of gigabytes is sent in vain."""
        try:
            self._intake.abandon(self._intake.open())
        except OutOfResources:
            retry_after = (b"retry-after", str(RETRY_AFTER_S).encode())
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, retry_after) from None

    async def _pieces(self, body: _Body) -> AsyncIterator[bytes]:
        """Yield the body in pieces that are worth a thread's turn; end a caller that stalls, drips or does not end."""
        piece, taken, waited = bytearray(), 0, 0.0
        while not body.has_ended:
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._limits.stall_s):
                    chunk = await body.next()
            except TimeoutError:
                raise _Refused(HTTPStatus.REQUEST_TIMEOUT) from None
            waited += time.monotonic() - began
            piece += chunk
            taken += len(chunk)
            if taken > self._limits.max_request_bytes:
                raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            if waited > _GRACE_S and taken < LEAST_RATE_BYTES_PER_S * waited:
                raise _Refused(HTTPStatus.REQUEST_TIMEOUT)
            if len(piece) >= _PIECE_BYTES or body.has_ended:
                yield bytes(piece)
                piece = bytearray()

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


class _Body:
    """What follows a request's head, as it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.has_ended = False

    async def next(self) -> bytes:
        """Return the next bytes.

        Raises
        ------
        _Gone
            The caller has left.
        """
        message = await self._receive()
        self.has_ended = not message.get("more_body", False)
        if message["type"] != "http.request":
            raise _Gone
        return bytes(message.get("body", b""))


class _Request:
    """What is asked, out of an ASGI scope."""

    def __init__(self, scope: Message_) -> None:
        self._path = str(scope["path"])
        self._method = str(scope["method"])
        self._headers = [
            (bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in scope["headers"]
        ]
        client = scope.get("client")
        self.address = str(client[0]) if client else ""
        self.certificate_names: frozenset[str] | None = scope.get("state", {}).get("certificate_names")
        self.node_name: str | None = None

    def header(self, name: str) -> str | None:
        """Return a header; None where it is missing, or stands there more than once."""
        found = [value for known, value in self._headers if known == name]
        return found[0] if len(found) == 1 else None

    @property
    def waits_for_a_word(self) -> bool:
        """Whether the body is only sent when we begin to read it (RFC 9110 10.1.1)."""
        return (self.header("expect") or "").lower() == "100-continue"

    @property
    def announced_bytes(self) -> int:
        """The body's length as announced, 0 where it is not."""
        announced = self.header("content-length") or ""
        return int(announced) if announced.isdecimal() else 0

    def study_instance_uid(self) -> str | None:
        """Return the study that the URL names, None where it names none."""
        found = _STUDIES.fullmatch(self._path)
        if found is None:
            raise _Refused(HTTPStatus.NOT_FOUND)
        if self._method != "POST":
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", b"POST"))
        study: str | None = found[1]
        if study is not None and not is_valid_uid(study):
            raise _Refused(HTTPStatus.BAD_REQUEST)
        return study

    def boundary(self) -> bytes:
        """Return the boundary of the parts."""
        content_type = Message()
        content_type["content-type"] = self.header("content-type") or "none/none"
        boundary = content_type.get_param("boundary")
        inner = content_type.get_param("type", MEDIA_TYPE)
        if (
            content_type.get_content_type() != "multipart/related"
            or not isinstance(inner, str)
            or inner.lower() != MEDIA_TYPE
            or self.header("content-encoding") not in {None, "identity"}
        ):
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if not isinstance(boundary, str) or not _BOUNDARY.fullmatch(boundary):
            raise _Refused(HTTPStatus.BAD_REQUEST)
        return boundary.encode("ascii")

    def answer_type(self) -> bytes:
        """Return in which media type the caller takes the answer."""
        accepted = {
            item.partition(";")[0].strip().lower()
            for name, value in self._headers
            if name == "accept"
            for item in value.split(",")
        }
        if not accepted or accepted & {DICOM_JSON, "*/*", "application/*"}:
            return DICOM_JSON.encode()
        if "application/json" in accepted:
            return b"application/json"
        raise _Refused(HTTPStatus.NOT_ACCEPTABLE)


async def _refuse(request: _Request, refused: _Refused, body: _Body, send: Send) -> None:
    if not request.waits_for_a_word:
        await _drop(body)
    await _answer(send, refused.status, b"", *refused.headers, (b"connection", b"close"))


async def _drop(body: _Body) -> None:
    dropped = 0
    try:
        async with asyncio.timeout(_DROPPING_S):
            while not body.has_ended and dropped < _MOST_DROPPED_BYTES:
                dropped += len(await body.next())
    except (TimeoutError, _Gone):
        return


async def _answer(send: Send, status: HTTPStatus, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
