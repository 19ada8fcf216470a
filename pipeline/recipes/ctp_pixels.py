"""CTP's DicomPixelAnonymizer scripts: conditions in braces, then rectangles `(left,top,width,height)`.

Rule of the file: text outside braces and parentheses is a comment. Source: RSNA MIRC wiki, "The CTP DICOM Pixel
Anonymizer".
"""

from __future__ import annotations

import re

from pydicom.datadict import keyword_for_tag

from pipeline.recipes.wishes import MaskWish, Recipe, shortened

_RULE = re.compile(r"\{([^{}]*)\}((?:\s*\(\s*-?\d+\s*,\s*-?\d+\s*,\s*\d+\s*,\s*\d+\s*\))+)")
_RECTANGLE = re.compile(r"\(\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)")
_CONDITION = re.compile(r'\s*(?:\[([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\]|(\w+))\.(\w+)\(\s*"([^"]*)"\s*\)\s*', re.ASCII)
_VERBS = {"equals": "equals", "equalsIgnoreCase": "equals", "contains": "contains", "containsIgnoreCase": "contains"}


def looks_like_pixels(text: str) -> bool:
    """Tell whether a text has at least one rule of this kind."""
    return _RULE.search(text) is not None


def read_pixels(text: str) -> Recipe:
    """Read a script."""
    return Recipe(
        form="a CTP DicomPixelAnonymizer script", masks=tuple(_mask(text, rule) for rule in _RULE.finditer(text))
    )


def _mask(text: str, rule: re.Match[str]) -> MaskWish:
    left, top, width, height = 1, 2, 3, 4
    return MaskWish(
        line=text.count("\n", 0, rule.start()) + 1,
        what=shortened(rule[1]),
        conditions=_conditions(rule[1]),
        rectangles=tuple(
            (int(one[left]), int(one[top]), int(one[width]), int(one[height])) for one in _RECTANGLE.finditer(rule[2])
        ),
    )


def _conditions(written: str) -> tuple[tuple[str, str, str], ...]:
    """Return the conditions if they are joined by `*` alone, else nothing."""
    found = [_CONDITION.fullmatch(part) for part in written.split("*")]
    if not all(one is not None and one[4] in _VERBS for one in found):
        return ()
    return tuple(
        (one[3] or keyword_for_tag(int(one[1] + one[2], 16)), _VERBS[one[4]], one[5])
        for one in found
        if one is not None
    )
