"""Text in the form in which identifiers are compared: compatibility forms, case and accents folded, cut into tokens.

Rule of the file: both sides of every comparison come through here.
"""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"[^\W_]+")
_ASCII_TOKEN = re.compile(r"[a-z0-9]+")
_SPECIAL_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i", "þ": "th"})
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")

_NOT_DECODED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffd]")
"""Escapes, replacement characters, and the other controls that no text may have (PS3.5 6.1.3). Of a text in UTF-16 that
claims to be ASCII every second character is a NUL, and what is left reads letter by letter."""


def was_decoded(text: str) -> bool:
    """Tell whether all of a text without its padding was understood, so that it can be compared."""
    return _NOT_DECODED.search(text) is None


def fold(text: str) -> str:
    """Return NFKC, lower case without accents: MÜLLER and Muller are equal, Straße and STRASSE too.

    Signs that nobody sees go: a name with a soft hyphen in it is the same name.
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(
        letter for letter in decomposed if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf"
    )
    return unicodedata.normalize("NFC", bare).translate(_SPECIAL_LETTERS)


def tokens(folded: str) -> list[str]:
    """Cut a folded text into runs of letters and digits."""
    return (_ASCII_TOKEN if folded.isascii() else _TOKEN).findall(folded)


def is_unspaced(text: str) -> bool:
    """Tell whether a text has letters of a script that puts no blanks between words (Han, Kana, Hangul, Thai, …)."""
    return not text.isascii() and _UNSPACED.search(text) is not None
