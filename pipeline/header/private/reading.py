"""A private element read as the value that its attribute has, whatever VR it was sent with.

Rule of the file: a VR is given only to bytes that are legal for it, and the bytes stay what they were. UN, implicit VR
and a wrong VR are resolved by the table, never by a guess: where the byte order of a number is unknown, it goes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.datadict import private_dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from pipeline.header.decoding import Undecodable, converted
from pipeline.header.private.safe import NUMBER_VRS, PrivateAction

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from pipeline.header.private.safe import PrivateAttribute

WORDS = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
"""VRs of binary numbers, and the bytes of one."""
_NUMBER_STRINGS = frozenset({"DS", "IS"})
_OPAQUE_VRS = frozenset({"OB", "UN"})
"""What a sender writes who does not know better; the bytes may be anything."""
_TEXT_PARTS = re.compile(rb"[\x20-\x7e\\]*[ \0]?")
_UNDEFINED_LENGTH = 0xFFFFFFFF


def read(source: Dataset, tag: int, attribute: PrivateAttribute, creator: str) -> DataElement | None:
    """Return an element with a VR of its attribute and the value decoded; None where that is not what it holds.

    Parameters
    ----------
    source
        Only read; call inside `silent_decoding`.
    creator
        Of the element's block.
    """
    item = source.get_item(tag)
    if isinstance(item, DataElement) and isinstance(item.value, Sequence):
        return item if "SQ" in (attribute.vrs or ("SQ",)) else None
    charset = source.original_character_set or source._character_set  # noqa: SLF001  as pydicom itself chooses
    if isinstance(item, RawDataElement):
        raw: RawDataElement | None = item
    else:
        raw, charset = _raw_of(item), "utf8"
    if raw is None or not raw.value:
        return None
    vr = _resolved(raw, _expected(raw, tag, attribute, creator))
    if vr is None or (raw.is_implicit_VR and not _readable_again(raw, vr, creator, charset)):
        return None
    return _decoded_as(raw, vr, charset)


def _expected(raw: RawDataElement, tag: int, attribute: PrivateAttribute, creator: str) -> tuple[str, ...]:
    """Return the VRs that an element may have: its attribute's, else as sent, else as in the dictionary."""
    if attribute.vrs:
        return attribute.vrs
    if attribute.action is PrivateAction.NUMBER:
        return (str(raw.VR),) if raw.VR in NUMBER_VRS else ()
    if raw.VR is not None and raw.VR != "UN":
        return (str(raw.VR),)
    usual = _dictionary_vr(tag, creator)
    return () if usual is None else (usual,)


def _resolved(raw: RawDataElement, expected: tuple[str, ...]) -> str | None:
    sent = None if raw.VR is None else str(raw.VR)
    if sent in expected:
        return sent if sent not in _NUMBER_STRINGS or _fits(sent, raw) else None
    if sent in WORDS:
        # US where SS is usual: the sender knows the sign, and the bytes are legal for both.
        sizes = [WORDS[vr] for vr in expected if vr in WORDS]
        return sent if any(len(raw.value or b"") % size == 0 for size in sizes) else None
    return next((vr for vr in expected if _fits(vr, raw)), None)


def _fits(vr: str, raw: RawDataElement) -> bool:
    sent, value = raw.VR, raw.value or b""
    if vr in WORDS:
        says_so = sent is None or sent in _OPAQUE_VRS
        return says_so and bool(raw.is_little_endian) and len(value) % WORDS[vr] == 0
    if vr == "SQ":
        return sent is None or sent in _OPAQUE_VRS
    if sent in {"OW", "SQ"}:
        return False
    return vr not in {*_NUMBER_STRINGS, "CS", "UI", "DA", "DT", "TM"} or _TEXT_PARTS.fullmatch(value) is not None


def _raw_of(item: DataElement) -> RawDataElement | None:
    """Return an element that was decoded before, or made in memory, as it would be sent in little-endian UTF-8."""
    vr, value = str(item.VR), item.value
    parts = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    try:
        if vr in WORDS:
            raw = np.asarray(parts, dtype=numpy_type(vr)).tobytes()
        elif isinstance(value, bytes):
            raw = value
        else:
            raw = "\\".join(str(getattr(part, "original_string", part)) for part in parts).encode("utf-8")
    except (OverflowError, TypeError, ValueError):
        return None
    return RawDataElement(BaseTag(item.tag), vr, len(raw), raw, 0, False, True)


def numpy_type(vr: str) -> str:
    """Return the little-endian type of one number of a VR."""
    kind = "f" if vr in {"FD", "FL"} else "i" if vr in {"SL", "SS", "SV"} else "u"
    return f"<{kind}{WORDS[vr]}"


def _decoded_as(raw: RawDataElement, vr: str, charset: Any) -> DataElement | None:
    """Decode bytes as a VR; a sequence that came as UN is implicit and little-endian inside (PS3.5 6.2.2)."""
    if vr == "SQ" and raw.VR is not None and raw.VR != "SQ":
        raw = raw._replace(is_implicit_VR=True, is_little_endian=True)
    element = converted(raw._replace(VR=vr), charset)
    return None if isinstance(element, Undecodable) or str(element.VR) != vr else element


def _readable_again(raw: RawDataElement, vr: str, creator: str, charset: Any) -> bool:
    """Tell whether readers of implicit VR, who know only the dictionary, can decode the value too.

    Where dictionaries differ from the table, a DS that is taken for an FD ends many a program, our own look at what
    was written included.
    """
    usual = _dictionary_vr(int(raw.tag), creator)
    return usual in {None, "UN", vr} or _decoded_as(raw, str(usual), charset) is not None


def _dictionary_vr(tag: int, creator: str) -> str | None:
    try:
        return str(private_dictionary_VR(tag, creator))
    except KeyError:
        return None
