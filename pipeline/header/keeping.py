"""Whether one value that an action keeps may really stay.

Rule of the file: a value that is not what its VR says, that could not be decoded whole, or that holds an identifier
does not stay; None says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.header.dates import publishable_age
from pipeline.header.identifiers import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.header.identifiers import Identifiers

_CODE_STRING = re.compile(r"[A-Za-z0-9_ .,:;/()+*&#<>=%'-]{0,16}", re.ASCII)
"""Wider than PS3.5 (capitals, digits, blank, underscore), as devices write it; longer values are prose."""
_TEMPORAL = re.compile(r"[0-9.:+ -]{0,54}", re.ASCII)
_NOT_DECODED = re.compile("[\x1b\ufffd]")
"""An escape sequence or a replacement character: part of the text was not understood, and so not compared."""


def publishable(vr: str, value: Any, identifiers: Identifiers) -> Any:
    """Return a value, mended where an age is over 89; None where it must not stay.

    Parameters
    ----------
    vr
        Any but SQ and UN.
    value
        One decoded value of the element.
    """
    check = _CHECKS.get(vr)
    return value if check is None else check(value, identifiers)


def _age(value: Any, _identifiers: Identifiers) -> str | None:
    return publishable_age(str(value))


def _code_string(value: Any, identifiers: Identifiers) -> str | None:
    text = str(value)
    return text if _CODE_STRING.fullmatch(text.strip()) and not identifiers.in_text(text) else None


def _temporal(value: Any, _identifiers: Identifiers) -> str | None:
    text = str(value)
    return text if _TEMPORAL.fullmatch(text) else None


def _text(value: Any, identifiers: Identifiers) -> str | None:
    text = str(value)
    return None if _NOT_DECODED.search(text) or identifiers.in_text(text) else text


def _number(value: Any, identifiers: Identifiers) -> Any:
    return None if identifiers.in_number(number_text(value)) else value


def _opaque(value: Any, identifiers: Identifiers) -> Any:
    return None if isinstance(value, bytes) and identifiers.in_bytes(value) else value


_CHECKS: dict[str, Callable[[Any, Identifiers], Any]] = {
    "AS": _age,
    "CS": _code_string,
    **dict.fromkeys(("DA", "DT", "TM"), _temporal),
    **dict.fromkeys(("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"), _text),
    **dict.fromkeys(("DS", "IS"), _number),
    **dict.fromkeys(("OB", "OW"), _opaque),
}
