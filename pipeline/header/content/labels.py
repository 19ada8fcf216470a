"""Texts that people write into objects without images, many of which the standard wants filled (Type 1).

Rule of the file: nothing of a text stays that the cleaner doubts; what stands instead says only that something stood
there, and the same instead of the same where attributes refer to each other by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement, empty_value_for_VR

from pipeline.header.dummies import ANONYMIZED
from pipeline.header.keeping import publishable

if TYPE_CHECKING:
    from pipeline.header.context import ScrubContext, ScrubItem

_NAME_LENGTH = 8


def clean_label(
    original: DataElement, context: ScrubContext, _scrub_item: ScrubItem, _depth: int
) -> DataElement | None:
    """Return a text of one value with what may stay of it; ANONYMIZED where that is nothing."""
    cleaned = context.cleaner.clean(str(original.value)).strip()
    return DataElement(original.tag, original.VR, cleaned or ANONYMIZED)


def clean_text(original: DataElement, context: ScrubContext, _scrub_item: ScrubItem, _depth: int) -> DataElement | None:
    """Return a text of one value with what may stay of it, which may be nothing."""
    cleaned = context.cleaner.clean(str(original.value)).strip()
    return DataElement(original.tag, original.VR, cleaned or empty_value_for_VR(original.VR))


def removed(_original: DataElement, _context: ScrubContext, _scrub_item: ScrubItem, _depth: int) -> DataElement | None:
    """Return nothing: what is optional, and of which nothing may stay."""
    return None


def clean_code_label(
    original: DataElement, context: ScrubContext, _scrub_item: ScrubItem, _depth: int
) -> DataElement | None:
    """Return a CS by which parts of an object name each other (Graphic Layer), the same instead of the same.

    A value stays when it is a code string that holds no identifier and that the cleaner leaves as it is.
    """
    value = str(original.value).strip()
    kept = publishable("CS", value, context.identifiers)
    if kept is None or context.cleaner.clean(value) != value:
        kept = f"LAYER {context.identities.text_digest(value)[:_NAME_LENGTH].upper()}"
    return DataElement(original.tag, "CS", kept)
