"""A coded stream → its pictures, from the first to the last, once, one in memory.

Strict: damage, another size in the middle, pictures that last differently or are shown turned end in `Held`. The rule
of this file: sound, data and titles beside the pictures are counted, never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.frames.syntaxes import Coding
from pipeline.frames.video.library import CODECS, Container, container_of, load, open_input
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.frames.video.joined import JoinedFragments

_FORMATS = {"yuv420p": 8, "yuvj420p": 8, "yuv420p10le": 10}
_FULL_RANGE = 2
_PROGRESSIVE = (0, 1)
_TOP_FIRST = (2, 4)
"""Orders of fields: coded and shown top first, and coded top first."""
_BOTTOM_FIRST = (3, 5)
_FASTEST = 300
_BLOCK = {Coding.MPEG_2: 16, Coding.AVC: 16, Coding.HEVC: 64}
"""Rows or columns by which a coded picture grows; twice as many rows where it has two fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What a stream says about its pictures.

    Parameters
    ----------
    rate
        Pictures a second.
    format
        Of a picture, by the library's name.
    full_range
        Black is 0 and white the highest value; else 16 and 235 of 255.
    matrix, primaries, transfer
        Numbers of ISO/IEC 23091-2.
    aspect
        Width of a pixel over its height; 0 where it is not said.
    top_first
        Which field comes first, where there are two.
    dropped
        What stands beside the pictures: `audio`, `data`, `subtitle`.
    """

    container: Container
    rows: int
    columns: int
    bits: int
    rate: Fraction
    format: str
    full_range: bool
    matrix: int
    primaries: int
    transfer: int
    aspect: Fraction
    interlaced: bool
    top_first: bool
    dropped: tuple[str, ...]


class Player:
    """Plays one stream once.

    Parameters
    ----------
    file
        The stream.
    rate
        Pictures a second as the header says; used where the stream does not say.
    most_pixels
        Of a picture; a larger one is an error.
    """

    def __init__(self, file: JoinedFragments, coding: Coding, rate: Fraction | None, *, most_pixels: int) -> None:
        self.container = container_of(file)
        self._input = open_input(file, coding, most_pixels=most_pixels)
        self._most_pixels = most_pixels
        self._stream = self._only_video(coding)
        self._block = _BLOCK[coding]
        self._header_rate = rate
        self._film: Film | None = None

    @property
    def film(self) -> Film:
        """What the stream says, once the first picture is there."""
        assert self._film is not None, "a picture was asked for"
        return self._film

    def pictures(self) -> Iterator[Any]:
        """Yield every picture in the order in which it is shown.

        Raises
        ------
        Held
            `UNDECODABLE`.
        """
        av = load()
        context = self._stream.codec_context
        context.thread_count = 1
        context.options = {"err_detect": "explode", "max_pixels": str(self._most_pixels)}
        clock = _Clock()
        try:
            for picture in self._input.decode(self._stream):
                if self._film is None:
                    self._film = self._read_film(picture)
                    clock.rate = self._film.rate
                self._check(picture)
                clock.look(picture)
                yield picture
        except av.FFmpegError as error:
            raise Held(Reason.UNDECODABLE, f"a video cannot be decoded ({type(error).__name__})") from error
        clock.end()

    def packets(self) -> Iterator[Any]:
        """Yield the coded pictures as they are, in the order in which they are coded."""
        av = load()
        try:
            for packet in self._input.demux(self._stream):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            raise Held(Reason.UNDECODABLE, f"a video cannot be read ({type(error).__name__})") from error

    @property
    def stream(self) -> Any:
        """The library's stream."""
        return self._stream

    @property
    def input(self) -> Any:
        """The library's container."""
        return self._input

    def close(self) -> None:
        """Let go of the library's memory."""
        self._input.close()

    def _only_video(self, coding: Coding) -> Any:
        av = load()
        videos = [one for one in self._input.streams.video if not one.disposition & av.stream.Disposition.attached_pic]
        if len(videos) != 1:
            raise Held(Reason.UNDECODABLE, "not one video, but none or several")
        context = videos[0].codec_context
        if context is None or context.name != CODECS[coding]:
            raise Held(Reason.UNDECODABLE, "the video is not coded as its transfer syntax says")
        return videos[0]

    def _read_film(self, picture: Any) -> Film:
        context = self._stream.codec_context
        if picture.format.name not in _FORMATS:
            raise Held(Reason.UNDECODABLE, "a video whose colour is stored in a way that DICOM does not allow")
        interlaced = picture.interlaced_frame or context.field_order not in _PROGRESSIVE
        if interlaced and context.field_order not in (*_TOP_FIRST, *_BOTTOM_FIRST):
            raise Held(Reason.UNDECODABLE, "an interlaced video that does not say which field comes first")
        return Film(
            container=self.container,
            rows=picture.height,
            columns=picture.width,
            bits=_FORMATS[picture.format.name],
            rate=self._rate(),
            format=picture.format.name,
            full_range=picture.color_range == _FULL_RANGE or picture.format.name == "yuvj420p",
            matrix=int(picture.colorspace),
            primaries=int(picture.color_primaries),
            transfer=int(picture.color_trc),
            aspect=self._stream.sample_aspect_ratio or Fraction(0),
            interlaced=interlaced,
            top_first=context.field_order in _TOP_FIRST,
            dropped=tuple(sorted({one.type for one in self._input.streams if one is not self._stream})),
        )

    def _rate(self) -> Fraction:
        stated = self._stream.codec_context.framerate or None
        rate = self._stream.guessed_rate
        if self.container is Container.NONE and not stated:
            rate = self._header_rate or rate
        if not rate or not 0 < rate <= _FASTEST:
            raise Held(Reason.UNDECODABLE, "a video that does not say how many frames it shows a second")
        return Fraction(rate)

    def _check(self, picture: Any) -> None:
        film = self.film
        if (picture.height, picture.width, picture.format.name) != (film.rows, film.columns, film.format):
            raise Held(Reason.UNDECODABLE, "a video whose frames change their size")
        self._check_edges(picture)
        if picture.is_corrupt:
            raise Held(Reason.UNDECODABLE, "a frame of the video is damaged")
        if picture.rotation:
            raise Held(Reason.UNDECODABLE, "a video that is shown turned")

    def _check_edges(self, picture: Any) -> None:
        """Refuse rows and columns that are coded and not shown, beyond what the coding needs: nobody looks at them."""
        context = self._stream.codec_context
        rows, columns = context.coded_height - picture.height, context.coded_width - picture.width
        if rows >= self._block * (1 + self.film.interlaced) or columns >= self._block:
            raise Held(Reason.UNDECODABLE, "a video that hides a part of its pictures")


