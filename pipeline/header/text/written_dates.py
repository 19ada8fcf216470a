"""Dates as people and devices write them: found, and moved by whole days in the form in which they were written.

Rule of the file: only a complete and unambiguous date can be moved; 03/04/2021 is a March or an April day, so it
cannot. A partial one is found all the same, so that it goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.header.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

_MONTHS_BY_LANGUAGE = (
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "jan feb mär apr mai jun jul aug sep okt nov dez",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ene feb mar abr may jun jul ago sep oct nov dic",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "jan fev mar abr mai jun jul ago set out nov dez",
)
_TABLES: tuple[tuple[str, ...], ...] = tuple(tuple(line.split()) for line in _MONTHS_BY_LANGUAGE)
_LINKED_FIRST = (6, 7, 12, 13, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11)
_POINTED_FIRST = (2, 3, 0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
_WRITTEN_MONTHS = {name for table in _TABLES for name in table} | {fold(name) for table in _TABLES for name in table}
_WRITTEN_MONTHS |= {"sept", "maerz"}
MONTH_WORDS = frozenset(fold(name) for name in _WRITTEN_MONTHS)
_MONTH = f"(?P<name>{'|'.join(sorted(_WRITTEN_MONTHS, key=len, reverse=True))})"
_TIME = (
    r"(?:(?:[ ,]{1,2}|T|\s(?:at|um|à|a las|alle|om|às)\s|\s-\s)"
    r"(?:[01]?\d|2[0-3])[:h][0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:\s?[AaPp]\.?[Mm]\b\.?)?(?:\sUhr\b)?)?"
)
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_SHORT_YEAR = r"'?(?P<y>(?:19|20)\d\d|\d\d)"
_BEFORE, _AFTER = r"(?<![^\W_])(?<!\d[.,/:-])", r"(?![^\W_])(?![.,/:-]\d)"
_DAY, _NUMBER = r"(?P<d>0?[1-9]|[12]\d|3[01])", r"(?P<m>0?[1-9]|1[0-2])"
_ORDINAL = r"(?P<ordinal>st|nd|rd|th|er|ère|º|ª|\.(?=\s|[^\W\d_]))?"
_FLAGS = re.IGNORECASE

_NUMERIC = re.compile(
    rf"{_BEFORE}(?P<a>\d{{1,2}})(?P<sep>\s?[./-]\s?)(?P<b>\d{{1,2}})(?P=sep){_SHORT_YEAR}{_TIME}{_AFTER}", _FLAGS
)
_YEAR_FIRST = re.compile(
    rf"{_BEFORE}{_YEAR}(?P<sep>[./_-]|年\s?){_NUMBER}(?:(?P=sep)|[./-]|月\s?){_DAY}日?{_TIME}(?![^\W_])", _FLAGS
)
_COMPACT = re.compile(
    rf"{_BEFORE}{_YEAR}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
    rf"(?:[T_ ]?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\.\d{{1,6}})?)?)?{_AFTER}"
)
_DAY_MONTH = re.compile(
    rf"{_BEFORE}{_DAY}{_ORDINAL}[\s./-]{{0,2}}(?P<link>of\s|de\s)?"
    rf"{_MONTH}\.?[\s.,/-]{{0,2}}(?P<link2>de\s|del\s)?{_SHORT_YEAR}{_TIME}{_AFTER}",
    _FLAGS,
)
_MONTH_DAY = re.compile(
    rf"{_BEFORE}{_MONTH}\.?[\s./-]{{1,2}}{_DAY}{_ORDINAL}(?:,?\s|[,/-]){_SHORT_YEAR}{_TIME}{_AFTER}", _FLAGS
)
_YEAR_MONTH_NAME = re.compile(rf"{_BEFORE}{_YEAR}[\s./-]{_MONTH}\.?[\s./-]{_DAY}{_TIME}{_AFTER}", _FLAGS)
_COMPLETE = (_YEAR_FIRST, _COMPACT, _NUMERIC, _DAY_MONTH, _MONTH_DAY, _YEAR_MONTH_NAME)

_LONGEST_SHORT_MONTH = 3
_LONG_MONTHS = sorted((name for name in _WRITTEN_MONTHS if len(name) > _LONGEST_SHORT_MONTH), key=len, reverse=True)
_LONG_MONTH = f"(?:(?-i:May|MAY|Mai|MAI|Mei|mei)|{'|'.join(_LONG_MONTHS)})"
_ANY_MONTH = _MONTH.replace("?P<name>", "?:")
_PARTIAL = re.compile(
    rf"""{_BEFORE}(?:
      {_ANY_MONTH}\.?[\s./-]{{0,2}}(?:de\s|of\s|del\s)?'?(?:19|20)\d\d(?:\s?[-/]\s?(?:19|20)\d\d)?   # May 2021
    | {_ANY_MONTH}\.?[\s./-]?'\d\d                                 # May '21
    | (?:19|20)\d\d[\s./-]{_ANY_MONTH}                             # 2021 May
    | (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|er|º|\.)?[\s.-]{{0,2}}(?:of\s|de\s)?{_LONG_MONTH}     # 12 May
    | (?:0[1-9]|[12]\d|3[01])-?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|okt|dez)    # 12MAY
    | {_LONG_MONTH}\.?\s?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?  # May 12
    | (?:0?[1-9]|1[0-2])\s?[./-]\s?(?:19|20)\d\d                   # 05/2021
    | (?:19|20)\d\d\s?[./-]\s?(?:0[1-9]|1[0-2])                    # 2021-05
    | (?:19|20)\d\d\s?[/-]\s?(?:(?:19|20)\d\d|\d\d)                # 2020/21
    | (?:19|20)\d\d\s?年(?:\s?\d{{1,2}}\s?月)?(?:\s?\d{{1,2}}\s?日)? | \d{{1,2}}\s?月(?:\s?\d{{1,2}}\s?日)?
    | (?:0?[1-9]|[12]\d|3[01])(?P<roman>[./-]\s?)(?:I{{1,3}}|I?[VX]|VI{{1,3}}|XI{{1,2}})(?P=roman)
      (?:(?:19|20)\d\d|\d\d)                                       # 3.IV.21
    | Q[1-4][\s/-]?(?:19|20)\d\d
    )(?![^\W_])
    | {_BEFORE}(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.(?!\d)  # 12.05.
    | \b(?:on|vom|am|seit|dated?|du|le|del|dal|el|em|op|since|from|datum|fecha|data)[\s:]+
      \d{{1,2}}[./-]\d{{1,2}}(?![\w%]|[./-]\d)
    """,
    _FLAGS | re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenDate:
    """A complete date in a text.

    Parameters
    ----------
    text
        As written, with its time of day.
    day
        The date.
    spans
        Where year, month and day (and an ordinal's ending) stand in `text`.
    month_table
        The months of the language in which the month is named; None where it is a number.
    is_padded
        Whether days and months under 10 have a zero before them.
    """

    text: str = field(repr=False)
    day: date = field(repr=False)
    spans: tuple[tuple[int, int], ...]
    month_table: tuple[str, ...] | None
    is_padded: bool

    def moved(self, days: int) -> str | None:
        """Return the date moved back by `days`, written as before; None where that leaves the years 1 to 9999."""
        try:
            moved = self.day - timedelta(days=days)
        except OverflowError:
            return None
        year, month, day, ordinal = self.spans
        parts = [
            (year, f"{moved.year:04d}"[-(year[1] - year[0]) :]),
            (month, self._month(moved.month, self.text[slice(*month)])),
            (day, f"{moved.day:02d}" if self.is_padded else str(moved.day)),
            (ordinal, _ordinal(moved.day, self.text[slice(*ordinal)])),
        ]
        text = self.text
        for (start, end), written in sorted(parts, reverse=True):
            text = f"{text[:start]}{written}{text[end:]}"
        return text

    def _month(self, month: int, original: str) -> str:
        if self.month_table is None:
            return f"{month:02d}" if self.is_padded else str(month)
        name = self.month_table[month - 1]
        name = fold(name) if self.text.isascii() else name
        if original.isupper():
            return name.upper()
        return name.capitalize() if original[0].isupper() else name


def complete_dates(text: str) -> Iterator[tuple[int, int, WrittenDate | None]]:
    """Yield start, end and date of what is written like a complete date; None where it is none or may be two."""
    for form in _COMPLETE:
        for match in form.finditer(text):
            yield match.start(), match.end(), _read(form, match)


def partial_dates(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a month, a year or a day without the rest stands."""
    for match in _PARTIAL.finditer(text):
        yield match.start(), match.end()


def _read(form: re.Pattern[str], match: re.Match[str]) -> WrittenDate | None:
    groups = match.groupdict()
    if form is _NUMERIC:
        names = _order(groups["a"], groups["b"], groups["sep"].strip(), is_short=len(groups["y"]) == 2)  # noqa: PLR2004
        if names is None:
            return None
        day, month = names
    else:
        day, month = "d", "name" if "name" in groups else "m"
    table, number = _month_of(match, groups) if month == "name" else (None, int(groups[month]))
    year = int(groups["y"]) + (2000 if len(groups["y"]) == 2 else 0)  # noqa: PLR2004  leap years of both centuries agree
    try:
        found = date(year, number, int(groups[day]))
    except ValueError:
        return None
    offset = match.start()
    nowhere = (match.end(day), match.end(day))
    spans = [match.span("y"), match.span(month), match.span(day)]
    spans.append(match.span("ordinal") if groups.get("ordinal") else nowhere)
    return WrittenDate(
        text=match[0],
        day=found,
        spans=tuple((start - offset, end - offset) for start, end in spans),
        month_table=table,
        is_padded=_is_padded(groups[day], groups[month], is_tight=month == "name" and not _has_blanks(match)),
    )


def _order(first: str, second: str, separator: str, *, is_short: bool) -> tuple[str, str] | None:
    """Return the groups of day and month; None where a date may be read in two ways."""
    a, b = int(first), int(second)
    if separator == ".":
        return ("a", "b") if b <= 12 else ("b", "a")  # noqa: PLR2004  months
    if a > 12:  # noqa: PLR2004  same
        return None if is_short and separator == "-" else ("a", "b")
    return ("b", "a") if b > 12 or a == b else None  # noqa: PLR2004  same


def _month_of(match: re.Match[str], groups: dict[str, str | None]) -> tuple[tuple[str, ...], int]:
    """Return the months of the language in which a month is named, and its number."""
    name = fold(match["name"])
    name = {"sept": "sep", "maerz": "marz"}.get(name, name) if name not in _FOLDED_TABLES[5] else name
    order: tuple[int, ...] = tuple(range(len(_TABLES)))
    if groups.get("link") or groups.get("link2"):
        order = _LINKED_FIRST
    elif groups.get("ordinal") == ".":
        order = _POINTED_FIRST
    index = next(index for index in order if name in _FOLDED_TABLES[index])
    if len(name) == _LONGEST_SHORT_MONTH and name in _FOLDED_TABLES[index | 1] and not _has_blanks(match):
        index |= 1  # May is short for May
    return _TABLES[index], _FOLDED_TABLES[index].index(name) + 1


def _has_blanks(match: re.Match[str]) -> bool:
    """Tell whether a month's name stands between blanks, as words do: 12-MAY-2021 does not."""
    start, end = match.start("name") - match.start(), match.end("name") - match.start()
    return match[0][max(start - 1, 0) : start].isspace() or match[0][end : end + 1].isspace()


_FOLDED_TABLES = tuple(tuple(fold(name) for name in table) for table in _TABLES)


def _is_padded(day: str, month: str, *, is_tight: bool) -> bool:
    """Tell whether a date has two digits for a day below ten: 12-MAY-2021 and 05/12/2021 have, 12 May 2021 has not."""
    if day.startswith("0") or month.startswith("0"):
        return True
    return len(day) == 2 and (is_tight or len(month) == 2)  # noqa: PLR2004  digits


def _ordinal(day: int, original: str) -> str:
    """Return the ending of a day's number in the language of the original ending."""
    folded = original.lower()
    if folded in {"st", "nd", "rd", "th"}:
        ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")  # noqa: PLR2004  eleventh …
        return ending.upper() if original.isupper() else ending
    return "" if folded in {"er", "ère"} and day != 1 else original
