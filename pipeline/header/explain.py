"""Which rule decides about an attribute, in words: for the dry run, and for `sonoveil profile show`.

Rule of the file: it decides nothing. The action is the one that `action_for` gives to the scrubber; here it is only
said where it comes from, and why a value did not fare as its action alone would have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_dict

from pipeline.header.decoding import Undecodable
from pipeline.header.identifiers import parts_of
from pipeline.header.keeping import fits_dictionary, publishable, spells_identifier
from pipeline.header.outside import FIRST_DATA_GROUP, action_for
from pipeline.header.private.safe import PrivateAction, PrivateKey
from pipeline.header.ps315_table import COLUMNS, EDITION, ROWS
from pipeline.header.special import TREATMENTS
from pipeline.header.table import BASIC_ACTIONS, Action, Dates, compile_rules, dates_of

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement

    from config.schema import Option, Profile
    from pipeline.header.identifiers import Identifiers

TABLE = f"E.1-1 ({EDITION})"
_MODIFIED_DATES = "retain_longitudinal_modified_dates"
_SET_BY_PRODUCT = {
    0x00080005: "set by the product: UTF-8 where a text needs it",
    0x00100010: "set by the product: the pseudonym",
    0x00100020: "set by the product: the pseudonym",
    0x00080300: "set by the product: nothing; what is safe in private attributes was somebody else's claim",
    0x00120062: "set by the product: what was done",
    0x00120063: "set by the product: what was done",
    0x00120064: "set by the product: the options of the profile",
    0x00280303: "set by the product: what happened to dates",
}
"""In the root of an object, over every rule of the table."""
_ALSO = {
    Action.KEYED: ", accession_number: keyed",
    Action.DUMMY: ", but filled, because its class wants a value",
}
"""Where neither the basic action nor an option decided."""
_PATIENT_NAME = 0x00100010
_REPEATING = {0x5000: "50xx", 0x6000: "60xx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a profile makes of an attribute.

    Parameters
    ----------
    rule
        Where the action comes from: a row of Table E.1-1 with the option that decided, a rule of the profile, the
        attribute's VR, or the product itself. Never a value.
    treatment
        The name of the special treatment that a kept or cleaned value goes through; empty for most attributes.
    """

    action: Action
    rule: str
    treatment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateRuling:
    """What a profile makes of a private attribute, in the terms of `pipeline.header.private`."""

    action: PrivateAction
    rule: str
    name: str


def private_ruling(tag: int, creator: str, profile: Profile) -> PrivateRuling:
    """Return what a profile makes of a private attribute of a creator.

    Parameters
    ----------
    creator
        As it stands in the object; in the result's words only where it is the tables' or the profile's own.
    """
    key = PrivateKey(tag >> 16, creator, tag & 0xFF)
    attribute = compile_rules(profile).private.get(key)
    if attribute is None:
        return PrivateRuling(action=PrivateAction.REMOVE, rule=why(tag, profile), name="private")
    sources = {"standard": "PS3.15 E.3.10-1", "tcia": "TCIA's knowledge base", "profile": "private_tags.extra"}
    rule = f"private attribute, safe by {sources.get(attribute.source, attribute.source)}: {attribute.action}"
    return PrivateRuling(action=attribute.action, rule=rule, name=f"{attribute.name or 'private'} ({creator})")


def why(tag: int, profile: Profile, *, depth: int = 0) -> str:
    """Return in words which rule decides about an attribute; `ruling` has the action as well."""
    decided = ruling(tag, profile, depth=depth)
    return f"{decided.rule}; treatment: {decided.treatment}" if decided.treatment else decided.rule


@lru_cache(maxsize=65536)
def ruling(tag: int, profile: Profile, *, depth: int = 0) -> Ruling:
    """Return the action for an attribute and where it comes from.

    Parameters
    ----------
    depth
        0 in the root of an object, where a few attributes are set by the product; more inside sequences.
    """
    rules = compile_rules(profile)
    action = action_for(tag, rules)
    treated = action in {Action.KEEP, Action.CLEAN} and tag in TREATMENTS and tag not in rules.ruled
    return Ruling(action=action, rule=_rule(tag, profile, depth), treatment=_name(TREATMENTS[tag]) if treated else "")


def listed_tags(profile: Profile, *, every: bool) -> list[int]:
    """Return the attributes that the table or the profile names one by one; with `every`, the whole dictionary too.

    Private attributes, curves and overlays go by whole groups and are not in it.
    """
    tags = set(compile_rules(profile).by_tag)
    if every:
        tags |= {tag for tag in keyword_dict.values() if tag >> 16 >= FIRST_DATA_GROUP}
    return sorted(tags)


