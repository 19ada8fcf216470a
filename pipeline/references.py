"""Places in images that were cropped before, said again by the objects that only refer to them.

Who calls the pipeline hands in what is known: source SOP Instance UID -> `FrameCrop`. PS3.3: C.18.6 (SCOORD: column and
row from the corner of the image), C.10.5 (annotations: in PIXEL units the same, in DISPLAY units parts of the displayed
area), C.10.4 (displayed area: pixels counted from 1, also outside the image), C.7.6.11 (shutter), C.21.2 (fiducials),
C.8.20 (segmentations: frames that lie on those of the image).

Rule of the file: a place moves only with the very image that it lies in; if that is not known, or the place was cut
away, the object is held.
"""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from pydicom.sequence import Sequence

from pipeline.coordinates import move_shutter
from pipeline.header.cropped import MAY_BE_CROPPED, points_into_cropped
from pipeline.header.decoding import check_depth, silent_decoding
from pipeline.header.identifiers import parts_of
from pipeline.header.kinds import KINDS, Kind
from pipeline.header.moving import (
    change_items,
    check_origin,
    copied,
    held_back,
    items_of,
    move_points,
    numbers_of,
    put,
    text_of,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydicom.dataset import Dataset

    from config.schema import Profile
    from pipeline.plan import Box
    from pipeline.records import FrameCrop


class KnownCrops(Protocol):
    """What is known of images that left before: a mapping, or whoever answers like one."""

    def get(self, source_uid: str, /) -> FrameCrop | None:
        """Return what was left of an image by its source SOP Instance UID; None where that is not known."""
        ...


NO_CROPS: Mapping[str, FrameCrop] = MappingProxyType({})
"""Nothing is known of any image."""
_CONTENT = 0x0040A730
_VALUE_TYPE, _RELATIONSHIP, _REFERENCED_ITEM = 0x0040A040, 0x0040A010, 0x0040DB73
_REFERENCED_SOP, _SOP_CLASS, _SOP_INSTANCE = 0x00081199, 0x00081150, 0x00081155
_SERIES, _IMAGES = 0x00081115, 0x00081140
_GRAPHIC_DATA = 0x00700022
_ANNOTATIONS, _AREAS = 0x00700001, 0x0070005A
_AREA_CORNERS = (0x00700052, 0x00700053)
_DRAWN = (
    # sequence, units, and the places that are in these units
    (0x00700008, 0x00700003, (0x00700010, 0x00700011)),  # text: bounding box
    (0x00700008, 0x00700004, (0x00700014,)),  # text: anchor point
    (0x00700009, 0x00700005, (_GRAPHIC_DATA,)),  # graphic
    (0x00700209, 0x00700282, (_GRAPHIC_DATA, 0x00700273)),  # compound graphic, and the point around which it is turned
)
_STANDARD = "1.2.840.10008."
_S = _STANDARD + "5.1.4.1.1."
_SOFTCOPY = frozenset({_S + "11.1", _S + "11.2", _S + "11.3"})
_FIDUCIALS = _S + "66.2"
_FRAMES_ON_FRAMES = frozenset({_S + "66.4", _S + "30"})
_SHUTTER = range(0x00181600, 0x00181624)


def with_moved_places(dataset: Dataset, kind: Kind, profile: Profile, crops: KnownCrops) -> Dataset:
    """Return an object whose coordinates are those of the cropped images; the object itself where there are none.

    Parameters
    ----------
    dataset
        The original without frames; never changed.
    crops
        By the source's SOP Instance UID.

    Raises
    ------
    Held
        `REFERENCES_CROPPED` where a place cannot be moved for certain.
    """
    with silent_decoding():
        if kind is Kind.GRID or not points_into_cropped(dataset, kind, profile):
            return dataset
        known = _Crops(crops)
        sop_class = text_of(dataset, 0x00080016)
        if kind is Kind.REPORT:
            return _Report(dataset, known).moved()
        if sop_class in _SOFTCOPY:
            return _presentation(dataset, known)
        if sop_class == _FIDUCIALS:
            return _fiducials(dataset, known)
    raise held_back("coordinates of this kind of object are not moved along with a crop")


def crop_of_frames(
    dataset: Dataset, kind: Kind, profile: Profile, crops: KnownCrops, *, rows: int, columns: int
) -> Box | None:
    """Return what stays of frames that lie on those of cropped images (segmentations); None where all of them does.

    Raises
    ------
    Held
        `REFERENCES_CROPPED` where the images were not cropped alike, are not known, or have frames of another size.
    """
    with silent_decoding():
        if not points_into_cropped(dataset, kind, profile):
            return None
        if text_of(dataset, 0x00080016) not in _FRAMES_ON_FRAMES:
            raise held_back("frames of this kind of object are not cropped along")
        known = _Crops(crops)
        references = [one for one in _references(dataset) if _may_be_image(text_of(one, _SOP_CLASS))]
        crop = known.of(references)
        sizes = {known.size_of(one) for one in references}
    if crop is not None and sizes != {(rows, columns)}:
        raise held_back("its frames have another size than those of the cropped image that they lie on")
    return crop


class _Crops:
    """What is known of images, asked by the references to them."""

    def __init__(self, crops: KnownCrops) -> None:
        self._crops = crops

    def of(self, references: Iterable[Dataset]) -> Box | None:
        """Return the one crop of all the images referred to, None where none of them lost anything."""
        found = {self._box(one) for one in references}
        if not found:
            raise held_back("coordinates do not say in which image they lie")
        if len(found) > 1:
            raise held_back("coordinates lie in images that were not cropped alike")
        return found.pop()

    def size_of(self, reference: Dataset) -> tuple[int, int] | None:
        """Return rows and columns of an image before its crop."""
        crop = self._find(reference)
        return None if crop is None else (crop.rows, crop.columns)

    def _box(self, reference: Dataset) -> Box | None:
        crop = self._find(reference)
        return None if crop is None or crop.box == (0, 0, crop.columns, crop.rows) else crop.box

    def _find(self, reference: Dataset) -> FrameCrop | None:
        sop_class = text_of(reference, _SOP_CLASS)
        if sop_class.startswith(_STANDARD) and sop_class not in MAY_BE_CROPPED:
            return None
        crop = self._crops.get(text_of(reference, _SOP_INSTANCE))
        if crop is None:
            raise held_back("coordinates point into an image that may be cropped, and it is not known how")
        return crop


class _Report:
    """The coordinates of a structured report."""

    def __init__(self, dataset: Dataset, crops: _Crops) -> None:
        self._root = dataset
        self._crops = crops

    def moved(self) -> Dataset:
        """Return the report with every SCOORD in the pixels of its cropped image."""
        return self._item(self._root, 0)

    def _item(self, item: Dataset, depth: int) -> Dataset:
        check_depth(depth)
        moved = copied(item)
        children = items_of(item, _CONTENT)
        if children:
            put(moved, _CONTENT, "SQ", Sequence([self._item(child, depth + 1) for child in children]))
        if text_of(item, _VALUE_TYPE) != "SCOORD3D" and _GRAPHIC_DATA in item:
            move_points(moved, (_GRAPHIC_DATA,), self._crops.of(self._selected_from(children)))
        return moved

    def _selected_from(self, children: Iterable[Dataset]) -> Iterator[Dataset]:
        """Yield the references of the images that coordinates are selected from (PS3.3 C.18.6.1.2)."""
        for child in children:
            if text_of(child, _RELATIONSHIP) == "SELECTED FROM":
                named = self._at(value_of(child, _REFERENCED_ITEM)) if _REFERENCED_ITEM in child else child
                yield from items_of(named, _REFERENCED_SOP)

    def _at(self, place: Any) -> Dataset:
        """Return the item at a place in the tree: positions from 1, the root first (C.18.9)."""
        item = self._root
        for step in list(parts_of(place))[1:]:
            children = items_of(item, _CONTENT)
            if not isinstance(step, int) or not 1 <= step <= len(children):
                raise held_back("coordinates refer to an item that is not there")
            item = children[step - 1]
        return item


def _presentation(dataset: Dataset, crops: _Crops) -> Dataset:
    """Return a softcopy presentation state with annotations, displayed areas and shutter moved."""
    every = [image for series in items_of(dataset, _SERIES) for image in items_of(series, _IMAGES)]
    moved = copied(dataset)
    shutter = [tag for tag in _SHUTTER if tag in dataset]
    crop = crops.of(every) if shutter else None
    if crop is not None:
        for tag in shutter:
            moved[tag] = copy.deepcopy(moved[tag])
        move_shutter(moved, crop)
    change_items(moved, _AREAS, lambda area: _move_area(area, crops.of(items_of(area, _IMAGES) or every)))
    change_items(moved, _ANNOTATIONS, lambda drawn: _move_drawn(drawn, crops.of(items_of(drawn, _IMAGES) or every)))
    return moved


def _move_area(area: Dataset, crop: Box | None) -> None:
    """Move a displayed area; it may reach beyond the image."""
    if crop is not None:
        check_origin(area)
        for tag in _AREA_CORNERS:
            if tag in area:
                column, row = numbers_of(area, tag, 2)
                put(area, tag, "SL", [int(column) - crop[0], int(row) - crop[1]])


def _move_drawn(annotation: Dataset, crop: Box | None) -> None:
    if crop is None:
        return
    for sequence, units, places in _DRAWN:

        def move(drawn: Dataset, units: int = units, places: tuple[int, ...] = places) -> None:
            present = tuple(tag for tag in places if tag in drawn)
            if not present or text_of(drawn, units) == "DISPLAY":
                return
            if text_of(drawn, units) != "PIXEL":
                raise held_back("an annotation is drawn in units that are not known")
            move_points(drawn, present, crop)

        change_items(annotation, sequence, move)


def _fiducials(dataset: Dataset, crops: _Crops, depth: int = 0) -> Dataset:
    """Return fiducials whose points in an image are moved; each names its image."""
    check_depth(depth)
    moved = copied(dataset)
    for tag in dataset.keys():  # noqa: SIM118  iterating a Dataset decodes; keys do not
        items = items_of(dataset, int(tag))
        if items:
            put(moved, int(tag), "SQ", Sequence([_fiducials(item, crops, depth + 1) for item in items]))
    if _GRAPHIC_DATA in dataset:
        move_points(moved, (_GRAPHIC_DATA,), crops.of(items_of(dataset, _IMAGES)))
    return moved


def _references(dataset: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """Yield every reference to an instance, wherever it stands."""
    check_depth(depth)
    if _SOP_INSTANCE in dataset:
        yield dataset
    for tag in dataset.keys():  # noqa: SIM118  iterating a Dataset decodes; keys do not
        if not tag.is_private:
            for item in items_of(dataset, int(tag)):
                yield from _references(item, depth + 1)


def _may_be_image(sop_class: str) -> bool:
    return KINDS.get(sop_class) is Kind.IMAGE or not sop_class.startswith(_STANDARD)
