"""How large a JPEG XL image claims to be, read before anything is decoded (ISO/IEC 18181-1 annex D, 18181-2).

Rule of the file: bits of the size header only. What hides behind the picture (boxes, further frames, further channels)
is never copied: JPEG XL is always decoded and coded again.
"""

from __future__ import annotations

import struct

from pipeline.frames.codestreams import DamagedCodestreamError, Dimensions

_START = b"\xff\x0a"
_CONTAINER = b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"
_ENOUGH_BYTES = 16
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_WIDTHS = (9, 13, 18, 30)
_TO_END = 0
_WIDE = 1


class _Bits:
    """Bits of a codestream, lowest first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def read(self, count: int) -> int:
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value


def jpeg_xl_size(data: bytes) -> Dimensions:
    """Return rows and columns; samples and precision are 0, only the decoder knows them.

    Raises
    ------
    DamagedCodestreamError
        Where it is neither a bare codestream nor a container of one.
    """
    start = _codestream_start(data)
    if not start.startswith(_START) or len(start) < _ENOUGH_BYTES:
        raise DamagedCodestreamError("no JPEG XL codestream")
    bits = _Bits(start[2:])
    is_small = bool(bits.read(1))
    rows = _length(bits, is_small=is_small)
    ratio = bits.read(3)
    if ratio:
        wide, high = _RATIOS[ratio - 1]
        columns = rows * wide // high
    else:
        columns = _length(bits, is_small=is_small)
    return Dimensions(rows=rows, columns=columns, samples=0, precision=0, components=b"")


def _length(bits: _Bits, *, is_small: bool) -> int:
    if is_small:
        return (bits.read(5) + 1) * 8
    return bits.read(_WIDTHS[bits.read(2)]) + 1


def _codestream_start(data: bytes) -> bytes:
    """Return the first bytes of the codestream, found in its box where there is a container."""
    if not data.startswith(_CONTAINER):
        return data[:_ENOUGH_BYTES]
    position = len(_CONTAINER)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, position)
        header = 8
        if length == _WIDE and position + 16 <= len(data):
            length, header = struct.unpack_from(">Q", data, position + 8)[0], 16
        body = position + header
        if kind in (b"jxlc", b"jxlp"):
            body += 4 * (kind == b"jxlp")
            return data[body : body + _ENOUGH_BYTES]
        if length == _TO_END or length < header:
            break
        position += length
    raise DamagedCodestreamError("no codestream in the container")
