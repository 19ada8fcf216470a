"""One encapsulated frame → array of samples, by pydicom's plugins and imagecodecs; and back where that is lossless.

The rule of this file: a frame decodes to the shape the header announced, or it is held. No plugin falls back to
another image, no frame is skipped. Errors of the codecs are translated here.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import imagecodecs
import numpy as np
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.encoders.base import get_encoder

from pipeline.frames.codestreams import DamagedCodestreamError, dimensions, jpeg_photometric, without_metadata
from pipeline.frames.run_lengths import has_plain_header, only_run_lengths
from pipeline.frames.syntaxes import JPEG_BASELINE, JPEG_EXTENDED, RLE_LOSSLESS, Coding, Syntax
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.frames.description import PixelDescription

_BITS_OF_A_BYTE = 8
_PLUGIN = {
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    RLE_LOSSLESS: "pylibjpeg",
}
"""One plugin a syntax, so that every frame of an object, and every run, gives the same samples."""
_DEFAULT_PLUGIN = "pylibjpeg"  # JPEG 2000 and HTJ2K by OpenJPEG


class DecodedFrame(NamedTuple):
    """Samples of a frame, and the colour space that they are in now.

    `samples` is (rows, columns) or (rows, columns, 3) in the dtype of the description. JPEG 2000's own colour
    transforms are undone by its decoder, so `photometric` may differ from the header's.
    """

    samples: NDArray[Any]
    photometric: str


def decode_frame(codestream: bytes, description: PixelDescription, syntax: Syntax) -> DecodedFrame:
    """Decode one frame.

    Raises
    ------
    Held
        `UNDECODABLE` where the codestream is damaged or is not what the header announced.
    """
    codestream = _checked(codestream, description, syntax)
    try:
        if syntax.uid in (JPEG_BASELINE, JPEG_EXTENDED):
            return _decode_lossy_jpeg(codestream, description)
        return _decode_by_plugin(codestream, description, syntax)
    except MemoryError:
        raise
    except Exception as error:  # the codecs raise what they like; the outcome is the same for all
        raise Held(Reason.UNDECODABLE, f"a frame cannot be decoded ({type(error).__name__})") from error


def _checked(codestream: bytes, description: PixelDescription, syntax: Syntax) -> bytes:
    """Return what is decoded: the codestream as it would be written, once its own size was compared with the header's.

    It is walked to its end before anything is allocated: codecs fill up what is missing with grey.
    """
    d = description
    try:
        found = dimensions(codestream, syntax.coding)
        if syntax.coding is Coding.RLE and not has_plain_header(codestream):
            return only_run_lengths(codestream, d.rows * d.columns)  # decoders refuse gaps that readers never see
        needed = without_metadata(codestream, syntax.coding)
    except DamagedCodestreamError as error:
        raise Held(Reason.UNDECODABLE, "a frame's codestream is damaged") from error
    if found is None:
        return needed
    if (found.rows, found.columns, found.samples) != (d.rows, d.columns, d.samples):
        raise Held(Reason.UNDECODABLE, "a frame's codestream has another size than the header")
    return needed


def _decode_lossy_jpeg(codestream: bytes, description: PixelDescription) -> DecodedFrame:
    """Decode 8 or 12 bits by libjpeg-turbo, colour as it is coded.

    It gives the same samples as the plugins of pydicom, has 12 bits, and survives damage that ends GDCM's process.
    """
    coded = None if description.samples == 1 else "YCBCR"  # the same in and out: no conversion
    frame = imagecodecs.jpeg_decode(codestream, colorspace=coded, outcolorspace=coded)
    if frame.shape != description.shape:
        raise ValueError("shape")
    photometric = description.photometric
    if description.samples > 1:
        photometric = jpeg_photometric(codestream, photometric)
    return DecodedFrame(np.asarray(frame, dtype=description.dtype), photometric)


def _decode_by_plugin(codestream: bytes, description: PixelDescription, syntax: Syntax) -> DecodedFrame:
    d = description
    options: dict[str, Any] = {**_options(d, d.planar), "pixel_keyword": d.keyword, "correct_unused_bits": False}
    samples, properties = get_decoder(syntax.uid).as_array(
        _one_item(codestream),
        index=0,
        raw=True,
        decoding_plugin=_PLUGIN.get(syntax.uid, _DEFAULT_PLUGIN),
        **options,
    )
    if samples.shape != d.shape:
        raise ValueError("shape")
    photometric = str(properties["photometric_interpretation"])
    if syntax.coding is Coding.JPEG_2000 and photometric in ("YBR_ICT", "YBR_RCT"):
        photometric = "RGB"  # OpenJPEG has undone the transform
    if photometric == "YBR_FULL_422":
        photometric = "YBR_FULL"  # decoders give colour at full width
    return DecodedFrame(samples.astype(d.dtype, copy=False), photometric)


def _one_item(codestream: bytes) -> bytes:
    """`codestream` as encapsulated pixel data of one frame."""
    padding = len(codestream) % 2
    header = struct.pack("<LLLL", 0xE000FFFE, 0, 0xE000FFFE, len(codestream) + padding)
    return header + codestream + b"\x00" * padding


def _options(description: PixelDescription, planar: int) -> dict[str, Any]:
    """Return one frame's attributes as pydicom's codecs want them."""
    return {
        "rows": description.rows,
        "columns": description.columns,
        "number_of_frames": 1,
        "samples_per_pixel": description.samples,
        "photometric_interpretation": description.photometric,
        "planar_configuration": planar,
        "bits_allocated": description.bits_allocated,
        "bits_stored": description.bits_stored,
        "pixel_representation": int(description.signed),
    }


class CannotEncodeError(Exception):
    """The encoder of this syntax does not give back exactly these samples."""


def encode_frame(samples: NDArray[Any], description: PixelDescription, syntax: Syntax) -> bytes:
    """Encode one frame without loss in a syntax that has an encoder.

    Raises
    ------
    CannotEncodeError
        Where the encoder refuses the samples or does not reproduce them.
    """
    d = description
    try:
        encoded = get_encoder(syntax.uid).encode(
            np.ascontiguousarray(samples),
            encoding_plugin="pyjpegls" if syntax.coding is Coding.JPEG_LS else "pylibjpeg",
            **_options(d, 0),
        )
        again = decode_frame(encoded, d, syntax)
    except MemoryError:
        raise
    except Exception as error:  # the encoders raise what they like; the caller writes native samples instead
        raise CannotEncodeError(type(error).__name__) from error
    if not np.array_equal(again.samples, samples):
        raise CannotEncodeError("not reproduced")
    return bytes(encoded)


def colour_to_rgb(samples: NDArray[Any], photometric: str) -> NDArray[Any]:
    """RGB of a colour frame.

    Parameters
    ----------
    samples
        (rows, columns, 3), unsigned, in `photometric`.
    """
    from pydicom.pixels.processing import convert_color_space  # noqa: PLC0415  slow to import, needed for few objects

    if photometric == "RGB":
        return samples
    if samples.dtype != np.uint8:
        raise Held(Reason.UNDECODABLE, "luminance and chrominance of more than 8 bits cannot be converted")
    return convert_color_space(samples, "YBR_FULL", "RGB")
