"""Code strings that no vocabulary lists: names by which parts of an object know each other, and numbers of templates.

Rule of the file: nothing of a text stays that the cleaner doubts; what stands instead says only that something stood
there, and the same instead of the same, so that the parts still know each other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from pipeline.header.content.concepts import text_of
from pipeline.header.keeping import publishable

if TYPE_CHECKING:
    from pipeline.header.context import ScrubContext, ScrubItem

_NAME_LENGTH = 8
_OURS = re.compile(r"LAYER [0-9A-F]{8}", re.ASCII)
_TEMPLATE_IDENTIFIER, _MAPPING_RESOURCE = 0x0040DB00, 0x00080105
_STANDARD_TEMPLATE = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
"""A TID of PS3.16: a number of at most five digits."""


def keep_template(
    original: DataElement, context: ScrubContext, scrub_item: ScrubItem, depth: int
) -> DataElement | None:
    """Return which template of the standard's own a report follows; None for another resource's.

    Template Identifier is Type 1 in its sequence, which may be absent (PS3.3 C.18.8).
    """
    items = []
    for item in original.value:
        number, resource = text_of(item, _TEMPLATE_IDENTIFIER), text_of(item, _MAPPING_RESOURCE)
        if resource == "DCMR" and _STANDARD_TEMPLATE.fullmatch(number) and not context.identifiers.in_number(number):
            kept = scrub_item(item, depth + 1)
            kept[_MAPPING_RESOURCE] = DataElement(_MAPPING_RESOURCE, "CS", resource)
            kept[_TEMPLATE_IDENTIFIER] = DataElement(_TEMPLATE_IDENTIFIER, "CS", number)
            items.append(kept)
    return DataElement(original.tag, "SQ", Sequence(items)) if items else None


def clean_code_label(
    original: DataElement, context: ScrubContext, _scrub_item: ScrubItem, _depth: int
) -> DataElement | None:
    """Return a CS by which parts of an object name each other (Graphic Layer), the same instead of the same.

    A value stays when it is a code string that holds no identifier and that the cleaner leaves as it is.
    """
    value = str(original.value).strip()
    kept = publishable("CS", value, context.identifiers)
    if _OURS.fullmatch(value) and not context.identifiers.in_text(value):
        kept = value  # scrubbed before
    elif kept is None or not context.cleaner.is_clean(value):
        kept = f"LAYER {context.identities.text_digest(value)[:_NAME_LENGTH].upper()}"
    return DataElement(original.tag, "CS", kept)
