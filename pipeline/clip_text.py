"""Reading a clip: every frame is looked at, and what it shows is read once.

The first frame and the last are read whole, between them what is new (`novelty`), and in the end the darkest value of
each pixel over all frames, in which letters stand alone that stand on all of them, where it shows what no frame that
was read did. A text that was read is followed as
long as its ink stands; where it changes the place is read again. The rule of this file: a reader that fails raises; it
never gives "no text".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pipeline.ink import Ink
from pipeline.records import TextFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.detectors import FoundText, TextReader
    from pipeline.novelty import Novelty
    from pipeline.plan import Box

FEW_FRAMES = 4
"""A clip of no more frames is read whole, frame by frame: there is nothing to be learned from it."""
_AROUND_PX = (48, 24)
_ANOTHER_PAGE = 3
"""Where so many texts end at once, a frame has nothing to do with the one before and is read whole."""
_SAME_ON_ONE_FRAME = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenText:
    """A text that was read, and the frames that show it: zero-based, both inclusive.

    Parameters
    ----------
    left, top, right, bottom
        Pixels of the frame, right and bottom exclusive.
    """

    left: int
    top: int
    right: int
    bottom: int
    text: str
    confidence: float
    frame_first: int
    frame_last: int

    @property
    def box(self) -> Box:
        """Left, top, right, bottom."""
        return (self.left, self.top, self.right, self.bottom)


Found = TypeVar("Found", SeenText, TextFinding)
"""A text with its place and frames, as it was read or as it is judged."""


class Scanner:
    """Reads images and parts of images, each different one once.

    Parameters
    ----------
    strict
        Look harder; used when verifying.

    Attributes
    ----------
    pixels
        Read so far: what a clip costs.
    """

    def __init__(self, reader: TextReader, *, strict: bool) -> None:
        self._reader = reader
        self._strict = strict
        self._known: dict[bytes, tuple[FoundText, ...]] = {}
        self.pixels = 0

    def read(self, image: NDArray[np.uint8], box: Box, frames: tuple[int, int]) -> list[SeenText]:
        """Read a part of an image, for the frames (first, last) that show it."""
        left, top, right, bottom = box
        part = np.ascontiguousarray(image[top:bottom, left:right])
        return [
            SeenText(
                left=int(found.left) + left,
                top=int(found.top) + top,
                right=int(found.right) + left,
                bottom=int(found.bottom) + top,
                text=found.text,
                confidence=float(found.confidence),
                frame_first=frames[0],
                frame_last=frames[1],
            )
            for found in self._read(part, (int(image.shape[0]), int(image.shape[1])))
        ]

    def _read(self, part: NDArray[np.uint8], frame: tuple[int, int]) -> tuple[FoundText, ...]:
        digest = hashlib.blake2b(repr((part.shape, frame)).encode(), digest_size=24)
        digest.update(part.data)
        key = digest.digest()
        if key not in self._known:
            self._known[key] = tuple(self._reader.read(part, strict=self._strict, frame=frame))
            self.pixels += part.shape[0] * part.shape[1]
        return self._known[key]


def read_clip(frames: Iterable[Sequence[NDArray[np.uint8]]], count: int, scanner: Scanner) -> Iterator[SeenText]:
    """Read all frames of an object.

    Parameters
    ----------
    frames
        The views of each frame, in order: uint8 (rows, columns) or (rows, columns, 3). They are taken one at a time.
    count
        How many frames there are.

    Yields
    ------
    SeenText
        The same text may come several times; what two views read differently at one place comes twice: one reading may
        be a word to keep, the other not.
    """
    clips: dict[int, _Clip] = {}
    for index, views in enumerate(frames):
        for number in [number for number in clips if number >= len(views)]:
            yield from clips.pop(number).end()  # a view that some frames lack is another clip when it comes again
        for number, shown in enumerate(views):
            if number not in clips:
                clips[number] = _Clip(scanner, count)
            clips[number].look(index, shown)
    for clip in clips.values():
        yield from clip.end()


class _Clip:
    """One view of a clip, on frames that follow each other."""

    def __init__(self, scanner: Scanner, count: int) -> None:
        self._scanner = scanner
        self._count = count
        self._novelty: Novelty | None = None
        self._followed: list[tuple[SeenText, Ink]] = []
        self._before: NDArray[np.uint8] | None = None
        self._darkest: NDArray[np.uint8] | None = None
        self._first = self._last = -1
        self._seen: list[SeenText] = []

    def look(self, index: int, shown: NDArray[np.uint8]) -> None:
        """Read what is new in frame `index`."""
        follows = self._before is not None and self._before.shape == shown.shape
        steady = np.minimum(self._before, shown) if follows and self._before is not None else None
        self._first = index if self._before is None else self._first
        self._last, self._before = index, shown
        self._darken(shown)
        whole = _whole(shown)
        changed = self._follow(index, shown)
        if steady is None or self._novelty is None or self._count <= FEW_FRAMES:
            self._novelty = _novelty_of(shown) if self._count > FEW_FRAMES else None
            self._new(shown, (whole,), (index, index))
            if steady is not None:
                self._new(steady, (whole,), (index - 1, index))
            return
        news = self._novelty.look(shown)
        all_of_it = len(changed) >= _ANOTHER_PAGE
        self._new(shown, (whole,) if all_of_it else (*news.shown, *changed), (index, index))
        self._new(steady, news.steady, (index - 1, index))

    def end(self) -> list[SeenText]:
        """Read the last frame, and what stands on all; return all that was seen."""
        if self._before is not None:
            self._new(self._before, (_whole(self._before),), (self._last, self._last))
        self._seen.extend(text for text, _ in self._followed)
        if self._darkest is not None and self._novelty is not None and self._last - self._first >= FEW_FRAMES:
            for box in self._novelty.unlike_read(self._darkest):
                self._seen.extend(self._scanner.read(self._darkest, box, (self._first, self._last)))
        self._novelty = self._before = self._darkest = None
        return self._seen

    def _darken(self, shown: NDArray[np.uint8]) -> None:
        if self._darkest is None:
            self._darkest = shown.copy()
        elif self._darkest.shape == shown.shape:
            np.minimum(self._darkest, shown, out=self._darkest)

    def _new(self, image: NDArray[np.uint8], boxes: Iterable[Box], frames: tuple[int, int]) -> None:
        for box in boxes:
            for text in self._scanner.read(image, box, frames):
                self._go_on_with(text, image)

    def _go_on_with(self, text: SeenText, image: NDArray[np.uint8]) -> None:
        """Follow a text, or join it to the same one that is followed already."""
        at = next((i for i, (other, _) in enumerate(self._followed) if _is_same(text, other)), None)
        if at is None:
            self._followed.append((text, Ink.of(image, text.box)))
        else:
            other, ink = self._followed[at]
            self._followed[at] = (joined(other, text), ink)

    def _follow(self, index: int, shown: NDArray[np.uint8]) -> list[Box]:
        """Go on with the texts whose ink still stands; return the places of the others."""
        going: list[tuple[SeenText, Ink]] = []
        changed: list[Box] = []
        for text, ink in self._followed:
            if ink.stands_in(shown):
                going.append((replace(text, frame_last=index), ink))
            else:
                self._seen.append(text)
                changed.append(_around(text.box, shown.shape))
        self._followed = going
        return list(dict.fromkeys(changed))


def _whole(shown: NDArray[np.uint8]) -> Box:
    return (0, 0, int(shown.shape[1]), int(shown.shape[0]))


def _novelty_of(first: NDArray[np.uint8]) -> Novelty:
    from pipeline.novelty import Novelty  # noqa: PLC0415  15 MB of libraries that a header job never needs

    return Novelty(first)


def _is_same(one: SeenText, other: SeenText) -> bool:
    return one.text == other.text and overlap(one.box, other.box) >= _SAME_ON_ONE_FRAME


def joined(one: Found, other: Found) -> Found:
    """Return the first of two readings of one text with the place and the frames of both."""
    return replace(
        one,
        left=min(one.left, other.left),
        top=min(one.top, other.top),
        right=max(one.right, other.right),
        bottom=max(one.bottom, other.bottom),
        confidence=max(one.confidence, other.confidence),
        frame_first=min(one.frame_first, other.frame_first),
        frame_last=max(one.frame_last, other.frame_last),
    )


def _around(box: Box, shape: tuple[int, ...]) -> Box:
    left, top, right, bottom = box
    across, down = _AROUND_PX
    return (max(0, left - across), max(0, top - down), min(shape[1], right + across), min(shape[0], bottom + down))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both)
