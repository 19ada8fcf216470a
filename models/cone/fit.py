"""A cone's mask → the fan or four-sided window that explains it.

Rule of the file: the outline decides, robustly. Points on the image's border or on a straight cut say nothing about the
arcs and rays and are explained by the window instead. After the geometry of PyLogik (Kline et al. 2023: chords' centre,
outer and inner circle, rectangle for linear probes, and the mask itself where no shape agrees), solved here by damped
least squares on distances to the border (Levenberg 1944, Marquardt 1963; weights of Huber 1964).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.cone.guess import ENOUGH_POINTS, arc_start, rays_start
from models.cone.shape import ShapeKind, fan_distance, sides_distance, sides_of, window_distance

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Window = tuple[float, float, float, float]

_FINER = 4  # the outline is taken on a map enlarged by this
_INSIDE_PX = 0.5 / _FINER  # an outline's points are centres of pixels that lie inside
_POINTS = 320
_ROUNDS = 25
_NOT_WORTH = 0.004  # a shape with fewer freedoms wins unless another agrees better by more than this
_OFF_WINDOW_PX = 1.2
_FLAT_SHARE = 0.2
_FLAT_PX = 0.5
_AXES_RAD = (0.0, np.pi, np.pi / 2, -np.pi / 2, 0.3, -0.3)
_STARTS = 3
_GOOD = 0.97
_POINT_SHARE = 0.13


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A shape in the frame of reference of the probability map it was fitted to.

    Parameters
    ----------
    kind
        Which of the shapes.
    solution
        As in `fan_distance` for fans, as in `sides_distance` for four-sided windows.
    flat_near
        As in `fan_distance`; False for four-sided windows.
    window
        (left, top, right, bottom) that cuts the shape, px.
    agreement
        Intersection over union with the mask, 0 to 1.
    """

    kind: ShapeKind
    solution: Floats
    flat_near: bool
    window: Window
    agreement: float

    def distance(self, x: Floats, y: Floats) -> Floats:
        """Signed distance to the shape's border, px, positive inside."""
        return np.minimum(self._uncut(x, y), window_distance(self.window, x, y))

    def _uncut(self, x: Floats, y: Floats) -> Floats:
        if self.kind in {ShapeKind.LINEAR, ShapeKind.QUADRILATERAL}:
            return sides_distance(self.solution, x, y)
        return fan_distance(self.solution, x, y, flat_near=self.flat_near)


def fit_shape(probability: NDArray[np.float32], *, threshold: float, image: tuple[int, int, int, int]) -> Fit | None:
    """Fit the best shape to one pane.

    Parameters
    ----------
    probability
        float32 (rows, columns), 0 to 1; everything but the pane already 0.
    threshold
        Where the pane's border lies.
    image
        (left, top, right, bottom) of the image in this map, px, right and bottom exclusive.

    Returns
    -------
    Fit or None
        None where the pane is too small to have an outline.
    """
    outline = _outline(probability, threshold)
    if len(outline) < _POINTS // 4:
        return None
    edge = (image[0] - 0.5, image[1] - 0.5, image[2] - 0.5, image[3] - 0.5)
    window = _window(outline, edge)
    free = outline[window_distance(window, outline[:, 0], outline[:, 1]) > _OFF_WINDOW_PX]
    mask = probability > threshold
    fits = [_fit_box(outline, mask, edge)]
    if len(free) >= ENOUGH_POINTS:
        fits += _fit_fans(outline, free, mask, window)
        fits.append(_fit_quadrilateral(outline, mask, edge))
    best = max(fit.agreement for fit in fits)
    return next(fit for fit in sorted(fits, key=_freedoms) if fit.agreement >= best - _NOT_WORTH)


def _freedoms(fit: Fit) -> int:
    return 4 if fit.kind is ShapeKind.LINEAR else 6 if fit.kind is not ShapeKind.QUADRILATERAL else 8


