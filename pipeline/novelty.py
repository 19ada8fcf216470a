"""What is new in a frame of a clip, so that only that is read again. Nothing is read here.

Asked of every frame, in cells of 8 x 8 pixels: did a place that rests change since it was last read? Does a place that
stood still a moment ago show strokes other than those that were read? Has a place more
strokes than when it was last read, pixels that stand out from what surrounds them? Are many of its pixels brighter
than they ever were? The last two are asked of moving tissue too, whose speckle changes in every frame, but neither the
number of its strokes nor its brightest values. The rule of this file: what is in doubt is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.plan import Box

CELL = 8
"""Rows and columns of a cell, in pixels."""
_CHANGED_LEVELS = 16
"""A pixel that differs by more is another one; coding noise of static overlays stays below."""
_CHANGED_PIXELS = 2
"""So many of a cell's pixels: the thinnest mark of a letter."""
_ANOTHER_LEVELS = 28
_ANOTHER_PIXELS = 20
"""Strokes of another text differ so much, in so many pixels of the window of `_LINE_CELLS`."""
_STOOD_FRAMES = 2
"""A place that stood still so many frames ago is no moving tissue: a label went there, and the next came."""
_LIVELY = 0.05
_REPEAT_SHARE = 0.3
_LIVELY_FADES = 0.95
_REPEATS = 2
"""Where more than the first share of the cells moves, a frame repeats the one before when less than the second of the
usual moves; more than so many in a row are a frozen picture."""
_MOVED_LEVELS = 8
_MOVES_SHARE = 0.1
_RESTS_BELOW = 0.15
"""A cell rests that moved in less than about every seventh of the last frames."""
_TIMES_AT_ONCE = 1
_FRAMES_PER_TIME = 24
"""How often a resting place is read again because it changed, and after how many frames every place is."""
_STROKE_LEVELS = 28
"""By how much a pixel of a stroke differs from the mean of what surrounds it."""
_SURROUNDING = 15
"""Rows and columns of that, a little more than a line of a label."""
_LINE_CELLS = (6, 3)
"""Columns and rows of the window in which strokes are counted: about three letters of a label."""
_MORE_STROKES = 0.07
_MORE_STEADY_STROKES = 0.05
"""Which share of that window's pixels must be strokes beyond those that were read; a line of text has about 0.25."""
_BRIGHTER_LEVELS = 16
_BRIGHTER = 0.03
_TIMES_USUAL = 4.0
_USUAL_SHARE = 0.1
_USUAL_AT_FIRST = 0.1
"""Which share must be brighter than these pixels ever were: this, and so many times what is usual there."""
_CUT_LEVELS = 24
_CUT_SHARE = 0.3
"""The picture is another one when the mean of so many cells differs by so much from the frame before."""
_AROUND_CELLS = (6, 3)
"""Columns and rows that are read around what is new, so that whole words are seen."""
_WHOLE_SHARE = 0.8
"""Above this share of the frame, the whole frame is read."""
_BYTES_SUMMED, _TOP_BYTE = np.uint64(0x0101010101010101), np.uint64(56)
"""A number of eight bytes times the first has the sum of all of them in its highest byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Where to read.

    Parameters
    ----------
    shown
        Places to be read in the frame itself.
    steady
        Places to be read in the darker, pixel by pixel, of this frame and the one before.
    """

    shown: tuple[Box, ...]
    steady: tuple[Box, ...]


