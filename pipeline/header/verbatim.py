"""Elements judged as the bytes that they are, without making values of them: where most of a header's time is saved.

Rule of the file: a shorter way to the same answer. Bytes stay only if they are plain ASCII (or little-endian
numbers) of the strict form of their VR and pass every comparison that a decoded value must pass. Whatever is in any
doubt gives None, and then `pipeline.header.elements` decodes and decides.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from pipeline.header.dates import is_legal, shift
from pipeline.header.dummies import dummy
from pipeline.header.identifiers import SHORTEST_IN_BYTES
from pipeline.header.keeping import fits_dictionary, may_name_class, spells_words
from pipeline.header.table import Action
from pipeline.header.text import known_code_string
from pipeline.header.treatments.lookup_tables import TABLE_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydicom.tag import BaseTag

    from pipeline.header.context import ScrubContext

_TEXT = re.compile(rb"[\x20-\x7e]*")
_PROSE = re.compile(rb"[\x20-\x7e\t\n\f\r]*")
_CODE = rb"[A-Z0-9_ ]{1,16}"
_CODE_STRINGS = re.compile(_CODE + rb"(?:\\" + _CODE + rb")*")
_DECIMAL = rb" *[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][+-]?[0-9]{1,3})? *"
_DECIMALS = re.compile(_DECIMAL + rb"(?:\\" + _DECIMAL + rb")*")
_INTEGER = rb" *[+-]?[0-9]{1,9} *"
_INTEGERS = re.compile(_INTEGER + rb"(?:\\" + _INTEGER + rb")*")
_UIDS = re.compile(rb"[0-9.]{1,64}(?:\\[0-9.]{1,64})*\0?")
_AGE = re.compile(rb"(?:0[0-8][0-9]Y|[0-9]{3}[DWM]|089Y)")
_MOMENTS = re.compile(rb"[0-9.:+ -]{1,26}(?:\\[0-9.:+ -]{1,26})*")
_LONGEST_DECIMAL = 16
_SIZES = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
_OPAQUE = ("OB", "OD", "OF", "OL", "OV", "OW")
_SHORT_TEXTS = ("LO", "SH", "UC")
_LONG_TEXTS = frozenset({"LT", "ST", "UT"})
_TEMPORAL = ("DA", "DT", "TM")
_DUMMY_TEXTS = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT")


class _Way(NamedTuple):
    """How one kind of element is judged: the value, in this context, or None for doubt."""

    judge: Callable[[bytes, ScrubContext], bytes | None]
    is_number: bool


def acted_on_bytes(raw: RawDataElement, vr: str, action: Action, context: ScrubContext) -> RawDataElement | None:
    """Return what an action makes of an element, or None where only its decoded value can tell.

    Parameters
    ----------
    raw
        Little endian, not empty, of an attribute that has no treatment or rule of its own.
    vr
        As sent, or by the dictionary.
    """
    way = _WAYS.get((action, vr))
    value = raw.value
    tag = int(raw.tag)
    if way is None or value is None or tag in TABLE_TAGS:
        return None
    is_multiple = way.is_number and len(value) > _SIZES[vr]
    if action is not Action.DUMMY and not fits_dictionary(tag, vr, is_multiple=is_multiple):
        return None
    result = way.judge(value, context)
    if result is None:
        return None
    if result is value and vr == raw.VR:
        return raw
    return RawDataElement(raw.tag, vr, len(result), result, 0, False, True)


@lru_cache(maxsize=4096)
def empty_element(tag: BaseTag, vr: str) -> RawDataElement:
    """Return an element without a value; raw elements are tuples and can be shared."""
    return RawDataElement(tag, vr, 0, b"", 0, False, True)


@lru_cache(maxsize=1024)
def text_element(tag: int, vr: str, text: str) -> RawDataElement:
    """Return an element of a constant ASCII text."""
    value = text.encode("ascii")
    return RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


def dataset_of(*elements: RawDataElement) -> Dataset:
    """Return a new data set of such elements."""
    return Dataset({element.tag: element for element in elements})


def _kept_text(value: bytes, context: ScrubContext) -> bytes | None:
    if not _TEXT.fullmatch(value) or context.identifiers.in_text(value.decode("ascii")):
        return None
    return value


def _kept_code_strings(value: bytes, context: ScrubContext) -> bytes | None:
    if not _CODE_STRINGS.fullmatch(value):
        return None
    text = value.decode("ascii")
    if context.identifiers.in_text(text) or not all(map(known_code_string, text.split("\\"))):
        return None
    return value


def _kept_decimals(value: bytes, context: ScrubContext) -> bytes | None:
    if not _DECIMALS.fullmatch(value):
        return None
    parts = value.decode("ascii").split("\\")
    if any(len(part) > _LONGEST_DECIMAL or context.identifiers.in_number(part) for part in parts):
        return None
    return value


def _kept_integers(value: bytes, context: ScrubContext) -> bytes | None:
    if not _INTEGERS.fullmatch(value):
        return None
    if any(context.identifiers.in_number(part) for part in value.decode("ascii").split("\\")):
        return None
    return value


def _kept_numbers(size: int) -> Callable[[bytes, ScrubContext], bytes | None]:
    def judge(value: bytes, context: ScrubContext) -> bytes | None:
        if len(value) % size or (len(value) >= SHORTEST_IN_BYTES and context.identifiers.in_bytes(value)):
            return None
        return value

    return judge


def _kept_opaque(value: bytes, context: ScrubContext) -> bytes | None:
    return None if context.identifiers.in_bytes(value) or spells_words(value) else value


def _kept_uids(value: bytes, context: ScrubContext) -> bytes | None:
    if not _UIDS.fullmatch(value):
        return None
    uids = value.rstrip(b"\0").decode("ascii").split("\\")
    if context.rules.retain_uids:
        return None if any("." not in uid or uid in context.identifiers.uids for uid in uids) else value
    return value if all(may_name_class(uid, context.identifiers) for uid in uids) else None


def _kept_age(value: bytes, _context: ScrubContext) -> bytes | None:
    return value if _AGE.fullmatch(value) else None


def _kept_moments(vr: str) -> Callable[[bytes, ScrubContext], bytes | None]:
    def judge(value: bytes, _context: ScrubContext) -> bytes | None:
        if not _MOMENTS.fullmatch(value):
            return None
        return value if all(is_legal(vr, part) for part in value.decode("ascii").split("\\")) else None

    return judge


def _mapped_uids(value: bytes, context: ScrubContext) -> bytes | None:
    if not _UIDS.fullmatch(value):
        return None
    uids = value.rstrip(b"\0").decode("ascii").split("\\")
    return "\\".join([context.identities.public_uid(uid) for uid in uids]).encode("ascii")


def _shifted(vr: str) -> Callable[[bytes, ScrubContext], bytes | None]:
    def judge(value: bytes, context: ScrubContext) -> bytes | None:
        if not _MOMENTS.fullmatch(value):
            return None
        parts = [shift(vr, part, context.shift_days) for part in value.decode("ascii").split("\\")]
        return None if None in parts else "\\".join(map(str, parts)).encode("ascii")

    return judge


def _cleaned_short(value: bytes, context: ScrubContext) -> bytes | None:
    if not _TEXT.fullmatch(value):
        return None
    parts = [part.strip(" ") for part in value.decode("ascii").split("\\")]
    return _joined(value, parts, [context.cleaner.clean(part) for part in parts])


def _cleaned_long(value: bytes, context: ScrubContext) -> bytes | None:
    if not _PROSE.fullmatch(value):
        return None
    text = value.decode("ascii").rstrip(" ")
    return _joined(value, [text], [context.cleaner.clean(text)])


def _joined(value: bytes, before: list[str], after: list[str]) -> bytes | None:
    if not any(after):
        return None
    if after == before:
        return value
    joined = "\\".join(after)
    return joined.encode("ascii") if joined.isascii() else None


def _dummied(vr: str) -> Callable[[bytes, ScrubContext], bytes | None]:
    constant = str(dummy(vr)).encode("ascii")

    def judge(value: bytes, _context: ScrubContext) -> bytes | None:
        if not value.isascii() or (b"\\" in value and vr not in _LONG_TEXTS) or not value.strip(b" \0"):
            return None
        return constant

    return judge


_WAYS: Mapping[tuple[Action, str], _Way] = {
    **{(Action.KEEP, vr): _Way(_kept_text, is_number=False) for vr in ("AE", *_SHORT_TEXTS)},
    (Action.KEEP, "CS"): _Way(_kept_code_strings, is_number=False),
    (Action.KEEP, "DS"): _Way(_kept_decimals, is_number=False),
    (Action.KEEP, "IS"): _Way(_kept_integers, is_number=False),
    **{(Action.KEEP, vr): _Way(_kept_numbers(size), is_number=True) for vr, size in _SIZES.items() if vr != "AT"},
    **{(Action.KEEP, vr): _Way(_kept_opaque, is_number=False) for vr in _OPAQUE},
    (Action.KEEP, "UI"): _Way(_kept_uids, is_number=False),
    (Action.KEEP, "AS"): _Way(_kept_age, is_number=False),
    **{(Action.KEEP, vr): _Way(_kept_moments(vr), is_number=False) for vr in _TEMPORAL},
    (Action.UID, "UI"): _Way(_mapped_uids, is_number=False),
    **{(Action.SHIFT, vr): _Way(_shifted(vr), is_number=False) for vr in _TEMPORAL},
    **{(Action.CLEAN, vr): _Way(_cleaned_short, is_number=False) for vr in _SHORT_TEXTS},
    **{(Action.CLEAN, vr): _Way(_cleaned_long, is_number=False) for vr in _LONG_TEXTS},
    (Action.DUMMY, "UI"): _Way(_mapped_uids, is_number=False),
    **{(Action.DUMMY, vr): _Way(_dummied(vr), is_number=False) for vr in _DUMMY_TEXTS},
}