def _outline(probability: NDArray[np.float32], threshold: float) -> Floats:
    """Points of the outer outline at a fraction of a pixel, evenly spaced, float64 (n, 2)."""
    rows, columns = probability.shape
    finer = cv2.resize(probability, (columns * _FINER, rows * _FINER), interpolation=cv2.INTER_LINEAR)
    found, _ = cv2.findContours((finer > threshold).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not found:
        return np.empty((0, 2))
    points = max(found, key=len)[:, 0, :].astype(np.float64)
    points = points[:: max(1, len(points) // _POINTS)]
    return np.asarray((points + 0.5) / _FINER - 0.5, dtype=np.float64)


def _window(outline: Floats, edge: Window) -> Window:
    """Take the image's border, moved in to each side of the outline's box that many of its points lie on."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    spacing = float(np.median(np.hypot(*np.diff(outline, axis=0).T)))
    sides = [low[0], low[1], high[0], high[1]]
    for index in range(4):
        axis = index % 2
        length = (high - low)[1 - axis]
        on_side = np.abs(outline[:, axis] - sides[index]) < _FLAT_PX
        if on_side.sum() * spacing < _FLAT_SHARE * length:
            sides[index] = edge[index]
        else:
            sides[index] += _INSIDE_PX if index > 1 else -_INSIDE_PX
    return float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3])


def _solve(distance: Callable[[Floats], Floats], start: Floats, scale: Floats) -> Floats:
    """Move `start` so that the outline lies just inside the border: damped least squares with Huber's weights."""
    now, damping = start.copy(), 1e-2
    error = distance(now) - _INSIDE_PX
    for _ in range(_ROUNDS):
        steps = np.diag(scale * 1e-4)
        slopes = np.stack([(distance(now + step) - _INSIDE_PX - error) / 1e-4 for step in steps], axis=1)
        weight = 1 / np.maximum(1, np.abs(error))
        normal = slopes.T @ (slopes * weight[:, None])
        pull = slopes.T @ (weight * error)
        damped = normal + damping * np.diag(np.diag(normal) + 1e-3)
        try:
            move = -np.linalg.solve(damped, pull) * scale
        except np.linalg.LinAlgError:
            break
        tried = distance(now + move) - _INSIDE_PX
        if _huber(tried) < _huber(error):
            done = _huber(error) - _huber(tried) < 1e-4 * _huber(error)
            now, error, damping = now + move, tried, damping * 0.3
            if done:
                break
        else:
            damping *= 6
            if damping > 1e6:  # noqa: PLR2004  no step helps any more
                break
    return now


def _huber(error: Floats) -> float:
    size = np.abs(error)
    return float(np.where(size < 1, size**2 / 2, size - 0.5).sum())


def _judged(kind: ShapeKind, solution: Floats, mask: Mask, window: Window, *, flat_near: bool) -> Fit:
    """Attach the agreement with the mask."""
    blank = Fit(kind=kind, solution=solution, flat_near=flat_near, window=window, agreement=0.0)
    rows, columns = mask.shape
    drawn = (
        blank.distance(np.arange(columns, dtype=np.float64)[None, :], np.arange(rows, dtype=np.float64)[:, None]) >= 0
    )
    union = float((drawn | mask).sum())
    agreement = float((drawn & mask).sum()) / union if union else 0.0
    return Fit(kind=kind, solution=solution, flat_near=flat_near, window=window, agreement=agreement)


def _fit_box(outline: Floats, mask: Mask, edge: Window) -> Fit:
    """Fit the upright rectangle: each side the robust place of the outline's points nearest to it."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    angles = np.array([0.0, np.pi / 2, np.pi, -np.pi / 2])

    def sides(offsets: Floats) -> Floats:
        return np.stack([angles, offsets * np.array([1, 1, -1, -1])], axis=1).ravel()

    def distance(offsets: Floats) -> Floats:
        return sides_distance(sides(offsets), outline[:, 0], outline[:, 1])

    solved = _solve(distance, np.array([low[0], low[1], high[0], high[1]]), np.ones(4))
    return _judged(ShapeKind.LINEAR, sides(solved), mask, edge, flat_near=False)


def _fit_quadrilateral(outline: Floats, mask: Mask, edge: Window) -> Fit:
    """Fit any four-sided window, begun at the extreme points along the two diagonals."""
    total, difference = outline.sum(axis=1), outline[:, 0] - outline[:, 1]
    extremes = (total.argmin(), difference.argmax(), total.argmax(), difference.argmin())
    start = sides_of(outline[list(extremes)])

    def distance(sides: Floats) -> Floats:
        return sides_distance(sides, outline[:, 0], outline[:, 1])

    solved = _solve(distance, start, np.array([0.01, 1.0] * 4))
    return _judged(ShapeKind.QUADRILATERAL, solved, mask, edge, flat_near=False)


def _fit_fans(outline: Floats, free: Floats, mask: Mask, window: Window) -> list[Fit]:
    """Fit fans from the likeliest of several axes, each with a round and a flat near side."""
    guesses = [rays_start(outline, free, axis) for axis in _AXES_RAD]
    guesses += [arc_start(outline, free, axis) for axis in _AXES_RAD[:4]]
    starts = sorted(
        (start for start in guesses if start is not None), key=lambda start: _misfit(outline, start, window)
    )
    fits: list[Fit] = []
    for start in starts[:_STARTS]:
        fits += [_fan_fit(outline, start, mask, window, flat_near=flat) for flat in (False, True)]
        if max(fit.agreement for fit in fits) > _GOOD:
            break
    return fits


def _misfit(outline: Floats, fan: Floats, window: Window) -> float:
    cut = window_distance(window, outline[:, 0], outline[:, 1])
    sides = (fan_distance(fan, outline[:, 0], outline[:, 1], flat_near=flat) for flat in (False, True))
    return min(_huber(np.minimum(inside, cut)) for inside in sides)


def _fan_fit(outline: Floats, start: Floats, mask: Mask, window: Window, *, flat_near: bool) -> Fit:
    solved = _solve_fan(outline, start, window, flat=flat_near)
    kind = ShapeKind.SECTOR if solved[4] < _POINT_SHARE * solved[5] else ShapeKind.CURVILINEAR
    return _judged(kind, solved, mask, window, flat_near=flat_near)


def _solve_fan(outline: Floats, start: Floats, window: Window, *, flat: bool) -> Floats:
    # Points on the window need only lie within the fan: there the window's distance, zero, is the smaller one.
    cut = window_distance(window, outline[:, 0], outline[:, 1])

    def lawful(fan: Floats) -> Floats:
        bounded = fan.copy()
        bounded[3] = np.clip(bounded[3], 0.02, np.pi - 0.02)
        bounded[4] = max(bounded[4], 0.0)
        return bounded

    def distance(fan: Floats) -> Floats:
        inside = fan_distance(lawful(fan), outline[:, 0], outline[:, 1], flat_near=flat)
        return np.minimum(inside, cut)

    return lawful(_solve(distance, start, np.array([1.0, 1.0, 0.01, 0.01, 1.0, 1.0])))
