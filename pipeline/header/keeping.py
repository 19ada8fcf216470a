"""Whether one value that an action keeps may really stay.

Rule of the file: a value that is not what its VR says, that could not be decoded whole, or that holds an identifier
does not stay; None says so. What pydicom hands over is not taken for granted: where a value does not fit its VR it
tries others, so that an IS can be a text.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR

from pipeline.header.dates import is_legal, publishable_age
from pipeline.header.folding import was_decoded
from pipeline.header.identifiers import SHORTEST_IN_BYTES, number_text
from pipeline.header.identity import is_well_known
from pipeline.header.text import known_code_string

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.header.identifiers import Identifiers

_KINDS = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST"), "text"),
    **dict.fromkeys(("TM", "UC", "UI", "UR", "UT"), "text"),
    **dict.fromkeys(("AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"), "number"),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW"), "bytes"),
}
_WORDS = {"FD": "<f8", "FL": "<f4", "SL": "<i4", "SS": "<i2", "SV": "<i8", "UL": "<u4", "US": "<u2", "UV": "<u8"}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_UID = re.compile(r"(?=.{1,64}$)[0-9]+(?:\.[0-9]+)+", re.ASCII)
_WRITTEN = re.compile(rb"[A-Za-z ^]{12,}")
_LONGEST_CLASS_COMPONENT = 7
"""Digits of one component of a class's UID, as makers number theirs; a date has 8, most serial numbers more."""


def publishable(vr: str, value: Any, identifiers: Identifiers, *, may_spell: bool = False) -> Any:
    """Return a value, mended where an age is over 89; None where it must not stay.

    Parameters
    ----------
    vr
        Any but SQ and UN.
    value
        One decoded value of the element.
    may_spell
        Bytes may read as words: whoever asks looks for those.
    """
    check = _CHECKS.get(vr)
    if may_spell and check is _opaque:
        check = _bytes
    return None if check is None else check(value, identifiers)


@lru_cache(maxsize=16384)
def fits_dictionary(tag: int, vr: str, *, is_multiple: bool) -> bool:
    """Tell whether an attribute may have this kind of value: text, numbers or bytes, and numbers of which VM.

    Text sent as US is numbers to every reader that trusts the VR, and a name to everybody else.
    """
    expected = {_KINDS.get(choice, choice) for choice in dictionary_VR(tag).split(" or ")}
    kind = _KINDS.get(vr, vr)
    if kind == "number" and is_multiple and dictionary_VM(tag) == "1":
        return False
    return kind in expected or {kind} | expected == {"number", "bytes"}


def spells_identifier(vr: str, parts: list[Any], identifiers: Identifiers) -> bool:
    """Tell whether numbers, as the bytes that they are written in, are an identifier."""
    if vr == "AT":
        parts, vr = [int(part) >> 16 | (int(part) & 0xFFFF) << 16 for part in parts], "UL"  # the group stands first
    word = _WORDS.get(vr)
    if word is None or len(parts) * np.dtype(word).itemsize < SHORTEST_IN_BYTES:
        return False
    return identifiers.in_bytes(np.asarray(parts, dtype=word).tobytes())


def may_name_class(uid: str, identifiers: Identifiers) -> bool:
    """Tell whether a UID may be that of a class, a syntax or a vocabulary: the standard's own, or one without numbers.

    A number is a component that is the patient's, or as long as a date; or it stands in one row with those of the
    object's own UIDs, under the same parent, where the parent may be the number.
    """
    if is_well_known(uid):
        return True
    return (
        _UID.fullmatch(uid) is not None
        and uid not in identifiers.uids
        and not any(uid.startswith(own.rpartition(".")[0] + ".") for own in identifiers.uids if "." in own)
        and not any(len(part) > _LONGEST_CLASS_COMPONENT or identifiers.in_number(part) for part in uid.split("."))
    )


def spells_words(raw: bytes | bytearray | memoryview) -> bool:
    """Tell whether bytes that should be numbers read as a text of 12 or more letters and blanks.

    Ramps, as lookup tables have them, turn at most once, in bytes or in both halves of their words; names go up and
    down. In random bytes one run in a hundred million is as long.
    """
    return any(not _is_ramp(match[0]) for match in _WRITTEN.finditer(raw))


def _is_ramp(run: bytes) -> bool:
    return _turns(run) <= 1 or max(_turns(run[::2]), _turns(run[1::2])) <= 1


def _turns(run: bytes) -> int:
    steps = [after > before for before, after in itertools.pairwise(run) if after != before]
    return sum(step != following for step, following in itertools.pairwise(steps))


def _age(value: Any, _identifiers: Identifiers) -> str | None:
    return publishable_age(str(value))


def _code_string(value: Any, identifiers: Identifiers) -> str | None:
    text = str(value)
    return text if known_code_string(text) and not identifiers.in_text(text) else None


def _temporal(vr: str) -> Callable[[Any, Identifiers], str | None]:
    def check(value: Any, _identifiers: Identifiers) -> str | None:
        return str(value) if is_legal(vr, str(value)) else None

    return check


def _text(value: Any, identifiers: Identifiers) -> str | None:
    text = str(value)
    return text if was_decoded(text) and not identifiers.in_text(text) else None


def _number_string(value: Any, identifiers: Identifiers) -> Any:
    text = number_text(value)
    return value if _NUMBER.fullmatch(text.strip()) and not identifiers.in_number(text) else None


def _number(value: Any, _identifiers: Identifiers) -> Any:
    return value if isinstance(value, int | float) else None


def _tag(value: Any, _identifiers: Identifiers) -> Any:
    """Keep a pointer to an attribute that exists, or to a private one."""
    return value if isinstance(value, int) and (dictionary_has_tag(value) or value >> 16 & 1) else None


def _uid(value: Any, _identifiers: Identifiers) -> str | None:
    text = str(value)
    return text if _UID.fullmatch(text) else None


def _bytes(value: Any, identifiers: Identifiers) -> Any:
    return value if isinstance(value, bytes) and not identifiers.in_bytes(value) else None


def _opaque(value: Any, identifiers: Identifiers) -> Any:
    kept = _bytes(value, identifiers)
    return None if kept is None or spells_words(kept) else kept


_CHECKS: dict[str, Callable[[Any, Identifiers], Any]] = {
    "AS": _age,
    "CS": _code_string,
    **{vr: _temporal(vr) for vr in ("DA", "DT", "TM")},
    **dict.fromkeys(("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"), _text),
    **dict.fromkeys(("DS", "IS"), _number_string),
    "AT": _tag,
    **dict.fromkeys(("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"), _number),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW"), _opaque),
    "UI": _uid,
}
