"""The value of one content item, cleaned: what stands in TEXT, PNAME, DATE, TIME, DATETIME, UIDREF and NUM items.

Rule of the file: a value that is not what its value type says does not stay. None means that there is no value which
may stay; the caller removes the item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from pipeline.header.content.concepts import AGES, SUBJECT_ID, is_dummied, text_of
from pipeline.header.dates import shift
from pipeline.header.dummies import ANONYMIZED, dummy
from pipeline.header.identity import normalise_patient_id
from pipeline.header.keeping import publishable
from pipeline.header.table import Action
from pipeline.reasons import Held

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from pipeline.header.content.concepts import Concept
    from pipeline.header.context import ScrubContext

VALUES: Final = {
    "DATE": (0x0040A121, "DA"),
    "DATETIME": (0x0040A120, "DT"),
    "PNAME": (0x0040A123, "PN"),
    "TEXT": (0x0040A160, "UT"),
    "TIME": (0x0040A122, "TM"),
    "UIDREF": (0x0040A124, "UI"),
}
"""Value type -> the one attribute that carries it, and its VR (PS3.3 C.17.3 and 10.2)."""
MEASURED_VALUE_SEQUENCE = 0x0040A300
_NUMERIC_VALUE = 0x0040A30A
_OTHER_NUMBERS = (0x0040A161, 0x0040A162, 0x0040A163)
"""Floating Point Value, Rational Numerator and Denominator: the same number, more exactly."""
_UNITS = 0x004008EA
_CODE_VALUE = 0x00080100
OLDEST = {
    **dict.fromkeys(("a", "a_g", "a_j"), (89, 90)),
    **dict.fromkeys(("mo", "mo_g", "mo_j"), (1079, 1080)),
    "wk": (4695, 4696),
    "d": (32_872, 32_873),
    "h": (788_939, 788_940),
}
"""Units of UCUM: the highest age that stays, and the number that stands for all above it, 90 years. An age in another
unit is taken for one in years."""


def cleaned_value(
    item: Dataset, value_type: str, concept: Concept | None, action: Action, context: ScrubContext
) -> DataElement | None:
    """Return the element that carries the value of an item of a type in `VALUES`.

    Parameters
    ----------
    action
        As `action_for_content` returns it, not REMOVE.
    """
    tag, vr = VALUES[value_type]
    value = text_of(item, tag)
    if not value:
        return None
    new = _new_value(value, vr, concept, action, context)
    if new is None and is_dummied(concept, value_type):
        new = _dummied(value, vr, concept, context)
    return None if new is None else DataElement(tag, vr, new)


def cap_age(measured: DataElement | None, concept: Concept | None) -> None:
    """Make an age over 89 years in a scrubbed Measured Value Sequence 90 years; other measurements stay.

    A number that the scrubber emptied takes its item with it: without a number and units there is no measurement, and
    an empty sequence says so (PS3.3 C.18.1).
    """
    if measured is None or not measured.value:
        return
    value = measured.value[0]
    number = text_of(value, _NUMERIC_VALUE)
    if not number:
        measured.value = Sequence()
    elif concept in AGES:
        _cap(value, number)


def _new_value(value: str, vr: str, concept: Concept | None, action: Action, context: ScrubContext) -> str | None:
    if action is Action.DUMMY:
        return _dummied(value, vr, concept, context)
    if vr == "UI":
        return value if action is Action.KEEP and context.rules.retain_uids else context.identities.public_uid(value)
    if action is Action.SHIFT:
        return shift(vr, value, context.shift_days)
    if action is Action.CLEAN:
        return context.cleaner.clean(value).strip() or ANONYMIZED
    kept = publishable(vr, value, context.identifiers)
    if kept is None and vr == "UT":
        return ANONYMIZED
    return None if kept is None else str(kept)


def _dummied(value: str, vr: str, concept: Concept | None, context: ScrubContext) -> str:
    if vr == "UI":
        return context.identities.public_uid(value)
    if concept == SUBJECT_ID and _is_this_patient(value, context):
        return context.pseudonym
    return str(dummy(vr))


def _is_this_patient(value: str, context: ScrubContext) -> bool:
    try:
        normal = normalise_patient_id(value, strip_leading_zeros=False)
    except Held:
        return False
    return context.normal_patient_id in {normal, normal.lstrip("0")}


def _cap(value: Dataset, number: str) -> None:
    units = value.get(_UNITS)
    unit = text_of(units.value[0], _CODE_VALUE) if units is not None and units.value else "a"
    oldest, instead = OLDEST.get(unit, OLDEST["a"])
    try:
        if float(number) <= oldest:
            return
    except ValueError:
        pass  # not one number: it goes
    value[_NUMERIC_VALUE] = DataElement(_NUMERIC_VALUE, "DS", str(instead))
    for tag in _OTHER_NUMBERS:
        if tag in value:
            del value[tag]
