"""When a delivery is tried again: the whole decision as a table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.gateway import Send
from gateway.retry import next_delay

HIGHEST = 1 - 2**-53


def _settings(*, delay: int = 60, multiplier: float = 2, longest: int = 900, most: int = 0) -> Send:
    return Send(
        retry_delay=timedelta(seconds=delay),
        retry_delay_multiplier=multiplier,
        max_retry_delay=timedelta(seconds=longest),
        retry_max=most,
    )


@pytest.mark.parametrize(
    ("attempt", "settings", "shortest", "longest"),
    [
        (1, _settings(), 30, 60),
        (2, _settings(), 60, 120),
        (3, _settings(), 120, 240),
        (4, _settings(), 240, 480),
        (5, _settings(), 450, 900),
        (6, _settings(), 450, 900),
        (10**9, _settings(), 450, 900),
        (10**9, _settings(multiplier=1), 30, 60),
        (3, _settings(multiplier=1.5), 67.5, 135),
        (1, _settings(delay=900), 450, 900),
        (2, _settings(most=3), 60, 120),
    ],
)
def test_the_wait_grows_to_its_cap_and_jitter_takes_up_to_half(attempt, settings, shortest, longest):
    """Between a half and the whole of a capped exponential."""
    assert next_delay(attempt, settings, 0.0) == timedelta(seconds=shortest)
    assert timedelta(seconds=longest * 0.999) < next_delay(attempt, settings, HIGHEST) <= timedelta(seconds=longest)


@pytest.mark.parametrize(("attempt", "most", "is_last"), [(1, 1, True), (2, 3, False), (3, 3, True), (4, 3, True)])
def test_retry_max_counts_attempts_in_all(attempt, most, is_last):
    """The attempt that fills the count is the last one."""
    assert (next_delay(attempt, _settings(most=most), 0.5) is None) is is_last


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_impossible_arguments_are_a_fault_of_the_caller(attempt, jitter):
    """Neither a zeroth attempt nor a jitter of one exists."""
    with pytest.raises(ValueError, match="attempt counts"):
        next_delay(attempt, _settings(), jitter)
