"""What happens to each piece of a text, whoever the patient is: computed once for a text and remembered.

Rule of the file: the first rule that claims a piece of the text decides; what no pattern claims is judged word by word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from pipeline.header.folding import fold
from pipeline.header.text import patterns
from pipeline.header.text.cutting import DECIMAL, RUN
from pipeline.header.text.judging import is_side, judge_run
from pipeline.header.text.pieces import Piece
from pipeline.header.text.written_dates import complete_dates, partial_dates

LONGEST_REMEMBERED = 512
"""Characters; longer texts are reports, which do not repeat from object to object."""
_TITLES = frozenset(
    """prof professor mrs miss herr herrn frau mme mlle monsieur madame mademoiselle dott dottssa signor signora senor
    senora sra dra doctor doktor docteur dottore dhr mevr mevrouw meneer dipl""".split()
)
_CASED_TITLES = frozenset({"Dr", "dr", "Mr", "Ms", "Sr", "Sig", "Hr"})
"""In capitals these are modalities and the like: DR CHEST, MR HEAD, SR."""
_POINTED_TITLES = frozenset({"DR", "MR", "MS"})
_AFTER_TITLE = frozenset("med dent rer nat phil univ dipl ing habil hc h c dr prof vet".split())
_DEGREES = frozenset({"MD", "DO", "PhD", "FRCR", "RDMS", "RDCS", "RVT", "RN"})
_NAME_JOINTS = frozenset({"", ",", "-", "'", "’", "_", "&", "´", "`"})  # noqa: RUF001  as typed
_DIRECT_JOINTS = frozenset({"-", "'", "’", "´", "`", "#"})  # noqa: RUF001  same
_LONGEST_CHAIN = 4
"""Words beside each other that go with one removed word: Maria van der Grace."""
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
    """

    pieces: tuple[Piece, ...] = field(repr=False)
    stays: bool


def plan(text: str) -> Plan:
    """Return what happens to the pieces of a text in NFC, remembered where texts like it repeat."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _planned(text)


@lru_cache(maxsize=16384)
def _remembered(text: str) -> Plan:
    return _planned(text)


def _planned(text: str) -> Plan:
    pieces = settled(text, _titled(text, _cut(text)))
    return Plan(pieces=pieces, stays=all(is_untouched(piece) for piece in pieces))


def is_untouched(piece: Piece) -> bool:
    """Tell whether a piece stays as it is."""
    return piece.stays and piece.date is None and piece.replacement is None


def settled(text: str, pieces: list[Piece]) -> tuple[Piece, ...]:
    """Return the pieces with those gone that stand beside a removed name."""
    for _ in range(_LONGEST_CHAIN):
        changed = [index for index, piece in enumerate(pieces) if piece.stays and _goes_along(text, pieces, index)]
        if not changed:
            break
        for index in changed:
            pieces[index] = replace(pieces[index], stays=False, rule="beside a name")
    return tuple(pieces)


def _goes_along(text: str, pieces: list[Piece], index: int) -> bool:
    """Tell whether a word goes because the one beside it did."""
    piece = pieces[index]
    if not piece.is_word:
        return False
    before = _neighbour(text, pieces, index, -1)
    after = _neighbour(text, pieces, index, 1)
    for side, joint in (before, after):
        if side is None or side.stays or not (side.is_word or side.rule == "pattern:number"):
            continue
        if joint in _DIRECT_JOINTS and (side.is_word or piece.is_weak):
            return True
        if (
            piece.is_weak
            and side.is_word
            and (joint in _NAME_JOINTS or (joint == "." and piece.end - piece.start == 1))
        ):
            is_kept_side = is_side(fold(text[piece.start : piece.end])) and before[0] is not None and before[0].stays
            if not (is_kept_side and joint != "."):
                return True
    return False


def _neighbour(text: str, pieces: list[Piece], index: int, step: int) -> tuple[Piece | None, str]:
    """Return the next piece that is no separator, and the signs in between without blanks."""
    joint = ""
    index += step
    while 0 <= index < len(pieces):
        piece = pieces[index]
        if not piece.is_separator:
            return piece, joint
        sign = text[piece.start : piece.end]
        joint += "\n" if "\n" in sign or "\r" in sign else sign.strip()
        index += step
    return None, joint


def _titled(text: str, pieces: list[Piece]) -> list[Piece]:
    """Take out titles and the word after each, known or not."""
    for index, piece in enumerate(pieces):
        if not piece.is_word:
            continue
        word = text[piece.start : piece.end]
        if _is_title(text, word, piece.end):
            _take_after(text, pieces, index)
        elif word in _DEGREES and text[: piece.start].rstrip().endswith(","):
            before, _ = _neighbour(text, pieces, index, -1)
            pieces[index] = replace(piece, stays=False, rule="title")
            if before is not None and before.is_word:
                pieces[pieces.index(before)] = replace(before, stays=False, rule="title")
    return pieces


def _is_title(text: str, word: str, end: int) -> bool:
    if fold(word) in _TITLES or word in _CASED_TITLES:
        return True
    return word in _POINTED_TITLES and text[end : end + 1] == "."


def _take_after(text: str, pieces: list[Piece], title: int) -> None:
    pieces[title] = replace(pieces[title], stays=False, rule="title")
    for index in range(title + 1, len(pieces)):
        piece = pieces[index]
        sign = text[piece.start : piece.end]
        if piece.is_separator:
            if sign.strip(" .,") or "\n" in sign:
                return
            pieces[index] = replace(piece, stays=False)
            continue
        pieces[index] = replace(piece, stays=False, rule="title")
        folded = fold(sign)
        if not (folded in _AFTER_TITLE or len(folded) == 1 or (piece.is_weak and len(folded) <= 3)):  # noqa: PLR2004  von, der
            return


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
