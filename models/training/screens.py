"""Synthetic ultrasound screens with the mask of their cones: the only material the shipped cone model learns from.

Rule of the file: `render_screen(seed)` is a pure function of its seed. A cone is every B-mode pane, including what is
drawn over it; strips (M-mode, spectral Doppler), bars, text and traces beside it are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.training import screen_chrome as chrome
from models.training import screen_panes as panes
from models.training.screen_shapes import DrawnCone, sample_cone
from models.training.screen_tissue import beam_image, scan_convert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Canvas = NDArray[np.uint8]
    Mask = NDArray[np.bool_]
    Box = tuple[float, float, float, float]

_SIZES = ((288, 384), (270, 360), (216, 384), (330, 440), (384, 384), (300, 300), (384, 288), (405, 300), (384, 200))


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One rendered screen.

    Parameters
    ----------
    image
        uint8 (rows, columns, 3), RGB.
    mask
        bool (rows, columns), True inside a B-mode pane.
    """

    image: Canvas
    mask: Mask


class Mix(StrEnum):
    """Which screens are rendered how often."""

    SCREENS = "screens"
    """Half of them one pane with chrome, a quarter cut down to the cone: where training begins."""
    CUT = "cut"
    """Four in ten cut down to the cone, most of these with flanks and probe's end beyond the picture: where it ends."""


_UP_TO = {Mix.SCREENS: (0.07, 0.30, 0.42, 0.51), Mix.CUT: (0.07, 0.40, 0.50, 0.58)}
"""Cumulative shares of screens without a cone, cut down to it, with two panes, with a strip; the rest has one pane."""
_FLANKS_CUT = {Mix.SCREENS: 0.4, Mix.CUT: 0.7}


def render_screen(seed: int | tuple[int, ...], *, mix: Mix = Mix.SCREENS) -> Screen:
    """Render the screen of a seed; the same seed gives the same bytes.

    Parameters
    ----------
    seed
        One number, or several (for example run and index).
    mix
        Which kinds of screens are likely.

    Returns
    -------
    Screen
        200 to 440 pixels a side.
    """
    rng = np.random.default_rng(seed)
    rows, columns = _SIZES[int(rng.integers(len(_SIZES)))]
    canvas, mask = np.zeros((rows, columns, 3), dtype=np.uint8), np.zeros((rows, columns), dtype=bool)
    draw = rng.random()
    blank, cut, twin, strip = _UP_TO[mix]
    if draw < blank:
        panes.without_cone(rng, canvas)
    elif draw < cut:
        _cropped(rng, canvas, mask, flanks_cut=_FLANKS_CUT[mix])
    elif draw < twin:
        _background(rng, canvas)
        _two_panes(rng, canvas, mask)
    elif draw < strip:
        _background(rng, canvas)
        _with_strip(rng, canvas, mask)
    else:
        _background(rng, canvas)
        _single(rng, canvas, mask)
    return Screen(image=_as_stored(rng, canvas), mask=mask)


def _background(rng: np.random.Generator, canvas: Canvas) -> None:
    """Paint what lies behind everything: black, grey, a gradient, or a page around a screen."""
    draw, rows = rng.random(), canvas.shape[0]
    if draw < 0.70:
        canvas[:] = rng.choice([0, 0, 0, int(rng.integers(0, 18))])
    elif draw < 0.85:
        canvas[:] = rng.integers(10, 90)
    elif draw < 0.95:
        first, last = rng.uniform(0, 110, 3), rng.uniform(0, 110, 3)
        canvas[:] = np.linspace(first, last, rows)[:, None, :].astype(np.uint8)
    else:
        canvas[:] = rng.integers(180, 256)


def _paste(rng: np.random.Generator, canvas: Canvas, mask: Mask, cone: DrawnCone) -> None:
    """Paint tissue into a cone, tinted or grey, with colour flow at times, and add the cone to the mask."""
    level = scan_convert(beam_image(rng), cone)
    tints = rng.uniform(0.6, 1.0, 3) if rng.random() < 0.15 else np.ones(3)
    for channel, tint in enumerate(tints):
        np.copyto(canvas[..., channel], (level * np.float32(tint)).astype(np.uint8), where=cone.mask)
    mask |= cone.mask
    if rng.random() < 0.18:
        first, last = np.sort(rng.uniform(0, 1, 2))
        near, far = np.sort(rng.uniform(0, 1, 2))
        box = (cone.lateral > first) & (cone.lateral < last) & (cone.depth > near) & (cone.depth < far)
        panes.colour_flow(rng, canvas, box & cone.mask)
    if rng.random() < 0.08:
        outline, _ = cv2.findContours(cone.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outline, -1, chrome.colour(rng), 1)


