"""One encapsulated frame → array of samples, by imagecodecs and pydicom's plugins; and back where that is lossless.

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

from pipeline.frames import native
from pipeline.frames.codestreams import (
    DamagedCodestreamError,
    dimensions,
    is_huffman_coded,
    jpeg_photometric,
    without_metadata,
)
from pipeline.frames.deflate import deflate_frame, inflate_frame
from pipeline.frames.jpeg_xl import jpeg_xl_size
from pipeline.frames.run_lengths import has_plain_header, only_run_lengths
from pipeline.frames.syntaxes import JPEG_XL_RECOMPRESSION, Coding, Syntax
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.frames.codestreams import Dimensions
    from pipeline.frames.description import PixelDescription

_BITS_OF_A_BYTE = 8
_PLUGIN = {Coding.RLE: "pylibjpeg", Coding.JPEG_LS: "pyjpegls", Coding.JPEG_2000: "pylibjpeg"}
"""One plugin a coding, so that every frame of an object, and every run, gives the same samples."""


_NO_COLOUR = 128
_ROWS_AT_ONCE = 16
"""So few that what is computed of them stays in the processor's cache."""
_TRANSFORMED = ("YBR_ICT", "YBR_RCT")


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
        return _DECODERS.get(syntax.coding, _decode_by_plugin)(codestream, description, syntax)
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the codecs raise what they like, Rust's panics are no Exception even
        raise Held(Reason.UNDECODABLE, f"a frame cannot be decoded ({type(error).__name__})") from error


def _checked(codestream: bytes, description: PixelDescription, syntax: Syntax) -> bytes:
    """Return what is decoded: the codestream as it would be written, once its own size was compared with the header's.

    It is walked to its end before anything is allocated: codecs fill up what is missing with grey.
    """
    d = description
    try:
        if syntax.coding is Coding.DEFLATED:
            return codestream  # it says no size, and inflates no further than one frame
        if syntax.coding is Coding.RLE and not has_plain_header(codestream):
            return only_run_lengths(codestream, d.rows * d.columns)  # decoders refuse gaps that readers never see
        if syntax.coding is Coding.JPEG_XL:
            found: Dimensions | None = jpeg_xl_size(codestream)._replace(samples=d.samples)
        else:
            found = dimensions(codestream, syntax.coding)
        if syntax.coding is Coding.JPEG and not is_huffman_coded(codestream):
            raise Held(Reason.UNDECODABLE, "a frame is coded by a JPEG process that its transfer syntax does not have")
        needed = without_metadata(codestream, syntax.coding)
    except DamagedCodestreamError as error:
        raise Held(Reason.UNDECODABLE, "a frame's codestream is damaged") from error
    if found is None:
        return needed
    if (found.rows, found.columns, found.samples) != (d.rows, d.columns, d.samples):
        raise Held(Reason.UNDECODABLE, "a frame's codestream has another size than the header")
    if found.precision > d.bits_allocated:
        raise Held(Reason.UNDECODABLE, "a frame's codestream has more bits than the header allocates")
    return needed


def _decode_jpeg(codestream: bytes, description: PixelDescription, syntax: Syntax) -> DecodedFrame:
    """Decode lossy and lossless JPEG of any precision by libjpeg-turbo, colour as it is coded.

    It gives the same samples as the plugins of pydicom, has 12 bits, and survives damage that ends GDCM's process.
    """
    coded = None if description.samples == 1 else "YCBCR"  # the same in and out: no conversion
    frame = imagecodecs.jpeg8_decode(codestream, colorspace=coded, outcolorspace=coded)
    photometric = description.photometric
    if description.samples > 1 and not syntax.lossless:
        photometric = jpeg_photometric(codestream, photometric)
    elif description.is_subsampled:
        photometric = "YBR_FULL"
    return _of_shape(frame, description, photometric)


