"""Lookup tables as long as their descriptors say (PS3.3 C.7.6.3.1.5, C.7.9, C.11.1, C.11.2).

Rule of the file: readers stop where the descriptor says, so what follows is seen by nobody and goes; a table that is
shorter than that, that nobody describes, or whose part that is read spells words, is no table and goes whole.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

from pipeline.header.identifiers import parts_of
from pipeline.header.keeping import spells_words

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PALETTES = {0x00281201: 0x00281101, 0x00281202: 0x00281102, 0x00281203: 0x00281103, 0x00281204: 0x00281104}
_SEGMENTED = {0x00281221: 0x00281101, 0x00281222: 0x00281102, 0x00281223: 0x00281103, 0x00281224: 0x00281104}
_LUT_DATA, _LUT_DESCRIPTOR = 0x00283006, 0x00283002
_DESCRIPTORS = _PALETTES | _SEGMENTED | {_LUT_DATA: _LUT_DESCRIPTOR}
TABLE_TAGS = frozenset(_DESCRIPTORS)
_ALL_ENTRIES = 1 << 16
_WORD = 0xFFFF
_DESCRIPTOR_PARTS, _BITS_OF_A_BYTE = 3, 8
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def trim_tables(result: Dataset) -> None:
    """Cut the lookup tables of a scrubbed data set, whose words are in little endian order, to their descriptors."""
    for tag in TABLE_TAGS.intersection(result.keys()):
        element = result[tag]
        if element.is_empty:
            continue
        shape = _shape(result, _DESCRIPTORS[tag])
        value = None if shape is None else _trimmed(element.value, *shape, is_segmented=tag in _SEGMENTED)
        if value is None or _spells_words(value):
            del result[tag]
        elif value is not element.value:
            result[tag] = DataElement(tag, element.VR, value, already_converted=True)


def _spells_words(value: object) -> bool:
    """Tell whether a table reads as a text: its bytes in either order, or the lower or upper bytes of its words."""
    if isinstance(value, bytes):
        raw = value
    else:
        numbers = [part & _WORD for part in parts_of(value) if isinstance(part, int)]
        raw = struct.pack(f"<{len(numbers)}H", *numbers)
    swapped = bytearray(raw[: len(raw) // 2 * 2])
    swapped[::2], swapped[1::2] = swapped[1::2], swapped[::2]
    return any(spells_words(reading) for reading in (raw, swapped, raw[::2], raw[1::2]))


def _shape(result: Dataset, tag: int) -> tuple[int, int] | None:
    """Return number of entries and bits of an entry."""
    parts = list(parts_of(result[tag].value)) if tag in result else []
    if len(parts) != _DESCRIPTOR_PARTS or not all(isinstance(part, int) for part in parts):
        return None
    return parts[0] % _ALL_ENTRIES or _ALL_ENTRIES, parts[2]


def _trimmed(value: object, entries: int, bits: int, *, is_segmented: bool) -> object:
    """Return the part of a table that is read, None where it is too short."""
    if isinstance(value, bytes):
        length = _segments_end(value, entries) if is_segmented else _table_bytes(value, entries, bits)
        if length is None or length > len(value):
            return None
        return value if length == len(value) else value[:length]
    numbers = list(parts_of(value))
    words = entries if len(numbers) >= entries or bits > _BITS_OF_A_BYTE else (entries + 1) // 2
    if len(numbers) < words:
        return None
    return value if len(numbers) == words else MultiValue(int, numbers[:words])


def _table_bytes(value: bytes, entries: int, bits: int) -> int:
    """Return a table's length: a word for each entry, or, where they have 8 bits, two entries in a word."""
    if len(value) >= 2 * entries or bits > _BITS_OF_A_BYTE:
        return 2 * entries
    return entries + entries % 2


def _segments_end(value: bytes, entries: int) -> int | None:
    """Return where the segment ends that completes a segmented table (PS3.3 C.7.9.2), None where none does."""
    words = struct.unpack(f"<{len(value) // 2}H", value[: len(value) // 2 * 2])
    position = made = 0
    made_at: dict[int, tuple[int, int]] = {}
    while made < entries:
        if position + 2 > len(words):
            return None
        kind, count = words[position], words[position + 1]
        if kind == _INDIRECT:
            if position + 4 > len(words):
                return None
            added = _repeated(words, words[position + 2] | words[position + 3] << 16, count, made_at)
            end = position + 4
        else:
            added, end = count, position + 2 + (count if kind == _DISCRETE else 1)
            made_at[position * 2] = (end * 2, count)
        if kind > _INDIRECT or not added or end > len(words):
            return None
        made, position = made + added, end
    return position * 2 if made == entries else None


def _repeated(words: tuple[int, ...], offset: int, count: int, made_at: dict[int, tuple[int, int]]) -> int:
    """Return how many entries the `count` segments from byte `offset` on make; 0 where no such segments stand there."""
    made = 0
    for _ in range(min(count, len(words))):
        if offset not in made_at:
            return 0
        offset, added = made_at[offset]
        made += added
    return made