def _panel(rng: np.random.Generator, canvas: Canvas, box: Box) -> None:
    """Put a black panel behind the cone where the background is not black, more often than not."""
    if canvas[0, 0].max() > 18 and rng.random() < 0.7:
        left, top, right, bottom = (max(0, int(v)) for v in box)
        canvas[top:bottom, left:right] = 0


def _cropped(rng: np.random.Generator, canvas: Canvas, mask: Mask, *, flanks_cut: float) -> None:
    """Draw a cone that fills the picture, cut by its borders, with at most a few marks."""
    rows, columns = canvas.shape[:2]
    if rng.random() < 0.4:
        canvas[:] = rng.integers(0, 14)
    over = rng.uniform(-0.03, 0.22, 4) * (rng.random(4) < 0.75)
    if (
        rng.random() < flanks_cut
    ):  # both flanks and the probe's end lie beyond the picture, as in clips cut down to the lung
        over[0] = over[2] = rng.uniform(0.0, 0.35)
        over[1], over[3] = rng.uniform(0.0, 0.4), rng.uniform(-0.06, 0.1)
    box = (-over[0] * columns, -over[1] * rows, (1 + over[2]) * columns, (1 + over[3]) * rows)
    _paste(rng, canvas, mask, sample_cone(rng, rows, columns, box, window=(0, 0, columns, rows)))
    if rng.random() < 0.3:
        chrome.text_block(rng, canvas, rng.uniform(0, columns), rng.uniform(8, rows), lines=int(rng.integers(1, 4)))
    if rng.random() < 0.2:
        chrome.depth_ticks(rng, canvas, (0, 0, columns, rows))
    if rng.random() < 0.15:
        chrome.trace(rng, canvas, rows * rng.uniform(0.7, 0.98), height=rng.uniform(8, 50))


def _single(rng: np.random.Generator, canvas: Canvas, mask: Mask) -> None:
    """Draw one pane with chrome all round, some of it touching or over the cone."""
    rows, columns = canvas.shape[:2]
    margin = rng.uniform(0.0, 0.22, 4)
    box = (margin[0] * columns, margin[1] * rows, (1 - margin[2]) * columns, (1 - margin[3]) * rows)
    spill = rng.uniform(-0.12, 0.12) if rng.random() < 0.2 else 0.0
    drawn = (box[0] - spill * columns, box[1], box[2] + spill * columns, box[3] + max(spill, 0) * rows)
    _panel(rng, canvas, box)
    under = rng.random() < 0.5
    if under:
        _chrome(rng, canvas, box, share=0.5)
    _paste(rng, canvas, mask, sample_cone(rng, rows, columns, drawn, window=box))
    if rng.random() < 0.88:
        _chrome(rng, canvas, _extent(mask, box), share=0.5 if under else 1.0)


def _two_panes(rng: np.random.Generator, canvas: Canvas, mask: Mask) -> None:
    """Draw two panes side by side, or one above the other, of one kind or of two."""
    rows, columns = canvas.shape[:2]
    cut, gap, top = rng.uniform(0.4, 0.6), rng.choice([0.0, rng.uniform(0, 0.05)]), rng.uniform(0.0, 0.2)
    first = (rng.uniform(0, 0.08), top, cut - gap, rng.uniform(0.7, 1.0))
    second = (cut + gap, top, rng.uniform(0.92, 1.0), first[3])
    if rng.random() < 0.15:
        first, second = ((b[1], b[0], b[3], b[2]) for b in (first, second))
    repeat = int(rng.integers(2**32)) if rng.random() < 0.7 else None
    for part in (first, second):
        box = (part[0] * columns, part[1] * rows, part[2] * columns, part[3] * rows)
        shape_rng = rng if repeat is None else np.random.default_rng(repeat)
        _paste(rng, canvas, mask, sample_cone(shape_rng, rows, columns, box, window=box))
    _chrome(rng, canvas, _extent(mask, (0, 0, columns, rows)), share=0.7)


