"""Code strings that people write: names by which parts of an object know each other.

Rule of the file: nothing of a text stays that the cleaner doubts; what stands instead says only that something stood
there, and the same instead of the same, so that the parts still know each other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

from pipeline.header.keeping import publishable

if TYPE_CHECKING:
    from pipeline.header.context import ScrubContext, ScrubItem

_NAME_LENGTH = 8
_OURS = re.compile(r"LAYER [0-9A-F]{8}", re.ASCII)


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
