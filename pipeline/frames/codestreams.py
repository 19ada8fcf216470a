"""JPEG, JPEG-LS and JPEG 2000 codestreams as bytes: their size, their end, and what hides between their markers.

Comments and application segments carry names of machines, people and software. `without_metadata` removes every
segment that a decoder does not need, and never touches entropy-coded data. The rule of this file: what cannot be
walked from the first marker to the last is an error, not something to copy along.
Marker codes: ISO/IEC 10918-1 table B.1, 14495-1 annex C, 15444-1 annex A.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from pipeline.frames.parts_of_jpeg_2000 import Image, has_too_many_parts, has_too_many_tiles, image_of
from pipeline.frames.syntaxes import Coding

if TYPE_CHECKING:
    from collections.abc import Callable


class DamagedCodestreamError(ValueError):
    """The codestream cannot be walked from its start to its end."""


class Dimensions(NamedTuple):
    """What the codestream says about itself.

    `components` are a JPEG's component identifiers, empty where nothing names them.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    components: bytes


_SOI, _EOI, _SOS, _DHT, _DQT = 0xD8, 0xD9, 0xDA, 0xC4, 0xDB
_APP0, _APP8, _APP14 = 0xE0, 0xE8, 0xEE
_LONGEST_OTHER = 2048
"""Of DRI, DNL, DAC and LSE; a palette of JPEG-LS is the longest."""
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_HUFFMAN_CODED = (0xC0, 0xC1, 0xC2, 0xC3)
"""Baseline, extended, progressive, lossless (ISO/IEC 10918-1, table B.1). Hardly a reader knows the others."""
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_JPEG_NEEDED = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF7, 0xF8} - {0xC8}
"""Frame headers, tables, SOS, DNL, DRI, DHP, EXP; of JPEG-LS SOF55 and LSE. Decoders step over the rest."""
_MOST_SCANS = 100
"""Encoders write ten or so; a decoder goes through the whole picture for each, however few its bytes."""
_JFIF = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""Version 1.01, pixels are square, no thumbnail: how wide they are is said in the header."""
_ADOBE = b"Adobe\x00\x64\x00\x00\x00\x00"
_ADOBE_BYTES, _ADOBE_TRANSFORMS, _HP_BYTES = 12, (0, 1, 2), 5
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_JPEG_LS_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")

_SOC, _SOT, _SOD, _EOC, _SIZ = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9, 0xFF51
_J2K_NEEDED = {0xFF50, _SIZ, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF60, 0xFF61}
"""CAP, SIZ, COD, COC, QCD, QCC, RGN, POC, PPM, PPT. Decoders need no other, and step over what they do not know."""
_SOT_BYTES, _SIZ_BYTES = 12, 38


def without_metadata(codestream: bytes, coding: Coding) -> bytes:
    """Return the same image without comments, application segments, unknown segments and bytes after its end.

    What has no markers comes back as it is: see `pipeline.frames.run_lengths`, `deflate` and `jpeg_xl`.

    Raises
    ------
    DamagedCodestreamError
        Where it cannot be walked.
    """
    if coding in (Coding.RLE, Coding.DEFLATED, Coding.JPEG_XL):
        return codestream
    try:
        if coding is Coding.JPEG_2000:
            return _clean_jpeg_2000(codestream)
        return _clean_jpeg(codestream, _JPEG_LS_MARKER if coding is Coding.JPEG_LS else _JPEG_MARKER)
    except (struct.error, IndexError) as error:
        raise DamagedCodestreamError("the codestream ends early") from error


def dimensions(codestream: bytes, coding: Coding) -> Dimensions | None:
    """Say what the codestream claims to hold; None where it says nothing, or not between markers.

    Raises
    ------
    DamagedCodestreamError
        Where no frame header is found.
    """
    if coding in (Coding.RLE, Coding.DEFLATED, Coding.JPEG_XL):
        return None
    try:
        return _jpeg_2000_size(codestream) if coding is Coding.JPEG_2000 else _jpeg_size(codestream)
    except (struct.error, IndexError) as error:
        raise DamagedCodestreamError("the codestream ends early") from error


def is_huffman_coded(codestream: bytes) -> bool:
    """Tell whether a JPEG is of a process that some transfer syntax has: not arithmetic, not hierarchical."""
    try:
        return start_of_scan(codestream)[0] in _HUFFMAN_CODED
    except (struct.error, IndexError) as error:
        raise DamagedCodestreamError("the codestream ends early") from error


def jpeg_photometric(codestream: bytes, announced: str) -> str:
    """Return the colour space of a decoded JPEG frame: as the header says, unless the codestream contradicts it.

    Component identifiers that spell RGB mean RGB; a JFIF segment means luminance and chrominance.
    """
    try:
        components = _jpeg_size(codestream).components
    except (struct.error, IndexError) as error:
        raise DamagedCodestreamError("the codestream ends early") from error
    if components in (b"RGB", b"rgb"):
        return "RGB"
    jfif = codestream[6:11] == b"JFIF\x00" and codestream[2:4] == b"\xff\xe0"
    return "YBR_FULL" if jfif or announced.startswith("YBR") else announced


def _jpeg_size(data: bytes) -> Dimensions:
    position = after_start(data)
    while True:
        marker, position = next_marker(data, position)
        if marker in (_SOS, _EOI):
            raise DamagedCodestreamError("no frame header before the first scan")
        if marker in _STANDALONE:
            continue
        if marker in _FRAME_HEADERS:
            precision, rows, columns, samples = struct.unpack_from(">BHHB", data, position + 2)
            components = data[position + 8 : position + 8 + 3 * samples : 3]
            return Dimensions(rows=rows, columns=columns, samples=samples, precision=precision, components=components)
        position += struct.unpack_from(">H", data, position)[0]


def _clean_jpeg(data: bytes, in_scan: re.Pattern[bytes]) -> bytes:
    position, scans = after_start(data), 0
    kept = [b"\xff\xd8"]
    while True:
        marker, position = next_marker(data, position)
        if marker == _EOI:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        if marker in _STANDALONE:
            kept.append(bytes((0xFF, marker)))
            continue
        end = position + struct.unpack_from(">H", data, position)[0]
        if end > len(data):
            raise DamagedCodestreamError("a segment ends early")
        segment = _needed_segment(marker, data[position + 2 : end])
        if segment is not None:
            kept.append(struct.pack(">BBH", 0xFF, marker, len(segment) + 2) + segment)
        position = end
        if marker == _SOS:
            scans += 1
            match = in_scan.search(data, position)
            if match is None or scans > _MOST_SCANS:
                raise DamagedCodestreamError("a scan has no end, or there are too many")
            kept.append(data[position : match.start()])
            position = match.start()


def after_start(data: bytes) -> int:
    """Return the position behind a JPEG's start of image."""
    if data[:2] != b"\xff\xd8":
        raise DamagedCodestreamError("no start of image")
    return 2


