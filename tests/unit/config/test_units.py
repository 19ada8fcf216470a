"""Durations, sizes and shares as a person writes them."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Retention, Storage
from config.units import format_duration, format_size, parse_duration, parse_share, parse_size


@given(st.integers(0, 36_500 * 86_400))
def test_every_whole_number_of_seconds_survives_writing_and_reading(seconds):
    """A duration is read back as it was written."""
    duration = timedelta(seconds=seconds)

    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(0, 10**18))
def test_every_number_of_bytes_survives_writing_and_reading(size_bytes):
    """A size is read back as it was written."""
    assert parse_size(format_size(size_bytes)) == size_bytes


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.integers(min_value=0).map(str)))
def test_no_bare_number_is_ever_a_duration_or_a_size(value):
    """A missing unit is never guessed."""
    for parse in (parse_duration, parse_size):
        with pytest.raises(ValueError, match="unit"):
            parse(value)


@given(st.text(max_size=12))
def test_whatever_is_written_gives_a_value_or_a_value_error(text):
    """No text makes a parser fail in another way."""
    for parse in (parse_duration, parse_size, parse_share):
        try:
            parse(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("0s", 0), ("30s", 30), ("10m", 600), ("24h", 86_400), ("3d", 259_200), ("5 m", 300)],
)
def test_durations_have_the_units_of_the_example(written, seconds):
    """`s`, `m`, `h` and `d` are known."""
    assert parse_duration(written).total_seconds() == seconds


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [("0B", 0), ("3kB", 3_000), ("20GB", 20 * 10**9), ("512MiB", 512 * 2**20), ("1TiB", 2**40)],
)
def test_decimal_and_binary_units_are_different(written, size_bytes):
    """`GB` counts in thousands, `GiB` in 1024s."""
    assert parse_size(written) == size_bytes


@pytest.mark.parametrize(
    ("parse", "written", "said"),
    [
        (parse_duration, 30, "such as 30s"),
        (parse_duration, "30", "such as 30s"),
        (parse_duration, "30sec", "unknown unit 'sec'"),
        (parse_duration, "-5s", "whole number and a unit"),
        (parse_duration, "1.5h", "whole number and a unit"),
        (parse_duration, "40000d", "too long"),
        (parse_duration, None, "this is not a duration"),
        (parse_size, 20, "such as 20MB"),
        (parse_size, "20gb", "unknown unit 'gb'"),
        (parse_size, "9999999TB", "too large"),
        (parse_size, True, "this is not a size"),
        (parse_share, 20, "such as 20%"),
        (parse_share, "0%", "more than 0%"),
        (parse_share, "120%", "at most 100%"),
        (parse_share, "a fifth", "such as 20%"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(parse, written, said):
    """Every error names a correct spelling."""
    with pytest.raises(ValueError, match=said):
        parse(written)


def test_a_share_is_a_fraction():
    """`20%` is 0.2."""
    assert parse_share("20%") == pytest.approx(0.2)


def test_code_may_use_the_values_themselves():
    """Tests and tools build sections without writing units; a file never may."""
    storage = Storage(path=Path("/x"), reserve_space=1000, retention=Retention(outputs=timedelta(hours=1)))

    assert (storage.reserve_space, storage.retention.outputs) == (1000, timedelta(hours=1))
