"""Whether one value of a safe private attribute may really stay, and in which form.

Rule of the file: that an attribute is known to be safe says what its maker meant by it, not what stands in this
object. Its value is judged like that of a public attribute, and more strictly where it could be anything; one doubt
about one of several values, and the element goes, for no private attribute is required.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

from pipeline.header.dates import shift
from pipeline.header.identifiers import SHORTEST_IN_BYTES, SHORTEST_NUMBER, number_text, parts_of
from pipeline.header.keeping import publishable
from pipeline.header.private.reading import WORDS, numpy_type
from pipeline.header.private.safe import ACTION_OF_VR, NUMBER_VRS, PrivateAction
from pipeline.header.table import Dates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.header.context import ScrubContext

_DEFINED_TERM = re.compile(r"[A-Z0-9_ ]{0,16}", re.ASCII)
"""PS3.5 6.2, CS; what devices write beside it in public attributes is not taken from private ones."""
_MAKERS_TERMS = frozenset({"AP", "BVEC", "FH", "RL"})
"""Directions as makers abbreviate them: no words, so that the cleaner may not know them."""
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){1,63}", re.ASCII)
_LONGEST = {"LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "UI": 64}
_DATE_AS_NUMBER = re.compile(r"((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])", re.ASCII)
_READABLE = re.compile(rb"[\x20-\x7e]{6,}[\0 ]*")
_LETTERS = re.compile(rb"[A-Za-z]")
_FEWEST_LETTERS = 4
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffd]")
"""Bytes that were decoded as a text and are none: another encoding, such as UTF-16, hides every word."""
_BETWEEN = bytes(8)
"""Of no identifier a part, and longer than what it could join."""
_VM = re.compile(r"(\d+)(?:-(\d+|n))?", re.ASCII)


def judged(element: DataElement, vm: str, context: ScrubContext) -> DataElement | None:
    """Return an element, newly made, with what may stay of its value; None where it goes.

    Parameters
    ----------
    element
        As `read` returns it; no sequence.
    vm
        As the table writes it, or empty.
    """
    action = ACTION_OF_VR.get(str(element.VR))
    parts = list(parts_of(element.value))
    if action not in _JUDGES or not parts:
        return None
    if str(element.VR) in WORDS and not _has_multiplicity(len(parts), vm):
        return None  # more numbers than the attribute has: it may be a text
    kept = _JUDGES[action](str(element.VR), parts, context)
    if kept is None or not any(str(part).strip(" \0") for part in kept):
        return None
    value = kept[0] if len(kept) == 1 else MultiValue(_as_it_is, kept)
    return DataElement(element.tag, element.VR, value, already_converted=True)


def without_spelled(elements: list[DataElement], context: ScrubContext) -> list[DataElement]:
    """Return the elements of a data set but for numbers that, as bytes, are an identifier.

    All are looked at in one go, since a search costs its preparation and next to nothing for a few bytes more; only
    where something is found, one after the other.
    """
    finds = context.identifiers.in_bytes
    written = [
        (
            element,
            [raw for raw in _as_bytes(str(element.VR), list(parts_of(element.value))) if len(raw) >= SHORTEST_IN_BYTES],
        )
        for element in elements
    ]
    if not finds(_BETWEEN.join(raw for _, raws in written for raw in raws)):
        return elements
    return [element for element, raws in written if not any(map(finds, raws))]


def _has_multiplicity(count: int, vm: str) -> bool:
    match = _VM.fullmatch(vm)
    if match is None:
        return True
    most = match[2] or match[1]
    return int(match[1]) <= count and (most == "n" or count <= int(most))


def _numbers(vr: str, parts: list[Any], context: ScrubContext) -> list[Any] | None:
    identifiers = context.identifiers
    kept = [publishable(vr, part, identifiers) for part in parts]
    texts = [number_text(part).strip() for part in parts]
    if None in kept or any(len(text) >= SHORTEST_NUMBER and identifiers.in_number(text) for text in texts):
        return None
    if context.rules.dates is not Dates.UNMODIFIED and any(map(_is_date, parts)):
        return None
    return None if any(map(_is_text, _as_bytes(vr, parts))) else kept


def _as_bytes(vr: str, parts: list[Any]) -> Iterator[bytes]:
    """Yield numbers as they will be written, and as they stood where the other end of a number came first."""
    if vr in WORDS:
        numbers = np.asarray(parts, dtype=numpy_type(vr))
        yield numbers.tobytes()
        yield numbers.byteswap().tobytes()
    elif vr in NUMBER_VRS:
        yield "\\".join(number_text(part).strip() for part in parts).encode()


def _is_text(raw: bytes) -> bool:
    return len(_LETTERS.findall(raw)) >= _FEWEST_LETTERS and _READABLE.fullmatch(raw) is not None


def _is_date(part: Any) -> bool:
    """Tell whether a number reads YYYYMMDD: one date that did not move gives away how far the others did."""
    number = float(part)
    match = _DATE_AS_NUMBER.fullmatch(f"{number:.0f}") if number.is_integer() else None
    if match is None:
        return False
    try:
        date(*map(int, match.groups()))
    except ValueError:
        return False
    return True


def _codes(vr: str, parts: list[Any], context: ScrubContext) -> list[Any] | None:
    texts = [str(part).strip() for part in parts]
    cleaned = [text if text in _MAKERS_TERMS else context.cleaner.clean(text) for text in texts]
    if cleaned != texts or not all(map(_DEFINED_TERM.fullmatch, texts)):
        return None
    return texts if all(publishable(vr, text, context.identifiers) is not None for text in texts) else None


def _cleaned(vr: str, parts: list[Any], context: ScrubContext) -> list[Any] | None:
    """Clean texts; `publishable` looks once more at what the cleaning left."""
    texts = [str(part).rstrip(" \0") for part in parts]
    if any(_NOT_TEXT.search(text) for text in texts):
        return None
    cleaned = [context.cleaner.clean(text) for text in texts]
    if any(len(text) > _LONGEST.get(vr, len(text)) for text in cleaned):
        return None
    return cleaned if all(publishable(vr, text, context.identifiers) is not None for text in cleaned) else None


def _uids(_vr: str, parts: list[Any], context: ScrubContext) -> list[Any] | None:
    uids = [str(part) for part in parts]
    if not all(_UID.fullmatch(uid) and len(uid) <= _LONGEST["UI"] for uid in uids):
        return None
    return uids if context.rules.retain_uids else [context.identities.public_uid(uid) for uid in uids]


def _dates(vr: str, parts: list[Any], context: ScrubContext) -> list[Any] | None:
    if context.rules.dates is Dates.REMOVED:
        return None
    days = context.shift_days if context.rules.dates is Dates.MODIFIED else 0
    moved = [shift(vr, str(part), days) for part in parts]
    return None if None in moved else moved


_JUDGES: dict[PrivateAction | None, Callable[[str, list[Any], ScrubContext], list[Any] | None]] = {
    PrivateAction.NUMBER: _numbers,
    PrivateAction.CODE: _codes,
    PrivateAction.CLEAN: _cleaned,
    PrivateAction.UID: _uids,
    PrivateAction.DATE: _dates,
}


def _as_it_is(value: Any) -> Any:
    return value
