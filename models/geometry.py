"""Where things are: boxes, a resize that knows the way back, and tiles that bound a model's memory.

The rule of this file: every function says which frame of reference it takes and which it gives. Coordinates are pixels,
origin top left, x along columns and y along rows; right and bottom are exclusive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_MULTIPLE = 32  # the strides of every network here divide it
FEW_SHAPES = 128
"""Multiple for tiles where every new shape costs seconds: on a GPU, where cuDNN plans each convolution anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An upright rectangle of a frame, in pixels of that frame.

    Parameters
    ----------
    left, top, right, bottom
        Right and bottom exclusive; never empty.
    score
        The detector's own, 0 to 1.
    """

    left: int
    top: int
    right: int
    bottom: int
    score: float

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    def covers(self, other: Box, share: float) -> bool:
        """Whether at least this share of `other`'s area lies in this box."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 0 and down > 0 and across * down >= share * other.width * other.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """A uniform resize of a frame, and the way back.

    Parameters
    ----------
    rows, columns
        The frame's own size.
    factor
        Scaled length over own length.
    """

    rows: int
    columns: int
    factor: float

    @property
    def scaled_rows(self) -> int:
        """Rows after the resize, at least one."""
        return max(1, round(self.rows * self.factor))

    @property
    def scaled_columns(self) -> int:
        """Columns after the resize, at least one."""
        return max(1, round(self.columns * self.factor))

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize a frame; shape (scaled_rows, scaled_columns[, samples]).

        Downwards by area, so that thin strokes fade instead of vanishing; upwards by bilinear interpolation.
        """
        if self.factor == 1:
            return image
        how = cv2.INTER_AREA if self.factor < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(image, (self.scaled_columns, self.scaled_rows), interpolation=how), dtype=np.uint8)

    def back(self, left: float, top: float, right: float, bottom: float, *, score: float) -> Box | None:
        """Give the box in the frame's own pixels, rounded outwards and cut at its edges.

        Parameters
        ----------
        left, top, right, bottom
            Pixels of the scaled frame.

        Returns
        -------
        Box or None
            None where nothing of it lies in the frame.
        """
        across, down = self.columns / self.scaled_columns, self.rows / self.scaled_rows
        box = (
            max(0, math.floor(left * across + 1e-6)),
            max(0, math.floor(top * down + 1e-6)),
            min(self.columns, math.ceil(right * across - 1e-6)),
            min(self.rows, math.ceil(bottom * down - 1e-6)),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            return None
        return Box(left=box[0], top=box[1], right=box[2], bottom=box[3], score=score)


def stitched(
    image: NDArray[np.uint8],
    network: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    *,
    limit_px: int,
    margin_px: int,
    stride: int = 1,
    multiple: int = _MULTIPLE,
) -> NDArray[np.uint8]:
    """Run a network over tiles of a frame and put its maps together without seams.

    Parameters
    ----------
    image
        uint8 (rows, columns, samples).
    network
        From a tile, uint8 (r, c, samples) with r and c multiples of `multiple`, to its maps, uint8
        (maps, r, c) / stride.
    limit_px
        Pixels of a tile, about; memory grows with it.
    margin_px
        What is cut off a tile's inner edges, because the network sees too little there; a multiple of 16.
    stride
        Pixels of the image per pixel of a map: 1 or 2.
    multiple
        Tiles are padded with black to multiples of this, itself a multiple of 32; `FEW_SHAPES` keeps them few.

    Returns
    -------
    array
        uint8 (maps, rows, columns) / stride, rounded up.
    """
    rows, columns = image.shape[:2]
    all_down, all_across = _tiles(_up(rows), _up(columns), limit_px=limit_px, margin=margin_px)
    whole: NDArray[np.uint8] | None = None
    for down in all_down:
        for across in all_across:
            maps = network(_padded(image[down.start : down.stop, across.start : across.stop], multiple))
            if whole is None:
                whole = np.zeros((maps.shape[0], _up(rows) // stride, _up(columns) // stride), dtype=np.uint8)
            whole[:, down.kept(stride), across.kept(stride)] = maps[:, down.inner(stride), across.inner(stride)]
    assert whole is not None
    return whole[:, : -(-rows // stride), : -(-columns // stride)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """One tile along one axis: what the network sees, and what of it is kept; all multiples of 16."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def kept(self, stride: int) -> slice:
        return slice(self.first // stride, self.last // stride)

    def inner(self, stride: int) -> slice:
        return slice((self.first - self.start) // stride, (self.last - self.start) // stride)


def _up(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE


def _tiles(rows: int, columns: int, *, limit_px: int, margin: int) -> tuple[list[_Span], list[_Span]]:
    """Tiles along both axes: of all grids whose tiles keep the limit, the one with the fewest pixels in all.

    Where a tile of four margins square is above the limit already, the grid of the smallest tiles is taken.
    """
    grids = [
        (_spans(rows, count=down, margin=margin), _spans(columns, count=across, margin=margin))
        for down in range(1, _most(rows, margin) + 1)
        for across in range(1, _most(columns, margin) + 1)
    ]
    allowed = [grid for grid in grids if grid[0][0].length * grid[1][0].length <= limit_px] or grids[-1:]
    return min(allowed, key=lambda grid: len(grid[0]) * grid[0][0].length * len(grid[1]) * grid[1][0].length)


def _most(whole: int, margin: int) -> int:
    """Into how many tiles an axis may be cut, half of each being kept."""
    return max(1, math.ceil((whole - 2 * margin) / (2 * margin)))


def _spans(whole: int, *, count: int, margin: int) -> list[_Span]:
    """Cut an axis into tiles of one length that overlap by twice the margin; all lengths are multiples of 32."""
    length = min(whole, _up(math.ceil((whole - 2 * margin) / count) + 2 * margin))
    starts = [min(index * (length - 2 * margin), whole - length) for index in range(count)]
    cuts = [0, *((here + length + there) // 2 for here, there in pairwise(starts)), whole]
    return [
        _Span(start=start, stop=start + length, first=cuts[index], last=cuts[index + 1])
        for index, start in enumerate(starts)
    ]


def _padded(tile: NDArray[np.uint8], multiple: int) -> NDArray[np.uint8]:
    below, beside = -tile.shape[0] % multiple, -tile.shape[1] % multiple
    if below == beside == 0:
        return tile
    return np.asarray(
        cv2.copyMakeBorder(tile, 0, below, 0, beside, cv2.BORDER_CONSTANT, value=(0, 0, 0)), dtype=np.uint8
    )