def next_marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the marker at `position` (fill bytes skipped), and the position behind it."""
    if data[position] != 0xFF:  # noqa: PLR2004  every marker starts with this byte
        raise DamagedCodestreamError("no marker where one must stand")
    while data[position] == 0xFF:  # noqa: PLR2004  fill bytes are the same byte repeated
        position += 1
    return data[position], position + 1


def _needed_segment(marker: int, payload: bytes) -> bytes | None:
    """Return the part of a segment that decoding needs, or None."""
    if marker in _JPEG_NEEDED:
        _check_exact(marker, payload)
        return payload
    if marker == _APP0 and payload.startswith(b"JFIF\x00"):
        return _JFIF
    if marker == _APP14 and payload.startswith(b"Adobe") and len(payload) >= _ADOBE_BYTES:
        transform = payload[_ADOBE_BYTES - 1]  # tells a decoder whether three components are RGB or YCbCr
        return _ADOBE + bytes((transform if transform in _ADOBE_TRANSFORMS else 0,))
    if marker == _APP8 and payload.startswith(b"mrfx") and len(payload) == _HP_BYTES:
        return payload  # JPEG-LS colour transform
    return None


def _check_exact(marker: int, payload: bytes) -> None:
    """Return if a frame or scan header and a table is as long as its own numbers say, with nothing behind."""
    if marker in _FRAME_HEADERS:
        fits = len(payload) == 6 + 3 * payload[5]
    elif marker == _SOS:
        fits = len(payload) == 4 + 2 * payload[0]
    elif marker == _DHT:
        fits = _table_end(payload, lambda at: 17 + sum(payload[at + 1 : at + 17]))
    elif marker == _DQT:
        fits = _table_end(payload, lambda at: 129 if payload[at] >> 4 else 65)
    else:
        fits = len(payload) <= _LONGEST_OTHER
    if not fits:
        raise DamagedCodestreamError("a segment is longer or shorter than it says")


def _table_end(payload: bytes, length_at: Callable[[int], int]) -> bool:
    position = 0
    while position < len(payload):
        position += length_at(position)
    return position == len(payload)


def start_of_scan(data: bytes) -> tuple[int, bytes]:
    """Return the code of a JPEG's frame header and the payload of its first scan header.

    Raises
    ------
    DamagedCodestreamError
        Where there is no frame header before the first scan.
    """
    position, frame = after_start(data), 0
    while True:
        marker, position = next_marker(data, position)
        if marker in _STANDALONE:
            continue
        end = position + struct.unpack_from(">H", data, position)[0]
        if marker in _FRAME_HEADERS:
            frame = marker
        if marker == _SOS and frame:
            return frame, data[position + 2 : end]
        if marker in (_SOS, _EOI):
            raise DamagedCodestreamError("no frame header before the first scan")
        position = end


def _jpeg_2000_size(data: bytes) -> Dimensions:
    if struct.unpack_from(">HH", data, 0) != (_SOC, _SIZ):
        raise DamagedCodestreamError("no start of codestream")
    columns, rows, left, top = struct.unpack_from(">LLLL", data, 8)
    samples, precision = struct.unpack_from(">HB", data, 40)
    if struct.unpack_from(">H", data, 4)[0] != _SIZ_BYTES + 3 * samples:
        raise DamagedCodestreamError("the size segment is longer or shorter than it says")
    return Dimensions(
        rows=rows - top, columns=columns - left, samples=samples, precision=(precision & 0x7F) + 1, components=b""
    )


def _clean_jpeg_2000(data: bytes) -> bytes:
    _jpeg_2000_size(data)
    image = image_of(data[4:])
    if has_too_many_tiles(image):
        raise DamagedCodestreamError("more tiles than any picture needs")
    header, position = _marker_segments(data, 2, _SOT, image)
    kept = [data[:2], header]
    while True:
        (marker,) = struct.unpack_from(">H", data, position)
        if marker == _EOC:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        if marker != _SOT:
            raise DamagedCodestreamError("no tile part where one must stand")
        part, position = _clean_tile_part(data, position, image)
        kept.append(part)


def _clean_tile_part(data: bytes, position: int, image: Image) -> tuple[bytes, int]:
    length, tile, part_bytes, part, parts = struct.unpack_from(">HHLBB", data, position + 2)
    end = position + part_bytes if part_bytes else _end_of_last_part(data)
    header, body = _marker_segments(data, position + _SOT_BYTES, _SOD, image)
    if not position < body <= end <= len(data):
        raise DamagedCodestreamError("a tile part ends early")
    rest = header + data[body:end]
    new_bytes = _SOT_BYTES + len(rest) if part_bytes else 0
    return struct.pack(">HHHLBB", _SOT, length, tile, new_bytes, part, parts) + rest, end


def _end_of_last_part(data: bytes) -> int:
    end = len(data.rstrip(b"\x00")) - 2
    if data[end : end + 2] != b"\xff\xd9":
        raise DamagedCodestreamError("no end of codestream")
    return end


def _marker_segments(data: bytes, position: int, stop: int, image: Image) -> tuple[bytes, int]:
    """Return the segments up to marker `stop` that decoding needs: no comments, no lengths, nothing unknown."""
    kept: list[bytes] = []
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == stop:
            return b"".join(kept), position
        if marker < 0xFF00:  # noqa: PLR2004  every marker starts with FF
            raise DamagedCodestreamError("no marker where one must stand")
        end = position + 2 + length
        if has_too_many_parts(image, marker, data[position + 2 : end]):
            raise DamagedCodestreamError("more parts than any picture needs")
        if marker in _J2K_NEEDED:
            kept.append(data[position:end])
        position = end
