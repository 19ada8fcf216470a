"""The frames of a video, for the same stages as those of any object.

A frame's samples are luminance and both colours as they are coded, (rows, columns, 3), each colour repeated over the
four pixels that share it: nothing is interpolated, so that equal samples mean equal pictures. The rule of this file:
frames are decoded in order; who goes back starts again from the first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from pipeline.frames.decode import DecodedFrame
from pipeline.frames.description import VIDEO_COLOUR
from pipeline.frames.display import Presentation, read_presentation
from pipeline.frames.fragments import stream_fragments
from pipeline.frames.stream import Frames, PixelElement
from pipeline.frames.video.joined import JoinedFragments
from pipeline.frames.video.limits import LARGEST_PICTURE
from pipeline.frames.video.player import Player, planes_of
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pydicom import Dataset

    from pipeline.frames.description import PixelDescription
    from pipeline.frames.syntaxes import Syntax
    from pipeline.frames.video.player import Film

_KEPT_FRAMES = 3
_RATE_TOLERANCE = Fraction(1, 20)
"""Cine Rate is a whole number, and headers say 33 ms of 30000/1001 frames a second."""
_PADDING = 63
"""Rows or columns that a coded picture may have beyond those that are shown, at most: a block less one."""
_SAMPLES = 3
_BT709, _BT601 = (0.2126, 0.0722), (0.299, 0.114)
"""Shares of red and blue in luminance (ITU-R BT.709 and BT.601)."""
_MATRIX_709 = 1
_MATRICES_601 = (4, 5, 6)
_LOW_ROWS = 576
"""A video of more rows that does not name its colours has those of BT.709."""


class VideoFrames(Frames):
    """Frames of one video, in the order in which they are shown."""

    def __init__(  # the one coded stream is opened, where the base looks for every frame's own
        self,
        *,
        stream: BinaryIO,
        element: PixelElement,
        description: PixelDescription,
        syntax: Syntax,
        header: Dataset,
        extended_offsets: tuple[int, ...] | None,  # noqa: ARG002  of no meaning for one stream
    ) -> None:
        if description.samples != _SAMPLES or description.keyword != "PixelData":
            raise Held(Reason.UNDECODABLE, "a video of one colour")
        if description.rows * description.columns > LARGEST_PICTURE:
            raise Held(Reason.UNDECODABLE, "a video whose pictures are larger than any syntax allows")
        self.description = replace(description, photometric=VIDEO_COLOUR, planar=0)
        self.syntax = syntax
        self.element = element
        self.presentation: Presentation = read_presentation(header, self.description)
        self.is_swapped = False
        self._stream = stream
        self.aside = None
        self._may_hide_bits = False
        self.fragments = stream_fragments(stream, element.offset)
        self._index = (self.fragments,)
        self._header_rates = _header_rates(header)
        self._playing: Iterator[NDArray[Any] | None] = iter(())
        self._next = len(self)
        self._wanted = 0
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._film: Film | None = None

    @property
    def film(self) -> Film:
        """What the stream says about its pictures."""
        if self._film is None:
            self.decoded(0)
        assert self._film is not None, "a frame was decoded"
        return self._film

    def player(self) -> Player:
        """Return the stream from its start, as often as it is wanted."""
        d = self.description
        most = (d.rows + _PADDING) * (d.columns + _PADDING)
        joined = JoinedFragments(self._stream, self.fragments)
        rate = next(iter(self._header_rates), None)
        return Player(joined, self.syntax.coding, rate, most_pixels=most)

    def pictures(self) -> Iterator[Any]:
        """Yield every picture of the library, as many as the header announces.

        Raises
        ------
        Held
            `UNDECODABLE` where there are fewer or more, or they are not as the header says.
        """
        player = self.player()
        count = 0
        try:
            for picture in player.pictures():
                if not count:
                    self._check(player.film)
                if count == len(self):
                    raise Held(Reason.UNDECODABLE, "the video has more frames than the header says")
                yield picture
                count += 1
        finally:
            player.close()
        if count < len(self):
            raise Held(Reason.UNDECODABLE, "the video has fewer frames than the header says")

    def decoded(self, index: int) -> DecodedFrame:
        """Return the samples of frame `index`."""
        if index in self._kept:
            return DecodedFrame(self._kept[index], VIDEO_COLOUR)
        put_aside = None if self.aside is None else self.aside.get(index)
        if put_aside is not None and self._film is not None:
            return DecodedFrame(*put_aside)
        self._play_to(index)
        return DecodedFrame(self._kept[index], VIDEO_COLOUR)

    def show(self, frame: DecodedFrame, index: int) -> tuple[NDArray[np.uint8], ...]:  # noqa: ARG002  windows are of grey
        """Return what a reader sees of a decoded frame: uint8 RGB."""
        return (to_rgb(frame.samples, self.film),)

    def hides_bits(self, index: int) -> bool:  # noqa: ARG002  as the base
        """No bit is unused."""
        return False

    def codestream(self, index: int) -> bytes:  # noqa: ARG002  as the base
        """No frame has bytes of its own."""
        raise Held(Reason.UNDECODABLE, "a frame of a video has no bytes of its own")

    def clean_codestream(self, index: int) -> bytes:
        """No frame has bytes of its own."""
        return self.codestream(index)

    def _play_to(self, index: int) -> None:
        if index < self._next or self._next == len(self):
            self._playing, self._next = self._arrays(), 0
        self._wanted = index
        while self._next <= index:
            samples = next(self._playing)
            if samples is not None:
                self._keep(self._next, samples)
            self._next += 1
        if self._next == len(self):
            next(self._playing, None)  # there must be no more frames than announced

    def _keep(self, index: int, samples: NDArray[Any]) -> None:
        samples.flags.writeable = False
        self._kept[index] = samples
        while len(self._kept) > _KEPT_FRAMES:
            self._kept.popitem(last=False)
        if self.aside is not None and self.aside.get(index) is None:
            self.aside.put(index, DecodedFrame(samples, VIDEO_COLOUR))

    def _arrays(self) -> Iterator[NDArray[Any] | None]:
        """Yield the samples of the frame that is wanted; of those before it where they can be put aside, else None."""
        for index, picture in enumerate(self.pictures()):
            yield samples_of(picture) if index == self._wanted or self.aside is not None else None

    def _check(self, film: Film) -> None:
        d = self.description
        if (film.rows, film.columns) != (d.rows, d.columns):
            raise Held(Reason.UNDECODABLE, "the video has another size than the header")
        if film.bits != d.bits_stored:
            raise Held(Reason.UNDECODABLE, "the video has samples of other bits than the header")
        if film.rows % 2 or film.columns % 2:
            raise Held(Reason.UNDECODABLE, "a video of odd rows or columns")
        if any(abs(rate / film.rate - 1) > _RATE_TOLERANCE for rate in self._header_rates):
            raise Held(Reason.UNDECODABLE, "the video shows another number of frames a second than the header says")
        self._film = film


def samples_of(picture: Any) -> NDArray[Any]:
    """Return a picture's samples, (rows, columns, 3), as they are coded."""
    luminance, *colours = planes_of(picture)
    samples = np.empty((*luminance.shape, _SAMPLES), dtype=luminance.dtype)
    samples[..., 0] = luminance
    for at, colour in enumerate(colours, start=1):
        for row in (0, 1):
            for column in (0, 1):
                samples[row::2, column::2, at] = colour
    return samples


