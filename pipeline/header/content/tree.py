"""A tree of content items, cleaned: Clean Structured Content (PS3.15 E.3.4) and what uses the same macros.

Rule of the file: the tree that leaves is built up from nothing, item by item; references between items, which name
places in the tree, are written last, when it is known what stands where.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.content.concepts import VALUE_TYPE, action_for_content, concept_of, text_of
from pipeline.header.content.values import MEASURED_VALUE_SEQUENCE, VALUES, cap_age, cleaned_value
from pipeline.header.decoding import Undecodable, check_depth, decoded
from pipeline.header.dummies import dummy_code
from pipeline.header.identifiers import parts_of
from pipeline.header.table import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.header.context import ScrubContext, ScrubItem

CONTENT_SEQUENCE = 0x0040A730
_RELATIONSHIP_TYPE = 0x0040A010
_CONCEPT_CODE_SEQUENCE = 0x0040A168
_REFERENCED_SOP_SEQUENCE = 0x00081199
_REFERENCED_ITEM = 0x0040DB73
_REFERENCES = frozenset({"COMPOSITE", "IMAGE", "WAVEFORM"})
_TEMPORAL_RANGE = (0x0040A132, 0x0040A138, 0x0040A13A)
"""Referenced Sample Positions, Time Offsets, DateTime: a TCOORD has one of them."""
_ONLY_WITH = {
    MEASURED_VALUE_SEQUENCE: "NUM",
    _CONCEPT_CODE_SEQUENCE: "CODE",
    **{tag: value_type for value_type, (tag, _) in VALUES.items()},
}
"""Attributes that carry a value of one type, and say nothing lawful in an item of another."""
_ROOT = (1,)


@dataclass(slots=True)
class _Node:
    """An item that stays.

    Parameters
    ----------
    place
        Of the original in its tree: positions from 1, the root first (PS3.3 C.18.9).
    target
        The place that an item by reference names; nothing for others.
    """

    place: tuple[int, ...]
    target: tuple[int, ...]
    dataset: Dataset
    children: list[_Node] = field(default_factory=list)


def clean_tree(original: DataElement, context: ScrubContext, scrub_item: ScrubItem, depth: int) -> DataElement | None:
    """Return a sequence of content items with what may stay; None where nothing does.

    A `pipeline.header.special.Treatment`.
    """
    nodes = _Cleaner(context, scrub_item).nodes(original.value, _ROOT, depth)
    while _without_dangling(nodes, {node.place for node in _walk(nodes)} | {_ROOT}):
        pass
    places: dict[tuple[int, ...], tuple[int, ...]] = {_ROOT: _ROOT}
    _place(nodes, _ROOT, places)
    items = _assembled(nodes, places)
    return DataElement(original.tag, "SQ", items) if items else None


class _Cleaner:
    def __init__(self, context: ScrubContext, scrub_item: ScrubItem) -> None:
        self._context = context
        self._scrub_item = scrub_item

    def nodes(self, items: Iterable[Dataset], parent: tuple[int, ...], depth: int) -> list[_Node]:
        """Return the items of one sequence that stay, and below each those of its own."""
        check_depth(depth + 1)
        found = (self._node(item, (*parent, position), depth + 1) for position, item in enumerate(items, start=1))
        return [node for node in found if node is not None]

    def _node(self, item: Dataset, place: tuple[int, ...], depth: int) -> _Node | None:
        target = _target_of(item)
        dataset = self._scrub_item(_without_value(item), depth) if target else self._item(item, depth)
        if dataset is None:
            return None
        node = _Node(place=place, target=target, dataset=dataset)
        if not target:
            node.children = self.nodes(_items(item, CONTENT_SEQUENCE), place, depth)
        return node

    def _item(self, item: Dataset, depth: int) -> Dataset | None:
        value_type, concept = text_of(item, VALUE_TYPE), concept_of(item)
        action = action_for_content(concept, value_type, self._context.rules.options)
        if action is Action.REMOVE:
            if value_type not in _REFERENCES or text_of(item, _RELATIONSHIP_TYPE) != "SELECTED FROM":
                return None
            action = Action.DUMMY  # coordinates need the image that they lie in (PS3.3 C.18.6.1.2)
        dataset = self._scrub_item(_without_value(item, value_type), depth)
        if value_type in VALUES:
            value = cleaned_value(item, value_type, concept, action, self._context)
            if value is None:
                return None
            dataset[value.tag] = value
        elif value_type == "NUM":
            cap_age(dataset.get(MEASURED_VALUE_SEQUENCE), concept)
        elif value_type == "CODE":
            if action is Action.DUMMY or not dataset.get(_CONCEPT_CODE_SEQUENCE):
                dataset[_CONCEPT_CODE_SEQUENCE] = DataElement(_CONCEPT_CODE_SEQUENCE, "SQ", Sequence([dummy_code()]))
        elif not _is_complete(dataset, value_type):
            return None
        return dataset


def _is_complete(dataset: Dataset, value_type: str) -> bool:
    if value_type in _REFERENCES:
        return bool(dataset.get(_REFERENCED_SOP_SEQUENCE))
    return value_type != "TCOORD" or any(tag in dataset for tag in _TEMPORAL_RANGE)


def _without_value(item: Dataset, value_type: str = "") -> Dataset:
    """Return an item without its children and without values that are not of its type or are cleaned here."""
    own = VALUES[value_type][0] if value_type in VALUES else 0
    rest = Dataset(
        {
            tag: stored
            for tag, stored in item.items()
            if tag not in (CONTENT_SEQUENCE, own) and _ONLY_WITH.get(int(tag), value_type) == value_type
        }
    )
    implicit, little = item.original_encoding
    rest.set_original_encoding(implicit, little, item.original_character_set)
    return rest


def _items(item: Dataset, tag: int) -> Sequence:
    if tag not in item:
        return Sequence()
    element = decoded(item, tag)
    if isinstance(element, Undecodable) or not isinstance(element.value, Sequence):
        return Sequence()
    return element.value


def _target_of(item: Dataset) -> tuple[int, ...]:
    if _REFERENCED_ITEM not in item:
        return ()
    element = decoded(item, _REFERENCED_ITEM)
    if isinstance(element, Undecodable):
        return ()
    return tuple(part for part in parts_of(element.value) if isinstance(part, int))


def _walk(nodes: list[_Node]) -> Iterator[_Node]:
    for node in nodes:
        yield node
        yield from _walk(node.children)


def _without_dangling(nodes: list[_Node], places: set[tuple[int, ...]]) -> bool:
    """Drop items by reference whose target has not stayed; tell whether one was dropped."""
    kept = [node for node in nodes if not node.target or node.target in places]
    dropped = len(kept) < len(nodes)
    nodes[:] = kept
    below = [_without_dangling(node.children, places) for node in kept]
    return dropped or any(below)


def _place(nodes: list[_Node], parent: tuple[int, ...], places: dict[tuple[int, ...], tuple[int, ...]]) -> None:
    for position, node in enumerate(nodes, start=1):
        places[node.place] = (*parent, position)
        _place(node.children, places[node.place], places)


def _assembled(nodes: list[_Node], places: dict[tuple[int, ...], tuple[int, ...]]) -> Sequence:
    items = []
    for node in nodes:
        if node.target:
            node.dataset[_REFERENCED_ITEM] = DataElement(_REFERENCED_ITEM, "UL", list(places[node.target]))
        children = _assembled(node.children, places)
        if children:
            node.dataset[CONTENT_SEQUENCE] = DataElement(CONTENT_SEQUENCE, "SQ", children)
        items.append(node.dataset)
    return Sequence(items)
