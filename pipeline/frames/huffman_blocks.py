"""The coefficients of a grey JPEG of 12 bits, moved as bits: blocks that stay keep their own, others become black.

libturbojpeg as systems have it reads 8 bits only, so that this is done here. Nothing is dequantized and nothing is
coded anew but what must be: the DC difference of a block whose predecessor is another one now, and the blanked blocks
(ISO/IEC 10918-1, F.1.2 and F.2.2; restart intervals: E.1.4).
Rule of the file: one component, one scan, sequential, Huffman coded; every bit of the scan is accounted for, or it is
refused. It knows blocks, nothing of DICOM.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline.frames.codestreams import after_start, next_marker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK = 8
"""Rows and columns of a block of coefficients."""
_COEFFICIENTS = BLOCK * BLOCK
_FRAME, _TABLES, _RESTARTS, _SCAN, _END = 0xC1, 0xC4, 0xDD, 0xDA, 0xD9
_LONGEST_CODE, _MOST_SIZE = 16, 15
_ZEROS = 0xF0
_SEQUENTIAL = b"\x00\x3f\x00"
"""All coefficients, at once, whole (Ss, Se, Ah and Al of the scan header)."""
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_STEP_BITS, _ENDS, _UNKNOWN = 5, 128, 192
"""An entry of a table of AC codes: bits to go on by, and above them coefficients; or the end, or no such code."""
_MOST_BYTES = 8 << 20
"""Of a codestream; ten times as much memory is taken."""
_WINDOW_BYTES = 1 << 16
_MOST_BLOCK_BYTES = _COEFFICIENTS * (_LONGEST_CODE + _MOST_SIZE) // 8 + 8


class BlocksRefusedError(Exception):
    """The codestream is not of the one kind that is handled here, or it is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What the segments before the scan say.

    Parameters
    ----------
    segments
        Marker and payload of each, the scan header's last.
    dc, ac
        The payloads of the two tables that the scan uses, without their class and number.
    number
        Class and number of each of the two.
    interval
        Blocks between restart markers; 0 for none.
    """

    segments: tuple[tuple[int, bytes], ...]
    rows: int
    columns: int
    dc: bytes
    ac: bytes
    numbers: tuple[int, int]
    interval: int
    scan_at: int


class _Blocks:
    """Where each block of a scan stands in its bits.

    Attributes
    ----------
    bits
        The scan's bits, one a byte, without stuffed bytes and restart markers.
    starts, codes, ends
        Of each block: its first bit, that of its AC coefficients, and the one behind it.
    values
        The DC coefficient of each block.
    """

    def __init__(self, count: int) -> None:
        self.bits: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.starts, self.codes, self.ends, self.values = ([0] * count for _ in range(4))


def blank_twelve_bits(
    codestream: bytes, *, mask: NDArray[np.bool_], crop: tuple[int, int, int, int], black_dc: int
) -> bytes:
    """Return the JPEG cropped and blanked.

    Parameters
    ----------
    codestream
        Without metadata; one component, extended sequential, one scan.
    mask
        bool, one for each block of the cropped frame, True = black.
    crop
        left, top, right, bottom in pixels; left and top are multiples of 8.
    black_dc
        The quantized DC coefficient of black.

    Raises
    ------
    BlocksRefusedError
        Where the codestream is of another kind, or damaged.
    """
    if len(codestream) > _MOST_BYTES:
        raise BlocksRefusedError("longer than is moved in memory")
    try:
        header = _read_header(codestream)
        blocks = _read_blocks(codestream, header)
        return _written(header, blocks, mask, crop, black_dc)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise BlocksRefusedError(type(error).__name__) from error


def _read_header(codestream: bytes) -> _Header:
    position = after_start(codestream)
    segments: list[tuple[int, bytes]] = []
    tables: dict[int, bytes] = {}
    frame, interval = b"", 0
    while not segments or segments[-1][0] != _SCAN:
        marker, position = next_marker(codestream, position)
        end = position + struct.unpack_from(">H", codestream, position)[0]
        payload = codestream[position + 2 : end]
        segments.append((marker, payload))
        position = end
        if marker == _FRAME:
            frame = payload
        elif marker == _TABLES:
            tables.update(_huffman_tables(payload))
        elif marker == _RESTARTS:
            interval = struct.unpack(">H", payload)[0]
    _precision, rows, columns, samples = struct.unpack_from(">BHHB", frame)
    scan = segments[-1][1]
    if samples != 1 or scan[:2] != bytes((1, frame[6])) or scan[3:] != _SEQUENTIAL or not rows * columns:
        raise BlocksRefusedError("not one scan of one component")
    numbers = (scan[2] >> 4, 0x10 | scan[2] & 15)
    return _Header(
        segments=tuple(segments),
        rows=rows,
        columns=columns,
        dc=tables[numbers[0]],
        ac=tables[numbers[1]],
        numbers=numbers,
        interval=interval,
        scan_at=position,
    )


def _huffman_tables(payload: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(payload):
        end = position + 17 + sum(payload[position + 1 : position + 17])
        yield payload[position], payload[position + 1 : end]
        position = end


@lru_cache(maxsize=8)
def _codes(table: bytes) -> dict[int, tuple[int, int]]:
    """Return code and length of each symbol of a table (ISO/IEC 10918-1, annex C)."""
    codes: dict[int, tuple[int, int]] = {}
    code, position = 0, _LONGEST_CODE
    for length, count in enumerate(table[:_LONGEST_CODE], 1):
        for symbol in table[position : position + count]:
            codes[symbol] = (code, length)
            code += 1
        position += count
        if code > 1 << length:
            raise BlocksRefusedError("more codes than there are")
        code <<= 1
    return codes


@lru_cache(maxsize=8)
def _ac_steps(table: bytes) -> NDArray[np.uint16]:
    """Return, for the next 16 bits, how many bits an AC symbol takes, and how many coefficients it stands for."""
    steps = np.full(1 << _LONGEST_CODE, _UNKNOWN << _STEP_BITS, np.uint16)
    for symbol, (code, length) in _codes(table).items():
        run, size = symbol >> 4, symbol & 15
        coefficients = run + 1
        if not size and symbol != _ZEROS:
            coefficients = _UNKNOWN if symbol else _ENDS
        first, last = code << (_LONGEST_CODE - length), (code + 1) << (_LONGEST_CODE - length)
        steps[first:last] = coefficients << _STEP_BITS | (length + size)
    return steps


@lru_cache(maxsize=8)
def _dc_steps(table: bytes) -> list[tuple[int, int] | None]:
    """Return, for the next 16 bits, the length of a DC code and the size of the difference behind it."""
    steps: list[tuple[int, int] | None] = [None] * (1 << _LONGEST_CODE)
    for size, (code, length) in _codes(table).items():
        if size <= _MOST_SIZE:
            first, last = code << (_LONGEST_CODE - length), (code + 1) << (_LONGEST_CODE - length)
            steps[first:last] = [(length, size)] * (last - first)
    return steps


def _read_blocks(codestream: bytes, header: _Header) -> _Blocks:
    count = -(-header.rows // BLOCK) * -(-header.columns // BLOCK)
    coded = codestream[header.scan_at :]
    if coded[-2:] != bytes((0xFF, _END)):
        raise BlocksRefusedError("more than one scan")
    parts = _RESTART.split(coded[:-2])
    interval = header.interval or count
    if [number[0] & 7 for number in parts[1::2]] != [number & 7 for number in range(len(parts) // 2)]:
        raise BlocksRefusedError("restart markers out of order")
    if len(parts) // 2 + 1 != -(-count // interval):
        raise BlocksRefusedError("another number of restarts")
    blocks = _Blocks(count)
    sections: list[NDArray[np.uint8]] = []
    base = 0
    for number, filled in enumerate(parts[::2]):
        part = filled.rstrip(b"\xff")  # before any marker fill bytes may stand (B.1.1.2)
        if part.count(b"\xff") != part.count(b"\xff\x00"):
            raise BlocksRefusedError("a marker inside the scan")
        data = part.replace(b"\xff\x00", b"\xff")
        blocks_of_it = range(number * interval, min((number + 1) * interval, count))
        _read_section(data, blocks_of_it, header, blocks, base)
        sections.append(np.unpackbits(np.frombuffer(data, np.uint8)))
        base += 8 * len(data)
    blocks.bits = np.concatenate(sections)
    return blocks


def _read_section(data: bytes, numbers: range, header: _Header, blocks: _Blocks, base: int) -> None:
    """Find the blocks between two restart markers; `base` is the section's first bit among all of the scan's."""
    dc_steps, ac_table = _dc_steps(header.dc), _ac_steps(header.ac)
    padded = data + b"\xff" * (_MOST_BLOCK_BYTES + 4)
    window, window_at, window_end = memoryview(b""), 0, -1
    position = value = 0
    for block in numbers:
        if position > window_end:
            window_at = position & ~7
            window = _steps_everywhere(padded[window_at >> 3 :][: _WINDOW_BYTES + _MOST_BLOCK_BYTES], ac_table)
            window_end = window_at + 8 * _WINDOW_BYTES
        blocks.starts[block] = base + position
        word = int.from_bytes(padded[position >> 3 : (position >> 3) + 5], "big") << (position & 7)
        step = dc_steps[word >> 24 & 0xFFFF]
        if step is None:
            raise BlocksRefusedError("no such code")
        length, size = step
        value += _signed(word >> (40 - length - size), size)
        blocks.values[block] = value
        at = position + length + size - window_at
        blocks.codes[block] = base + window_at + at
        coefficient = 1
        while coefficient < _COEFFICIENTS:
            entry = window[at]
            at += entry & 31
            coefficient += entry >> _STEP_BITS
        if coefficient > _UNKNOWN or _COEFFICIENTS < coefficient <= _ENDS:
            raise BlocksRefusedError("no such code")
        position = window_at + at
        if position > 8 * len(data):
            raise BlocksRefusedError("the scan ends early")
        blocks.ends[block] = base + position
    if 8 * len(data) - position >= 8:  # noqa: PLR2004  bits of a byte: fewer are what fills the last one
        raise BlocksRefusedError("more data than blocks")


def _steps_everywhere(data: bytes, table: NDArray[np.uint16]) -> memoryview:
    """Return what `table` says at every bit of `data`, but for its last two bytes."""
    octets = np.frombuffer(data, np.uint8).astype(np.uint32)
    words = octets[:-2] << 16 | octets[1:-1] << 8 | octets[2:]
    shifted = words[:, np.newaxis] >> np.arange(8, 0, -1, dtype=np.uint32) & 0xFFFF
    return memoryview(table[shifted].reshape(-1))


def _signed(bits: int, size: int) -> int:
    """Return the number that the lowest `size` bits stand for (ISO/IEC 10918-1, F.2.2.1, EXTEND)."""
    value = bits & (1 << size) - 1
    return value if not size or value >> (size - 1) else value - (1 << size) + 1


def _written(
    header: _Header, blocks: _Blocks, mask: NDArray[np.bool_], crop: tuple[int, int, int, int], black_dc: int
) -> bytes:
    left, top, right, bottom = crop
    across = -(-header.columns // BLOCK)
    order = np.arange(len(blocks.starts)).reshape(-1, across)
    chosen = order[top // BLOCK : -(-bottom // BLOCK), left // BLOCK : -(-right // BLOCK)]
    if chosen.shape != mask.shape:
        raise BlocksRefusedError("another number of blocks")
    sources = np.where(mask, -1, chosen).reshape(-1).tolist()
    interval = header.interval or len(sources)
    values = [black_dc if source < 0 else blocks.values[source] for source in sources]
    differences = [value - (values[at - 1] if at % interval else 0) for at, value in enumerate(values)]
    dc = _with_symbols(header.dc, sorted({abs(difference).bit_length() for difference in differences}))
    ac = _with_symbols(header.ac, [0] if mask.any() else [])
    scan = _scan(header, blocks, sources, differences, dc=_codes(dc), end=_codes(ac).get(0, (0, 0)))
    return _segments(header, dc, ac, bottom - top, right - left) + scan + bytes((0xFF, _END))


def _with_symbols(table: bytes, symbols: list[int]) -> bytes:
    """Return a table with codes for these symbols too; the codes that it has stay as they are."""
    missing = [symbol for symbol in symbols if symbol not in _codes(table)]
    if not missing:
        return table
    if max(missing) > _MOST_SIZE:
        raise BlocksRefusedError("a difference that has no code")
    counts = list(table[:_LONGEST_CODE])
    longest = max(length for length, count in enumerate(counts, 1) if count)
    last = max(code for code, length in _codes(table).values() if length == longest)
    for length in range(longest, _LONGEST_CODE + 1):
        first = last + 1 << length - longest
        if first + len(missing) < 1 << length:  # the code of ones alone stays free
            counts[length - 1] += len(missing)
            return bytes(counts) + table[_LONGEST_CODE:] + bytes(missing)
    raise BlocksRefusedError("no room for another code")


def _scan(
    header: _Header,
    blocks: _Blocks,
    sources: list[int],
    differences: list[int],
    *,
    dc: dict[int, tuple[int, int]],
    end: tuple[int, int],
) -> bytes:
    interval = header.interval or len(sources)
    end_bits = _bits(*end)
    coded: list[bytes] = []
    for first in range(0, len(sources), interval):
        parts: list[NDArray[np.uint8]] = []
        for at in range(first, min(first + interval, len(sources))):
            source, difference = sources[at], differences[at]
            if source >= 0 and at > first and sources[at - 1] == source - 1 and _follows(header, source):
                parts.append(blocks.bits[blocks.starts[source] : blocks.ends[source]])
                continue
            parts.append(_difference_bits(difference, dc))
            parts.append(end_bits if source < 0 else blocks.bits[blocks.codes[source] : blocks.ends[source]])
        bits = np.concatenate(parts)
        filled = np.concatenate([bits, np.ones(-bits.size % 8, np.uint8)])
        coded.append(np.packbits(filled).tobytes().replace(b"\xff", b"\xff\x00"))
    marks = (b"", *(bytes((0xFF, 0xD0 + number % 8)) for number in range(len(coded) - 1)))
    return b"".join(mark + part for mark, part in zip(marks, coded, strict=True))


def _follows(header: _Header, source: int) -> bool:
    """Whether a block was coded as the difference to the one before it."""
    return not header.interval or source % header.interval != 0


def _difference_bits(difference: int, dc: dict[int, tuple[int, int]]) -> NDArray[np.uint8]:
    size = abs(difference).bit_length()
    code, length = dc[size]
    extra = difference if difference >= 0 else difference + (1 << size) - 1
    return _bits(code << size | extra, length + size)


def _bits(value: int, length: int) -> NDArray[np.uint8]:
    return np.array([value >> shift & 1 for shift in range(length - 1, -1, -1)], dtype=np.uint8)


def _segments(header: _Header, dc: bytes, ac: bytes, rows: int, columns: int) -> bytes:
    """Return the start of the codestream, up to its scan; a table with more codes stands behind the one it replaces."""
    more = [
        (_TABLES, bytes((number,)) + table)
        for number, table, old in zip(header.numbers, (dc, ac), (header.dc, header.ac), strict=True)
        if table != old
    ]
    made = [
        (marker, payload[:1] + struct.pack(">HH", rows, columns) + payload[5:] if marker == _FRAME else payload)
        for marker, payload in header.segments
    ]
    segments = (*made[:-1], *more, made[-1])
    return b"\xff\xd8" + b"".join(
        struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for marker, payload in segments
    )
