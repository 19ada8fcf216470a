"""Put together what stays of a text, so that it reads well: one separator where a word is gone, no empty brackets.

Rule of the file: only what stands beside something removed is tidied.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.header.text.pieces import Piece

_RANKS = ("\n", ".", ";", ":", ",", "|", "/", "_", "-", "+", "&")
"""Of the separators around a removed word the strongest stays."""
_OPENING, _CLOSING = "([{<«„“", ")]}>»”"
_PAIRS = dict(zip(_CLOSING[:5], _OPENING[:5], strict=True))
_DANGLING = " \t\r\n\f,;:_-/|+&=^'\u2019\"#*~\\"
_EMPTY_PAIR = re.compile(r"\s*(?:\(\s*\)|\[\s*\]|\{\s*\}|<\s*>)")


def render(text: str, pieces: Iterable[Piece], written: Mapping[int, str | None]) -> str:
    """Return what stays of a text.

    Parameters
    ----------
    pieces
        All of the text's.
    written
        What stands instead of the pieces that begin at these offsets; None for nothing.
    """
    result: list[str] = []
    between: list[str] = []
    is_gap = has_gap = False
    for piece in pieces:
        part = written.get(piece.start, text[piece.start : piece.end]) if piece.stays else None
        if part is None:
            is_gap = has_gap = True
            between.append("\0")
        elif piece.is_separator:
            between.append(part)
        else:
            result.append(_joined(between, is_first=not result) if is_gap else "".join(between))
            result.append(part)
            between, is_gap = [], False
    result.append(_ending(between) if is_gap else "".join(between))
    whole = "".join(result)
    return _balanced(whole, text) if has_gap else whole


def _joined(between: list[str], *, is_first: bool) -> str:
    """Return the separator that stands where something is gone."""
    brackets = _brackets(between)
    closing = "".join(sign for sign in brackets if sign in _CLOSING)
    opening = "".join(sign for sign in brackets if sign in _OPENING)
    if is_first:
        return opening
    separators = [re.sub(f"[{re.escape(_OPENING + _CLOSING)}]", "", part) for part in between if part != "\0"]
    for sign in _RANKS:
        for separator in separators:
            if sign in separator:
                return f"{closing}{_one(separator, sign)}{opening}"
    return f"{closing} {opening}"


def _one(separator: str, sign: str) -> str:
    """Return a separator with its blanks, but with one sign."""
    if sign == "\n":
        return "\r\n" if "\r\n" in separator else "\n"
    before = " " if separator[:1].isspace() and sign not in ".;:," else ""
    after = " " if separator[-1:].isspace() or sign in ".;:," else ""
    return f"{before}{sign}{after}"


def _ending(between: list[str]) -> str:
    """Return what stays after the last word when something after it is gone."""
    closing = "".join(sign for sign in _brackets(between) if sign in _CLOSING)
    ends = between[0].lstrip()[:1] == "." or between[-1].strip() == "."
    return f"{closing}." if ends else closing


def _brackets(between: list[str]) -> list[str]:
    """Return the brackets in separators, without the pairs that hold nothing any more."""
    found: list[str] = []
    for sign in "".join(between):
        if sign in _PAIRS and found and found[-1] == _PAIRS[sign]:
            found.pop()
        elif sign in _OPENING or sign in _CLOSING:
            found.append(sign)
    return found


def _balanced(result: str, original: str) -> str:
    """Return a text without brackets that lost their partners or all they held, and without dangling ends."""
    while _EMPTY_PAIR.search(result):
        result = _EMPTY_PAIR.sub("", result)
    if not _unmatched(original):
        for index in sorted(_unmatched(result), reverse=True):
            result = result[:index] + result[index + 1 :]
    trimmed = result.strip(_DANGLING)
    return trimmed if any(map(str.isalnum, trimmed)) else ""


def _unmatched(text: str) -> list[int]:
    """Return where brackets without partners stand."""
    open_ones: list[int] = []
    alone: list[int] = []
    for index, sign in enumerate(text):
        if sign in "([{":
            open_ones.append(index)
        elif sign in ")]}":
            if open_ones and text[open_ones[-1]] == _PAIRS[sign]:
                open_ones.pop()
            else:
                alone.append(index)
    return alone + open_ones
