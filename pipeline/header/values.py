"""What each action makes of one decoded value: dummies, public UIDs, shifted dates, cleaned and kept values.

Rule of the file: values are rebuilt, never shared with the source where they can be changed; every text that stays
has been compared with the identifiers; a value that is not legal for what it claims to be does not stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataelem import DataElement, empty_value_for_VR
from pydicom.multival import MultiValue

from pipeline.header.dates import shift
from pipeline.header.dummies import ANONYMIZED, dummy
from pipeline.header.identifiers import parts_of
from pipeline.header.identity import normalise_patient_id
from pipeline.header.keeping import fits_dictionary, may_name_class, publishable, spells_identifier
from pipeline.header.ps315_table import ROWS
from pipeline.header.table import BASIC_ACTIONS, TEMPORAL_VRS, Action
from pipeline.header.treatments.lookup_tables import TABLE_TAGS
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.header.context import ScrubContext

PATIENT_ID = 0x00100020
_WORD_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_CLEANED_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_OPAQUE_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
_NEVER_EMPTY = frozenset(
    {
        0x00080070,  # Manufacturer: Type 1 of Enhanced General Equipment
        0x00080100,  # Code Value, Coding Scheme Designator, Code Meaning, Long and URN Code Value: Type 1 or 1C
        0x00080102,
        0x00080104,
        0x00080119,
        0x00080120,
        0x00102201,  # Patient Species Description: Type 1C of animals
        0x00081090,  # Manufacturer's Model Name, Software Versions: Type 1 of Enhanced General Equipment
        0x00181020,
        0x00189005,  # Pulse Sequence Name: Type 1C of the enhanced MR
        0x00209056,  # Stack ID, Dimension Description Label, Frame Label: Type 1 or 1C where they stand
        0x00209421,
        0x00209453,
        0x00480106,  # Optical Path Identifier: Type 1 of Whole Slide Microscopy
        0x00409210,  # LUT Label: Type 1 of Real World Value Mapping
        0x00540400,  # Image ID
        0x00620005,  # Segment Label, Segment Algorithm Name: Type 1 and 1C of Segmentation
        0x00620009,
        0x00620020,  # Tracking ID: Type 1C beside Tracking UID
        0x00660036,  # Algorithm Name, Algorithm Version: Type 1 of the algorithm identification macro
        0x00660031,
        0x00660106,  # Track Set Label: Type 1 of Tractography Results
        0x006A0005,  # Annotation Group Label: Type 1 of Microscopy Bulk Simple Annotations
        0x00700310,  # Fiducial Identifier: Type 1 of Spatial Fiducials
        0x3010002D,  # Device, User Content, Entity, RT Prescription Label, Entity Name: Type 1 of RT, second generation
        0x30100033,
        0x30100035,
        0x30100036,
        0x30100054,
        0x30020002,  # RT Image Label: Type 1 of RT Image
        0x300A0043,  # Tolerance Table Label
    }
)
"""Attributes of short text that some IOD wants filled; an empty value is legal for all others."""


def empty(tag: int, vr: str) -> DataElement:
    """Return an element without a value."""
    return _element(tag, vr, empty_value_for_VR(vr))


def replaced(original: DataElement, context: ScrubContext) -> DataElement:
    """Return the value of the profile's own rule.

    Raises
    ------
    Held
        `INTERNAL_ERROR` where it is no value of the attribute's VR.
    """
    try:
        return DataElement(original.tag, original.VR, context.rules.replacements[int(original.tag)])
    except (TypeError, ValueError):
        raise Held(Reason.INTERNAL_ERROR, "a replacement in the profile does not fit its attribute") from None


def basic(original: DataElement, context: ScrubContext) -> DataElement | None:
    """Return what the Basic Profile alone makes of an element; what it does not name goes."""
    row = ROWS.get(f"{int(original.tag):08X}")
    action = Action.REMOVE if row is None else BASIC_ACTIONS[row[0]]
    if action is Action.REMOVE:
        return None
    return dummied(original, context) if action is Action.DUMMY else empty(int(original.tag), original.VR)


def dummied(original: DataElement, context: ScrubContext) -> DataElement:
    """Return a value that says nothing: a public UID, the pseudonym of this patient, or a constant."""
    if original.VR == "UI":
        return mapped(original, context)
    if original.tag == PATIENT_ID:
        text = context.pseudonym if _is_this_patient(original, context) else ANONYMIZED
        return _element(PATIENT_ID, "LO", text)
    return DataElement(original.tag, original.VR, _like(original.value, dummy(original.VR)))


def mapped(original: DataElement, context: ScrubContext) -> DataElement:
    """Return the public UIDs of an element."""
    uids = [context.identities.public_uid(str(uid)) for uid in parts_of(original.value)]
    return _element(int(original.tag), original.VR, _multiple(uids))


def shifted(original: DataElement, context: ScrubContext) -> DataElement | None:
    """Return the patient's dates moved back; what is no whole date gets the Basic Profile's action."""
    moved = [shift(original.VR, str(part), context.shift_days) for part in parts_of(original.value)]
    return basic(original, context) if None in moved else _element(int(original.tag), original.VR, _multiple(moved))


def kept(original: DataElement, context: ScrubContext) -> DataElement | None:
    """Return the element if it is what it claims to be and repeats no identifier."""
    tag, vr = int(original.tag), original.VR
    parts = list(parts_of(original.value))
    if tag not in context.rules.ruled:
        if not fits_dictionary(tag, vr, is_multiple=len(parts) > 1):
            return None
        if vr == "UI":
            return _element(tag, "UI", _multiple([_kept_uid(str(uid), context) for uid in parts]))
        parts = [publishable(vr, part, context.identifiers, may_spell=tag in TABLE_TAGS) for part in parts]
        if None in parts:
            if vr in TEMPORAL_VRS:
                return basic(original, context)
            return _swept(tag, vr, parts)
        if spells_identifier(vr, parts, context.identifiers):
            return None
    elif vr == "PN":
        parts = [str(part) for part in parts]
    if context.is_big_endian and vr in _WORD_BYTES:
        parts = [_swapped(part, _WORD_BYTES[vr]) for part in parts]
    return DataElement(original.tag, vr, _multiple(parts), already_converted=vr != "PN")


def cleaned(original: DataElement, context: ScrubContext) -> DataElement | None:
    """Clean a free text; what is not text gets the Basic Profile's action, which gives away less.

    Where nothing is left of it the attribute stays empty, or with a dummy where an IOD wants it filled.
    """
    tag, vr = int(original.tag), original.VR
    if vr not in _CLEANED_VRS or not fits_dictionary(tag, vr, is_multiple=False):
        return basic(original, context)
    parts = [context.cleaner.clean(str(part)) for part in parts_of(original.value)]
    if any(parts):
        return DataElement(tag, vr, _multiple(parts))
    row = ROWS.get(f"{tag:08X}")
    needs_value = tag in _NEVER_EMPTY if row is None else BASIC_ACTIONS[row[0]] is Action.DUMMY
    return _element(tag, vr, dummy(vr)) if needs_value else empty(tag, vr)


def _is_this_patient(original: DataElement, context: ScrubContext) -> bool:
    try:
        normal = normalise_patient_id(str(original.value), strip_leading_zeros=False)
    except Held:
        return False
    return context.normal_patient_id in (normal, normal.lstrip("0"))


def _kept_uid(uid: str, context: ScrubContext) -> str:
    """Keep what may name a class, and any UID where the profile retains them, but no other text."""
    if context.rules.retain_uids:
        is_kept = uid not in context.identifiers.uids and publishable("UI", uid, context.identifiers) is not None
    else:
        is_kept = may_name_class(uid, context.identifiers)
    return uid if is_kept else context.identities.public_uid(uid)


def _swept(tag: int, vr: str, parts: list[Any]) -> DataElement | None:
    """Mend an element of which some values may not stay: the others stay in their places.

    A lone value is emptied, which is legal for all but Type 1; those get a dummy.
    """
    if vr in _OPAQUE_VRS:
        return None
    if vr == "AS" or (len(parts) == 1 and tag not in _NEVER_EMPTY):
        return empty(tag, vr)
    return DataElement(tag, vr, [dummy(vr) if part is None else part for part in parts])


def _element(tag: int, vr: str, value: Any) -> DataElement:
    return DataElement(tag, vr, value, already_converted=True)


def _multiple(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else MultiValue(_as_it_is, parts)


def _as_it_is(value: Any) -> Any:
    return value


def _swapped(raw: bytes, word_bytes: int) -> bytes:
    whole = len(raw) // word_bytes * word_bytes
    words = np.frombuffer(raw[:whole], dtype=f">u{word_bytes}")
    return words.astype(f"<u{word_bytes}").tobytes() + raw[whole:]


def _like(value: Any, single: Any) -> Any:
    """Return as many of `single` as `value` has parts; bytes and empty values count as one."""
    count = len(value) if isinstance(value, MultiValue | list) else 1
    return [single] * count if count > 1 else single


ACTIONS: Mapping[Action, Callable[[DataElement, ScrubContext], DataElement | None]] = {
    Action.DUMMY: dummied,
    Action.UID: mapped,
    Action.SHIFT: shifted,
    Action.CLEAN: cleaned,
    Action.KEEP: kept,
    Action.REPLACE: replaced,
}
