"""A STOW-RS service that keeps what it was sent and answers as a test wants, also by not answering.

Rule of the file: bodies are taken apart by the standard library's own multipart parser and by pydicom, not by ours.
"""

from __future__ import annotations

import email
import hashlib
import io
import json
import ssl
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pydicom

from tests.peers.receiving import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.peers.certificates import Authority, Pair

DICOM_JSON = "application/dicom+json"
_PIECE_BYTES = 1 << 16


def module_of(instance: pydicom.Dataset, *, failure: int | None = None, warning: int | None = None) -> dict[str, Any]:
    """Return a Store Instances Response Module about one instance."""
    item: dict[str, Any] = {
        "00081150": {"vr": "UI", "Value": [str(instance.SOPClassUID)]},
        "00081155": {"vr": "UI", "Value": [str(instance.SOPInstanceUID)]},
    }
    if failure is not None:
        item["00081197"] = {"vr": "US", "Value": [failure]}
        return {"00081198": {"vr": "SQ", "Value": [item]}}
    if warning is not None:
        item["00081196"] = {"vr": "US", "Value": [warning]}
    return {"00081199": {"vr": "SQ", "Value": [item]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How one request is answered.

    Parameters
    ----------
    body
        What is answered, or makes it from the instance.
    cut_after_bytes
        The connection ends when so much of the body was read, without an answer.
    drips
        The head of the answer comes byte by byte and never ends.
    hangs
        There is no answer before the service ends.
    closes
        The connection ends after the answer, without a word about it.
    """

    status: int = 200
    body: bytes | Callable[[pydicom.Dataset], bytes | dict[str, Any]] = module_of
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after_bytes: int | None = None
    drips: bool = False
    hangs: bool = False
    closes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came: `part` is the Part 10 file, empty where the body is kept as a hash only."""

    path: str
    headers: Mapping[str, str]
    part: bytes
    sha256: str
    size_bytes: int


@dataclass(slots=True)
class StowService:
    """A running service; `script` has the answers of the next requests, then everything is stored."""

    port: int
    script: deque[Reply] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    keeps_bodies: bool = True
    ended: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def parts(self) -> list[bytes]:
        """Return the files that came whole."""
        return [request.part for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: StowService
    timeout = 30

    def setup(self) -> None:
        super().setup()
        self.service.connections += 1

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(self.service.script.popleft() if self.service.script else Reply(body=b"[]"), None)

    def do_POST(self) -> None:
        service = self.service
        reply = service.script.popleft() if service.script else Reply()
        length = int(self.headers["content-length"])
        body, digest, taken = bytearray(), hashlib.sha256(), 0
        while taken < length:
            if reply.cut_after_bytes is not None and taken >= reply.cut_after_bytes:
                self.close_connection = True
                return
            piece = self.rfile.read(min(_PIECE_BYTES, length - taken))
            if not piece:
                self.close_connection = True
                return
            taken += len(piece)
            digest.update(piece)
            if service.keeps_bodies:
                body += piece
        part = _only_part(self.headers["content-type"], bytes(body)) if body else b""
        service.requests.append(
            Request(
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                part=part,
                sha256=digest.hexdigest(),
                size_bytes=taken,
            )
        )
        self._answer(reply, pydicom.dcmread(io.BytesIO(part), stop_before_pixels=True) if part else None)

    def _answer(self, reply: Reply, instance: pydicom.Dataset | None) -> None:
        if reply.hangs:
            self.service.ended.wait(30)
            self.close_connection = True
            return
        if reply.drips:
            self._drip()
            return
        made = reply.body if isinstance(reply.body, bytes) else reply.body(instance or pydicom.Dataset())
        body = made if isinstance(made, bytes) else json.dumps(made).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": DICOM_JSON, "Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or reply.closes

    def _drip(self) -> None:
        self.close_connection = True
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not self.service.ended.wait(0.05):
                self.wfile.write(b"y")
        except OSError:
            return


def _only_part(content_type: str, body: bytes) -> bytes:
    parsed = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    (part,) = parsed.get_payload()
    assert part.get_content_type() == "application/dicom"
    # The library turns line ends in text; the bytes are therefore taken from between the part's head and the delimiter.
    boundary = b"--" + str(parsed.get_boundary()).encode()
    begin = body.index(b"\r\n\r\n") + 4
    return body[begin : body.rindex(b"\r\n" + boundary)]


@contextmanager
def stow_service(
    *script: Reply, port: int = 0, pair: Pair | None = None, callers: Authority | None = None, keeps_bodies: bool = True
) -> Iterator[StowService]:
    """Run a service until the block ends.

    Parameters
    ----------
    pair
        Its certificate; None: it speaks plain HTTP.
    callers
        Whose certificates it asks callers for.
    """
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer((LOOPBACK, port), handler)
    server.daemon_threads = True
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.private_key)
        if callers is not None:
            context.load_verify_locations(callers.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # what a caller does wrong is not the test's
    service = StowService(server.server_port, deque(script), keeps_bodies=keeps_bodies)
    service.url = f"http{'s' if pair else ''}://{LOOPBACK}:{service.port}/dicom-web"
    handler.service = service
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="stow-service")
    thread.start()
    try:
        yield service
    finally:
        service.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
