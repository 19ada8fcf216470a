"""CTP's DicomPixelAnonymizer scripts as wishes; the reading itself is `config.ctp_script`.

Rule of the file: a condition that no device mask can say is no condition here, and is reported by the masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.datadict import keyword_for_tag

from config.ctp_condition import All, Comparison, ConditionError, parse_condition
from config.ctp_script import written_rules
from pipeline.recipes.wishes import MaskWish, Recipe, UnreadableRecipeError, shortened

if TYPE_CHECKING:
    from config.ctp_condition import Condition
    from config.ctp_script import WrittenRule

_VERBS = frozenset({"equals", "contains"})


def looks_like_pixels(text: str) -> bool:
    """Tell whether a text has at least one rule of this kind."""
    try:
        return any(True for _rule in written_rules(text))
    except ConditionError:
        return True


def read_pixels(text: str) -> Recipe:
    """Read a script.

    Raises
    ------
    UnreadableRecipeError
        A rule or a rectangle that is not understood.
    """
    try:
        masks = tuple(_mask(rule) for rule in written_rules(text))
    except ConditionError as error:
        raise UnreadableRecipeError(str(error)) from error
    return Recipe(form="a CTP DicomPixelAnonymizer script", masks=masks)


def _mask(rule: WrittenRule) -> MaskWish:
    return MaskWish(
        line=rule.line,
        what=shortened(rule.condition),
        conditions=_conditions(rule.condition),
        rectangles=rule.rectangles,
    )


def _conditions(written: str) -> tuple[tuple[str, str, str], ...]:
    """Return the comparisons if they are joined by `*` alone, else nothing."""
    try:
        condition = parse_condition(written)
    except ConditionError:
        return ()
    parts: tuple[Condition, ...] = condition.parts if isinstance(condition, All) else (condition,)
    comparisons = [part for part in parts if isinstance(part, Comparison) and part.method in _VERBS]
    if len(comparisons) < len(parts):
        return ()
    return tuple((keyword_for_tag(one.tag), one.method, one.value) for one in comparisons)
