"""Tables of an MP4 file that name more samples than it can hold, found before the library makes room for them.

Where all samples have one size, a table says how many there are in four bytes, and the library keeps seventy for each:
a file of a kilobyte may ask for all memory of the machine (ISO/IEC 14496-12, 8.7.3). The rule of this file: no box's
place is believed. Tables are looked for in every byte outside the media data, as the library takes them from any
place; movie fragments, whose index can send it into the media data, are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.frames.video.joined import JoinedFragments

MOST_SAMPLES = 1_000_000
"""Of all tracks together, 70 MB in the library: three hours of a video with sound."""
_MOST_BYTES = 64 << 20
"""Outside the media data; a frame takes about thirty."""
_READ_BYTES = 1 << 20
_TABLE = re.compile(rb"(?=(?:stsz|stz2).{8}(.{4}))", re.DOTALL)
"""Looks ahead, so that nothing that looks like a table hides the one behind it."""
_TABLE_HEAD = 16
_REFUSED = re.compile(rb"cmov|moof|trun|sidx")
"""Compressed tables, and movie fragments."""
_HEAD, _LONG_HEAD = 8, 16
_MEDIA = b"mdat"


def check_tables(file: JoinedFragments) -> None:
    """Refuse an MP4 file whose tables are not to be trusted; its position is then at its start.

    Raises
    ------
    Held
        `UNDECODABLE` where its boxes cannot be walked or are of those refused; `RESOURCE_LIMIT` where it names more
        samples, or holds more beside its media data, than any video of a study has.
    """
    samples = 0
    seen = 0
    for start, end in _spans(file):
        seen += end - start
        if seen > _MOST_BYTES:
            raise Held(Reason.RESOURCE_LIMIT, "a video with more beside its pictures than a video needs")
        for window in _windows(file, start, end):
            if _REFUSED.search(window):
                raise Held(Reason.UNDECODABLE, "a video in movie fragments, or whose tables are compressed")
            samples += sum(int.from_bytes(found[1], "big") for found in _TABLE.finditer(window))
            if samples > MOST_SAMPLES:
                raise Held(Reason.RESOURCE_LIMIT, "a video that names more samples than any video of a study has")
    file.seek(0)


def _spans(file: JoinedFragments) -> Iterator[tuple[int, int]]:
    """Yield where the boxes of the file begin and end, but for those of media data."""
    start = 0
    while start + _HEAD <= file.length:
        file.seek(start)
        head = file.read(_LONG_HEAD)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[_HEAD:_LONG_HEAD], "big")
        end = start + size if size else file.length
        if not start + _HEAD <= end <= file.length:
            raise Held(Reason.UNDECODABLE, "the boxes of a video are damaged or cut")
        if head[4:8] != _MEDIA:
            yield start, end
        start = end


def _windows(file: JoinedFragments, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes between two positions, each piece behind the last bytes of the one before: less than a table."""
    file.seek(start)
    tail = b""
    while file.tell() < end:
        piece = file.read(min(_READ_BYTES, end - file.tell()))
        if not piece:
            raise Held(Reason.UNDECODABLE, "the boxes of a video are damaged or cut")
        window = tail + piece
        yield window
        tail = window[1 - _TABLE_HEAD :]
