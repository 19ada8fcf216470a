"""The vocabulary: which folded words may stay in a text, and which of them are names too.

Rule of the file: it only loads and asks; what is in the list is decided by `tools/generate_vocabulary.py`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

LONGEST_UNSPACED = 8
"""Characters of the longest listed word in a script without blanks."""


@lru_cache(maxsize=2)
def listed(name: str) -> tuple[str, ...]:
    """Return the lines of a list of this package, without its heading."""
    lines = resources.files(__package__).joinpath(name).read_text(encoding="utf-8").split("\n")
    return tuple(line for line in lines if line and not line.startswith("#"))


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Return the folded words that may stay."""
    return frozenset(word.rstrip("?") for word in listed("vocabulary.txt"))


@lru_cache(maxsize=1)
def names_too() -> frozenset[str]:
    """Return those of them that are somebody's name too: they go when what stands beside them goes."""
    return frozenset(word[:-1] for word in listed("vocabulary.txt") if word.endswith("?"))


def is_unspaced_phrase(run: str) -> bool:
    """Tell whether a run in a script without blanks is listed words only, longest first."""
    words = vocabulary()
    start = 0
    while start < len(run):
        for length in range(min(LONGEST_UNSPACED, len(run) - start), 0, -1):
            if run[start : start + length] in words:
                start += length
                break
        else:
            return False
    return True
