"""Ultrasound regions (0018,6011): read, checked against the frame, and moved along when the frame is cropped.

PS3.3, C.8.5.5. Real objects name regions outside their image, so nothing here is believed unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from pipeline.plan import clipped
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pydicom import Dataset

    from pipeline.plan import Box

_SMALLEST_SHARE = 0.01
_ALONG = {
    "X": ("DopplerSampleVolumeXPosition", "TMLinePositionX0", "TMLinePositionX1"),
    "Y": ("DopplerSampleVolumeYPosition", "TMLinePositionY0", "TMLinePositionY1"),
}
"""What is said as a displacement from the region's reference pixel (C.8.5.5, C.8.5.5.1.10)."""


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

    Regions outside `crop` are dropped, and the sequence with the last of them. Three frames of reference: the region's
    location counts from the image's corner; Reference Pixel X0 and Y0 count from the region's corner (C.8.5.5.1.16), so
    they move only where cutting moved that; the Doppler sample volume and the TM-line count from the reference pixel,
    so they never do.

    Raises
    ------
    Held
        `REFERENCES_CROPPED` for a displacement from a reference pixel that the region does not name.
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
    _move_reference(item, "X", cut=inside[0] - moved[0], offset=left)
    _move_reference(item, "Y", cut=inside[1] - moved[1], offset=top)
    return True


def _move_reference(item: Dataset, axis: str, *, cut: int, offset: int) -> None:
    """Keep the reference pixel where it is in the picture, along one axis.

    Parameters
    ----------
    cut
        How far the region's corner moved in the picture.
    offset
        How far the picture's own corner did: what counts from neither is not known to count from the other.
    """
    reference = item.get(f"ReferencePixel{axis}0")
    if isinstance(reference, int):
        setattr(item, f"ReferencePixel{axis}0", reference - cut)
    elif offset and (
        reference is not None
        or any(item.get(one) is not None for name in _ALONG[axis] for one in (name, f"{name}Retired"))
    ):
        raise Held(Reason.REFERENCES_CROPPED, "an ultrasound region names a place from a point that it does not name")


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _box_of(item: Dataset) -> Box | None:
    keywords = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    values = [item.get(keyword) for keyword in keywords]
    if not all(isinstance(value, int) for value in values):
        return None
    left, top, right, bottom = (int(value) for value in values)
    return (left, top, right + 1, bottom + 1)
