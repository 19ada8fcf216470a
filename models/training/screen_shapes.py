"""Shapes of drawn ultrasound cones: a mask, and for each pixel where it lies along and across the beams.

Rule of the file: geometry only. No texture, no chrome, no randomness except in `sample_cone`.
Coordinates are (x, y) in pixels of the canvas, x to the right, y downwards, origin at the centre of the first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCone:
    """Where a cone lies on a canvas and how its beams run.

    Parameters
    ----------
    mask
        bool (rows, columns), True inside the cone.
    lateral
        float32 (rows, columns), 0 at the first beam and 1 at the last; meaningful inside the mask only.
    depth
        float32 (rows, columns), 0 at the probe and 1 at the deepest sample; meaningful inside the mask only.
    fan
        True for sector and curvilinear cones, whose beams diverge.
    """

    mask: NDArray[np.bool_]
    lateral: NDArray[np.float32]
    depth: NDArray[np.float32]
    fan: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """An annular sector.

    Parameters
    ----------
    apex
        (x, y) of the circles' common centre, px.
    inner_px, outer_px
        Radii of the near and of the far arc, px.
    axis_rad
        Direction of the middle beam; 0 points down the image, positive turns it towards +x.
    half_rad
        Half of the opening angle.
    flat_near
        True where the near side is the chord of the inner arc's end points and not the arc (virtual convex).
    flat_far_px
        Distance along the axis beyond which nothing is shown, px; infinite for a whole far arc.
    """

    apex: tuple[float, float]
    inner_px: float
    outer_px: float
    axis_rad: float
    half_rad: float
    flat_near: bool
    flat_far_px: float


def draw_fan(rows: int, columns: int, fan: Fan) -> DrawnCone:
    """Rasterise a fan.

    Parameters
    ----------
    rows, columns
        Size of the canvas.
    fan
        The annular sector; it may lie partly outside the canvas.
    """
    across = np.arange(columns, dtype=np.float32)[None, :] - np.float32(fan.apex[0])
    down = np.arange(rows, dtype=np.float32)[:, None] - np.float32(fan.apex[1])
    sine, cosine = np.float32(np.sin(fan.axis_rad)), np.float32(np.cos(fan.axis_rad))
    along = across * sine + down * cosine
    aside = across * cosine - down * sine
    radius, angle = cv2.cartToPolar(along, aside)
    angle = np.where(angle > np.pi, angle - 2 * np.pi, angle).astype(np.float32)
    lateral = (angle / fan.half_rad + 1) / 2
    near = along >= fan.inner_px * np.cos(fan.half_rad) if fan.flat_near else radius >= fan.inner_px
    far = (radius <= fan.outer_px) & (along <= fan.flat_far_px)
    mask = (np.abs(angle) <= fan.half_rad) & near & far
    depth = (radius - fan.inner_px) / max(fan.outer_px - fan.inner_px, 1.0)
    return DrawnCone(mask=mask, lateral=lateral, depth=np.clip(depth, 0, 1).astype(np.float32), fan=True)


def draw_quadrilateral(rows: int, columns: int, corners: NDArray[np.float32]) -> DrawnCone:
    """Rasterise a linear, steered or trapezoidal window.

    Parameters
    ----------
    rows, columns
        Size of the canvas.
    corners
        float32 (4, 2): (x, y) of the near left, near right, far right and far left corner.
    """
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    h = cv2.getPerspectiveTransform(corners, unit)
    x = np.arange(columns, dtype=np.float64)[None, :]
    y = np.arange(rows, dtype=np.float64)[:, None]
    scale = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    safe = np.where(np.abs(scale) < 1e-9, 1e-9, scale)
    lateral = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / safe
    depth = (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / safe
    mask = (scale > 0) & (lateral >= 0) & (lateral <= 1) & (depth >= 0) & (depth <= 1)
    return DrawnCone(mask=mask, lateral=lateral.astype(np.float32), depth=depth.astype(np.float32), fan=False)


def fan_extent(fan: Fan) -> Box:
    """Bounding box (left, top, right, bottom) of a fan, px, as drawn without a canvas."""
    turns = np.linspace(-fan.half_rad, fan.half_rad, 65)
    outer = np.minimum(fan.outer_px, fan.flat_far_px / np.maximum(np.cos(turns), 1e-3))
    outer = np.where(np.cos(turns) > 0, outer, fan.outer_px)
    inner = fan.inner_px * np.cos(fan.half_rad) / np.cos(turns) if fan.flat_near else np.full(65, fan.inner_px)
    radius, direction = np.concatenate([outer, inner]), np.concatenate([turns, turns]) + fan.axis_rad
    x, y = fan.apex[0] + radius * np.sin(direction), fan.apex[1] + radius * np.cos(direction)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _fitted(fan: Fan, box: Box) -> Fan:
    """Scale and move a fan so that its extent is centred in `box` and touches two of its sides."""
    left, top, right, bottom = fan_extent(fan)
    scale = min((box[2] - box[0]) / (right - left), (box[3] - box[1]) / (bottom - top))
    shift_x = (box[0] + box[2]) / 2 - scale * (left + right) / 2
    shift_y = (box[1] + box[3]) / 2 - scale * (top + bottom) / 2
    return Fan(
        apex=(fan.apex[0] * scale + shift_x, fan.apex[1] * scale + shift_y),
        inner_px=fan.inner_px * scale,
        outer_px=fan.outer_px * scale,
        axis_rad=fan.axis_rad,
        half_rad=fan.half_rad,
        flat_near=fan.flat_near,
        flat_far_px=fan.flat_far_px * scale,
    )


def _axis(rng: np.random.Generator) -> float:
    draw = rng.random()
    if draw < 0.82:
        return 0.0
    if draw < 0.94:
        return float(rng.uniform(-0.4, 0.4))
    if draw < 0.98:
        return float(np.pi)
    return float(rng.choice([-1, 1]) * np.pi / 2)


def _sample_fan(rng: np.random.Generator, box: Box) -> Fan:
    kind = rng.choice(["sector", "curvilinear", "endocavity", "virtual"], p=[0.36, 0.42, 0.08, 0.14])
    if kind == "sector":
        inner, half = rng.choice([0.0, rng.uniform(0.01, 0.12)]), rng.uniform(0.5, 0.85)
    elif kind == "curvilinear":
        inner, half = rng.uniform(0.15, 0.5), rng.uniform(0.38, 0.75)
    elif kind == "endocavity":
        inner, half = rng.uniform(0.06, 0.25), rng.uniform(0.85, 1.45)
    else:
        inner, half = rng.uniform(0.35, 0.8), rng.uniform(0.12, 0.4)
    cut = rng.random() < 0.15
    nearest = min(0.95, max(np.cos(half), inner + 0.2) * 0.5 + 0.5)
    far = rng.uniform(nearest, 0.99) if cut else np.inf
    fan = Fan(
        apex=(0.0, 0.0),
        inner_px=float(inner) * 1000,
        outer_px=1000.0,
        axis_rad=_axis(rng),
        half_rad=float(half),
        flat_near=bool(kind == "virtual" or rng.random() < 0.06),
        flat_far_px=float(far) * 1000,
    )
    return _fitted(fan, box)


def _sample_corners(rng: np.random.Generator, box: Box) -> NDArray[np.float32]:
    """Corners of a rectangle, a parallelogram or a trapezoid within `box`, keeping a probe-like aspect."""
    width, height = box[2] - box[0], box[3] - box[1]
    aspect = np.exp(rng.uniform(np.log(0.4), np.log(2.6)))
    wide, high = min(width, height * aspect), min(height, width / aspect)
    middle, top = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2 - high / 2
    left, right, bottom = middle - wide / 2, middle + wide / 2, top + high
    near_left, near_right, far_left, far_right = left, right, left, right
    draw = rng.random()
    if draw < 0.12:  # steered
        lean = rng.uniform(0.05, 0.25) * wide
        near_right, far_left = (right - lean, left + lean)
        if rng.random() < 0.5:
            near_left, near_right, far_left, far_right = left + lean, right, left, right - lean
    elif draw < 0.34:  # trapezoid
        lean = rng.uniform(0.01, 0.3) * wide
        near_left, near_right = left + lean, right - lean
    return np.array([[near_left, top], [near_right, top], [far_right, bottom], [far_left, bottom]], dtype=np.float32)


def sample_cone(rng: np.random.Generator, rows: int, columns: int, box: Box, *, window: Box) -> DrawnCone:
    """Draw a random cone.

    Parameters
    ----------
    rng
        Source of all choices.
    rows, columns
        Size of the canvas.
    box
        (left, top, right, bottom) the cone's extent should fill, px; may exceed the canvas.
    window
        (left, top, right, bottom) outside which nothing of the cone is shown, px.
    """
    if rng.random() < 0.55:
        cone = draw_fan(rows, columns, _sample_fan(rng, box))
    else:
        cone = draw_quadrilateral(rows, columns, _sample_corners(rng, box))
    shown = np.zeros((rows, columns), dtype=bool)
    shown[
        max(0, round(window[1])) : max(0, round(window[3])),
        max(0, round(window[0])) : max(0, round(window[2])),
    ] = True
    return DrawnCone(mask=cone.mask & shown, lateral=cone.lateral, depth=cone.depth, fan=cone.fan)
