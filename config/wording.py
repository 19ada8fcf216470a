"""pydantic's errors in the words of somebody who edits a file: what is wrong, and what to write instead.

Rule of the file: wording only; what is wrong was decided by the models.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from config.settings import keys_at

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from config.problems import Place
    from config.section import Section

UNKNOWN_VALUE_TYPES = frozenset({"literal_error", "enum"})
"""Error types that mean: no version knows this value."""

_BY_TYPE = {
    "tuple_type": "write a list such as [a, b]",
    "dict_type": "write `name: value` lines below it",
    "model_type": "write its settings below it, or remove it",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "int_type": "write a whole number",
    "float_type": "write a number",
    "bool_type": "write true or false",
    "greater_than_equal": "write at least {ge}",
    "less_than_equal": "write at most {le}",
    "too_long": "write at most {max_length} entries",
    "string_too_long": "write at most {max_length} characters",
}
_REPAIRABLE = frozenset({"string_type", "int_type", "float_type", "bool_type"})


def place_of(error: ErrorDetails) -> Place:
    """Return where the error stands in the file."""
    return tuple(step for step in error["loc"] if step != "[key]")


def dotted(place: Place) -> str:
    """Write a place as a person would: `rules[0].profile`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def message(error: ErrorDetails, model: type[Section]) -> str:
    """Return what is wrong and what to write instead."""
    place = place_of(error)
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(place, model)
    if kind == "missing":
        return _missing(place)
    where = f"{dotted(place)}: " if place else ""
    if kind == "value_error":
        return where + str(error["ctx"]["error"])
    if kind in UNKNOWN_VALUE_TYPES:
        return where + _unknown_value(error["input"], error["ctx"]["expected"])
    return where + _wrong_type(kind, error)


def did_you_mean(written: str, known: tuple[str, ...]) -> str:
    """Return `; did you mean …?` for the nearest known word, else nothing."""
    near = difflib.get_close_matches(written.casefold(), known, n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


def _unknown_key(place: Place, model: type[Section]) -> str:
    known = keys_at(model, place[:-1])
    guess = did_you_mean(str(place[-1]), known) or f"; known here: {', '.join(known)}"
    return f"unknown key `{dotted(place)}`{guess}"


def _missing(place: Place) -> str:
    if isinstance(place[-1], int):
        return f"{dotted(place[:-1])}: an entry is missing"
    above = f" in `{dotted(place[:-1])}`" if len(place) > 1 else ""
    return f"`{place[-1]}` is missing{above}; add `{place[-1]}: ...`"


def _unknown_value(written: Any, expected: str) -> str:
    known = tuple(word.strip(" '") for word in expected.replace(" or ", ", ").split(","))
    shown = f"`{written}`" if isinstance(written, str | int | float) else "this"
    return f"{shown} is not known here{did_you_mean(str(written), known)}; write {' or '.join(known)}"


def _wrong_type(kind: str, error: ErrorDetails) -> str:
    written = error["input"]
    if written is None and kind in _REPAIRABLE:
        return "its value is missing"
    if kind == "string_type":
        simple = isinstance(written, bool | int | float)
        return f"write text; put it in quotes: '{str(written).lower()}'" if simple else "write text"
    wanted = _BY_TYPE.get(kind, error["msg"])
    wanted = wanted.format(**error.get("ctx", {})) if kind in _BY_TYPE else wanted
    return f"{wanted}, not `{written}`" if isinstance(written, str | int | float) else wanted
