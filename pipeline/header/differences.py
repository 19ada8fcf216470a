"""What differs between two data sets, element by element, down the sequences.

Rule of the file: pure, and it knows no rule of de-identification. It says what is the same, changed, emptied, gone or
new; who did it and why is asked elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from pipeline.header.decoding import Undecodable, check_depth, decoded, vr_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_CODE_VALUE = 0x00080100
_TELLING = (0x0040A040, _CODE_VALUE)
"""Value Type and Code Value: what two items are recognised by when some between are gone."""
_CONCEPT_NAME = 0x0040A043


class Kind(StrEnum):
    """How an element of the second data set stands to that of the first."""

    SAME = "same"
    """Same value; of a sequence: same number of items, which are compared on their own."""
    EMPTY = "empty"
    """Without a value in both."""
    CHANGED = "changed"
    """Another value; of a sequence: another number of items."""
    EMPTIED = "emptied"
    """Had a value, and has none."""
    GONE = "gone"
    """Only in the first."""
    NEW = "new"
    """Only in the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One element of either data set.

    Parameters
    ----------
    path
        Tags from the root down to the element; items are not counted.
    vr
        As the first data set has it, or the second where the element is new.
    before, after
        The elements; `UNDECODABLE` where bytes are no value.
    parent
        The data set that the element stands in: the first where it is there.
    """

    path: tuple[int, ...]
    vr: str
    kind: Kind
    before: DataElement | Undecodable | None = field(repr=False)
    after: DataElement | Undecodable | None = field(repr=False)
    parent: Dataset = field(repr=False)


def differences(
    before: Dataset, after: Dataset, *, swapped: bool = False, path: tuple[int, ...] = ()
) -> Iterator[Difference]:
    """Yield every element of both data sets once, in the order of their tags; call inside `silent_decoding`.

    Parameters
    ----------
    swapped
        The first data set was read as big endian, so that bytes of OW and its like count as the same when they are
        the other way round.

    Raises
    ------
    Held
        `RESOURCE_LIMIT` for sequences nested deeper than 40.
    """
    check_depth(len(path))
    for tag in sorted({*map(int, before.keys()), *map(int, after.keys())}):
        old = decoded(before, tag) if tag in before else None
        new = decoded(after, tag) if tag in after else None
        parent = before if old is not None else after
        yield Difference(
            path=(*path, tag),
            vr=vr_of(parent, tag),
            kind=_kind(old, new, swapped=swapped),
            before=old,
            after=new,
            parent=parent,
        )
        for first, second in _items(old, new):
            yield from differences(first, second, swapped=swapped, path=(*path, tag))


def _kind(old: DataElement | Undecodable | None, new: DataElement | Undecodable | None, *, swapped: bool) -> Kind:
    if old is None or new is None:
        return Kind.NEW if old is None else Kind.GONE
    if new.is_empty:
        return Kind.EMPTY if old.is_empty else Kind.EMPTIED
    if isinstance(old, Undecodable) or isinstance(new, Undecodable) or old.is_empty:
        return Kind.CHANGED
    if isinstance(old.value, Sequence) and isinstance(new.value, Sequence):
        return Kind.SAME if len(old.value) == len(new.value) else Kind.CHANGED
    return Kind.SAME if _same(old.value, new.value, swapped=swapped) else Kind.CHANGED


def _same(old: Any, new: Any, *, swapped: bool) -> bool:
    if isinstance(old, MultiValue | list) or isinstance(new, MultiValue | list):
        firsts, seconds = _parts(old), _parts(new)
        return len(firsts) == len(seconds) and all(
            _same(first, second, swapped=swapped) for first, second in zip(firsts, seconds, strict=True)
        )
    if isinstance(old, bytes | bytearray) and isinstance(new, bytes | bytearray):
        return bytes(old) == bytes(new) or (swapped and _reordered(bytes(old), bytes(new)))
    if isinstance(old, float) and isinstance(new, float):
        return old == new or (old != old and new != new)  # noqa: PLR0124  that is how a NaN is told
    return str(old).rstrip(" \0") == str(new).rstrip(" \0")


def _reordered(old: bytes, new: bytes) -> bool:
    """Tell whether the bytes are those of words of 2, 4 or 8 bytes in the other order."""
    return len(old) == len(new) and any(
        len(old) % size == 0 and b"".join(old[at : at + size][::-1] for at in range(0, len(old), size)) == new
        for size in (2, 4, 8)
    )


def _parts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, MultiValue | list) else [value]


def _items(old: Any, new: Any) -> Iterator[tuple[Dataset, Dataset]]:
    """Pair the items of two sequences: all where the numbers agree, else in order those that can be recognised."""
    if not isinstance(getattr(old, "value", None), Sequence) or not isinstance(getattr(new, "value", None), Sequence):
        return
    if len(old.value) == len(new.value):
        yield from zip(old.value, new.value, strict=True)
        return
    waiting = list(old.value)
    for item in new.value:
        place = next((place for place, one in enumerate(waiting) if _recognised(one, item)), None)
        if place is not None:
            yield waiting[place], item
            del waiting[: place + 1]


def _recognised(old: Dataset, new: Dataset) -> bool:
    """Tell whether an item may be what became of another: nothing in it that was not there, and the same meaning."""
    return set(new.keys()) <= set(old.keys()) and _meaning(old) == _meaning(new)


def _meaning(item: Dataset) -> list[str]:
    concepts = item[_CONCEPT_NAME].value if _CONCEPT_NAME in item else ()
    telling = [str(item[tag].value) for tag in _TELLING if tag in item]
    return telling + [str(concept[_CODE_VALUE].value) for concept in concepts if _CODE_VALUE in concept]
