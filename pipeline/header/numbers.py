"""Accession Number, Study ID and order numbers under keyed stand-ins, where the profile wants them.

PS3.15 Table E.1-1 asks Z of all four: a zero length value, or a dummy that is consistent with the VR (E.1.1). A keyed
number is such a dummy, and keeps together what one order or one accession made. What the table removes (Requested
Procedure ID, the steps' and admissions' IDs) goes.

Rule of the file: whatever cannot be read as one of these numbers becomes empty, the other value that Z allows.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

from pipeline.header.decoding import Undecodable, decoded
from pipeline.header.identifiers import parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom.dataset import Dataset

    from pipeline.header.context import ScrubContext

NUMBERS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        0x00080050: ("accession", "SH"),  # Accession Number
        0x00200010: ("study id", "SH"),  # Study ID
        0x00402016: ("placer order", "LO"),  # Placer Order Number / Imaging Service Request
        0x00402017: ("filler order", "LO"),  # Filler Order Number / Imaging Service Request
    }
)
"""Tag to the kind of `Identities.study_number` and to the VR of PS3.6, which is written whatever the source says."""


def keyed_number(source: Dataset, tag: int, context: ScrubContext) -> DataElement:
    """Return the element that stands for one of `NUMBERS`; empty where the source's is, or cannot be read."""
    kind, vr = NUMBERS[int(tag)]
    return DataElement(tag, vr, context.identities.study_number(kind, context.patient_domain, number_in(source, tag)))


def number_in(source: Dataset, tag: int) -> str:
    """Return one of `NUMBERS` as it stands in a data set; nothing where it is absent, empty or no text."""
    if tag not in source:
        return ""
    element = decoded(source, tag)
    if isinstance(element, Undecodable) or element.is_empty:
        return ""
    parts = list(parts_of(element.value))
    return "\\".join(parts) if all(isinstance(part, str) for part in parts) else ""
