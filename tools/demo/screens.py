"""Drawn ultrasound clips and a captured page: no patient's pixels, and not a word that identifies.

Rule of the file: the same call draws the same bytes. Speckle is made along the beams and bent into the fan, as a
scanner does; the organs are drawn where they are seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Map = NDArray[np.float32]

ROWS, COLUMNS = 480, 640
_GREY = (150, 150, 150)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_DEPTHS, _BEAMS = 480, 224


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipStyle:
    """What a drawn clip looks like.

    Parameters
    ----------
    apex
        (x, y) where the beams meet, px; above the image for a curved probe.
    near_px, far_px
        Distances from the apex between which there is an image.
    half_rad
        Half of the opening angle.
    labels
        Settings written at the left edge, none of which identifies.
    organs
        Draws brightness in dB for a moment of the cycle, 0 to 1.
    trace
        Whether an ECG runs at the bottom.
    """

    apex: tuple[float, float]
    near_px: float
    far_px: float
    half_rad: float
    labels: tuple[str, ...]
    organs: Callable[[float], Map]
    trace: bool


def ultrasound_clip(style: ClipStyle, frames: int) -> NDArray[np.uint8]:
    """Draw a clip: uint8 (frames, 480, 640, 3), RGB."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    radius, angle = cv2.cartToPolar(y - style.apex[1], x - style.apex[0])
    angle = np.where(angle > np.pi, angle - 2 * np.pi, angle).astype(np.float32)
    depth = (radius - style.near_px) / (style.far_px - style.near_px)
    inside = (np.abs(angle) <= style.half_rad) & (depth >= 0) & (depth <= 1)
    grain = _speckle(depth, angle / style.half_rad)
    clip = np.zeros((frames, ROWS, COLUMNS, 3), dtype=np.uint8)
    for index in range(frames):
        level = (grain + style.organs(index / frames) - 7 * np.clip(depth, 0, 1)) * 5.2 + 96
        clip[index] = (np.clip(level, 4, 250) * inside).astype(np.uint8)[..., None]
        _chrome(clip[index], style)
        if style.trace:
            _trace(clip[index], index / frames)
    return clip


def _speckle(depth: Map, lateral: Map) -> Map:
    """Make Rayleigh speckle in dB on the image grid."""
    noise = np.random.default_rng(19).standard_normal((2, _DEPTHS, _BEAMS)).astype(np.float32)
    real, imaginary = (cv2.GaussianBlur(part, (0, 0), 1.5, sigmaY=1.1) for part in noise)
    magnitude = cv2.magnitude(real, imaginary)
    beams = 20 * np.log10(magnitude / magnitude.mean() + 0.08)
    across = ((lateral + 1) / 2 * (_BEAMS - 1)).astype(np.float32)
    down = (depth * (_DEPTHS - 1)).astype(np.float32)
    return np.asarray(cv2.remap(beams.astype(np.float32), across, down, cv2.INTER_LINEAR), dtype=np.float32)


def _oval(
    echo: Map, centre: tuple[float, float], axes: tuple[float, float], level: float, *, turn: float = 0.0
) -> None:
    """Set the brightness of a filled ellipse."""
    cv2.ellipse(echo, (centre, (2 * axes[0], 2 * axes[1]), turn), level, -1, cv2.LINE_8)


def _four_chambers(moment: float) -> Map:
    """Draw a heart from its apex: two chambers near, two beyond the valves."""
    squeeze = 0.5 - 0.5 * float(np.cos(2 * np.pi * moment))
    echo = np.full((ROWS, COLUMNS), -5.0, dtype=np.float32)
    _oval(echo, (322, 250), (150 - 8 * squeeze, 205 - 6 * squeeze), 6.0)
    dark = -30.0
    _oval(echo, (358, 216), (50 - 13 * squeeze, 92 - 12 * squeeze), dark, turn=-8)
    _oval(echo, (268, 232), (36 - 8 * squeeze, 70 - 8 * squeeze), dark, turn=10)
    _oval(echo, (374, 362), (44 + 5 * squeeze, 40 + 5 * squeeze), dark)
    _oval(echo, (272, 362), (41 + 5 * squeeze, 38 + 4 * squeeze), dark)
    opening = 26.0 * (1 - squeeze)
    for left, right, y in ((330, 418, 312), (232, 312, 312)):
        middle = (left + right) / 2
        for hinge, side in ((left, -1), (right, 1)):
            tip = (round(middle + side * opening / 2), round(y - opening * 0.9))
            cv2.line(echo, (hinge, y), tip, 12.0, 4)
    return np.asarray(cv2.GaussianBlur(echo, (0, 0), 3.0), dtype=np.float32)


