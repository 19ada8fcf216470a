"""What can only be judged in a whole data set: codes beside their schemes, tables beside their descriptors.

Rule of the file: called once for every data set, at any depth, when each element by itself has been acted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.header.codes import is_coded, scrub_code
from pipeline.header.treatments.lookup_tables import TABLE_TAGS, trim_tables

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from pipeline.header.context import ScrubContext


_REFERENCED_STUDY_SEQUENCE = 0x00081110
_FILLER_ORDER_NUMBER = 0x00402017
"""Stands in items of Referenced Request Sequence, where Referenced Study Sequence is Type 2; elsewhere it is Type 3."""


def finish(source: Dataset, result: Dataset, context: ScrubContext) -> bool:
    """Mend `result`, which `source` has become, in its place; tell whether a text that is not ASCII was written."""
    if not TABLE_TAGS.isdisjoint(result.keys()):
        trim_tables(result)
    if _REFERENCED_STUDY_SEQUENCE in result and _FILLER_ORDER_NUMBER not in source:
        _drop_if_empty(result, _REFERENCED_STUDY_SEQUENCE)
    return is_coded(source) and scrub_code(source, result, context)


def _drop_if_empty(result: Dataset, tag: int) -> None:
    """Take away an optional sequence that was emptied: if it is there it has items (PS3.3 10.6.1, C.7.2.1)."""
    if not result.get_item(tag).value:
        del result[tag]
