"""Short ways to write data sets: attributes by keyword, items, sequences, codes."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence


def fill(dataset: Dataset, **attributes: Any) -> Dataset:
    """Set attributes by keyword; a list of data sets becomes a sequence. Return the data set."""
    for keyword, value in attributes.items():
        is_sequence = isinstance(value, list) and all(isinstance(part, Dataset) for part in value)
        setattr(dataset, keyword, Sequence(value) if is_sequence and keyword.endswith("Sequence") else value)
    return dataset


def item(**attributes: Any) -> Dataset:
    """Return a new data set with these attributes."""
    return fill(Dataset(), **attributes)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a coded entry (PS3.3 8.8)."""
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def dcm(value: str, meaning: str) -> list[Dataset]:
    """Return the content of a code sequence of one code of the scheme DCM."""
    return [code(value, "DCM", meaning)]


def sct(value: str, meaning: str) -> list[Dataset]:
    """Return the content of a code sequence of one SNOMED CT code."""
    return [code(value, "SCT", meaning)]


def reference(sop_class: str, uid: str, **more: Any) -> Dataset:
    """Return an item that references one instance."""
    return item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=uid, **more)