def to_rgb(samples: NDArray[Any], film: Film) -> NDArray[np.uint8]:
    """Return samples as uint8 RGB (ITU-R BT.601 or BT.709, as the film says)."""
    import cv2  # noqa: PLC0415  30 MB that a job which looks at nothing never needs

    matrix = _rgb_matrix(film)
    return np.asarray(np.clip(cv2.transform(samples.astype(np.float32), matrix) + 0.5, 0, 255), dtype=np.uint8)


def _rgb_matrix(film: Film) -> NDArray[np.float32]:
    is_601 = film.matrix in _MATRICES_601 or (film.matrix != _MATRIX_709 and film.rows <= _LOW_ROWS)
    red, blue = _BT601 if is_601 else _BT709
    green = 1 - red - blue
    deep = 1 << (film.bits - 8)
    low, span, colours = (0, 255, 255) if film.full_range else (16, 219, 224)
    scale, colour = 255 / (span * deep), 255 / (colours * deep)
    to_red, to_blue = 2 * (1 - red) * colour, 2 * (1 - blue) * colour
    rows = np.array(
        [[scale, 0, to_red], [scale, -to_blue * blue / green, -to_red * red / green], [scale, to_blue, 0]],
        dtype=np.float64,
    )
    black = np.array([low * deep, 128 * deep, 128 * deep], dtype=np.float64)
    return np.hstack([rows, -(rows @ black)[:, None]]).astype(np.float32)


def black_of(film: Film) -> tuple[int, int, int]:
    """Return the sample values of black."""
    deep = 1 << (film.bits - 8)
    return (0 if film.full_range else 16 * deep, 128 * deep, 128 * deep)


def _header_rates(header: Dataset) -> tuple[Fraction, ...]:
    """Return frames a second as Frame Time and Cine Rate say it, each where it is there (PS3.3, C.7.6.5).

    Recommended Display Frame Rate is a wish: it may differ from how the frames were acquired.
    """
    time, rate = _number(header, "FrameTime"), _number(header, "CineRate")
    return (*((1000 / time,) if time else ()), *((rate,) if rate else ()))


def _number(header: Dataset, keyword: str) -> Fraction | None:
    """Return a number above zero; None where there is none, or what is there is no number."""
    try:
        number = Fraction(str(header.get(keyword) or 0)).limit_denominator(10_000)
    except (ValueError, OverflowError):
        return None
    return number if number > 0 else None
