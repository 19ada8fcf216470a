"""Frames that are deflate streams of their native bytes (Deflated Image Frame Compression, PS3.5 A.4.13; RFC 1951).

Rule of the file: a stream inflates to exactly one frame, and never further than a byte beyond it.
"""

from __future__ import annotations

import zlib

from pipeline.frames.codestreams import DamagedCodestreamError

_RAW = -zlib.MAX_WBITS


def inflate_frame(data: bytes, frame_bytes: int) -> bytes:
    """Return the native bytes of a frame.

    Parameters
    ----------
    frame_bytes
        How many they must be.

    Raises
    ------
    DamagedCodestreamError
        Where the stream is damaged, ends early, or inflates to another length.
    """
    return _inflated(data, frame_bytes)[0]


def only_deflated(data: bytes, frame_bytes: int) -> bytes:
    """Return a frame's stream without what stands behind its end; otherwise as `inflate_frame`."""
    return data[: _inflated(data, frame_bytes)[1]]


def deflate_frame(native: bytes) -> bytes:
    """Undo `inflate_frame`."""
    deflater = zlib.compressobj(wbits=_RAW)
    return deflater.compress(native) + deflater.flush()


def _inflated(data: bytes, frame_bytes: int) -> tuple[bytes, int]:
    """Return the bytes and the length of the stream that gave them."""
    inflater = zlib.decompressobj(_RAW)
    try:
        native = inflater.decompress(data, frame_bytes + 1)
    except zlib.error as error:
        raise DamagedCodestreamError("the deflate stream is damaged") from error
    if len(native) != frame_bytes or not inflater.eof:
        raise DamagedCodestreamError("the deflate stream is not one frame")
    return native, len(data) - len(inflater.unused_data)
