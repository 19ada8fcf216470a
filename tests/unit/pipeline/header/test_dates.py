"""Dates move by whole days or not at all; ages over 89 are one age."""

import pytest

from pipeline.header.dates import publishable_age, shift, shift_date, shift_date_time


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("20230301", "20230228"),
        ("20240301", "20240229"),
        ("20230101", "20221231"),
        ("2023.03.01", "20230228"),
        ("20230301 ", "20230228"),
    ],
)
def test_a_date_moves_back_over_months_and_leap_years(value, moved):
    """The calendar's days, not arithmetic on digits."""
    assert shift_date(value, 1) == moved


@pytest.mark.parametrize(
    "value", ["", "2023", "202303", "20230231", "00010101", "20230301-20230302", "MILLER", "1.3.23"]
)
def test_a_partial_or_illegal_date_is_not_passed_on(value):
    """None, so that the caller has to decide."""
    assert shift_date(value, 1) is None


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("20230301235959.123456+0200", "20230228235959.123456+0200"),
        ("20230301", "20230228"),
        ("2023030112", "2023022812"),
        ("20230301-0500", "20230228-0500"),
    ],
)
def test_a_date_time_keeps_its_time_and_zone(value, moved):
    """Only the date part moves."""
    assert shift_date_time(value, 1) == moved


@pytest.mark.parametrize("value", ["2023", "202303011261", "20230301120000.1234567", "20230301 noon", "202303+0100"])
def test_a_partial_or_illegal_date_time_is_not_passed_on(value):
    """None, so that the caller has to decide."""
    assert shift_date_time(value, 1) is None


@pytest.mark.parametrize(
    ("value", "kept"), [("101530.25", "101530.25"), ("10:15", "10:15"), ("late", None), ("2561", None)]
)
def test_a_time_stays_if_it_is_one(value, kept):
    """Text in a TM is no time."""
    assert shift("TM", value, 30) == kept


@pytest.mark.parametrize(
    ("value", "published"),
    [
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("091Y", "090Y"),
        ("95Y", "090Y"),
        ("7y", "007Y"),
        ("013M", "013M"),
        ("999D", "999D"),
        ("old", None),
        ("95", None),
    ],
)
def test_ages_over_89_are_one_age(value, published):
    """A centenarian is nearly a name."""
    assert publishable_age(value) == published
