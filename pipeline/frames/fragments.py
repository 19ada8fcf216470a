"""Encapsulated pixel data: where each frame's fragments stand in the file (PS3.5, A.4).

Strict: what does not add up to the announced number of frames is held, never cut to fit.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from pipeline.reasons import Held, Reason

_ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER = b"\xfe\xff\xdd\xe0"
_END_OF_IMAGE = b"\xff\xd9"
_START_OF_IMAGE = (b"\xff\xd8", b"\xff\x4f")
_HEADER_BYTES = 8
_MAX_FRAGMENTS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One fragment's value in the file: absolute offset and length in bytes."""

    offset: int
    length: int


FragmentIndex = tuple[tuple[Fragment, ...], ...]
"""The fragments of each frame, in order."""


def index_fragments(
    stream: BinaryIO, start: int, frames: int, extended_offsets: tuple[int, ...] | None
) -> FragmentIndex:
    """Find the fragments of every frame.

    Parameters
    ----------
    start
        Absolute position of the Basic Offset Table's item.
    extended_offsets
        The Extended Offset Table (7FE0,0001), where the object has one.

    Raises
    ------
    Held
        `UNDECODABLE` where items are damaged or cut, or do not make up `frames` frames.
    """
    table, fragments = _read_items(stream, start)
    if len(fragments) == frames:
        return tuple((fragment,) for fragment in fragments)
    if frames == 1 and fragments:
        _refuse_second_image(stream, fragments)
        return (tuple(fragments),)
    offsets = extended_offsets or table
    if offsets:
        return _group_by_offsets(fragments, offsets, frames)
    return _group_by_end_marks(stream, fragments, frames)


def stream_fragments(stream: BinaryIO, start: int) -> tuple[Fragment, ...]:
    """Return the fragments of one stream that holds all frames (PS3.5, A.4, video).

    Parameters
    ----------
    start
        Absolute position of the Basic Offset Table's item; what it says is of no use here.

    Raises
    ------
    Held
        `UNDECODABLE` where items are damaged or cut, or there is none.
    """
    _, fragments = _read_items(stream, start)
    if not fragments:
        raise Held(Reason.UNDECODABLE, "the encapsulated pixel data is empty")
    return tuple(fragments)


def read_frame(stream: BinaryIO, fragments: tuple[Fragment, ...]) -> bytes:
    """Return the bytes of one frame, its fragments joined."""
    parts = []
    for fragment in fragments:
        stream.seek(fragment.offset)
        parts.append(stream.read(fragment.length))
    return b"".join(parts)


def _read_items(stream: BinaryIO, start: int) -> tuple[tuple[int, ...], list[Fragment]]:
    end = stream.seek(0, 2)
    stream.seek(start)
    items: list[Fragment] = []
    while True:
        header = stream.read(_HEADER_BYTES)
        if not header and items:
            break  # the closing delimiter is missing, but every item is whole
        if len(header) == _HEADER_BYTES and header[:4] == _DELIMITER:
            break
        if len(header) < _HEADER_BYTES or header[:4] != _ITEM or len(items) > _MAX_FRAGMENTS:
            raise Held(Reason.UNDECODABLE, "the encapsulated pixel data is damaged")
        length = struct.unpack("<L", header[4:])[0]
        offset = stream.tell()
        if offset + length > end:
            raise Held(Reason.UNDECODABLE, "the encapsulated pixel data ends early")
        items.append(Fragment(offset=offset, length=length))
        stream.seek(length, 1)
    if not items:
        raise Held(Reason.UNDECODABLE, "the encapsulated pixel data has no offset table")
    stream.seek(items[0].offset)
    count = items[0].length // 4
    table = struct.unpack(f"<{count}L", stream.read(count * 4))
    return table, [item for item in items[1:] if item.length]


def _group_by_offsets(fragments: list[Fragment], offsets: tuple[int, ...], frames: int) -> FragmentIndex:
    base = fragments[0].offset if fragments else 0
    starts = {fragment.offset - base: position for position, fragment in enumerate(fragments)}
    usable = len(offsets) == frames and offsets[0] == 0 and all(offset in starts for offset in offsets)
    positions = [starts[offset] for offset in offsets] if usable else []
    if not usable or positions != sorted(set(positions)):
        raise Held(Reason.UNDECODABLE, "the offset table does not fit the fragments")
    ends = [*positions[1:], len(fragments)]
    return tuple(tuple(fragments[first:last]) for first, last in zip(positions, ends, strict=True))


def _group_by_end_marks(stream: BinaryIO, fragments: list[Fragment], frames: int) -> FragmentIndex:
    grouped: list[tuple[Fragment, ...]] = []
    current: list[Fragment] = []
    for fragment in fragments:
        current.append(fragment)
        if _ends_image(stream, fragment):
            grouped.append(tuple(current))
            current = []
    if current or len(grouped) != frames:
        raise Held(Reason.UNDECODABLE, "the number of frames is not the announced one")
    return tuple(grouped)


def _ends_image(stream: BinaryIO, fragment: Fragment) -> bool:
    tail = min(fragment.length, 16)
    stream.seek(fragment.offset + fragment.length - tail)
    return stream.read(tail).rstrip(b"\x00").endswith(_END_OF_IMAGE)


def _refuse_second_image(stream: BinaryIO, fragments: list[Fragment]) -> None:
    """Several whole images where one frame is announced: nobody would look at the others."""
    for fragment, following in pairwise(fragments):
        stream.seek(following.offset)
        if stream.read(2) in _START_OF_IMAGE and _ends_image(stream, fragment):
            raise Held(Reason.UNDECODABLE, "there are more frames than the announced one")
