"""One private attribute as a steward writes it: `(0019,"SIEMENS MR HEADER",0C)`, with its VR behind it or without.

Rule of the file: the creator is always named. A private tag alone, (0019,100C), is a place that every maker uses for
something else, and the block number in it differs between objects of one maker.
"""

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from config.section import Section

PRIVATE_VRS = (
    "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI",
    "UL", "US", "UT", "UV",
)  # fmt: skip
"""The VRs whose values can be judged."""

_WRITTEN = re.compile(
    r'\(?\s*(?P<group>[0-9A-Fa-f]{4})\s*,\s*(?P<creator>"[^"]*"|[^"(),][^"]*?)\s*,'
    r"\s*(?P<element>[0-9A-Fa-fxX]{2,4})\s*\)?(?:\s+(?P<vr>\S+))?",
    re.ASCII,
)
_CREATOR = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,64}", re.ASCII)
_NO_PRIVATE_GROUPS = frozenset({0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF})
_EXAMPLE = "write group, creator and the last two digits, such as '(0019,\"SIEMENS MR HEADER\",0C)'"


class PrivateTag(Section):
    """A private attribute, whatever block it stands in.

    Parameters
    ----------
    group, element
        Four and two upper-case hexadecimal digits.
    creator
        As the maker writes it, capitals included; blanks around it do not count.
    vr
        None: as sent, else as in the table or the dictionary of private attributes.
    """

    one_value: ClassVar[bool] = True

    group: str
    creator: str
    element: str
    vr: str | None = None


def _private_tag(written: Any) -> Any:
    """Read `(0019,"SIEMENS MR HEADER",0C)` or `(0019,"SIEMENS MR HEADER",0C) IS`."""
    if isinstance(written, PrivateTag):
        return written
    match = _WRITTEN.fullmatch(written.strip()) if isinstance(written, str) else None
    if match is None:
        raise ValueError(f"{written!r} is no private attribute; {_EXAMPLE}")
    group, creator, element = match["group"].upper(), match["creator"].strip('"').strip(), match["element"].upper()
    if int(group, 16) % 2 == 0 or int(group, 16) in _NO_PRIVATE_GROUPS:
        raise ValueError(f"{written}: {group} is no group of private attributes; those are odd, from 0009")
    if not _CREATOR.fullmatch(creator):
        raise ValueError(f"{written}: a creator has 1 to 64 printable ASCII characters and no backslash")
    if not re.fullmatch("[0-9A-F]{2}", element):
        raise ValueError(
            f"{written}: {element} holds the number of a block, which differs between objects; "
            f'write the last two digits: ({group},"{creator}",{element[-2:].replace("X", "0")})'
        )
    if match["vr"] is not None and match["vr"] not in PRIVATE_VRS:
        raise ValueError(
            f"{written}: nobody can judge what a value of VR {match['vr']} holds; write one of {', '.join(PRIVATE_VRS)}"
        )
    return PrivateTag(group=group, creator=creator, element=element, vr=match["vr"])


def _named_once(tags: tuple[PrivateTag, ...]) -> tuple[PrivateTag, ...]:
    keys = [(tag.group, tag.creator, tag.element) for tag in tags]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise ValueError('({},"{}",{}) stands twice in this list; remove one'.format(*key))
    return tags


WrittenPrivateTag = Annotated[PrivateTag, BeforeValidator(_private_tag), WithJsonSchema({"type": "string"})]
NamedOnce = AfterValidator(_named_once)
