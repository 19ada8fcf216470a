"""JPEG of 12 bits as no encoder at hand writes it, made from the text of ISO/IEC 10918-1, annexes B to F, alone.

Rule of the file: nothing here imports the product; other programs decode what it makes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_END_OF_BLOCK, _ZEROS = 0x00, 0xF0
_STEP = 24
_AC_SYMBOLS = [_END_OF_BLOCK, _ZEROS, *(run << 4 | size for run in range(16) for size in range(1, 15))]
"""226 symbols of 8 bits each, 16 of the DC of 5: every code is as long as the others of its table."""
_ZIGZAG = sorted(range(64), key=lambda at: (sum(divmod(at, 8)), at // 8 if sum(divmod(at, 8)) % 2 else at % 8))


def jpeg_of_12_bits(frame: NDArray[Any], *, interval: int = 0, sampling: int = 0x11, dc_sizes: int = 16) -> bytes:
    """Return a grey frame as JPEG Extended (Process 4).

    Parameters
    ----------
    frame
        (rows, columns), 0 to 4095.
    interval
        Blocks between restart markers; 0 for none.
    sampling
        The component's factors, which change nothing where there is one component.
    dc_sizes
        For how many sizes of DC difference there is a code.
    """
    rows, columns = frame.shape
    segments = [
        (0xDB, b"\0" + bytes([_STEP] * 64)),
        (0xC1, struct.pack(">BHHBBBB", 12, rows, columns, 1, 1, sampling, 0)),
        (0xC4, bytes([0x00, 0, 0, 0, 0, dc_sizes, *[0] * 11, *range(dc_sizes)])),
        (0xC4, bytes([0x10, *[0] * 7, len(_AC_SYMBOLS), *[0] * 8, *_AC_SYMBOLS])),
        (0xDD, struct.pack(">H", interval)),
        (0xDA, bytes([1, 1, 0, 0, 63, 0])),
    ]
    head = b"".join(struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for marker, payload in segments)
    blocks = list(_blocks(frame))
    count = interval or len(blocks)
    parts = [_coded(blocks[first : first + count]) for first in range(0, len(blocks), count)]
    marks = [b"", *(bytes((0xFF, 0xD0 + number % 8)) for number in range(len(parts) - 1))]
    return b"\xff\xd8" + head + b"".join(map(bytes.__add__, marks, parts)) + b"\xff\xd9"


def _blocks(frame: NDArray[Any]) -> Iterator[list[int]]:
    """Yield the quantized coefficients of each block in zigzag order."""
    rows, columns = frame.shape
    padded = np.pad(frame.astype(np.float32) - 2048, ((0, -rows % 8), (0, -columns % 8)), mode="edge")
    for top in range(0, padded.shape[0], 8):
        for left in range(0, padded.shape[1], 8):
            block = np.rint(cv2.dct(padded[top : top + 8, left : left + 8]) / _STEP).astype(int).reshape(-1)
            yield [int(block[at]) for at in _ZIGZAG]


def _coded(blocks: list[list[int]]) -> bytes:
    bits, before = "", 0
    for dc, *rest in blocks:
        size, extra = _size_and_bits(dc - before)
        bits, before, run = bits + f"{size:05b}" + extra, dc, 0
        last = max((at for at, value in enumerate(rest) if value), default=-1)
        for value in rest[: last + 1]:
            if not value:
                run += 1
                continue
            bits += f"{_AC_SYMBOLS.index(_ZEROS):08b}" * (run // 16)
            size, extra = _size_and_bits(value)
            bits += f"{_AC_SYMBOLS.index(run % 16 << 4 | size):08b}" + extra
            run = 0
        bits += f"{_AC_SYMBOLS.index(_END_OF_BLOCK):08b}" if last < 62 else ""
    bits += "1" * (-len(bits) % 8)
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1, "big")[1:].replace(b"\xff", b"\xff\0")


def _size_and_bits(value: int) -> tuple[int, str]:
    size = abs(value).bit_length()
    return size, f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""
