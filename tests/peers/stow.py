"""A STOW-RS sender made by hand: bodies as a test wants them, over plain sockets, so that they can be spoiled."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

BOUNDARY = "a-boundary-of-the-tests"
CONTENT_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
FAILED, REFERENCED, OTHER = "00081198", "00081199", "0008119A"
_ANSWER_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def module(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def instances(self, sequence: str) -> list[str]:
        """Return the SOP Instance UIDs of a sequence."""
        items = self.module.get(sequence, {}).get("Value", [])
        return [item["00081155"]["Value"][0] for item in items]

    def reasons(self, sequence: str) -> list[int]:
        """Return the failure reasons of a sequence."""
        items = self.module.get(sequence, {}).get("Value", [])
        return [item["00081197"]["Value"][0] for item in items]


def body_of(parts: Iterable[bytes], *, boundary: str = BOUNDARY) -> bytes:
    """Return a whole body."""
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


def head_of(length: int | None, *, token: str | None, path: str = "/dicom-web/studies", **headers: str) -> bytes:
    """Return the head of a request; without a length, the body is to come in chunks."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost"]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    wanted = {"Content-Type": CONTENT_TYPE, "Accept": "application/dicom+json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines += [f"{name}: {value}" for name, value in wanted.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def connect(port: int, *, context: ssl.SSLContext | None = None) -> socket.socket:
    """Connect to a service on this machine."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S)
    return plain if context is None else context.wrap_socket(plain, server_hostname="127.0.0.1")


def read_answer(connection: socket.socket) -> Answer:
    """Wait for the answer to what was sent."""
    response = HTTPResponse(connection)
    response.begin()
    body = response.read()
    return Answer(status=response.status, headers={k.lower(): v for k, v in response.getheaders()}, body=body)


def stow(
    port: int,
    parts: Iterable[bytes],
    *,
    token: str | None,
    path: str = "/dicom-web/studies",
    context: ssl.SSLContext | None = None,
    **headers: str,
) -> Answer:
    """Store parts in one request."""
    body = body_of(parts)
    with connect(port, context=context) as connection:
        connection.sendall(head_of(len(body), token=token, path=path, **headers) + body)
        return read_answer(connection)
