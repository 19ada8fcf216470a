"""Images of every kind of sample, and the ways in which other programs code them, for the golden tests of the pixels.

Rule of the file: sizes are odd, frames differ, and where the standard leaves room (unused bits, planes, frames that end
inside a byte) the images use it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import imagecodecs
import numpy as np
import pydicom

from tests.factories.jpeg_by_hand import jpeg_of_12_bits
from tests.factories.pixels import save_image
from tests.peers import codecs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

ROWS, COLUMNS, FRAMES = 61, 83, 2
BOX = (21, 18, 46, 35)
"""left, top, right, bottom: on no grid of blocks."""
MODEL = "GOLDEN"
_GREY_CLASSES = {1: "1.2.840.10008.5.1.4.1.1.7.1", 8: "1.2.840.10008.5.1.4.1.1.7.2", 16: "1.2.840.10008.5.1.4.1.1.7.3"}
_COLOUR_CLASS = "1.2.840.10008.5.1.4.1.1.7.4"
_SEED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of image.

    Parameters
    ----------
    samples
        (frames, rows, columns[, 3]), as a decoder must give them.
    black
        The stored value that a redaction must leave.
    attributes
        Of the header, beside what the samples say.
    stored
        The bytes of native pixel data; None where they are the samples side by side.
    """

    samples: NDArray[Any]
    photometric: str
    black: int | tuple[int, int, int]
    attributes: dict[str, Any] = field(default_factory=dict)
    stored: bytes | None = None

    @property
    def bits_stored(self) -> int:
        """Of a sample."""
        return int(self.attributes.get("BitsStored", self.samples.itemsize * 8))

    def write(self, path: Path) -> Path:
        """Write the image as Explicit VR Little Endian."""
        bits = self.attributes.get("BitsAllocated", self.samples.itemsize * 8)
        return save_image(
            path,
            self.samples,
            photometric=self.photometric,
            pixel_bytes=self.stored,
            sop_class=_COLOUR_CLASS if self.samples.ndim == 4 else _GREY_CLASSES.get(bits, _GREY_CLASSES[16]),
            ManufacturerModelName=MODEL,
            **self.attributes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """One way of coding, and what must become of it.

    Parameters
    ----------
    make
        Native object, new path -> the coded object.
    written
        Transfer syntax UID of the object once it is redacted.
    kinds
        Names of the images that can be coded so.
    unit
        Rows and columns of the smallest area that can be redacted.
    nearly
        How much two decoders' samples of the source may differ.
    photometric
        Of the redacted object, where it is not the source's.
    """

    make: Callable[[Path, Path], Path]
    written: str
    kinds: tuple[str, ...]
    unit: int = 1
    nearly: int = 0
    photometric: str | None = None


def _smooth(seed: int) -> NDArray[np.float64]:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(ROWS, COLUMNS)), (0, 0), 2)
    return np.asarray((noise - noise.min()) / (noise.max() - noise.min()))


def _grey(bits: int, dtype: str) -> NDArray[Any]:
    levels = np.stack([np.rint(_smooth(index) * ((1 << bits) - 1)) for index in range(FRAMES)]).astype(np.int64)
    return (levels - ((1 << (bits - 1)) if dtype.startswith("i") else 0)).astype(dtype)


def _colour(dtype: str = "u1", columns: int = COLUMNS) -> NDArray[Any]:
    planes = [[_smooth(_SEED * index + plane)[:, :columns] for plane in range(3)] for index in range(FRAMES)]
    return np.rint(np.moveaxis(np.array(planes), 1, -1) * ((1 << 8 * np.dtype(dtype).itemsize) - 1)).astype(dtype)


def _stored(bits: int) -> dict[str, int]:
    return {"BitsStored": bits, "HighBit": bits - 1}


