"""Encoders and decoders of others: DCMTK, GDCM, OpenJPEG and libjxl as programs, in processes of their own.

Rule of the file: files in, files or stored samples out; nothing here imports the product or decodes with its libraries.
"""

from __future__ import annotations

import subprocess
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID

from tests.peers.programs import find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_LONGEST_S = 60
_DECODERS = {
    "1.2.840.10008.1.2.5": ("dcmdrle",),
    "1.2.840.10008.1.2.4.80": ("dcmdjpls", "+px"),
    "1.2.840.10008.1.2.4.81": ("dcmdjpls", "+px"),
}
"""DCMTK's decoder of a transfer syntax other than JPEG."""
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_JPEG = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 57, 70))
_JPEG_XL = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112))
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))


def stored_bits(samples: NDArray[Any], bits_stored: int) -> NDArray[Any]:
    """Return samples without what programs leave above the stored bits: some fill up the sign, some do not."""
    return samples & samples.dtype.type((1 << bits_stored) - 1) if bits_stored < samples.itemsize * 8 else samples


_OF_EQUAL_LENGTH = {
    _DEFLATED_FRAMES: "1.2.840.10008.1.2.4.90",
    **dict.fromkeys(_JPEG_XL, "1.2.840.10008.1.2.4.201"),
}


def _value(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


def run(program: str, *arguments: object) -> str:
    """Run a program to its end and return what it said; a failure is an error."""
    done = subprocess.run(
        [find(program), *map(str, arguments)], capture_output=True, timeout=_LONGEST_S, check=False, text=True
    )
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def encode(source: Path, target: Path, command: Sequence[str]) -> Path:
    """Write `source` as `command` (program and options) encodes it."""
    program, *options = command
    if program.startswith("gdcm"):
        run(program, *options, "-i", source, "-o", target)
    else:
        run(program, *options, source, target)
    return target


def encode_jpeg_2000(source: Path, target: Path, syntax: str, options: Sequence[str]) -> Path:
    """Write a native object's frames as OpenJPEG's own program encodes them."""
    ds = pydicom.dcmread(source)
    depth = f"{ds.BitsStored},{'s' if ds.PixelRepresentation else 'u'}"
    streams = []
    for index, frame in enumerate(native_samples(source)):
        planes = np.moveaxis(frame, -1, 0) if frame.ndim == 3 else frame[np.newaxis]
        raw, coded = target.with_suffix(f".{index}.rawl"), target.with_suffix(f".{index}.j2k")
        raw.write_bytes(np.ascontiguousarray(planes).tobytes())
        run(
            "opj_compress",
            "-i",
            raw,
            "-o",
            coded,
            "-F",
            f"{ds.Columns},{ds.Rows},{ds.SamplesPerPixel},{depth}",
            *options,
        )
        streams.append(coded.read_bytes())
    return with_codestreams(ds, target, syntax, streams)


def encode_jpeg_xl(source: Path, target: Path, syntax: str, options: Sequence[str]) -> Path:
    """Write a native object's frames of 8 or 16 bits as libjxl's own program encodes them."""
    streams = []
    for index, frame in enumerate(native_samples(source)):
        picture, coded = target.with_suffix(f".{index}.pnm"), target.with_suffix(f".{index}.jxl")
        kind = b"P6" if frame.ndim == 3 else b"P5"
        size = f"{frame.shape[1]} {frame.shape[0]} {(1 << 8 * frame.itemsize) - 1}".encode()
        picture.write_bytes(kind + b"\n" + size + b"\n" + frame.astype(frame.dtype.newbyteorder(">")).tobytes())
        run("cjxl", picture, coded, *options)
        streams.append(coded.read_bytes())
    return with_codestreams(pydicom.dcmread(source), target, syntax, streams)


def with_codestreams(ds: pydicom.Dataset, target: Path, syntax: str, streams: Sequence[bytes]) -> Path:
    """Write `ds` with coded frames that were made elsewhere."""
    ds.PixelData = encapsulate(list(streams))
    ds["PixelData"].VR = "OB"
    if ds.SamplesPerPixel > 1:
        ds.PlanarConfiguration = 0
    # pydicom refuses to write syntaxes that it does not know, so that it writes one of equal length.
    ds.file_meta.TransferSyntaxUID = UID(_OF_EQUAL_LENGTH.get(syntax, syntax))
    ds.save_as(target, enforce_file_format=True)
    target.write_bytes(target.read_bytes().replace(_value(ds.file_meta.TransferSyntaxUID), _value(syntax), 1))
    return target


def stored_samples(path: Path, folder: Path) -> NDArray[Any]:
    """Return the samples as they are stored, colour unconverted, decoded by another program.

    Returns
    -------
    ndarray
        (frames, rows, columns) or (frames, rows, columns, samples); of native subsampled colour both pixels of a pair
        have its chrominance.
    """
    syntax = str(pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID)
    if syntax in _JPEG_2000:
        return _by_openjpeg(path, folder)
    if syntax in _JPEG_XL:
        return _by_libjxl(path, folder)
    native = folder / f"{path.stem}.native"
    if syntax == _DEFLATED_FRAMES:
        return _inflated(path)
    if syntax in _JPEG:
        run("dcmdjpeg", "+cn", "+px", path, native)
    elif syntax in _DECODERS:
        run(_DECODERS[syntax][0], *_DECODERS[syntax][1:], path, native)
    else:
        run("dcmconv", "+te", path, native)
    return native_samples(native)


def native_samples(path: Path) -> NDArray[Any]:
    """Return the samples of a native little endian object, taken from its bytes as they stand."""
    ds = pydicom.dcmread(path)
    frames, rows, columns = int(ds.get("NumberOfFrames") or 1), ds.Rows, ds.Columns
    if ds.BitsAllocated == 1:
        bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")
        return bits[: frames * rows * columns].reshape(frames, rows, columns)
    kind = "i" if ds.PixelRepresentation else "u"
    flat = np.frombuffer(ds.PixelData, f"<{kind}{ds.BitsAllocated // 8}")
    if ds.SamplesPerPixel == 1:
        return flat[: frames * rows * columns].reshape(frames, rows, columns)
    if ds.PhotometricInterpretation == "YBR_FULL_422" and flat.size < frames * rows * columns * 3:
        pairs = flat[: frames * rows * columns * 2].reshape(frames, rows, columns // 2, 4)
        chroma = np.repeat(pairs[..., 2:], 2, axis=2)
        return np.concatenate([pairs[..., :2].reshape(frames, rows, columns, 1), chroma], axis=-1)
    flat = flat[: frames * rows * columns * 3]
    if ds.PlanarConfiguration:
        return np.moveaxis(flat.reshape(frames, 3, rows, columns), 1, -1)
    return flat.reshape(frames, rows, columns, 3)


def _inflated(path: Path) -> NDArray[Any]:
    """Return frames that Python's own zlib inflates (PS3.5, A.4.13): no tool at hand knows this syntax."""
    ds = pydicom.dcmread(path)
    frames = [zlib.decompress(stream, wbits=-15) for stream in codestreams(path)]
    if ds.BitsAllocated == 1:
        count = ds.Rows * ds.Columns
        bits = [np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[:count] for frame in frames]
        return np.stack(bits).reshape(-1, ds.Rows, ds.Columns)
    kind = "i" if ds.PixelRepresentation else "u"
    flat = np.frombuffer(b"".join(frames), f"<{kind}{ds.BitsAllocated // 8}")
    return flat.reshape(len(frames), ds.Rows, ds.Columns, *([3] if ds.SamplesPerPixel == 3 else []))


def codestreams(path: Path) -> list[bytes]:
    """Return the coded bytes of every frame."""
    ds = pydicom.dcmread(path)
    return list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1)))


