"""Elements that Table E.1-1 does not name: one action by group, dictionary and VR.

A table-only engine leaks by construction, so nothing stays here by default except numbers and coded values in
attributes of the standard; short texts are cleaned, prose goes unless the profile cleans descriptors.
Rule of the file: no element in no dictionary stays, whatever it holds.
"""

from __future__ import annotations

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR

from config.schema import Option
from pipeline.header.codes import CODE_TAGS
from pipeline.header.table import TEMPORAL_VRS, Action, Dates, Rules

FIRST_DATA_GROUP = 0x0008
PIXEL_GROUP = 0x7FE0
_REPEATING_GROUPS = frozenset({0x5000, 0x6000})
"""Curves and overlays: whole groups go, because rows and columns of an overlay without its data are worthless."""
_REMOVED_GROUPS = frozenset({PIXEL_GROUP, 0x4FFE, 0xFFFA, 0xFFFC, 0xFFFE})
_CODE_VRS = frozenset({"LO", "SH", "ST", "UC", "UR"})
"""Of the texts that make a coded entry: `pipeline.header.codes` decides about them, with their neighbours in view."""
_ICC_PROFILE = 0x00282000
_IDENTIFYING = frozenset(
    {
        0x00080010,  # Recognition Code, retired: free text
        0x00100033, 0x00100034, 0x00100035,  # birth and death in another calendar, as text
        0x00102295,  # Breed Registration Number
        0x00140100,  # Component Welder IDs
        0x00181003, 0x00181006,  # Device ID, Grid ID
        0x00181803,  # NTP Source Address
        0x00401006, 0x00401007, 0x00402006, 0x00402007,  # placer and filler order numbers, retired
        0x0040A390,  # HL7 Structured Document Reference Sequence: nothing that it names can be followed
        0x0044000A, 0x00440012,  # Product Lot Identifier, Substance Administration Device ID
        0x00820016,  # Assessment Set ID
        0x00880130,  # Storage Media File-set ID
        0x01000426,  # Authorization Equipment Certification Number
        0x21000010, 0x21000160, 0x21100030, 0x21100099,  # print job, owner, printer, queue
    }
)  # fmt: skip
"""Attributes that the table forgets: each names a person, an order, a thing or a place."""
_REMOVED_UNLESS_NAMED = frozenset({0x0400, 0x4010})
"""Signatures, encryption, tracing of changes; baggage screening: by whom, by which certificate, for which journey."""
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
_TRACKING_ID = 0x00620020
"""Prose by its VR, a name by its use, and required beside Tracking UID, which stays mapped: always cleaned."""


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
    rules.judged[tag] = rules.by_tag[tag] if tag in rules.by_tag else _unnamed(tag, rules)
    return rules.judged[tag]


def _unnamed(tag: int, rules: Rules) -> Action:
    if tag in _IDENTIFYING or tag >> 16 in _REMOVED_UNLESS_NAMED:
        return Action.REMOVE
    return _by_vr(tag, rules)


def _by_vr(tag: int, rules: Rules) -> Action:
    vr = dictionary_VR(tag)
    if vr == "UI":
        return Action.KEEP if rules.retain_uids or _is_class_like(tag) else Action.UID
    if vr in TEMPORAL_VRS:
        return _TEMPORAL_ACTIONS[rules.dates]
    if (tag in CODE_TAGS and vr in _CODE_VRS) or tag == _ICC_PROFILE:
        return Action.KEEP
    if tag == _TRACKING_ID or vr in _SHORT_TEXTS or (vr in _PROSE and Option.CLEAN_DESCRIPTORS in rules.options):
        return Action.CLEAN
    if all(choice in _SAFE_VRS for choice in vr.split(" or ")):
        return Action.KEEP
    return Action.EMPTY if vr in {"PN", "AE"} else Action.REMOVE


_TEMPORAL_ACTIONS = {Dates.MODIFIED: Action.SHIFT, Dates.UNMODIFIED: Action.KEEP, Dates.REMOVED: Action.REMOVE}


def _is_class_like(tag: int) -> bool:
    """Tell whether a UI attribute names a class, a syntax or a vocabulary instead of an instance."""
    keyword = dictionary_keyword(tag)
    return "SOPClass" in keyword or "TransferSyntax" in keyword or keyword in _NO_INSTANCE_UIDS