class Novelty:
    """Follows one view of a clip, frame by frame.

    Parameters
    ----------
    first
        The first frame, uint8 (rows, columns) or (rows, columns, 3), which is read whole.
    """

    def __init__(self, first: NDArray[np.uint8]) -> None:
        brightest = _brightest(first)
        self._shape = first.shape
        self._frame = 0
        self._read = first.copy()
        self._strokes = _strokes(brightest)
        self._steady = np.zeros_like(self._strokes[:1])
        self._before = self._highest = brightest
        self._means = _cells(brightest)
        self._usual = np.full(self._means.shape, _USUAL_AT_FIRST, dtype=np.float32)
        self._moves = np.zeros(self._means.shape, dtype=np.float32)
        self._moved_for = np.full(self._means.shape, _STOOD_FRAMES + 1, dtype=np.int32)
        self._lively, self._repeats = 0.0, 0
        self._times = np.full(self._means.shape, _TIMES_AT_ONCE, dtype=np.int32)

    def look(self, shown: NDArray[np.uint8]) -> News:
        """Tell what is new in the next frame, which counts as read there afterwards.

        Parameters
        ----------
        shown
            uint8, shaped as the first.
        """
        brightest = _brightest(shown)
        strokes, steady = _strokes(brightest), _bright_strokes(cv2.min(self._before, brightest))
        more = np.any(strokes > self._strokes + _MORE_STROKES, axis=0)
        stands = np.any(steady > self._steady + _MORE_STEADY_STROKES, axis=0)
        here = self._changed(shown, brightest) | self._brighter(brightest) | more
        self._before = brightest
        news = News(shown=self._places(np.asarray(here)), steady=self._places(np.asarray(more | stands)))
        for box in news.shown:
            left, top, right, bottom = box
            self._read[top:bottom, left:right] = shown[top:bottom, left:right]
            cells = _cells_of(box)
            self._strokes[:, *cells] = np.maximum(self._strokes[:, *cells], strokes[:, *cells])
            self._times[cells] -= self._moves[cells] > 0
        for box in news.steady:
            cells = _cells_of(box)
            self._steady[:, *cells] = np.maximum(self._steady[:, *cells], steady[:, *cells])
        return news

    def unlike_read(self, view: NDArray[np.uint8]) -> tuple[Box, ...]:
        """Tell where a view of the whole clip shows what no frame showed when it was read.

        Parameters
        ----------
        view
            uint8, shaped as the first frame.
        """
        difference = _brightest(cv2.absdiff(view, self._read))
        return self._places(_pixels(difference, _CHANGED_LEVELS) >= _CHANGED_PIXELS)

    def _changed(self, shown: NDArray[np.uint8], brightest: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell which places are not as they were read, of those that rest and, now and then, of all."""
        self._frame += 1
        self._begin_again_after_cut(brightest)
        difference = _brightest(cv2.absdiff(shown, self._read))
        changed = _pixels(difference, _CHANGED_LEVELS) >= _CHANGED_PIXELS
        rests = self._moves < _RESTS_BELOW
        moved = _pixels(cv2.absdiff(brightest, self._before), _MOVED_LEVELS) > 0
        another = changed & self._another(difference) & self._stood(moved)
        self._moves += _MOVES_SHARE * (moved - self._moves)
        if self._frame % _FRAMES_PER_TIME == 0:
            self._times[rests] = _TIMES_AT_ONCE
            return changed
        return np.asarray(changed & rests & (self._times > 0) | another)

    def _stood(self, moved: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell which places stand still, or stood in one of the frames just before.

        A frame that repeats the one before, as films of another rate have them, stands still as a whole: it says
        nothing of its places, until there are more such frames than a rate explains.
        """
        share = float(moved.mean())
        self._lively = max(share, _LIVELY_FADES * self._lively)
        self._repeats = 0 if share >= _REPEAT_SHARE * self._lively else self._repeats + 1
        stood = self._moved_for <= _STOOD_FRAMES
        is_repeat = 0 < self._repeats <= _REPEATS and self._lively > _LIVELY
        self._moved_for = np.where(moved, self._moved_for + 1, self._moved_for if is_repeat else 0)
        return np.asarray(stood | (self._moved_for == 0))

    def _another(self, difference: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell where enough differs from what was read for another text, so that no budget may leave it unread.

        Asked of places that stood still before this frame or stand still in it: what replaced a text that had just been
        read stands where that one stood, as often as it likes.
        """
        across, down = _LINE_CELLS
        window = cv2.blur(_pixels(difference, _ANOTHER_LEVELS), _LINE_CELLS, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(window * (across * down) >= _ANOTHER_PIXELS, dtype=np.bool_)

    def _begin_again_after_cut(self, brightest: NDArray[np.uint8]) -> None:
        means = _cells(brightest)
        if float((np.abs(means - self._means) > _CUT_LEVELS).mean()) >= _CUT_SHARE:
            self._times[:] = _TIMES_AT_ONCE
            self._moves[:] = 0
        self._means = means

    def _brighter(self, brightest: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell where many pixels are brighter than they ever were: letters over tissue whose speckle moves."""
        brighter = _pixels(cv2.subtract(brightest, self._highest), _BRIGHTER_LEVELS) / (CELL * CELL)
        share = cv2.blur(brighter, _LINE_CELLS)
        is_new = share > _BRIGHTER + _TIMES_USUAL * self._usual
        self._usual += _USUAL_SHARE * (np.where(is_new, self._usual, share) - self._usual)
        self._highest = np.asarray(cv2.max(self._highest, brightest), dtype=np.uint8)
        return np.asarray(is_new, dtype=np.bool_)

    def _places(self, cells: NDArray[np.bool_]) -> tuple[Box, ...]:
        """Return the rectangles of pixels to be read, so that these cells are in them."""
        if not cells.any():
            return ()
        around = np.ones((2 * _AROUND_CELLS[1] + 1, 2 * _AROUND_CELLS[0] + 1), np.uint8)
        grown = cv2.dilate(cells.view(np.uint8), around)
        boxes = _apart([tuple(map(int, row[:4])) for row in cv2.connectedComponentsWithStats(grown)[2][1:]])
        rows, columns = self._shape[:2]
        if sum(width * height for _, _, width, height in boxes) > _WHOLE_SHARE * grown.size:
            return ((0, 0, columns, rows),)
        return tuple(
            (left * CELL, top * CELL, min(columns, (left + width) * CELL), min(rows, (top + height) * CELL))
            for left, top, width, height in boxes
        )


def _apart(boxes: list[tuple[int, ...]]) -> list[tuple[int, int, int, int]]:
    """Join (left, top, width, height) that overlap."""
    done: list[tuple[int, int, int, int]] = []
    for left, top, width, height in boxes:
        box = (left, top, width, height)
        while (at := next((i for i, other in enumerate(done) if _touch(box, other)), None)) is not None:
            other = done.pop(at)
            first = (min(box[0], other[0]), min(box[1], other[1]))
            last = (max(box[0] + box[2], other[0] + other[2]), max(box[1] + box[3], other[1] + other[3]))
            box = (*first, last[0] - first[0], last[1] - first[1])
        done.append(box)
    return done


def _touch(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    across = one[0] < other[0] + other[2] and other[0] < one[0] + one[2]
    return across and one[1] < other[1] + other[3] and other[1] < one[1] + one[3]


def _brightest(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the brightest sample of each pixel: blue letters are as new as white ones."""
    if image.ndim == 2:  # noqa: PLR2004  rows and columns
        return image
    red, green, blue = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(red, green), blue), dtype=np.uint8)


def _cells(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean of every cell; those at the lower and right edge are filled up with zeros."""
    rows, columns = values.shape
    down, across = -(-rows // CELL), -(-columns // CELL)
    if (down * CELL, across * CELL) != (rows, columns):
        values = np.pad(values, ((0, down * CELL - rows), (0, across * CELL - columns)))
    return np.asarray(cv2.resize(values, (across, down), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _pixels(differences: NDArray[np.uint8] | cv2.typing.MatLike, levels: int) -> NDArray[np.float32]:
    """Return how many pixels of every cell are above a level.

    Ones are added eight at a time, as the bytes of one number: a row of a cell, then its eight rows, then the bytes.
    """
    above = np.asarray(cv2.threshold(differences, levels, 1, cv2.THRESH_BINARY)[1], dtype=np.uint8)
    rows, columns = above.shape
    if rows % CELL or columns % CELL:
        above = np.pad(above, ((0, -rows % CELL), (0, -columns % CELL)))
    lines = above.view(np.uint64).reshape(-1, CELL, above.shape[1] // CELL)
    return np.asarray((lines.sum(axis=1) * _BYTES_SUMMED) >> _TOP_BYTE, dtype=np.float32)


def _cells_of(box: Box) -> tuple[slice, slice]:
    """Return the rows and columns of the cells in a rectangle of pixels."""
    return (slice(box[1] // CELL, -(-box[3] // CELL)), slice(box[0] // CELL, -(-box[2] // CELL)))


def _strokes(brightest: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return which share of the pixels around every cell are bright, and which are dark strokes: (2, down, across)."""
    around = cv2.blur(brightest, (_SURROUNDING, _SURROUNDING))
    return np.stack([_share(cv2.subtract(brightest, around)), _share(cv2.subtract(around, brightest))])


def _bright_strokes(brightest: NDArray[np.uint8] | cv2.typing.MatLike) -> NDArray[np.float32]:
    """Return the first of `_strokes`: (1, down, across)."""
    return _share(cv2.subtract(brightest, cv2.blur(brightest, (_SURROUNDING, _SURROUNDING))))[np.newaxis]


def _share(difference: cv2.typing.MatLike) -> NDArray[np.float32]:
    strokes = _pixels(difference, _STROKE_LEVELS) / np.float32(CELL * CELL)
    return np.asarray(cv2.blur(strokes, _LINE_CELLS), dtype=np.float32)
