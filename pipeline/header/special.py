"""Attributes that no general action serves: one treatment for each, by tag.

Rule of the file: a table, nothing else. It is asked where an attribute's action is KEEP or CLEAN and the profile has
no rule of its own for it; a treatment returns the element that may leave, newly made, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from pydicom.dataelem import DataElement

from pipeline.header.content.treatments import CONTENT_TREATMENTS
from pipeline.header.context import ScrubContext, ScrubItem
from pipeline.header.treatments.colour_profile import clean_profile
from pipeline.header.treatments.kept_codes import keep_codes
from pipeline.header.treatments.templates import keep_template
from pipeline.header.treatments.terms import clean_text, keep_terms, keep_units
from pipeline.header.treatments.time_zone import keep_offset

Treatment: TypeAlias = Callable[[DataElement, ScrubContext, ScrubItem, int], DataElement | None]
"""Original element, context, how to scrub an item, and the depth of the data set that the element stands in."""

TREATMENTS: Mapping[int, Treatment] = {
    **CONTENT_TREATMENTS,
    0x00080201: keep_offset,  # Timezone Offset From UTC
    0x00102160: clean_text,  # Ethnic Group
    0x00281054: keep_units,  # Rescale Type
    0x00281055: keep_terms,  # Window Center & Width Explanation
    0x0040DB00: keep_template,  # Template Identifier
    0x00282000: clean_profile,  # ICC Profile
    0x00283003: keep_terms,  # LUT Explanation
    0x00283004: keep_units,  # Modality LUT Type
    0x00080082: keep_codes,  # Institution Code Sequence
    0x00404025: keep_codes,  # Scheduled Station Name Code Sequence
    0x00404027: keep_codes,  # Scheduled Station Geographic Location Code Sequence
    0x00404028: keep_codes,  # Performed Station Name Code Sequence
    0x00404030: keep_codes,  # Performed Station Geographic Location Code Sequence
}
