"""A plan → the redacted object: frames painted one at a time and streamed into the file.

Nothing to redact: the pixel bytes stay as they are, in the same syntax, without comments between their markers and
without bytes behind their end. Something to redact: JPEG is blanked in its coefficients where that can be done; else
the samples are painted and written without loss, in the same syntax where it is lossless and has an encoder, in the
lossless sibling of one that is not, else as Explicit VR Little Endian. Never lossy again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.copy_pixels import copied_native
from pipeline.frames import native
from pipeline.frames.codestreams import DamagedCodestreamError, jpeg_photometric
from pipeline.frames.decode import CannotEncodeError, coded_photometric, colour_to_rgb, encode_frame
from pipeline.frames.jpeg_blocks import BlockGrid, CannotBlankError, blank_blocks, block_grid, is_blanked
from pipeline.frames.syntaxes import EXPLICIT_LITTLE, JPEG_BASELINE, JPEG_EXTENDED, SYNTAXES, Syntax
from pipeline.frames.write import EncapsulatedPixels, NativePixels, write_instance
from pipeline.inpainting import fill_in
from pipeline.painting import black_of_colour, black_of_monochrome, black_of_palette, crop, paint
from pipeline.pixel_header import describe_output, loss_of
from pipeline.plan import grid_of
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from pipeline.frames.description import PixelDescription
    from pipeline.frames.stream import Frames
    from pipeline.plan import RedactionPlan

_COPY_BYTES = 1 << 22
_BITS_OF_A_BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What an object's pixels become.

    Parameters
    ----------
    description
        Of the samples as they are written.
    verbatim
        The coded pixels stay as they are.
    to_rgb
        Colour that lost information is written as RGB, frame by frame.
    blocks
        The frames are JPEG and are blanked in their coefficients, on this grid; None where samples are written.
    """

    frames: Frames
    plan: RedactionPlan
    syntax: Syntax
    description: PixelDescription
    verbatim: bool
    to_rgb: bool
    blocks: BlockGrid | None

    def is_as_planned(self, index: int, written: NDArray[Any]) -> bool:
        """Tell whether frame `index`, read from the written object, is what was planned, sample by sample."""
        if self.blocks is None:
            return np.array_equal(written, self.samples(index), equal_nan=self.description.is_float)
        frame = self.frames.decoded(index)
        mask, cut = crop(self.plan.blanked(index), self.plan.crop), crop(frame.samples, self.plan.crop)
        return is_blanked(
            written,
            cut,
            mask,
            self.blocks,
            black=self.black(frame.photometric),
            is_cropped=cut.size < frame.samples.size,
        )

    def codestream(self, index: int) -> bytes:
        """Return the coded bytes of frame `index` of an encapsulated syntax.

        Raises
        ------
        CannotEncodeError
            Where this frame cannot be coded as was decided for the object.
        """
        if self.verbatim:
            return self.frames.clean_codestream(index)
        if self.blocks is None:
            return encode_frame(self.samples(index), self.description, self.syntax)
        if self.frames.hides_bits(index):
            raise CannotEncodeError("bits above the stored ones")
        mask = self.plan.blanked(index)
        if self.plan.crop == (0, 0, self.plan.columns, self.plan.rows) and not mask.any():
            return self.frames.clean_codestream(index)
        return self._blanked_in_blocks(index, mask)

    def _blanked_in_blocks(self, index: int, mask: NDArray[np.bool_]) -> bytes:
        codestream = self.frames.codestream(index)
        try:
            black = self.black(jpeg_photometric(codestream, self.frames.description.photometric))
            grid = block_grid(codestream)
            if (grid.rows, grid.columns) == self.plan.grid and _is_sampled_so(self.frames.description, grid):
                return blank_blocks(codestream, grid, mask=mask, crop=self.plan.crop, black=black)
        except (CannotBlankError, DamagedCodestreamError) as error:
            raise CannotEncodeError(str(error)) from error
        raise CannotEncodeError("another grid than the first frame's")

    def black(self, photometric: str) -> tuple[int, ...]:
        """Return the sample value of black for each sample of a pixel in a colour space."""
        black = self._black(photometric)
        return black if isinstance(black, tuple) else (int(black),)

    def samples(self, index: int) -> NDArray[Any]:
        """Return the samples of frame `index` as they must be read again, where samples are written."""
        frame = self.frames.decoded(index)
        if self.verbatim:
            return frame.samples
        mask = self.plan.blanked(index)
        painted = paint(frame.samples, mask, self._black(frame.photometric)) if mask.any() else frame.samples
        if self.plan.filled_boxes:
            painted = fill_in(painted, self.plan.filled(index), mask)
        cut = crop(painted, self.plan.crop)
        return colour_to_rgb(cut, frame.photometric) if self.to_rgb else cut

    def _black(self, photometric: str) -> float | tuple[int, int, int]:
        d, presentation = self.frames.description, self.frames.presentation
        if d.is_float:
            raise Held(Reason.UNDECODABLE, "floating point samples have no black to redact with")
        if presentation.palette is not None:
            return black_of_palette(presentation.palette)
        if d.samples > 1:
            return black_of_colour(photometric, d.bits_stored)
        return black_of_monochrome(
            bits_stored=d.bits_stored,
            signed=d.signed,
            low_is_white=presentation.inverted != (presentation.slope < 0),
            padding=presentation.padding,
        )


