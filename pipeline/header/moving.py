"""Elements of a copied object: read for places in an image, moved, and put in place of the source's.

Rule of the file: a copy shares what is not changed with its source, and the source never changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.decoding import Undecodable, decoded
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.plan import Box

_PIXEL_ORIGIN = 0x00480301


def move_points(dataset: Dataset, tags: Iterable[int], crop: Box | None) -> None:
    """Move points, column and row each, that must lie in what is left of the image."""
    if crop is None:
        return
    check_origin(dataset)
    left, top, right, bottom = crop
    for tag in tags:
        numbers = numbers_of(dataset, tag, None)
        moved = [number - (top if at % 2 else left) for at, number in enumerate(numbers)]
        pairs = zip(moved[::2], moved[1::2], strict=True)
        if not all(0 <= column <= right - left and 0 <= row <= bottom - top for column, row in pairs):
            raise held_back("coordinates lie in a part of the image that was cut away")
        put(dataset, tag, "FL", moved)


def check_origin(dataset: Dataset) -> None:
    """Raise where coordinates count from the corner of a larger image (Pixel Origin Interpretation)."""
    if text_of(dataset, _PIXEL_ORIGIN) not in ("", "FRAME"):
        raise held_back("coordinates count from the origin of a larger image")


def numbers_of(dataset: Dataset, tag: int, count: int | None) -> list[float]:
    """Return numbers: `count` of them, or, by None, pairs and at least one."""
    value = value_of(dataset, tag)
    try:
        numbers = [float(part) for part in value]
    except (TypeError, ValueError) as error:
        raise held_back("coordinates are no numbers") from error
    if (len(numbers) != count) if count is not None else (not numbers or len(numbers) % 2):
        raise held_back("coordinates are no pairs of numbers")
    return numbers


def change_items(dataset: Dataset, tag: int, change: Callable[[Dataset], None]) -> None:
    """Put copies of a sequence's items in its place, changed."""
    items = [copied(item) for item in items_of(dataset, tag)]
    for item in items:
        change(item)
    if items:
        put(dataset, tag, "SQ", Sequence(items))


def copied(dataset: Dataset) -> Dataset:
    """Return a data set of the same elements; what is put into it changes nothing in the source."""
    copied = Dataset(dict(dataset.items()))
    implicit, little = dataset.original_encoding
    copied.set_original_encoding(implicit, little, dataset.original_character_set)
    return copied


def put(dataset: Dataset, tag: int, vr: str, value: Any) -> None:
    """Put an element in place of another, which stays what it was."""
    dataset[tag] = DataElement(tag, vr, value)


def items_of(dataset: Dataset, tag: int) -> list[Dataset]:
    """Return the items of a sequence; none where there is none."""
    value = value_of(dataset, tag)
    return list(value) if isinstance(value, Sequence) else []


def value_of(dataset: Dataset, tag: int) -> Any:
    """Return a decoded value, None where there is none that can be decoded."""
    if tag not in dataset:
        return None
    element = decoded(dataset, tag)
    return None if isinstance(element, Undecodable) else element.value


def text_of(dataset: Dataset, tag: int) -> str:
    """Return a value as a text without padding."""
    return str(value_of(dataset, tag) or "").strip(" \0")


def held_back(why: str) -> Held:
    """Return the reason to hold: coordinates that cannot be moved for certain."""
    return Held(Reason.REFERENCES_CROPPED, why)
