"""Template Identifier (0040,DB00): the number of a template of PS3.16, by which a report is read.

Rule of the file: a number of at most five digits, or nothing; a code string that is a number is elsewhere no term.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

if TYPE_CHECKING:
    from pipeline.header.context import ScrubContext, ScrubItem

_TEMPLATE = re.compile(r"[0-9]{1,5}", re.ASCII)


def keep_template(original: DataElement, context: ScrubContext, _scrub: ScrubItem, _depth: int) -> DataElement | None:
    """Return the identifier where it is a number that identifies nobody, else None."""
    text = str(original.value).strip(" \0")
    if not _TEMPLATE.fullmatch(text) or context.identifiers.in_text(text):
        return None
    return DataElement(original.tag, "CS", text)
