"""Planted strings, each with the kind of place it stands in and the name of that place.

Rule of the file: every plant is a word, number, date or UID that stands nowhere else, so that one found in a result
proves which place leaked. Own plants are names of this patient, which a header de-identifier can know from the header;
strangers are names that stand in no attribute made for names, which only a rule for the place itself removes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.factories.planted import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable


class Place(StrEnum):
    """Kinds of places."""

    TABLE = "in-table"
    """An attribute of PS3.15 Table E.1-1."""
    PRIVATE = "private"
    """A private attribute, or the name of its creator."""
    OUTSIDE = "outside"
    """A public attribute that no table names, or an element of no dictionary."""
    CONTAINER = "container"
    """Preamble, file meta, trailing bytes, comments between the markers of a codestream."""
    UID = "UID"
    """An instance UID, wherever it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One planted string.

    Parameters
    ----------
    where
        The place in words, the same for all objects that have it.
    tag
        Of the attribute, where a profile's options may keep it.
    """

    text: str
    place: Place
    where: str
    tag: int | None = None


class Plants(Vocabulary):
    """Hands out planted strings and remembers where they went.

    Parameters
    ----------
    strangers
        What `outside` gives: names of nobody the header names, instead of the patient's other names.
    taken
        Words that must not be handed out again.
    """

    def __init__(self, seed: int, *, strangers: bool = False, taken: Iterable[str] = ()) -> None:
        super().__init__(seed)
        self.strangers = strangers
        self._taken = set(taken)
        self.plants: list[Plant] = []
        self.aliases: list[str] = []

    def word(self) -> str:
        """Hand out a word that it has not handed out before."""
        while (word := super().word()) in self._taken:
            self.words.pop()
        self._taken.add(word)
        return word

    def planted(self, text: str, place: Place, where: str, tag: int | None = None) -> str:
        """Remember a text of the caller's own."""
        self.plants.append(Plant(text=text, place=place, where=where, tag=tag))
        return text

    def in_table(self, where: str, tag: int | None = None) -> str:
        """Hand out a word for an attribute of the table."""
        return self.planted(self.word(), Place.TABLE, where, tag)

    def private(self, where: str) -> str:
        """Hand out a word for a private attribute."""
        return self.planted(self.word(), Place.PRIVATE, where)

    def container(self, where: str) -> str:
        """Hand out a word for the container."""
        return self.planted(self.word(), Place.CONTAINER, where)

    def outside(self, where: str, tag: int | None = None) -> str:
        """Hand out a name for an attribute of no table: of this patient, or of a stranger."""
        name = self.word()
        if not self.strangers:
            self.aliases.append(name)
        return self.planted(name, Place.OUTSIDE, where, tag)

    def digits(self, where: str, digits: int = 9) -> str:
        """Hand out a number for an attribute of the table."""
        return self.planted(self.number(digits), Place.TABLE, where)

    def private_number(self, where: str) -> str:
        """Hand out a number for a private attribute."""
        return self.planted(self.number(), Place.PRIVATE, where)

    def instance_uid(self, where: str) -> str:
        """Hand out a UID of something that is this patient's."""
        return self.planted(self.uid(), Place.UID, where)