def _rule(tag: int, profile: Profile, depth: int) -> str:
    ruled = {int(rule.tag, 16): number for number, rule in enumerate(profile.rules)}
    if depth == 0 and tag in _SET_BY_PRODUCT and not (tag == _PATIENT_NAME and tag in ruled):
        return _SET_BY_PRODUCT[tag]
    of_group = _group_rule(tag, profile)
    if of_group:
        return of_group
    if tag in ruled:
        return f"rules[{ruled[tag]}] of the profile: {profile.rules[ruled[tag]].action}"
    return _table_rule(tag, profile)


def _group_rule(tag: int, profile: Profile) -> str:
    """Return the rule of a whole group; empty for groups whose attributes are judged one by one."""
    group = tag >> 16
    if group % 2:
        basic, columns = ROWS["PRIVATE"]
        return f"{TABLE} private attributes {basic}{_deciding((basic, columns), frozenset(profile.options))}"
    if group < FIRST_DATA_GROUP or not tag & 0xFFFF:
        return "group length, command or file meta: never copied"
    repeating = _REPEATING.get(group & 0xFF00)
    if repeating:
        basic = ROWS.get(f"{repeating}{tag & 0xFFFF:04X}", ("X", ""))[0]
        return f"{TABLE} {repeating} {basic}: curves and overlays go as whole groups"
    return ""


def _table_rule(tag: int, profile: Profile) -> str:
    row = ROWS.get(f"{tag:08X}")
    if not dictionary_has_tag(tag):
        return "in no dictionary" if row is None else f"{TABLE} {row[0]}, but in no dictionary: removed"
    if row is not None:
        action = action_for(tag, compile_rules(profile))
        also = _ALSO.get(action, "") if action is not BASIC_ACTIONS[row[0]] else ""
        return f"{TABLE} {row[0]}{_deciding(row, frozenset(profile.options)) or also}"
    if tag in _SET_BY_PRODUCT:
        return "a claim of an earlier de-identification: removed"
    return f"outside the table: by VR {dictionary_VR(tag)} and meaning"


def _deciding(row: tuple[str, str], options: frozenset[Option]) -> str:
    """Name the option columns that decided over the basic action, as `pipeline.header.table` weighs them."""
    asked = {COLUMNS[column[0]]: column[1] for column in row[1].split() if COLUMNS[column[0]] in options}
    if dates_of(options) is Dates.MODIFIED and _MODIFIED_DATES in asked:
        return f", {_MODIFIED_DATES} {asked[_MODIFIED_DATES]}"
    for letter in ("K", "C"):
        names = sorted(name for name, asks in asked.items() if asks == letter)
        if names:
            return f", {' and '.join(names)} {letter}"
    return ""


def _name(treatment: object) -> str:
    return getattr(treatment, "__name__", type(treatment).__name__).strip("_").replace("_", " ")


def doubt(tag: int, action: Action, original: DataElement | Undecodable, identifiers: Identifiers) -> str:
    """Return why a value that an action would have let through did not stay as it was; empty if that is not known.

    Parameters
    ----------
    original
        The element of the source, which the action KEEP, CLEAN or SHIFT was applied to.
    """
    if isinstance(original, Undecodable) or original.VR == "UN" or " or " in original.VR:
        return "its bytes are no value of its VR, or its VR is not known"
    if action is Action.SHIFT:
        return "no complete, legal date"
    if original.VR in {"SQ", "UI"} or not dictionary_has_tag(tag):
        return ""
    parts = list(parts_of(original.value))
    if not fits_dictionary(tag, original.VR, is_multiple=len(parts) > 1):
        return "its VR or its number of values is not the dictionary's"
    return _doubt_about_parts(original.VR, parts, identifiers) if action is Action.KEEP else ""


def _doubt_about_parts(vr: str, parts: list[object], identifiers: Identifiers) -> str:
    stay = [publishable(vr, part, identifiers) for part in parts]
    if None in stay:
        repeats = vr not in {"AS", "DA", "DT", "TM"} and any(
            identifiers.in_text(str(part)) for part, kept in zip(parts, stay, strict=True) if kept is None
        )
        return "repeats an identifier of the original" if repeats else "not a legal value of its VR"
    if vr == "AS" and [str(part) for part in stay] != [str(part).strip() for part in parts]:
        return "an age over 89, or one not written as the standard does"
    return "its bytes spell an identifier" if spells_identifier(vr, parts, identifiers) else ""
