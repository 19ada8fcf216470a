"""The verdict on a run of letters and digits that no pattern claimed: known word, harmless shape, or gone.

Rule of the file: what is not known goes. Nothing of the object is known here, so that a verdict can be remembered.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.header.folding import fold, is_unspaced
from pipeline.header.text.cutting import cut_scripts, cut_writing
from pipeline.header.text.pieces import Piece
from pipeline.header.text.shapes import LONGEST_FREE_NUMBER, is_harmless_number, is_technical
from pipeline.header.text.words import is_unspaced_phrase, names_too, vocabulary

_PREFIXES = "mc mac de van von o le la di du da fitz st del des san ter ben"
_NAME_PREFIXES = frozenset(_PREFIXES.split())
"""What surnames in mixed case begin with: DeLong is no two words."""
_SHORTEST_PART = 3
"""Letters of a known word that may stay where the rest of its run goes."""


def judge_run(run: str, start: int, *, before: str, after: str) -> list[Piece]:
    """Return the pieces of a run.

    Parameters
    ----------
    run
        Letters and digits of any script.
    start
        Its offset in the text.
    before, after
        The folded runs beside it, empty where there are none.
    """
    pieces: list[Piece] = []
    for part in cut_scripts(run):
        if is_unspaced(part):
            pieces.append(_piece(start, part, "vocabulary" if is_unspaced_phrase(part) else None))
        else:
            pieces += _judge_spaced(part, start, before, after)
        start += len(part)
    return pieces


def _judge_spaced(run: str, start: int, before: str, after: str) -> list[Piece]:
    folded = fold(run)
    if folded in vocabulary():
        return [_piece(start, run, "vocabulary")]
    if run.isdecimal():
        is_harmless = is_harmless_number(run, before, after)
        return [
            Piece(
                start=start, end=start + len(run), rule="number" if is_harmless else "pattern:number", stays=is_harmless
            )
        ]
    if is_technical(folded):
        return [_piece(start, run, "shape")]
    return _judge_parts(cut_writing(run), start)


def _judge_parts(parts: list[str], start: int) -> list[Piece]:
    """Judge a run by its parts: where one of them is unknown, digits and short parts beside it go too."""
    pieces = []
    for part in parts:
        is_known = len(part) <= LONGEST_FREE_NUMBER if part.isdecimal() else fold(part) in vocabulary()
        pieces.append(_piece(start, part, "vocabulary" if is_known else None))
        start += len(part)
    if all(piece.stays for piece in pieces):
        is_surname = len(parts) > 1 and fold(parts[0]) in _NAME_PREFIXES and parts[1].isalpha()
        return [_gone(piece) for piece in pieces] if is_surname else pieces
    return [
        piece if part.isalpha() and len(part) >= _SHORTEST_PART else _gone(piece)
        for part, piece in zip(parts, pieces, strict=True)
    ]


def _piece(start: int, part: str, rule: str | None) -> Piece:
    folded = fold(part)
    is_letter = len(folded) == 1 and folded.isalpha() and not is_unspaced(part)
    return Piece(
        start=start,
        end=start + len(part),
        rule=rule or "unknown",
        stays=rule is not None,
        is_word=not part.isdecimal(),
        is_weak=is_letter or folded in names_too(),
    )


def _gone(piece: Piece) -> Piece:
    return replace(piece, rule="unknown", stays=False) if piece.stays else piece
