"""A plan → the redacted video: coded again in its own syntax, or its pictures copied where nothing is redacted.

A video that is coded again loses information a second time, as little as its profile allows, and says so. The rule of
this file: what is written is decoded again, frame by frame, and what is further from the original than the eye sees,
or carries anything but pictures, is held.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from pipeline.frames.read import open_instance
from pipeline.frames.video.frames import VideoFrames, black_of
from pipeline.frames.video.limits import is_fragmentable, limits_of
from pipeline.frames.video.units import picture_units
from pipeline.frames.video.writing import (
    code_again,
    coded_pictures,
    container_for,
    copy_stream,
    has_timing,
    units_of,
)
from pipeline.frames.write import StreamPixels, write_instance
from pipeline.pixel_header import Loss, describe_output, loss_of, tell_further_loss, tell_further_step
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from pipeline.frames.description import PixelDescription
    from pipeline.frames.stream import Frames
    from pipeline.frames.syntaxes import Syntax
    from pipeline.plan import RedactionPlan

LEAST_PSNR_DB = (38.0, 36.0)
"""Of luminance and of the colours, every frame by itself, outside what is blanked; what PACS hold is above 42."""
_BLACK_MEAN, _BLACK_MOST = 2.0, 40.0
"""How far a blanked sample may be from black, in 255ths: the coding blurs the edge of what is blanked."""
_COPY_BYTES = 1 << 20
_FRAGMENT_BYTES = 1 << 28
_LONGEST_FRAGMENT_BYTES = 0xFFFFFFFE
_TAGS_OF_CONTAINERS = frozenset({"major_brand", "minor_version", "compatible_brands"})
_TAGS_OF_STREAMS = {"language": "und", "handler_name": "VideoHandler"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOutput:
    """What a video becomes.

    Parameters
    ----------
    verbatim
        Its coded pictures stay as they are.
    """

    frames: VideoFrames
    plan: RedactionPlan
    syntax: Syntax
    description: PixelDescription
    verbatim: bool

    def is_as_planned(self, index: int, written: NDArray[Any]) -> bool:
        """Tell whether frame `index` of the written video is what was planned.

        The very samples where it was copied; else black where the plan says so, and close to the original elsewhere.
        """
        original = self.frames.decoded(index).samples
        if self.verbatim:
            return np.array_equal(written, original)
        mask = self.plan.blanked(index)
        return (
            written.shape == original.shape
            and self._is_black(written[mask])
            and self._is_close(written, original, ~mask)
        )

    def _is_black(self, samples: NDArray[Any]) -> bool:
        if not samples.size:
            return True
        deep = 1 << (self.description.bits_stored - 8)
        away = np.abs(samples.astype(np.int32) - np.array(black_of(self.frames.film)))
        return float(away.mean()) <= _BLACK_MEAN * deep and float(away.max()) <= _BLACK_MOST * deep

    def _is_close(self, written: NDArray[Any], original: NDArray[Any], where: NDArray[np.bool_]) -> bool:
        if not where.any():
            return True
        away = written[where].astype(np.float32) - original[where].astype(np.float32)
        noise = np.mean(np.square(away), axis=0)
        peak = float((1 << self.description.bits_stored) - 1)
        luminance, colour = (peak**2 / 10 ** (decibel / 10) for decibel in LEAST_PSNR_DB)
        return bool(noise[0] <= luminance and max(noise[1:]) <= colour)


def write_video(path: Path, header: Dataset, frames: Frames, plan: RedactionPlan, *, text_is_gone: bool) -> VideoOutput:
    """Write the redacted video, and see that nothing but pictures is in it.

    Parameters
    ----------
    header
        The scrubbed header; it is not changed.
    text_is_gone
        Burned In Annotation (0028,0301) may say NO.

    Raises
    ------
    Held
        `UNDECODABLE` where it cannot be read or coded again; `RESOURCE_LIMIT` where it is longer than a fragment
        can be; `REFERENCES_CROPPED` where it would have to be cropped; `VERIFICATION_FAILED` where something else than
        pictures was written.
    """
    assert isinstance(frames, VideoFrames), "the syntax is one of video"
    if plan.crop != (0, 0, plan.columns, plan.rows):
        raise Held(Reason.REFERENCES_CROPPED, "a video that lies on cropped images, and cannot be cropped itself")
    plan = replace(plan, dropped=frames.film.dropped)
    output = VideoOutput(
        frames=frames,
        plan=plan,
        syntax=frames.syntax,
        description=frames.description,
        verbatim=not plan.changes_pixels,
    )
    with _nameless(path) as file:
        if output.verbatim:
            copy_stream(frames, file)
        else:
            code_again(frames, plan.blanked, file)
        length = file.seek(0, os.SEEK_END)
        finished = _described(header, output, length, text_is_gone=text_is_gone)
        write_instance(path, finished, output.syntax, _fragments(output.syntax, file, length))
    _check_bare(path, output)
    return output


@contextmanager
def _nameless(path: Path) -> Iterator[BinaryIO]:
    """Give a file beside `path` that has no name: it is gone with the process, whatever ends that."""
    with tempfile.TemporaryFile(dir=path.parent) as file:
        yield file


def _described(header: Dataset, output: VideoOutput, length: int, *, text_is_gone: bool) -> Dataset:
    loss = loss_of(output.frames)
    finished = describe_output(header, output.description, output.plan, loss=loss, text_is_gone=text_is_gone)
    if not output.verbatim:
        assert loss is not None, "every video has lost something"
        d = output.description
        samples = d.rows * d.columns * d.samples * d.frames * d.bits_allocated / 8
        tell_further_loss(finished, Loss(ratio=samples / length, method=loss.method), before=loss)
        tell_further_step(finished, "video coded again with loss")
    if output.plan.dropped:
        tell_further_step(finished, f"removed from the video: {', '.join(output.plan.dropped)}")
    return finished


def _fragments(syntax: Syntax, file: BinaryIO, length: int) -> StreamPixels:
    longest = _FRAGMENT_BYTES if is_fragmentable(syntax) else _LONGEST_FRAGMENT_BYTES
    if length > longest and not is_fragmentable(syntax):
        raise Held(Reason.RESOURCE_LIMIT, "the video is longer than its one fragment can be")
    lengths = [min(longest, length - start) for start in range(0, length, longest)]
    return StreamPixels(lengths=tuple(lengths), chunks=_chunks(file, lengths))


def _chunks(file: BinaryIO, lengths: list[int]) -> Iterator[Iterator[bytes]]:
    file.seek(0)
    for length in lengths:
        yield _pieces(file, length)


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    left = length
    while left:
        piece = file.read(min(left, _COPY_BYTES))
        yield piece
        left -= len(piece)


def _check_bare(path: Path, output: VideoOutput) -> None:
    """Read what was written, and refuse anything in it that is not a picture."""
    with open_instance(path) as written:
        if not isinstance(written.frames, VideoFrames):
            raise Held(Reason.VERIFICATION_FAILED, "the written object is no video")
        player = written.frames.player()
        try:
            tags = set(player.input.metadata) - _TAGS_OF_CONTAINERS
            said = {
                name: value for name, value in player.stream.metadata.items() if value != _TAGS_OF_STREAMS.get(name)
            }
            coding = output.syntax.coding
            expected = container_for(output.frames.film.container, coding, is_copy=output.verbatim)
            timing = has_timing(output.syntax) and not output.verbatim
            if not output.verbatim:
                limits_of(output.syntax).check_coded(player.stream.codec_context)
            is_bare = not tags and not said and len(player.input.streams) == 1 and player.container is expected
            if not is_bare or not all(
                _is_bare(bytes(packet), output, timing) for packet in coded_pictures(player, coding)
            ):
                raise Held(Reason.VERIFICATION_FAILED, "the written video holds more than pictures")
        finally:
            player.close()


def _is_bare(data: bytes, output: VideoOutput, timing: bool) -> bool:  # noqa: FBT001  one caller
    units = units_of(data, output.syntax.coding)
    return picture_units(units, output.syntax.coding, timing=timing) == units
