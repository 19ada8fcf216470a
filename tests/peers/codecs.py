"""Encoders and decoders of others: DCMTK, GDCM and OpenJPEG as programs, which share no memory with what they judge.

Rule of the file: files in, files or stored samples out; nothing here imports the product or decodes with its libraries.
"""

from __future__ import annotations

import subprocess
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
_JPEG = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 57, 70))
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))


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
            "opj_compress", "-i", raw, "-o", coded, "-F", f"{ds.Columns},{ds.Rows},{ds.SamplesPerPixel},{depth}", *options
        )
        streams.append(coded.read_bytes())
    return with_codestreams(ds, target, syntax, streams)


def with_codestreams(ds: pydicom.Dataset, target: Path, syntax: str, streams: Sequence[bytes]) -> Path:
    """Write `ds` with coded frames that were made elsewhere."""
    ds.PixelData = encapsulate(list(streams))
    ds["PixelData"].VR = "OB"
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    if ds.SamplesPerPixel > 1:
        ds.PlanarConfiguration = 0
    ds.save_as(target, enforce_file_format=True)
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
    native = folder / f"{path.stem}.native"
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


def _raw_type(stream: bytes) -> str:
    """Return how wide and of which sign OpenJPEG's program writes samples: as the codestream's SIZ segment says."""
    depth = stream[42]
    return f"<{'i' if depth & 0x80 else 'u'}{1 if (depth & 0x7F) + 1 <= 8 else 2}"  # noqa: PLR2004


def validity_errors(path: Path) -> set[str]:
    """Return what `dciodvfy` calls errors in an object."""
    done = subprocess.run([find("dciodvfy"), str(path)], capture_output=True, timeout=_LONGEST_S, check=False)
    text = (done.stdout + done.stderr).decode(errors="replace")
    return {line.strip() for line in text.splitlines() if line.startswith("Error")}
