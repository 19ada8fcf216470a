"""Pixels of every shape and the syntaxes they are written in, with comments planted between the markers.

Rule of the file: samples are noise from a seed, so that no two frames are alike and no planted word stands in them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from pydicom.encaps import encapsulate

from tests.factories.corpus.elements import fill

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from tests.factories.corpus.plants import Plants

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
RLE, JPEG_BASELINE, JPEG_LOSSLESS = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_2000, HTJ2K = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"
NATIVE = {IMPLICIT: "implicit", EXPLICIT: "explicit", DEFLATED: "deflated", BIG_ENDIAN: "big-endian"}
ENCAPSULATED = {
    RLE: "rle",
    JPEG_BASELINE: "jpeg",
    JPEG_LOSSLESS: "jpeg-lossless",
    JPEG_LS: "jpeg-ls",
    JPEG_2000: "j2k",
    HTJ2K: "htj2k",
}
SYNTAXES = {**NATIVE, **ENCAPSULATED}
BEHIND_PIXELS = 64
"""Bytes behind the expected end of native pixel data."""
_BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """The shape of an object's pixels.

    Parameters
    ----------
    bits, stored
        Allocated and stored bits of a sample.
    samples
        1 or 3.
    """

    photometric: str = "MONOCHROME2"
    bits: int = 16
    stored: int = 12
    samples: int = 1
    frames: int = 1
    rows: int = 16
    columns: int = 16

    def fits(self, syntax: str) -> bool:
        """Tell whether pixels of this shape may be written in a syntax."""
        if syntax in NATIVE:
            return True
        if self.bits not in (8, 16):
            return False
        return syntax != JPEG_BASELINE or self.bits == _BYTE


GRAY_8 = Pixels(bits=8, stored=8)
GRAY_16 = Pixels()
COLOUR = Pixels(photometric="RGB", bits=8, stored=8, samples=3)


def write_pixels(dataset: Dataset, pixels: Pixels, syntax: str, plants: Plants, *, planted: bool) -> None:
    """Write the Image Pixel Module and the pixel data in a syntax, with or without plants around the samples."""
    fill(
        dataset,
        SamplesPerPixel=pixels.samples,
        PhotometricInterpretation=_photometric(pixels, syntax),
        Rows=pixels.rows,
        Columns=pixels.columns,
        BitsAllocated=pixels.bits,
        BitsStored=pixels.stored,
        HighBit=pixels.stored - 1,
        PixelRepresentation=0,
    )
    if pixels.samples > 1:
        dataset.PlanarConfiguration = 0
    if syntax == JPEG_BASELINE:
        fill(dataset, LossyImageCompression="01", LossyImageCompressionRatio="8")
        dataset.LossyImageCompressionMethod = "ISO_10918_1"
    frames = samples_of(pixels, seed=int(dataset.InstanceNumber))
    if syntax in NATIVE:
        raw = np.packbits(frames, bitorder="little").tobytes() if pixels.bits == 1 else frames.tobytes()
        if planted:
            raw += plants.container("bytes behind the pixel data").encode().ljust(BEHIND_PIXELS, b"\0")
        raw = raw + b"\0" * (len(raw) % 2)
        dataset.add_new(0x7FE00010, "OW" if pixels.bits > _BYTE or syntax == IMPLICIT else "OB", raw)
        return
    coded = [encode(frame, pixels, syntax) for frame in frames]
    if planted:
        coded = [with_comments(codestream, syntax, plants) for codestream in coded]
    dataset.PixelData = encapsulate(coded)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True


def samples_of(pixels: Pixels, *, seed: int) -> NDArray[Any]:
    """Return noise of shape (frames, rows, columns[, 3])."""
    shape = (pixels.frames, pixels.rows, pixels.columns, *((pixels.samples,) if pixels.samples > 1 else ()))
    dtype = {1: np.uint8, 8: np.uint8, 16: np.uint16, 32: np.uint32}[pixels.bits]
    return np.random.default_rng(seed).integers(0, 1 << min(pixels.stored, 16), size=shape, dtype=dtype)


def _photometric(pixels: Pixels, syntax: str) -> str:
    if pixels.samples == 1:
        return pixels.photometric
    return {JPEG_BASELINE: "YBR_FULL", JPEG_2000: "YBR_RCT", HTJ2K: "YBR_RCT"}.get(syntax, pixels.photometric)


def encode(frame: NDArray[Any], pixels: Pixels, syntax: str) -> bytes:
    """Return a frame as a codestream."""
    if syntax == RLE:
        return _run_lengths(frame, pixels)
    if syntax == JPEG_BASELINE:
        colour = {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": "444"} if pixels.samples > 1 else {}
        return bytes(imagecodecs.jpeg_encode(frame, level=90, **colour))
    if syntax == JPEG_LOSSLESS:
        return bytes(imagecodecs.jpeg_encode(frame, lossless=True, predictor=1, bitspersample=pixels.stored))
    if syntax == JPEG_LS:
        return bytes(imagecodecs.jpegls_encode(frame))
    if syntax == JPEG_2000:
        return bytes(
            imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", reversible=True, mct=pixels.samples > 1)
        )
    return bytes(imagecodecs.htj2k_encode(frame, reversible=True))


def _run_lengths(frame: NDArray[Any], pixels: Pixels) -> bytes:
    """Return a frame as RLE (PS3.5 annex G), every row in literal runs, the most significant bytes first."""
    planes = np.ascontiguousarray(np.atleast_3d(frame)).view(np.uint8)
    planes = planes.reshape(pixels.rows, pixels.columns, pixels.samples, pixels.bits // _BYTE)[..., ::-1]
    segments = []
    for sample in range(pixels.samples):
        for byte in range(pixels.bits // _BYTE):
            rows = planes[:, :, sample, byte]
            segment = b"".join(bytes([pixels.columns - 1]) + row.tobytes() for row in rows)
            segments.append(segment + b"\0" * (len(segment) % 2))
    offsets = [64 + sum(map(len, segments[:at])) for at in range(len(segments))]
    return struct.pack("<16L", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


def with_comments(codestream: bytes, syntax: str, plants: Plants) -> bytes:
    """Return a codestream with a comment, an application segment and bytes behind its end."""
    behind = plants.container("bytes behind a codestream").encode()
    if syntax == RLE:
        return codestream + bytes([len(behind) - 1]) + behind  # one more literal run than there are rows
    if syntax in (JPEG_2000, HTJ2K):
        text = plants.container("JPEG 2000 COM").encode()
        at = codestream.index(b"\xff\x90")  # the first tile-part: comments may stand anywhere before it
        segment = b"\xff\x64" + struct.pack(">HH", len(text) + 4, 1) + text
        return codestream[:at] + segment + codestream[at:] + behind
    comment = plants.container("JPEG COM").encode()
    exif = b"Exif\0\0" + plants.container("JPEG APP1").encode()
    private = plants.container("JPEG APP13").encode()
    segments = b"".join(
        bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body
        for marker, body in ((0xFE, comment), (0xE1, exif), (0xED, private))
    )
    return codestream[:2] + segments + codestream[2:] + behind
