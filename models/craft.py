"""EasyOCR's text detector CRAFT, exported to ONNX: from a frame to boxes around words.

The rule of this file: it finds and never reads, as `models.ppocr`; thresholds are those that did best on ultrasound
screens, not EasyOCR's defaults.

Source: Baek et al., "Character Region Awareness for Text Detection" (CVPR 2019).
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

_STRIDE = 2  # the maps have half the frame's rows and columns
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32) * 255
_SPREAD = np.array([0.229, 0.224, 0.225], dtype=np.float32) * 255
_MOST_PX = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CraftSettings:
    """What counts as text in CRAFT's two maps.

    Parameters
    ----------
    magnify
        The frame is enlarged by this, as far as four megapixels allow.
    text
        A word's brightest character score must reach this.
    low
        Pixels above this character score belong to a word,
    link
        and pixels above this affinity join characters.
    margin
        What a box grows by on each side, as a share of its shorter side.
    """

    magnify: float
    text: float
    low: float
    link: float
    margin: float


TUNED = CraftSettings(magnify=1.5, text=0.5, low=0.3, link=0.4, margin=0.1)
"""EasyOCR's own are magnify 1, text 0.7, low 0.4: they lose small labels."""

STRICT = CraftSettings(magnify=2.0, text=0.5, low=0.3, link=0.4, margin=0.1)
"""The closer look at what should be clean."""


class CraftDetector:
    """CRAFT with its geometry, both ways.

    Parameters
    ----------
    session
        The open detector as `sonoveil models export easyocr` writes it.
    tile_px
        Pixels of one call; bounds memory.
    multiple
        Tiles are padded to multiples of this; `FEW_SHAPES` for a GPU.
    """

    name = "craft"

    def __init__(self, session: Session, *, tile_px: int = 400_000, multiple: int = 32) -> None:
        self._session = session
        self._tile_px = tile_px
        self._multiple = multiple

    def detect(self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int]) -> tuple[Box, ...]:
        """Boxes around what looks like words.

        Parameters
        ----------
        image
            uint8 (rows, columns, 3), RGB.
        strict
            Look closer: twice the size.
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
        settings = STRICT if strict else TUNED
        factor = max(1.0, min(settings.magnify, (_MOST_PX / (frame[0] * frame[1])) ** 0.5))
        scaling = Scaling(rows=image.shape[0], columns=image.shape[1], factor=factor)
        maps = stitched(
            scaling.apply(image),
            self._maps,
            limit_px=self._tile_px,
            margin_px=64,
            stride=_STRIDE,
            multiple=self._multiple,
        )
        return word_boxes(maps[0], maps[1], settings, scaling)

    def _maps(self, tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
        batch = normalised(tile)
        output = self._session.run(batch)[0][0]
        expected = (tile.shape[0] // _STRIDE, tile.shape[1] // _STRIDE, 2)
        # A NaN would compare as "no text here": a broken model must not read as a clean frame.
        if output.shape != expected or not np.isfinite(output).all():
            raise ModelFailed(self._session.name, "its output is not two scores for every second pixel")
        return np.asarray(np.clip(output, 0, 1).transpose(2, 0, 1) * 255, dtype=np.uint8)


def normalised(tile: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the network's input, float32 (1, 3, rows, columns), from uint8 (rows, columns, 3) RGB."""
    scaled = (tile.astype(np.float32) - _MEAN) / _SPREAD
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def word_boxes(
    characters: NDArray[np.uint8], links: NDArray[np.uint8], settings: CraftSettings, scaling: Scaling
) -> tuple[Box, ...]:
    """Boxes in the frame's own pixels from the two maps.

    Parameters
    ----------
    characters, links
        uint8 (rows, columns) / 2 of the scaled frame: character and affinity scores times 255.
    settings
        Thresholds.
    scaling
        The way back to the frame.
    """
    linked = links > settings.link * 255
    words = ((characters > settings.low * 255) | linked).astype(np.uint8)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(words, connectivity=4)
    boxes = []
    for number in range(1, count):
        left, top, width, height, size = (int(value) for value in statistics[number])
        window = (slice(top, top + height), slice(left, left + width))
        own = labels[window] == number
        score = int(characters[window][own].max()) / 255
        if size < 10 or score < settings.text:  # noqa: PLR2004  CRAFT's own smallest component
            continue
        # The affinity between characters is no ink: the word's extent is that of its characters.
        inked = own & ~(linked[window] & (characters[window] <= settings.low * 255))
        if not inked.any():
            continue
        lines, places = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
        # Character scores fade before the ink ends; CRAFT grows the component by this many pixels in all.
        grow = int((size * min(width, height) / (width * height)) ** 0.5 * 2) / 2
        grow += settings.margin * min(width, height)
        box = scaling.back(
            (left + places[0] - grow) * _STRIDE,
            (top + lines[0] - grow) * _STRIDE,
            (left + places[-1] + 1 + grow) * _STRIDE,
            (top + lines[-1] + 1 + grow) * _STRIDE,
            score=score,
        )
        if box is not None:
            boxes.append(box)
    return tuple(boxes)
