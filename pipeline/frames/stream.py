"""The frames of an open object: decoded, shown or as they are coded, one at a time.

The rule of this file: every frame is reachable by its number, and asking for it either gives it or raises `Held`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.frames import native
from pipeline.frames.boxes import without_boxes
from pipeline.frames.codestreams import DamagedCodestreamError, without_metadata
from pipeline.frames.decode import DecodedFrame, decode_frame
from pipeline.frames.deflate import only_deflated
from pipeline.frames.description import VIDEO_COLOUR
from pipeline.frames.display import Presentation, read_presentation, renderings
from pipeline.frames.fragments import FragmentIndex, index_fragments, read_frame
from pipeline.frames.run_lengths import only_run_lengths
from pipeline.frames.syntaxes import Coding
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

    from pipeline.frames.aside import Aside
    from pipeline.frames.description import PixelDescription
    from pipeline.frames.syntaxes import Syntax

_BITS_OF_A_BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelElement:
    """Where the pixel data element's value stands.

    Parameters
    ----------
    offset
        Of its first byte, in the stream that the header was read from.
    length
        In bytes; None for encapsulated data.
    """

    keyword: str
    vr: str
    offset: int
    length: int | None


class Frames:
    """Frames of one object, in the order in which they are stored.

    Parameters
    ----------
    stream
        The (inflated) file.
    header
        Used to tell how samples are shown.

    Attributes
    ----------
    description
        Of the samples as the header announces them.
    is_swapped
        The bytes of 8-bit (or 1-bit) samples stand as big endian words.
    aside
        Where decoded frames are put; None where each is decoded whenever it is asked for.
    """

    def __init__(
        self,
        *,
        stream: BinaryIO,
        element: PixelElement,
        description: PixelDescription,
        syntax: Syntax,
        header: Dataset,
        extended_offsets: tuple[int, ...] | None,
    ) -> None:
        self.description = description
        self.syntax = syntax
        self.element = element
        self.presentation: Presentation = read_presentation(header, description)
        self._stream = stream
        self.is_swapped = (
            not syntax.little_endian and element.vr == "OW" and description.bits_allocated <= _BITS_OF_A_BYTE
        )
        # In JPEG 2000 and JPEG-LS every coded bit is a bit of the sample, and every reader shows it.
        self._may_hide_bits = (
            syntax.coding in (Coding.NATIVE, Coding.RLE, Coding.JPEG, Coding.DEFLATED)
            and description.bits_stored < description.bits_allocated
            and not description.is_float
        )
        self.aside: Aside | None = None
        self._index: FragmentIndex = ()
        if description.photometric == VIDEO_COLOUR:
            raise Held(Reason.UNDECODABLE, "the colour of a video, and no video")
        if syntax.encapsulated:
            self._index = index_fragments(stream, element.offset, description.frames, extended_offsets)
        else:
            self._check_native_length()

    def __len__(self) -> int:
        return self.description.frames

    def decoded(self, index: int) -> DecodedFrame:
        """Return the samples of frame `index`, (rows, columns[, 3]), unused bits cleared or sign-filled."""
        frame = self._decoded_with_unused_bits(index)
        if not self._may_hide_bits:
            return frame
        return frame._replace(samples=native.without_unused_bits(frame.samples, self.description))

    def displayed(self, index: int) -> NDArray[np.uint8]:
        """Return what a reader sees of frame `index`: uint8, (rows, columns) or (rows, columns, 3) RGB."""
        return self.renderings(index)[0]

    def renderings(self, index: int) -> tuple[NDArray[np.uint8], ...]:
        """Return the usual view of frame `index`, and where that can hide text up to two others over wider ranges."""
        return self.show(self.decoded(index), index)

    def show(self, frame: DecodedFrame, index: int) -> tuple[NDArray[np.uint8], ...]:
        """As `renderings`, of a frame that is decoded already (`index` chooses its window)."""
        return renderings(frame.samples, frame.photometric, self.description, self.presentation, index)

    def hides_bits(self, index: int) -> bool:
        """Whether the bits above the stored ones carry something (old overlays), which must not leave."""
        if not self._may_hide_bits:
            return False
        return native.hides_bits(self._decoded_with_unused_bits(index).samples, self.description)

    def codestream(self, index: int) -> bytes:
        """Return the coded bytes of frame `index`, as they stand in the file but for a JPEG 2000 file's boxes."""
        data = read_frame(self._stream, self._index[index])
        if self.syntax.coding is not Coding.JPEG_2000:
            return data
        try:
            return without_boxes(data)
        except DamagedCodestreamError as error:
            raise Held(Reason.UNDECODABLE, "a frame's codestream is damaged") from error

    def clean_codestream(self, index: int) -> bytes:
        """Return the coded bytes of frame `index` without comments and application segments."""
        try:
            if self.syntax.coding is Coding.DEFLATED:
                return only_deflated(self.codestream(index), self.description.deflated_frame_bytes)
            if self.syntax.coding is Coding.RLE:
                return only_run_lengths(self.codestream(index), self.description.rows * self.description.columns)
            return without_metadata(self.codestream(index), self.syntax.coding)
        except DamagedCodestreamError as error:
            raise Held(Reason.UNDECODABLE, "a frame's codestream is damaged") from error

    @property
    def compression_ratio(self) -> float:
        """Size of the samples over the size of the coded frames; 1 for native data."""
        d = self.description
        samples = d.rows * d.columns * d.samples * d.bits_allocated * d.frames / _BITS_OF_A_BYTE
        coded = sum(fragment.length for fragments in self._index for fragment in fragments)
        return samples / coded if coded else 1.0

    def native_bytes(self, start: int, stop: int) -> bytes:
        """Bytes of native pixel data as they stand in the file."""
        self._stream.seek(self.element.offset + start)
        return self._stream.read(stop - start)

    def _decoded_with_unused_bits(self, index: int) -> DecodedFrame:
        if self.syntax.encapsulated:
            return self._decoded_once(index)
        d = self.description
        return DecodedFrame(self._native_samples(index), "YBR_FULL" if d.is_subsampled else d.photometric)

    def _decoded_once(self, index: int) -> DecodedFrame:
        kept = None if self.aside is None else self.aside.get(index)
        if kept is not None:
            return DecodedFrame(*kept)
        frame = decode_frame(self.codestream(index), self.description, self.syntax)
        if self.aside is not None:
            self.aside.put(index, frame)
        return frame

    def _native_samples(self, index: int) -> NDArray[Any]:
        d = self.description
        first_bit = d.native_frame_bits * index
        if d.bits_allocated < _BITS_OF_A_BYTE:
            start, count = first_bit // 8, d.native_frame_bits
            data = self._straight_bytes(start, (first_bit + count + 7) // 8)
            return native.frame_from_bytes(native.unpack_bits(data, first_bit % 8, count), d, little_endian=True)
        data = self._straight_bytes(first_bit // 8, (first_bit + d.native_frame_bits) // 8)
        return native.frame_from_bytes(data, d, little_endian=self.syntax.little_endian)

    def _straight_bytes(self, start: int, stop: int) -> bytes:
        """Bytes start to stop of the pixel data with big endian words of 8-bit samples put in order."""
        if not self.is_swapped:
            return self.native_bytes(start, stop)
        even = start - start % 2
        self._stream.seek(self.element.offset + even)
        data = native.swap_words(self._stream.read(stop + stop % 2 - even))
        return data[start - even : stop - even]

    def _check_native_length(self) -> None:
        if self.description.is_subsampled and self.description.columns % 2:
            raise Held(Reason.UNDECODABLE, "subsampled colour with an odd number of columns")
        needed, length = self.description.native_bytes, self.element.length or 0
        if length < needed:
            raise Held(Reason.UNDECODABLE, "the pixel data is shorter than its frames")
        if self.description.is_subsampled and length * 2 >= needed * 3:
            raise Held(Reason.UNDECODABLE, "the pixel data is longer than subsampled colour can be")
        if self.is_swapped and length % 2:
            raise Held(Reason.UNDECODABLE, "the pixel data has half a word")
