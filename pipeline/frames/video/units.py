"""Coded pictures as units between start codes, and what of them is no picture.

Supplemental enhancement information and user data carry names, times and the settings of encoders; so do units of
unknown kinds. Kept is what a decoder needs: parameter sets, headers and slices. ITU-T H.264 table 7-1, ITU-T H.265
table 7-1, ISO/IEC 13818-2 table 6-1. The rule of this file: slices are never changed, and what is not known goes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.frames.syntaxes import Coding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class DamagedStreamError(ValueError):
    """Not a sequence of units, or one that hides something in a unit that a decoder needs."""


_START = re.compile(rb"\x00\x00\x01")
_AVC_PICTURE = frozenset({1, 5, 7, 8, 9})
"""Slices, sequence and picture parameter sets, the delimiter of access units."""
_AVC_SEI, _HEVC_SEI = 6, frozenset({39, 40})
_HEVC_PICTURE = frozenset({*range(10), *range(16, 22), 32, 33, 34, 35})
_BARE_HEVC = frozenset({36, 37})
"""End of sequence and of bitstream: two bytes, and nothing behind them."""
_TIMING = frozenset({0, 1})
"""Buffering period and picture timing."""
_PICTURE, _USER_DATA, _SEQUENCE, _EXTENSION, _SEQUENCE_END, _GROUP = 0x00, 0xB2, 0xB3, 0xB5, 0xB7, 0xB8
_SLICES = range(0x01, 0xB0)
_COPYRIGHT = 4
_MPEG_2_EXTENSIONS = frozenset({1, 2, 3, 7, 8})
"""Sequence, sequence display, quantizer matrices, picture display, picture coding."""
_GROUP_BYTES, _PICTURE_BYTES = 4, 5
_GROUP_FLAGS, _GROUP_MARKER = 0x0000_0060, 0x0008_0000


def split_units(data: bytes, coding: Coding) -> list[bytes]:
    """Return the units of a coded picture, without their start codes.

    Zeros behind a unit are no part of it; in MPEG-2, where a header may end in some, they stay.

    Raises
    ------
    DamagedStreamError
        Where something stands before the first start code.
    """
    starts = [found.start() for found in _START.finditer(data)]
    if not starts or data[: starts[0]].strip(b"\0"):
        raise DamagedStreamError("no start code")
    ends = [*starts[1:], len(data)]
    found = [data[start + 3 : end] for start, end in zip(starts, ends, strict=True)]
    return found if coding is Coding.MPEG_2 else [unit.rstrip(b"\0") for unit in found]


def join_units(units: list[bytes], coding: Coding) -> bytes:
    """Return units as a coded picture."""
    code = b"\x00\x00\x01" if coding is Coding.MPEG_2 else b"\x00\x00\x00\x01"
    return b"".join(code + unit for unit in units)


def picture_units(units: list[bytes], coding: Coding, *, timing: bool) -> list[bytes]:
    """Return the units without all that is no picture.

    Parameters
    ----------
    timing
        Buffering periods and picture timing stay: of a stream that an encoder of ours has made, where they hold no time
        of day.

    Raises
    ------
    DamagedStreamError
        Where a header holds more than a header does.
    """
    keep = _KEEPERS[coding]
    return [kept for unit in units if unit and (kept := keep(unit, timing)) is not None]


def _keep_avc(unit: bytes, timing: bool) -> bytes | None:  # noqa: FBT001  one signature for all codings
    kind = unit[0] & 0x1F
    if kind == _AVC_SEI:
        return unit if timing and set(_messages(unit[1:])) <= _TIMING else None
    return unit if kind in _AVC_PICTURE else None


def _keep_hevc(unit: bytes, timing: bool) -> bytes | None:  # noqa: ARG001, FBT001  one signature for all codings
    header = int.from_bytes(unit[:2], "big")
    kind, layer = header >> 9 & 0x3F, header >> 3 & 0x3F
    if layer:
        return None
    if kind in _BARE_HEVC:
        return unit[:2]
    return unit if kind in _HEVC_PICTURE else None


def _keep_mpeg_2(unit: bytes, timing: bool) -> bytes | None:  # noqa: ARG001, FBT001  one signature for all codings
    code, body = unit[0], unit[1:]
    if code == _GROUP:
        return unit[:1] + _without_time_code(body)
    if code == _PICTURE:
        if body[_PICTURE_BYTES:].strip(b"\0"):
            raise DamagedStreamError("a picture's header is too long")
        return unit
    if code == _EXTENSION:
        return unit if body[:1] and body[0] >> 4 in _MPEG_2_EXTENSIONS else None
    if code == _SEQUENCE_END:
        return unit[:1]
    return unit if code in _SLICES or code == _SEQUENCE else None


_KEEPERS: dict[Coding, Callable[[bytes, bool], bytes | None]] = {
    Coding.AVC: _keep_avc,
    Coding.HEVC: _keep_hevc,
    Coding.MPEG_2: _keep_mpeg_2,
}


def _without_time_code(body: bytes) -> bytes:
    """Return a group's header at 00:00:00:00; its two flags stay (ISO/IEC 13818-2, 6.2.2.6)."""
    if len(body) < _GROUP_BYTES:
        raise DamagedStreamError("a group's header is cut")
    flags = int.from_bytes(body[:_GROUP_BYTES], "big") & _GROUP_FLAGS
    return (flags | _GROUP_MARKER).to_bytes(_GROUP_BYTES, "big")


def _messages(payload: bytes) -> Iterator[int]:
    """Yield the type of every message of supplemental information; -1 where it cannot be walked."""
    data = payload.replace(b"\x00\x00\x03", b"\x00\x00")
    position = 0
    while position < len(data) and data[position:] != b"\x80":
        kind, position = _sum_of_bytes(data, position)
        size, position = _sum_of_bytes(data, position)
        position += size
        if position >= len(data):
            yield -1
        yield kind


def _sum_of_bytes(data: bytes, position: int) -> tuple[int, int]:
    total = 0
    while position < len(data) and data[position] == 0xFF:  # noqa: PLR2004  more follows
        total, position = total + 0xFF, position + 1
    last = data[position] if position < len(data) else 0
    return total + last, position + 1
