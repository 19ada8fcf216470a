"""The shapes a cone can have, as records and as distances: fans and four-sided windows.

Rule of the file: geometry in one frame of reference, whichever the caller uses: (x, y) px, x to the right, y downwards,
origin at the centre of the first pixel. Angles in degrees in records and in radians in arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class ShapeKind(StrEnum):
    """What a cone looks like."""

    SECTOR = "sector"
    """A fan whose beams start in (almost) one point: phased arrays."""
    CURVILINEAR = "curvilinear"
    """A fan whose beams start on an arc or its chord: curved arrays, endocavity probes, virtual convex."""
    LINEAR = "linear"
    """An upright rectangle: linear arrays."""
    QUADRILATERAL = "quadrilateral"
    """Any other four-sided window: steered linear arrays, trapezoids, phantoms of hand-held probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConeShape:
    """One fitted pane.

    Parameters
    ----------
    kind
        Which of the shapes.
    apex
        (x, y) of the fan's common centre, px; None for four-sided windows.
    inner_px, outer_px
        Radii of the fan's near and far arc, px; None for four-sided windows.
    axis_degrees
        Direction of the fan's middle beam: 0 is down the image, positive turns it to the right; None as above.
    opening_degrees
        Angle between the fan's outermost beams; None as above.
    corners
        (x, y) px of the four corners, clockwise from the upper left, of a four-sided window; None for fans.
    window
        (left, top, right, bottom) px beyond which nothing of the shape is shown; infinite where nothing cuts it.
    agreement
        Intersection over union of the shape and the network's mask, 0 to 1.
    """

    kind: ShapeKind
    apex: tuple[float, float] | None
    inner_px: float | None
    outer_px: float | None
    axis_degrees: float | None
    opening_degrees: float | None
    corners: tuple[tuple[float, float], ...] | None
    window: tuple[float, float, float, float]
    agreement: float


def fan_distance(fan: Floats, x: Floats, y: Floats, *, flat_near: bool) -> Floats:
    """Signed distance to the border of an annular sector, px, positive inside (exact near the border).

    Parameters
    ----------
    fan
        float64 (6,): apex x, apex y, axis, half of the opening (radians), inner radius, outer radius (px).
    x, y
        Points, any shapes that broadcast.
    flat_near
        The near side is the chord of the inner arc instead of the arc.
    """
    across, down = x - fan[0], y - fan[1]
    sine, cosine = np.sin(fan[2]), np.cos(fan[2])
    along, aside = across * sine + down * cosine, across * cosine - down * sine
    radius = np.hypot(along, aside)
    turn, lean = along * np.sin(fan[3]), aside * np.cos(fan[3])
    together = np.minimum if fan[3] <= np.pi / 2 else np.maximum
    sides = together(turn + lean, turn - lean)
    near = along - fan[4] * np.cos(fan[3]) if flat_near else radius - fan[4]
    return np.asarray(np.minimum(np.minimum(sides, near), fan[5] - radius), dtype=np.float64)


def sides_distance(sides: Floats, x: Floats, y: Floats) -> Floats:
    """Signed distance to the border of a convex polygon, px, positive inside (exact near the border).

    Parameters
    ----------
    sides
        float64 (2 n,): for each of n sides the direction of its inward normal (radians, 0 is +x, positive towards +y)
        and the normal's offset, px: inside is where x cos + y sin - offset is positive for all sides.
    x, y
        Points, any shapes that broadcast.
    """
    inside = x * np.cos(sides[0]) + y * np.sin(sides[0]) - sides[1]
    for angle, offset in sides[2:].reshape(-1, 2):
        inside = np.minimum(inside, x * np.cos(angle) + y * np.sin(angle) - offset)
    return np.asarray(inside, dtype=np.float64)


def window_distance(window: tuple[float, float, float, float], x: Floats, y: Floats) -> Floats:
    """Signed distance to the nearest of the four sides of an upright window, px, positive inside."""
    left, top, right, bottom = window
    return np.asarray(
        np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y)),
        dtype=np.float64,
    )


def corners_of(sides: Floats) -> Floats:
    """Corners of a four-sided window, float64 (4, 2), where each side meets the next.

    Raises
    ------
    numpy.linalg.LinAlgError
        Neighbouring sides are parallel.
    """
    lines = sides.reshape(4, 2)
    met = []
    for (angle, offset), (next_angle, next_offset) in zip(lines, np.roll(lines, -1, axis=0), strict=True):
        normals = np.array([[np.cos(angle), np.sin(angle)], [np.cos(next_angle), np.sin(next_angle)]])
        met.append(np.linalg.solve(normals, np.array([offset, next_offset])))
    return np.array(met)


def sides_of(corners: Floats) -> Floats:
    """Sides of a four-sided window from its corners; the inverse of `corners_of`.

    Parameters
    ----------
    corners
        float64 (4, 2), clockwise as seen on the image.
    """
    pairs = []
    for corner, previous in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        step = corner - previous
        angle = np.arctan2(step[0], -step[1])
        pairs += [angle, corner[0] * np.cos(angle) + corner[1] * np.sin(angle)]
    return np.array(pairs)
