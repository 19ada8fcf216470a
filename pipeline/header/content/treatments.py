"""Which attributes are cleaned here: content items, annotations, waveforms, and labels that must not be empty.

Rule of the file: a table, nothing else; `pipeline.header.special` takes it over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.header.content.labels import clean_code_label, clean_label, clean_text, removed
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

_LABELS = (
    0x00409210,  # LUT Label
    0x00620005,  # Segment Label
    0x00660036,  # Algorithm Name
    0x00660106,  # Track Set Label
    0x006A0005,  # Annotation Group Label
    0x00700310,  # Fiducial Identifier
    0x3010002D,  # Device Label
    0x30100033,  # User Content Label
    0x30100035,  # Entity Label
    0x30100036,  # Entity Name
    0x30100054,  # RT Prescription Label
)
"""Not in Table E.1-1, Type 1 where they stand, and written by people. Those of the table are dummied as it says."""
_CODE_LABELS = (
    0x00700002,  # Graphic Layer
    0x00700080,  # Content Label
)
_TEXTS = (
    0x00700068,  # Graphic Layer Description
    0x00700081,  # Content Description
    0x00700207,  # Graphic Group Label
    0x300A00C2,  # Beam Name
    0x30100034,  # User Content Long Label
    0x30100038,  # Entity Long Label
)
"""Not in Table E.1-1 either; empty is legal."""

CONTENT_TREATMENTS: Mapping[int, Treatment] = {
    **dict.fromkeys(_CONTENT_ITEMS, clean_tree),
    **dict.fromkeys(_LABELS, clean_label),
    **dict.fromkeys(_CODE_LABELS, clean_code_label),
    **dict.fromkeys(_TEXTS, clean_text),
    0x0040A390: removed,  # HL7 Structured Document Reference: another system's names for documents of the patient
    0x54000100: keep_samples,  # Waveform
}
