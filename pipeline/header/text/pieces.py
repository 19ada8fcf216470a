"""The pieces that a text is cut into, and the decision about each.

Rule of the file: records only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.header.text.written_dates import WrittenDate


class Outcome(StrEnum):
    """What happens to a piece."""

    KEPT = "kept"
    REMOVED = "removed"
    SHIFTED = "shifted"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of a text.

    Parameters
    ----------
    start, end
        Offsets into the text, half open.
    rule
        By which rule it stays or goes: `vocabulary`, `shape`, `number`, `separator`, `identifier`, `unknown`,
        `beside a name`, `title`, `pattern:KIND`, `date`, `age over 89`.
    stays
        Whether anything of it may stay.
    date
        The date that it is, which has to be shifted or goes.
    replacement
        What stands in its place; None where it stays as it is.
    is_word
        Whether it is letters that may be part of a name.
    is_weak
        Whether it goes when a removed word stands beside it: it is a name too, a name's particle, or an initial.
    """

    start: int
    end: int
    rule: str
    stays: bool
    date: WrittenDate | None = field(default=None, repr=False)
    replacement: str | None = None
    is_word: bool = False
    is_weak: bool = False

    @property
    def is_separator(self) -> bool:
        """Whether it only stands between others."""
        return self.rule == "separator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happened to a part of a text, and by which rule; for the steward, who may see values.

    Parameters
    ----------
    text
        The part as it was. Confidential; not in the `repr`.
    outcome
        Kept, removed, shifted or replaced.
    rule
        As in `Piece`.
    """

    text: str = field(repr=False)
    outcome: Outcome
    rule: str
