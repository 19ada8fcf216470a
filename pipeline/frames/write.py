"""A header and frames → a Part 10 file, streamed, the same bytes for the same input every time.

Written to a temporary sibling, fsynced, renamed. The pixel data element stands last and is written frame by frame;
nothing follows it. Preamble and file meta are `pipeline.header.container`'s.
"""

from __future__ import annotations

import copy
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from pydicom.dataelem import DataElement

from pipeline.header.container import write_part10_to
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydicom import Dataset

    from pipeline.frames.syntaxes import Syntax

_UNDEFINED = 0xFFFFFFFF
_ITEM = 0xE000FFFE
_DELIMITER = 0xE0DDFFFE
_ELEMENTS = {"PixelData": 0x0010, "FloatPixelData": 0x0008, "DoubleFloatPixelData": 0x0009}
_PIXEL_GROUP = 0x7FE0
_WORD_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class NativePixels:
    """Native pixel data to write.

    Parameters
    ----------
    length
        Sum of all chunks in bytes, without padding.
    """

    keyword: str
    vr: str
    length: int
    chunks: Iterable[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncapsulatedPixels:
    """Encapsulated pixel data to write: one fragment a frame."""

    frames: int
    codestreams: Iterable[bytes]


def write_instance(
    path: Path, header: Dataset, syntax: Syntax, pixels: NativePixels | EncapsulatedPixels | None
) -> None:
    """Write one object durably under `path`, over what may be there.

    Parameters
    ----------
    header
        Without group 7FE0; words of binary values in little endian order. It is not changed.
    syntax
        Of the file; it must fit `pixels`.

    Raises
    ------
    Held
        `RESOURCE_LIMIT` where the pixel data is longer than one element can be.
    """
    header = copy.copy(header) if syntax.little_endian else with_swapped_words(header)
    with _durable(path) as file:
        if syntax.deflated and isinstance(pixels, NativePixels):
            # The whole data set is one deflated stream, and reading it has put it into memory already.
            header.add(_in_memory(pixels))
            write_part10_to(file, header, syntax.uid)
            return
        write_part10_to(file, header, syntax.uid)
        if isinstance(pixels, NativePixels):
            _write_native(file, syntax, pixels)
        elif pixels is not None:
            _write_encapsulated(file, pixels)


def with_swapped_words(header: Dataset) -> Dataset:
    """Return a copy of a data set in which the words of every binary value stand in the other byte order.

    pydicom keeps the bytes of such values as they are when it reads and writes (PS3.5, section 7.3).
    """
    swapped = copy.deepcopy(header)
    for element in swapped.iterall():
        size = _WORD_BYTES.get(element.VR)
        if size and isinstance(element.value, bytes) and len(element.value) % size == 0:
            element.value = np.frombuffer(element.value, dtype=f"u{size}").byteswap().tobytes()
    return swapped


@contextmanager
def _durable(path: Path) -> Iterator[BinaryIO]:
    temporary = path.with_name(f".{path.name}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _in_memory(pixels: NativePixels) -> DataElement:
    value = b"".join(pixels.chunks)
    return DataElement(_PIXEL_GROUP << 16 | _ELEMENTS[pixels.keyword], pixels.vr, value + b"\x00" * (len(value) % 2))


def _write_native(file: BinaryIO, syntax: Syntax, pixels: NativePixels) -> None:
    padding = pixels.length % 2
    if pixels.length + padding >= _UNDEFINED:
        raise Held(Reason.RESOURCE_LIMIT, "the pixel data is longer than one element can be")
    order = "<" if syntax.little_endian else ">"
    group, element = _PIXEL_GROUP, _ELEMENTS[pixels.keyword]
    if syntax.implicit_vr:
        file.write(struct.pack(f"{order}HHL", group, element, pixels.length + padding))
    else:
        vr = pixels.vr.encode("ascii")
        file.write(struct.pack(f"{order}HH2sHL", group, element, vr, 0, pixels.length + padding))
    written = 0
    for chunk in pixels.chunks:
        file.write(chunk)
        written += len(chunk)
    if written != pixels.length:
        raise Held(Reason.VERIFICATION_FAILED, "another number of bytes was written than was planned")
    file.write(b"\x00" * padding)


def _write_encapsulated(file: BinaryIO, pixels: EncapsulatedPixels) -> None:
    """Write fragments behind a Basic Offset Table that is filled in afterwards (PS3.5, A.4)."""
    file.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, _UNDEFINED))
    file.write(struct.pack("<LL", _ITEM, 4 * pixels.frames))
    table_at = file.tell()
    file.write(b"\x00" * (4 * pixels.frames))
    first = file.tell()
    offsets = []
    for codestream in pixels.codestreams:
        offset = file.tell() - first
        if offset >= _UNDEFINED:
            raise Held(Reason.RESOURCE_LIMIT, "the pixel data is longer than its offset table can say")
        offsets.append(offset)
        padding = len(codestream) % 2
        file.write(struct.pack("<LL", _ITEM, len(codestream) + padding))
        file.write(codestream)
        file.write(b"\x00" * padding)
    if len(offsets) != pixels.frames:
        raise Held(Reason.VERIFICATION_FAILED, "another number of frames was written than was planned")
    file.write(struct.pack("<LL", _DELIMITER, 0))
    file.seek(table_at)
    file.write(struct.pack(f"<{len(offsets)}L", *offsets))
    file.seek(0, os.SEEK_END)
