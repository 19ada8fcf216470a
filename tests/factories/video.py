"""Videos made for tests: a moving clip coded by PyAV, with identifiers planted wherever a video has room."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from tests.factories.pixels import image_header

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SECRET = b"Vorzibmurdax^Quatyn"
"""The patient's name, as `image_header` has it."""
RATE = Fraction(25)
ROWS, COLUMNS = 288, 352
NAME_BOX = (16, 16, 136, 40)
"""Where `clip` has its white bar."""


def clip(frames: int = 12, rows: int = ROWS, columns: int = COLUMNS, *, bar: bool = True) -> NDArray[np.uint8]:
    """Return luminance (frames, rows, columns) of soft tissue that moves, nowhere above 160, and a white bar on it."""
    noise = np.random.default_rng(7).integers(40, 160, (rows // 8 + 1, columns // 8 + 1)).astype(np.uint8)
    soft = cv2.resize(noise, (columns, rows), interpolation=cv2.INTER_CUBIC).clip(40, 160)
    pictures = np.stack([np.roll(soft, 2 * index, axis=1) for index in range(frames)])
    if bar:
        left, top, right, bottom = NAME_BOX
        pictures[:, top:bottom, left:right] = 235
    return pictures


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a video is made."""

    codec: str
    container: str
    format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    audio: bool = False
    planted: bool = False
    rate: Fraction = RATE
    full_range: bool = False


def coded(luminance: NDArray[np.uint8], recipe: Recipe) -> bytes:
    """Return a stream of pictures."""
    file = io.BytesIO()
    metadata = {"title": SECRET.decode(), "comment": SECRET.decode(), "service_name": SECRET.decode()}
    with av.open(file, "w", format=recipe.container) as output:
        if recipe.planted:
            output.metadata.update(metadata)
        stream = output.add_stream(recipe.codec, rate=recipe.rate, options=recipe.options)
        stream.height, stream.width, stream.pix_fmt = *luminance.shape[1:], recipe.format
        stream.codec_context.thread_count = 1
        if recipe.codec == "mpeg2video":
            stream.codec_context.bit_rate = 8_000_000
            stream.codec_context.qmin = 1
        if recipe.full_range:
            stream.codec_context.color_range = 2
        if recipe.planted:
            stream.metadata["handler_name"] = SECRET.decode()
        sound = output.add_stream("mp2", rate=48000, layout="mono") if recipe.audio else None
        for index, picture in enumerate(luminance):
            frame = _picture(picture, recipe.format)
            frame.pts, frame.time_base = index, 1 / recipe.rate
            output.mux(stream.encode(frame))
            if sound is not None:
                output.mux(sound.encode(_silence(index)))
        output.mux(stream.encode(None))
        if sound is not None:
            output.mux(sound.encode(None))
    return file.getvalue()


def _picture(luminance: NDArray[np.uint8], name: str) -> Any:
    rows, columns = luminance.shape
    deep = 2 if name.endswith("10le") else 0
    frame = av.VideoFrame(columns, rows, name)
    hue = cv2.resize(luminance, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    for plane, values in zip(frame.planes, (luminance, 96 + hue // 4, 160 - hue // 4), strict=True):
        wide = values.astype(np.uint16) << deep if deep else values
        lines = np.frombuffer(plane, wide.dtype).reshape(plane.height, plane.line_size // wide.itemsize)
        lines[:, : plane.width] = wide
    return frame


def _silence(index: int) -> Any:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, index * 1152, Fraction(1, 48000)
    return frame


def sei_of_user_data(text: bytes = SECRET) -> bytes:
    """Return an H.264 unit of unregistered user data."""
    payload = bytes(range(1, 17)) + text
    return b"\0\0\0\1\x06\x05" + bytes([len(payload)]) + payload + b"\x80"


def hevc_sei_of_user_data(text: bytes = SECRET) -> bytes:
    """Return an HEVC unit of unregistered user data."""
    payload = bytes(range(1, 17)) + text
    return b"\0\0\0\1\x4e\x01\x05" + bytes([len(payload)]) + payload + b"\x80"


def user_data(text: bytes = SECRET) -> bytes:
    """Return a unit of MPEG-2 user data."""
    return b"\0\0\1\xb2" + text


def with_units_before(stream: bytes, start: bytes, unit: bytes) -> bytes:
    """Return an elementary stream with a unit planted before every unit that begins with `start`."""
    parts = stream.split(start)
    assert len(parts) > 1, "the stream has such units"
    return (unit + start).join(parts)


def video_object(
    path: Path,
    stream: bytes,
    syntax: str,
    *,
    frames: int,
    shape: tuple[int, int] = (ROWS, COLUMNS),
    fragments: int = 1,
    bits: int = 8,
    **attributes: Any,
) -> Path:
    """Write a video as a Part 10 file."""
    ds = image_header(
        np.zeros((1, *shape, 3), np.uint8),
        sop_class="1.2.840.10008.5.1.4.1.1.77.1.1.1",
        photometric="YBR_PARTIAL_420",
        NumberOfFrames=frames,
        BitsAllocated=8 if bits == 8 else 16,
        BitsStored=bits,
        HighBit=bits - 1,
        LossyImageCompression="01",
        **{"Modality": "ES", **attributes},
    )
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    size = -(-len(stream) // fragments)
    size += size % 2
    parts = [stream[at : at + size] for at in range(0, len(stream), size)] if stream else [b""]
    items = [
        struct.pack("<LL", 0xE000FFFE, len(part) + len(part) % 2) + part + b"\0" * (len(part) % 2) for part in parts
    ]
    ds.PixelData = struct.pack("<LL", 0xE000FFFE, 0) + b"".join(items)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.save_as(path, enforce_file_format=True)
    return path


def stream_of(path: Path) -> bytes:
    """Return the stream of a written object, its fragments joined."""
    import pydicom

    ds = pydicom.dcmread(path)
    return b"".join(pydicom.encaps.generate_fragments(ds.PixelData))
