"""Pictures → a coded stream of the same syntax: coded again with what is blanked, or copied without what is no picture.

Sound, titles, times of day and whatever else stands beside the pictures is not written. The rule of this file: one
picture is in memory at a time, and the same input gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.frames.syntaxes import Coding
from pipeline.frames.video.frames import black_of
from pipeline.frames.video.library import CODECS, MUXERS, Container, load
from pipeline.frames.video.limits import base_uid, coder_of, limits_of
from pipeline.frames.video.player import planes_of
from pipeline.frames.video.units import DamagedStreamError, join_units, picture_units, split_units
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.frames.syntaxes import Syntax
    from pipeline.frames.video.frames import VideoFrames
    from pipeline.frames.video.player import Film

_TO_START_CODES = {Coding.AVC: "h264_mp4toannexb", Coding.HEVC: "hevc_mp4toannexb"}
_WITH_TIMING = "1.2.840.10008.1.2.4.103"
"""Players of discs want buffering periods and picture timing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedPicture:
    """One coded picture and when it is decoded and shown, in units of `time_base`."""

    data: bytes
    shown: int | None
    decoded: int | None
    time_base: Fraction
    is_key: bool


def code_again(frames: VideoFrames, mask_of: Callable[[int], NDArray[np.bool_]], file: BinaryIO) -> None:
    """Write the video with parts of its frames black.

    Parameters
    ----------
    mask_of
        Gives for every frame bool (rows, columns), True = black, made of areas that share all their colour.
    file
        Empty, and can be sought.

    Raises
    ------
    Held
        `UNDECODABLE` where it cannot be coded within its syntax.
    """
    film = frames.film
    limits_of(frames.syntax).check(rows=film.rows, columns=film.columns, bits=film.bits, rate=film.rate)
    coding = frames.syntax.coding
    pictures = _cleaned(_encoded(frames, mask_of), coding, timing=has_timing(frames.syntax))
    _write(pictures, frames, container_for(film.container, coding, is_copy=False), file)


def copy_stream(frames: VideoFrames, file: BinaryIO) -> None:
    """Write the video's coded pictures as they are, without what is no picture.

    Raises
    ------
    Held
        `UNDECODABLE` where it cannot be walked.
    """
    coding, player = frames.syntax.coding, frames.player()
    try:
        pictures = _cleaned(_copied(player, coding), coding, timing=False)
        _write(pictures, frames, container_for(frames.film.container, coding, is_copy=True), file)
    finally:
        player.close()


def has_timing(syntax: Syntax) -> bool:
    """Whether buffering periods and picture timing are written where a video of this syntax is coded again."""
    return base_uid(syntax) == _WITH_TIMING


def container_for(container: Container, coding: Coding, *, is_copy: bool) -> Container:
    """Return what a stream is written in.

    It is what it came in, unless it is coded again and DICOM does not allow that container (PS3.5, 8.2.7): then a
    transport stream.
    """
    if not is_copy and coding is not Coding.MPEG_2 and container in (Container.NONE, Container.PROGRAM):
        return Container.TRANSPORT
    return container


def units_of(data: bytes, coding: Coding) -> list[bytes]:
    """Return the units of a coded picture.

    Raises
    ------
    Held
        `UNDECODABLE`.
    """
    try:
        return split_units(data, coding)
    except DamagedStreamError as error:
        raise Held(Reason.UNDECODABLE, "a coded picture of the video is damaged") from error


def coded_pictures(player: Any, coding: Coding) -> Iterator[Any]:
    """Yield the library's packets with start codes between their units, whatever their container has there."""
    av = load()
    name = _TO_START_CODES.get(coding)
    if name is None:
        yield from player.packets()
        return
    try:
        change = av.BitStreamFilterContext(name, player.stream)
        for packet in player.packets():
            yield from change.filter(packet)
        yield from change.filter(None)
    except av.FFmpegError as error:
        raise Held(Reason.UNDECODABLE, f"a video cannot be read ({type(error).__name__})") from error


