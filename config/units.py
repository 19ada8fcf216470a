"""Durations, sizes and shares as a person writes them, and back.

Rule of the file: a number without its unit is never guessed; the error says what to write.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_LONGEST = timedelta(days=36_500)
_LARGEST_BYTES = 10**18
_QUANTITY = re.compile(r"([0-9]{1,18})\s?([A-Za-z]+)", re.ASCII)
_HOURS = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s?%", re.ASCII)


def parse_duration(value: object) -> timedelta:
    """Read a duration: a whole number with `s`, `m`, `h` or `d`.

    Parameters
    ----------
    value
        Text such as `30s`, `10m`, `24h`, `3d`, `0s`, or a `timedelta`, which is returned as it is.

    Raises
    ------
    ValueError
        No unit, an unknown unit, or longer than 36500 days.
    """
    if isinstance(value, timedelta):
        return value
    number, seconds = _quantity(value, _SECONDS, what="a duration", example="30s, 10m, 24h or 3d", bare="s")
    if number * seconds > _LONGEST.total_seconds():
        raise ValueError(f"{value} is too long; the longest duration is {_LONGEST.days}d")
    return timedelta(seconds=number * seconds)


def format_duration(value: timedelta) -> str:
    """Write whole seconds as a duration that `parse_duration` reads back, in the largest unit that fits."""
    seconds = int(value.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_size(value: object) -> int:
    """Read a size as bytes: a whole number with a decimal (`GB`) or binary (`GiB`) unit.

    Parameters
    ----------
    value
        Text such as `20GB`, `512MiB`, `0B`. A bare number is an error, 0 included.

    Raises
    ------
    ValueError
        No unit, an unknown unit, or more than 10**18 bytes.
    """
    number, factor = _quantity(value, _BYTES, what="a size", example="20GB or 512MiB", bare="MB")
    if number * factor > _LARGEST_BYTES:
        raise ValueError(f"{value} is too large")
    return number * factor


def format_size(size_bytes: int) -> str:
    """Write bytes as a size that `parse_size` reads back, in the largest unit that divides it."""
    for unit, factor in sorted(_BYTES.items(), key=lambda item: -item[1]):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return f"{size_bytes}B"


def parse_share(value: object) -> float:
    """Read a share such as `20%` as a fraction, more than 0 and at most 1.

    Raises
    ------
    ValueError
        No percent sign, or not within 0 and 100 %.
    """
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        hint = f"{value}%" if _is_number(value) else "20%"
        raise ValueError(f"{_shown(value)} is not a share; write a percentage such as {hint}")
    share = float(match[1]) / 100
    if not 0 < share <= 1:
        raise ValueError(f"{value} is not a share; write more than 0% and at most 100%")
    return share


def _hours(value: str) -> str:
    if _HOURS.fullmatch(value) is None or value[:5] == value[6:]:
        raise ValueError("write hours of the day such as 20:00-06:00")
    return value


def _quantity(value: object, units: dict[str, int], *, what: str, example: str, bare: str) -> tuple[int, int]:
    """Split text into its number and its unit's factor; errors name units and an example."""
    if _is_number(value) or (isinstance(value, str) and value.isdecimal()):
        raise ValueError(f"{value} has no unit; write {what} such as {value}{bare} (units: {', '.join(units)})")
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{_shown(value)} is not {what}; write a whole number and a unit, such as {example}")
    if match[2] not in units:
        raise ValueError(f"unknown unit {match[2]!r}; write {what} such as {example} (units: {', '.join(units)})")
    return int(match[1]), units[match[2]]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else "this"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ ?[smhd]$", "examples": ["30s", "10m", "24h", "3d"]}),
]
"""A length of time, written `30s`, `10m`, `24h` or `3d`."""


def _size(value: object, info: ValidationInfo) -> int:
    """Read a size; from Python code, where no file is being read, whole numbers are bytes already."""
    if info.context is None and type(value) is int:
        return value
    return parse_size(value)


def _some_time(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("0s is no time to wait; write at least 1s")
    return value


Wait = Annotated[Duration, AfterValidator(_some_time)]
"""A length of time of at least one second."""

Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ ?([kMGT]?B|[KMGT]iB)$", "examples": ["20GB", "512MiB"]}),
]
"""A number of bytes, written `20GB` or `512MiB`."""

Share = Annotated[
    float,
    BeforeValidator(parse_share),
    WithJsonSchema({"type": "string", "pattern": "^[0-9.]+ ?%$", "examples": ["20%"]}),
]
"""A fraction, more than 0 and at most 1, written `20%`."""

Hours = Annotated[
    str,
    AfterValidator(_hours),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$", "examples": ["20:00-06:00"]}),
]
"""Hours of the day, local time, written `20:00-06:00`; the end may lie on the next day and does not belong to it."""
