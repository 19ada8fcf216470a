"""Text burned into pixels, and a record of exactly which pixels it changed.

Rule of the file: what is burned is known to the pixel, so that the check on the other side needs no detector.
Frames are arrays (frame, row, column[, sample]); boxes are left, top, right, bottom in px, right and bottom exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of text to burn.

    Parameters
    ----------
    left, baseline
        Where it begins, px.
    height
        Of a capital letter, px.
    telling
        The words in it that identify; empty for text that does not (a depth, a gain).
    frame_first, frame_last
        Zero-based, both inclusive; -1 is the last frame.
    """

    text: str
    left: int
    baseline: int
    height: int
    telling: tuple[str, ...]
    frame_first: int = 0
    frame_last: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Burned:
    """A line as it stands in the pixels.

    Parameters
    ----------
    ink
        bool (rows, columns): the pixels that the line changed.
    box
        The bounding box of the ink.
    frame_first, frame_last
        Zero-based, both inclusive, no negative numbers.
    """

    line: Line
    ink: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    frame_first: int
    frame_last: int


def burn(frames: NDArray[Any], lines: tuple[Line, ...], *, level: int) -> tuple[Burned, ...]:
    """Write lines into frames, in place.

    Parameters
    ----------
    frames
        (frame, row, column) or (frame, row, column, sample), any integer type.
    level
        The stored value of the ink.

    Returns
    -------
    tuple of Burned
        One for each line that identifies.
    """
    burned = []
    for line in lines:
        last = line.frame_last % len(frames)
        cover = _cover(line, frames.shape[1:3])
        ink = np.zeros(frames.shape[1:3], dtype=bool)
        for frame in frames[line.frame_first : last + 1]:
            before = frame.copy()
            weight = cover if frame.ndim == cover.ndim else cover[..., None]
            frame[...] = np.rint(before * (1 - weight) + level * weight).astype(frame.dtype)
            changed = frame != before
            ink |= changed if changed.ndim == ink.ndim else changed.any(axis=-1)
        if line.telling:
            box = _box(ink)
            burned.append(Burned(line=line, ink=ink, box=box, frame_first=line.frame_first, frame_last=last))
    return tuple(burned)


def _cover(line: Line, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """How much of each pixel the line covers, 0 to 1."""
    canvas = np.zeros(shape, dtype=np.uint8)
    thickness = 1 if line.height < 18 else 2  # noqa: PLR2004  as screens do: larger letters are bolder
    scale = cv2.getFontScaleFromHeight(FONT, line.height, thickness)
    cv2.putText(canvas, line.text, (line.left, line.baseline), FONT, scale, 255, thickness, cv2.LINE_AA)
    return canvas.astype(np.float64) / 255


def _box(ink: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        raise ValueError("the line lies outside the image, or has the colour of what is behind it")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
