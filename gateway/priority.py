"""In which order deliveries leave: `rules[].priority` as the ledger keeps it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.schema import Rule


class Priority(IntEnum):
    """What is smaller leaves first."""

    URGENT = 0
    NORMAL = 1
    OFF_PEAK = 2
    """After everything else, and only within `send.off_peak`."""

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """Return a rule's priority."""
        return cls[rule.priority.upper()]

    @classmethod
    def named(cls, rules: Sequence[Rule], name: str | None) -> Self:
        """Return the priority of the rule of this name, normal where there is none any more."""
        return next((cls.of(rule) for rule in rules if rule.name == name), cls(1))