def _by_openjpeg(path: Path, folder: Path) -> NDArray[Any]:
    ds = pydicom.dcmread(path)
    frames = []
    for index, stream in enumerate(codestreams(path)):
        coded, raw = folder / f"{path.stem}.{index}.j2k", folder / f"{path.stem}.{index}.rawl"
        coded.write_bytes(stream)
        run("opj_decompress", "-i", coded, "-o", raw)
        planes = np.frombuffer(raw.read_bytes(), _raw_type(stream)).reshape(-1, ds.Rows, ds.Columns)
        frames.append(planes[0] if len(planes) == 1 else np.moveaxis(planes, 0, -1))
    return np.stack(frames)


def _by_libjxl(path: Path, folder: Path) -> NDArray[Any]:
    ds = pydicom.dcmread(path)
    frames = []
    for index, stream in enumerate(codestreams(path)):
        coded, picture = folder / f"{path.stem}.{index}.jxl", folder / f"{path.stem}.{index}.ppm"
        picture = picture.with_suffix(".ppm" if ds.SamplesPerPixel == 3 else ".pgm")
        coded.write_bytes(stream)
        run("djxl", coded, picture)
        _kind, _size, last, data = picture.read_bytes().split(b"\n", 3)
        wide = ">u2" if int(last) > 255 else "u1"
        frames.append(
            np.frombuffer(data, wide).astype(wide.replace(">", "")).reshape(ds.Rows, ds.Columns, -1).squeeze()
        )
    return np.stack(frames)


def _raw_type(stream: bytes) -> str:
    """Return how wide and of which sign OpenJPEG's program writes samples: as the codestream's SIZ segment says."""
    depth = stream[42]
    return f"<{'i' if depth & 0x80 else 'u'}{1 if (depth & 0x7F) + 1 <= 8 else 2}"
