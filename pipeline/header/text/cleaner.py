"""The cleaner of one patient's texts: the plan that any text gets, and this object's identifiers.

Rule of the file: the result has no identifier in it; where one cannot be placed, nothing of the text stays.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.header.folding import fold, is_unspaced, tokens
from pipeline.header.text.cutting import RUN
from pipeline.header.text.people import settled
from pipeline.header.text.pieces import Decision, Outcome, Piece
from pipeline.header.text.plan import is_untouched, plan
from pipeline.header.text.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.header.identifiers import Identifiers

LONGEST_AT_ONCE = 10240
"""Characters, as many as an LT has; longer texts are cleaned line by line, and of those longer lines go."""
_MOST_ROUNDS = 16
"""Each round only takes away, and most texts need two; one that needs more is taken for hostile and goes."""
_LENGTHS = (16, 64, 1024, 10240)
"""Characters of SH, LO, ST and LT: a moved date with a longer month must not make a legal value too long."""


class TextCleaner:
    """Cleans the free text of one patient.

    Parameters
    ----------
    identifiers
        Of the original.
    shift_days
        By how many days dates in a text move back; None where they go.
    """

    def __init__(self, *, identifiers: Identifiers, shift_days: int | None) -> None:
        self._identifiers = identifiers
        self._words = identifiers.words | identifiers.everyday
        self._shift_days = shift_days

    def clean(self, text: str) -> str:
        """Return what may stay of a text, which may be nothing.

        Cleaning twice is cleaning once, but that dates that move do so each time.
        """
        visible = _visible(text)
        normal = _normal(visible)
        if len(normal) > LONGEST_AT_ONCE:
            return self._clean_by_line(normal)
        if plan(normal).stays and not self._holds_identifier(normal):
            return visible
        return self._cleaned(normal, self._shift_days)

    def is_clean(self, text: str) -> bool:
        """Tell whether a text may stay exactly as it is."""
        normal = _normal(text)
        return len(normal) <= LONGEST_AT_ONCE and plan(normal).stays and not self._holds_identifier(normal)

    def explain(self, text: str) -> tuple[Decision, ...]:
        """Return what happens to each part of a text and by which rule, for the steward's dry run.

        The texts of the decisions are confidential. Separators are left out.
        """
        normal = _normal(_visible(text))
        return tuple(
            Decision(text=normal[piece.start : piece.end], outcome=_outcome(piece), rule=piece.rule)
            for piece in self._judged(normal, keeps_dates=self._shift_days is not None)
            if not piece.is_separator
        )

    def _clean_by_line(self, text: str) -> str:
        lines = [self.clean(line) for line in text.splitlines() if len(line) <= LONGEST_AT_ONCE]
        result = "\n".join(line for line in lines if line)
        return "" if self._identifiers.in_free_text(result) else result

    def _cleaned(self, text: str, shift_days: int | None) -> str:
        for _ in range(_MOST_ROUNDS):
            pieces = self._judged(text, keeps_dates=shift_days is not None)
            stays = {piece.start: piece.replacement for piece in pieces if piece.replacement is not None}
            shorter = render(text, pieces, stays)
            if shorter == text:
                break
            text = shorter
        else:
            return ""
        moved = self._moved(text, pieces, shift_days)
        if moved is None or self._identifiers.in_free_text(moved):
            return "" if shift_days is None else self._cleaned(text, None)
        return moved

    def _moved(self, text: str, pieces: tuple[Piece, ...], shift_days: int | None) -> str | None:
        """Return a text with its dates moved; None where one cannot move or the text grows out of its VR."""
        dates = {piece.start: piece.date for piece in pieces if piece.date is not None}
        if not dates or shift_days is None:
            return text
        written = {start: date.moved(shift_days) for start, date in dates.items()}
        result = render(text, pieces, written)
        grows = any(len(text) <= length < len(result) for length in _LENGTHS)
        return None if grows or None in written.values() else result

    def _judged(self, text: str, *, keeps_dates: bool) -> tuple[Piece, ...]:
        """Return the pieces of a text in NFC, with this object's identifiers gone."""
        pieces = plan(text).pieces
        if not keeps_dates and any(piece.date is not None for piece in pieces):
            pieces = settled(text, [piece if piece.date is None else _gone(piece, "pattern:date") for piece in pieces])
        if not self._holds_identifier(text):
            return pieces
        spans = list(self._identifier_spans(text))
        if not spans:
            return tuple(_gone(piece, "identifier") for piece in pieces)
        marked = [
            _gone(piece, "identifier")
            if not piece.is_separator and any(start < piece.end and piece.start < end for start, end in spans)
            else piece
            for piece in pieces
        ]
        return settled(text, marked)

    def _holds_identifier(self, text: str) -> bool:
        return self._identifiers.in_free_text(text) or not self._words.isdisjoint(plan(text).parts)

    def _joined_words(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield identifiers that are a part of a longer run: kneeMiller."""
        for piece in plan(text).pieces:
            if piece.is_word and fold(text[piece.start : piece.end]) in self._words:
                yield piece.start, piece.end

    def _identifier_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where identifiers stand: tokens, runs of tokens, names in scripts without blanks."""
        found: list[tuple[str, int, int]] = []
        for match in RUN.finditer(text):
            found += [(token, match.start(), match.end()) for token in tokens(fold(match[0]))]
        words, phrases = self._words, self._identifiers.phrases
        for index, (token, start, end) in enumerate(found):
            if token in words:
                yield start, end
            for phrase in phrases.get(token, ()):
                run = found[index : index + len(phrase)]
                if tuple(part[0] for part in run) == phrase:
                    yield start, run[-1][2]
            if is_unspaced(token) and any(name in token for name in self._identifiers.unspaced):
                yield start, end
        yield from self._joined_words(text)


def _gone(piece: Piece, rule: str) -> Piece:
    return replace(piece, stays=False, date=None, replacement=None, rule=rule)


def _outcome(piece: Piece) -> Outcome:
    if not piece.stays:
        return Outcome.REMOVED
    if is_untouched(piece):
        return Outcome.KEPT
    return Outcome.SHIFTED if piece.date is not None else Outcome.REPLACED


def _visible(text: str) -> str:
    """Return a text without signs that nobody sees, such as soft hyphens: they cut words that are one."""
    return text if text.isascii() else "".join(sign for sign in text if unicodedata.category(sign) != "Cf")


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
