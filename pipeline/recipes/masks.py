"""Rectangles of a foreign recipe as device masks of a profile.

Rule of the file: a mask may fit more images than the foreign rule did, never fewer without being listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.recipes.wishes import Missing

if TYPE_CHECKING:
    from pipeline.recipes.wishes import MaskWish

_NAMES = {"StationName": "station_name", "ManufacturerModelName": "manufacturer_model"}
_WRITE = "write a mask with the device's own name and frame size"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskLine:
    """One line of `masks:`, and the line that it comes from; `names` are `station_name` and `manufacturer_model`."""

    names: tuple[tuple[str, str], ...]
    columns: int
    rows: int
    rectangles: tuple[tuple[int, int, int, int], ...]
    comment: str


def mask_of(wish: MaskWish) -> tuple[MaskLine | None, Missing | None]:
    """Return the mask for a wish, and what of the wish it does not do."""
    names = tuple((_NAMES[keyword], value) for keyword, _verb, value in wish.conditions if keyword in _NAMES)
    rows, columns = _size(wish, "Rows"), _size(wish, "Columns")
    if not wish.conditions:
        return None, _missing(wish, "its conditions are alternatives, or of a kind that a mask has not", _WRITE)
    if not names or len(dict(names)) != len(names):
        return None, _missing(wish, "a mask fits one station or one model, by its name", _WRITE)
    if rows is None or columns is None:
        return None, _missing(
            wish, "a mask fits one frame size, and the recipe does not say both rows and columns", _WRITE
        )
    rectangles = tuple(_inside(one, columns, rows) for one in wish.rectangles)
    if not all(left < right and top < bottom for left, top, right, bottom in rectangles):
        return None, _missing(wish, "a rectangle lies outside the frame", _WRITE)
    line = MaskLine(
        names=names,
        columns=columns,
        rows=rows,
        rectangles=tuple(dict.fromkeys(rectangles)),
        comment=f"line {wish.line}: {wish.what}",
    )
    if any(verb == "contains" for keyword, verb, _value in wish.conditions if keyword in {*_NAMES, "Rows", "Columns"}):
        why = "a mask fits names that are equal; the recipe means all that contain the text"
        return line, _missing(wish, why, "write one mask for each name that your devices send")
    return line, None


def _size(wish: MaskWish, keyword: str) -> int | None:
    sizes = [value for name, _verb, value in wish.conditions if name == keyword]
    return int(sizes[0]) if len(sizes) == 1 and sizes[0].isascii() and sizes[0].isdigit() and int(sizes[0]) else None


def _inside(rectangle: tuple[int, int, int, int], columns: int, rows: int) -> tuple[int, int, int, int]:
    """Turn left, top, width, height into edges inside the frame."""
    left, top, width, height = rectangle
    left = left if left >= 0 else columns + left
    top = top if top >= 0 else rows + top
    return max(left, 0), max(top, 0), min(left + width, columns), min(top + height, rows)


def _missing(wish: MaskWish, why: str, instead: str) -> Missing:
    return Missing(line=wish.line, what=f"rectangles for {wish.what}", why=why, instead=instead)
