"""Recipes of pydicom/deid: `%header` with its six actions, `%filter` with LABEL and coordinates, groups of fields.

Rule of the file: expressions over names (`startswith:`, `contains:` …) are expanded over the public dictionary, as the
tool does over the names in an object. Of several actions for one attribute that one counts which its documentation puts
first: KEEP, ADD, REPLACE, JITTER, REMOVE, BLANK. Source: pydicom.github.io/deid, "Recipe Headers", "Recipe Filters".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_dict

from pipeline.recipes.wishes import Intent, MaskWish, Missing, Recipe, UnreadableRecipeError, Wish, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PRECEDENCE = ("KEEP", "ADD", "REPLACE", "JITTER", "REMOVE", "BLANK")
_SECTIONS = frozenset({"header", "labels", "filter", "fields", "values"})
_TAG = re.compile(r"\(?\s*([0-9A-Fa-f]{4})\s*,?\s*([0-9A-Fa-f]{4})\s*\)?", re.ASCII)
_CONDITION = re.compile(r"\+?\s*(contains|equals)\s+(\w+)\s+(.+)", re.IGNORECASE)
_NUMBERS = re.compile(r"(-?\d+)\s*,\s*(-?\d+)\s*,\s*(\d+)\s*,\s*(\d+)", re.ASCII)
_PATIENT_ID = 0x00100020
_KEYWORDS = {keyword.lower(): tag for keyword, tag in keyword_dict.items() if keyword}
_FROM_PROGRAM = ("the value comes from the program that calls deid", "write a text with `action: replace`")
_CONDITIONAL = ("depends on the value", "a rule without a condition, or `action: clean`")
_REST = "a profile keeps numbers, codes and short texts that hold no identifier, also those that are not named"
_READ_REST = "read `sonoveil profile show FILE --all`, and add a rule `remove` for what must not leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    number: int
    action: str
    field: str
    value: str

    @property
    def what(self) -> str:
        return shortened(f"{self.action} {self.field} {self.value}")


@dataclass(slots=True)
class _Reader:
    """What has been read so far."""

    wishes: dict[int, tuple[int, Wish]] = field(default_factory=dict)
    masks: list[MaskWish] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    section: str = ""
    group: str = ""
    label: tuple[int, str, str, list[str]] | None = None

    def read(self, number: int, line: str) -> None:
        if line.startswith("%"):
            self.close_label()
            self._open(number, line)
        elif self.section == "filter":
            self._filter(number, line)
        elif self.section in {"fields", "values"}:
            word, _, rest = line.partition(" ")
            if word.upper() == "FIELD" and self.section == "fields":
                self.groups.setdefault(self.group, []).append(rest.strip())
        elif self.section == "header":
            self._action(number, line)

    def _open(self, number: int, line: str) -> None:
        words = line[1:].split("#", 1)[0].split()
        self.section = words[0].lower() if words else ""
        self.group = " ".join(words[1:])
        if self.section not in _SECTIONS:
            raise UnreadableRecipeError(f"line {number}: %{self.section} is no section of a deid recipe")

    def _filter(self, number: int, line: str) -> None:
        if line.upper().startswith("LABEL"):
            self.close_label()
            self.label = (number, shortened(line[5:].split("#", 1)[0]), self.group, [])
        elif self.label is not None:
            self.label[3].append(line.split("#", 1)[0].strip())

    def close_label(self) -> None:
        """Turn the label that was read last into a mask, or list it."""
        if self.label is None:
            return
        number, name, group, lines = self.label
        self.label = None
        rectangles = [found for line in lines for found in _rectangle(line)]
        if rectangles:
            conditions = [line for line in lines if "coordinates" not in line.lower()]
            self.masks.append(
                MaskWish(line=number, what=name, conditions=_conditions(conditions), rectangles=tuple(rectangles))
            )
        else:
            why = f"a filter of %filter {group} without coordinates flags images by their header"
            instead = "a rule of gateway.yaml with `when:` and `action: hold`"
            self.missing.append(Missing(line=number, what=f"LABEL {name}", why=why, instead=instead))

    def _action(self, number: int, line: str) -> None:
        words = line.split("#", 1)[0].split(None, 2)
        action = words[0].upper() if words else ""
        if action not in _PRECEDENCE or len(words) < 2:  # noqa: PLR2004  an action and a field
            self.missing.append(Missing(line=number, what=shortened(line), why="not understood", instead="look at it"))
            return
        value = words[2].strip() if len(words) > 2 else ""  # noqa: PLR2004  same
        self._wish(_Line(number=number, action=action, field=words[1], value=value))

    def _wish(self, line: _Line) -> None:
        tags = self._tags(line)
        for tag in tags:
            rank = _PRECEDENCE.index(line.action)
            if tag not in self.wishes or rank <= self.wishes[tag][0]:
                self.wishes[tag] = (rank, _as_wish(line, tag))

    def _tags(self, line: _Line) -> list[int]:
        """Return the attributes of a line; what cannot be expanded is listed, and then there are none."""
        kind, _, pattern = line.field.partition(":")
        if line.field.upper() == "ALL" or kind.lower() in {"except", "allexcept"}:
            self.missing.append(Missing(line=line.number, what=line.what, why=_REST, instead=_READ_REST))
            return []
        if kind.lower() == "values":
            why = (
                "removes what repeats values of other fields; a profile does so with names, IDs, staff and institution"
            )
            self.missing.append(Missing(line=line.number, what=line.what, why=why, instead="nothing, if that is meant"))
            return []
        if kind.lower() != "fields":
            return self._expanded(line.field, line)
        if pattern not in self.groups:
            why = "a group of fields that no %fields section above it lists"
            self.missing.append(Missing(line=line.number, what=line.what, why=why, instead="name the fields"))
        return [tag for one in self.groups.get(pattern, ()) for tag in self._expanded(one, line)]

    def _expanded(self, expression: str, line: _Line) -> list[int]:
        try:
            tags, why = list(_expand(expression, line.action)), "names no attribute of the standard"
        except re.error:
            tags, why = [], "no regular expression"
        except LookupError:
            tags, why = [], "no such expression over names"
        nothing_to_do = line.action in {"REMOVE", "BLANK"} and why.startswith("names")  # private attributes go
        if not tags and not nothing_to_do:
            self.missing.append(Missing(line=line.number, what=line.what, why=why, instead="name the attributes"))
        return tags


def read_deid(text: str) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UnreadableRecipeError
        An unknown section.
    """
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.strip().startswith("#"):
            reader.read(number, line.strip())
    reader.close_label()
    return Recipe(
        form="a pydicom/deid recipe",
        wishes=tuple(wish for _rank, wish in reader.wishes.values()),
        masks=tuple(reader.masks),
        missing=tuple(reader.missing),
    )


