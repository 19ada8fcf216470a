"""Patterns that identify whatever they say: mail, phones, numbers, addresses, titles with names, ages over 89.

Rule of the file: every pattern is anchored at the edges of a token, and none needs more than a linear look.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.header.dates import OLDEST_AGE_YEARS
from pipeline.header.text.labels import (
    AGE_LABELS,
    BIRTH_LABELS,
    NAME_LABELS,
    NUMBER_LABELS,
    PHONE_LABELS,
    STREETS_AFTER_NUMBER,
    STREETS_BEFORE_NUMBER,
    STREETS_IN_FRENCH,
    STREETS_IN_THE_SOUTH,
    YEARS_OLD,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_X = re.VERBOSE | re.IGNORECASE
_CAPITAL = r"[A-ZÀ-ÖØ-Þ]"
_LETTER = r"[^\W\d_]"


def _any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, _X)


def _as_written(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE)


_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "e-mail",
        _any_case(
            r"""(?<![\w.%+-])[\w.%+-]{1,64}+ (?:
                  [@\uff20](?!\d)[\w-]+(?:\.[\w-]+)*
                | \s?(?:[@\uff20]|[\[(]at[\])])\s?[\w-]+(?:\.[\w-]+)+ )"""
        ),
    ),
    (
        "url",
        _any_case(
            r"""\b(?:https?|ftp|file|mailto|dicom|ldap)s?:[^\s]+ | \bwww\.[^\s]+
            | \\\\[\w.$-]+(?:\\[^\s]*)? | \b[a-z]:\\[^\s]*          # \\server\share, C:\folder
            | (?<![\w.-])(?:[a-z0-9-]{1,63}+\.){1,8}
              (?:com|org|net|edu|gov|info|local|lan|de|at|ch|fr|es|it|nl|be|uk|us|eu|br|pt|jp|cn)\b(?:[/:][^\s]*)?
            | (?<![\w/])(?:/[\w.-]+){3,}/?                            # /a/path/of/files"""
        ),
    ),
    ("uid", _as_written(r"(?<![\w.])[0-2](?:\.\d+){4,}(?![\w])")),
    (
        "ip-address",
        _any_case(
            r"""(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?!\w)
            | (?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}(?![\w:])"""
        ),
    ),
    (
        "birth",
        _any_case(
            rf"""(?<![^\W_])(?:{BIRTH_LABELS})[\s:.=-]*(?:
                  \d{{1,4}}[\s./-]{{1,2}}(?:\d{{1,2}}|{_LETTER}{{3,10}})[\s./,-]{{1,2}}\d{{1,4}}
                | \d{{8}} | \d{{1,2}}{_LETTER}{{3}}\d{{2,4}} | {_LETTER}{{3,10}}\s\d{{1,2}},?\s\d{{2,4}} | (?:19|20)\d\d
                )(?!\w)"""
        ),
    ),
    ("phone", _any_case(rf"\b(?:{PHONE_LABELS})\b[\s.:\#=-]*(?:nr|no|number)?[\s.:\#]*\+?[(\d][\d\s()/.-]*\d")),
    ("phone", _as_written(r"(?<![\w.])(?:\+|00)\d[\d\s()/.-]{5,}\d(?!\w)")),
    ("phone", _as_written(r"(?<![\w.])\(\d{2,5}\)\s?\d[\d\s/.-]{2,}\d(?!\w)")),
    (
        "number",
        _any_case(
            rf"""(?<![^\W_])(?:{NUMBER_LABELS})\b\.?(?:\s?[:\#=№]+\s?|\s?(?:nr|no)\.?\s|\s)\#?\s?
            (?=[^\s]*\d)[^\W_][\w./-]*[^\W_]?(?:[ ]\d[\d-]*)*"""
        ),
    ),
    ("number", _as_written(r"\#\s?\d[\w-]{2,} | №\s?\d[\w-]*")),
    (
        "name",
        _any_case(
            rf"""(?<![^\W_])(?:{NAME_LABELS})\s?[:=]\s*
            (?:{_LETTER}(?:['\u2019.-]?{_LETTER})*\.?(?:,?[ ]|\^|,)?){{1,3}}"""
        ),
    ),
    (
        "name",  # J. Head, J. B. Head-Hand; letters that stand for arteries, sides and the like are left to `people`
        _as_written(
            rf"""(?<!\w)(?!G\.[ ]?E\.)[BDFGHIJKOPQSUWXYZ]\.[ ]?(?:{_CAPITAL}\.[ ]?)*
            (?:{_CAPITAL}{_LETTER}+)(?:-{_CAPITAL}{_LETTER}+)?"""
        ),
    ),
    (
        "address",
        _any_case(
            rf"""(?<![\w.])\d{{1,5}}[a-z]?,?\s+(?:{_LETTER}+\.?\s+){{1,3}}(?:{STREETS_AFTER_NUMBER})\b\.?
            (?:\s?(?:apt|suite|unit|fl(?:oor)?|\#)\.?\s?\w+)?"""
        ),
    ),
    (
        "address",
        _any_case(rf"""(?<!\w)(?:{_LETTER}+[ -]){{0,2}}{_LETTER}*(?:{STREETS_BEFORE_NUMBER})\s*\d{{1,4}}\s?[a-z]?\b"""),
    ),
    (
        "address",
        _any_case(
            rf"""(?<!\w)\d{{0,4}},?\s?(?:bis\s)?(?:{STREETS_IN_FRENCH})\s
            (?:(?:de|du|des|la|le|l)['\u2019\s]){{0,2}}{_LETTER}+(?:[ -]{_LETTER}+)?"""
        ),
    ),
    (
        "address",
        _any_case(
            rf"""(?<!\w)(?:{STREETS_IN_THE_SOUTH})\.?\s(?:(?:de|del|della|dei|da|do|dos|la|los)\s){{0,2}}
            {_LETTER}+(?:\s{_LETTER}+){{0,2}},?\s(?:n[º°.]?\s?)?\d{{1,4}}\w?\b"""
        ),
    ),
    ("address", _any_case(r"\bp\.?\s?o\.?\s?box\s\d+ | \bpostfach\s\d+")),
    (
        "address",  # 10115 Berlin, MA 02115, SW1A 1AA, 1234 AB Delft
        _as_written(
            rf"""(?<![\w.])(?:[A-Z]{{1,2}}-)?\d{{5}}(?:-\d{{4}})?\s{_CAPITAL}{_LETTER}+
            | \b[A-Z]{{2}}\s\d{{5}}(?:-\d{{4}})?\b
            | \b(?!T[12][ ])[A-Z]{{1,2}}\d[A-Z\d]?\s\d(?!MM|CM|ML|MG|KV|MA|MS|HZ|SL|CH|NM|XX|PH)[ABD-HJLNP-UW-Z]{{2}}\b
            | \b[1-9]\d{{3}}\s[A-Z]{{2}}\s[A-Z][a-z]+"""
        ),
    ),
    ("name", _as_written(rf"(?<!\w)(?:Hr|Fr)\.\s{_CAPITAL}{_LETTER}+")),
)
_AGES = _any_case(
    rf"""(?<![\w.,/])(?P<age>\d{{2,3}})(?P<unit>\s?-?\s?(?:{YEARS_OLD})(?:[ -]old)?\b)(?!\+)
    | \b(?:{AGE_LABELS})[\s:=]{{1,3}}(?P<age2>\d{{2,3}})\b(?!\+)
    | (?<![\w.,/])(?P<age3>\d{{2,3}})[ ]?/?[ ]?(?:(?:m|f|w|h)\b(?=\s*(?:$|[,;)]))|(?:fe)?male\b|männlich\b|weiblich\b)
    | (?<![\w/])(?:m|f|w|h)/(?P<age4>\d{{2,3}})\b(?![+/])"""
)
_LONGEST_LIFE_YEARS = 150
_TIMES = _any_case(
    r"""(?<![\w:./])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s?[ap]\.?m\b\.?)?(?:\sUhr\b)?(?![\w:])
    | (?<!\w)(?:[01]?\d|2[0-3])[h.][0-5]\d\s?(?:Uhr|h)\b
    | (?<!\w)(?:[01]?\d|2[0-3])\sUhr\b
    | (?<!\w)(?:[01]?\d|2[0-3])h[0-5]\d(?!\w)
    | (?<!\w)(?:0?[1-9]|1[0-2])\s?[ap]\.?m\b"""
)
_GROUPS = re.compile(r"(?<![\w.,])\d+(?:(?:[ ]?[-./ ()][ ]?|,)\d+)+(?!\w)", re.ASCII)
_DECIMALS = re.compile(
    r"\d{1,4}[.,]\d{1,4}(?:(?:[ ]?[-/][ ]?|[ ])\d{1,4}[.,]\d{1,4}|(?:[ ]?[-/][ ]?|[ ])\d{1,3})*", re.ASCII
)
_MIXED_DECIMALS = re.compile(r"(?:\d{1,3}[ /-]){0,3}\d{1,4}\.\d{1,3}(?:[ /-]\d{1,4}(?:\.\d{1,3})?)*", re.ASCII)
SHORTEST_GROUPED_NUMBER = 6


def identifying(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of what goes whatever it says, the surest kinds first."""
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield match.start(), match.end(), kind


def old_ages(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the number of an age over 89 years stands."""
    for match in _AGES.finditer(text):
        group = str(match.lastgroup if match.lastgroup != "unit" else "age")
        if OLDEST_AGE_YEARS < int(match[group]) < _LONGEST_LIFE_YEARS:
            yield match.span(group)


def times(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a time of day stands."""
    for match in _TIMES.finditer(text):
        yield match.start(), match.end()


def grouped_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield numbers of 6 digits and more with blanks or signs in between, but no rows of decimal fractions."""
    for match in _GROUPS.finditer(text):
        written = match[0]
        is_row = _DECIMALS.fullmatch(written) or _MIXED_DECIMALS.fullmatch(written)
        if not is_row and sum(map(str.isdigit, written)) >= SHORTEST_GROUPED_NUMBER:
            yield match.start(), match.end()
