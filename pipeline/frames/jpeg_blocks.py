"""Blank parts of a JPEG in its coefficients: no second generation of loss, every other coefficient as it was.

A blanked block has a DC coefficient that decodes to black and no AC coefficients. Areas grow outward to whole minimum
coded units (ISO/IEC 10918-1, A.2), and a crop begins on one. Where colour is subsampled, decoders interpolate it, so
that one pixel on either side of an edge may change its colour although no coefficient of its own did.
Rule of the file: what is not sequential, Huffman coded, of 8 bits (or grey, of 12) and of one table per component is
refused; the caller writes such frames without loss.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.frames import turbojpeg
from pipeline.frames.codestreams import DamagedCodestreamError, after_start, next_marker, without_metadata
from pipeline.frames.huffman_blocks import BlocksRefusedError, blank_twelve_bits
from pipeline.frames.syntaxes import Coding
from pipeline.frames.turbojpeg import BLOCK, TransformFailedError
from pipeline.painting import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_BASELINE, _EXTENDED, _SCAN, _TABLES, _END = 0xC0, 0xC1, 0xDA, 0xDB, 0xD9
_APP0, _APP15 = 0xE0, 0xEF
_BITS, _MORE_BITS = 8, 12
_COMMONEST = (1, 2)
"""Sampling factors of which decoders' interpolation is known: none, or one neighbour."""


class CannotBlankError(Exception):
    """Not a JPEG that can be redacted in its coefficients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component of a JPEG.

    Parameters
    ----------
    horizontal, vertical
        Sampling factors.
    dc_step
        What one step of the DC coefficient is worth, in eighths of a sample value.
    """

    horizontal: int
    vertical: int
    dc_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockGrid:
    """How a JPEG is cut into minimum coded units.

    Parameters
    ----------
    components
        In the order in which they are coded.
    bits
        Of a sample: 8 or 12.
    """

    components: tuple[Component, ...]
    bits: int = _BITS

    @property
    def columns(self) -> int:
        """Width of a minimum coded unit in pixels."""
        return BLOCK * max(component.horizontal for component in self.components)

    @property
    def rows(self) -> int:
        """Height of a minimum coded unit in pixels."""
        return BLOCK * max(component.vertical for component in self.components)

    @property
    def ring(self) -> tuple[int, int]:
        """How many rows and columns beyond an edge the interpolation of colour reaches."""
        return int(self.rows > BLOCK), int(self.columns > BLOCK)


def block_grid(codestream: bytes) -> BlockGrid:
    """Read how a JPEG is coded.

    Raises
    ------
    CannotBlankError
        Where it cannot be redacted in its coefficients: another process than sequential Huffman, colour of more than
        8 bits, sampling that decoders interpolate in unknown ways, tables that change between scans, damage; or
        libturbojpeg, which does those of 8 bits, is missing.
    """
    try:
        grid = _grid(codestream)
    except (DamagedCodestreamError, struct.error, IndexError, KeyError) as error:
        raise CannotBlankError(type(error).__name__) from error
    if grid.bits == _BITS and turbojpeg.load() is None:
        raise CannotBlankError("libturbojpeg is missing")
    return grid


def _grid(codestream: bytes) -> BlockGrid:
    steps: dict[int, int] = {}
    frame: bytes | None = None
    for marker, payload in _header_segments(codestream):
        if marker == _TABLES:
            steps.update(_dc_steps(payload))
        elif marker in (_BASELINE, _EXTENDED):
            frame = payload
    if frame is None or frame[0] not in (_BITS, _MORE_BITS):
        raise CannotBlankError("not a sequential JPEG of 8 or 12 bits")
    if frame[0] == _MORE_BITS and frame[5] != 1:
        raise CannotBlankError("colour of 12 bits")
    components = tuple(
        Component(horizontal=factors >> 4, vertical=factors & 15, dc_step=steps[table])
        for _identifier, factors, table in struct.iter_unpack("BBB", frame[6:])
    )
    if not {c.horizontal for c in components} | {c.vertical for c in components} <= set(_COMMONEST):
        raise CannotBlankError("unusual sampling")
    if len(components) == 1:  # which is coded block by block, whatever its sampling factors say (A.2.2)
        components = (replace(components[0], horizontal=1, vertical=1),)
    return BlockGrid(components=components, bits=frame[0])


