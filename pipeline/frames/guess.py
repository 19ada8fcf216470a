"""Which transfer syntax encapsulated pixel data is in, where the file lost its meta information.

Rule of the file: a guess must be provable from the codestream's own first markers; what it says is still checked by
decoding every frame. JPEG: ISO/IEC 10918-1 table B.1; JPEG-LS: 14495-1 annex C; JPEG 2000: 15444-1 annex A, part 15.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from pipeline.frames.codestreams import DamagedCodestreamError, start_of_scan
from pipeline.frames.run_lengths import has_plain_header
from pipeline.frames.syntaxes import JPEG_BASELINE, JPEG_EXTENDED, RLE_LOSSLESS

_PIXEL_DATA = b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff"
_PIXEL_DATA_AS_WORDS = _PIXEL_DATA.replace(b"OB", b"OW")
_ITEM = b"\xfe\xff\x00\xe0"
_ENOUGH_BYTES = 1 << 16
_JPEG_BY_FRAME = {0xC0: JPEG_BASELINE, 0xC1: JPEG_EXTENDED}
_LOSSLESS_FRAME, _LS_FRAME = 0xC3, 0xF7
_JPEG_LOSSLESS, _JPEG_LOSSLESS_FIRST_ORDER = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
_LS_LOSSLESS, _LS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
_J2K_LOSSLESS, _J2K_LOSSY = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
_HTJ2K_LOSSLESS, _HTJ2K_LOSSY = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.203"
_SOC, _CAP, _COD, _SOT = b"\xff\x4f", 0xFF50, 0xFF52, 0xFF90
_REVERSIBLE = 1


def encapsulated_syntax(stream: BinaryIO) -> str | None:
    """Return the syntax of the pixel data element that `stream` stands before, None where it is not encapsulated.

    Also None where the codestream is of no kind that is known: the caller then holds the object, because no native
    syntax has pixel data of undefined length.
    """
    if stream.read(len(_PIXEL_DATA)) not in (_PIXEL_DATA, _PIXEL_DATA_AS_WORDS):
        return None
    try:
        return _syntax_of(_first_codestream(stream))
    except (DamagedCodestreamError, struct.error, IndexError):
        return None


def _first_codestream(stream: BinaryIO) -> bytes:
    """Return the start of the first fragment that is not empty, behind the offset table."""
    is_table = True
    while True:
        item, length = struct.unpack("<4sL", stream.read(8))
        if item != _ITEM:
            raise DamagedCodestreamError("no fragment")
        if length and not is_table:
            return stream.read(min(length, _ENOUGH_BYTES))
        stream.seek(length, 1)
        is_table = False


def _syntax_of(start: bytes) -> str | None:
    if start.startswith(_SOC):
        return _jpeg_2000(start)
    if not start.startswith(b"\xff\xd8"):
        return RLE_LOSSLESS if has_plain_header(start) else None
    frame, scan = start_of_scan(start)
    if frame == _LOSSLESS_FRAME:
        return _JPEG_LOSSLESS_FIRST_ORDER if scan[-3] == 1 else _JPEG_LOSSLESS  # the predictor
    if frame == _LS_FRAME:
        return _LS_NEAR if scan[-3] else _LS_LOSSLESS
    return _JPEG_BY_FRAME.get(frame)


def _jpeg_2000(start: bytes) -> str:
    position, is_high_throughput = 2, False
    while True:
        marker, length = struct.unpack_from(">HH", start, position)
        if marker == _CAP:
            is_high_throughput = True
        if marker == _COD:
            is_lossless = start[position + 13] == _REVERSIBLE
            if is_high_throughput:
                return _HTJ2K_LOSSLESS if is_lossless else _HTJ2K_LOSSY
            return _J2K_LOSSLESS if is_lossless else _J2K_LOSSY
        if marker == _SOT:
            raise DamagedCodestreamError("no coding style")
        position += 2 + length
