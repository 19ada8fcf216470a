"""Pixel data from file to file where the profile changes no pixel: streamed, compared, never decoded.

What is no pixel stays behind all the same: bytes behind the last frame, what old objects keep in the unused bits of
native samples (PS3.5, 8.1.1), comments and application segments between the markers of a codestream. Rule of the
file: one piece, or one codestream, is in memory at a time, and what cannot be cleaned without decoding is not copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.frames.codestreams import DamagedCodestreamError, dimensions
from pipeline.frames.read import open_instance
from pipeline.frames.syntaxes import Coding
from pipeline.frames.write import EncapsulatedPixels, NativePixels, write_instance
from pipeline.pixel_header import describe_output, loss_of
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from config.schema import Profile
    from pipeline.frames.description import PixelDescription
    from pipeline.frames.stream import Frames
    from pipeline.plan import RedactionPlan

_PIECE_BYTES = 1 << 20
_BITS_OF_A_BYTE = 8
_FLOATS = {"FloatPixelData": "OF", "DoubleFloatPixelData": "OD"}


def changes_no_pixel(profile: Profile) -> bool:
    """Tell whether a profile is a header job: no text is looked for, nothing is cut, no mask is drawn."""
    pixels = profile.pixels
    return pixels.text is None and pixels.cone is None and not pixels.masks and pixels.ctp_script is None


def can_copy(frames: Frames) -> bool:
    """Tell whether all that is no pixel can be left behind without decoding a frame.

    Not so where unused bits are coded (run lengths, and JPEG of more bits than are stored), where a codestream is of
    another size than the header says, and where bytes stand as big endian words.
    """
    d, coding = frames.description, frames.syntax.coding
    if coding is Coding.NATIVE:
        return not frames.is_swapped
    if not frames.syntax.is_copied:
        return False
    if coding in (Coding.RLE, Coding.DEFLATED):
        return d.bits_stored == d.bits_allocated
    return all(_is_as_announced(frames, index) for index in range(len(frames)))


def copy_pixels(path: Path, header: Dataset, frames: Frames, plan: RedactionPlan, *, text_is_gone: bool) -> None:
    """Write an object of a scrubbed header and the source's pixel data.

    Parameters
    ----------
    header
        Not changed.
    frames
        Of the source, which stays open.
    plan
        One that changes no pixel.
    text_is_gone
        Burned In Annotation (0028,0301) may say NO: the source says so, of computed frames.

    Raises
    ------
    Held
        `UNDECODABLE` where a codestream cannot be walked.
    """
    pixels: NativePixels | EncapsulatedPixels = (
        EncapsulatedPixels(
            frames=len(frames),
            native_bytes=frames.description.native_bytes,
            codestreams=map(frames.clean_codestream, range(len(frames))),
        )
        if frames.syntax.encapsulated
        else copied_native(frames, frames.description.native_bytes, clean_pieces(frames))
    )
    finished = describe_output(header, frames.description, plan, loss=loss_of(frames), text_is_gone=text_is_gone)
    write_instance(path, finished, frames.syntax, pixels)


def verify_copy(path: Path, frames: Frames) -> None:
    """Compare the written pixel data with the source's, byte by byte.

    Raises
    ------
    Held
        `VERIFICATION_FAILED`.
    """
    with open_instance(path) as written:
        if written.frames is None or written.frames.description != frames.description:
            raise Held(Reason.VERIFICATION_FAILED, "the written pixels are described otherwise than planned")
        same = _same_codestreams if frames.syntax.encapsulated else _same_bytes
        if not same(written.frames, frames):
            raise Held(Reason.VERIFICATION_FAILED, "the written pixel data differs from the source's")


def copied_native(frames: Frames, length: int, chunks: Iterator[bytes]) -> NativePixels:
    """Return native pixel data to write, under the VR that the source has where that is a legal one."""
    element = frames.element
    wide = frames.description.bits_allocated > _BITS_OF_A_BYTE
    default = "OW" if wide else "OB"
    vr = _FLOATS.get(element.keyword) or (element.vr if element.vr in ("OB", "OW") and not wide else default)
    return NativePixels(keyword=element.keyword, vr=vr, length=length, chunks=chunks)


def clean_pieces(frames: Frames) -> Iterator[bytes]:
    """Yield native pixel data up to the end of the last frame, without anything in unused bits."""
    d = frames.description
    needed = d.native_bytes
    left_over = d.native_frame_bits * d.frames % _BITS_OF_A_BYTE
    for start in range(0, needed, _PIECE_BYTES):
        piece = frames.native_bytes(start, min(start + _PIECE_BYTES, needed))
        if d.bits_stored < d.bits_allocated and not d.is_float:
            piece = _without_unused_bits(piece, d, little_endian=frames.syntax.little_endian)
        if left_over and start + len(piece) == needed:
            piece = piece[:-1] + bytes((piece[-1] & ((1 << left_over) - 1),))
        yield piece


def _is_as_announced(frames: Frames, index: int) -> bool:
    d = frames.description
    try:
        said = dimensions(frames.codestream(index), frames.syntax.coding)
    except DamagedCodestreamError:
        return False
    if said is None or (said.rows, said.columns, said.samples) != (d.rows, d.columns, d.samples):
        return False
    return said.precision <= (d.bits_stored if frames.syntax.coding is Coding.JPEG else d.bits_allocated)


def _without_unused_bits(piece: bytes, description: PixelDescription, *, little_endian: bool) -> bytes:
    """Clear the bits above the stored ones, or fill them with the sign, where any sample has other bits there."""
    d = description
    wire = d.dtype.newbyteorder("<" if little_endian else ">")
    samples = np.frombuffer(piece, dtype=wire)
    stored = (1 << d.bits_stored) - 1
    if not _bits_used(samples) & ~stored:
        return piece
    if d.signed:
        half = 1 << (d.bits_stored - 1)
        if samples.min() >= -half and samples.max() < half:
            return piece
    shift = d.dtype.itemsize * _BITS_OF_A_BYTE - d.bits_stored
    native = samples.astype(d.dtype)
    return ((native << shift) >> shift).astype(wire).tobytes()


def _bits_used(samples: NDArray[np.integer]) -> int:
    unsigned = samples.view(samples.dtype.str.replace("i", "u"))
    return int(np.bitwise_or.reduce(unsigned))


def _same_bytes(written: Frames, source: Frames) -> bool:
    position = 0
    for piece in clean_pieces(source):
        if written.native_bytes(position, position + len(piece)) != piece:
            return False
        position += len(piece)
    length = written.element.length or 0
    return length == position + position % 2 and not written.native_bytes(position, length).strip(b"\0")


def _same_codestreams(written: Frames, source: Frames) -> bool:
    for index in range(len(source)):
        planned, found = source.clean_codestream(index), written.codestream(index)
        if found != planned + b"\0" * (len(planned) % 2):
            return False
    return True
