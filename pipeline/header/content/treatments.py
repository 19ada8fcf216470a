"""Which attributes are cleaned here: content items, waveforms, and names by which parts of an object know each other.

Rule of the file: a table, nothing else; `pipeline.header.special` takes it over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.header.content.labels import clean_code_label, keep_template
from pipeline.header.content.tree import CONTENT_SEQUENCE, clean_tree
from pipeline.header.content.waveforms import keep_samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.header.special import Treatment

_CONTENT_ITEMS = (
    CONTENT_SEQUENCE,
    0x00400440,  # Protocol Context
    0x00400441,  # Content Item Modifier
    0x00400555,  # Acquisition Context
    0x00400612,  # Specimen Preparation Step Content Item
    0x00400620,  # Specimen Localization Content Item
    0x00741210,  # Scheduled Processing Parameters
    0x00741212,  # Performed Processing Parameters
)
"""Sequences whose items are content items (PS3.3 10.2, 10.25 and C.17.3)."""

_CODE_LABELS = (
    0x00700002,  # Graphic Layer
    0x00700080,  # Content Label
)

CONTENT_TREATMENTS: Mapping[int, Treatment] = {
    **dict.fromkeys(_CONTENT_ITEMS, clean_tree),
    **dict.fromkeys(_CODE_LABELS, clean_code_label),
    0x0040A504: keep_template,  # Content Template
    0x54000100: keep_samples,  # Waveform
}
