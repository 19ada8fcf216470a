"""What a foreign recipe asks for, in words that do not depend on its language.

Rule of the file: data only. A parser states wishes and knows nothing of profiles; `pipeline.recipes.translate` grants
them and knows nothing of languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_LONGEST = 100


class Intent(StrEnum):
    """What shall happen to an attribute."""

    KEEP = "keep"
    REMOVE = "remove"
    EMPTY = "empty"
    REPLACE = "replace"
    """By a text that is the same for every object."""
    MAP_UID = "map uid"
    """By a UID made from the one that stands there."""
    PSEUDONYM = "pseudonym"
    """By a code made from what stands there."""
    SHIFT = "shift"
    """By another date."""
    INSIDE = "inside"
    """A sequence: treat what is in its items."""
    UNKNOWN = "unknown"
    """By something that no profile can say; `Wish.why` tells what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One attribute and what a line of the recipe wants of it.

    Parameters
    ----------
    line
        Counted from 1.
    what
        The line itself, shortened.
    value
        The text for `REPLACE`; what stands before the code for `PSEUDONYM`; else empty.
    why, instead
        For `UNKNOWN`: why no profile can say it, and what to do instead.
    """

    line: int
    what: str
    tag: int
    intent: Intent
    value: str = ""
    why: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskWish:
    """Rectangles of pixels to blank on images that meet conditions.

    Parameters
    ----------
    conditions
        Keyword, `equals` or `contains`, value; all must be met. Empty where the recipe says it in a way that is not
        understood.
    rectangles
        left, top, width, height; a negative left or top counts from the right or the bottom.
    """

    line: int
    what: str
    conditions: tuple[tuple[str, str, str], ...]
    rectangles: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that was not carried over.

    Parameters
    ----------
    line
        In the foreign file, counted from 1; 0 where the file as a whole is meant.
    """

    line: int
    what: str
    why: str
    instead: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: {self.why}; {self.instead}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something that was carried over, and works otherwise than it did."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A foreign file, read.

    Parameters
    ----------
    form
        What it is, for a person.
    keeps_safe_private
        The line that keeps private attributes known to be safe; None where there is none.
    """

    form: str
    keeps_safe_private: int | None = None
    wishes: tuple[Wish, ...] = ()
    masks: tuple[MaskWish, ...] = ()
    missing: tuple[Missing, ...] = ()
    remarks: tuple[Remark, ...] = ()


class UnreadableRecipeError(ValueError):
    """The file is no recipe of a known kind, or not one that may be read; the text says why."""


def shortened(text: str) -> str:
    """Return a text on one line, printable, of at most 100 characters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
