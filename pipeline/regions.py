"""Ultrasound regions (0018,6011): read, checked against the frame, and moved along when the frame is cropped.

PS3.3, C.8.5.5. Real objects name regions outside their image, so nothing here is believed unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from pipeline.plan import clipped

if TYPE_CHECKING:
    from pydicom import Dataset

    from pipeline.plan import Box

_SMALLEST_SHARE = 0.01


class RegionKind(IntEnum):
    """Region Spatial Format (0018,6012)."""

    TISSUE = 1
    M_MODE = 2
    SPECTRAL = 3
    WAVEFORM = 4
    GRAPHICS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region that lies in the frame.

    Parameters
    ----------
    box
        In pixels of the frame, right and bottom exclusive, cut at the frame's edges.
    believed
        More than half of what the header claims lies in the frame; else it was written for frames of another size.
    """

    box: Box
    kind: RegionKind
    believed: bool


def read_regions(header: Dataset, rows: int, columns: int) -> tuple[Region, ...]:
    """Return the regions that lie in the frame, cut at its edges, each once.

    Unknown kinds, specks, and what is empty or turned round are left out.
    """
    regions = []
    for item in header.get("SequenceOfUltrasoundRegions") or ():
        box = _box_of(item)
        inside = clipped(box, rows, columns) if box is not None else None
        kind = item.get("RegionSpatialFormat")
        if inside is None or kind not in tuple(RegionKind):
            continue
        if box is not None and _area(inside) >= _SMALLEST_SHARE * rows * columns:
            regions.append(Region(box=inside, kind=RegionKind(kind), believed=2 * _area(inside) > _area(box)))
    return tuple(dict.fromkeys(regions))


def move_regions(header: Dataset, crop: Box) -> None:
    """Express the regions of `header` in the cropped frame, in place.

    Regions outside `crop` are dropped, and the sequence with the last of them. Reference Pixel X0 and Y0 are relative
    to the region's own corner (C.8.5.5.1.1 names them so), so they move only where cutting moved that corner.
    """
    items = header.get("SequenceOfUltrasoundRegions")
    if not items:
        return
    width, height = crop[2] - crop[0], crop[3] - crop[1]
    kept = [item for item in items if _move_region(item, crop[0], crop[1], width, height)]
    if kept:
        header.SequenceOfUltrasoundRegions = kept
    else:
        del header.SequenceOfUltrasoundRegions


def _move_region(item: Dataset, left: int, top: int, width: int, height: int) -> bool:
    box = _box_of(item)
    if box is None:
        return False
    moved = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    inside = clipped(moved, height, width)
    if inside is None:
        return False
    item.RegionLocationMinX0, item.RegionLocationMinY0 = inside[0], inside[1]
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = inside[2] - 1, inside[3] - 1
    for keyword, shift in (("ReferencePixelX0", inside[0] - moved[0]), ("ReferencePixelY0", inside[1] - moved[1])):
        if shift and isinstance(item.get(keyword), int):
            setattr(item, keyword, item.get(keyword) - shift)
    return True


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _box_of(item: Dataset) -> Box | None:
    keywords = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    values = [item.get(keyword) for keyword in keywords]
    if not all(isinstance(value, int) for value in values):
        return None
    left, top, right, bottom = (int(value) for value in values)
    return (left, top, right + 1, bottom + 1)