def _liver_and_kidney(moment: float) -> Map:
    """Draw liver, two vessels, the diaphragm and a kidney, moving with the breath."""
    breath = 6 * float(np.sin(2 * np.pi * moment))
    echo = np.full((ROWS, COLUMNS), 1.5, dtype=np.float32)
    cv2.ellipse(echo, ((320, -60 + breath), (1010, 1010), 0.0), -9.0, 34)
    cv2.ellipse(echo, ((320, -60 + breath), (964, 964), 0.0), 13.0, 7)
    _oval(echo, (446, 282 + breath), (84, 46), -4.0, turn=28)
    _oval(echo, (446, 282 + breath), (46, 15), 10.0, turn=28)
    for centre, axes, turn in (((240, 210), (54, 11), -24.0), ((288, 318), (15, 13), 0.0), ((180, 268), (22, 9), 40.0)):
        place = (float(centre[0]), centre[1] + breath)
        _oval(echo, place, (axes[0] + 4.0, axes[1] + 4.0), 8.0, turn=turn)
        _oval(echo, place, (float(axes[0]), float(axes[1])), -28.0, turn=turn)
    echo[:, 470:] -= np.float32(0.02) * np.arange(COLUMNS - 470, dtype=np.float32)
    return np.asarray(cv2.GaussianBlur(echo, (0, 0), 2.2), dtype=np.float32)


HEART = ClipStyle(
    apex=(326.0, 46.0),
    near_px=6.0,
    far_px=392.0,
    half_rad=0.68,
    labels=("S5-1", "48 Hz", "15 cm", "2D", "Gn 52", "C 50"),
    organs=_four_chambers,
    trace=True,
)
ABDOMEN = ClipStyle(
    apex=(320.0, -112.0),
    near_px=170.0,
    far_px=568.0,
    half_rad=0.55,
    labels=("C5-1", "31 Hz", "14 cm", "2D", "Gn 60", "C 56"),
    organs=_liver_and_kidney,
    trace=False,
)


def _chrome(frame: NDArray[np.uint8], style: ClipStyle) -> None:
    """Draw grey bar, depth scale, settings, probe marker."""
    frame[70:230, 616:626] = np.linspace(255, 0, 160, dtype=np.uint8)[:, None, None]
    bottom = style.apex[1] + style.far_px
    for tick, y in enumerate(np.linspace(70, min(bottom, ROWS - 20), 16)):
        cv2.line(frame, (606 - (8 if tick % 5 == 0 else 4), int(y)), (606, int(y)), _GREY, 1)
    for row, label in enumerate(style.labels):
        cv2.putText(frame, label, (10, 118 + 19 * row), _FONT, 0.42, _GREY, 1, cv2.LINE_AA)
    cv2.circle(frame, (int(style.apex[0]) - 118, 74), 5, (90, 200, 90), -1, cv2.LINE_AA)


def _trace(frame: NDArray[np.uint8], now: float) -> None:
    """Draw an ECG along the bottom with a cursor at `now`, 0 to 1."""
    x = np.arange(60, 580, dtype=np.float64)
    cycle = ((x - 60) % 130) / 130
    beat = np.exp(-(((cycle - 0.4) / 0.018) ** 2)) - 0.22 * np.exp(-(((cycle - 0.44) / 0.02) ** 2))
    beat += 0.14 * np.exp(-(((cycle - 0.25) / 0.04) ** 2)) + 0.2 * np.exp(-(((cycle - 0.66) / 0.06) ** 2))
    points = np.stack([x, 468 - 22 * beat], axis=1).astype(np.int32)
    cv2.polylines(frame, [points], isClosed=False, color=(60, 200, 120), thickness=1, lineType=cv2.LINE_AA)
    cursor = int(60 + 519 * now)
    cv2.line(frame, (cursor, 444), (cursor, 476), (200, 120, 60), 1)


def captured_page() -> NDArray[np.uint8]:
    """Draw a measurement page as a workstation captures it: uint8 (1, 520, 760, 3), RGB, with a small image."""
    page = np.full((520, 760, 3), 236, dtype=np.uint8)
    page[:84] = (52, 70, 104)
    image = ultrasound_clip(ABDOMEN, 1)[0]
    page[112:400, 352:736] = cv2.resize(image, (384, 288), interpolation=cv2.INTER_AREA)
    for row in range(len(PAGE_LINES)):
        cv2.line(page, (24, 150 + 44 * row), (328, 150 + 44 * row), (196, 200, 208), 1)
    return page[None]


PAGE_LINES = (
    ("Liver length", "14.2 cm"),
    ("Spleen length", "10.8 cm"),
    ("Right kidney", "10.6 cm"),
    ("Left kidney", "11.1 cm"),
    ("Aorta", "1.9 cm"),
    ("Bile duct", "0.5 cm"),
    ("Portal vein", "1.1 cm"),
)
"""Measurements on the captured page."""
