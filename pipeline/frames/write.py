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

LONG_BYTES = 1 << 32
"""Frames that take so much uncoded may be longer than a Basic Offset Table can say."""
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
    """Encapsulated pixel data to write: one fragment a frame.

    Parameters
    ----------
    native_bytes
        What all frames take when they are not coded: from 4 GiB on their offsets stand in the Extended Offset Table.
    """

    frames: int
    native_bytes: int
    codestreams: Iterable[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPixels:
    """Encapsulated pixel data to write: one stream that holds all frames, behind an empty offset table.

    Parameters
    ----------
    lengths
        Of its fragments, in bytes.
    chunks
        Of each fragment.
    """

    lengths: tuple[int, ...]
    chunks: Iterable[Iterable[bytes]]


def write_instance(
    path: Path, header: Dataset, syntax: Syntax, pixels: NativePixels | EncapsulatedPixels | StreamPixels | None
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
        elif isinstance(pixels, StreamPixels):
            _write_stream(file, pixels)
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


def _write_stream(file: BinaryIO, pixels: StreamPixels) -> None:
    file.write(struct.pack("<HH2sHL", _PIXEL_GROUP, 0x0010, b"OB", 0, _UNDEFINED))
    file.write(struct.pack("<LL", _ITEM, 0))
    for length, chunks in zip(pixels.lengths, pixels.chunks, strict=True):
        file.write(struct.pack("<LL", _ITEM, length + length % 2))
        written = 0
        for chunk in chunks:
            file.write(chunk)
            written += len(chunk)
        if written != length:
            raise Held(Reason.VERIFICATION_FAILED, "another number of bytes was written than was planned")
        file.write(b"\x00" * (length % 2))
    file.write(struct.pack("<LL", _DELIMITER, 0))


def _write_encapsulated(file: BinaryIO, pixels: EncapsulatedPixels) -> None:
    """Write fragments behind an offset table that is filled in afterwards (PS3.5, A.4)."""
    is_long = pixels.native_bytes >= LONG_BYTES
    tables_at = file.tell()
    if is_long:
        _write_extended_table(file, [0] * pixels.frames, [0] * pixels.frames)
    file.write(struct.pack("<HH2sHL", _PIXEL_GROUP, 0x0010, b"OB", 0, _UNDEFINED))
    entries = 0 if is_long else pixels.frames
    file.write(struct.pack("<LL", _ITEM, 4 * entries))
    table_at = file.tell()
    file.write(b"\x00" * (4 * entries))
    offsets, lengths = _write_fragments(file, pixels.codestreams, limit=None if is_long else _UNDEFINED)
    if len(offsets) != pixels.frames:
        raise Held(Reason.VERIFICATION_FAILED, "another number of frames was written than was planned")
    file.write(struct.pack("<LL", _DELIMITER, 0))
    if is_long:
        file.seek(tables_at)
        _write_extended_table(file, offsets, lengths)
    else:
        file.seek(table_at)
        file.write(struct.pack(f"<{len(offsets)}L", *offsets))
    file.seek(0, os.SEEK_END)


def _write_fragments(file: BinaryIO, codestreams: Iterable[bytes], *, limit: int | None) -> tuple[list[int], list[int]]:
    """Write one item a frame, and return where each begins, from the first on, and how long its codestream is."""
    first = file.tell()
    offsets: list[int] = []
    lengths: list[int] = []
    for codestream in codestreams:
        offset = file.tell() - first
        if limit is not None and offset >= limit:
            raise Held(Reason.RESOURCE_LIMIT, "the pixel data is longer than its offset table can say")
        padding = len(codestream) % 2
        offsets.append(offset)
        lengths.append(len(codestream))
        file.write(struct.pack("<LL", _ITEM, len(codestream) + padding))
        file.write(codestream)
        file.write(b"\x00" * padding)
    return offsets, lengths


def _write_extended_table(file: BinaryIO, offsets: list[int], lengths: list[int]) -> None:
    """Write Extended Offset Table and Extended Offset Table Lengths (PS3.3, C.7.6.3.1.8 and C.7.6.3.1.9)."""
    for element, numbers in ((0x0001, offsets), (0x0002, lengths)):
        file.write(struct.pack("<HH2sHL", _PIXEL_GROUP, element, b"OV", 0, 8 * len(numbers)))
        file.write(struct.pack(f"<{len(numbers)}Q", *numbers))
