"""A data set → bytes of Explicit or Implicit VR Little Endian (PS3.5 7.1).

Rule of the file: bytes that an action let through as they stood are written as they stand; every decoded value is
encoded by pydicom. Sequences and items get explicit lengths, group lengths are not written.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from pydicom.dataelem import RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr_element, write_data_element
from pydicom.multival import MultiValue
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

_UNDEFINED = 0xFFFFFFFF
_LONGEST_SHORT = 0xFFFF
_LONG_VRS = frozenset(str(vr) for vr in EXPLICIT_VR_LENGTH_32)
_NUL_PADDED = frozenset({"OB", "UI", "UN"})
_TEXT_VRS = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})
_CHARSET_VRS = frozenset({None, "LO", "LT", "PN", "SH", "ST", "UC", "UN", "UT"})
_ITEM = b"\xfe\xff\x00\xe0"
_CHARACTER_SET = 0x00080005
_VR_LETTERS = 2
_pack_length = struct.Struct("<L").pack
_pack_short = struct.Struct("<H").pack


def encode_dataset(dataset: Dataset, *, implicit_vr: bool, parent_encoding: str | list[str] = "iso8859") -> list[bytes]:
    """Return the data set as pieces to be written one after the other.

    Parameters
    ----------
    dataset
        Elements are decoded or little endian as they came; it may hold encapsulated pixel data.
    implicit_vr
        Whether the VRs are left out.
    parent_encoding
        Character sets of the data set that this one is an item of, as pydicom names them.
    """
    encoding = parent_encoding
    if any(int(tag) == _CHARACTER_SET for tag in dataset.keys()):  # noqa: SIM118  iterating a Dataset decodes
        encoding = dataset.get("SpecificCharacterSet", parent_encoding)
    pieces: list[bytes] = []
    for tag, stored in sorted(dataset.items(), key=_number):
        if int(tag) & _LONGEST_SHORT:
            _encode(pieces, dataset, tag, stored, encoding, implicit_vr=implicit_vr)
    return pieces


def _number(pair: tuple[BaseTag, Any]) -> int:
    return int(pair[0])


def _encode(
    pieces: list[bytes],
    dataset: Dataset,
    tag: BaseTag,
    stored: DataElement | RawDataElement,
    encoding: str | list[str],
    *,
    implicit_vr: bool,
) -> None:
    if isinstance(stored, RawDataElement):
        if _is_final(stored, implicit_vr=implicit_vr):
            value = stored.value or b""
            padding = (b"\0" if stored.VR in _NUL_PADDED else b" ") * (len(value) % 2)
            head = _head(int(tag), stored.VR or "UN", len(value) + len(padding), implicit_vr=implicit_vr)
            pieces += (head, value, padding)
            return
        if stored.length != _UNDEFINED:
            stored = dataset[tag]
    elif stored.VR == "SQ" and not stored.is_undefined_length:
        content = b"".join(_items(stored.value or (), encoding, implicit_vr=implicit_vr))
        pieces += (_head(int(tag), "SQ", len(content), implicit_vr=implicit_vr), content)
        return
    elif (text := _plain_text(stored)) is not None:
        padding = (b"\0" if stored.VR in _NUL_PADDED else b" ") * (len(text) % 2)
        pieces += (_head(int(tag), stored.VR, len(text) + len(padding), implicit_vr=implicit_vr), text, padding)
        return
    if len(stored.VR or "") != _VR_LETTERS:
        stored = correct_ambiguous_vr_element(cast("DataElement", stored), dataset, is_little_endian=True)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit_vr
    write_data_element(buffer, stored, encoding)
    pieces.append(buffer.getvalue())


def _plain_text(element: DataElement) -> bytes | None:
    """Return the bytes of a decoded text that are the same in every character set, None for all other values."""
    value = element.value
    if element.VR not in _TEXT_VRS:
        return None
    if isinstance(value, MultiValue) and all(isinstance(part, str) for part in value):
        value = "\\".join(value)
    return value.encode("ascii") if isinstance(value, str) and value.isascii() else None


def _is_final(raw: RawDataElement, *, implicit_vr: bool) -> bool:
    """Tell whether the bytes can be written as they stand: in this byte order and in any character set."""
    if not raw.is_little_endian or raw.length == _UNDEFINED or not (implicit_vr or raw.VR):
        return False
    return raw.VR not in _CHARSET_VRS or not raw.value or raw.value.isascii()


def _items(items: Sequence[Dataset], encoding: str | list[str], *, implicit_vr: bool) -> list[bytes]:
    pieces: list[bytes] = []
    for item in items:
        content = encode_dataset(item, implicit_vr=implicit_vr, parent_encoding=encoding)
        pieces += (_ITEM, _pack_length(sum(map(len, content))), *content)
    return pieces


def _head(tag: int, vr: str, length: int, *, implicit_vr: bool) -> bytes:
    """Return tag, VR and length; what is too long for its VR's length field is sent as UN (PS3.5 6.2.2)."""
    if implicit_vr:
        return _start(tag, "") + _pack_length(length)
    if vr in _LONG_VRS:
        return _start(tag, vr) + _pack_length(length)
    if length > _LONGEST_SHORT:
        return _start(tag, "UN") + _pack_length(length)
    return _start(tag, vr) + _pack_short(length)


@lru_cache(maxsize=16384)
def _start(tag: int, vr: str) -> bytes:
    reserved = b"\0\0" if vr in _LONG_VRS else b""
    return struct.pack("<HH", tag >> 16, tag & _LONGEST_SHORT) + vr.encode("ascii") + reserved
