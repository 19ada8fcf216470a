"""Who contradicts the cone that was found: its own shape, the header's regions, or what moves in the clip.

Rule of the file: a contradiction is a sentence for an administrator, made of constants; None means nobody contradicts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.motion import Motion, Opinion
from pipeline.regions import Region, RegionKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

_MOST_PANES = 4
_SMALLEST_PANE = 0.01
_SOLID = 0.75
"""Share of its convex hull that a pane fills; the least seen on 70 real masks is 0.94."""
_WITHIN_TISSUE = 0.4
_HALF = 0.5
STRIPS = frozenset({RegionKind.M_MODE, RegionKind.SPECTRAL, RegionKind.WAVEFORM})
"""Kinds of regions that show something over time, and no cone."""


def contradiction(
    kept: Mask, regions: Collection[Region], unwanted: Collection[RegionKind], motion: Motion | None
) -> str | None:
    """Return why an area is not the cone.

    Parameters
    ----------
    kept
        bool (rows, columns), True = cone.
    unwanted
        Kinds of regions that the profile does not keep.
    motion
        None where the clip is too short to tell.
    """
    if has_impossible_shape(kept):
        return "the ultrasound cone that was found has an impossible shape"
    believed = [region for region in regions if region.believed]
    if contradicts_header(kept, believed, unwanted):
        return "the ultrasound cone that was found is not where the header's regions are"
    if motion is not None and motion.opinion(kept, drawn(believed, kept.shape)) is Opinion.DISAGREES:
        return "the ultrasound cone that was found is not where the clip moves"
    return None


def has_impossible_shape(kept: Mask) -> bool:
    """Tell whether an area is in more pieces than a screen has panes, or has a piece that is far from convex."""
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8))
    pieces = [part for part in range(1, count) if sizes[part, cv2.CC_STAT_AREA] >= _SMALLEST_PANE * kept.size]
    if not pieces or len(pieces) > _MOST_PANES:
        return True
    return any(_solidity(labels == part) < _SOLID for part in pieces)


def _solidity(piece: Mask) -> float:
    points = cv2.findNonZero(piece.astype(np.uint8))
    hull = np.zeros(piece.shape, dtype=np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return np.count_nonzero(piece) / np.count_nonzero(hull)


def contradicts_header(kept: Mask, believed: Collection[Region], unwanted: Collection[RegionKind]) -> bool:
    """Tell whether an area lies mostly beside what the header calls tissue, or mostly in a strip that has to go."""
    area = np.count_nonzero(kept)
    tissue = [region for region in believed if region.kind is RegionKind.TISSUE]
    strips = [region for region in believed if region.kind in STRIPS]
    if tissue and np.count_nonzero(kept & drawn([*tissue, *strips], kept.shape)) < _WITHIN_TISSUE * area:
        return True
    gone = drawn([region for region in strips if region.kind in unwanted], kept.shape)
    return bool(np.count_nonzero(kept & gone & ~drawn(tissue, kept.shape)) > _HALF * area)


def drawn(regions: Iterable[Region], shape: tuple[int, ...]) -> Mask:
    """Return the pixels that regions cover: bool (rows, columns)."""
    mask = np.zeros(shape, dtype=bool)
    for region in regions:
        left, top, right, bottom = region.box
        mask[top:bottom, left:right] = True
    return mask
