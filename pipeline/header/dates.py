"""Dates moved by whole days, and ages over 89.

Rule of the file: a value that is not a complete, legal date is never passed on; the caller gets None and decides.
Time of day, fractions and the zone of a DT stay as they are, so that DA and TM of one event stay together.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})|(\d{4})\.(\d{2})\.(\d{2})", re.ASCII)  # the second is ACR-NEMA's
_DATE_TIME = re.compile(
    r"(\d{8})((?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?([+-](?:0\d|1[0-4])[0-5]\d)?", re.ASCII
)
_PARTIAL_DATE_TIME = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])?(?:[+-](?:0\d|1[0-4])[0-5]\d)?", re.ASCII)
_TIME = re.compile(r"(?:[01]\d|2[0-3])(?::?[0-5]\d(?::?(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?", re.ASCII)
_AGE = re.compile(r"(\d{1,3})([DWMY])", re.ASCII)
OLDEST_AGE_YEARS = 89


def shift_date(value: str, days: int) -> str | None:
    """Return a DA moved back by `days`, as YYYYMMDD; None if `value` is no complete date (PS3.5 6.2)."""
    match = _DATE.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        moved = date(year, month, day) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"


def shift_date_time(value: str, days: int) -> str | None:
    """Return a DT moved back by `days`; None if its date is partial or `value` is illegal."""
    match = _DATE_TIME.fullmatch(value.strip())
    if match is None:
        return None
    moved = shift_date(match[1], days)
    return None if moved is None else f"{moved}{match[2] or ''}{match[3] or ''}"


def legal_time(value: str) -> str | None:
    """Return a TM as it is; None if it is not one."""
    return value if _TIME.fullmatch(value.strip()) else None


def is_legal(vr: str, value: str) -> bool:
    """Tell whether a value is a DA, DT or TM and no phone; a DT may lack month or day (PS3.5 6.2)."""
    if vr == "DT" and _PARTIAL_DATE_TIME.fullmatch(value.strip()):
        return True
    return shift(vr, value, 0) is not None


def shift(vr: str, value: str, days: int) -> str | None:
    """Return a DA, DT or TM of a patient whose dates move back by `days`; None if the value is partial or illegal."""
    if vr == "DA":
        return shift_date(value, days)
    return shift_date_time(value, days) if vr == "DT" else legal_time(value)


def publishable_age(value: str) -> str | None:
    """Return an AS, with every age over 89 years as 090Y; None if it is no age."""
    match = _AGE.fullmatch(value.strip().upper())
    if match is None:
        return None
    number, unit = int(match[1]), match[2]
    if unit == "Y" and number > OLDEST_AGE_YEARS:  # three digits of months end at 83 years
        return "090Y"
    return f"{number:03d}{unit}"
