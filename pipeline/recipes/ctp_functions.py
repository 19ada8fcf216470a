"""The little language in which a CTP anonymizer script says what a value becomes: text, and functions `@name(…)`.

Rule of the file: what is not understood whole is `UNKNOWN`, never half of it. Source: RSNA MIRC wiki, "The CTP DICOM
Anonymizer".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.recipes.wishes import Intent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CALL = re.compile(r"@\s*(\w+)\s*\(")
_SIMPLE = {
    "keep": Intent.KEEP,
    "remove": Intent.REMOVE,
    "empty": Intent.EMPTY,
    "blank": Intent.EMPTY,
    "process": Intent.INSIDE,
    "hash": Intent.PSEUDONYM,
    "hashname": Intent.PSEUDONYM,
    "hashptid": Intent.PSEUDONYM,
    "integer": Intent.PSEUDONYM,
    "hashuid": Intent.MAP_UID,
    "incrementdate": Intent.SHIFT,
    "hashdate": Intent.SHIFT,
}
_OWN_PLACE = {"hash": 0, "hashname": 0, "hashptid": 1, "integer": 0, "hashuid": 1, "incrementdate": 0, "hashdate": 0}
"""Which argument names the element that the new value is made from."""
_UNKNOWN = {
    "if": ("depends on another value", "split the rule between profiles: a rule of gateway.yaml chooses by `when:`"),
    "lookup": (
        "a table of the site",
        "for the patient ID: `patient_id: {method: table, file: ids.csv}`; for another attribute: none",
    ),
    "encrypt": ("a value that can be decrypted", "use the crosswalk, which is encrypted and audited"),
    "call": ("a program of the site", "none"),
    "modifydate": ("dates are moved by whole days, never cut", "the option retain_longitudinal_modified_dates"),
    "round": ("values are not rounded", "replace, empty or remove it by a rule"),
    "date": ("the day of the run would tell when it was", "write a text with `action: replace`"),
    "time": ("the time of the run would tell when it was", "write a text with `action: replace`"),
    "dateinterval": ("a table of the site", "the option retain_longitudinal_modified_dates"),
    "quarantine": ("depends on another value", "a rule of gateway.yaml with `action: hold`"),
    "skip": ("passes an object on as it is, which is never done", "none"),
}
_COPIED = (
    "made from another attribute or a part of this one",
    "write a text with `action: replace`, or a rule `clean`",
)
_NO_MORE = ("a mixture of text and functions", "write one text with `action: replace`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a value script says.

    Parameters
    ----------
    value
        As `Wish.value`.
    why, instead
        As `Wish.why`, for `UNKNOWN`.
    creates
        The element is made where it is absent.
    """

    intent: Intent
    value: str = ""
    why: str = ""
    instead: str = ""
    creates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Text, or a function with its arguments and the `{…}` clauses behind it."""

    name: str
    text: str
    clauses: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        return [part.strip().strip('"') for part in self.text.split(",")]


def meaning(script: str, name: str, parameters: Mapping[str, str]) -> Meaning:
    """Return what a value script says.

    Parameters
    ----------
    name
        How the script calls the element that the value is for.
    parameters
        The script's `<p>` elements.
    """
    pieces = [_with_parameter(piece, parameters) for piece in _pieces(script.strip())]
    creates = any(piece.name == "always" for piece in pieces)
    pieces = [piece for piece in pieces if piece.name != "always"]
    found = _meaning(pieces, name, parameters)
    return Meaning(
        intent=found.intent,
        value=found.value,
        why=found.why,
        instead=found.instead,
        creates=creates or any(piece.name == "require" for piece in pieces),
    )


def _meaning(pieces: list[_Piece], name: str, parameters: Mapping[str, str]) -> Meaning:
    if not pieces:
        return Meaning(intent=Intent.REMOVE)
    if all(not piece.name for piece in pieces):
        text = "".join(piece.text for piece in pieces)
        return Meaning(intent=Intent.REPLACE, value=text) if text.strip() else Meaning(intent=Intent.EMPTY)
    *before, last = pieces
    is_code = _SIMPLE.get(last.name) is Intent.PSEUDONYM and _is_own(last.arguments, _OWN_PLACE[last.name], name)
    if is_code and all(not piece.name for piece in before):
        return Meaning(intent=Intent.PSEUDONYM, value="".join(piece.text for piece in before))
    return (
        Meaning(intent=Intent.UNKNOWN, why=_NO_MORE[0], instead=_NO_MORE[1])
        if before
        else _call(last, name, parameters)
    )


def _call(piece: _Piece, name: str, parameters: Mapping[str, str]) -> Meaning:
    if piece.name == "require" and not piece.text.strip():
        return Meaning(intent=Intent.KEEP)
    if piece.name == "select" and len(set(piece.clauses)) == 1:
        return meaning(piece.clauses[0], name, parameters)
    intent = _SIMPLE.get(piece.name)
    place = _OWN_PLACE.get(piece.name)
    if intent is not None and (place is None or _is_own(piece.arguments, place, name)):
        return Meaning(intent=intent)
    why, instead = _UNKNOWN.get(piece.name, _COPIED)
    return Meaning(intent=Intent.UNKNOWN, why=why, instead=instead)


def _is_own(arguments: list[str], place: int, name: str) -> bool:
    return place < len(arguments) and arguments[place].lower() in {"this", name.lower()}


def _with_parameter(piece: _Piece, parameters: Mapping[str, str]) -> _Piece:
    """Turn `@param(@NAME)` into the text that it stands for."""
    value = parameters.get(piece.text.strip().removeprefix("@")) if piece.name == "param" else None
    return piece if value is None else _Piece(name="", text=value, clauses=())


def _pieces(script: str) -> Iterator[_Piece]:
    at = 0
    while at < len(script):
        call = _CALL.match(script, at)
        if call is None:
            following = _CALL.search(script, at)
            end = len(script) if following is None else following.start()
            yield _Piece(name="", text=script[at:end].replace("\\", ""), clauses=())
            at = end
            continue
        inside, at = _enclosed(script, call.end() - 1, "()")
        clauses = []
        while at < len(script) and script[at] == "{":
            clause, at = _enclosed(script, at, "{}")
            clauses.append(clause)
        yield _Piece(name=call[1].lower(), text=inside, clauses=tuple(clauses))


def _enclosed(script: str, start: int, pair: str) -> tuple[str, int]:
    """Return what stands between two brackets, and where the script goes on; a backslash guards a character."""
    depth, at = 0, start
    while at < len(script):
        if script[at] == "\\":
            at += 1
        elif script[at] == pair[0]:
            depth += 1
        elif script[at] == pair[1]:
            depth -= 1
            if depth == 0:
                return script[start + 1 : at], at + 1
        at += 1
    return script[start + 1 :], len(script)
