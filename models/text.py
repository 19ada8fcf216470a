"""Burned-in text of one frame: found by a detector, sorted by a gate, read by a recogniser.

The rule of this file: when in doubt a region stays in the result, because what is in the result is masked. Only what
is too large to be a line of a label, and what the reader cannot read, is taken for anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.geometry import Box
from models.recognise import NOTHING_READ, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.recognise import Recogniser

_GREY, _COLOUR = 2, 3
_ALMOST_SURE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRegion:
    """One region of burned-in text.

    Parameters
    ----------
    left, top, right, bottom
        Pixels of the frame that was read, origin top left; right and bottom exclusive.
    text
        What the recogniser read; may be empty. Confidential.
    confidence
        The reader's, 0 to 1; 0 where it read nothing.
    detector
        Which detector found it: `ppocr` or `craft`.
    """

    left: int
    top: int
    right: int
    bottom: int
    text: str
    confidence: float
    detector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Which boxes are masked unread, and what the reader must make of the others.

    Parameters
    ----------
    height_share
        A box up to this share of the frame's rows,
    area_share
        and up to this share of its area, stays unread.
    characters
        A larger one stays when the reader finds this many letters or digits
    confidence
        and is this sure.
    thick_share
        A line thicker than this share of the frame's rows is a word of the size of an organ: it stays only when
        twice as many characters are read almost surely. Black boxes and bones read as `II` or `13` otherwise.
    """

    height_share: float
    area_share: float
    characters: int
    confidence: float
    thick_share: float

    def passes(self, box: Box, reading: Reading, *, rows: int, columns: int) -> bool:
        """Whether the box is taken for text."""
        if box.height <= self.height_share * rows and box.width * box.height <= self.area_share * rows * columns:
            return True
        if min(box.width, box.height) > self.thick_share * rows:
            return _alphanumerics(reading) >= 2 * self.characters and reading.confidence >= _ALMOST_SURE
        return self.readable(reading)

    def readable(self, reading: Reading) -> bool:
        """Whether the reading alone makes it text."""
        return _alphanumerics(reading) >= self.characters and reading.confidence >= self.confidence


def _alphanumerics(reading: Reading) -> int:
    return sum(character.isalnum() for character in reading.text)


FIRST_GATE = Gate(height_share=0.09, area_share=0.03, characters=2, confidence=0.6, thick_share=0.2)
"""Measured on real frames: keeps true titles, drops anatomy that looks like a stroke."""

STRICT_GATE = Gate(height_share=0.0, area_share=0.0, characters=2, confidence=0.6, thick_share=0.2)
"""The verification's: only what can be read counts, or a gate would hold clean frames."""


class Detector(Protocol):
    """Finds boxes."""

    name: str

    def detect(self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int]) -> tuple[Box, ...]:
        """Boxes of an uint8 (rows, columns, 3) RGB image, in its pixels; `frame`: rows and columns of its frame."""
        ...


class TextReader:
    """Finds and reads the burned-in text of a frame.

    Parameters
    ----------
    detectors
        Each with the recogniser that reads its boxes; two make a union.
    """

    def __init__(self, detectors: Sequence[tuple[Detector, Recogniser]]) -> None:
        self._detectors = tuple(detectors)

    def read(
        self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int] | None = None
    ) -> tuple[TextRegion, ...]:
        """Every region of text in the frame, or in a part of it, from top to bottom.

        Parameters
        ----------
        image
            uint8 (rows, columns) grey, or (rows, columns, 3) RGB. It is not changed.
        strict
            False: the first look, which decides what is masked; small regions count unread.
            True: the verification of a frame whose text was masked; larger, with raised contrast, and only what
            the reader can read counts.
        frame
            Rows and columns of the frame that `image` is a part of, so that it is looked at and judged as in its frame;
            None for a whole frame.

        Returns
        -------
        tuple of TextRegion
            Empty only when the models ran and found nothing.

        Raises
        ------
        ModelFailed
            A model broke; there is no result.
        ValueError
            The image is not of the shape or type above.
        """
        colour = _rgb(image)
        whole = frame or colour.shape[:2]
        regions = [
            region
            for one, reader in self._detectors
            for region in _found(colour, one, reader, strict=strict, frame=whole)
        ]
        return tuple(sorted(_without_doubles(regions), key=lambda region: (region.top, region.left)))


def _found(
    image: NDArray[np.uint8], detector: Detector, reader: Recogniser, *, strict: bool, frame: tuple[int, int]
) -> list[TextRegion]:
    boxes = detector.detect(image, strict=strict, frame=frame)
    gate = STRICT_GATE if strict else FIRST_GATE
    rows, columns = frame
    return [
        TextRegion(
            left=box.left,
            top=box.top,
            right=box.right,
            bottom=box.bottom,
            text=reading.text,
            confidence=reading.confidence,
            detector=detector.name,
        )
        for box, reading in zip(boxes, _readings(image, boxes, reader), strict=True)
        if gate.passes(box, reading, rows=rows, columns=columns)
    ]


def _readings(image: NDArray[np.uint8], boxes: Sequence[Box], reader: Recogniser) -> list[Reading]:
    """One reading per box; a tall box is read in both upright directions and the surer one counts."""
    crops: list[NDArray[np.uint8]] = []
    owners: list[int] = []
    for owner, box in enumerate(boxes):
        crop = image[box.top : box.bottom, box.left : box.right]
        turns = (1, 3) if box.height > 1.5 * box.width and box.height > 30 else (0,)  # noqa: PLR2004  a line, stood up
        crops.extend(np.rot90(crop, turn) for turn in turns)
        owners.extend([owner] * len(turns))
    best = [NOTHING_READ] * len(boxes)
    for owner, reading in zip(owners, reader.read(crops), strict=True):
        best[owner] = max(best[owner], reading, key=lambda one: one.confidence)
    return best


def _without_doubles(regions: list[TextRegion]) -> list[TextRegion]:
    """Drop what lies wholly in a larger region: masking that one masks both."""
    kept: list[tuple[Box, TextRegion]] = []
    for region in sorted(regions, key=lambda one: (one.left - one.right) * (one.bottom - one.top)):
        box = Box(left=region.left, top=region.top, right=region.right, bottom=region.bottom, score=region.confidence)
        if not any(other.covers(box, 1.0) for other, _ in kept):
            kept.append((box, region))
    return [region for _, region in kept]


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim not in {_GREY, _COLOUR} or 0 in image.shape:
        raise ValueError("an image is uint8 (rows, columns) or (rows, columns, 3), and not empty")
    if image.ndim == _GREY:
        # A view: three samples that are one, so that a large grey frame is not held three times.
        return np.broadcast_to(image[:, :, np.newaxis], (*image.shape, 3))
    if image.shape[2] != 3:  # noqa: PLR2004  red, green, blue
        raise ValueError("a colour image has three samples a pixel")
    return image
