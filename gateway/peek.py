"""A look at the head of a data set on the wire: who it is, no more.

Rule of the file: it never refuses and never raises for what a peer wrote; bytes that cannot be followed are reported
as not readable, and the worker, which reads with care, decides. Walks elements itself because a full parser reads too
much, warns with values in its text, and stops at the first oddity.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.charset import python_encoding

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_BYTES = 256 * 1024
"""How much of a data set is kept for looking at: the elements wanted stand in its first groups."""

_IMPLICIT_LITTLE_UID = "1.2.840.10008.1.2"
_EXPLICIT_BIG_UID = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

_CHARSET = 0x0008_0005
_SOP_CLASS = 0x0008_0016
_SOP_INSTANCE = 0x0008_0018
_PATIENT_ID = 0x0010_0020
_STUDY = 0x0020_000D
_SERIES = 0x0020_000E
_WANTED = frozenset({_CHARSET, _SOP_CLASS, _SOP_INSTANCE, _PATIENT_ID, _STUDY, _SERIES})

_DELIMITERS = 0xFFFE
"""Group of items and delimiters, which have no VR (PS3.5 7.5)."""
_ITEM = 0xFFFE_E000
_ITEM_END = 0xFFFE_E00D
_SEQUENCE_END = 0xFFFE_E0DD
_UNDEFINED = 0xFFFF_FFFF
_DEEPEST = 64
Head = bytes | bytearray | memoryview
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Peeked:
    """What the head of a data set says.

    Parameters
    ----------
    readable
        True when class and instance were found by following the encoding from the first byte on.
    sop_class_uid, sop_instance_uid, study_instance_uid, series_instance_uid, patient_id
        None where not found.
    """

    readable: bool
    sop_class_uid: str | None
    sop_instance_uid: str | None
    study_instance_uid: str | None
    series_instance_uid: str | None
    patient_id: str | None

    @property
    def is_complete(self) -> bool:
        """Whether more bytes would say nothing else: what is wanted last was found."""
        return self.readable and self.series_instance_uid is not None


class _Lost(Exception):
    """The encoding cannot be followed any further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Encoding:
    implicit: bool
    short: struct.Struct
    """Group, element, VR and two bytes of length; without VR group, element and length."""
    length: struct.Struct


_EXPLICIT_LITTLE = _Encoding(implicit=False, short=struct.Struct("<HH2sH"), length=struct.Struct("<I"))
_EXPLICIT_BIG = _Encoding(implicit=False, short=struct.Struct(">HH2sH"), length=struct.Struct(">I"))
_IMPLICIT_LITTLE = _Encoding(implicit=True, short=struct.Struct("<HHI"), length=struct.Struct("<I"))


def peek(head: Head, transfer_syntax_uid: str) -> Peeked:
    """Find class, instance, study, series and patient in the first bytes of a data set.

    Parameters
    ----------
    head
        The data set's first bytes (`HEAD_BYTES` are enough), without file meta information.
    transfer_syntax_uid
        How it is said to be encoded. A data set that does not follow it is tried in the two little-endian encodings:
        private syntaxes and careless senders.
    """
    if transfer_syntax_uid == DEFLATED:
        head = _inflate(bytes(head))
    best: dict[int, bytes] = {}
    for encoding in _encodings(transfer_syntax_uid):
        found = _find(head, encoding)
        if len(found) > len(best):
            best = found
        if _SOP_CLASS in found and _SOP_INSTANCE in found:
            break
    uids = {tag: _uid(best.get(tag)) for tag in (_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES)}
    return Peeked(
        readable=uids[_SOP_CLASS] is not None and uids[_SOP_INSTANCE] is not None,
        sop_class_uid=uids[_SOP_CLASS],
        sop_instance_uid=uids[_SOP_INSTANCE],
        study_instance_uid=uids[_STUDY],
        series_instance_uid=uids[_SERIES],
        patient_id=_text(best.get(_PATIENT_ID), best.get(_CHARSET)),
    )


