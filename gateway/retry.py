"""When a delivery is tried again. Pure: no clock, no randomness of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

_LEAST_SHARE = 0.5


class RetrySettings(Protocol):
    """The `send` section of `gateway.yaml`, as far as waiting goes."""

    @property
    def retry_delay(self) -> timedelta:
        """The wait after the first failed attempt."""

    @property
    def retry_delay_multiplier(self) -> float:
        """What each further wait is multiplied with; at least 1."""

    @property
    def max_retry_delay(self) -> timedelta:
        """No wait is longer."""

    @property
    def retry_max(self) -> int:
        """Attempts in all; 0 means for ever."""


def next_delay(attempt: int, settings: RetrySettings, jitter: float) -> timedelta | None:
    """Return how long to wait after a failed attempt, or None when it was the last.

    The wait doubles (or what `retry_delay_multiplier` says) up to `max_retry_delay`; of that, between a half and the
    whole is taken, so that deliveries that failed together do not come back together.

    Parameters
    ----------
    attempt
        The attempt that failed, 1 for the first.
    settings
        The configured delays.
    jitter
        A random number in [0, 1).

    Raises
    ------
    ValueError
        `attempt` below 1 or `jitter` outside [0, 1): a fault of the caller.
    """
    if attempt < 1 or not 0 <= jitter < 1:
        raise ValueError("attempt counts from 1 and jitter lies in [0, 1)")
    if settings.retry_max and attempt >= settings.retry_max:
        return None
    longest = settings.max_retry_delay.total_seconds()
    wait = min(settings.retry_delay.total_seconds(), longest)
    for _ in range(attempt - 1):
        # Multiplied step by step, and stopped at the cap: a power of a large attempt would overflow.
        if wait >= longest or settings.retry_delay_multiplier <= 1 or not wait:
            break
        wait = min(wait * settings.retry_delay_multiplier, longest)
    return timedelta(seconds=wait * (_LEAST_SHARE + (1 - _LEAST_SHARE) * jitter))