class _Clock:
    """Sees to it that all pictures last equally long: that is how they are written again."""

    def __init__(self) -> None:
        self.rate = Fraction(0)
        self._first: Fraction | None = None
        self._last: Fraction | None = None
        self._count = 0

    def look(self, picture: Any) -> None:
        self._count += 1
        if picture.pts is None or picture.time_base is None:
            return
        now = picture.pts * Fraction(picture.time_base)
        if self._last is not None and not Fraction(1, 2) < (now - self._last) * self.rate < Fraction(3, 2):
            raise Held(Reason.UNDECODABLE, "a video whose frames last differently")
        self._first, self._last = self._first if self._first is not None else now, now

    def end(self) -> None:
        if self._first is None or self._last is None or self._count < 2:  # noqa: PLR2004  one frame lasts as it likes
            return
        drift = (self._last - self._first) * self.rate - (self._count - 1)
        if abs(drift) > max(1, self._count // 100):
            raise Held(Reason.UNDECODABLE, "a video whose frames last differently")


def planes_of(picture: Any) -> list[NDArray[Any]]:
    """Return luminance and both colours of a picture as arrays that share its memory."""
    wide = picture.format.name == "yuv420p10le"
    dtype = np.dtype("<u2") if wide else np.dtype("u1")
    return [
        np.frombuffer(plane, dtype=dtype).reshape(plane.height, plane.line_size // dtype.itemsize)[:, : plane.width]
        for plane in picture.planes
    ]