def _with_strip(rng: np.random.Generator, canvas: Canvas, mask: Mask) -> None:
    """Draw B-mode above (or beside) an M-mode or spectral strip, which is not part of the mask."""
    rows, columns = canvas.shape[:2]
    strip = panes.m_mode if rng.random() < 0.45 else panes.spectral
    cut = rng.uniform(0.35, 0.65)
    edge = rng.uniform(0, 0.12, 2)
    if rng.random() < 0.8:
        box = (edge[0] * columns, rng.uniform(0, 0.1) * rows, (1 - edge[1]) * columns, cut * rows - 2)
        place = (edge[0] * columns, cut * rows + 2, (1 - edge[1]) * columns, rng.uniform(0.9, 1.0) * rows)
    else:
        box = (rng.uniform(0, 0.05) * columns, edge[0] * rows, cut * columns - 2, (1 - edge[1]) * rows)
        place = (cut * columns + 2, edge[0] * rows, rng.uniform(0.93, 1.0) * columns, (1 - edge[1]) * rows)
    strip(rng, canvas, (int(place[0]), int(place[1]), int(place[2]), int(place[3])))
    _paste(rng, canvas, mask, sample_cone(rng, rows, columns, box, window=box))
    _chrome(rng, canvas, _extent(mask, box), share=0.7)


def _extent(mask: Mask, default: Box) -> Box:
    """Take the bounding box of a mask, or `default` where it is empty."""
    down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if down.size == 0:
        return default
    return float(across[0]), float(down[0]), float(across[-1]), float(down[-1])


def _chrome(rng: np.random.Generator, canvas: Canvas, cone_box: Box, *, share: float) -> None:
    """Draw a random set of chrome; `share` scales how much."""
    if rng.random() < 0.4 * share:
        chrome.banner(rng, canvas)
    _writing(rng, canvas, share)
    _scales(rng, canvas, cone_box, share)
    _marks(rng, canvas, cone_box, share)


def _writing(rng: np.random.Generator, canvas: Canvas, share: float) -> None:
    """Write blocks of text, mostly near the borders."""
    rows, columns = canvas.shape[:2]
    for _ in range(rng.poisson(3.5 * share)):
        x = rng.choice([rng.uniform(0, 0.15), rng.uniform(0.7, 0.97), rng.uniform(0, 0.9)], p=[0.4, 0.4, 0.2])
        y = rng.choice([rng.uniform(0.02, 0.25), rng.uniform(0.75, 0.99), rng.uniform(0.02, 0.99)], p=[0.4, 0.3, 0.3])
        chrome.text_block(rng, canvas, x * columns, y * rows, lines=int(rng.integers(1, 8)))


def _scales(rng: np.random.Generator, canvas: Canvas, cone_box: Box, share: float) -> None:
    """Draw bars, rulers and a trace."""
    if rng.random() < 0.45 * share:
        chrome.grey_bar(rng, canvas, cone_box)
    if rng.random() < 0.65 * share:
        chrome.depth_ticks(rng, canvas, cone_box)
    if rng.random() < 0.2 * share:
        chrome.width_ticks(rng, canvas, cone_box)
    if rng.random() < 0.3 * share:
        low, high = cone_box[1] + 0.6 * (cone_box[3] - cone_box[1]), float(canvas.shape[0])
        chrome.trace(rng, canvas, rng.uniform(low, high), height=rng.uniform(8, 45))


def _marks(rng: np.random.Generator, canvas: Canvas, cone_box: Box, share: float) -> None:
    """Draw marks of probe and maker, buttons and measurements."""
    rows, columns = canvas.shape[:2]
    if rng.random() < 0.6 * share:
        chrome.logo(rng, canvas, (cone_box[0] + cone_box[2]) / 2 + rng.normal(0, 60), max(6, cone_box[1] - 6))
    for _ in range(rng.poisson(1.2 * share)):
        chrome.logo(rng, canvas, rng.uniform(0, columns), rng.choice([rng.uniform(0, 30), rows - rng.uniform(8, 30)]))
    if rng.random() < 0.12 * share:
        chrome.buttons(rng, canvas)
    if rng.random() < 0.3 * share:
        chrome.calipers(rng, canvas, cone_box)


def _as_stored(rng: np.random.Generator, canvas: Canvas) -> Canvas:
    """Degrade as exports do: rescaled, blurred, regraded, JPEG-compressed, flipped."""
    image = canvas
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.4)))
    if rng.random() < 0.3:
        table = 255 * (np.arange(256) / 255) ** rng.uniform(0.6, 1.6)
        image = cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(0.5, 4), image.shape[:2])[..., None]
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [int(cv2.IMWRITE_JPEG_QUALITY), int(rng.integers(35, 96))]
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(image, dtype=np.uint8)
