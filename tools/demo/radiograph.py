"""A drawn chest radiograph: no patient's pixels, no text.

Rule of the file: lengths are shares of the image, so that the drawing does not depend on its size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.floating[Any]]

ROWS, COLUMNS = 720, 640


def chest() -> NDArray[np.uint16]:
    """Draw a chest from the front: uint16 (1, 720, 640), 12 bits used, bright where much is absorbed."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    u, v = (x - COLUMNS / 2) / (COLUMNS / 2), y / ROWS
    air = _lung(u, v, side=-1) + _lung(u, v, side=1)
    shoulders = np.float32(0.16) + np.float32(0.25) * np.clip(np.abs(u) - 0.25, 0, 1)
    body = _step(v - shoulders + 0.14, 0.08) * _step(1.03 - np.abs(u), 0.12)
    picture = 0.55 * body - 0.36 * air + _bones(u, v, body)
    heart = ((u - 0.10) / 0.27) ** 2 + ((v - 0.60) / 0.15) ** 2
    picture += 0.17 * _step(1 - heart, 0.5)
    picture += 0.10 * np.exp(-((u / 0.14) ** 2)) * body
    grain = np.random.default_rng(7).normal(0, 0.02, (ROWS, COLUMNS)).astype(np.float32)
    blurred = cv2.GaussianBlur(picture + grain, (0, 0), 1.3)
    return np.asarray(np.clip(160 + blurred * 4300, 0, 4095)[None], dtype=np.uint16)


def _lung(u: Map, v: Map, *, side: int) -> Map:
    """Draw the air of one lung, 0 to 1."""
    apart = np.clip((v - 0.15) / 0.6, 0, 1)
    width = 0.17 + 0.19 * np.sqrt(apart)
    across = np.abs(u * side - 0.40 - 0.05 * apart) / width
    dome = 0.74 + 0.12 * (np.abs(u) - 0.38) ** 2 / 0.1
    return _step(1 - across, 0.35) * _step(v - 0.13, 0.08) * _step(dome - v, 0.05)


def _bones(u: Map, v: Map, body: Map) -> Map:
    """Draw ribs, collar bones and the spine."""
    bones = np.zeros_like(u)
    lateral = _step(0.86 - np.abs(u), 0.10) * _step(np.abs(u) - 0.07, 0.04)
    for rib in range(9):
        back = 0.15 + 0.070 * rib + 0.11 * (np.abs(u) - 0.42) ** 2 * 3 - 0.02 * np.abs(u)
        bones += 0.075 * np.exp(-(((v - back) / 0.0125) ** 2)) * lateral
        front = 0.25 + 0.085 * rib - 0.16 * (np.abs(u) - 0.85) ** 2 + 0.08
        bones += 0.035 * np.exp(-(((v - front) / 0.014) ** 2)) * lateral * _step(0.72 - v, 0.08)
    collar = 0.165 - 0.075 * np.abs(u) + 0.02 * np.sin(np.abs(u) * 8)
    bones += (
        0.11 * np.exp(-(((v - collar) / 0.013) ** 2)) * _step(0.78 - np.abs(u), 0.06) * _step(np.abs(u) - 0.05, 0.03)
    )
    bones += 0.13 * np.exp(-((u / 0.075) ** 4)) * body
    for level in np.linspace(0.05, 0.96, 17):
        bones -= 0.045 * np.exp(-(((v - level) / 0.007) ** 2) - (u / 0.07) ** 4)
    return np.asarray(bones, dtype=np.float32)


def _step(level: Map, width: float) -> Map:
    """Make a soft step from 0 to 1 around zero."""
    return np.asarray(1 / (1 + np.exp(np.clip(-level * 8 / width, -60, 60))), dtype=np.float32)
