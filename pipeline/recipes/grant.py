"""One wish of a foreign recipe against the Basic Profile: nothing to do, a rule, or something to list.

Rule of the file: nothing is weakened silently. A wish that gives away more than the profile does is listed and not
granted, unless a person said that keeps are accepted; where a wish cannot be said, less leaves than it asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.config import RAISE
from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.valuerep import validate_value

from config.attributes import FIXED_TAGS
from pipeline.header.explain import ruling, why
from pipeline.header.outside import FIRST_DATA_GROUP, PIXEL_GROUP
from pipeline.header.ps315_table import COLUMNS, ROWS
from pipeline.header.table import TEMPORAL_VRS, Action, Dates, dates_of
from pipeline.recipes.wishes import Intent, Missing, Remark, Wish

if TYPE_CHECKING:
    from config.schema import Profile

_PATIENT_NAME, _PATIENT_ID, _CHARACTER_SET = 0x00100010, 0x00100020, 0x00080005
_GONE = frozenset({Action.REMOVE, Action.EMPTY, Action.DUMMY})
_TEXT_VRS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_MARKS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
_INSTANCE_UIDS = frozenset({0x00080018, 0x0020000D, 0x0020000E})
_BURNED_IN = 0x00280301


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One line of `rules:`, and the line that it comes from."""

    tag: int
    action: str
    value: str | None
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What becomes of a wish; nothing of all this where the profile does it anyway."""

    rule: RuleLine | None = None
    missing: Missing | None = None
    remark: Remark | None = None


_DONE = Grant()


def grant(wish: Wish, profile: Profile, *, accept_keeps: bool) -> Grant:
    """Return what must be written for a wish beside a profile without rules.

    Parameters
    ----------
    accept_keeps
        A person wants the foreign file's keeps over the table.
    """
    if wish.tag == _CHARACTER_SET or wish.tag in _MARKS:
        return Grant(remark=_remark(wish, "set by the product")) if wish.intent is not Intent.KEEP else _DONE
    if f"{wish.tag:08X}" in FIXED_TAGS:
        return _fixed(wish)
    if not _is_ruled_singly(wish.tag):
        return _of_group(wish)
    return _GRANTS[wish.intent](wish, profile, accept_keeps)


def _fixed(wish: Wish) -> Grant:
    if wish.tag in _INSTANCE_UIDS and wish.intent is Intent.MAP_UID:
        return _DONE
    if wish.tag == _PATIENT_ID and wish.intent is Intent.PSEUDONYM:
        return Grant(remark=_remark(wish, "pseudonyms come from the site's key: not those of the other tool"))
    if wish.tag not in _INSTANCE_UIDS | {_PATIENT_ID, _BURNED_IN} and wish.intent is Intent.KEEP:
        return _DONE
    instead = "`patient_id`" if wish.tag == _PATIENT_ID else "the option retain_uids, if UIDs may stay"
    instead = "nothing: the pixel stage writes it" if wish.tag == _BURNED_IN else f"see {instead}"
    return _not(wish, "it is set by the product, and no rule can change it", instead)


def _is_ruled_singly(tag: int) -> bool:
    group = tag >> 16
    plain = FIRST_DATA_GROUP <= group < PIXEL_GROUP and (group & 0xFF00) not in {0x5000, 0x6000}
    return plain and not group % 2 and bool(tag & 0xFFFF) and dictionary_has_tag(tag)


def _of_group(wish: Wish) -> Grant:
    """Grant what is about file meta, pixel data, private attributes, curves and overlays, and elements nobody knows."""
    group = wish.tag >> 16
    if wish.intent in {Intent.REMOVE, Intent.EMPTY} and group != PIXEL_GROUP:
        return _DONE
    if group < FIRST_DATA_GROUP:
        return Grant(remark=_remark(wish, "file meta is written anew"))
    if group == PIXEL_GROUP:
        return _DONE if wish.intent is Intent.KEEP else _not(wish, "pixel data is the pixel stage's", "see `pixels:`")
    if group % 2:
        return _not(wish, "a private attribute; all of them go", "see `private_tags`")
    return _not(wish, "an overlay, a curve, or in no dictionary; all of them go", "nothing can be done in a profile")


def _keep(wish: Wish, profile: Profile, accept: bool) -> Grant:  # noqa: FBT001  one of a table of functions
    action, vr = ruling(wish.tag, profile).action, dictionary_VR(wish.tag)
    if action is Action.KEEP or (action is Action.SHIFT and vr == "TM"):
        return _DONE
    options = _keeping_options(wish.tag)
    instead = f"the option {' or '.join(options)}" if options else "a rule `keep`"
    if vr == "AS":
        return _not(wish, f"{why(wish.tag, profile)}; a rule would keep ages over 89 too", instead)
    if vr in TEMPORAL_VRS and dates_of(frozenset(profile.options)) is Dates.MODIFIED:
        return _not(wish, "one date that does not move beside others that do gives the shift away", "let it move")
    if accept:
        return Grant(rule=_rule(wish, "keep"))
    if action is Action.CLEAN:
        return Grant(remark=_remark(wish, "stays as far as it holds nothing that may identify"))
    return _not(wish, why(wish.tag, profile), f"{instead}, or import again with --accept-keeps")


def _keeping_options(tag: int) -> list[str]:
    columns = ROWS.get(f"{tag:08X}", ("", ""))[1].split()
    return [COLUMNS[column[0]] for column in columns if column[1] == "K"]


def _inside(wish: Wish, profile: Profile, accept: bool) -> Grant:  # noqa: FBT001  same
    action = ruling(wish.tag, profile).action
    return _keep(wish, profile, accept) if action in {Action.REMOVE, Action.EMPTY} else _DONE


def _remove(wish: Wish, profile: Profile, _accept: bool) -> Grant:  # noqa: FBT001  same
    if wish.tag == _PATIENT_NAME:
        return Grant(rule=_rule(wish, "empty"), remark=_remark(wish, "emptied: every object must have the attribute"))
    action = ruling(wish.tag, profile).action
    if action is Action.KEYED:
        return Grant(rule=_rule(wish, "empty"))  # of Type 2 in every image
    return _DONE if action in _GONE else Grant(rule=_rule(wish, "remove"))


def _empty(wish: Wish, profile: Profile, _accept: bool) -> Grant:  # noqa: FBT001  same
    if ruling(wish.tag, profile).action in _GONE and wish.tag != _PATIENT_NAME:
        return _DONE
    return Grant(rule=_rule(wish, "empty"))


def _replace(wish: Wish, profile: Profile, _accept: bool) -> Grant:  # noqa: FBT001  same
    vr = dictionary_VR(wish.tag)
    if vr not in _TEXT_VRS:
        return _less(wish, profile, f"a text cannot replace a value of VR {vr}", "a rule `empty` or `remove`")
    try:
        for part in wish.value.split("\\"):
            validate_value(vr, part, RAISE)
    except ValueError:
        return _less(wish, profile, f"the text is not legal for VR {vr}", "a rule `replace` with a legal value")
    return Grant(rule=_rule(wish, "replace", wish.value))


def _map_uid(wish: Wish, profile: Profile, _accept: bool) -> Grant:  # noqa: FBT001  same
    action = ruling(wish.tag, profile).action
    if action is Action.UID or action in _GONE:
        return _DONE
    if dictionary_VR(wish.tag) == "UI":
        return Grant(remark=_remark(wish, "names a class or a vocabulary, and stays"))
    return _less(wish, profile, "no UID", "a rule `replace`, `empty` or `remove`")


def _pseudonym(wish: Wish, profile: Profile, _accept: bool) -> Grant:  # noqa: FBT001  same
    if wish.tag == _PATIENT_NAME:
        return Grant(remark=_remark(wish, "the name becomes the pseudonym of the patient ID"))
    action = ruling(wish.tag, profile).action
    if action is Action.KEYED:
        return Grant(remark=_remark(wish, "numbers come from the site's key: not those of the other tool"))
    if action is Action.UID:
        return _DONE
    return _less(wish, profile, "no code is made for this attribute", "nothing, unless objects must be joined by it")


def _shift(wish: Wish, profile: Profile, _accept: bool) -> Grant:  # noqa: FBT001  same
    action, vr = ruling(wish.tag, profile).action, dictionary_VR(wish.tag)
    if action is Action.SHIFT or (action is Action.KEEP and vr == "TM"):
        return _DONE
    reason = f"{why(wish.tag, profile)}: no option moves it" if vr in TEMPORAL_VRS else "no date"
    return _less(wish, profile, reason, "a rule `replace`, if something must stand there")


def _unknown(wish: Wish, profile: Profile, _accept: bool) -> Grant:  # noqa: FBT001  same
    return _less(wish, profile, wish.why, wish.instead)


def _less(wish: Wish, profile: Profile, reason: str, instead: str) -> Grant:
    """List a wish, and see to it that the value which should have been changed does not stay."""
    action = ruling(wish.tag, profile).action
    if wish.tag == _PATIENT_NAME or action not in {Action.KEEP, Action.CLEAN}:
        return _not(wish, reason, instead)
    done = "remove" if dictionary_VR(wish.tag) == "SQ" else "empty"
    return Grant(rule=_rule(wish, done), missing=_missing(wish, f"{reason} (rule `{done}` instead)", instead))


_GRANTS = {
    Intent.KEEP: _keep,
    Intent.REMOVE: _remove,
    Intent.EMPTY: _empty,
    Intent.REPLACE: _replace,
    Intent.MAP_UID: _map_uid,
    Intent.PSEUDONYM: _pseudonym,
    Intent.SHIFT: _shift,
    Intent.INSIDE: _inside,
    Intent.UNKNOWN: _unknown,
}


def attribute(tag: int) -> str:
    """Return how a profile names an attribute."""
    return str(dictionary_keyword(tag)) if dictionary_has_tag(tag) else f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _rule(wish: Wish, action: str, value: str | None = None) -> RuleLine:
    return RuleLine(tag=wish.tag, action=action, value=value, comment=f"line {wish.line}: {wish.what}")


def _not(wish: Wish, reason: str, instead: str) -> Grant:
    return Grant(missing=_missing(wish, reason, instead))


def _missing(wish: Wish, reason: str, instead: str) -> Missing:
    return Missing(line=wish.line, what=f"{attribute(wish.tag)} [{wish.what}]", why=reason, instead=instead)


def _remark(wish: Wish, text: str) -> Remark:
    return Remark(line=wish.line, text=f"{attribute(wish.tag)}: {text}")
