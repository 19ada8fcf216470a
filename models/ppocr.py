"""PP-OCRv6's text detector: from a frame to boxes.

The rule of this file: it finds and never reads; what is small enough to be masked unread is the gate's business.

Source: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization" (AAAI 2020); weights of the
PP-OCRv6 small detector as the PyPI package rapidocr carries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.errors import ModelFailed
from models.geometry import Box, Scaling, stitched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.session import Session

_SMALLEST_PX = 3  # a blob thinner than this, in the scaled frame, is no letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How closely the detector looks.

    Parameters
    ----------
    short_side_px
        The frame is enlarged until its shorter side has this length.
    enlarge_most
        But never by more than this.
    enlarge_least
        And at least by this, as long as `most_px` allows it.
    most_px
        Pixels of the enlarged frame that are never exceeded by enlarging (a larger frame is looked at as it is).
    pixel_threshold
        Probability above which a pixel belongs to a text kernel.
    box_threshold
        Mean probability above which a kernel is a text.
    unclip
        How far a kernel grows: distance = area x unclip / perimeter.
    contrast
        Whether local contrast is raised first.
    """

    short_side_px: int
    enlarge_most: float
    enlarge_least: float
    most_px: int
    pixel_threshold: float
    box_threshold: float
    unclip: float
    contrast: bool


FIRST_LOOK = Look(
    short_side_px=736,
    enlarge_most=4.0,
    enlarge_least=1.0,
    most_px=4_000_000,
    pixel_threshold=0.15,
    box_threshold=0.3,
    unclip=1.7,
    contrast=False,
)
"""Low thresholds: a text missed costs more than a text too many, which the gate sorts out."""

STRICT_LOOK = Look(
    short_side_px=736,
    enlarge_most=4.0,
    enlarge_least=1.5,
    most_px=4_000_000,
    pixel_threshold=0.2,
    box_threshold=0.3,
    unclip=2.0,
    contrast=True,
)
"""The look at what should be clean: larger, with raised contrast."""


class PpocrDetector:
    """PP-OCR's differentiable-binarization detector with its geometry, both ways.

    Parameters
    ----------
    session
        The open detector.
    tile_px
        Pixels of one call; bounds memory.
    multiple
        Tiles are padded to multiples of this; `FEW_SHAPES` for a GPU.
    """

    name = "ppocr"

    def __init__(self, session: Session, *, tile_px: int = 400_000, multiple: int = 32) -> None:
        self._session = session
        self._tile_px = tile_px
        self._multiple = multiple

    def detect(self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int]) -> tuple[Box, ...]:
        """Boxes around what looks like text.

        Parameters
        ----------
        image
            uint8 (rows, columns, 3), RGB.
        strict
            Look closer: see `STRICT_LOOK`.
        frame
            Rows and columns of the frame that `image` is all or a part of: a part is enlarged as its frame would be.

        Returns
        -------
        tuple of Box
            In pixels of `image`.

        Raises
        ------
        ModelFailed
            The model broke.
        """
        return self.detect_with(image, STRICT_LOOK if strict else FIRST_LOOK, frame)

    def detect_with(self, image: NDArray[np.uint8], look: Look, frame: tuple[int, int]) -> tuple[Box, ...]:
        """Find boxes with settings of one's own (for measuring them)."""
        factor = scaling_for(*frame, look).factor
        scaling = Scaling(rows=image.shape[0], columns=image.shape[1], factor=factor)
        scaled = scaling.apply(image)
        if look.contrast:
            scaled = raised_contrast(scaled, (image.shape[0] / frame[0], image.shape[1] / frame[1]))
        probability = stitched(
            scaled, self._probabilities, limit_px=self._tile_px, margin_px=64, multiple=self._multiple
        )[0]
        return tuple(_boxes(probability, scaling, look))

    def _probabilities(self, tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # The model was trained on OpenCV's channel order (blue first), scaled to -1 ... 1.
        planes = tile[:, :, ::-1].transpose(2, 0, 1)[np.newaxis]
        batch = planes.astype(np.float32, order="C")  # else onnxruntime makes a copy that is
        batch *= 1 / 127.5
        batch -= 1
        output = self._session.run(batch)[0][0]
        # A NaN would compare as "no text here": a broken model must not read as a clean frame.
        if output.shape != (1, *tile.shape[:2]) or not np.isfinite(output).all():
            raise ModelFailed(self._session.name, "its output is not a probability for every pixel")
        return np.asarray(output * 255, dtype=np.uint8)


def scaling_for(rows: int, columns: int, look: Look) -> Scaling:
    """How a frame of this size is resized for this look."""
    factor = min(max(look.short_side_px / min(rows, columns), look.enlarge_least), look.enlarge_most)
    affordable = (look.most_px / (rows * columns)) ** 0.5
    return Scaling(rows=rows, columns=columns, factor=max(1.0, min(factor, affordable)))


def raised_contrast(image: NDArray[np.uint8], share: tuple[float, float] = (1.0, 1.0)) -> NDArray[np.uint8]:
    """Raise local contrast (CLAHE on lightness) in tiles of an eighth of the frame; the shape stays.

    Parameters
    ----------
    share
        Which share of its frame's rows and columns the image is.
    """
    lightness_first = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    tiles = (max(1, round(8 * share[1])), max(1, round(8 * share[0])))
    lightness_first[:, :, 0] = cv2.createCLAHE(clipLimit=3.0, tileGridSize=tiles).apply(lightness_first[:, :, 0])
    return np.asarray(cv2.cvtColor(lightness_first, cv2.COLOR_LAB2RGB), dtype=np.uint8)


def _boxes(probability: NDArray[np.uint8], scaling: Scaling, look: Look) -> list[Box]:
    """Boxes in the frame's own pixels from the probabilities (0 to 255) of the scaled frame."""
    kernels = (probability > look.pixel_threshold * 255).astype(np.uint8)
    contours, _ = cv2.findContours(kernels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = (_box(contour, probability, scaling, look) for contour in contours)
    return [box for box in boxes if box is not None]


def _box(contour: NDArray[np.int32], probability: NDArray[np.uint8], scaling: Scaling, look: Look) -> Box | None:
    centre, (width, height), angle = cv2.minAreaRect(contour)
    if min(width, height) < _SMALLEST_PX:
        return None
    score = _mean_inside(probability, cv2.boxPoints((centre, (width, height), angle))) / 255
    if score < look.box_threshold:
        return None
    # Growing a rectangle by a distance on every side; the kernel was shrunk so when the model was trained.
    distance = look.unclip * width * height / (2 * (width + height))
    corners = cv2.boxPoints((centre, (width + 2 * distance, height + 2 * distance), angle))
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return scaling.back(float(left), float(top), float(right) + 1, float(bottom) + 1, score=score)


def _mean_inside(probability: NDArray[np.uint8], corners: NDArray[np.float32]) -> float:
    rows, columns = probability.shape
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (columns - 1, rows - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, (columns - 1, rows - 1))
    inside = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
    cv2.fillPoly(inside, [(corners - (left, top)).astype(np.int32)], (1,))
    return float(cv2.mean(probability[top : bottom + 1, left : right + 1], inside)[0])
