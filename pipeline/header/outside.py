"""Elements that Table E.1-1 does not name: one action by group, dictionary and VR.

A table-only engine leaks by construction, so nothing stays here by default except numbers and coded values in
attributes of the standard; short texts are cleaned, prose goes unless the profile cleans descriptors.
Rule of the file: no element in no dictionary stays, whatever it holds.
"""

from __future__ import annotations

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR

from config.schema import Option
from pipeline.header.table import TEMPORAL_VRS, Action, Dates, Rules

FIRST_DATA_GROUP = 0x0008
PIXEL_GROUP = 0x7FE0
_REPEATING_GROUPS = frozenset({0x5000, 0x6000})
"""Curves and overlays: whole groups go, because rows and columns of an overlay without its data are worthless."""
_REMOVED_GROUPS = frozenset({PIXEL_GROUP, 0x4FFE, 0xFFFA, 0xFFFC, 0xFFFE})
_CODES = frozenset(
    {0x00080100, 0x00080101, 0x00080102, 0x00080103, 0x00080104, 0x00080119, 0x00080120}
    | {0x00080112, 0x00080114, 0x00080115, 0x00080116, 0x00080122}
)
"""Code values, coding schemes, code meanings and how a scheme is called: text by VR, vocabulary by meaning."""
_ICC_PROFILE = 0x00282000
_MARKS = frozenset({0x00080300, 0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""Claims about an earlier de-identification, which nobody here can vouch for; the scrubber writes its own."""
_NO_INSTANCE_UIDS = frozenset({"CodingSchemeUID", "ContextUID", "MappingResourceUID"})
_SAFE_VRS = frozenset(
    {"AS", "AT", "CS", "DS", "FD", "FL", "IS", "OD", "OF", "OL", "OV", "OW", "SL", "SQ", "SS", "SV", "UL", "US", "UV"}
)
"""What may stay: numbers, tags, defined terms, sequences (scrubbed inside). Opaque bytes (OB, UN) may not."""
_SHORT_TEXTS = frozenset({"LO", "SH"})
"""Names of things, mostly: cleaned, whatever the profile says."""
_PROSE = frozenset({"LT", "ST", "UC", "UT"})
"""Cleaned where the profile asks for Clean Descriptors, else gone."""


def action_for(tag: int, rules: Rules) -> Action:
    """Return what happens to an attribute, named by the table or not.

    Parameters
    ----------
    tag
        Group and element as one number.
    rules
        The compiled profile.
    """
    judged = rules.judged.get(tag)
    if judged is not None:
        return judged
    group = tag >> 16
    if group % 2 or group < FIRST_DATA_GROUP or not tag & 0xFFFF or not dictionary_has_tag(tag):
        return Action.REMOVE
    if group in _REMOVED_GROUPS or (group & 0xFF00) in _REPEATING_GROUPS or tag in _MARKS:
        return Action.REMOVE
    rules.judged[tag] = rules.by_tag[tag] if tag in rules.by_tag else _by_vr(tag, rules)
    return rules.judged[tag]


def _by_vr(tag: int, rules: Rules) -> Action:
    vr = dictionary_VR(tag)
    if vr == "UI":
        return Action.KEEP if rules.retain_uids or _is_class_like(tag) else Action.UID
    if vr in TEMPORAL_VRS:
        return _TEMPORAL_ACTIONS[rules.dates]
    if tag in _CODES or tag == _ICC_PROFILE:
        return Action.KEEP
    if vr in _SHORT_TEXTS or (vr in _PROSE and Option.CLEAN_DESCRIPTORS in rules.options):
        return Action.CLEAN
    if all(choice in _SAFE_VRS for choice in vr.split(" or ")):
        return Action.KEEP
    return Action.EMPTY if vr in {"PN", "AE"} else Action.REMOVE


_TEMPORAL_ACTIONS = {Dates.MODIFIED: Action.SHIFT, Dates.UNMODIFIED: Action.KEEP, Dates.REMOVED: Action.REMOVE}


def _is_class_like(tag: int) -> bool:
    """Tell whether a UI attribute names a class, a syntax or a vocabulary instead of an instance."""
    keyword = dictionary_keyword(tag)
    return "SOPClass" in keyword or "TransferSyntax" in keyword or keyword in _NO_INSTANCE_UIDS