def _inflate(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def _encodings(transfer_syntax_uid: str) -> tuple[_Encoding, ...]:
    if transfer_syntax_uid == _EXPLICIT_BIG_UID:
        return (_EXPLICIT_BIG, _EXPLICIT_LITTLE, _IMPLICIT_LITTLE)
    if transfer_syntax_uid == _IMPLICIT_LITTLE_UID:
        return (_IMPLICIT_LITTLE, _EXPLICIT_LITTLE)
    return (_EXPLICIT_LITTLE, _IMPLICIT_LITTLE)


def _find(head: Head, encoding: _Encoding) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    try:
        for tag, value in _top_level(head, encoding):
            found[tag] = value  # noqa: PERF403  a comprehension would lose what came before the error
    except (_Lost, struct.error):
        pass  # what was found before stands; `readable` says whether it is enough
    return found


def _top_level(head: Head, encoding: _Encoding) -> Iterator[tuple[int, bytes]]:
    offset, last, size = 0, -1, len(head)
    short, is_implicit = encoding.short, encoding.implicit
    while offset < size:
        if not is_implicit:  # `_header` for the commonest: it would take half of all that is done for a small object
            group, element, vr, length = short.unpack_from(head, offset)
            tag, start = group << 16 | element, offset + 8
        if is_implicit or vr not in _SHORT_VRS or group == _DELIMITERS:
            tag, vr, length, start = _header(head, offset, encoding)
        if tag <= last or tag > _SERIES:
            return
        last = tag
        if length == _UNDEFINED:
            offset = _after_sequence(head, start, _inside(vr, encoding), 0)
            continue
        offset = start + length
        if tag in _WANTED:
            if offset > size:
                return
            yield tag, bytes(head[start:offset])


def _header(head: Head, offset: int, encoding: _Encoding) -> tuple[int, bytes, int, int]:
    """Return tag, VR (empty when implicit), length and where the value starts."""
    if encoding.implicit:
        group, element, length = encoding.short.unpack_from(head, offset)
        return group << 16 | element, b"", length, offset + 8
    group, element, vr, length = encoding.short.unpack_from(head, offset)
    tag = group << 16 | element
    if group == _DELIMITERS:
        return tag, b"", encoding.length.unpack_from(head, offset + 4)[0], offset + 8
    if vr in _SHORT_VRS:
        return tag, vr, length, offset + 8
    if vr in _LONG_VRS:
        return tag, vr, encoding.length.unpack_from(head, offset + 8)[0], offset + 12
    raise _Lost


def _inside(vr: bytes, encoding: _Encoding) -> _Encoding:
    """Return how items are encoded: those of an unknown element are Implicit VR Little Endian (PS3.5 6.2.2)."""
    return _IMPLICIT_LITTLE if vr == b"UN" else encoding


def _after_sequence(head: Head, offset: int, encoding: _Encoding, depth: int) -> int:
    """Return where a sequence of undefined length ends."""
    if depth > _DEEPEST:
        raise _Lost
    while True:
        tag, _, length, start = _header(head, offset, encoding)
        if tag == _SEQUENCE_END:
            return start
        if tag != _ITEM:
            raise _Lost
        offset = _after_item(head, start, encoding, depth) if length == _UNDEFINED else start + length


def _after_item(head: Head, offset: int, encoding: _Encoding, depth: int) -> int:
    """Return where an item of undefined length ends."""
    while True:
        tag, vr, length, start = _header(head, offset, encoding)
        if tag == _ITEM_END:
            return start
        offset = (
            _after_sequence(head, start, _inside(vr, encoding), depth + 1) if length == _UNDEFINED else start + length
        )


def _uid(value: bytes | None) -> str | None:
    return (value or b"").strip(b"\0 ").decode("ascii", "replace") or None


def _text(value: bytes | None, charset: bytes | None) -> str | None:
    declared = (charset or b"").split(b"\\")[0].strip().decode("ascii", "replace")
    codec = python_encoding.get(declared, "latin-1")
    return (value or b"").decode(codec, "replace").strip("\0 ") or None
