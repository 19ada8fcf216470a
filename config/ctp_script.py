"""CTP's DicomPixelAnonymizer script, read as it is: conditions in braces, then rectangles `(left,top,width,height)`.

    Toshiba Aplio 500
      { Modality.equals("US") * [0008,1090].containsIgnoreCase("A500") * Rows.equals("720") }
      (0,0,960,60)

In a condition `+` is or, `*` is and, `!` is not, each binding closer than the one before; `true.` and `false.` are
constants. The first rule whose condition holds counts; one that has nothing to blank says so by `(0,0,0,0)`. Text
outside braces and parentheses is a comment. Sources: RSNA MIRC wiki, "The CTP DICOM Pixel Anonymizer" (a condition and
one or more regions; comments have neither braces nor parentheses) and "The CTP DICOM Filter".

Rule of the file: a condition or a rectangle that is not understood is an error with its line. It is never skipped,
because what is skipped stays unblanked. CTP skips; it takes a number that it cannot read for 0.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from config.ctp_condition import Condition, ConditionError, parse_condition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.ctp_condition import ValueOf

_LARGEST_BYTES = 4 * 2**20
_CONDITION = re.compile(r'\{((?:"(?:[^"{}\n]|\{[^"{}\n]*\})*"|[^{}"])*)\}')
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_RECTANGLE = re.compile(r"\s*(-?\d{1,6})\s*,\s*(-?\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*", re.ASCII)
_NUMBER = r"[+-]?\d{1,9}(?:\.\d{1,9}){0,9}"
_BETWEEN = r"(?:[^\S\n]{0,9}[,;|/xX*+\uff0c\uff1b][^\S\n]{0,9}|[^\S\n]{1,9})"
_NUMBERS = re.compile(r"(?<![^\W_])\d+|(?<=\d[xX])\d+")
_BARE_RECTANGLE = re.compile(
    rf"(?<!\d)(?:{_NUMBER}{_BETWEEN}){{3}}{_NUMBER}|"
    r"[\[<\uff08\uff3b][^\w\n]{0,9}\d{1,9}(?:(?:[^\w\n]{1,9}|[xX])\d{1,9}){3}"
)
"""Four numbers in a row, or as many in other brackets than parentheses, however they are separated."""
_NOTHING = (0, 0, 0, 0)
_LIKE_A_RECTANGLE = 3
"""A rectangle that is written wrong still has three numbers or three commas; one without letters, two numbers."""


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
        A brace or a parenthesis has no partner, a rule has no rectangle, a rectangle no rule or no area, or something
        may be meant for a rectangle and is none.
    """
    conditions = list(_CONDITION.finditer(text))
    rest = _CONDITION.sub(_hidden, text)
    alone = re.search(r"[{}]", rest)
    if alone is not None:
        raise ConditionError(f"line {_line(rest, alone.start())}: a brace without its partner")
    _check_no_rectangle(text, conditions[0].start() if conditions else len(text))
    for condition, following in itertools.zip_longest(conditions, conditions[1:]):
        rule = WrittenRule(
            line=_line(text, condition.start()),
            condition=condition[1],
            rectangles=tuple(_rectangles(text, condition.end(), following.start() if following else len(text))),
        )
        if not rule.rectangles:
            raise ConditionError(
                f"line {rule.line}: a rule without rectangles; write (0,0,0,0) where nothing is blanked"
            )
        yield rule


def _rectangles(text: str, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the rectangles between two conditions, and look whether what is left is comment."""
    for found in _PARENTHESES.finditer(text, start, end):
        numbers = _RECTANGLE.fullmatch(found[1])
        if numbers is not None:
            left, top, width, height = (int(number) for number in numbers.groups())
            if not (width and height) and (left, top, width, height) != _NOTHING:
                raise ConditionError(f"line {_line(text, found.start())}: {found[0]} has no width or no height")
            yield left, top, width, height
        elif _may_be_rectangle(found[1]):
            _no_rectangle(text, found.start(), found[0])
    rest = _PARENTHESES.sub(_hidden, text[start:end])
    alone = re.search(r"[()]", rest)
    if alone is not None:
        raise ConditionError(f"line {_line(text, start + alone.start())}: a parenthesis without its partner")
    bare = _BARE_RECTANGLE.search(rest)
    if bare is not None:
        _no_rectangle(text, start + bare.start(), bare[0])


def _may_be_rectangle(written: str) -> bool:
    numbers = len(_NUMBERS.findall(written))
    has_letters = re.search(r"[^\W\d_]", written) is not None
    return max(numbers, written.count(",")) >= _LIKE_A_RECTANGLE or (numbers > 1 and not has_letters)


def _check_no_rectangle(text: str, end: int) -> None:
    for found in _PARENTHESES.finditer(text, 0, end):
        if _RECTANGLE.fullmatch(found[1]):
            raise ConditionError(f"line {_line(text, found.start())}: a rectangle before the first condition")


def _no_rectangle(text: str, at: int, written: str) -> NoReturn:
    shown = " ".join(written.split())[:40]
    raise ConditionError(
        f"line {_line(text, at)}: {shown} is no rectangle: write (left,top,width,height) in whole numbers, "
        "and comments without numbers in parentheses"
    )


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _hidden(found: re.Match[str]) -> str:
    """Return as many characters that mean nothing, on as many lines."""
    return re.sub(r"[^\n]", "#", found[0])


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
        As `written_rules`; a condition is not understood, or there is no rule at all.
    """
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
