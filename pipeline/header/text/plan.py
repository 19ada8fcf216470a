"""What happens to each piece of a text, whoever the patient is: computed once for a text and remembered.

Rule of the file: the first rule that claims a piece of the text decides; what no pattern claims is judged word by word.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pipeline.header.folding import fold, was_decoded
from pipeline.header.text import patterns
from pipeline.header.text.cutting import DECIMAL, RUN
from pipeline.header.text.judging import judge_run
from pipeline.header.text.people import settled, spelled, titled
from pipeline.header.text.pieces import Piece
from pipeline.header.text.written_dates import complete_dates, partial_dates

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_REMEMBERED = 512
"""Characters; longer texts are reports, which do not repeat from object to object."""
_ILLEGIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mc", "Me", "Mn", "Zl", "Zp"})
_BLANKS = frozenset("\r\n\t\f")
_NAME_KINDS = frozenset({"name", "address"})

_Claim: TypeAlias = tuple[int, int, Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The pieces of a text, in order and without gaps.

    Parameters
    ----------
    pieces
        Of the text in NFC.
    stays
        Whether all of it stays as it is.
    parts
        Folded words that are parts of longer runs: the identifiers' own search sees whole runs only.
    """

    pieces: tuple[Piece, ...] = field(repr=False)
    stays: bool
    parts: frozenset[str] = field(repr=False)


def plan(text: str) -> Plan:
    """Return what happens to the pieces of a text in NFC, remembered where texts like it repeat."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _planned(text)


@lru_cache(maxsize=16384)
def _remembered(text: str) -> Plan:
    return _planned(text)


def _planned(text: str) -> Plan:
    if not was_decoded(text.rstrip(" \0")):
        return Plan(
            pieces=(Piece(start=0, end=len(text), rule="pattern:control", stays=False),), stays=False, parts=frozenset()
        )
    pieces = settled(text, titled(text, spelled(text, _cut(text))))
    parts = frozenset(
        fold(text[piece.start : piece.end])
        for piece in pieces
        if piece.is_word
        and (text[piece.start - 1 : piece.start].isalnum() or text[piece.end : piece.end + 1].isalnum())
    )
    return Plan(pieces=pieces, stays=all(is_untouched(piece) for piece in pieces), parts=parts)


def is_untouched(piece: Piece) -> bool:
    """Tell whether a piece stays as it is."""
    return piece.stays and piece.date is None and piece.replacement is None


def _cut(text: str) -> list[Piece]:
    """Cut a text into what patterns claim, runs of letters and digits, and separators."""
    pieces: list[Piece] = []
    position = 0
    for start, end, piece in _claims(text):
        pieces += _judged(text, position, start)
        pieces.append(piece)
        position = end
    return pieces + _judged(text, position, len(text))


def _claims(text: str) -> list[_Claim]:
    """Return what patterns claim, in order; of two that overlap the surer one stays, grown to hold both."""
    taken: list[_Claim] = []
    for start, end, piece in _all_claims(text):
        overlapping = [claim for claim in taken if start < claim[1] and claim[0] < end]
        if not overlapping:
            taken.append((start, end, piece))
        elif (
            any(claim[2].date is None and claim[2].replacement is None for claim in overlapping) and piece.date is None
        ):
            first, last = min(start, *(c[0] for c in overlapping)), max(end, *(c[1] for c in overlapping))
            taken = [claim for claim in taken if claim not in overlapping]
            taken.append(
                (
                    first,
                    last,
                    replace(overlapping[0][2], start=first, end=last, date=None, replacement=None, stays=False),
                )
            )
    return sorted(taken, key=lambda claim: claim[0])


def _all_claims(text: str) -> Iterator[_Claim]:
    for start, end, kind in patterns.identifying(text):
        is_name = kind in _NAME_KINDS
        yield start, end, Piece(start=start, end=end, rule=f"pattern:{kind}", stays=False, is_word=is_name)
    if not any(map(str.isdigit, text)):
        return
    for start, end, date in complete_dates(text):
        rule = "date" if date is not None else "pattern:date"
        yield start, end, Piece(start=start, end=end, rule=rule, stays=date is not None, date=date)
    for start, end in partial_dates(text):
        yield start, end, Piece(start=start, end=end, rule="pattern:date", stays=False)
    for start, end in patterns.old_ages(text):
        yield start, end, Piece(start=start, end=end, rule="age over 89", stays=True, replacement="90+")
    for start, end in patterns.grouped_numbers(text):
        yield start, end, Piece(start=start, end=end, rule="pattern:number", stays=False)
    for start, end in patterns.times(text):
        yield start, end, Piece(start=start, end=end, rule="pattern:time", stays=False)


def _judged(text: str, start: int, end: int) -> list[Piece]:
    """Judge a part of a text that no pattern claims."""
    pieces: list[Piece] = []
    runs = [(match.start(), match.end()) for match in RUN.finditer(text, start, end)]
    words = [fold(text[first:last]) for first, last in runs]
    position = start
    for index, (first, last) in enumerate(runs):
        if first < position:
            continue  # the second half of a decimal fraction
        pieces += _separators(text, position, first)
        fraction = DECIMAL.match(text, first, end)
        if fraction is not None and not text[fraction.end() : fraction.end() + 1].isalnum():
            pieces.append(Piece(start=first, end=fraction.end(), rule="number", stays=True))
            position = fraction.end()
            continue
        before = words[index - 1] if index else ""
        after = words[index + 1] if index + 1 < len(words) else ""
        pieces += judge_run(text[first:last], first, before=before, after=after)
        position = last
    return pieces + _separators(text, position, end)


def _separators(text: str, start: int, end: int) -> list[Piece]:
    """Return what stands between words; marks and controls that nobody can read go."""
    if start == end:
        return []
    if all(sign in _BLANKS or unicodedata.category(sign) not in _ILLEGIBLE for sign in text[start:end]):
        return [Piece(start=start, end=end, rule="separator", stays=True)]
    return [
        Piece(start=index, end=index + 1, rule="separator" if is_legible else "pattern:control", stays=is_legible)
        for index in range(start, end)
        for is_legible in [text[index] in _BLANKS or unicodedata.category(text[index]) not in _ILLEGIBLE]
    ]
