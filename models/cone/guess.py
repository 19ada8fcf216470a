"""First guesses of a fan, for the least squares to start from.

Rule of the file: a guess may be poor but never costs more than a few array operations. Points are (x, y) px.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ENOUGH_POINTS = 12
"""Fewer points than this do not show a line or an arc."""
_ARC_FROM = 0.7  # the farthest three tenths of the points belong to the arc, in most cones


def rays_start(outline: Floats, free: Floats, axis: float) -> Floats | None:
    """Guess a first fan around `axis`: the apex where the outermost rays meet, radii from the points between."""
    sine, cosine = np.sin(axis), np.cos(axis)
    aside = free[:, 0] * cosine - free[:, 1] * sine
    along = free[:, 0] * sine + free[:, 1] * cosine
    middle = float((aside.min() + aside.max()) / 2)
    rays = [_ray(aside[side], along[side], sign) for side, sign in ((aside < middle, -1), (aside > middle, 1))]
    # A ray that the image cuts off is taken as the other one's mirror image.
    left = rays[0] or _mirrored(rays[1], middle)
    right = rays[1] or _mirrored(rays[0], middle)
    if left is None or right is None:
        return None
    if right[0] - left[0] < 0.02:  # noqa: PLR2004  beams that do not diverge make no fan
        return None
    apex_along = (left[1] - right[1]) / (right[0] - left[0])
    apex_aside = left[0] * apex_along + left[1]
    apex = np.array([apex_aside * cosine + apex_along * sine, apex_along * cosine - apex_aside * sine])
    near, far = np.hypot(*(free - apex).T).min(), np.quantile(np.hypot(*(outline - apex).T), 0.97)
    half = (np.arctan(right[0]) - np.arctan(left[0])) / 2
    tilt = (np.arctan(right[0]) + np.arctan(left[0])) / 2
    return np.array([*apex, axis + tilt, half, near, far])


def arc_start(outline: Floats, free: Floats, axis: float) -> Floats | None:
    """Guess a first fan around `axis` from its far arc: a circle through the farthest points (Kåsa 1976)."""
    towards = np.array([np.sin(axis), np.cos(axis)])
    along = free @ towards
    far = free[along > np.quantile(along, _ARC_FROM)]
    if len(far) < ENOUGH_POINTS:
        return None
    design = np.concatenate([2 * far, np.ones((len(far), 1))], axis=1)
    *apex, rest = np.linalg.lstsq(design, (far**2).sum(axis=1), rcond=None)[0]
    outer_px = float(np.sqrt(max(rest + apex[0] ** 2 + apex[1] ** 2, 1.0)))
    offset = outline - np.array(apex)
    radius = np.hypot(*offset.T)
    turn = np.angle(np.exp(1j * (np.arctan2(offset[:, 0], offset[:, 1]) - axis)))
    half = float(np.quantile(np.abs(turn[radius > outer_px / 2]), 0.97)) if (radius > outer_px / 2).any() else 0.0
    return np.array([*apex, axis, half, np.hypot(*(free - np.array(apex)).T).min(), outer_px])


def _mirrored(ray: tuple[float, float] | None, middle: float) -> tuple[float, float] | None:
    return None if ray is None else (-ray[0], 2 * middle - ray[1])


def _ray(aside: Floats, along: Floats, sign: int) -> tuple[float, float] | None:
    """Find a straight side: (slope, offset) of aside = slope · along + offset; None where too few points show it."""
    if len(aside) < ENOUGH_POINTS:
        return None
    corner = along[(aside * sign).argmax()]
    upper = along <= corner
    order = np.argsort(along[upper])
    near, far = along[upper][order], aside[upper][order]
    # In each short stretch along the axis the outermost point belongs to the ray, the others to the near arc.
    cells = np.floor((near - near.min()) / 2).astype(int)
    outermost = np.array([(far[cells == cell] * sign).max() * sign for cell in np.unique(cells)])
    places = np.array([near[cells == cell].mean() for cell in np.unique(cells)])
    if len(places) < ENOUGH_POINTS // 2:
        return None
    points = np.stack([places, outermost], axis=1).astype(np.float32)
    towards_x, towards_y, x, y = (float(v) for v in cv2.fitLine(points, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel())
    if abs(towards_x) < 1e-3:  # noqa: PLR2004  across the axis: not a ray
        return None
    slope = towards_y / towards_x
    return slope, y - slope * x
