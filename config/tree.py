"""A YAML file as plain values with the line of every key: the only place that imports yaml.

Rule of the file: only what can be read in one way is accepted. Anchors, aliases, tags, repeated keys and a second
document are problems; scalars are typed by the YAML 1.2 core rules, so that `no` and `on` stay text. Numbers with
leading zeros stay text too, because they are identifiers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from config.problems import ConfigurationError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_BYTES = 1 << 20
_DEEPEST = 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Tree:
    """A file that was read.

    Parameters
    ----------
    value
        Mappings as `dict` with text keys, sequences as `tuple`, scalars as `str`, `int`, `float`, `bool`, None.
    lines
        Where each setting stands, counted from 1: the line of its key, or of the item in a list.
    problems
        What was wrong with the YAML itself although it could be read.
    """

    file: Path
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """Return the line of a setting, or of the nearest one around it that stands in the file."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 1

    def problem(self, place: Place, message: str) -> Problem:
        """Return a problem that stands at a setting."""
        return Problem(file=self.file, line=self.line(place), message=message)


def read_tree(file: Path) -> Tree:
    """Read a YAML file.

    Raises
    ------
    ConfigurationError
        The file cannot be read, is larger than 1 MiB, or is no YAML.
    """
    text = _text(file)
    tree = Tree(file=file)
    try:
        _Reader(tree, yaml.parse(text, Loader=_LOADER)).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unusable(file, mark.line + 1 if mark else 0, f"no YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:  # a character that YAML forbids: it has a position, no line
        position = getattr(error, "position", 0)
        raise _unusable(file, text.count("\n", 0, position) + 1, "no YAML: a control character") from None
    return tree


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise _unusable(file, 0, f"cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_BYTES:
        raise _unusable(file, 0, "is larger than 1 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(file, content.count(b"\n", 0, error.start) + 1, "is not UTF-8") from None


def _unusable(file: Path, line: int, message: str) -> ConfigurationError:
    return ConfigurationError((Problem(file=file, line=line, message=message),))


class _Reader:
    """One pass over the parser's events."""

    def __init__(self, tree: Tree, events: Iterator[Any]) -> None:
        self._tree = tree
        self._events = events

    def read(self) -> None:
        documents = 0
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            value = self._value(next(self._events), ())
            if documents == 1:
                self._tree.value = value
            else:
                self._say(event, "a second document; write everything in one, without `---`")
                return

    def _value(self, event: Any, place: Place) -> Any:
        if isinstance(event, yaml.AliasEvent):
            self._say(event, f"*{event.anchor} is an alias; write the value itself")
            return None
        if event.anchor is not None:
            self._say(event, f"&{event.anchor} is an anchor, and aliases are not read; remove it")
        if event.tag is not None:
            self._say(event, f"{event.tag} is a tag; write the plain value")
        if len(place) > _DEEPEST:
            raise _unusable(self._tree.file, _line(event), f"more than {_DEEPEST} levels deep")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(place)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(place)
        return _scalar(event)

    def _mapping(self, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                line = _line(event)
                raise _unusable(self._tree.file, line, "a key must be a single word")
            key, line = event.value, _line(event)
            if key in mapping:
                first = self._tree.lines[*place, key]
                self._say(event, f"`{key}` stands twice, first in line {first}; remove one")
                self._value(next(self._events), (*place, key, "again"))
                continue
            self._tree.lines[*place, key] = line
            mapping[key] = self._value(next(self._events), (*place, key))
        return mapping

    def _sequence(self, place: Place) -> tuple[Any, ...]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            here = (*place, len(items))
            self._tree.lines[here] = _line(event)
            items.append(self._value(event, here))
        return tuple(items)

    def _say(self, event: Any, message: str) -> None:
        self._tree.problems.append(Problem(file=self._tree.file, line=_line(event), message=message))


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


def _scalar(event: Any) -> str | int | float | bool | None:
    """Type a scalar: only a plain one, without quotes, can be more than text."""
    written: str = event.value
    if not event.implicit[0]:
        return written
    if written in _CONSTANTS:
        return _CONSTANTS[written]
    if _INTEGER.fullmatch(written):
        return int(written)
    return float(written) if _FLOAT.fullmatch(written) else written
