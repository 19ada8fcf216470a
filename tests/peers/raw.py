"""A DICOM requestor at the level of bytes: says things that no library would.

Rule of the file: independent of pynetdicom and of `gateway`; PS3.8 9.3 and PS3.7 9.3 written out.
"""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

A_ASSOCIATE_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, P_DATA, A_RELEASE_RQ, A_RELEASE_RP, A_ABORT = range(1, 8)
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
_PDU = struct.Struct(">BBL")
_PDV = struct.Struct(">LBB")
_LONGEST_S = 20


class ConnectionEnded(Exception):
    """The peer closed or aborted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to an association request.

    Parameters
    ----------
    accepted
        Context ID to (result, transfer syntax), of an A-ASSOCIATE-AC.
    rejection
        (result, source, reason) of an A-ASSOCIATE-RJ, else None.
    """

    accepted: dict[int, tuple[int, str]]
    rejection: tuple[int, int, int] | None


class RawRequestor:
    """A connected requestor.

    Parameters
    ----------
    connection
        A connected socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def associate(
        self,
        contexts: Sequence[tuple[str, Sequence[str]]],
        *,
        calling: str = "CLINICAL",
        called: str = "SONOVEIL",
        scp_of: Sequence[str] = (),
    ) -> Answer:
        """Request an association; contexts get the IDs 1, 3, 5 and so on, `scp_of` asks for the other role."""
        self.socket.sendall(associate_rq(contexts, calling=calling, called=called, scp_of=scp_of))
        kind, body = self.pdu()
        if kind == A_ASSOCIATE_RJ:
            return Answer(accepted={}, rejection=(body[1], body[2], body[3]))
        if kind != A_ASSOCIATE_AC:
            raise ConnectionEnded
        return Answer(accepted=dict(_contexts(body[68:])), rejection=None)

    def store(
        self,
        data_set: bytes,
        *,
        sop_class_uid: str | None,
        sop_instance_uid: str | None,
        context: int = 1,
        message_id: int = 1,
        fragment_bytes: int = 16_000,
    ) -> int:
        """Send a C-STORE and return the status that answers it."""
        self.send_store(
            data_set,
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            context=context,
            message_id=message_id,
            fragment_bytes=fragment_bytes,
        )
        return self.status()

    def send_store(
        self,
        data_set: bytes,
        *,
        sop_class_uid: str | None,
        sop_instance_uid: str | None,
        context: int = 1,
        message_id: int = 1,
        fragment_bytes: int = 16_000,
        last: bool = True,
    ) -> None:
        """Send a C-STORE request and its data set; with `last=False` the end never comes."""
        command = store_rq(sop_class_uid, sop_instance_uid, message_id=message_id)
        pieces = [data_set[i : i + fragment_bytes] for i in range(0, len(data_set), fragment_bytes)] or [b""]
        self.socket.sendall(p_data(context, 3, command))
        for index, piece in enumerate(pieces):
            is_last = last and index == len(pieces) - 1
            self.socket.sendall(p_data(context, 2 if is_last else 0, piece))

    def response(self) -> dict[int, bytes]:
        """Return the elements of the next command set, by element number."""
        kind, body = self.pdu()
        if kind != P_DATA:
            raise ConnectionEnded
        elements, offset = {}, 6
        while offset + 8 <= len(body):
            _, element, length = struct.unpack_from("<HHL", body, offset)
            elements[element] = body[offset + 8 : offset + 8 + length]
            offset += 8 + length
        return elements

    def status(self) -> int:
        """Return the status of the next response."""
        return int.from_bytes(self.response()[0x0900], "little")

    def release(self) -> None:
        """Release the association and wait for the answer."""
        self.socket.sendall(_PDU.pack(A_RELEASE_RQ, 0, 4) + bytes(4))
        kind, _ = self.pdu()
        if kind != A_RELEASE_RP:
            raise ConnectionEnded

    def abort(self) -> None:
        """Abort the association."""
        self.socket.sendall(_PDU.pack(A_ABORT, 0, 4) + bytes(4))

    def pdu(self) -> tuple[int, bytes]:
        """Return type and body of the next PDU."""
        kind, _, length = _PDU.unpack(self._exactly(_PDU.size))
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            piece = self.socket.recv(count - len(received))
            if not piece:
                raise ConnectionEnded
            received += piece
        return received


@contextmanager
def raw_requestor(port: int) -> Iterator[RawRequestor]:
    """Connect to a loopback port; the socket is closed when the block ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=_LONGEST_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield RawRequestor(connection)


