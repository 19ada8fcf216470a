"""Scrub the private attributes of one data set, block by block (PS3.5 7.8, PS3.15 E.3.10).

Rule of the file: a block is its creator's, and only the tables' own spelling of a creator is written; what has no
creator, or one that nobody knows, goes. A block of which nothing stays leaves no creator behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.private import csa
from pipeline.header.private.judging import judged, without_spelled
from pipeline.header.private.reading import read
from pipeline.header.private.safe import PrivateAction, PrivateAttribute, PrivateKey, safe_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.header.context import ScrubContext, ScrubItem

_FIRST_CREATOR, _LAST_CREATOR = 0x0010, 0x00FF
_CREATOR_NAME = PrivateAttribute(action=PrivateAction.CLEAN, vrs=("LO",), vm="", source="standard", name="")
_CREATOR_VRS = frozenset({None, "LO", "UN"})


def scrub_private(source: Dataset, context: ScrubContext, scrub_item: ScrubItem, depth: int) -> list[DataElement]:
    """Return the private elements of a data set that may stay, newly made, and the creators of their blocks.

    Parameters
    ----------
    source
        One data set of the original, not its items; only read. Call inside `silent_decoding`.
    scrub_item
        Scrubs the items of private sequences, private attributes in them included.
    depth
        Of `source`.

    Returns
    -------
    Elements by tag; the numbers of blocks are the source's.
    """
    known = context.rules.private
    if not known:
        return []
    kept: list[DataElement] = []
    creators: dict[tuple[int, int], str | None] = {}
    present = set()
    header = None
    for tag in sorted(tag for tag in source.keys() if tag.is_private):  # noqa: SIM118  iterating would decode
        if _FIRST_CREATOR <= tag.element <= _LAST_CREATOR:
            creators[tag.group, tag.element] = _creator(source, int(tag), context)
            continue
        creator = creators.get((tag.group, tag.element >> 8))
        if not creator:
            continue
        key = PrivateKey(tag.group, creator, tag.element & 0xFF)
        present.add(key)
        header = tag if key == csa.KEY else header
        attribute = known.get(key)
        if attribute is not None and attribute.action is not PrivateAction.REMOVE:
            element = read(source, int(tag), attribute, creator)
            scrubbed = None if element is None else _scrubbed(element, attribute, context, scrub_item, depth)
            kept.extend([] if scrubbed is None else [scrubbed])
    if header is not None:
        kept.extend(_out_of_csa(source.get_item(header).value, creators, present, context))
    kept = without_spelled(kept, context)
    used = {(element.tag.group, element.tag.element >> 8) for element in kept}
    names = [DataElement(block, "LO", creators[block]) for block in used]
    return sorted([*names, *kept], key=lambda element: int(element.tag))


def _out_of_csa(
    header: object, creators: dict[tuple[int, int], str | None], present: set[PrivateKey], context: ScrubContext
) -> Iterator[DataElement]:
    """Yield the safe attributes that a CSA header has values for and the data set does not have itself.

    A block that they need is added to `creators`, behind all others of its group.
    """
    for key, values in csa.taken_out(header if isinstance(header, bytes) else b"").items():
        block, attribute = _block_of(key, creators), safe_attributes()[key]
        if key in present or key not in context.rules.private or block > _LAST_CREATOR:
            continue
        vr = attribute.vrs[0]
        value = values if vr in {"CS", "DS", "IS"} else [float(text) if vr == "FD" else int(text) for text in values]
        element = judged(DataElement(block << 8 | key.element | key.group << 16, vr, value), attribute.vm, context)
        if element is not None:
            creators[key.group, block] = key.creator
            yield element


def _block_of(key: PrivateKey, creators: dict[tuple[int, int], str | None]) -> int:
    """Return the block of a creator, else the first one behind all others of the group."""
    numbers = [number for group, number in creators if group == key.group]
    own = [number for number in numbers if creators[key.group, number] == key.creator]
    return own[0] if own else max(numbers, default=_FIRST_CREATOR - 1) + 1


def _creator(source: Dataset, tag: int, context: ScrubContext) -> str | None:
    """Return whose block this is; None where it is nobody's whom the tables know, or the name identifies."""
    if source.get_item(tag).VR not in _CREATOR_VRS:
        return None
    element = read(source, tag, _CREATOR_NAME, "")
    if element is None or not isinstance(element.value, str):
        return None
    name = element.value.strip(" \0")
    return None if context.identifiers.in_text(name) else name


def _scrubbed(
    element: DataElement, attribute: PrivateAttribute, context: ScrubContext, scrub_item: ScrubItem, depth: int
) -> DataElement | None:
    if element.VR != "SQ":
        return judged(element, attribute.vm, context)
    items = [scrub_item(item, depth + 1) for item in element.value]
    if attribute.action is PrivateAction.CARRY:
        items = [_only_private(item) for item in items]
    return DataElement(element.tag, "SQ", Sequence(items)) if any(len(item) for item in items) else None


def _only_private(item: Dataset) -> Dataset:
    return Dataset({tag: element for tag, element in item.items() if tag.is_private})
