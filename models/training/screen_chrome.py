"""What a machine draws around and over the cone: text, bars, ticks, traces, markers, strips, boxes.

Rule of the file: functions paint onto an RGB canvas (uint8, rows by columns by 3) in place and leave masks alone.
Boxes are (left, top, right, bottom) in px. All names and numbers painted are drawn from a random generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Canvas = NDArray[np.uint8]
    Colour = tuple[int, int, int]
    Box = tuple[float, float, float, float]

_LETTERS = "ABCDEFGHIKLMNOPRSTUVWZabcdeghiklmnoprstuv0123456789:./-%"
_PALETTE: tuple[Colour, ...] = (
    (235, 235, 235),
    (255, 255, 255),
    (170, 170, 170),
    (110, 110, 120),
    (255, 255, 0),
    (255, 190, 40),
    (60, 230, 60),
    (60, 210, 255),
    (90, 140, 255),
)
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX_SMALL,
    cv2.FONT_HERSHEY_TRIPLEX,
)


def colour(rng: np.random.Generator) -> Colour:
    """Draw one of the colours machines write in."""
    return _PALETTE[int(rng.integers(len(_PALETTE)))]


def words(rng: np.random.Generator, length: int) -> str:
    """Draw a string of letters, digits and blanks."""
    letters = [_LETTERS[int(k)] for k in rng.integers(len(_LETTERS), size=length)]
    return "".join(" " if rng.random() < 0.12 else letter for letter in letters)


def text_block(rng: np.random.Generator, canvas: Canvas, x: float, y: float, *, lines: int) -> None:
    """Write `lines` lines from (x, y), each of random length in one font, size and colour."""
    font, ink = _FONTS[int(rng.integers(len(_FONTS)))], colour(rng)
    scale = float(rng.uniform(0.22, 0.62)) * canvas.shape[1] / 512
    scale *= 1.6 if font == cv2.FONT_HERSHEY_PLAIN else 1.0
    thickness = 1 if rng.random() < 0.85 else 2
    step = max(6, int(cv2.getTextSize("Ag", font, scale, 1)[0][1] * rng.uniform(1.4, 2.2)))
    for line in range(lines):
        text = words(rng, int(rng.integers(1, 20)))
        place = (int(x), int(y) + line * step)
        cv2.putText(canvas, text, place, font, scale, ink, thickness, cv2.LINE_AA)


def banner(rng: np.random.Generator, canvas: Canvas) -> None:
    """Paint a bar across the top or the bottom, plain or graded, with names and numbers in it."""
    rows, columns = canvas.shape[:2]
    height = int(rows * rng.uniform(0.03, 0.13))
    top = 0 if rng.random() < 0.75 else rows - height
    shade = rng.integers(10, 200, size=3) if rng.random() < 0.6 else rng.integers(10, 200) * np.ones(3)
    ramp = np.linspace(1, rng.uniform(0.4, 1), height)[:, None, None]
    canvas[top : top + height] = (ramp * shade).astype(np.uint8)
    for _ in range(rng.integers(1, 5)):
        text_block(rng, canvas, rng.uniform(0, columns * 0.9), top + height * rng.uniform(0.4, 0.9), lines=1)


def grey_bar(rng: np.random.Generator, canvas: Canvas, cone_box: Box) -> None:
    """Paint a grey-scale or colour bar, upright, beside the cone or at the image border."""
    rows, columns = canvas.shape[:2]
    width, height = int(rng.uniform(3, 14) * columns / 512), int(rng.uniform(0.1, 0.6) * rows)
    beside = (cone_box[0] - rng.uniform(1, 20) - width, cone_box[2] + rng.uniform(1, 20), 2.0, columns - 2.0 - width)
    left = int(np.clip(beside[int(rng.integers(4))], 0, columns - width))
    top = int(rng.uniform(0, rows - height))
    ramp = np.linspace(255, 0, height)[:, None, None] * np.ones((1, width, 3))
    if rng.random() < 0.3:
        warm = cv2.applyColorMap(ramp[..., 0].astype(np.uint8), int(rng.integers(0, 12)))
        ramp = warm.astype(np.float64)
    canvas[top : top + height, left : left + width] = ramp[::-1] if rng.random() < 0.2 else ramp
    if rng.random() < 0.3:
        cv2.rectangle(canvas, (left - 1, top - 1), (left + width, top + height), (150, 150, 150), 1)


def depth_ticks(rng: np.random.Generator, canvas: Canvas, cone_box: Box) -> None:
    """Draw a depth scale beside, touching or within the cone: ticks or dots, some with digits, a focus marker."""
    columns = canvas.shape[1]
    side = 1 if rng.random() < 0.6 else 0
    offset = rng.choice([rng.uniform(0, 4), rng.uniform(4, 40), rng.uniform(-12, 0)], p=[0.3, 0.55, 0.15])
    x = cone_box[2] + offset if side else cone_box[0] - offset
    x = float(np.clip(x, 3, columns - 4))
    ink, count = colour(rng), int(rng.integers(3, 24))
    length = int(rng.integers(1, 8))
    for index, y in enumerate(np.linspace(cone_box[1], cone_box[3], count)):
        long = 2 if index % 5 == 0 else 1
        if length <= 2:
            cv2.circle(canvas, (int(x), int(y)), length - 1, ink, -1)
        else:
            cv2.line(canvas, (int(x), int(y)), (int(x) + (length * long if side else -length * long), int(y)), ink, 1)
        if index % 5 == 0 and rng.random() < 0.5:
            cv2.putText(canvas, str(index), (int(x) + 9, int(y) + 3), _FONTS[0], 0.3, ink, 1, cv2.LINE_AA)
    if rng.random() < 0.5:
        y = rng.uniform(cone_box[1], cone_box[3])
        tip = np.array([[x, y], [x + 7, y - 4], [x + 7, y + 4]], dtype=np.int32)
        cv2.fillPoly(canvas, [tip], colour(rng))


def width_ticks(rng: np.random.Generator, canvas: Canvas, cone_box: Box) -> None:
    """Draw a ruler under or over the cone."""
    y = int(
        np.clip(cone_box[3] + rng.uniform(-3, 14) if rng.random() < 0.7 else cone_box[1] - 3, 1, canvas.shape[0] - 2)
    )
    ink = colour(rng)
    for x in np.linspace(cone_box[0], cone_box[2], int(rng.integers(4, 20))):
        cv2.line(canvas, (int(x), y), (int(x), y + int(rng.integers(2, 6))), ink, 1)


def trace(rng: np.random.Generator, canvas: Canvas, y: float, *, height: float) -> None:
    """Draw an ECG, respiration or TGC trace from left to right around row `y`."""
    columns = canvas.shape[1]
    start, stop = sorted(rng.uniform(0, columns, 2)) if rng.random() < 0.6 else (0.0, float(columns))
    x = np.arange(start, stop, 1.0)
    if x.size < 20:
        return
    period, phase = rng.uniform(40, 140), rng.uniform(0, 40)
    cycle = ((x + phase) % period) / period
    beat = np.exp(-(((cycle - 0.3) / 0.02) ** 2)) - 0.25 * np.exp(-(((cycle - 0.35) / 0.02) ** 2))
    beat += 0.2 * np.exp(-(((cycle - 0.55) / 0.06) ** 2)) + rng.normal(0, 0.02, x.size)
    if rng.random() < 0.2:
        beat = np.sin(2 * np.pi * x / (period * 3)) * 0.5
    points = np.stack([x, y - beat * height], axis=1).astype(np.int32)
    cv2.polylines(canvas, [points], isClosed=False, color=colour(rng), thickness=int(rng.integers(1, 3)))


def logo(rng: np.random.Generator, canvas: Canvas, x: float, y: float) -> None:
    """Paint a maker's mark or a probe marker: filled shapes and letters of a few px to a few tens."""
    size, ink = int(rng.uniform(3, 22)), colour(rng)
    centre, kind = (int(x), int(y)), int(rng.integers(4))
    if kind == 0:
        cv2.circle(canvas, centre, size // 2, ink, -1 if rng.random() < 0.6 else 1)
    elif kind == 1:
        cv2.rectangle(canvas, centre, (centre[0] + size * 2, centre[1] + size), ink, -1 if rng.random() < 0.6 else 1)
    elif kind == 2:
        corners = rng.integers(-size, size + 1, size=(5, 2)) + np.array(centre)
        cv2.fillPoly(canvas, [corners.astype(np.int32)], ink)
    else:
        cv2.ellipse(canvas, centre, (size, max(1, size // 2)), 0, 0, 360, ink, -1 if rng.random() < 0.6 else 1)
    if rng.random() < 0.5:
        cv2.putText(canvas, words(rng, 1), centre, _FONTS[0], size / 30 + 0.2, colour(rng), 1, cv2.LINE_AA)


def buttons(rng: np.random.Generator, canvas: Canvas) -> None:
    """Paint a column or a row of touch buttons along a border."""
    rows, columns = canvas.shape[:2]
    size, upright = int(rng.uniform(14, 34)), rng.random() < 0.6
    span = rows if upright else columns
    shade = tuple(int(v) for v in rng.integers(25, 140, 3)) if rng.random() < 0.4 else (int(rng.integers(25, 140)),) * 3
    edge = int(rng.choice([2, (columns if upright else rows) - size - 2]))
    for place in range(int(rng.uniform(0, span / 2)), span - size, size + int(rng.integers(2, 10))):
        x, y = (edge, place) if upright else (place, edge)
        cv2.rectangle(canvas, (x, y), (x + size, y + size), shade, -1)
        cv2.putText(canvas, words(rng, 3), (x + 2, y + size - 4), _FONTS[1], 0.6, (230, 230, 230), 1, cv2.LINE_AA)


def calipers(rng: np.random.Generator, canvas: Canvas, cone_box: Box) -> None:
    """Draw crosses, dotted lines, arrows and labels over the cone."""
    for _ in range(rng.integers(1, 4)):
        (x0, x1), (y0, y1) = rng.uniform(cone_box[0], cone_box[2], 2), rng.uniform(cone_box[1], cone_box[3], 2)
        ink = colour(rng)
        for x, y in ((x0, y0), (x1, y1)):
            cv2.drawMarker(canvas, (int(x), int(y)), ink, int(rng.integers(2)), int(rng.integers(5, 12)), 1)
        for t in np.linspace(0, 1, int(rng.integers(2, 30))):
            cv2.circle(canvas, (int(x0 + t * (x1 - x0)), int(y0 + t * (y1 - y0))), 0, ink, -1)
    if rng.random() < 0.5:
        x, y = rng.uniform(cone_box[0], cone_box[2]), rng.uniform(cone_box[1], cone_box[3])
        text_block(rng, canvas, x, y, lines=int(rng.integers(1, 3)))
