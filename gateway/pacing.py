"""When the next study may be pulled: so many a minute, and only within hours of the day.

Rule of the file: what is decided is pure; only `Pace` knows clocks, and they can be replaced.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS_S = {"s": 1, "min": 60, "h": 3600}
_RATE = re.compile(r"([0-9]{1,6})/(s|min|h)", re.ASCII)
_WINDOW = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DAY_MINUTES = 24 * 60
_LONGEST_SLEEP_S = 30.0
"""Looked at the clock again after this: a machine may have slept, or its clock been set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Hours of the day, local time; the end may lie on the next day.

    Parameters
    ----------
    begin, end
        Minutes after midnight; the end does not belong to it.
    """

    begin: int
    end: int

    def wait_s(self, now: datetime) -> float:
        """Return how long until it is open, 0 while it is."""
        minute = now.hour * 60 + now.minute
        if (minute - self.begin) % _DAY_MINUTES < (self.end - self.begin) % _DAY_MINUTES:
            return 0.0
        left = timedelta(minutes=(self.begin - minute) % _DAY_MINUTES, seconds=-now.second)
        return max(left.total_seconds(), 1.0)


def parse_rate(text: str) -> float:
    """Return the seconds between two studies of `30/min`, `500/h` or `1/s`.

    Raises
    ------
    ValueError
        It is none of these.
    """
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ValueError("write studies per time: 30/min, 500/h or 1/s")
    return _UNITS_S[match[2]] / int(match[1])


def parse_window(text: str) -> Window:
    """Return the hours of `20:00-06:00`.

    Raises
    ------
    ValueError
        They are not written so, or begin and end are the same.
    """
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError("write hours of the day: 20:00-06:00")
    begin, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if begin == end:
        raise ValueError("begin and end are the same")
    return Window(begin=begin, end=end)


def _local_time() -> datetime:
    return datetime.now().astimezone()


class Pace:
    """Waits before each study.

    Parameters
    ----------
    interval_s
        From the beginning of one study to that of the next; 0 for no limit.
    window
        When studies may begin; None for always. One that has begun is brought to its end.
    announce
        Told a sentence before it waits for the window.
    clock, now, sleep
        Monotonic seconds, local time, and how to wait; replaced in tests.
    """

    def __init__(
        self,
        *,
        interval_s: float,
        window: Window | None,
        announce: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _local_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval_s = interval_s
        self._window = window
        self._announce = announce
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._due = clock()

    def wait(self) -> None:
        """Return when the next study may begin."""
        while (left := self._due - self._clock()) > 0:
            self._sleep(min(left, _LONGEST_SLEEP_S))
        self._wait_for_window()
        self._due = self._clock() + self._interval_s

    def _wait_for_window(self) -> None:
        if self._window is None or self._window.wait_s(self._now()) == 0:
            return
        self._announce(f"waiting until {self._window.begin // 60:02}:{self._window.begin % 60:02}")
        while (left := self._window.wait_s(self._now())) > 0:
            self._sleep(min(left, _LONGEST_SLEEP_S))