def _header_segments(codestream: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and payload of every segment before the first scan; refuse quantization tables behind it."""
    position = after_start(codestream)
    while True:
        marker, position = next_marker(codestream, position)
        if marker == _SCAN:
            break
        length = struct.unpack_from(">H", codestream, position)[0]
        yield marker, codestream[position + 2 : position + length]
        position += length
    if codestream.find(b"\xff\xdb", position) >= 0:
        raise CannotBlankError("tables change between scans")


def _dc_steps(payload: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    while position < len(payload):
        wide, table = payload[position] >> 4, payload[position] & 15
        yield table, struct.unpack_from(">H" if wide else ">B", payload, position + 1)[0]
        position += 1 + 64 * (2 if wide else 1)


def blank_blocks(
    codestream: bytes,
    grid: BlockGrid,
    *,
    mask: NDArray[np.bool_],
    crop: tuple[int, int, int, int],
    black: tuple[int, ...],
) -> bytes:
    """Return the JPEG cropped and blanked, without metadata.

    Parameters
    ----------
    grid
        What `block_grid` says of this very codestream.
    mask
        bool (rows, columns) of the original frame, True = black; made of whole minimum coded units.
    crop
        left, top, right, bottom in pixels of the original frame; left and top on the grid.
    black
        A sample value for each component.

    Raises
    ------
    CannotBlankError
        Where the codestream is refused by what reads its coefficients.
    """
    left, top, right, bottom = crop
    units = cells_of(mask[top:bottom, left:right], (grid.rows, grid.columns))
    values = [_dc(value, component.dc_step, grid.bits) for value, component in zip(black, grid.components, strict=True)]
    if grid.bits == _BITS:
        return _blank_by_transform(codestream, grid, units, crop, values)
    if _decoded(black[0], grid.components[0].dc_step, grid.bits) != black[0]:
        raise CannotBlankError("black that no coefficient gives")
    try:
        return blank_twelve_bits(without_metadata(codestream, Coding.JPEG), mask=units, crop=crop, black_dc=values[0])
    except (BlocksRefusedError, DamagedCodestreamError) as error:
        raise CannotBlankError(type(error).__name__) from error


def _blank_by_transform(
    codestream: bytes, grid: BlockGrid, units: NDArray[np.bool_], crop: tuple[int, int, int, int], values: list[int]
) -> bytes:
    masks = [np.repeat(np.repeat(units, c.vertical, axis=0), c.horizontal, axis=1) for c in grid.components]
    touched = [[bool(row) for row in np.asarray(blocks.any(axis=1))] for blocks in masks]

    def change(component: int, row: int, coefficients: NDArray[np.int16]) -> None:
        blocks = np.flatnonzero(masks[component][row, : len(coefficients)])
        coefficients[blocks] = 0
        coefficients[blocks, 0] = values[component]

    try:
        made = turbojpeg.transform(codestream, crop, change, touched)
        return _with_segments_of(codestream, made)
    except (TransformFailedError, DamagedCodestreamError) as error:
        raise CannotBlankError(type(error).__name__) from error


def _dc(value: int, step: int, bits: int) -> int:
    """Return the DC coefficient of a block of one sample value; the extremes are met exactly, because decoders clip."""
    eighths = (value - (1 << bits - 1)) * BLOCK
    if value == 0:
        return eighths // step
    return -(-eighths // step) if value == (1 << bits) - 1 else round(eighths / step)


def _with_segments_of(source: bytes, made: bytes) -> bytes:
    """Return `made` with the application segments that `source` has and a decoder needs.

    The transform writes its own, and whether a JFIF or an Adobe segment stands there decides how decoders read colour.
    """
    kept = [
        struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
        for marker, payload in _header_segments(without_metadata(source, Coding.JPEG))
        if _APP0 <= marker <= _APP15
    ]
    position = after_start(made)
    while True:
        marker, behind = next_marker(made, position)
        if not _APP0 <= marker <= _APP15:
            return b"\xff\xd8" + b"".join(kept) + made[position:]
        position = behind + struct.unpack_from(">H", made, behind)[0]


def is_blanked(
    written: NDArray[Any],
    original: NDArray[Any],
    mask: NDArray[np.bool_],
    grid: BlockGrid,
    *,
    black: tuple[int, ...],
    is_cropped: bool,
) -> bool:
    """Tell whether a decoded frame is the original outside the mask and black inside it.

    Samples that are not subsampled must agree everywhere. Those that are may differ beside an edge, as far as decoders
    interpolate, and nowhere else.

    Parameters
    ----------
    written, original
        uint8 or uint16 (rows, columns[, components]), both cropped, decoded by the same decoder.
    mask
        bool (rows, columns), cropped; whole minimum coded units.
    is_cropped
        The frame's own edges are new.
    """
    if written.shape != original.shape:
        return False
    values = [
        _decoded(value, component.dc_step, grid.bits) for value, component in zip(black, grid.components, strict=True)
    ]
    wrong = written != _painted(original, mask, values)
    rows = np.flatnonzero(wrong.reshape(len(mask), -1).any(axis=1))
    if not rows.size:
        return True
    near = _near_an_edge(mask, grid, is_cropped=is_cropped)[rows]  # a few rows, those beside the edges
    planes = np.moveaxis(wrong[rows].reshape(*near.shape, -1), 2, 0)
    return not any(
        (plane if _is_full(component, grid) else plane & ~near).any()
        for plane, component in zip(planes, grid.components, strict=True)
    )


def _painted(original: NDArray[Any], mask: NDArray[np.bool_], values: list[int]) -> NDArray[Any]:
    """Return a copy with the masked pixels of one value."""
    import cv2  # noqa: PLC0415  30 MB that a job which blanks nothing never needs

    area = np.ascontiguousarray(mask).view(np.uint8)
    whole = _of_one_value(original.shape, tuple(values) if original.ndim > mask.ndim else (values[0],), original.dtype)
    return np.asarray(cv2.copyTo(whole, area, original.copy()), dtype=original.dtype)


@lru_cache(maxsize=1)
def _of_one_value(shape: tuple[int, ...], values: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.tile(np.array(values, dtype=dtype), shape[0] * shape[1]).reshape(shape)


def _is_full(component: Component, grid: BlockGrid) -> bool:
    return (component.vertical * BLOCK, component.horizontal * BLOCK) == (grid.rows, grid.columns)


def _near_an_edge(mask: NDArray[np.bool_], grid: BlockGrid, *, is_cropped: bool) -> NDArray[np.bool_]:
    """Which pixels have a neighbour on the other side of an edge, as far as interpolation reaches."""
    down, across = grid.ring
    reach = np.ones((2 * down + 1, 2 * across + 1), dtype=np.uint8)
    area = mask.astype(np.uint8)
    import cv2  # noqa: PLC0415  30 MB that a job which blanks nothing never needs

    near: NDArray[np.bool_] = np.asarray(cv2.dilate(area, reach) != cv2.erode(area, reach))
    if is_cropped:
        for edge in (near[:down], near[mask.shape[0] - down :], near[:, :across], near[:, mask.shape[1] - across :]):
            edge[...] = True
    return near


def _decoded(value: int, step: int, bits: int) -> int:
    """Return the sample value to which a blanked block decodes (the inverse DCT of its DC alone, rounded, clipped)."""
    return min(max((_dc(value, step, bits) * step + 4) // BLOCK + (1 << bits - 1), 0), (1 << bits) - 1)
