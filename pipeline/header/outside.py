"""Elements that Table E.1-1 does not name: one action by group, dictionary and VR.

A table-only engine leaks by construction, so nothing stays here by default except numbers, coded values and short
texts in attributes of the standard; short texts that repeat an identifier go too (`pipeline.header.scrub`).
Rule of the file: no element in no dictionary stays, whatever it holds.
"""

from __future__ import annotations

from functools import lru_cache

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR

from pipeline.header.table import TEMPORAL_VRS, Action, Dates, Rules

FIRST_DATA_GROUP = 0x0008
PIXEL_GROUP = 0x7FE0
_REPEATING_GROUPS = frozenset({0x5000, 0x6000})
"""Curves and overlays: whole groups go, because rows and columns of an overlay without its data are worthless."""
_REMOVED_GROUPS = frozenset({PIXEL_GROUP, 0x4FFE, 0xFFFA, 0xFFFC, 0xFFFE})
_CODE_TEXTS = frozenset({0x00080119, 0x00080120, 0x00080114, 0x00080115, 0x00080116})
"""Long Code Value, URN Code Value, and how a coding scheme is called: prose by VR, vocabulary by meaning."""
_ICC_PROFILE = 0x00282000
_MARKS = frozenset({0x00080300, 0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""Claims about an earlier de-identification, which nobody here can vouch for; the scrubber writes its own."""
_NO_INSTANCE_UIDS = frozenset({"CodingSchemeUID", "ContextUID", "MappingResourceUID"})
_SAFE_VRS = frozenset(
    {"AS", "AT", "CS", "DS", "FD", "FL", "IS", "LO", "OD", "OF", "OL", "OV", "OW", "SH", "SL", "SQ", "SS", "SV"}
    | {"UL", "US", "UV"}
)
"""What may stay: numbers, tags, sequences (scrubbed inside) and short texts (compared with the identifiers). Prose
(LT, ST, UC, UR, UT) and opaque bytes (OB, UN) may not."""


def action_for(tag: int, rules: Rules) -> Action:
    """Return what happens to an attribute, named by the table or not.

    Parameters
    ----------
    tag
        Group and element as one number.
    rules
        The compiled profile.
    """
    named = rules.by_tag.get(tag)
    group = tag >> 16
    if group % 2 or group < FIRST_DATA_GROUP or not tag & 0xFFFF:
        return Action.REMOVE
    if group in _REMOVED_GROUPS or (group & 0xFF00) in _REPEATING_GROUPS or tag in _MARKS:
        return Action.REMOVE
    if named is not None:
        return named if dictionary_has_tag(tag) else Action.REMOVE
    return _by_vr(tag, rules.dates, retain_uids=rules.retain_uids)


@lru_cache(maxsize=16384)
def _by_vr(tag: int, dates: Dates, *, retain_uids: bool) -> Action:
    if not dictionary_has_tag(tag):
        return Action.REMOVE
    vr = dictionary_VR(tag)
    if vr == "UI":
        return Action.KEEP if retain_uids or _is_class_like(tag) else Action.UID
    if vr in TEMPORAL_VRS:
        return _TEMPORAL_ACTIONS[dates]
    if tag in _CODE_TEXTS or tag == _ICC_PROFILE:
        return Action.KEEP
    if all(choice in _SAFE_VRS for choice in vr.split(" or ")):
        return Action.KEEP
    return Action.EMPTY if vr in {"PN", "AE"} else Action.REMOVE


_TEMPORAL_ACTIONS = {Dates.MODIFIED: Action.SHIFT, Dates.UNMODIFIED: Action.KEEP, Dates.REMOVED: Action.REMOVE}


def _is_class_like(tag: int) -> bool:
    """Tell whether a UI attribute names a class, a syntax or a vocabulary instead of an instance."""
    keyword = dictionary_keyword(tag)
    return "SOPClass" in keyword or "TransferSyntax" in keyword or keyword in _NO_INSTANCE_UIDS
