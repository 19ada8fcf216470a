"""What a profile makes of PS3.15 Table E.1-1: one action per attribute.

Rule of the file: where the table leaves a choice that only the IOD could settle (X/Z, X/D, Z/D, X/Z/D, X/Z/U*), the
choice is the one that is legal whatever the type: a dummy where a dummy is offered, else an empty value. Of several
options that are on, keeping wins over cleaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR

from config.schema import Option
from pipeline.header.numbers import NUMBERS
from pipeline.header.private.safe import PrivateAttribute, PrivateKey, kept_attributes
from pipeline.header.ps315_table import COLUMNS, ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.schema import Profile


class Action(StrEnum):
    """What happens to one attribute."""

    KEEP = "keep"
    """The value stays; sequences are scrubbed inside, ages over 89 become 090Y."""
    REMOVE = "remove"
    """The element goes."""
    EMPTY = "empty"
    """The element stays without a value."""
    DUMMY = "dummy"
    """The value is replaced by one that says nothing and is legal for the VR and VM."""
    UID = "uid"
    """Every UID, at any depth, is replaced by its public UID."""
    CLEAN = "clean"
    """What may identify goes out of a text; sequences are scrubbed inside."""
    SHIFT = "shift"
    """Dates move by the patient's days; times stay."""
    KEYED = "keyed"
    """A keyed number takes the value's place (`pipeline.header.numbers`)."""
    REPLACE = "replace"
    """The value of a rule of the profile."""


class Dates(StrEnum):
    """What happens to dates; the values of (0028,0303)."""

    REMOVED = "REMOVED"
    MODIFIED = "MODIFIED"
    UNMODIFIED = "UNMODIFIED"


BASIC_ACTIONS = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.DUMMY,
    "U": Action.UID,
    "X/Z": Action.EMPTY,
    "X/D": Action.DUMMY,
    "Z/D": Action.DUMMY,
    "X/Z/D": Action.DUMMY,
    "X/Z/U*": Action.UID,
}
_RULE_ACTIONS = {
    "keep": Action.KEEP,
    "remove": Action.REMOVE,
    "empty": Action.EMPTY,
    "replace": Action.REPLACE,
    "clean": Action.CLEAN,
}
TEMPORAL_VRS = frozenset({"DA", "DT", "TM"})
_TIMEZONE_OFFSET = "00080201"
REQUIRED = frozenset({"00700082", "00700083"})
"""X in the table, Type 1 wherever they stand: Presentation Creation Date and Time. Removed, no presentation state
would be one (PS3.3 C.11.10); they get a dummy."""
_HEX_DIGITS = frozenset("0123456789ABCDEF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The actions of one profile.

    Parameters
    ----------
    by_tag
        Attributes named by the table or by the profile. Others are judged by `pipeline.header.outside`.
    replacements
        Values of the profile's `replace` rules.
    ruled
        Attributes that the profile itself names: nothing else overrules it there.
    options
        As the profile names them, for content items (`pipeline.header.content`).
    private
        Private attributes that may stay.
    judged
        Attributes that `pipeline.header.outside` has judged already; it grows up to the dictionary's size.
    """

    by_tag: Mapping[int, Action]
    replacements: Mapping[int, str]
    ruled: frozenset[int]
    options: frozenset[Option]
    private: Mapping[PrivateKey, PrivateAttribute]
    dates: Dates
    retain_uids: bool
    judged: dict[int, Action] = field(default_factory=dict, compare=False, repr=False)


@lru_cache(maxsize=64)
def compile_rules(profile: Profile) -> Rules:
    """Return the actions of a profile; the same object for the same profile."""
    options = frozenset(profile.options)
    by_tag = {
        int(pattern, 16): _action(pattern, basic, columns.split(), options)
        for pattern, (basic, columns) in ROWS.items()
        if _HEX_DIGITS.issuperset(pattern)  # 50xx, 60xx and private elements go as whole groups: see `outside`
    }
    if profile.accession_number == "keyed":
        by_tag.update({tag: Action.KEYED for tag in NUMBERS if by_tag[tag] is Action.EMPTY})
    ruled = {int(rule.tag, 16): rule for rule in profile.rules}
    by_tag.update({tag: _RULE_ACTIONS[rule.action] for tag, rule in ruled.items()})
    return Rules(
        by_tag=by_tag,
        replacements={tag: rule.value for tag, rule in ruled.items() if rule.value is not None},
        ruled=frozenset(ruled),
        options=options,
        private=kept_attributes(profile),
        dates=dates_of(options),
        retain_uids=Option.RETAIN_UIDS in options,
    )


def dates_of(options: frozenset[Option]) -> Dates:
    """Return what the options make of dates; of the two that exclude each other, the one that gives away less."""
    if Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in options:
        return Dates.MODIFIED
    return Dates.UNMODIFIED if Option.RETAIN_LONGITUDINAL_FULL_DATES in options else Dates.REMOVED


def _action(pattern: str, basic: str, columns: list[str], options: frozenset[Option]) -> Action:
    asked = {COLUMNS[column[0]]: column[1] for column in columns if COLUMNS[column[0]] in options}
    dates = dates_of(options)
    if dates is Dates.MODIFIED and Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in asked:
        # Also where another option keeps the element (a calibration date): one unshifted date gives the shift away.
        return _shifted(pattern, basic)
    if "K" in asked.values():
        return Action.KEEP
    if "C" in asked.values():
        return Action.CLEAN
    return Action.DUMMY if pattern in REQUIRED else BASIC_ACTIONS[basic]


def _shifted(pattern: str, basic: str) -> Action:
    if pattern == _TIMEZONE_OFFSET:
        return Action.KEEP
    try:
        temporal = dictionary_VR(int(pattern, 16)) in TEMPORAL_VRS
    except KeyError:
        temporal = False  # newer than the dictionary: the scrubber removes it anyway
    return Action.SHIFT if temporal else BASIC_ACTIONS[basic]
