"""When the next study may begin."""

from datetime import datetime, timedelta, timezone

import pytest

from gateway.pacing import Pace, Window, parse_rate, parse_window

ZONE = timezone(timedelta(hours=1))


def _at(hour, minute, second=0):
    return datetime(2026, 3, 1, hour, minute, second, tzinfo=ZONE)


@pytest.mark.parametrize(("text", "seconds"), [("30/min", 2), ("1/s", 1), ("60/h", 60), ("500/h", 7.2)])
def test_a_rate_is_studies_per_time(text, seconds):
    """Seconds between two."""
    assert parse_rate(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["30", "0/min", "-1/min", "1/d", "1 / min", "many/min", "1.5/min"])
def test_another_rate_is_an_error(text):
    """Never guessed."""
    with pytest.raises(ValueError, match="write studies per time"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("now", "wait_s"),
    [
        (_at(20, 0), 0),
        (_at(23, 59, 59), 0),
        (_at(0, 0), 0),
        (_at(5, 59, 59), 0),
        (_at(6, 0), 14 * 3600),
        (_at(19, 59, 30), 30),
        (_at(12, 30), 7.5 * 3600),
    ],
)
def test_hours_may_go_over_midnight(now, wait_s):
    """The end does not belong to them."""
    assert parse_window("20:00-06:00").wait_s(now) == wait_s


def test_hours_of_one_day():
    """Before, within and after."""
    window = parse_window("08:15-17:00")

    assert window == Window(begin=495, end=1020)
    assert [window.wait_s(_at(*at)) for at in ((8, 0), (8, 15), (16, 59), (17, 0))] == [900, 0, 0, 15.25 * 3600]


@pytest.mark.parametrize("text", ["20-6", "24:00-06:00", "20:00-20:00", "20:60-06:00", "8:00-17:00", ""])
def test_other_hours_are_an_error(text):
    """Never guessed."""
    with pytest.raises(ValueError, match=r"hours of the day|same"):
        parse_window(text)


class _Time:
    """A clock that sleeping moves."""

    def __init__(self, begin):
        self.begin = begin
        self.passed = 0.0
        self.slept = []

    def clock(self):
        return self.passed

    def now(self):
        return self.begin + timedelta(seconds=self.passed)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.passed += seconds


def _pace(time, **settings):
    return Pace(announce=lambda _text: None, clock=time.clock, now=time.now, sleep=time.sleep, **settings)


def test_studies_keep_their_distance_and_the_first_does_not_wait():
    """What a study took itself counts."""
    time = _Time(_at(12, 0))
    pace = _pace(time, interval_s=10, window=None)

    pace.wait()
    assert time.passed == 0
    time.passed += 4
    pace.wait()
    assert time.slept == [6]
    time.passed += 40
    pace.wait()
    assert time.slept == [6]


def test_a_study_waits_for_its_hours_and_says_so_once():
    """Looking at the clock now and then, because a machine may have slept."""
    time, said = _Time(_at(19, 58)), []
    pace = Pace(
        interval_s=0, window=parse_window("20:00-06:00"), announce=said.append, clock=time.clock, now=time.now,
        sleep=time.sleep,
    )  # fmt: skip

    pace.wait()

    assert time.now() == _at(20, 0)
    assert max(time.slept) <= 30
    assert said == ["waiting until 20:00"]


def test_without_limits_nothing_waits():
    """No sleep at all."""
    time = _Time(_at(12, 0))
    pace = _pace(time, interval_s=0, window=None)
    for _ in range(5):
        pace.wait()

    assert time.slept == []
