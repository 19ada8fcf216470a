"""Panes beside B-mode that are not the cone: spectral Doppler, M-mode, colour in the cone, screens without a cone.

Rule of the file: paints onto an RGB canvas (uint8, rows by columns by 3) in place and leaves masks alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.training.screen_chrome import banner, colour, text_block, trace
from models.training.screen_tissue import beam_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Canvas = NDArray[np.uint8]
    Box = tuple[int, int, int, int]


def m_mode(rng: np.random.Generator, canvas: Canvas, box: Box) -> None:
    """Paint an M-mode strip: one beam over time, wavy horizontal lines with grain."""
    left, top, right, bottom = box
    line = cv2.resize(beam_image(rng)[:, :1], (1, bottom - top))[:, 0]
    x = np.arange(right - left)
    wave = np.sin(2 * np.pi * x / rng.uniform(30, 120)) * rng.uniform(0, 8) + rng.normal(0, 0.6, x.size)
    rows = np.arange(bottom - top)[:, None] + wave[None, :]
    strip = line[np.clip(rows, 0, bottom - top - 1).astype(int)] * rng.uniform(0.7, 1.1, (bottom - top, right - left))
    canvas[top:bottom, left:right] = np.clip(strip, 0, 255)[..., None].astype(np.uint8)


def spectral(rng: np.random.Generator, canvas: Canvas, box: Box) -> None:
    """Paint a Doppler spectrum: pulses over a baseline, speckled, with a scale."""
    left, top, right, bottom = box
    rows, columns = bottom - top, right - left
    x, y = np.arange(columns)[None, :], np.arange(rows)[:, None]
    base, period = rows * rng.uniform(0.3, 0.85), rng.uniform(40, 150)
    cycle = (x % period) / period
    peak = base * (0.15 + 0.8 * np.exp(-cycle * rng.uniform(1, 6)) * np.clip(cycle * 12, 0, 1))
    inside = (y < base) & (y > base - peak)
    level = inside * np.clip(1.2 - (base - y) / np.maximum(peak, 1) * rng.uniform(0, 1), 0.1, 1.2)
    noise = rng.gamma(1.5, 0.6, (rows, columns))
    strip = np.clip((level * rng.uniform(90, 230) + rng.uniform(0, 12)) * noise, 0, 255)
    canvas[top:bottom, left:right] = strip[..., None].astype(np.uint8)
    cv2.line(canvas, (left, top + int(base)), (right - 1, top + int(base)), colour(rng), 1)
    for tick in np.linspace(top, bottom - 1, int(rng.integers(3, 9))):
        cv2.line(canvas, (right - 5, int(tick)), (right - 1, int(tick)), colour(rng), 1)


def colour_flow(rng: np.random.Generator, canvas: Canvas, beams_mask: NDArray[np.bool_]) -> None:
    """Paint colour Doppler or a power map in blobs over the pixels of `beams_mask`, with or without an outline."""
    rows, columns = canvas.shape[:2]
    coarse = rng.standard_normal((int(rng.integers(4, 14)), int(rng.integers(4, 14)))).astype(np.float32)
    field = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    palette = int(rng.choice([cv2.COLORMAP_JET, cv2.COLORMAP_HOT, cv2.COLORMAP_AUTUMN, cv2.COLORMAP_RAINBOW]))
    painted = cv2.applyColorMap(np.clip(field * 70 + 128, 0, 255).astype(np.uint8), palette)[..., ::-1]
    shown = beams_mask & (field > rng.choice([-9.0, rng.uniform(-0.5, 1.0)], p=[0.2, 0.8]))
    canvas[shown] = painted[shown]
    if rng.random() < 0.7:
        outline, _ = cv2.findContours(beams_mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outline, -1, colour(rng), 1)


def _smooth_picture(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.uint8]:
    """Paint a picture of soft shapes: what a photograph or a radiograph looks like at a glance."""
    coarse = rng.uniform(0, 255, (int(rng.integers(2, 24)), int(rng.integers(2, 24)), 3)).astype(np.float32)
    if rng.random() < 0.6:
        coarse[...] = coarse[..., :1]
    picture = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 7)):
        centre = (int(rng.uniform(0, columns)), int(rng.uniform(0, rows)))
        axes = (int(rng.uniform(5, columns / 2)), int(rng.uniform(5, rows / 2)))
        shade = float(rng.uniform(0, 255))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, (shade,) * 3, -1)
    picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 4)))
    picture += rng.normal(0, rng.uniform(0, 14), (rows, columns, 1))
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


def without_cone(rng: np.random.Generator, canvas: Canvas) -> None:
    """Fill a canvas with something that holds no cone: blank, report page, strip, radiograph-like picture, noise."""
    rows, columns = canvas.shape[:2]
    kind = rng.choice(["blank", "page", "spectral", "m_mode", "picture", "noise"], p=[0.1, 0.2, 0.15, 0.15, 0.3, 0.1])
    inner = (int(columns * 0.08), int(rows * rng.uniform(0.1, 0.5)), int(columns * 0.93), int(rows * 0.9))
    if kind == "page":
        canvas[:] = rng.choice([0, 20, 200, 255])
        for _ in range(rng.integers(3, 12)):
            text_block(rng, canvas, rng.uniform(0, columns * 0.7), rng.uniform(10, rows), lines=int(rng.integers(1, 9)))
    elif kind == "spectral":
        spectral(rng, canvas, inner)
    elif kind == "m_mode":
        m_mode(rng, canvas, inner)
    elif kind == "picture":
        canvas[:] = _smooth_picture(rng, rows, columns)
    elif kind == "noise":
        canvas[:] = rng.integers(0, 256, (rows, columns, 1))
    if rng.random() < 0.5:
        banner(rng, canvas)
        trace(rng, canvas, rng.uniform(0, rows), height=rng.uniform(5, 60))
