"""ICC Profile (0028,2000): the colour transform stays, everything that a person or a program wrote goes (ICC.1:2022).

Rule of the file: the profile is built anew. A tag is in it because it is part of the transform, its type is known, and
its length is the one that its own numbers give; texts, dates, signatures of devices and makers are constants. What
cannot be parsed is no profile, and the attribute goes.
"""

from __future__ import annotations

import struct
from math import prod
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.header.context import ScrubContext, ScrubItem

_HEADER_BYTES, _ENTRY_BYTES, _MOST_TAGS = 128, 12, 100
_CLASSES = frozenset({b"scnr", b"mntr", b"prtr", b"spac"})
"""Input, display, output, colour space. No named colours: those are texts."""
_SPACES = frozenset({b"RGB ", b"GRAY", b"XYZ ", b"Lab ", b"YCbr", b"CMYK"})
_TRANSFORM = frozenset(
    {b"wtpt", b"bkpt", b"chad", b"lumi", b"chrm", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC"}
    | {b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"gamt", b"meas", b"view"}
)
_COMPLETE = ({b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"}, {b"kTRC"}, {b"A2B0"})
"""One of these makes a transform."""
_MADE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
_D50 = struct.pack(">3L", 0xF6D6, 0x10000, 0xD32D)
_TEXT = b"ICC profile"
_NEWER = 4
_MOST_CHANNELS = 15


class _NoProfileError(ValueError):
    """The bytes are no profile, or one that this file does not take apart."""


def clean_profile(
    original: DataElement,
    context: ScrubContext,
    scrub_item: ScrubItem,  # noqa: ARG001  every treatment is called alike
    depth: int,  # noqa: ARG001  same
) -> DataElement | None:
    """Return the profile's transform in a profile of our own, None where it is none or holds an identifier."""
    try:
        data = bytes(original.value)
        tags = _transform(data)
        profile = _assembled(data, tags)
    except (_NoProfileError, struct.error, IndexError, TypeError):
        return None
    if any(context.identifiers.in_bytes(payload) for payload in tags.values()):
        return None
    return DataElement(original.tag, "OB", profile + b"\0" * (len(profile) % 2))


def rebuilt(data: bytes) -> bytes:
    """Return a profile with the transform of `data` and nothing else of it.

    Raises
    ------
    ValueError, struct.error, IndexError
        Where `data` is no profile, or of a kind that is not taken apart.
    """
    return _assembled(data, _transform(data))


def _transform(data: bytes) -> dict[bytes, bytes]:
    """Return the payloads that make the transform."""
    if data[36:40] != b"acsp" or data[12:16] not in _CLASSES or not {data[16:20], data[20:24]} <= _SPACES:
        raise _NoProfileError
    tags = {name: _payload(value) for name, value in _tags(data).items() if name in _TRANSFORM}
    if not any(needed <= tags.keys() for needed in _COMPLETE):
        raise _NoProfileError
    return tags


def _assembled(data: bytes, transform: Mapping[bytes, bytes]) -> bytes:
    """Return a profile of these payloads; of the header of `data` what the transform depends on."""
    kind, space, connection, version = data[12:16], data[16:20], data[20:24], data[8]
    tags = dict(transform)
    text = _newer_text() if version >= _NEWER else None
    tags[b"desc"] = text or _older_description()
    tags[b"cprt"] = text or b"text\0\0\0\0" + _TEXT + b"\0"
    body = _body(tags)
    (intent,) = struct.unpack_from(">L", data, 64)
    header = struct.pack(
        ">L4sBBH4s4s4s12s4s4sLLLQL12s4s16s28s",
        _HEADER_BYTES + len(body), bytes(4), version, data[9], 0, kind, space, connection, _MADE, b"acsp",
        bytes(4), 0, 0, 0, data[63] & 0x0F, intent & 3, _D50, bytes(4), bytes(16), bytes(28),
    )  # fmt: skip
    return header + body


def _tags(data: bytes) -> Mapping[bytes, bytes]:
    (count,) = struct.unpack_from(">L", data, _HEADER_BYTES)
    if count > _MOST_TAGS:
        raise _NoProfileError
    found = {}
    for number in range(count):
        name, offset, length = struct.unpack_from(">4sLL", data, _HEADER_BYTES + 4 + _ENTRY_BYTES * number)
        if offset + length > len(data):
            raise _NoProfileError
        found[name] = data[offset : offset + length]
    return found


def _body(tags: Mapping[bytes, bytes]) -> bytes:
    """Return table and payloads, equal payloads once."""
    start = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags)
    places: dict[bytes, int] = {}
    payloads = b""
    for payload in tags.values():
        if payload not in places:
            places[payload] = start + len(payloads)
            payloads += payload + bytes(-len(payload) % 4)
    entries = b"".join(struct.pack(">4sLL", name, places[value], len(value)) for name, value in tags.items())
    return struct.pack(">L", len(tags)) + entries + payloads


def _newer_text() -> bytes:
    """One text in English (multiLocalizedUnicodeType)."""
    text = _TEXT.decode("ascii").encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">LL4sLL", 1, 12, b"enUS", len(text), 28) + text


def _older_description() -> bytes:
    """Return the same as textDescriptionType of version 2."""
    return b"desc\0\0\0\0" + struct.pack(">L", len(_TEXT) + 1) + _TEXT + bytes(1 + 4 + 4 + 2 + 1 + 67)


def _payload(data: bytes) -> bytes:
    """Return a tag's payload, no longer than its own numbers say, reserved bytes zero."""
    kind = data[:4]
    if kind in (b"mAB ", b"mBA "):
        return _multi_stage(data)
    length_of = _LENGTHS.get(kind)
    length = len(data) + 1 if length_of is None else length_of(data)
    if length > len(data):
        raise _NoProfileError
    return kind + bytes(4) + data[8:length]


def _curve_bytes(data: bytes) -> int:
    (count,) = struct.unpack_from(">L", data, 8)
    return 12 + 2 * int(count)


def _parametric_bytes(data: bytes) -> int:
    (function,) = struct.unpack_from(">H", data, 8)
    parameters = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
    if function not in parameters or data[10:12] != bytes(2):
        raise _NoProfileError
    return 12 + 4 * parameters[function]


def _colorant_bytes(data: bytes) -> int:
    (channels,) = struct.unpack_from(">H", data, 8)
    return 12 + 8 * int(channels)


def _small_table_bytes(data: bytes) -> int:
    inputs, outputs, points = _table_shape(data)
    return 48 + 256 * inputs + prod([points] * inputs) * outputs + 256 * outputs


def _large_table_bytes(data: bytes) -> int:
    inputs, outputs, points = _table_shape(data)
    before, after = struct.unpack_from(">HH", data, 48)
    return 52 + 2 * int(before * inputs + prod([points] * inputs) * outputs + after * outputs)


def _table_shape(data: bytes) -> tuple[int, int, int]:
    inputs, outputs, points, padding = data[8:12]
    if padding or not 0 < inputs <= _MOST_CHANNELS or not 0 < outputs <= _MOST_CHANNELS:
        raise _NoProfileError
    return inputs, outputs, points


_LENGTHS: Mapping[bytes, Callable[[bytes], int]] = {
    b"XYZ ": lambda _data: 20,
    b"sf32": lambda _data: 44,
    b"curv": _curve_bytes,
    b"para": _parametric_bytes,
    b"chrm": _colorant_bytes,
    b"meas": lambda _data: 36,
    b"view": lambda _data: 36,
    b"mft1": _small_table_bytes,
    b"mft2": _large_table_bytes,
}
"""Type -> length of its payload. White points and matrices are one triple and nine numbers."""


def _multi_stage(data: bytes) -> bytes:
    """Return a transform of several stages (lutAToBType) with every byte that belongs to no stage zero."""
    inputs, outputs = data[8], data[9]
    if not 0 < inputs <= _MOST_CHANNELS or not 0 < outputs <= _MOST_CHANNELS:
        raise _NoProfileError
    first, matrix, middle, table, last = struct.unpack_from(">5L", data, 12)
    near, far = (outputs, inputs) if data[:4] == b"mAB " else (inputs, outputs)
    kept = bytearray(len(data))
    kept[:4], kept[8:10], kept[12:32] = data[:4], data[8:10], data[12:32]
    for start, count in ((first, near), (middle, near), (last, far)):
        _keep_curves(data, kept, start, count)
    if matrix:
        _keep(data, kept, matrix, 48)
    if table:
        _keep_table(data, kept, table, inputs, outputs)
    return bytes(kept)


def _keep(data: bytes, kept: bytearray, start: int, length: int) -> None:
    if start + length > len(data):
        raise _NoProfileError
    kept[start : start + length] = data[start : start + length]


def _keep_curves(data: bytes, kept: bytearray, start: int, count: int) -> None:
    if not start:
        return
    for _ in range(count):
        curve = _payload(data[start:])
        if curve[:4] not in (b"curv", b"para"):
            raise _NoProfileError
        kept[start : start + len(curve)] = curve
        start += len(curve) + -len(curve) % 4


def _keep_table(data: bytes, kept: bytearray, start: int, inputs: int, outputs: int) -> None:
    points, width = data[start : start + inputs], data[start + 16]
    if width not in (1, 2):
        raise _NoProfileError
    entries = outputs
    for number in points:
        entries *= number
    _keep(data, kept, start, inputs)
    _keep(data, kept, start + 16, 1)
    _keep(data, kept, start + 20, entries * width)
