"""The shape and meaning of an object's samples, read from its Image Pixel attributes (PS3.3, C.7.6.3).

The rule of this file: what an object claims is checked before a byte is decoded, sizes included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pydicom import Dataset

MAX_FRAME_BYTES = 512 * 2**20
"""One decoded frame may take this much memory; more is held, because a few bytes can claim any size."""
MAX_OBJECT_BYTES = 64 * 2**30
"""All decoded frames together: a bound on time."""
MAX_FRAMES = 200_000

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
VIDEO_COLOUR = "YBR_PARTIAL_420"
"""Of video alone: four pixels share their colour."""
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", VIDEO_COLOUR)
_ALLOCATED = (1, 8, 16, 32)
_COLOUR_SAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelDescription:
    """What the header says about the samples.

    Parameters
    ----------
    frames
        Number of frames, at least 1.
    samples
        1 or 3.
    planar
        1 where the samples of a colour frame stand plane by plane in native data, else 0.
    signed
        Two's complement samples.
    keyword
        The element that carries them.
    """

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    planar: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    keyword: str

    @property
    def is_float(self) -> bool:
        """Samples are IEEE 754 numbers."""
        return self.keyword in _FLOATS

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a decoded sample, in the machine's byte order."""
        if self.is_float:
            return np.dtype(f"f{self.bits_allocated // 8}")
        return np.dtype(f"{'i' if self.signed else 'u'}{max(1, self.bits_allocated // 8)}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a decoded frame: (rows, columns) or (rows, columns, 3)."""
        return (self.rows, self.columns) if self.samples == 1 else (self.rows, self.columns, self.samples)

    @property
    def is_subsampled(self) -> bool:
        """Native data where two neighbouring pixels share their colour (PS3.3, C.7.6.3.1.2)."""
        return self.photometric == "YBR_FULL_422"

    @property
    def native_frame_bits(self) -> int:
        """Length of one frame in native data."""
        per_pixel = 2 if self.is_subsampled else self.samples
        return self.rows * self.columns * per_pixel * self.bits_allocated

    @property
    def deflated_frame_bytes(self) -> int:
        """Length of one frame where every frame begins on a byte (PS3.5, A.4.13)."""
        return (self.native_frame_bits + 7) // 8

    @property
    def native_bytes(self) -> int:
        """Length of all frames in native data, without padding to an even length."""
        return (self.native_frame_bits * self.frames + 7) // 8


def describe_pixels(header: Dataset, keyword: str) -> PixelDescription:
    """Read the Image Pixel attributes of `header`.

    Raises
    ------
    Held
        `UNDECODABLE` where they are missing or contradict each other, `RESOURCE_LIMIT` where they claim too much.
    """
    try:
        description = _read(header, keyword)
        starts_low = description.is_float or _high_bit(header, description) == description.bits_stored - 1
    except Exception as error:  # pydicom raises many kinds on damaged values; the outcome is the same for all
        raise Held(Reason.UNDECODABLE, f"image attributes are unusable ({type(error).__name__})") from error
    _check_consistency(description, starts_low=starts_low)
    _check_size(description)
    return description


def _read(header: Dataset, keyword: str) -> PixelDescription:
    bits_allocated = _FLOATS.get(keyword) or int(header.BitsAllocated)
    samples = int(header.SamplesPerPixel)
    return PixelDescription(
        rows=int(header.Rows),
        columns=int(header.Columns),
        frames=int(header.get("NumberOfFrames") or 1),
        samples=samples,
        photometric=str(header.PhotometricInterpretation).strip(),
        planar=int(header.get("PlanarConfiguration") or 0) if samples > 1 else 0,
        bits_allocated=bits_allocated,
        bits_stored=bits_allocated if keyword in _FLOATS else int(header.BitsStored),
        signed=keyword not in _FLOATS and bool(int(header.PixelRepresentation)),
        keyword=keyword,
    )


def _check_consistency(description: PixelDescription, *, starts_low: bool) -> None:
    d = description
    colour = d.photometric in _COLOUR
    checks = (
        (d.rows > 0 and d.columns > 0 and d.frames > 0, "rows, columns or frames are not positive"),
        (d.samples == (_COLOUR_SAMPLES if colour else 1), "samples do not fit the photometric interpretation"),
        (colour or d.photometric in (*_MONOCHROME, "PALETTE COLOR"), "unknown photometric interpretation"),
        (d.planar in (0, 1), "unknown planar configuration"),
        (d.is_float or d.bits_allocated in _ALLOCATED, "this number of bits allocated cannot be read"),
        (0 < d.bits_stored <= d.bits_allocated, "more bits stored than allocated"),
        (not colour or d.bits_allocated > 1, "colour of one bit"),
        (not (d.signed and (colour or d.photometric == "PALETTE COLOR")), "signed colour"),
        (starts_low, "samples do not start at the lowest bit"),
    )
    for holds, note in checks:
        if not holds:
            raise Held(Reason.UNDECODABLE, note)


def _high_bit(header: Dataset, description: PixelDescription) -> int:
    value = header.get("HighBit")
    return description.bits_stored - 1 if value is None else int(value)


def _check_size(description: PixelDescription) -> None:
    d = description
    frame_bytes = d.rows * d.columns * d.samples * d.dtype.itemsize
    if frame_bytes > MAX_FRAME_BYTES or d.frames > MAX_FRAMES or frame_bytes * d.frames > MAX_OBJECT_BYTES:
        raise Held(Reason.RESOURCE_LIMIT, "the decoded frames would take more memory than is allowed")