def choose_output(frames: Frames, plan: RedactionPlan) -> Output:
    """Decide how the pixels are written: as they are, in the same syntax, or as Explicit VR Little Endian."""
    verbatim = (
        frames.syntax.is_copied
        and not plan.changes_pixels
        and not any(frames.hides_bits(index) for index in range(len(frames)))
    )
    grid = None if verbatim or plan.filled_boxes else _block_grid(frames)
    if grid is not None:
        on_grid = plan.on_grid((grid.rows, grid.columns))
        return _output(frames, on_grid, frames.syntax, verbatim=False, blocks=grid)
    syntax = frames.syntax if verbatim else SYNTAXES[frames.syntax.rewritten_uid]
    return _output(frames, plan, syntax, verbatim=verbatim)


def as_explicit_little(frames: Frames, plan: RedactionPlan) -> Output:
    """Decide that the pixels are written as Explicit VR Little Endian."""
    return in_syntax(frames, plan, SYNTAXES[EXPLICIT_LITTLE])


def in_syntax(frames: Frames, plan: RedactionPlan, syntax: Syntax) -> Output:
    """Decide that the samples are written anew in a syntax that loses nothing."""
    return _output(frames, plan.on_grid(grid_of(frames.description)), syntax, verbatim=False)


def _block_grid(frames: Frames) -> BlockGrid | None:
    if frames.syntax.uid not in (JPEG_BASELINE, JPEG_EXTENDED):
        return None
    try:
        grid = block_grid(frames.codestream(0))
    except CannotBlankError:
        return None
    return grid if _is_sampled_so(frames.description, grid) else None


def _is_sampled_so(d: PixelDescription, grid: BlockGrid) -> bool:
    """Whether the samples of a JPEG that is blanked in its coefficients are the stored ones."""
    if grid.bits == _BITS_OF_A_BYTE:
        return d.bits_allocated == d.bits_stored == _BITS_OF_A_BYTE and not d.signed
    return d.bits_stored <= grid.bits and not d.signed


