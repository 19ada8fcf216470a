"""Which private attributes a profile keeps, and what each of them needs first.

Rule of the file: an attribute is its creator's: group, creator and the last two digits, never the block number. What
stands in no table and in no line of the profile is not here, so that it goes.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from config.schema import PrivateTag, Profile

_TABLE = Path(__file__).with_name("safe.csv")
NUMBER_VRS = ("DS", "IS", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV")
TEXT_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})


class PrivateAction(StrEnum):
    """What happens to a private attribute that may stay."""

    NUMBER = "number"
    """Stays where it is a number, and neither an identifier nor a date."""
    CODE = "code"
    """Stays where it is a defined term by its form and holds nothing that a text may not hold."""
    CLEAN = "clean"
    """A text, without what may identify."""
    UID = "uid"
    """Replaced by its public UID."""
    DATE = "date"
    """As the profile treats dates."""
    ITEMS = "items"
    """A sequence, scrubbed inside: public attributes like any, private ones as each deserves."""
    CARRY = "carry"
    """A sequence of which only the private attributes stay that are here themselves."""
    AS_SENT = "as sent"
    """Whatever the VR that it has in the file, or in the dictionary, deserves."""
    REMOVE = "remove"
    """Goes: its bytes are known not to identify in general, but nobody can read them in this object."""


ACTION_OF_VR: Mapping[str, PrivateAction] = MappingProxyType(
    {
        **dict.fromkeys((*NUMBER_VRS, "AT"), PrivateAction.NUMBER),
        "CS": PrivateAction.CODE,
        **dict.fromkeys(TEXT_VRS, PrivateAction.CLEAN),
        "UI": PrivateAction.UID,
        **dict.fromkeys(("DA", "DT", "TM"), PrivateAction.DATE),
        "SQ": PrivateAction.ITEMS,
    }
)
"""What a value of a VR needs; a VR that is absent cannot be judged, so that its values go."""


class PrivateKey(NamedTuple):
    """One private attribute, whatever block it stands in."""

    group: int
    creator: str
    element: int
    """The last two digits of the tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateAttribute:
    """How one private attribute is treated.

    Parameters
    ----------
    vrs
        The VRs that it may have, the usual one first; empty where no table says.
    vm
        As the standard writes it (`1`, `3-4`, `1-n`); empty where nobody says.
    source
        `standard` (PS3.15 Table E.3.10-1), `tcia` or `profile`.
    name
        As the standard has it, else empty.
    """

    action: PrivateAction
    vrs: tuple[str, ...]
    vm: str
    source: str
    name: str


@lru_cache(maxsize=1)
def safe_attributes() -> Mapping[PrivateKey, PrivateAttribute]:
    """Return every attribute of the table, those too whose values cannot be judged and so go."""
    return MappingProxyType(dict(_rows()))


def kept_attributes(profile: Profile) -> Mapping[PrivateKey, PrivateAttribute]:
    """Return the private attributes that a profile keeps: the safe ones, and those that it names itself."""
    safe = safe_attributes()
    kept = dict(safe) if profile.private_tags.keep_safe else {}
    for tag in profile.private_tags.extra:
        key = PrivateKey(int(tag.group, 16), tag.creator, int(tag.element, 16))
        known = safe.get(key)
        kept[key] = known if tag.vr is None and known is not None else _of_profile(tag)
    return MappingProxyType(kept)


def _of_profile(tag: PrivateTag) -> PrivateAttribute:
    action = PrivateAction.AS_SENT if tag.vr is None else ACTION_OF_VR[tag.vr]
    return PrivateAttribute(action=action, vrs=(tag.vr,) if tag.vr else (), vm="", source="profile", name="")


def _rows() -> Iterator[tuple[PrivateKey, PrivateAttribute]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            yield (
                PrivateKey(int(row["group"], 16), row["creator"], int(row["element"], 16)),
                PrivateAttribute(
                    action=PrivateAction(row["action"]),
                    vrs=tuple(row["vr"].split("/")) if row["vr"] else (),
                    vm=row["vm"],
                    source=row["source"],
                    name=row["name"],
                ),
            )
