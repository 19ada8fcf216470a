"""A JPEG 2000 codestream out of the file format that some devices put into fragments (ISO/IEC 15444-1 Annex I).

DICOM wants the bare codestream (PS3.5 A.4.4); the boxes around it carry XML, UUIDs and resolutions, which nobody needs.
Rule of the file: a palette or a mapping of channels changes what the samples mean, so it is not taken apart.
"""

from __future__ import annotations

import struct

from pipeline.frames.codestreams import DamagedCodestreamError

_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CODESTREAM, _HEADER = b"jp2c", b"jp2h"
_CHANGES_SAMPLES = (b"pclr", b"cmap", b"cdef")
_BOX_BYTES, _LONG_BOX_BYTES, _LONG_BOX = 8, 16, 1


def without_boxes(data: bytes) -> bytes:
    """Return the codestream that stands in JP2 boxes; what is no JP2 file comes back as it is.

    Raises
    ------
    DamagedCodestreamError
        Where the boxes hold no codestream, or say that its samples mean something else.
    """
    if not data.startswith(_SIGNATURE):
        return data
    position = 0
    while position + _BOX_BYTES <= len(data):
        kind, start, end = _box(data, position)
        if kind == _HEADER and any(name in data[start:end] for name in _CHANGES_SAMPLES):
            raise DamagedCodestreamError("the samples go through a palette or another order of channels")
        if kind == _CODESTREAM:
            return data[start:end]
        position = end
    raise DamagedCodestreamError("a JP2 file without codestream")


def _box(data: bytes, position: int) -> tuple[bytes, int, int]:
    """Return a box's kind, and where its content starts and ends."""
    length, kind = struct.unpack_from(">L4s", data, position)
    start = position + _BOX_BYTES
    if length == _LONG_BOX:
        if len(data) < position + _LONG_BOX_BYTES:
            raise DamagedCodestreamError("a box ends early")
        length = struct.unpack_from(">Q", data, start)[0]
        start = position + _LONG_BOX_BYTES
    end = position + length if length else len(data)
    if not start <= end <= len(data):
        raise DamagedCodestreamError("a box ends early")
    return kind, start, end
