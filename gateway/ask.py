"""What a pull asks a PACS for: matching keys at STUDY level, and the identifiers of C-FIND, C-MOVE and C-GET as bytes.

Rule of the file: pure; a value that somebody typed stands in no message. Identifiers are Implicit VR Little Endian,
which every peer accepts (PS3.5 10.1), and are written here because a library that checks values quotes them.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from gateway.negotiation import is_valid_uid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STUDY_UID = 0x0020_000D
SERIES_UID = 0x0020_000E
INSTANCE_UID = 0x0008_0018
CLASS_UID = 0x0008_0016
ACCESSION = 0x0008_0050
RELATED_INSTANCES = 0x0020_1208
_LEVEL = 0x0008_0052
_CHARSET = 0x0008_0005
_UTF_8 = "ISO_IR 192"

_LONGEST_ACCESSION = 16
_NOT_LITERAL = re.compile(r"[*?\\\x00-\x1f\x7f]")
_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")
_NOT_TEXT = frozenset(
    {"AT", "FL", "FD", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SQ", "SS", "SV", "UL", "UN", "US", "UV"}
)
_BELOW_STUDY = frozenset(
    {
        *("Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime"),
        *("BodyPartExamined", "ProtocolName", "StationName", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
    }
)


class AskError(ValueError):
    """What was asked for cannot be asked; the text says why and never what."""


class Kind(StrEnum):
    """How studies are named."""

    STUDY = "study"
    """By Study Instance UID."""
    ACCESSION = "accession"
    """By Accession Number."""
    QUERY = "query"
    """By matching keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question at STUDY level.

    Parameters
    ----------
    keys
        Tags and what must match, in the order of the tags. Patient data: for the PACS and for `--show` only.
    """

    kind: Kind
    keys: tuple[tuple[int, str], ...]

    @property
    def canonical(self) -> str:
        """The question as one text, the same whenever the same is asked; to be hashed with a key, not kept."""
        return "\0".join((self.kind, *(f"{tag:08X}={value}" for tag, value in self.keys)))

    @property
    def shown(self) -> str:
        """The question for the eyes of who asked."""
        return " ".join(f"{keyword_for_tag(tag) or f'{tag:08X}'}={value}" for tag, value in self.keys)


def by_study(uid: str) -> Ask:
    """Ask for one study.

    Raises
    ------
    AskError
        It is no UID.
    """
    if not is_valid_uid(uid):
        raise AskError("not a Study Instance UID")
    return Ask(kind=Kind.STUDY, keys=((STUDY_UID, uid),))


def by_accession(number: str) -> Ask:
    """Ask for the studies of one accession number.

    Raises
    ------
    AskError
        It is empty, longer than 16 characters, or has a wildcard: that would ask for others too.
    """
    if not number or len(number) > _LONGEST_ACCESSION or _NOT_LITERAL.search(number):
        raise AskError("not an accession number: 1 to 16 characters, without * ? and \\")
    return Ask(kind=Kind.ACCESSION, keys=((ACCESSION, number),))


def by_query(written: Sequence[str]) -> Ask:
    """Ask for all studies that match, `Keyword=Value` or `GGGGEEEE=Value` each; ranges and wildcards as in PS3.4 C.2.2.

    Raises
    ------
    AskError
        One cannot be read, is no key of a study, or all of them would match everything.
    """
    keys: dict[int, str] = {}
    for number, one in enumerate(written, start=1):
        name, equals, value = one.partition("=")
        tag = _tag_of(name.strip())
        if not equals or tag is None or not value.strip():
            raise AskError(f"key {number}: write Keyword=Value, such as StudyDate=20240101-20240131")
        if keyword_for_tag(tag) in _BELOW_STUDY:
            raise AskError(f"key {number}: {_hint(keyword_for_tag(tag))}")
        if tag in keys:
            raise AskError(f"key {number}: the same attribute twice")
        keys[tag] = value.strip()
    if all(set(value) <= set("*?-") for value in keys.values()):
        raise AskError("these keys match every study of the PACS")
    return Ask(kind=Kind.QUERY, keys=tuple(sorted(keys.items())))


def _hint(keyword: str) -> str:
    if keyword == "Modality":
        return "Modality is a key of series; write ModalitiesInStudy"
    return f"{keyword} is a key of series or instances; studies are asked for"


def _tag_of(name: str) -> int | None:
    match = _TAG.fullmatch(name)
    tag = int(match[1] + match[2], 16) if match else tag_for_keyword(name)
    if tag is None:
        return None
    try:
        return None if dictionary_VR(tag)[:2] in _NOT_TEXT or tag in (_LEVEL, _CHARSET) else tag
    except KeyError:
        return None


def identifier(level: str, keys: Mapping[int, str]) -> bytes:
    """Return an identifier; an empty value asks for the attribute to be returned.

    Parameters
    ----------
    level
        Query/Retrieve Level: STUDY, SERIES or IMAGE.
    """
    elements = {**keys, _LEVEL: level}
    if not all(value.isascii() for value in elements.values()):
        elements[_CHARSET] = _UTF_8
    return b"".join(_element(tag, elements[tag]) for tag in sorted(elements))


def _element(tag: int, value: str) -> bytes:
    encoded = value.encode()
    if len(encoded) % 2:
        encoded += b"\0" if dictionary_VR(tag) == "UI" else b" "
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(encoded)) + encoded
