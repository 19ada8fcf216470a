"""Where a clip moves: its own difference image, as a second opinion on where its cone can be.

What a machine draws around the cone stands still, tissue and speckle do not (Zahn and Perrin's initial masks: the mean
of the absolute differences of successive frames). One pass over frames spread over the clip, made small at once, so
that memory does not grow with the clip. Rule of the file: it never decides what is blanked; it agrees, disagrees, or
has nothing to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pipeline.frames.stream import Frames

    Mask = NDArray[np.bool_]
    Map = NDArray[np.float32]

_FEWEST_FRAMES = 3
_MOST_FRAMES = 48
_BITS_SHOWN = 8
_SIDE_PX = 160
_LEAST_CHANGE = 2.0
"""Grey levels: below is the noise of lossy compression around letters."""
_SHARE_OF_USUAL = 0.2
"""Of the change that only a twentieth of the frame exceeds, which traces and timers do not fill."""
_OPENING = np.ones((3, 3), np.uint8)
"""Takes away lines of traces and strokes of digits."""
_CLOSING = np.ones((7, 7), np.uint8)
_RIM = np.ones((9, 9), np.uint8)
_SMALLEST_SHARE = 0.01
_MOVING_SHARE = 0.03
_ELSEWHERE_SHARE = 0.2
_SUPPORT = 0.2


class Opinion(StrEnum):
    """What the movement says about an area."""

    NONE = "none"
    """The clip is too short, or too still."""
    AGREES = "agrees"
    """What moves lies in it."""
    DISAGREES = "disagrees"
    """A good part of what moves is beside it, or hardly any of it moves while something does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Where a clip moves.

    Parameters
    ----------
    moving
        bool, the frame made smaller: True where it changes, without parts smaller than a hundredth of the frame.
    """

    moving: Mask

    def opinion(self, kept: Mask, explained: Mask) -> Opinion:
        """Judge an area.

        Parameters
        ----------
        kept
            bool (rows, columns) of the frame: the cone.
        explained
            The same: what else may move, because the header says what it is.
        """
        share = float(self.moving.mean())
        if share < _MOVING_SHARE:
            return Opinion.NONE
        cone = _smaller_mask(kept, self.moving.shape)
        known = cv2.dilate((cone | _smaller_mask(explained, self.moving.shape)).astype(np.uint8), _RIM) > 0
        elsewhere = self.moving & ~known
        if elsewhere.mean() >= max(_ELSEWHERE_SHARE * share, _MOVING_SHARE):
            return Opinion.DISAGREES
        within = self.moving & (cv2.dilate(cone.astype(np.uint8), _RIM) > 0)
        supported = np.count_nonzero(_hull(within) & cone)
        return Opinion.AGREES if supported >= _SUPPORT * np.count_nonzero(cone) else Opinion.DISAGREES


def find_motion(frames: Frames) -> Motion | None:
    """Return where a clip moves; None where nobody can tell.

    That is so with too few frames, and with samples of more bits than are shown: each frame may then be shown with a
    range of its own, and what stands still would seem to change.
    """
    d = frames.description
    if len(frames) < _FEWEST_FRAMES or (d.samples == 1 and d.bits_stored > _BITS_SHOWN):
        return None
    places = sorted({round(at) for at in np.linspace(0, len(frames) - 1, num=min(_MOST_FRAMES, len(frames)))})
    return motion_of(frames.displayed(index) for index in places)


def motion_of(views: Iterable[NDArray[np.uint8]]) -> Motion:
    """Return where successive images of one size differ; each is looked at once and let go."""
    before: Map | None = None
    total: Map | None = None
    count = 0
    for view in views:
        now = _smaller(view)
        if before is not None:
            change = np.abs(now - before)
            total = change if total is None else total + change
            count += 1
        before = now
    if total is None:
        raise ValueError("A difference needs two images.")
    return Motion(moving=_moving(np.asarray(total / count, dtype=np.float32)))


def _moving(change: Map) -> Mask:
    threshold = max(_LEAST_CHANGE, _SHARE_OF_USUAL * float(np.percentile(change, 95)))
    above = (change > threshold).astype(np.uint8)
    joined = cv2.morphologyEx(cv2.morphologyEx(above, cv2.MORPH_OPEN, _OPENING), cv2.MORPH_CLOSE, _CLOSING)
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(joined)
    large = [part for part in range(1, count) if sizes[part, cv2.CC_STAT_AREA] >= _SMALLEST_SHARE * change.size]
    return np.isin(labels, large)


def _smaller(view: NDArray[np.uint8]) -> Map:
    grey = view if view.ndim == 2 else _mean_of_colours(view)  # noqa: PLR2004  rows and columns
    return np.asarray(_resized(grey.astype(np.float32), _small_shape(view.shape[0], view.shape[1])), dtype=np.float32)


def _mean_of_colours(view: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return `view.mean(axis=2)`, in a fifth of its time."""
    red, green, blue = cv2.split(view)
    both = cv2.add(red, green, dtype=cv2.CV_16U)
    return np.asarray(cv2.add(both, blue, dtype=cv2.CV_16U) / 3)


def _smaller_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    return np.asarray(_resized(mask.astype(np.float32), (shape[0], shape[1])) > 0.5, dtype=bool)  # noqa: PLR2004  half


def _resized(image: Map, shape: tuple[int, int]) -> Map:
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _small_shape(rows: int, columns: int) -> tuple[int, int]:
    scale = min(1.0, _SIDE_PX / max(rows, columns))
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _hull(mask: Mask) -> Mask:
    drawn = np.zeros(mask.shape, dtype=np.uint8)
    points = cv2.findNonZero(mask.astype(np.uint8))
    if points is not None:
        cv2.fillConvexPoly(drawn, cv2.convexHull(points), 1)
    return drawn.astype(bool)
