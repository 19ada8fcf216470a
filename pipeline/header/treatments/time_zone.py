"""Timezone Offset From UTC (0008,0201): a short text by VR, an offset by meaning (PS3.3 C.12.1).

Rule of the file: what is no offset goes; it is the one text that dates that stay bring along.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

if TYPE_CHECKING:
    from pipeline.header.context import ScrubContext, ScrubItem

_OFFSET = re.compile(r"(?:[+](?:0[0-9]|1[0-4])|-(?:0[0-9]|1[0-2]))[0-5][0-9]", re.ASCII)


def keep_offset(
    original: DataElement, _context: ScrubContext, _scrub_item: ScrubItem, _depth: int
) -> DataElement | None:
    """Return the offset, -1200 to +1459, or None for anything else."""
    text = str(original.value).strip()
    return DataElement(original.tag, "SH", text) if _OFFSET.fullmatch(text) else None
