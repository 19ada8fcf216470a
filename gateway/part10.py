"""The head of a Part 10 file: written for what comes in, found in what goes out (PS3.10 7.1).

Rule of the file: the data set behind the head is bytes and stays bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

IMPLEMENTATION_CLASS_UID = "2.25.47457961442733508380328469528030291425"
IMPLEMENTATION_VERSION_NAME = "SONOVEIL_0_1"

_PREAMBLE_BYTES = 128
_PREFIX = b"DICM"
_LONG_FORM = frozenset({b"OB", b"OW", b"UN", b"UT", b"SQ", b"OD", b"OF", b"OL", b"OV", b"UC", b"UR", b"SV", b"UV"})
_LARGEST_META_BYTES = 1 << 20


class NotPart10Error(Exception):
    """A file has no preamble, no prefix, or a file meta information that cannot be followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHead:
    """What the head of a Part 10 file says.

    Parameters
    ----------
    size_bytes
        Where the data set begins.
    sop_class_uid, sop_instance_uid, transfer_syntax_uid
        As written, without padding; empty where missing.
    """

    size_bytes: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


def found_head(begun: bytes | bytearray) -> FoundHead | None:
    """Read the head at the beginning of a file of which more may follow.

    Parameters
    ----------
    begun
        The first bytes.

    Returns
    -------
    FoundHead or None
        None when more bytes are needed to see where the head ends.

    Raises
    ------
    NotPart10Error
        These are no first bytes of a Part 10 file, or the head is too long.
    """
    offset = _PREAMBLE_BYTES + len(_PREFIX)
    if not _PREFIX.startswith(begun[_PREAMBLE_BYTES:offset]):
        raise NotPart10Error("no DICM prefix")
    texts: dict[int, str] = {}
    while len(begun) >= offset + 8:
        if begun[offset : offset + 2] != b"\2\0":
            return FoundHead(
                size_bytes=offset,
                sop_class_uid=texts.get(0x0002, ""),
                sop_instance_uid=texts.get(0x0003, ""),
                transfer_syntax_uid=texts.get(0x0010, ""),
            )
        number, vr, length = struct.unpack_from("<2xH2sH", begun, offset)
        size = 8
        if vr in _LONG_FORM:
            if len(begun) < offset + 12:
                return None
            length, size = struct.unpack_from("<I", begun, offset + 8)[0], 12
        if offset + size + length > _LARGEST_META_BYTES:
            raise NotPart10Error("the file meta information does not end")
        if vr == b"UI":
            texts[number] = begun[offset + size : offset + size + length].rstrip(b"\0 ").decode("ascii", "replace")
        offset += size + length
    return None


def head(*, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return zero preamble, prefix and our own file meta information (PS3.10 7.1, Table 7.1-1).

    Nothing that a peer said beyond the three UIDs is in it, its AE title included.
    """
    elements = b"".join(
        (
            struct.pack("<HH2sHI", 2, 1, b"OB", 0, 2) + b"\0\1",
            _element(0x0002, b"UI", sop_class_uid),
            _element(0x0003, b"UI", sop_instance_uid),
            _element(0x0010, b"UI", transfer_syntax_uid),
            _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID),
            _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
        )
    )
    return bytes(_PREAMBLE_BYTES) + _PREFIX + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(elements)) + elements


def _element(number: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii")
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", 2, number, vr, len(value)) + value


def data_set_offset(file: BinaryIO) -> int:
    """Return where the data set of an open Part 10 file begins, in bytes.

    Raises
    ------
    NotPart10Error
        There is no readable file meta information.
    """
    file.seek(0)
    if file.read(_PREAMBLE_BYTES + len(_PREFIX))[_PREAMBLE_BYTES:] != _PREFIX:
        raise NotPart10Error("no DICM prefix")
    offset = _PREAMBLE_BYTES + len(_PREFIX)
    while True:
        start = file.read(8)
        if len(start) < 8 or start[:2] != b"\2\0":  # noqa: PLR2004  an element's tag, VR and short length
            return offset
        if start[4:6] in _LONG_FORM:
            length, size = struct.unpack("<I", file.read(4).ljust(4, b"\xff"))[0], 12
        else:
            length, size = struct.unpack("<H", start[6:8])[0], 8
        offset += size + length
        if offset > _LARGEST_META_BYTES:
            raise NotPart10Error("the file meta information does not end")
        file.seek(offset)
