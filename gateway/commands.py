"""Command sets of C-STORE and of storage commitment, as bytes (PS3.7 9.3, 10.3, 6.3.1: Implicit VR Little Endian).

Rule of the file: what a peer wrote is read without trusting it; what we answer is built from numbers and from UIDs that
were checked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.statuses import EventStatus, Status

C_STORE_RQ = 0x0001
C_STORE_RSP = 0x8001
C_ECHO_RQ = 0x0030
N_EVENT_REPORT_RQ = 0x0100
N_EVENT_REPORT_RSP = 0x8100
N_ACTION_RQ = 0x0130

_AFFECTED_CLASS = 0x0002
_REQUESTED_CLASS = 0x0003
_COMMAND_FIELD = 0x0100
_MESSAGE_ID = 0x0110
_RESPONDED_ID = 0x0120
_PRIORITY = 0x0700
_DATA_SET_TYPE = 0x0800
_STATUS = 0x0900
_ERROR_COMMENT = 0x0902
_AFFECTED_INSTANCE = 0x1000
_REQUESTED_INSTANCE = 0x1001
_EVENT_TYPE = 0x1002
_ACTION_TYPE = 0x1008
_NO_DATA_SET = 0x0101
_HAS_DATA_SET = 0x0001
_LONGEST_COMMENT = 64

_HEADER = struct.Struct("<HHI")


class CommandFault(Exception):
    """A command set that cannot be followed; the association is aborted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The parts of a command set that this node looks at.

    Parameters
    ----------
    field
        Command Field: which message it is.
    message_id, sop_class_uid, sop_instance_uid
        None when missing or not of their kind; UIDs are stripped of padding, not checked.
    has_data_set
        Whether a data set follows.
    event_type
        Of an N-EVENT-REPORT; None where it is missing.
    """

    field: int
    message_id: int | None
    sop_class_uid: str | None
    sop_instance_uid: str | None
    has_data_set: bool
    event_type: int | None


def parse_command(encoded: bytes | bytearray) -> Command:
    """Read a command set.

    Raises
    ------
    CommandFault
        It has no Command Field, an element outside group 0000, or one that ends beyond the bytes.
    """
    elements = dict(_elements(bytes(encoded)))
    field = _number(elements.get(_COMMAND_FIELD))
    if field is None:
        raise CommandFault("no command field")
    return Command(
        field=field,
        message_id=_number(elements.get(_MESSAGE_ID)),
        sop_class_uid=_uid(elements.get(_AFFECTED_CLASS)),
        sop_instance_uid=_uid(elements.get(_AFFECTED_INSTANCE)),
        has_data_set=_number(elements.get(_DATA_SET_TYPE)) != _NO_DATA_SET,
        event_type=_number(elements.get(_EVENT_TYPE)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The parts of a response's command set that say what became of a request.

    Parameters
    ----------
    field
        Command Field: which message it is.
    responded_id, status
        None when missing or not of their kind.
    has_data_set
        Whether a data set follows.
    """

    field: int | None
    responded_id: int | None
    status: int | None
    has_data_set: bool


def parse_response(encoded: bytes) -> Response:
    """Read the command set of a response.

    Raises
    ------
    CommandFault
        It has an element outside group 0000, or one that ends beyond the bytes.
    """
    elements = dict(_elements(encoded))
    return Response(
        field=_number(elements.get(_COMMAND_FIELD)),
        responded_id=_number(elements.get(_RESPONDED_ID)),
        status=_number(elements.get(_STATUS)),
        has_data_set=_number(elements.get(_DATA_SET_TYPE)) != _NO_DATA_SET,
    )


def _elements(encoded: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    offset = 0
    while offset < len(encoded):
        if offset + _HEADER.size > len(encoded):
            raise CommandFault("cut within an element")
        group, element, length = _HEADER.unpack_from(encoded, offset)
        offset += _HEADER.size
        if group != 0 or offset + length > len(encoded):
            raise CommandFault("not a command set")
        found.append((element, encoded[offset : offset + length]))
        offset += length
    return found


def _number(value: bytes | None) -> int | None:
    return int.from_bytes(value, "little") if value is not None and len(value) == 2 else None  # noqa: PLR2004  US is two bytes


def _uid(value: bytes | None) -> str | None:
    text = (value or b"").rstrip(b"\0 ").decode("ascii", "replace")
    return text or None


def store_request(*, message_id: int, sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """Return the command set of a C-STORE request, medium priority."""
    return _command(
        _text(_AFFECTED_CLASS, sop_class_uid),
        _us(_COMMAND_FIELD, C_STORE_RQ),
        _us(_MESSAGE_ID, message_id),
        _us(_PRIORITY, 0),
        _us(_DATA_SET_TYPE, _HAS_DATA_SET),
        _text(_AFFECTED_INSTANCE, sop_instance_uid),
    )


def store_response(
    *, message_id: int, sop_class_uid: str | None, sop_instance_uid: str | None, status: Status, comment: str
) -> bytes:
    """Return the command set of a C-STORE response.

    Parameters
    ----------
    sop_class_uid, sop_instance_uid
        As requested, or None to leave them out (PS3.7 Table 9.1-1: U(=)).
    comment
        Error Comment, a constant of ours; empty to leave it out.
    """
    return _command(
        _text(_AFFECTED_CLASS, sop_class_uid) if sop_class_uid else b"",
        _us(_COMMAND_FIELD, C_STORE_RSP),
        _us(_RESPONDED_ID, message_id),
        _us(_DATA_SET_TYPE, _NO_DATA_SET),
        _us(_STATUS, status),
        _text(_ERROR_COMMENT, comment[:_LONGEST_COMMENT], padding=b" ") if comment else b"",
        _text(_AFFECTED_INSTANCE, sop_instance_uid) if sop_instance_uid else b"",
    )


def action_request(*, message_id: int, sop_class_uid: str, sop_instance_uid: str, action_type: int) -> bytes:
    """Return the command set of an N-ACTION request with a data set (PS3.7 10.3.4.1)."""
    return _command(
        _text(_REQUESTED_CLASS, sop_class_uid),
        _us(_COMMAND_FIELD, N_ACTION_RQ),
        _us(_MESSAGE_ID, message_id),
        _us(_DATA_SET_TYPE, _HAS_DATA_SET),
        _text(_REQUESTED_INSTANCE, sop_instance_uid),
        _us(_ACTION_TYPE, action_type),
    )


def event_report_response(
    *, message_id: int, sop_class_uid: str, sop_instance_uid: str, event_type: int | None, status: EventStatus
) -> bytes:
    """Return the command set of an N-EVENT-REPORT response (PS3.7 10.3.1.2)."""
    return _command(
        _text(_AFFECTED_CLASS, sop_class_uid),
        _us(_COMMAND_FIELD, N_EVENT_REPORT_RSP),
        _us(_RESPONDED_ID, message_id),
        _us(_DATA_SET_TYPE, _NO_DATA_SET),
        _us(_STATUS, status),
        _text(_AFFECTED_INSTANCE, sop_instance_uid),
        _us(_EVENT_TYPE, event_type) if event_type is not None else b"",
    )


def _command(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return _HEADER.pack(0, 0, 4) + struct.pack("<I", len(body)) + body


def _us(element: int, value: int) -> bytes:
    return _HEADER.pack(0, element, 2) + struct.pack("<H", value)


def _text(element: int, value: str, *, padding: bytes = b"\0") -> bytes:
    encoded = value.encode("ascii")
    encoded += padding * (len(encoded) % 2)
    return _HEADER.pack(0, element, len(encoded)) + encoded
