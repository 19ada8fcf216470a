"""Image to network input and back: one class that knows both directions of the resize.

Rule of the file: geometry and grey values only; no thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE_PX = 256
"""Rows and columns of the network's input and output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """The resize of one image size into the square the network reads, aspect kept, centred, black margins.

    Parameters
    ----------
    rows, columns
        Size of the image, px.
    """

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise ValueError("An image has at least one row and one column.")

    @property
    def inner(self) -> tuple[int, int, int, int]:
        """Where the image lies in the square: (left, top, right, bottom), px, right and bottom exclusive."""
        scale = SIDE_PX / max(self.rows, self.columns)
        high, wide = max(1, round(self.rows * scale)), max(1, round(self.columns * scale))
        left, top = (SIDE_PX - wide) // 2, (SIDE_PX - high) // 2
        return left, top, left + wide, top + high

    def to_network(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Make the network's input.

        Parameters
        ----------
        image
            uint8 (rows, columns) or (rows, columns, 3) RGB, of this letterbox's size.

        Returns
        -------
        numpy.ndarray
            float32 (256, 256), grey of 0 to 1, margins 0.
        """
        if image.shape[:2] != (self.rows, self.columns):
            raise ValueError("The image is not of the letterbox's size.")
        left, top, right, bottom = self.inner
        shrinks = max(self.rows, self.columns) > SIDE_PX
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        small = cv2.resize(image, (right - left, bottom - top), interpolation=how)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) if small.ndim == 3 else small  # noqa: PLR2004  axes of a colour image
        square = np.zeros((SIDE_PX, SIDE_PX), dtype=np.float32)
        square[top:bottom, left:right] = grey.astype(np.float32) / 255.0
        return square

    def to_image(self, square: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring a map of the network back onto the image.

        Parameters
        ----------
        square
            float32 (256, 256).

        Returns
        -------
        numpy.ndarray
            float32 (rows, columns), bilinear; the margins are dropped.
        """
        left, top, right, bottom = self.inner
        crop = np.ascontiguousarray(square[top:bottom, left:right])
        back = cv2.resize(crop, (self.columns, self.rows), interpolation=cv2.INTER_LINEAR)
        return np.asarray(back, dtype=np.float32)

    def points_to_image(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move points of the square onto the image.

        Parameters
        ----------
        points
            float64 (n, 2), (x, y), origin at the centre of the first pixel.

        Returns
        -------
        numpy.ndarray
            float64 (n, 2), the same in pixels of the image.
        """
        left, top, right, bottom = self.inner
        scale = np.array([self.columns / (right - left), self.rows / (bottom - top)])
        return np.asarray((points - [left, top] + 0.5) * scale - 0.5, dtype=np.float64)
