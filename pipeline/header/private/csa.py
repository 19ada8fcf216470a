"""The few values of a Siemens CSA header that research needs, taken out of the bytes and nothing beside them.

A CSA header (0029,xx10) is a list of some hundred named values, texts of any kind among them; it goes as a whole. What
is taken out is written where newer software of the maker writes it itself: into attributes that are known to be safe.
Rule of the file: a header is read to its end or not at all, and a value counts only where it is a number or one of
two words. The format (SV10) is not published; it is described in the documentation of NiBabel.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from pipeline.header.private.safe import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY = PrivateKey(0x0029, "SIEMENS CSA HEADER", 0x10)
"""CSA Image Header Info; the series header, 20, holds the protocol and nothing that is taken."""

_MR, _SDI = "SIEMENS MR HEADER", "SIEMENS MR SDI 02"
_MAGIC = b"SV10\4\3\2\1"
_MOST_BYTES = 1 << 20
_MOST_TAGS = 512
_MOST_ITEMS = 4096
_TAG = struct.Struct("<64si4s3i")
_ITEM = struct.Struct("<4i")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,16})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,4}", re.ASCII)
_B_VALUE = re.compile(r"[0-9]{1,6}", re.ASCII)
_FLAG = re.compile(r"[01]", re.ASCII)
_DIRECTIONALITY = re.compile("DIRECTIONAL|NONE")


class _Wanted(NamedTuple):
    key: PrivateKey
    form: re.Pattern[str]
    fewest: int
    most: int


_WANTED = {
    "NumberOfImagesInMosaic": _Wanted(PrivateKey(0x0019, _MR, 0x0A), _WHOLE, 1, 1),
    "SliceMeasurementDuration": _Wanted(PrivateKey(0x0019, _MR, 0x0B), _NUMBER, 1, 1),
    "B_value": _Wanted(PrivateKey(0x0019, _MR, 0x0C), _B_VALUE, 1, 1),
    "DiffusionDirectionality": _Wanted(PrivateKey(0x0019, _MR, 0x0D), _DIRECTIONALITY, 1, 1),
    "DiffusionGradientDirection": _Wanted(PrivateKey(0x0019, _MR, 0x0E), _NUMBER, 3, 3),
    "B_matrix": _Wanted(PrivateKey(0x0019, _MR, 0x27), _NUMBER, 6, 6),
    "BandwidthPerPixelPhaseEncode": _Wanted(PrivateKey(0x0019, _MR, 0x28), _NUMBER, 1, 1),
    "MosaicRefAcqTimes": _Wanted(PrivateKey(0x0019, _MR, 0x29), _NUMBER, 1, 1024),
    "PhaseEncodingDirectionPositive": _Wanted(PrivateKey(0x0021, _SDI, 0x1C), _FLAG, 1, 1),
}


def taken_out(header: bytes) -> Mapping[PrivateKey, list[str]]:
    """Return the values of a CSA header that have attributes of their own; none of a header that is damaged.

    Parameters
    ----------
    header
        The value of (0029,xx10) of the creator `SIEMENS CSA HEADER`.
    """
    if len(header) > _MOST_BYTES or not header.startswith(_MAGIC):
        return {}
    try:
        return dict(_values(header))
    except struct.error:
        return {}


def _values(header: bytes) -> Iterator[tuple[PrivateKey, list[str]]]:
    position = len(_MAGIC)
    count, _ = struct.unpack_from("<2i", header, position)
    position += 8
    if not 0 < count <= _MOST_TAGS:
        raise struct.error
    for _ in range(count):
        name, _, _, _, items, _ = _TAG.unpack_from(header, position)
        position += _TAG.size
        if not 0 <= items <= _MOST_ITEMS:
            raise struct.error
        texts = []
        for _ in range(items):
            text, position = _item(header, position)
            texts.append(text)
        wanted = _WANTED.get(_text(name))
        values = [text for text in texts if text]
        if wanted is not None and _counts(values, wanted):
            yield wanted.key, values


def _item(header: bytes, position: int) -> tuple[str, int]:
    """Return one value and where the next one starts: at a multiple of four."""
    _, length, _, _ = _ITEM.unpack_from(header, position)
    start = position + _ITEM.size
    if not 0 <= length <= len(header) - start:
        raise struct.error
    return _text(header[start : start + length]), start + -(-length // 4) * 4


def _text(raw: bytes) -> str:
    return raw.split(b"\0", maxsplit=1)[0].decode("ascii", "replace").strip()


def _counts(values: list[str], wanted: _Wanted) -> bool:
    fits = wanted.fewest <= len(values) <= wanted.most
    return fits and all(wanted.form.fullmatch(value) for value in values)
