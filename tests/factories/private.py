"""Private attributes for tests: a profile that keeps the safe ones, and data sets that hold any of them."""

import struct

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from config.schema import Option, PrivateTag, PrivateTags, Profile
from pipeline.header.private.safe import PrivateAction, safe_attributes
from tests.factories.headers import minimal
from tests.factories.profiles import RESEARCH

SAFE = Profile(
    name="research",
    options=(*RESEARCH.options, Option.RETAIN_SAFE_PRIVATE),
    private_tags=PrivateTags(keep_safe=True),
)
SIEMENS_MR = "SIEMENS MR HEADER"
PHILIPS = "Philips Imaging DD 001"
PHILIPS_MR = "Philips MR Imaging DD 001"
SC2000 = "SIEMENS Ultrasound SC2000"

NUMBERS = {
    "AT": 0x00100010,
    "DS": "0.12500",
    "FD": 0.1,
    "FL": 0.5,
    "IS": "1007",
    "SL": -70000,
    "SS": -7,
    "UL": 70000,
    "US": 700,
}
"""One value of each VR of numbers in the table, none of them an identifier or a date."""


def extra(group, creator, element, vr=None):
    """Return a profile that keeps one private attribute and no other."""
    tag = PrivateTag(group=group, creator=creator, element=element, vr=vr)
    return RESEARCH.model_copy(update={"private_tags": PrivateTags(extra=(tag,))})


def with_private(*elements, dataset=None):
    """Return a data set with private elements, each (group, creator, element, VR, value), and their creators."""
    result = minimal() if dataset is None else dataset
    for group, creator, element, vr, value in elements:
        add_private(result, group, creator, element, vr, value)
    return result


def add_private(dataset, group, creator, element, vr, value, block=None):  # noqa: PLR0917  as a line of a dump
    """Add one element to its creator's block, by default the first."""
    if block is None:
        blocks = range(0x10, 0x100)
        block = next(
            number for number in blocks if (group, number) not in dataset or dataset[group, number].value == creator
        )
    dataset.add_new((group, block), "LO", creator)
    tag = (group, block << 8 | element)
    dataset.add(DataElement(tag, vr, value))
    return tag


def item(*elements):
    """Return an item with private elements and nothing else."""
    return with_private(*elements, dataset=Dataset())


def sequence(*items):
    """Return the value of a sequence."""
    return Sequence(items)


def private_of(dataset):
    """Return the private elements of a data set without their creators: (group, creator, element) to (VR, value)."""
    return {
        (tag.group, dataset[tag.group, tag.element >> 8].value, tag.element & 0xFF): (
            str(dataset[tag].VR),
            dataset[tag].value,
        )
        for tag in dataset.keys()  # noqa: SIM118  iterating a data set gives elements
        if tag.is_private and tag.element > 0xFF
    }


def rows(*actions):
    """Return the rows of the table with one of these actions, as (key, attribute)."""
    return [(key, row) for key, row in safe_attributes().items() if row.action in actions]


def all_numbers():
    """Return a data set with every attribute of the table that is a number, as many values as its VM asks for."""
    result = minimal()
    for key, row in rows(PrivateAction.NUMBER):
        if row.vrs:
            count = int(row.vm[0]) or 1 if row.vm else 1
            value = NUMBERS[row.vrs[0]]
            add_private(result, *key, row.vrs[0], [value] * count if count > 1 else value)
    return result


def csa_header(**values):
    """Return a CSA header (SV10) that holds these values, each a list of texts, as devices write it."""
    header = b"SV10\4\3\2\1" + struct.pack("<2i", len(values), 77)
    for name, texts in values.items():
        items = [*texts, *[""] * (6 - len(texts) % 6)]
        header += struct.pack("<64si4s3i", name.encode(), len(texts), b"FD\0\0", 4, len(items), 77)
        for text in items:
            raw = text.encode() + b"\0" if text else b""
            header += struct.pack("<4i", len(raw), len(raw), 77, len(raw)) + raw + bytes(-len(raw) % 4)
    return header
