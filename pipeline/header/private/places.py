"""Private attributes that may be places in an image, dropped where the image is cropped.

A private number says nothing about what it counts from, so nobody can move it, and a researcher who computes with it
would compute wrongly without noticing. What remains of private attributes are texts, codes, UIDs and dates, and the
numbers of ultrasound scanners whose tables say what they are: settings of the machine.

Rule of the file: a number that is not known to be no place in the image is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.sequence import Sequence

from pipeline.header.private.characteristics import private_characteristics
from pipeline.header.private.safe import NUMBER_VRS, PrivateKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

_FIRST_ELEMENT = 0x1000
_CHARACTERISTICS = 0x00080300
_NUMBERS = frozenset({*NUMBER_VRS, "AT"})
_SETTINGS = frozenset(
    PrivateKey(group, creator, element)
    for group, creator, elements in (
        # Frame rate, and ranges, gains and indexes of B-mode and colour flow, as TCIA's knowledge base names them.
        (0x0019, "SIEMENS MED SMS USG S2000", "03 0C 21 22 23 24 25 26 2A 2D 3A 41 43 44 46 47 48 49 54"),
        # Offsets and lengths in streams of bytes, the stream's number, timers and the volume rate.
        (0x0119, "SIEMENS Ultrasound SC2000", "05 06 07 08 09 11 12 13"),
        (0x0149, "SIEMENS Ultrasound SC2000", "02 03"),  # times
    )
    for element in (int(digits, 16) for digits in elements.split())
)


def drop_places(scrubbed: Dataset) -> None:
    """Remove private numbers that may be places in the image, wherever in the object, in place.

    Private sequences go with what is in them, creators with their last attribute, and (0008,0300) says what is left.
    """
    if not _dropped(scrubbed):
        return
    if _CHARACTERISTICS in scrubbed:
        del scrubbed[_CHARACTERISTICS]
    left = private_characteristics(scrubbed)
    if left is not None:
        scrubbed[_CHARACTERISTICS] = left


def _dropped(dataset: Dataset) -> bool:
    places = list(_places(dataset))
    for tag in places:
        del dataset[tag]
    if places:
        used = {(tag.group, tag.element >> 8) for tag in dataset.keys() if tag.is_private}  # noqa: SIM118  no decoding
        for tag in [tag for tag in dataset.keys() if tag.is_private and tag.element < _FIRST_ELEMENT]:  # noqa: SIM118
            if (tag.group, tag.element) not in used:
                del dataset[tag]
    inside = [_dropped(item) for element in dataset if isinstance(element.value, Sequence) for item in element.value]
    return bool(places) or any(inside)


def _places(dataset: Dataset) -> Iterator[int]:
    creators = {}
    for element in dataset:
        tag = element.tag
        if tag.is_private and tag.element < _FIRST_ELEMENT:
            creators[tag.group, tag.element] = str(element.value)
        elif tag.is_private and (element.VR in _NUMBERS or element.VR == "SQ"):
            key = PrivateKey(tag.group, creators.get((tag.group, tag.element >> 8), ""), tag.element & 0xFF)
            if key not in _SETTINGS:
                yield int(tag)
