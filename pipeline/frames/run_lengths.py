"""Run-length coded frames without what hides between and behind their runs (PS3.5 Annex G).

Rule of the file: decoders read no further than a plane is long, so nothing further is copied.
"""

from __future__ import annotations

import struct

from pipeline.frames.codestreams import DamagedCodestreamError

_HEADER_BYTES, _NOTHING, _MOST_SEGMENTS = 64, 128, 15


def has_plain_header(data: bytes) -> bool:
    """Tell whether a frame starts with a header of offsets that rise from its end, and with no other number in it."""
    if len(data) < _HEADER_BYTES:
        return False
    count, *offsets = struct.unpack_from("<16L", data)
    used = offsets[: min(count, _MOST_SEGMENTS)]
    if not used or count > _MOST_SEGMENTS or used[0] != _HEADER_BYTES:
        return False
    return used == sorted(set(used)) and not any(offsets[count:])


def only_run_lengths(data: bytes, plane_bytes: int) -> bytes:
    """Return a run-length coded frame (PS3.5 Annex G) without what stands between and behind its segments.

    Parameters
    ----------
    plane_bytes
        Rows times columns: what each segment decodes to.

    Raises
    ------
    DamagedCodestreamError
        Where it cannot be walked.
    """
    try:
        return _run_length_segments(data, plane_bytes)
    except (struct.error, IndexError) as error:
        raise DamagedCodestreamError("the run-length coding ends early") from error


def _run_length_segments(data: bytes, plane_bytes: int) -> bytes:
    count, *offsets = struct.unpack_from("<16L", data)
    if not 1 <= count <= len(offsets) or offsets[0] < _HEADER_BYTES:
        raise DamagedCodestreamError("no run-length header")
    ends = [*offsets[1:count], len(data)]
    segments = [_run_lengths(data[start:end], plane_bytes) for start, end in zip(offsets, ends, strict=False)]
    starts, position = [0] * len(offsets), _HEADER_BYTES
    for number, segment in enumerate(segments):
        starts[number] = position
        position += len(segment)
    return struct.pack("<16L", count, *starts) + b"".join(segments)


def _run_lengths(segment: bytes, plane_bytes: int) -> bytes:
    """Return a segment up to the run that completes its plane, padded to even length."""
    position = produced = 0
    while produced < plane_bytes:
        control = segment[position]
        if control < _NOTHING:
            position += control + 2
            produced += control + 1
        elif control > _NOTHING:
            position += 2
            produced += 257 - control
        else:
            position += 1
    if position > len(segment):
        raise DamagedCodestreamError("a run ends early")
    return segment[:position] + b"\0" * (position % 2)
