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


def finish(source: Dataset, result: Dataset, context: ScrubContext) -> bool:
    """Mend `result`, which `source` has become, in its place; tell whether a text that is not ASCII was written."""
    if not TABLE_TAGS.isdisjoint(result.keys()):
        trim_tables(result)
    return is_coded(source) and scrub_code(source, result, context)