def _palette(bits: int, entries: int) -> dict[str, Any]:
    """Return a palette in which entry 5 is the darkest."""
    levels = np.linspace((1 << bits) // 8, (1 << bits) - 1, entries).astype(np.uint16)
    levels[5] = 0
    value = levels.astype("<u2").tobytes() if bits > 8 else levels.astype("u1").tobytes()
    return {
        f"{colour}PaletteColorLookupTable{part}": content
        for colour in ("Red", "Green", "Blue")
        for part, content in (("Descriptor", [entries, 0, bits]), ("Data", value))
    }


def _segmented_palette() -> dict[str, Any]:
    """Return a palette of 256 entries in segments: six discrete ones, of which entry 5 is black, then a ramp."""
    words = np.array([0, 6, 9000, 9000, 9000, 9000, 9000, 0, 1, 250, 65535], "<u2")
    return {
        f"{'Segmented' * (part == 'Data')}{colour}PaletteColorLookupTable{part}": content
        for colour in ("Red", "Green", "Blue")
        for part, content in (("Descriptor", [256, 0, 16]), ("Data", words.tobytes()))
    }


def _with_overlay(samples: NDArray[Any], bit: int) -> bytes:
    """Return samples with graphics in a bit above the stored ones (PS3.5, 8.1.1)."""
    drawn = samples.copy()
    drawn[:, 40:50, 10:60] |= samples.dtype.type(1 << bit)
    return drawn.tobytes()


def _subsampled() -> Kind:
    samples = _colour(columns=82)
    samples[:, :, 1::2, 1:] = samples[:, :, 0::2, 1:]
    packed = np.empty((FRAMES, ROWS, 41, 4), np.uint8)
    packed[..., 0], packed[..., 1] = samples[:, :, 0::2, 0], samples[:, :, 1::2, 0]
    packed[..., 2:] = samples[:, :, 0::2, 1:]
    return Kind(samples=samples, photometric="YBR_FULL_422", black=(0, 128, 128), stored=packed.tobytes())


def _planar(photometric: str, black: tuple[int, int, int]) -> Kind:
    samples = _colour()
    stored = np.ascontiguousarray(np.moveaxis(samples, -1, 1)).tobytes()
    return Kind(
        samples=samples, photometric=photometric, black=black, attributes={"PlanarConfiguration": 1}, stored=stored
    )


_BITS = (_grey(8, "u1") > 128).astype(np.uint8)
KINDS = {
    "grey8": Kind(samples=_grey(8, "u1"), photometric="MONOCHROME2", black=0),
    "white8": Kind(samples=_grey(8, "u1"), photometric="MONOCHROME1", black=255),
    "grey10": Kind(samples=_grey(10, "u2"), photometric="MONOCHROME2", black=0, attributes=_stored(10)),
    "white12": Kind(samples=_grey(12, "u2"), photometric="MONOCHROME1", black=4095, attributes=_stored(12)),
    "grey16": Kind(samples=_grey(16, "u2"), photometric="MONOCHROME2", black=0),
    "grey32": Kind(samples=_grey(30, "u4"), photometric="MONOCHROME2", black=0),
    "signed8": Kind(samples=_grey(8, "i1"), photometric="MONOCHROME2", black=-128),
    "signed12": Kind(samples=_grey(12, "i2"), photometric="MONOCHROME2", black=-2048, attributes=_stored(12)),
    "signed16": Kind(samples=_grey(16, "i2"), photometric="MONOCHROME2", black=-32768),
    "padded": Kind(
        samples=_grey(12, "i2"),
        photometric="MONOCHROME2",
        black=-2000,
        attributes=_stored(12) | {"PixelPaddingValue": -2000},
    ),
    "overlaid12": Kind(
        samples=_grey(12, "u2"),
        photometric="MONOCHROME2",
        black=0,
        attributes=_stored(12),
        stored=_with_overlay(_grey(12, "u2"), 14),
    ),
    "bits": Kind(
        samples=_BITS,
        photometric="MONOCHROME2",
        black=0,
        attributes={"BitsAllocated": 1} | _stored(1),
        stored=np.packbits(_BITS, bitorder="little").tobytes(),
    ),
    "palette8": Kind(samples=_grey(8, "u1"), photometric="PALETTE COLOR", black=5, attributes=_palette(16, 256)),
    "palette8-of-8": Kind(samples=_grey(8, "u1"), photometric="PALETTE COLOR", black=5, attributes=_palette(8, 256)),
    "palette12": Kind(
        samples=_grey(12, "u2"), photometric="PALETTE COLOR", black=5, attributes=_stored(12) | _palette(16, 4096)
    ),
    "segmented": Kind(samples=_grey(8, "u1"), photometric="PALETTE COLOR", black=5, attributes=_segmented_palette()),
    "rgb": Kind(samples=_colour(), photometric="RGB", black=(0, 0, 0)),
    "rgb-planes": _planar("RGB", (0, 0, 0)),
    "rgb16": Kind(samples=_colour("u2"), photometric="RGB", black=(0, 0, 0)),
    "ybr": Kind(samples=_colour(), photometric="YBR_FULL", black=(0, 128, 128)),
    "ybr-planes": _planar("YBR_FULL", (0, 128, 128)),
    "ybr422": _subsampled(),
}
_PALETTES = ("palette8", "palette8-of-8", "palette12", "segmented")
_GREYS = ("grey8", "white8", "grey10", "white12", "grey16", "signed8", "signed12", "signed16", "padded")
_COLOURS = ("rgb", "rgb-planes", "ybr", "ybr-planes")
_NATIVE = tuple(KINDS)


def _by(*command: str) -> Callable[[Path, Path], Path]:
    return lambda source, target: codecs.encode(source, target, command)


def _openjpeg(syntax: str, *options: str) -> Callable[[Path, Path], Path]:
    return lambda source, target: codecs.encode_jpeg_2000(source, target, syntax, options)


def _libjxl(syntax: str, *options: str) -> Callable[[Path, Path], Path]:
    return lambda source, target: codecs.encode_jpeg_xl(source, target, syntax, options)


def _openjph(syntax: str, *, reversible: bool) -> Callable[[Path, Path], Path]:
    def make(source: Path, target: Path) -> Path:
        streams = [imagecodecs.htj2k_encode(frame, reversible=reversible) for frame in codecs.native_samples(source)]
        return codecs.with_codestreams(pydicom.dcmread(source), target, syntax, streams)

    return make


def _opencv(syntax: str, *options: int) -> Callable[[Path, Path], Path]:
    """Code 8-bit samples as JPEG; three of them become luminance and chrominance."""

    def make(source: Path, target: Path) -> Path:
        ds = pydicom.dcmread(source)
        streams = [cv2.imencode(".jpg", frame[..., ::-1] if frame.ndim == 3 else frame, options)[1].tobytes()
                   for frame in codecs.native_samples(source)]  # fmt: skip
        if ds.SamplesPerPixel == 3:
            ds.PhotometricInterpretation = "YBR_FULL_422"
        return codecs.with_codestreams(ds, target, syntax, streams)

    return make


def _libjxl_of_jpeg(source: Path, target: Path) -> Path:
    """Code JPEG again as JPEG XL, from which the very JPEG can be had back (PS3.5, A.4.12)."""
    ds, streams = pydicom.dcmread(source), []
    for index, frame in enumerate(codecs.native_samples(source)):
        jpeg, coded = target.with_suffix(f".{index}.jpg"), target.with_suffix(f".{index}.jxl")
        jpeg.write_bytes(cv2.imencode(".jpg", frame[..., ::-1] if frame.ndim == 3 else frame)[1].tobytes())
        codecs.run("cjxl", jpeg, coded, "--lossless_jpeg=1")
        streams.append(coded.read_bytes())
    if ds.SamplesPerPixel == 3:
        ds.PhotometricInterpretation = "YBR_FULL"
    return codecs.with_codestreams(ds, target, _uid(111), streams)


def _restarting(source: Path, target: Path) -> Path:
    streams = [jpeg_of_12_bits(frame & 4095, interval=7) for frame in codecs.native_samples(source)]
    return codecs.with_codestreams(pydicom.dcmread(source), target, _uid(51), streams)


def _zlib(source: Path, target: Path) -> Path:
    """Deflate every frame by itself, bits of a frame beginning on a byte (PS3.5, A.4.13)."""
    ds = pydicom.dcmread(source)
    frames = codecs.native_samples(source)
    if ds.BitsAllocated == 1:
        native = [np.packbits(frame, bitorder="little").tobytes() for frame in frames]
    else:
        length = len(ds.PixelData) // FRAMES
        native = [ds.PixelData[index * length : (index + 1) * length] for index in range(FRAMES)]
    streams = []
    for frame in native:
        deflater = zlib.compressobj(level=9, wbits=-15)
        streams.append(deflater.compress(frame) + deflater.flush())
    return codecs.with_codestreams(ds, target, "1.2.840.10008.1.2.8.1", streams)


def _uid(number: int) -> str:
    return f"1.2.840.10008.1.2.4.{number}"


_RLE = "1.2.840.10008.1.2.5"
_WITHOUT_16_COLOUR = (*_GREYS, *_PALETTES, *_COLOURS)
CODED = {
    "explicit": Coded(make=_by("dcmconv", "+te"), written="1.2.840.10008.1.2.1", kinds=_NATIVE),
    "implicit": Coded(make=_by("dcmconv", "+ti"), written="1.2.840.10008.1.2", kinds=_NATIVE),
    "big-endian": Coded(make=_by("dcmconv", "+tb"), written="1.2.840.10008.1.2.2", kinds=_NATIVE),
    "deflated": Coded(
        make=_by("dcmconv", "+td"), written="1.2.840.10008.1.2.1.99", kinds=("grey8", "bits", "rgb-planes", "signed12")
    ),
    "deflated-frames": Coded(
        make=_zlib, written="1.2.840.10008.1.2.8.1", kinds=("grey8", "bits", "signed12", "rgb", "grey32")
    ),
    "rle-dcmtk": Coded(make=_by("dcmcrle"), written=_RLE, kinds=(*_WITHOUT_16_COLOUR, "rgb16", "overlaid12")),
    "rle-of-32": Coded(make=_by("dcmcrle"), written="1.2.840.10008.1.2.1", kinds=("grey32",)),
    "rle-gdcm": Coded(make=_by("gdcmconv", "-R"), written=_RLE, kinds=("grey8", "signed12", "rgb", "ybr")),
    "jpeg-lossless": Coded(
        make=_by("dcmcjpeg", "+e1"), written=_uid(70), kinds=(*_GREYS, *_PALETTES, "rgb", "ybr", "rgb16")
    ),
    "jpeg-lossless-6": Coded(
        make=_by("dcmcjpeg", "+el"), written=_uid(57), kinds=("grey8", "white12", "signed16", "rgb", "ybr")
    ),
    "jpeg-lossless-gdcm": Coded(
        make=_by("gdcmconv", "-J"), written=_uid(70), kinds=("grey8", "white12", "signed12", "rgb")
    ),
    "jpeg-ls": Coded(make=_by("dcmcjpls"), written=_uid(80), kinds=(*_WITHOUT_16_COLOUR, "rgb16")),
    "jpeg-ls-by-sample": Coded(make=_by("dcmcjpls", "+is"), written=_uid(80), kinds=("rgb", "ybr", "rgb16")),
    "jpeg-ls-by-plane": Coded(make=_by("dcmcjpls", "+in"), written=_uid(80), kinds=("rgb", "ybr-planes")),
    "jpeg-ls-gdcm": Coded(make=_by("gdcmconv", "-L"), written=_uid(80), kinds=("grey8", "white12", "rgb")),
    "jpeg-ls-near": Coded(
        make=_by("dcmcjpls", "+en", "+un"), written=_uid(80), kinds=("grey8", "white12", "grey16", "rgb", "ybr")
    ),
    "j2k": Coded(make=_openjpeg(_uid(90), "-mct", "0"), written=_uid(90), kinds=(*_WITHOUT_16_COLOUR, "rgb16")),
    "j2k-tiles": Coded(
        make=_openjpeg(_uid(90), "-t", "40,40", "-p", "RPCL", "-PLT", "-TLM"),
        written=_uid(90),
        kinds=("grey8", "white12", "signed16", "rgb"),
    ),
    "j2k-gdcm": Coded(make=_by("gdcmconv", "-K"), written=_uid(90), kinds=("grey8", "white12", "signed12", "rgb")),
    "j2k-lossy": Coded(
        make=_openjpeg(_uid(91), "-I", "-r", "8"), written=_uid(90), kinds=("grey8", "white12", "signed16", "rgb")
    ),
    "j2k-lossy-gdcm": Coded(
        make=_by("gdcmconv", "-K", "--irreversible", "-Y"), written=_uid(90), kinds=("grey8", "white12", "rgb")
    ),
    "htj2k": Coded(
        make=_openjph(_uid(201), reversible=True),
        written=_uid(201),
        kinds=("grey8", "grey16", "signed16", "rgb", "ybr"),
    ),
    "htj2k-rpcl": Coded(make=_openjph(_uid(202), reversible=True), written=_uid(201), kinds=("grey16", "rgb")),
    "htj2k-of-12": Coded(
        make=_openjph(_uid(201), reversible=True), written="1.2.840.10008.1.2.1", kinds=("white12", "signed12")
    ),
    "htj2k-lossy": Coded(
        make=_openjph(_uid(203), reversible=False), written=_uid(201), kinds=("grey8", "grey16", "rgb")
    ),
    "jpeg-xl": Coded(make=_libjxl(_uid(110), "-d", "0"), written=_uid(110), kinds=("grey8", "white8", "grey16", "rgb")),
    "jpeg-xl-container": Coded(
        make=_libjxl(_uid(112), "-d", "0", "--container=1"), written=_uid(110), kinds=("grey8", "rgb")
    ),
    "jpeg-xl-lossy": Coded(
        make=_libjxl(_uid(112), "-d", "1"), written=_uid(110), kinds=("grey8", "grey16", "rgb"), nearly=1
    ),
    "jpeg-xl-lossy-jpeg": Coded(make=_libjxl_of_jpeg, written=_uid(110), kinds=("grey8",), nearly=1),
    "jpeg-xl-lossy-colour-jpeg": Coded(
        make=_libjxl_of_jpeg, written=_uid(110), kinds=("rgb",), nearly=1, photometric="RGB"
    ),
    "jpeg-extended-12": Coded(
        make=_by("dcmcjpeg", "+ee", "+un"),
        written=_uid(51),
        kinds=("grey10", "white12", "grey16"),
        unit=8,
    ),
    "jpeg-extended-12-restarts": Coded(make=_restarting, written=_uid(51), kinds=("white12", "overlaid12"), unit=8),
    "jpeg-extended-12-colour": Coded(
        make=_by("dcmcjpeg", "+ee", "+cr", "+un"), written="1.2.840.10008.1.2.1", kinds=("rgb16",)
    ),
    "jpeg-progressive": Coded(
        make=_by("dcmcjpeg", "+ep", "+un"), written="1.2.840.10008.1.2.1", kinds=("grey8", "white12")
    ),
}
"""Codings of which every sample outside the redaction stays."""
_SAMPLED, _RESTARTS = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_RST_INTERVAL
IN_BLOCKS = {
    "baseline": (_by("dcmcjpeg", "+eb", "+s4", "+un"), (1, 1)),
    "baseline-422": (_by("dcmcjpeg", "+eb", "+un"), (1, 2)),
    "baseline-420": (_by("dcmcjpeg", "+eb", "+n1", "+un"), (2, 2)),
    "baseline-440": (_opencv(_uid(50), _SAMPLED, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440), (2, 1)),
    "baseline-rgb": (_by("dcmcjpeg", "+eb", "+cr", "+un"), (1, 1)),
    "restarts-422": (_opencv(_uid(50), _RESTARTS, 3, _SAMPLED, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422), (1, 2)),
    "extended": (_by("dcmcjpeg", "+ee", "+un"), (1, 2)),
    "fragments": (_by("dcmcjpeg", "+eb", "+un", "+fs", "1", "-ot"), (1, 2)),
    "fragments-and-table": (_by("dcmcjpeg", "+eb", "+un", "+fs", "1"), (1, 2)),
}
"""JPEG that is blanked in its coefficients: how it is made, and vertical and horizontal sampling of its colour."""
AS_SAMPLES = {
    "411": _opencv(_uid(50), _SAMPLED, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
    "progressive": _opencv(_uid(50), cv2.IMWRITE_JPEG_PROGRESSIVE, 1, _SAMPLED, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
}
"""JPEG in the syntax of baseline that is decoded and written without loss."""


def in_fragments(source: Path, target: Path, table: str) -> Path:
    """Write the frames of an encapsulated object again, each in several fragments.

    Parameters
    ----------
    table
        `basic` or `extended`, or `none` of the two.
    """
    ds, items, offsets, lengths = pydicom.dcmread(source), b"", [], []
    for stream in codecs.codestreams(source):
        offsets.append(len(items))
        lengths.append(len(stream))
        even = stream + b"\0" * (len(stream) % 2)
        for part in (even[:2], even[2:400], even[400:402], even[402:]):
            items += struct.pack("<LL", 0xE000FFFE, len(part)) + part
    basic = struct.pack(f"<{len(offsets)}L", *offsets) if table == "basic" else b""
    ds.PixelData = struct.pack("<LL", 0xE000FFFE, len(basic)) + basic + items
    if table == "extended":
        ds.ExtendedOffsetTable = struct.pack(f"<{len(offsets)}Q", *offsets)
        ds.ExtendedOffsetTableLengths = struct.pack(f"<{len(lengths)}Q", *lengths)
    ds.save_as(target, enforce_file_format=True)
    return target
