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


def fold(text: str) -> str:
    """Return NFKC, lower case without accents: MÜLLER and Muller are equal, Straße and STRASSE too."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare).translate(_SPECIAL_LETTERS)


def tokens(folded: str) -> list[str]:
    """Cut a folded text into runs of letters and digits."""
    return (_ASCII_TOKEN if folded.isascii() else _TOKEN).findall(folded)


def is_unspaced(text: str) -> bool:
    """Tell whether a text has letters of a script that puts no blanks between words (Han, Kana, Hangul, Thai, …)."""
    return not text.isascii() and _UNSPACED.search(text) is not None
