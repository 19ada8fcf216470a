"""Conditions of CTP's scripts: which objects a rule is about (RSNA MIRC wiki, "The CTP DICOM Filter").

    Modality.equals("US") * ( [0008,1090].containsIgnoreCase("A500") + !Rows.equals("720") )

In a condition `+` is or, `*` is and, `!` is not, each binding closer than the one before; `true.` and `false.` are
constants.

Rule of the file: a condition that is not understood is an error, never one that does not hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    ValueOf = Callable[[int], str]

_DEEPEST = 50
_COMMENT = re.compile(r'("[^"]*")|//[^\n]*')
_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[+*!()])|(?P<constant>true|false)\.|"
    r"(?:\[(?P<group>[0-9A-Fa-f]{4}),?(?P<element>[0-9A-Fa-f]{4})\]|(?P<keyword>[A-Za-z]\w*))"
    r'\s*\.\s*(?P<method>[A-Za-z]+)\s*\(\s*"(?P<value>[^"]*)"\s*\))',
    re.ASCII,
)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[+-]?\d{1,15}(?:\.\d{1,15})?\s*", text, re.ASCII) else None


def _is_less(here: str, wanted: str) -> bool:
    first, second = _number(here), _number(wanted)
    return first is not None and second is not None and first < second


_METHODS: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda here, wanted: here == wanted,
    "contains": lambda here, wanted: wanted in here,
    "startsWith": lambda here, wanted: here.startswith(wanted),
    "endsWith": lambda here, wanted: here.endswith(wanted),
    "matches": lambda here, wanted: re.fullmatch(wanted, here) is not None,
    "isLessThan": _is_less,
    "isGreaterThan": lambda here, wanted: _is_less(wanted, here),
}
_IGNORE_CASE = "IgnoreCase"
_NO_CASE = frozenset({"isLessThan", "isGreaterThan"})


_OLDER_NAMES = {"SoftwareVersion": 0x00181020}
"""What CTP's DICOM library (dcm4che 1) calls an attribute otherwise than the standard does today, in scripts in use."""


class ConditionError(ValueError):
    """A condition that is not understood; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One attribute against a text.

    Parameters
    ----------
    method
        As CTP names it, without `IgnoreCase`.
    """

    tag: int
    method: str
    value: str
    ignores_case: bool

    def holds(self, value_of: ValueOf) -> bool:
        """Tell whether the comparison is true of an object; an attribute that it has not is an empty text."""
        here, wanted = value_of(self.tag), self.value
        if self.method == "matches" and self.ignores_case:
            return re.fullmatch(wanted, here, re.IGNORECASE) is not None
        if self.ignores_case:
            here, wanted = here.casefold(), wanted.casefold()
        return _METHODS[self.method](here, wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """`true.` or `false.`."""

    value: bool

    def holds(self, value_of: ValueOf) -> bool:  # noqa: ARG002  asked like every other condition
        """Return the constant."""
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The contrary of a condition."""

    part: Condition

    def holds(self, value_of: ValueOf) -> bool:
        """Tell whether the part does not hold."""
        return not self.part.holds(value_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    """Conditions joined by `*`."""

    parts: tuple[Condition, ...]

    def holds(self, value_of: ValueOf) -> bool:
        """Tell whether every part holds."""
        return all(part.holds(value_of) for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Conditions joined by `+`."""

    parts: tuple[Condition, ...]

    def holds(self, value_of: ValueOf) -> bool:
        """Tell whether a part holds."""
        return any(part.holds(value_of) for part in self.parts)


Condition = Comparison | Constant | Not | All | AnyOf


def parse_condition(written: str) -> Condition:
    """Return a condition, understood.

    Raises
    ------
    ConditionError
        It is not.
    """
    return _Parser(_COMMENT.sub(lambda found: found[1] or "", written)).whole()


class _Parser:
    """One condition, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Condition:
        """Return the condition that is the whole text."""
        condition = self._any_of()
        if self._text[self._at :].strip():
            self._fail()
        return condition

    def _any_of(self) -> Condition:
        parts = [self._all()]
        while self._takes("+"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(parts=tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._takes("*"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(parts=tuple(parts))

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ConditionError("the condition is nested too deep")
        try:
            if self._takes("!"):
                return Not(part=self._one())
            if self._takes("("):
                inner = self._any_of()
                if not self._takes(")"):
                    self._fail()
                return inner
            return self._operand()
        finally:
            self._depth -= 1

    def _operand(self) -> Condition:
        token = _TOKEN.match(self._text, self._at)
        if token is None or token["sign"]:
            self._fail()
        self._at = token.end()
        if token["constant"]:
            return Constant(value=token["constant"] == "true")
        return Comparison(
            tag=_tag(token),
            method=_method(token),
            value=_pattern(token["value"]) if token["method"].startswith("matches") else token["value"],
            ignores_case=token["method"].endswith(_IGNORE_CASE),
        )

    def _takes(self, sign: str) -> bool:
        token = _TOKEN.match(self._text, self._at)
        if token is None or token["sign"] != sign:
            return False
        self._at = token.end()
        return True

    def _fail(self) -> NoReturn:
        rest = " ".join(self._text[self._at :].split())
        where = f"from {rest[:40]!r} on" if rest else "because it ends too early"
        raise ConditionError(f"the condition is not understood {where}")


def _tag(token: re.Match[str]) -> int:
    if token["group"]:
        return int(token["group"] + token["element"], 16)
    from pydicom.datadict import tag_for_keyword  # noqa: PLC0415  a second that most configurations need not pay

    tag = _OLDER_NAMES.get(token["keyword"]) or tag_for_keyword(token["keyword"])
    if tag is None:
        raise ConditionError(f"{token['keyword']} is no DICOM keyword; write [gggg,eeee]")
    return int(tag)


def _method(token: re.Match[str]) -> str:
    name = token["method"].removesuffix(_IGNORE_CASE)
    if name not in _METHODS or (name in _NO_CASE and name != token["method"]):
        raise ConditionError(f"{token['method']} is no comparison of CTP's")
    return name


def _pattern(written: str) -> str:
    try:
        re.compile(written)
    except re.error as error:
        raise ConditionError(f"{written!r} is no regular expression ({error.msg})") from error
    return written