def _as_wish(line: _Line, tag: int) -> Wish:
    intent, reason = _intent(line, tag)
    value = line.value if intent is Intent.REPLACE else ""
    return Wish(line=line.number, what=line.what, tag=tag, intent=intent, value=value, why=reason[0], instead=reason[1])


def _intent(line: _Line, tag: int) -> tuple[Intent, tuple[str, str]]:
    if line.action in {"ADD", "REPLACE"}:
        return _of_value(line.value, tag)
    if line.action == "REMOVE" and line.value:
        return Intent.UNKNOWN, _CONDITIONAL
    by_action = {"KEEP": Intent.KEEP, "REMOVE": Intent.REMOVE, "BLANK": Intent.EMPTY, "JITTER": Intent.SHIFT}
    return by_action[line.action], ("", "")


def _of_value(value: str, tag: int) -> tuple[Intent, tuple[str, str]]:
    kind = value.partition(":")[0].lower()
    if kind not in {"var", "func", "deid_func"}:
        return Intent.REPLACE if value else Intent.EMPTY, ("", "")
    if value.lower().startswith("deid_func:jitter"):
        return Intent.SHIFT, ("", "")
    if tag == _PATIENT_ID:
        return Intent.PSEUDONYM, ("", "")
    if dictionary_has_tag(tag) and dictionary_VR(tag) == "UI":
        return Intent.MAP_UID, ("", "")
    return Intent.UNKNOWN, _FROM_PROGRAM


def _expand(expression: str, action: str) -> Iterable[int]:
    """Yield the attributes that a name, a tag or an expression over names means; raise what an unknown one raises."""
    kind, separator, pattern = expression.partition(":")
    written = _TAG.fullmatch(expression)
    if written is not None:
        yield int(written[1] + written[2], 16)
    elif separator and kind.lower() == "select":
        yield from _selected(pattern)
    elif separator:
        matches = _MATCHES[kind.lower()]
        yield from (tag for keyword, tag in _KEYWORDS.items() if matches(pattern.lower(), keyword))
    elif "__" in expression and action in {"REMOVE", "BLANK"}:
        yield from _expand(expression.rsplit("__", 1)[1], action)  # at every depth, as all rules of a profile are
    elif expression.lower() in _KEYWORDS:
        yield _KEYWORDS[expression.lower()]


def _selected(pattern: str) -> Iterable[int]:
    what, _, value = pattern.partition(":")
    if what.lower() == "vr":
        yield from (tag for tag in _KEYWORDS.values() if dictionary_VR(tag) == value.upper())
    elif what.lower() == "group":
        yield from (tag for tag in _KEYWORDS.values() if f"{tag >> 16:04X}" == value.upper().zfill(4))


_MATCHES: dict[str, Callable[[str, str], object]] = {
    "startswith": lambda pattern, keyword: re.search(f"^({pattern})", keyword),
    "endswith": lambda pattern, keyword: re.search(f"({pattern})$", keyword),
    "contains": re.search,
}


def _rectangle(line: str) -> Iterable[tuple[int, int, int, int]]:
    """Yield left, top, width, height: `ctpcoordinates` say it so, `coordinates` name the right and bottom edges."""
    found = _NUMBERS.search(line)
    if found is None or not line.lower().startswith(("coordinates", "ctpcoordinates")):
        return
    left, top, third, fourth = (int(number) for number in found.groups())
    if line.lower().startswith("ctp"):
        yield left, top, third, fourth
    else:
        yield left, top, third - left, fourth - top


def _conditions(lines: list[str]) -> tuple[tuple[str, str, str], ...]:
    """Return conditions that must all be met; nothing where one is an alternative or of another kind."""
    found = [None if "||" in line else _CONDITION.fullmatch(line) for line in lines if line]
    if not all(one is not None and "|" not in one[3] for one in found):
        return ()
    return tuple((one[2], one[1].lower(), one[3].strip()) for one in found if one is not None)
