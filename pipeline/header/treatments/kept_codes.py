"""Codes that a Retain option keeps as they are: the code of an institution is what that option is about.

Rule of the file: only the code itself comes back; everything else in the item is scrubbed as anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from pipeline.header.codes import restore_code

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from pipeline.header.context import ScrubContext, ScrubItem


def keep_codes(original: DataElement, context: ScrubContext, scrub_item: ScrubItem, depth: int) -> DataElement | None:
    """Scrub the items and put their codes back; asked only where the profile keeps the attribute."""
    if not isinstance(original.value, Sequence):
        return None

    def kept(item: Dataset) -> Dataset:
        result = scrub_item(item, depth + 1)
        restore_code(item, result, context)
        return result

    return DataElement(original.tag, "SQ", Sequence([kept(item) for item in original.value]))