def _decode_jpeg_xl(codestream: bytes, description: PixelDescription, syntax: Syntax) -> DecodedFrame:
    """Decode the first frame; a JPEG inside comes out in the colours that it shows."""
    frame = imagecodecs.jpegxl_decode(codestream, index=0, keeporientation=True, numthreads=1)
    if frame.dtype.itemsize > description.dtype.itemsize or frame.dtype.kind != "u":
        raise ValueError("dtype")
    is_jpeg = syntax.uid == JPEG_XL_RECOMPRESSION and description.samples > 1
    return _of_shape(frame, description, "RGB" if is_jpeg else description.photometric)


def _inflate(codestream: bytes, description: PixelDescription, syntax: Syntax) -> DecodedFrame:
    d = description
    data = inflate_frame(codestream, d.deflated_frame_bytes)
    if d.bits_allocated < _BITS_OF_A_BYTE:
        data = native.unpack_bits(data, 0, d.native_frame_bits)
    samples = native.frame_from_bytes(data, d, little_endian=syntax.little_endian)
    return DecodedFrame(samples, "YBR_FULL" if d.is_subsampled else d.photometric)


def _of_shape(frame: NDArray[Any], description: PixelDescription, photometric: str) -> DecodedFrame:
    if frame.shape != description.shape:
        raise ValueError("shape")
    return DecodedFrame(np.asarray(frame, dtype=description.dtype), photometric)


def _decode_by_plugin(codestream: bytes, description: PixelDescription, syntax: Syntax) -> DecodedFrame:
    d = description
    options: dict[str, Any] = {**_options(d, d.planar), "pixel_keyword": d.keyword, "correct_unused_bits": False}
    samples, properties = get_decoder(syntax.uid).as_array(
        _one_item(codestream),
        index=0,
        raw=True,
        decoding_plugin=_PLUGIN[syntax.coding],
        **options,
    )
    if samples.shape != d.shape:
        raise ValueError("shape")
    photometric = str(properties["photometric_interpretation"])
    if syntax.coding is Coding.JPEG_2000 and photometric in _TRANSFORMED:
        photometric = "RGB"  # OpenJPEG has undone the transform
    if photometric == "YBR_FULL_422":
        photometric = "YBR_FULL"  # decoders give colour at full width
    return DecodedFrame(samples.astype(d.dtype, copy=False), photometric)


_DECODERS = {Coding.JPEG: _decode_jpeg, Coding.JPEG_XL: _decode_jpeg_xl, Coding.DEFLATED: _inflate}


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
    encoder = _encode_htj2k if syntax.high_throughput else _ENCODERS.get(syntax.coding, _encode_by_plugin)
    try:
        encoded = encoder(np.ascontiguousarray(samples), description, syntax)
        again = decode_frame(encoded, description, syntax)
    except MemoryError:
        raise
    except Exception as error:  # the encoders raise what they like; the caller writes native samples instead
        raise CannotEncodeError(type(error).__name__) from error
    if not np.array_equal(again.samples, samples):
        raise CannotEncodeError("not reproduced")
    return bytes(encoded)


def coded_photometric(decoded: str, *, announced: str, source: Syntax, syntax: Syntax) -> str:
    """Return the photometric interpretation of samples that are coded without loss in a syntax.

    JPEG 2000 transforms colour reversibly, unless it stays in the syntax of a source that was not transformed;
    deflated frames keep subsampled colour.

    Parameters
    ----------
    decoded
        Of the samples.
    announced
        Of the source.
    """
    if syntax.coding is Coding.JPEG_2000 and decoded == "RGB" and (announced in _TRANSFORMED or source != syntax):
        return "YBR_RCT"
    is_packed = announced == "YBR_FULL_422" and source.coding in (Coding.NATIVE, Coding.DEFLATED)
    return announced if is_packed and syntax.coding is Coding.DEFLATED else decoded


