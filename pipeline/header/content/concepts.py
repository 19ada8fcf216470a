"""What a concept name asks for: Table E.3.4-1 under a profile's options, and a rule for every concept it does not name.

Rule of the file: the table decides where it names the concept; else the value type does, and what is of no known value
type goes. Where the table leaves a choice (X/D) the item stays with a dummy, which is legal whatever the template asks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from config.schema import Option
from pipeline.header.content.e341_table import ROWS
from pipeline.header.decoding import Undecodable, decoded
from pipeline.header.ps315_table import COLUMNS
from pipeline.header.table import Action, Dates, dates_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Concept: TypeAlias = tuple[str, str]
"""Coding scheme designator in capitals, and code value."""

CONCEPT_NAME_CODE_SEQUENCE = 0x0040A043
VALUE_TYPE = 0x0040A040
_CODE_VALUES = (0x00080100, 0x00080119, 0x00080120)
"""Code Value, Long Code Value, URN Code Value: one of them is there (PS3.3 8.1)."""
_SCHEME = 0x00080102
_OLDER_SNOMED = frozenset({"SNM3", "99SDM"})
"""Schemes with the codes of SRT (PS3.16 8.1)."""
SUBJECT_ID: Concept = ("DCM", "121030")
AGES: frozenset[Concept] = frozenset(
    {
        ("DCM", "121033"),  # Subject Age
        ("DCM", "111524"),  # Age Started
        ("DCM", "111525"),  # Age Ended
        ("DCM", "111538"),  # Age at Occurrence
        ("SCT", "397669002"),  # Age
        ("SCT", "424144002"),  # Current chronological age
        ("SCT", "445518008"),  # Age at onset of clinical finding
        ("SRT", "R-A0A5E"),  # Age, as older reports say it
        ("LN", "30525-0"),  # Age
        ("LN", "21612-7"),  # Reported age
        ("LN", "29553-5"),  # Age calculated
    }
)
"""How old somebody is or was. Gestational ages are none."""
_AGE_ROW = ("X", "CK")
"""Of Subject Age, for the others too: they are the same patient characteristic."""
_TEXTUAL = frozenset({"CODE", "DATE", "DATETIME", "NUM", "PNAME", "TEXT", "TIME", "UIDREF"})
_TEMPORAL = {Dates.MODIFIED: Action.SHIFT, Dates.UNMODIFIED: Action.KEEP, Dates.REMOVED: Action.REMOVE}
_BY_VALUE_TYPE = {
    **dict.fromkeys(("CODE", "COMPOSITE", "CONTAINER", "IMAGE", "NUM", "SCOORD", "SCOORD3D"), Action.KEEP),
    **dict.fromkeys(("TABLE", "TCOORD", "WAVEFORM"), Action.KEEP),
    "PNAME": Action.DUMMY,
    "UIDREF": Action.UID,
}
"""KEEP is not untouched: the item's data set is scrubbed, references are mapped, codes and ages are judged."""
_BASIC = {"X": Action.REMOVE, "D": Action.DUMMY, "X/D": Action.DUMMY}


def concept_of(item: Dataset) -> Concept | None:
    """Return the concept name of a content item; None where it has none that can be read."""
    sequence = _value(item, CONCEPT_NAME_CODE_SEQUENCE)
    if not sequence:
        return None
    code = sequence[0]
    scheme = text_of(code, _SCHEME).upper()
    value = next(filter(None, (text_of(code, tag) for tag in _CODE_VALUES)), "")
    return ("SRT" if scheme in _OLDER_SNOMED else scheme, value)


@lru_cache(maxsize=4096)
def action_for_content(concept: Concept | None, value_type: str, options: frozenset[Option]) -> Action:
    """Return what happens to a content item.

    Parameters
    ----------
    value_type
        Of the item, as it says (0040,A040).
    options
        The profile's.

    Returns
    -------
    Action
        KEEP, REMOVE, DUMMY (the item stays, its value says nothing), CLEAN (a text), SHIFT (a date) or UID.
    """
    row = None if concept is None else _row(concept, value_type)
    if row is None:
        return _by_value_type(value_type, options)
    basic, columns = row
    asked = {COLUMNS[column[0]]: column[1] for column in columns.split() if COLUMNS[column[0]] in options}
    if dates_of(options) is Dates.MODIFIED and Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in asked:
        return Action.SHIFT
    if "K" in asked.values():
        return Action.KEEP
    return Action.CLEAN if "C" in asked.values() else _BASIC[basic]


def is_dummied(concept: Concept | None, value_type: str) -> bool:
    """Tell whether the table wants a dummy where a value cannot be mended, instead of no item."""
    row = None if concept is None else _row(concept, value_type)
    return row is not None and row[0] != "X"


def text_of(dataset: Dataset, tag: int) -> str:
    """Return a value as text without padding; nothing where it is absent or cannot be decoded."""
    value = _value(dataset, tag)
    return "" if value is None else str(value).strip(" \0")


def _row(concept: Concept, value_type: str) -> tuple[str, str] | None:
    """Find the row of a concept; of one that no option may keep, also where the item has another value type."""
    row = ROWS.get((*concept, value_type))
    if row is not None:
        return row
    if concept in AGES:
        return _AGE_ROW
    if value_type not in _TEXTUAL:
        return None
    others = (ROWS.get((*concept, other)) for other in sorted(_TEXTUAL))
    return next((other for other in others if other is not None and not other[1]), None)


def _by_value_type(value_type: str, options: frozenset[Option]) -> Action:
    if value_type in {"DATE", "DATETIME", "TIME"}:
        return _TEMPORAL[dates_of(options)]
    if value_type == "TEXT":
        return Action.CLEAN if Option.CLEAN_DESCRIPTORS in options else Action.DUMMY
    return _BY_VALUE_TYPE.get(value_type, Action.REMOVE)


def _value(dataset: Dataset, tag: int) -> Any:
    if tag not in dataset:
        return None
    element = decoded(dataset, tag)
    return None if isinstance(element, Undecodable) else element.value