def _output(
    frames: Frames, plan: RedactionPlan, syntax: Syntax, *, verbatim: bool, blocks: BlockGrid | None = None
) -> Output:
    d = frames.description
    to_rgb = False
    photometric, planar = d.photometric, d.planar
    if not verbatim and blocks is None and (frames.syntax.encapsulated or syntax.encapsulated):
        decoded = frames.decoded(0).photometric
        # The luminance and chrominance of a lossy JPEG are its coding, and each frame may have its own; those of other
        # syntaxes are the samples.
        to_rgb = d.samples > 1 and frames.syntax.is_lossy_jpeg
        photometric = coded_photometric(
            "RGB" if to_rgb else decoded, announced=photometric, source=frames.syntax, syntax=syntax
        )
        planar = planar if syntax.encapsulated and frames.syntax.encapsulated else 0
    left, top, right, bottom = plan.crop
    description = replace(d, rows=bottom - top, columns=right - left, photometric=photometric, planar=planar)
    return Output(
        frames=frames,
        plan=plan,
        syntax=syntax,
        description=description,
        verbatim=verbatim,
        to_rgb=to_rgb,
        blocks=blocks,
    )


def write_redacted(path: Path, header: Dataset, output: Output, *, text_is_gone: bool) -> Output:
    """Write the redacted object.

    Parameters
    ----------
    header
        The scrubbed header; it is not changed.
    text_is_gone
        Burned In Annotation (0028,0301) may say NO.

    Returns
    -------
    Output
        What was written: `output`, or its Explicit VR Little Endian form where the encoder could not do it.
    """
    try:
        _write(path, header, output, text_is_gone=text_is_gone)
    except CannotEncodeError:
        output = as_explicit_little(output.frames, output.plan)
        _write(path, header, output, text_is_gone=text_is_gone)
    return output


def _write(path: Path, header: Dataset, output: Output, *, text_is_gone: bool) -> None:
    finished = describe_output(
        header,
        output.description,
        output.plan,
        loss=loss_of(output.frames),
        text_is_gone=text_is_gone,
    )
    write_instance(path, finished, output.syntax, pixels_of(output))


def pixels_of(output: Output) -> NativePixels | EncapsulatedPixels:
    """Return the pixel data of `output`, to be written frame by frame."""
    if output.syntax.encapsulated:
        return EncapsulatedPixels(
            frames=len(output.frames),
            native_bytes=output.description.native_bytes,
            codestreams=map(output.codestream, range(len(output.frames))),
        )
    return _copied(output.frames) if output.verbatim else _native_pixels(output)


def _native_pixels(output: Output) -> NativePixels:
    """Return the samples of `output` as native pixel data."""
    d = output.description
    floats = {"FloatPixelData": "OF", "DoubleFloatPixelData": "OD"}
    integers = "OW" if d.bits_allocated > _BITS_OF_A_BYTE or output.syntax.implicit_vr else "OB"
    return NativePixels(
        keyword=d.keyword, vr=floats.get(d.keyword, integers), length=d.native_bytes, chunks=_native_chunks(output)
    )


def _copied(frames: Frames) -> NativePixels:
    element, needed = frames.element, frames.description.native_bytes
    assert element.length is not None, "native pixel data has a length"
    length = min(element.length, needed + needed % 2) if frames.is_swapped else needed
    return copied_native(frames, length, _copied_chunks(frames, length))


def _copied_chunks(frames: Frames, length: int) -> Iterator[bytes]:
    for start in range(0, length, _COPY_BYTES):
        yield frames.native_bytes(start, min(start + _COPY_BYTES, length))


def _native_chunks(output: Output) -> Iterator[bytes]:
    if output.description.bits_allocated >= _BITS_OF_A_BYTE:
        for index in range(len(output.frames)):
            yield native.frame_to_bytes(
                output.samples(index), output.description, little_endian=output.syntax.little_endian
            )
        return
    left_over = np.zeros(0, dtype=np.uint8)
    for index in range(len(output.frames)):
        bits = np.concatenate([left_over, output.samples(index).reshape(-1)])
        whole = bits.size - bits.size % _BITS_OF_A_BYTE
        yield native.pack_bits(bits[:whole])
        left_over = bits[whole:]
    yield native.pack_bits(left_over)