def associate_rq(
    contexts: Sequence[tuple[str, Sequence[str]]], *, calling: str, called: str, scp_of: Sequence[str] = ()
) -> bytes:
    """Return an A-ASSOCIATE-RQ PDU."""
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += _item(0x10, _APPLICATION_CONTEXT)
    for index, (abstract, syntaxes) in enumerate(contexts):
        inner = _item(0x30, abstract.encode()) + b"".join(_item(0x40, syntax.encode()) for syntax in syntaxes)
        body += _item(0x20, bytes([2 * index + 1, 0, 0, 0]) + inner)
    roles = b"".join(_item(0x54, struct.pack(">H", len(uid)) + uid.encode() + b"\0\1") for uid in scp_of)
    body += _item(0x50, _item(0x51, struct.pack(">L", 16_384)) + _item(0x52, b"1.2.3.4") + roles)
    return _PDU.pack(A_ASSOCIATE_RQ, 0, len(body)) + body


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def _contexts(items: bytes) -> Iterator[tuple[int, tuple[int, str]]]:
    offset = 0
    while offset + 4 <= len(items):
        kind, _, length = struct.unpack_from(">BBH", items, offset)
        value = items[offset + 4 : offset + 4 + length]
        if kind == 0x21:
            yield value[0], (value[2], value[8:].rstrip(b"\0").decode())
        offset += 4 + length


def p_data(context: int, control: int, fragment: bytes) -> bytes:
    """Return a P-DATA-TF PDU with one PDV; control: 1 command, 2 last."""
    return _PDU.pack(P_DATA, 0, len(fragment) + 6) + _PDV.pack(len(fragment) + 2, context, control) + fragment


def store_rq(
    sop_class_uid: str | None,
    sop_instance_uid: str | None,
    *,
    message_id: int = 1,
    has_data_set: bool = True,
    field: int = 1,
) -> bytes:
    """Return the command set of a C-STORE-RQ, or of another `field`; UIDs that are None are left out."""
    elements = b""
    if sop_class_uid is not None:
        elements += _element(0x0002, sop_class_uid.encode())
    elements += _element(0x0100, struct.pack("<H", field)) + _element(0x0110, struct.pack("<H", message_id))
    elements += _element(0x0700, bytes(2)) + _element(0x0800, struct.pack("<H", 1 if has_data_set else 0x0101))
    if sop_instance_uid is not None:
        elements += _element(0x1000, sop_instance_uid.encode())
    return _element(0x0000, struct.pack("<L", len(elements))) + elements


def _element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHL", 0, number, len(value)) + value


def explicit(group: int, element: int, vr: str, value: bytes) -> bytes:
    """Return one element in Explicit VR Little Endian."""
    value += (b"\0" if vr in {"UI", "OB"} else b" ") * (len(value) % 2)
    if vr in {"OB", "OW", "SQ", "UN", "UT"}:
        return struct.pack("<HH2sHL", group, element, vr.encode(), 0, len(value)) + value
    return struct.pack("<HH2sH", group, element, vr.encode(), len(value)) + value


def small_object(sop_class_uid: str, sop_instance_uid: str, *, pixel_bytes: int = 64) -> bytes:
    """Return a small data set in Explicit VR Little Endian."""
    return b"".join(
        (
            explicit(0x0008, 0x0016, "UI", sop_class_uid.encode()),
            explicit(0x0008, 0x0018, "UI", sop_instance_uid.encode()),
            explicit(0x0010, 0x0010, "PN", b"Planted^Name"),
            explicit(0x0010, 0x0020, "LO", b"PLANTED-ID"),
            explicit(0x0020, 0x000D, "UI", b"1.2.3.4.5"),
            explicit(0x0020, 0x000E, "UI", b"1.2.3.4.5.6"),
            explicit(0x7FE0, 0x0010, "OW", bytes(range(256)) * (pixel_bytes // 256) + bytes(pixel_bytes % 256)),
        )
    )
