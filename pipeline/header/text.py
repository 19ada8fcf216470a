"""Free text without what may identify: the cleaning that Clean Descriptors asks for (PS3.15 E.3.5).

Rule of the file: when in doubt it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.header.identifiers import Identifiers


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
        self._shift_days = shift_days

    def clean(self, text: str) -> str:
        """Return what may stay of a text, which may be nothing."""
        return "" if self._identifiers.in_text(text) else text
