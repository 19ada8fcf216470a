"""(0008,0300): what a scrubbed object says about the private attributes that stayed (PS3.3 C.12.1, PS3.15 E.3.10).

Rule of the file: only what stands in the result is vouched for; what the source claimed about itself is never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.private.safe import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_ELEMENT = 0x1000


def private_characteristics(scrubbed: Dataset) -> DataElement | None:
    """Return (0008,0300) for the private attributes of a scrubbed object, wherever in it; None where there are none.

    The status of each block is MIXED and what stands in it is listed (PS3.3 C.12.1): vouched for is what is there,
    not what somebody may add to the block later.
    """
    found: dict[tuple[int, str], set[int]] = {}
    for group, creator, element in _private_keys(scrubbed):
        found.setdefault((group, creator), set()).add(element)
    items = [_characteristics(*block, sorted(elements)) for block, elements in sorted(found.items())]
    return DataElement(0x00080300, "SQ", Sequence(items)) if items else None


def _characteristics(group: int, creator: str, elements: list[int]) -> Dataset:
    item = Dataset()
    item.add_new(0x00080301, "US", group)
    item.add_new(0x00080302, "LO", creator)
    item.add_new(0x00080303, "CS", "MIXED")
    item.add_new(0x00080304, "US", elements)
    return item


def _private_keys(scrubbed: Dataset) -> Iterator[PrivateKey]:
    creators = {}
    for tag, element in sorted(scrubbed.items(), key=lambda pair: int(pair[0])):
        if tag.is_private and tag.element < _FIRST_ELEMENT:
            creators[tag.group, tag.element] = str(element.value)
        elif tag.is_private:
            yield PrivateKey(tag.group, creators[tag.group, tag.element >> 8], tag.element & 0xFF)
        if isinstance(element.value, Sequence):
            for item in element.value:
                yield from _private_keys(item)
