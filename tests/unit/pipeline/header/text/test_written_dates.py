"""Dates in text move by whole days in the form in which they were written."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.header.text.written_dates import complete_dates, partial_dates

FORMS = (
    "{0:%Y-%m-%d}",
    "{0:%Y/%m/%d}",
    "{0:%Y%m%d}",
    "{0:%Y.%m.%d}",
    "{0:%d.%m.%Y}",
    "{0:%d.%m.%y}",
    "{0:%d %B %Y}",
    "{0:%d-%b-%Y}",
    "{0:%d-%b-%y}",
    "{0:%d%b%Y}",
    "{0:%B %d, %Y}",
    "{0:%b %d %Y}",
    "{0:%Y-%b-%d}",
    "{0:%Y-%m-%dT%H:%M}",
    "{0:%Y年%m月%d日}",
)


@given(st.dates(min_value=date(1930, 1, 1), max_value=date(2068, 12, 31)), st.integers(1, 400), st.sampled_from(FORMS))
def test_a_date_moves_in_its_form(day, days, form):
    """Whether days have a zero before them, and whether May is short, nobody can tell: both ways are allowed."""
    text = form.format(day)
    found = [written for _, _, written in complete_dates(f"x {text} y") if written is not None]
    moved = found[0].moved(days)
    earlier = day - timedelta(days=days)
    allowed = {
        form.format(earlier),
        form.replace("%d %", "X %").replace("%d, ", "X, ").replace("%d %Y", "X %Y").format(earlier),
    }
    allowed = {text.replace("X", str(earlier.day)) for text in allowed}
    if f"{day:%B}" == "May":
        allowed |= {text.replace(f"{earlier:%b}", f"{earlier:%B}") for text in allowed}
    assert moved in allowed


@pytest.mark.parametrize("text", ["03/04/2021", "03-04-2021", "05-06-07", "31/02/2021", "31.04.2021"])
def test_a_date_that_may_be_two_or_none_cannot_move(text):
    """It is found, so that it goes."""
    assert [written for _, _, written in complete_dates(text)] == [None]


@pytest.mark.parametrize(
    "text", ["May 2021", "05/2021", "2021-05", "12 May", "12.05.", "mai 2021", "2021年5月", "Q1 2021", "on 3/12"]
)
def test_a_partial_date_is_found(text):
    """A month, a year or a day without the rest."""
    assert list(partial_dates(text))


def test_a_month_stays_in_its_language():
    """And in its case and accents."""
    texts = ("12. März 2021", "12 MÄRZ 2021", "12 mars 2021", "12 de marzo de 2021", "12 marzo 2021", "12 maart 2021")
    moved = [next(written.moved(15) for _, _, written in complete_dates(text) if written) for text in texts]
    assert moved == [
        "25. Februar 2021",
        "25 FEBRUAR 2021",
        "25 février 2021"[:3] + "fevrier 2021",
        "25 de febrero de 2021",
        "25 febrero 2021",
        "25 februari 2021",
    ]
