"""Text filled in from what surrounds it, where a profile prefers that to black; no DICOM library.

A. Telea, "An image inpainting technique based on the fast marching method", J. Graphics Tools 9 (2004): every filled
pixel is a weighted mean of known ones near it. No model, nothing learned, nothing invented beyond a smooth surface.

Rule of the file: what is filled in was not acquired, and only pixels inside the mask change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RADIUS_PX = 3
_AROUND_PX = 16
_GREY_TYPES = frozenset({"uint8", "uint16", "int8", "int16"})


def can_fill(dtype: np.dtype[Any], *, samples: int, has_palette: bool, is_subsampled: bool) -> bool:
    """Tell whether frames of a kind can be filled in: grey of up to 16 bits, and colour of 8.

    Indexes into a palette have no mean, and neighbours that share their colour cannot be filled one by one.
    """
    if has_palette or is_subsampled:
        return False
    return dtype.name in _GREY_TYPES if samples == 1 else dtype.name == "uint8"


def fill_in(samples: NDArray[Any], mask: NDArray[np.bool_], unknown: NDArray[np.bool_]) -> NDArray[Any]:
    """Return a copy of a frame with the masked pixels filled in.

    Parameters
    ----------
    samples
        (rows, columns) or (rows, columns, 3), of a kind that `can_fill` names.
    mask
        bool (rows, columns), True = filled in.
    unknown
        bool (rows, columns), what is not filled from: the mask and all else that is blanked.
    """
    import cv2  # noqa: PLC0415  30 MB that a job which fills nothing in never needs

    filled = samples.copy()
    if not mask.any() or unknown.all():
        return filled
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    area = (
        slice(max(int(rows[0]) - 2 * _AROUND_PX, 0), int(rows[-1]) + 1 + 2 * _AROUND_PX),
        slice(max(int(columns[0]) - 2 * _AROUND_PX, 0), int(columns[-1]) + 1 + 2 * _AROUND_PX),
    )
    inside = mask[area]
    near = cv2.dilate(inside.astype(np.uint8), np.ones((2 * _AROUND_PX + 1, 2 * _AROUND_PX + 1), np.uint8))
    lowest = int(np.iinfo(samples.dtype).min)
    unsigned = (samples[area].astype(np.int32) - lowest).astype(np.uint8 if samples.itemsize == 1 else np.uint16)
    made = cv2.inpaint(unsigned, near * unknown[area], _RADIUS_PX, cv2.INPAINT_TELEA).astype(np.int32) + lowest
    around = samples[~unknown]
    made = np.clip(made, around.min(axis=0), around.max(axis=0))  # an extrapolation must not leave the stored bits
    filled[area][inside] = made[inside].astype(samples.dtype)
    return filled
