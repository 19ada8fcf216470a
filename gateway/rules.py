"""Which rule decides about an instance. Pure: what is written in the configuration against what is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from config.schema import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules may ask about.

    Parameters
    ----------
    attribute
        Keyword → the values of that element at the top level of the data set, as text; empty where it is absent.
    """

    node: str
    calling_aet: str
    called_aet: str
    attribute: Callable[[str], Sequence[str]]


def choose(rules: Sequence[Rule], facts: Facts) -> Rule:
    """Return the first rule that matches; the configuration guarantees that the last one does."""
    return next(rule for rule in rules if matches(rule, facts))


def choose_late(rules: Sequence[Rule], facts: Facts, *, first: str) -> Rule:
    """Return the rule for an instance that came after its study was complete: the study's first one.

    Two things are stronger: a rule that holds or refuses just this instance, and that the first one is not for this
    sender.

    Parameters
    ----------
    first
        The rule by which the study's earliest instance was de-identified.
    """
    chosen = choose(rules, facts)
    if chosen.action is not None and not chosen.fallback:
        return chosen
    earlier = next((rule for rule in rules if rule.name == first and rule.action is None), None)
    if earlier is None or (earlier.sources and facts.node not in earlier.sources):
        return chosen
    return earlier


def matches(rule: Rule, facts: Facts) -> bool:
    """Tell whether a rule is for an instance: the sender is named, and every condition accepts a value."""
    if rule.fallback:
        return True
    if rule.sources and facts.node not in rule.sources:
        return False
    return all(match.accepts(_values(key, facts)) for key, match in rule.when.items())


def _values(key: str, facts: Facts) -> Sequence[str]:
    if key == "calling_aet":
        return (facts.calling_aet,)
    if key == "called_aet":
        return (facts.called_aet,)
    return facts.attribute(key)
