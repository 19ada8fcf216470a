"""Words that go for the company they keep: after a title, after "dictated by", beside a removed name.

Rule of the file: it only takes away. A word that is nobody's name stays beside a removed one, unless they are joined
(Head-Miller, HEAD^JOHN).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.header.folding import fold

if TYPE_CHECKING:
    from pipeline.header.text.pieces import Piece

_TITLE_WORDS = """prof professor mrs miss herr herrn frau mme mlle monsieur madame mademoiselle dott dottssa signor
signora senor senora sra dra doctor doktor docteur dottore dhr mevr mevrouw meneer dipl nurse schwester pfleger"""
_AFTER_TITLE_WORDS = "med dent rer nat phil univ dipl ing habil hc h c dr prof vet"
_DONE_IN_ENGLISH = """read reported dictated signed performed verified approved interpreted referred ordered requested
reviewed transcribed scanned acquired injected supervised validated authorized"""
_DONE_ELSEWHERE = """befundet erstellt validiert vidiert uberwiesen realise redige valide dicte interprete adresse
informado realizado firmado validado solicitado refertato eseguito firmato verslagen laudado assinado"""
_LEADING_WORDS = """
by for of from at to the a an von vom fur durch par pour por para da dal di del della des du der den dem door
voor van op on seit since le la el il am um as by
"""
_NOBODY_WORDS = "the a an this our phone telephone email fax another der dem le la"
_TITLES = frozenset(_TITLE_WORDS.split())
_CASED_TITLES = frozenset({"Dr", "dr", "Mr", "Ms", "Sr", "Sig", "Hr"})
"""In capitals these are modalities and the like: DR CHEST, MR HEAD, SR."""
_POINTED_TITLES = frozenset({"DR", "MR", "MS"})
_AFTER_TITLE = frozenset(_AFTER_TITLE_WORDS.split())
_DEGREES = frozenset({"MD", "DO", "PhD", "FRCR", "RDMS", "RDCS", "RVT", "RN"})
_BY = frozenset({"by", "von", "durch", "par", "por", "da", "dal", "door"})
_DONE = frozenset(f"{_DONE_IN_ENGLISH} {_DONE_ELSEWHERE}".split())
_LEADING = frozenset(_LEADING_WORDS.split())
"""Words that say nothing without the one after them, which is gone: "dictated by", "CT from"."""
_NOBODY = frozenset(_NOBODY_WORDS.split())
_NAME_JOINTS = frozenset({"", ",", "-", "'", "\u2019", "_", "&", "\u00b4", "`", "^"})
_DIRECT_JOINTS = frozenset({"-", "'", "\u2019", "\u00b4", "`", "#", "^"})
_SIDES = frozenset({"l", "r"})
"""Single letters that are a side of the body more often than an initial."""
_FEWEST_SPELLED = 4
_SPELLING_JOINTS = frozenset({"", ".", "-", "_"})
_BESIDE = "beside a name"
_LONGEST_PARTICLE = 3
_LONGEST_CHAIN = 4
"""Words beside each other that go with one removed word: Maria van der Grace."""


def settled(text: str, pieces: list[Piece]) -> tuple[Piece, ...]:
    """Return the pieces with those gone that stand beside a removed name."""
    for _ in range(_LONGEST_CHAIN):
        changed = [index for index, piece in enumerate(pieces) if piece.stays and _goes_along(text, pieces, index)]
        if not changed:
            break
        for index in changed:
            pieces[index] = replace(pieces[index], stays=False, rule=_BESIDE)
    for index in range(len(pieces) - 1, -1, -1):
        if pieces[index].stays and _leads_nowhere(text, pieces, index):
            pieces[index] = replace(pieces[index], stays=False, rule="leads nowhere")
    return tuple(pieces)


def titled(text: str, pieces: list[Piece]) -> list[Piece]:
    """Take out titles and the word after each, known or not."""
    for index, piece in enumerate(pieces):
        if not piece.is_word:
            continue
        word = text[piece.start : piece.end]
        if _is_title(text, word, piece.end) or _is_initial(text, pieces, index):
            _take_after(text, pieces, index)
        elif _is_by(text, pieces, index):
            _take_after(text, pieces, index, is_title=False)
        elif word in _DEGREES and text[: piece.start].rstrip().endswith(","):
            before, _ = _neighbour(text, pieces, index, -1)
            pieces[index] = replace(piece, stays=False, rule="title")
            if before is not None and before.is_word:
                pieces[pieces.index(before)] = replace(before, stays=False, rule="title")
    return pieces


def spelled(text: str, pieces: list[Piece]) -> list[Piece]:
    """Take out words that are written letter by letter: M I L L E R, which no word of any list is."""
    run: list[int] = []
    joint = ""
    for index, piece in enumerate([*pieces, None]):
        if piece is not None and piece.is_separator:
            joint += text[piece.start : piece.end]
            continue
        is_letter = piece is not None and piece.stays and piece.is_word and piece.end - piece.start == 1
        if not is_letter or "\n" in joint or joint.strip() not in _SPELLING_JOINTS:
            if len(run) >= _FEWEST_SPELLED:
                for letter in run:
                    pieces[letter] = replace(pieces[letter], stays=False, rule="unknown")
            run = []
        if is_letter:
            run.append(index)
        joint = ""
    return pieces


def _goes_along(text: str, pieces: list[Piece], index: int) -> bool:
    """Tell whether a word goes because the one beside it did."""
    piece = pieces[index]
    if not piece.is_word:
        return False
    before, after = _neighbour(text, pieces, index, -1), _neighbour(text, pieces, index, 1)
    is_letter = piece.end - piece.start == 1
    is_side = is_letter and fold(text[piece.start : piece.end]) in _SIDES and before[0] is not None and before[0].stays
    for side, joint in (before, after):
        if side is None or side.stays or not (side.is_word or side.rule == "pattern:number"):
            continue
        if joint in _DIRECT_JOINTS and side.rule != _BESIDE and (side.is_word or piece.is_weak):
            return True
        sign = joint.strip()
        is_pointed = sign == "." and is_letter
        if (
            piece.is_weak
            and side.is_word
            and "\n" not in joint
            and (is_pointed or (sign in _NAME_JOINTS and not is_side))
        ):
            return True
    return False


def _leads_nowhere(text: str, pieces: list[Piece], index: int) -> bool:
    piece = pieces[index]
    if not piece.is_word or fold(text[piece.start : piece.end]) not in _LEADING:
        return False
    after, joint = _neighbour(text, pieces, index, 1)
    return after is not None and not after.stays and not joint.strip(" :")


def _neighbour(text: str, pieces: list[Piece], index: int, step: int) -> tuple[Piece | None, str]:
    """Return the next piece that is no separator, and the signs in between."""
    joint = ""
    index += step
    while 0 <= index < len(pieces):
        piece = pieces[index]
        if not piece.is_separator:
            return piece, joint
        sign = text[piece.start : piece.end]
        joint = sign + joint if step < 0 else joint + sign
        index += step
    return None, joint


def _is_title(text: str, word: str, end: int) -> bool:
    if fold(word) in _TITLES or word in _CASED_TITLES:
        return True
    return word in _POINTED_TITLES and text[end : end + 1] == "."


def _is_initial(text: str, pieces: list[Piece], index: int) -> bool:
    """Tell whether a letter with a point stands before a word that is a name too: A. Klein, but not A. carotis."""
    piece = pieces[index]
    if piece.end - piece.start > 1 or not text[piece.start].isupper() or text[piece.end : piece.end + 1] != ".":
        return False
    after, joint = _neighbour(text, pieces, index, 1)
    return after is not None and joint.strip() == "." and after.is_weak and after.end - after.start > 1


def _is_by(text: str, pieces: list[Piece], index: int) -> bool:
    """Tell whether a piece is the `by` of `dictated by`."""
    piece = pieces[index]
    if fold(text[piece.start : piece.end]) not in _BY:
        return False
    before, joint = _neighbour(text, pieces, index, -1)
    after, _ = _neighbour(text, pieces, index, 1)
    if before is None or after is None or joint.strip() or fold(text[before.start : before.end]) not in _DONE:
        return False
    return after.is_word and fold(text[after.start : after.end]) not in _NOBODY


def _take_after(text: str, pieces: list[Piece], first: int, *, is_title: bool = True) -> None:
    """Take out the name after a title, with degrees, initials and particles; and the title."""
    if is_title:
        pieces[first] = replace(pieces[first], stays=False, rule="title")
    for index in range(first + 1, len(pieces)):
        piece = pieces[index]
        sign = text[piece.start : piece.end]
        if piece.is_separator:
            if sign.strip(" .,") or "\n" in sign:
                return
            pieces[index] = replace(piece, stays=False)
            continue
        pieces[index] = replace(piece, stays=False, rule="title")
        folded = fold(sign)
        is_particle = piece.is_weak and len(folded) <= _LONGEST_PARTICLE
        if not (folded in _AFTER_TITLE or len(folded) == 1 or is_particle):
            return
