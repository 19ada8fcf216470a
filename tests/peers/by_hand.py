"""A storage SCP at the level of bytes: negotiates an asynchronous operations window and answers as no library would.

Rule of the file: independent of pynetdicom and of `gateway`; PS3.8 9.3 and PS3.7 9.3, D.3.3.3 written out.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.peers.raw import A_ABORT, A_RELEASE_RP, A_RELEASE_RQ, P_DATA, p_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

A_ASSOCIATE_AC = 2
_PDU = struct.Struct(">BBL")
_PDU_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One C-STORE request, complete.

    Parameters
    ----------
    association, number
        Of the association, and of the request within it; both from 1.
    sha256
        Of the data set's bytes, hexadecimal.
    """

    association: int
    number: int
    context: int
    message_id: int
    sop_instance_uid: str
    sha256: str

    def response(self, *, status: int = 0, message_id: int | None = None) -> bytes:
        """Return the command set of its response."""
        elements = _element(0x0100, struct.pack("<H", 0x8001))
        elements += _element(0x0120, struct.pack("<H", self.message_id if message_id is None else message_id))
        elements += _element(0x0800, struct.pack("<H", 0x0101)) + _element(0x0900, struct.pack("<H", status))
        return _element(0x0000, struct.pack("<L", len(elements))) + elements

    def answer(self, *, status: int = 0) -> bytes:
        """Return the PDU of its response."""
        return p_data(self.context, 3, self.response(status=status))


@dataclass(slots=True, kw_only=True)
class ByHand:
    """What the SCP saw.

    Parameters
    ----------
    answer
        Called after each request with the requests that it has not removed from the list.
    window
        How many requests may be unanswered, as it says; None says nothing of it.
    """

    port: int
    answer: Callable[[socket.socket, list[Request]], None]
    window: int | None
    requests: list[Request] = field(default_factory=list)
    asked_window: list[int | None] = field(default_factory=list)
    """Per association: what the requestor asked for."""
    most_open: int = 0
    """How many requests were unanswered at most."""
    ended_by: list[int] = field(default_factory=list)
    """The types of the PDUs by which requestors ended associations."""


def answer_each(connection: socket.socket, waiting: list[Request]) -> None:
    """Answer Success at once."""
    connection.sendall(waiting.pop().answer())


@contextmanager
def by_hand(
    answer: Callable[[socket.socket, list[Request]], None] = answer_each, *, window: int | None = None
) -> Iterator[ByHand]:
    """Run the SCP on loopback until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        scp = ByHand(port=server.getsockname()[1], answer=answer, window=window)
        connections: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connections.append(connection)
                    number = len(connections)
                    threading.Thread(target=_serve, args=(scp, connection, number), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield scp
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()
            thread.join()


def _serve(scp: ByHand, connection: socket.socket, association: int) -> None:
    waiting: list[Request] = []
    context, command, data_set = 0, b"", hashlib.sha256()
    with suppress(OSError, EOFError):
        while True:
            kind, body = _pdu(connection)
            if kind == 1:
                connection.sendall(_accepting(scp, body))
                continue
            if kind != P_DATA:
                scp.ended_by.append(kind)
                if kind == A_RELEASE_RQ:
                    connection.sendall(_PDU.pack(A_RELEASE_RP, 0, 4) + bytes(4))
                connection.close()
                return
            for context, control, fragment in _fragments(body):
                if control & 1:
                    command += fragment
                    continue
                data_set.update(fragment)
                if control & 2:
                    request = _request(command, association, len(scp.requests) + 1, context, data_set.hexdigest())
                    scp.requests.append(request)
                    waiting.append(request)
                    scp.most_open = max(scp.most_open, len(waiting))
                    command, data_set = b"", hashlib.sha256()
                    scp.answer(connection, waiting)


def _pdu(connection: socket.socket) -> tuple[int, bytes]:
    kind, _, length = _PDU.unpack(_exactly(connection, _PDU.size))
    return kind, _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received


def _fragments(body: bytes) -> Iterator[tuple[int, int, bytes]]:
    offset = 0
    while offset < len(body):
        length, context, control = struct.unpack_from(">LBB", body, offset)
        yield context, control, body[offset + 6 : offset + 4 + length]
        offset += 4 + length


def _request(command: bytes, association: int, number: int, context: int, sha256: str) -> Request:
    elements, offset = {}, 0
    while offset < len(command):
        _, element, length = struct.unpack_from("<HHL", command, offset)
        elements[element] = command[offset + 8 : offset + 8 + length]
        offset += 8 + length
    return Request(
        association=association,
        number=number,
        context=context,
        message_id=int.from_bytes(elements[0x0110], "little"),
        sop_instance_uid=elements[0x1000].rstrip(b"\0").decode(),
        sha256=sha256,
    )


def _accepting(scp: ByHand, request: bytes) -> bytes:
    """Return an A-ASSOCIATE-AC that takes every context in its first transfer syntax."""
    scp.asked_window.append(None)
    body = request[:68] + _item(0x10, b"1.2.840.10008.3.1.1.1")
    for kind, value in _items(request[68:]):
        if kind == 0x20:
            syntax = next(inner for inner_kind, inner in _items(value[4:]) if inner_kind == 0x40)
            body += _item(0x21, bytes([value[0], 0, 0, 0]) + _item(0x40, syntax))
        if kind == 0x50:
            asked = [inner for inner_kind, inner in _items(value) if inner_kind == 0x53]
            scp.asked_window[-1] = struct.unpack(">HH", asked[0])[0] if asked else None
    user = _item(0x51, struct.pack(">L", _PDU_BYTES)) + _item(0x52, b"1.2.3.4")
    if scp.window is not None:
        user += _item(0x53, struct.pack(">HH", scp.window, 1))
    body += _item(0x50, user)
    return _PDU.pack(A_ASSOCIATE_AC, 0, len(body)) + body


def _items(items: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(items):
        kind, _, length = struct.unpack_from(">BBH", items, offset)
        yield kind, items[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, number, len(value)) + value


def abort(connection: socket.socket) -> None:
    """Abort the association."""
    connection.sendall(_PDU.pack(A_ABORT, 0, 4) + bytes(4))


def release(connection: socket.socket) -> None:
    """Ask for the release of the association."""
    connection.sendall(_PDU.pack(A_RELEASE_RQ, 0, 4) + bytes(4))