def _encode_by_plugin(samples: NDArray[Any], description: PixelDescription, syntax: Syntax) -> bytes:
    encoded = get_encoder(syntax.uid).encode(
        samples, encoding_plugin=_PLUGIN[syntax.coding], **_options(description, 0)
    )
    return bytes(encoded)


def _encode_jpeg_lossless(samples: NDArray[Any], description: PixelDescription, _syntax: Syntax) -> bytes:
    """Encode by the first predictor, which both lossless syntaxes allow (PS3.5, A.4.2).

    Of signed samples all allocated bits are coded, the sign's with them, so that no reader has to fill it up. Other
    colour than RGB is coded as unknown: of YCbCr, libjpeg-turbo names another table for the chrominance than it used.
    """
    d = description
    colour = None if d.samples == 1 else "RGB" if d.photometric == "RGB" else "UNKNOWN"
    encoded = imagecodecs.jpeg8_encode(
        samples.view(samples.dtype.str.replace("i", "u")),
        lossless=True,
        predictor=1,
        bitspersample=d.bits_allocated if d.signed else d.bits_stored,
        colorspace=colour,
        outcolorspace=colour,
    )
    return without_metadata(bytes(encoded), Coding.JPEG)


def _encode_htj2k(samples: NDArray[Any], description: PixelDescription, _syntax: Syntax) -> bytes:
    """Encode by OpenJPH, which takes its precision from the array: only where every allocated bit is stored."""
    d = description
    if d.bits_stored != d.bits_allocated:
        raise ValueError("precision")
    encoded = imagecodecs.htj2k_encode(samples, reversible=True, rgb=d.photometric == "YBR_RCT")
    return without_metadata(bytes(encoded), Coding.JPEG_2000)


def _encode_jpeg_xl(samples: NDArray[Any], description: PixelDescription, _syntax: Syntax) -> bytes:
    if description.signed:
        raise ValueError("signed")
    return bytes(imagecodecs.jpegxl_encode(samples, lossless=True, effort=3, usecontainer=False, numthreads=1))


def _deflate(samples: NDArray[Any], description: PixelDescription, syntax: Syntax) -> bytes:
    if description.bits_allocated < _BITS_OF_A_BYTE:
        return deflate_frame(native.pack_bits(samples.reshape(-1)))
    return deflate_frame(native.frame_to_bytes(samples, description, little_endian=syntax.little_endian))


_ENCODERS = {
    Coding.JPEG: _encode_jpeg_lossless,
    Coding.JPEG_XL: _encode_jpeg_xl,
    Coding.DEFLATED: _deflate,
}


def colour_to_rgb(samples: NDArray[Any], photometric: str) -> NDArray[Any]:
    """RGB of a colour frame.

    Parameters
    ----------
    samples
        (rows, columns, 3), unsigned, in `photometric`.
    """
    if photometric == "RGB":
        return samples
    if samples.dtype != np.uint8:
        raise Held(Reason.UNDECODABLE, "luminance and chrominance of more than 8 bits cannot be converted")
    return _rgb_of_ybr_full(samples)


def _rgb_of_ybr_full(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert some rows at a time, and only those that have a colour: others are grey."""
    import cv2  # noqa: PLC0415  30 MB that a job which looks at no colour never needs
    from pydicom.pixels.processing import convert_color_space  # noqa: PLC0415  slow to import, the same

    luminance, *chrominance = cv2.split(samples)
    rgb = np.asarray(cv2.cvtColor(luminance, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    coloured = [(plane != _NO_COLOUR).any(axis=1) for plane in chrominance if (plane != _NO_COLOUR).any()]
    for band in np.unique(np.flatnonzero(np.any(coloured, axis=0)) // _ROWS_AT_ONCE) if coloured else ():
        rows = slice(band * _ROWS_AT_ONCE, (band + 1) * _ROWS_AT_ONCE)
        rgb[rows] = convert_color_space(samples[rows], "YBR_FULL", "RGB")
    return rgb
