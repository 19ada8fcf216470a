"""CTP's DicomPixelAnonymizer script, read as it is: conditions in braces, then rectangles `(left,top,width,height)`.

    Toshiba Aplio 500
      { Modality.equals("US") * [0008,1090].containsIgnoreCase("A500") * Rows.equals("720") }
      (0,0,960,60)

In a condition `+` is or, `*` is and, `!` is not, each binding closer than the one before; `true.` and `false.` are
constants. The first rule whose condition holds counts, also when it has no rectangle. Text outside braces and
parentheses is a comment. Sources: RSNA MIRC wiki, "The CTP DICOM Pixel Anonymizer" and "The CTP DICOM Filter".

Rule of the file: a condition that is not understood is an error with its line. It is never skipped, because a rule that
is skipped leaves its rectangles unblanked.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    ValueOf = Callable[[int], str]

_LARGEST_BYTES = 4 * 2**20
_DEEPEST = 50
_PART = re.compile(r'\{(?P<condition>(?:"[^"]*"|[^{}"])*)\}|\((?P<rectangle>[\s\d,-]*)\)')
_RECTANGLE = re.compile(r"\s*(-?\d{1,6})\s*,\s*(-?\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*", re.ASCII)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRule:
    """A rule as it stands in the file.

    Parameters
    ----------
    line
        Of its opening brace, counted from 1.
    condition
        What stands between the braces.
    rectangles
        left, top, width, height; a negative left or top counts from the right or the bottom.
    """

    line: int
    condition: str
    rectangles: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CtpRule:
    """A rule that was understood; `rectangles` as in `WrittenRule`."""

    line: int
    condition: Condition
    rectangles: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CtpScript:
    """A script that was understood whole.

    Parameters
    ----------
    sha256
        Of its text; part of a profile's hash.
    """

    sha256: str
    rules: tuple[CtpRule, ...]

    def rule_for(self, value_of: ValueOf) -> CtpRule | None:
        """Return the first rule that an object meets.

        Parameters
        ----------
        value_of
            Gives the text of an attribute by its tag, its values joined by backslashes; empty where there is none.
        """
        return next((rule for rule in self.rules if rule.condition.holds(value_of)), None)


EMPTY_SCRIPT = CtpScript(sha256="", rules=())
"""Stands where a script could not be read, until that has been reported."""


def written_rules(text: str) -> Iterator[WrittenRule]:
    """Yield the rules of a script in their order, conditions as they are written.

    Raises
    ------
    ConditionError
        Numbers in parentheses that are no rectangle.
    """
    opened: WrittenRule | None = None
    for part in _PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if part["condition"] is not None:
            if opened is not None:
                yield opened
            opened = WrittenRule(line=line, condition=part["condition"], rectangles=())
        elif opened is not None and "," in part["rectangle"]:
            numbers = _RECTANGLE.fullmatch(part["rectangle"])
            if numbers is None:
                raise ConditionError(f"line {line}: ({part['rectangle']}) is no rectangle (left,top,width,height)")
            left, top, width, height = (int(number) for number in numbers.groups())
            opened = WrittenRule(
                line=opened.line,
                condition=opened.condition,
                rectangles=(*opened.rectangles, (left, top, width, height)),
            )
    if opened is not None:
        yield opened


def parse_condition(written: str) -> Condition:
    """Return a condition, understood.

    Raises
    ------
    ConditionError
        It is not.
    """
    return _Parser(_COMMENT.sub(lambda found: found[1] or "", written)).whole()


def read_ctp_script(file: Path) -> CtpScript:
    """Return the script in a file.

    Raises
    ------
    ValueError
        What is wrong, for an administrator, with the line where there is one.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConditionError(f"cannot be read ({type(error).__name__})") from error
    if len(data) > _LARGEST_BYTES:
        raise ConditionError("is larger than 4 MB, so it is no script")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConditionError("is not UTF-8") from error
    return parse_script(text)


def parse_script(text: str) -> CtpScript:
    """Return a script, understood whole.

    Raises
    ------
    ConditionError
        A rule is not understood, a brace has no partner, or there is no rule at all.
    """
    rest = _PART.sub(lambda part: "\n" * part[0].count("\n") if part["condition"] is not None else part[0], text)
    alone = re.search(r"[{}]", rest)
    if alone is not None:
        raise ConditionError(f"line {rest.count(chr(10), 0, alone.start()) + 1}: a brace without its partner")
    rules = tuple(_understood(rule) for rule in written_rules(text))
    if not rules:
        raise ConditionError("holds no rule: write { condition } (left,top,width,height)")
    return CtpScript(sha256=hashlib.sha256(text.encode()).hexdigest(), rules=rules)


def _understood(rule: WrittenRule) -> CtpRule:
    try:
        condition = parse_condition(rule.condition)
    except ConditionError as error:
        raise ConditionError(f"line {rule.line}: {error}") from error
    return CtpRule(line=rule.line, condition=condition, rectangles=rule.rectangles)


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

    tag = tag_for_keyword(token["keyword"])
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