def _encoded(frames: VideoFrames, mask_of: Callable[[int], NDArray[np.bool_]]) -> Iterator[CodedPicture]:
    av, film = load(), frames.film
    context = _open_encoder(frames.syntax, film)
    black = black_of(film)
    try:
        for index, picture in enumerate(frames.pictures()):
            picture.make_writable()
            _blank(picture, mask_of(index), black)
            picture.pts, picture.time_base = index, context.time_base
            picture.pict_type = av.video.frame.PictureType.NONE
            yield from map(_coded, context.encode(picture))
        yield from map(_coded, context.encode(None))
    except av.FFmpegError as error:
        raise Held(Reason.UNDECODABLE, f"a video cannot be coded again ({type(error).__name__})") from error


def _open_encoder(syntax: Syntax, film: Film) -> Any:
    av = load()
    coder = coder_of(syntax, rate=film.rate, interlaced=film.interlaced, top_first=film.top_first)
    context = av.codec.CodecContext.create(coder.name, "w")
    context.width, context.height, context.pix_fmt = film.columns, film.rows, film.format
    context.framerate, context.time_base = film.rate, 1 / film.rate
    if film.aspect:
        context.sample_aspect_ratio = film.aspect
    context.colorspace, context.color_primaries, context.color_trc = film.matrix, film.primaries, film.transfer
    context.color_range = 2 if film.full_range else 1
    context.thread_count = 1
    context.options = dict(coder.options)
    return context


def _blank(picture: Any, mask: NDArray[np.bool_], black: tuple[int, int, int]) -> None:
    if mask.any():
        for plane, step, value in zip(planes_of(picture), (1, 2, 2), black, strict=True):
            plane[mask[::step, ::step]] = value


def _coded(packet: Any) -> CodedPicture:
    return CodedPicture(
        data=bytes(packet),
        shown=packet.pts,
        decoded=packet.dts,
        time_base=Fraction(packet.time_base),
        is_key=packet.is_keyframe,
    )


def _copied(player: Any, coding: Coding) -> Iterator[CodedPicture]:
    """Yield the coded pictures with times that begin at zero: what a recorder's clock said is nobody's business."""
    first: int | None = None
    for packet in coded_pictures(player, coding):
        coded = _coded(packet)
        if first is None:
            first = coded.decoded if coded.decoded is not None else coded.shown
        start = first or 0
        yield CodedPicture(
            data=coded.data,
            shown=None if coded.shown is None else coded.shown - start,
            decoded=None if coded.decoded is None else coded.decoded - start,
            time_base=coded.time_base,
            is_key=coded.is_key,
        )


def _cleaned(pictures: Iterable[CodedPicture], coding: Coding, *, timing: bool) -> Iterator[CodedPicture]:
    for picture in pictures:
        try:
            units = picture_units(split_units(picture.data, coding), coding, timing=timing)
        except DamagedStreamError as error:
            raise Held(Reason.UNDECODABLE, "a coded picture of the video is damaged") from error
        if units:
            yield CodedPicture(
                data=join_units(units, coding),
                shown=picture.shown,
                decoded=picture.decoded,
                time_base=picture.time_base,
                is_key=picture.is_key,
            )


def _write(pictures: Iterable[CodedPicture], frames: VideoFrames, container: Container, file: BinaryIO) -> None:
    if container is Container.NONE:
        file.writelines(picture.data for picture in pictures)
        return
    av, film, coding = load(), frames.film, frames.syntax.coding
    try:
        with av.open(file, "w", format=MUXERS[container], options={"fflags": "+bitexact"}) as output:
            stream = output.add_mux_stream(CODECS[coding], rate=film.rate, width=film.columns, height=film.rows)
            for picture in pictures:
                output.mux_one(_packet(av, picture, stream))
    except av.FFmpegError as error:
        raise Held(Reason.UNDECODABLE, f"a video cannot be written ({type(error).__name__})") from error


def _packet(av: Any, picture: CodedPicture, stream: Any) -> Any:
    packet = av.Packet(picture.data)
    packet.pts, packet.dts, packet.time_base = picture.shown, picture.decoded, picture.time_base
    packet.is_keyframe, packet.stream = picture.is_key, stream
    return packet
