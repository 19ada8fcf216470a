"""Whether a code string (CS) is a term of the standard or of a maker, and no text that somebody put there.

Rule of the file: what is neither listed nor shaped like a term made of known words is no term.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.header.folding import fold
from pipeline.header.text.patterns import identifying
from pipeline.header.text.shapes import LONGEST_FREE_NUMBER, is_technical
from pipeline.header.text.words import listed, names_too, vocabulary

LONGEST = 16
"""Characters of a CS (PS3.5 6.2)."""
_TERM = re.compile(r"[A-Z0-9][A-Z0-9_ .,/()+*&#<>=%'-]*", re.ASCII)
_PARTS = re.compile(r"[A-Z]+[0-9]+[A-Z0-9]*|[0-9]+[A-Z]+[A-Z0-9]*|[A-Z]+|[0-9]+", re.ASCII)
_MOST_PARTS = 4
_LONGEST_MIXED = 5


@lru_cache(maxsize=1)
def _terms() -> frozenset[str]:
    return frozenset(listed("code_strings.txt"))


@lru_cache(maxsize=16384)
def known_code_string(value: str) -> bool:
    """Tell whether a value of a CS is a defined term, an enumerated value or a maker's term; empty values are.

    A term of a maker is at most 16 characters in capitals, of at most 4 parts, each a listed term or word that is
    nobody's name, a technical shape, or a number of at most 3 digits. Lower case passes only as a listed term.
    """
    text = value.strip(" \0")
    if not text or text.upper() in _terms():
        return True
    if len(text) > LONGEST or not _TERM.fullmatch(text):
        return False
    if any(True for _ in identifying(text)):
        return False
    parts = _PARTS.findall(text)
    return 0 < len(parts) <= _MOST_PARTS and all(map(_is_term_part, parts))


def _is_term_part(part: str) -> bool:
    if part in _terms():
        return True
    folded = fold(part)
    if part.isdecimal():
        return len(part) <= LONGEST_FREE_NUMBER
    if part.isalpha():
        return folded in vocabulary() and folded not in names_too()
    return is_technical(folded) and len(part) <= _LONGEST_MIXED
