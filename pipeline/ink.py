"""The ink of a text: the pixels by which it is known again on other frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.plan import Box

_CONTRAST = 48
_CONTRAST_SHARE = 0.5
"""Dim letters stand out by less: half of what the brightest of them does."""
_FEWEST_PIXELS = 12
_CHANGE = 12.0
_STROKE_SHARE = 0.85
_STROKES_LEFT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """The pixels of a region that stand out from the brightness along its border; all of them where hardly any do.

    Bold letters fill more than half of their region: its middle brightness would be theirs, and the ink what is behind.

    Parameters
    ----------
    box
        Of the region, cut at the edges of the frame.
    mask
        bool (rows, columns) of the region.
    values
        What the ink shows, float32 (ink pixels,).
    strokes
        bool (ink pixels,): those that stand out the most. Over moving tissue the ink is letters and bright speckle
        together, and only the letters stay; they are among the brightest.
    """

    box: Box
    mask: NDArray[np.bool_]
    values: NDArray[np.float32]
    strokes: NDArray[np.bool_]

    @classmethod
    def of(cls, shown: NDArray[np.uint8], box: Box) -> Ink:
        """Take the ink of a region of a frame, uint8 (rows, columns) or (rows, columns, 3)."""
        box = (max(0, box[0]), max(0, box[1]), min(shown.shape[1], box[2]), min(shown.shape[0], box[3]))
        part = _grey(shown, box)
        contrast = np.abs(part - np.median(_border(part))) if part.size else part
        mask = contrast > min(_CONTRAST, _CONTRAST_SHARE * contrast.max(initial=0.0))
        if np.count_nonzero(mask) < _FEWEST_PIXELS:
            mask = np.ones_like(mask)
        strokes = contrast[mask] >= _STROKE_SHARE * contrast.max(initial=0.0)
        return cls(box=box, mask=mask, values=part[mask], strokes=strokes)

    def stands_in(self, shown: NDArray[np.uint8]) -> bool:
        """Tell whether the same ink stands in another frame."""
        if not self.values.size:
            return False
        change = np.abs(_grey(shown, self.box)[self.mask] - self.values)
        if float(change.mean()) <= _CHANGE:
            return True
        return float((change[self.strokes] <= _CHANGE).mean()) >= _STROKES_LEFT


def _grey(shown: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    left, top, right, bottom = box
    part = shown[top:bottom, left:right].astype(np.float32)
    return part if part.ndim == 2 else part.mean(axis=2)  # noqa: PLR2004  rows and columns


def _border(part: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([part[0], part[-1], part[1:-1, 0], part[1:-1, -1]])
