"""The painting itself: NumPy arrays in, NumPy arrays out; no DICOM library.

Black is a *stored* value here, and which one that is depends on the photometric interpretation (PS3.3, C.7.6.3.1.2).
Nothing outside the mask changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LUMA = np.array([0.299, 0.587, 0.114])


def black_of_monochrome(*, bits_stored: int, signed: bool, low_is_white: bool, padding: int | None) -> int:
    """Return the stored value that shows black.

    Parameters
    ----------
    low_is_white
        MONOCHROME1, or a rescale slope below zero (not both).
    padding
        Pixel Padding Value: used where it lies in the dark half of the range, because viewers leave it out when
        they choose a window.
    """
    low = -(1 << (bits_stored - 1)) if signed else 0
    high = low + (1 << bits_stored) - 1
    if padding is not None and low <= padding <= high and ((2 * padding > low + high) == low_is_white):
        return padding
    return high if low_is_white else low


def black_of_palette(palette: NDArray[np.uint8]) -> int:
    """Return the index of the darkest colour in an (entries, 3) RGB palette."""
    return int(np.argmin(palette.astype(np.float64) @ _LUMA))


def black_of_colour(photometric: str, bits_stored: int) -> tuple[int, int, int]:
    """Black in RGB, or in luminance and chrominance."""
    middle = 1 << (bits_stored - 1)
    return (0, middle, middle) if photometric.startswith("YBR_FULL") else (0, 0, 0)


def paint(samples: NDArray[Any], mask: NDArray[np.bool_], black: float | tuple[int, int, int]) -> NDArray[Any]:
    """Return a copy of a frame with the masked pixels black.

    Parameters
    ----------
    samples
        (rows, columns) or (rows, columns, 3), stored values.
    mask
        bool (rows, columns), True = black.
    """
    painted = samples.copy()
    rows = np.flatnonzero(mask.any(axis=1))  # a mask is looked through pixel by pixel; most of it is empty
    part = painted[rows]
    part[mask[rows]] = np.asarray(black, dtype=samples.dtype)
    painted[rows] = part
    return painted


def crop(samples: NDArray[Any], box: tuple[int, int, int, int]) -> NDArray[Any]:
    """Return the part of a frame inside `box` (left, top, right, bottom; right and bottom exclusive)."""
    left, top, right, bottom = box
    return samples[top:bottom, left:right]


def cells_of(mask: NDArray[np.bool_], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Which cells of a grid that starts at the top left hold a masked pixel.

    Parameters
    ----------
    mask
        bool (rows, columns).
    grid
        Rows and columns of a cell; the last cells may reach beyond the mask.

    Returns
    -------
    ndarray
        bool (rows of cells, columns of cells).
    """
    rows, columns = mask.shape
    down, across = -(-rows // grid[0]), -(-columns // grid[1])
    padded = np.zeros((down * grid[0], across * grid[1]), dtype=bool)
    padded[:rows, :columns] = mask
    lines = padded.reshape(down, grid[0], -1).any(axis=1)  # whole lines first: one axis at a time is much faster
    return np.asarray(lines.reshape(down, across, grid[1]).any(axis=2))
