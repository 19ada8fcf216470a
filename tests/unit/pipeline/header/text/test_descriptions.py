"""A table of texts as they stand in headers: names, numbers and dates go, medical words stay."""

import pytest
from pydicom.dataset import Dataset

from pipeline.header.collect import collect_identifiers
from pipeline.header.table import compile_rules
from pipeline.header.text import TextCleaner
from tests.factories.descriptions import ALL, DEVICES, PATIENT, SERIES
from tests.factories.profiles import STRICT


def cleaner(shift_days=None, **attributes):
    """Return the cleaner of an object with these attributes."""
    dataset = Dataset()
    for keyword, value in (attributes or PATIENT).items():
        setattr(dataset, keyword, value)
    identifiers = collect_identifiers(dataset, compile_rules(STRICT), keep_words=())
    return TextCleaner(identifiers=identifiers, shift_days=shift_days)


GONE, MOVED = cleaner(), cleaner(10)


def test_the_table_is_long_enough_to_mean_something():
    """At least 150 different texts."""
    assert len({row[0] for row in ALL}) >= 150


@pytest.mark.parametrize(("text", "without_dates", "moved"), ALL)
def test_what_may_stay_stays_and_the_rest_is_gone(text, without_dates, moved):
    """With dates removed and with dates moved."""
    assert GONE.clean(text) == without_dates
    assert MOVED.clean(text) == (without_dates if moved is None else moved)


@pytest.mark.parametrize("row", ALL)
def test_cleaning_twice_is_cleaning_once(row):
    """Where dates go."""
    cleaned = GONE.clean(row[0])
    assert GONE.clean(cleaned) == cleaned
    assert GONE.is_clean(cleaned)


@pytest.mark.parametrize("row", ALL)
def test_the_explanation_tells_what_happens(row):
    """Something is removed, moved or replaced exactly where a text changes."""
    decisions = MOVED.explain(row[0])
    assert any(decision.outcome != "kept" for decision in decisions) is not MOVED.is_clean(row[0])
    assert all(decision.rule for decision in decisions)
    assert all(decision.text not in repr(decision) for decision in decisions if len(decision.text) > 8)


@pytest.mark.parametrize("row", [*SERIES, *DEVICES])
def test_a_word_of_this_patient_goes_from_every_text(row):
    """A patient named like the first word of a text, if that word may be a name at all."""
    text = f"{row[0]} Cooper"
    assert "cooper" not in GONE.clean(text).lower()
