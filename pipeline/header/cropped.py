"""Coordinates that point into images which the profile crops: they would point elsewhere afterwards.

The crop of an image is decided when its pixels are looked at; an object that only refers to it must be told how far its
coordinates move (`pipeline.references`). Rule of the file: where a reference may be to a cropped image, it is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.sequence import Sequence

from pipeline.header.decoding import Undecodable, check_depth, decoded, vr_of
from pipeline.header.kinds import Kind

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from config.schema import Profile

_S = "1.2.840.10008.5.1.4.1.1."
MAY_BE_CROPPED = frozenset(_S + ending for ending in ("3", "3.1", "6", "6.1", "7", "7.1", "7.2", "7.3", "7.4"))
"""Ultrasound; and Secondary Capture, which is cropped where its Modality is US, as a reference does not tell."""
_REFERENCED_SOP_CLASS = 0x00081150
_VALUE_TYPE = 0x0040A040
_PIXEL_COORDINATES = frozenset(
    {
        0x00700022,  # Graphic Data: SCOORD items and annotations; SCOORD3D items are in millimetres
        0x00700318,  # Fiducials: Graphic Coordinates Data Sequence
        0x00700052,  # Displayed Area Top Left Hand Corner
    }
)
_WITH_FRAMES = frozenset({Kind.GRID})


def points_into_cropped(dataset: Dataset, kind: Kind, profile: Profile) -> bool:
    """Tell whether an object that is no image has coordinates in pixels of an image that the profile may crop.

    Parameters
    ----------
    kind
        Of the object. Frames that lie on other frames (segmentations) are coordinates as a whole.
    """
    cone = profile.pixels.cone
    if cone is None or not cone.crop or kind is Kind.IMAGE:
        return False
    found = _Found()
    found.walk(dataset)
    return found.refers and (found.has_coordinates or kind in _WITH_FRAMES)


class _Found:
    def __init__(self) -> None:
        self.refers = False
        self.has_coordinates = False

    def walk(self, dataset: Dataset, depth: int = 0) -> None:
        check_depth(depth)
        is_in_space = _VALUE_TYPE in dataset and _text(dataset, _VALUE_TYPE) == "SCOORD3D"
        for tag in dataset.keys():  # noqa: SIM118  iterating a Dataset decodes; keys do not
            number = int(tag)
            if number in _PIXEL_COORDINATES and not is_in_space:
                self.has_coordinates = True
            elif number == _REFERENCED_SOP_CLASS:
                self.refers = self.refers or _text(dataset, number) in MAY_BE_CROPPED
            if not tag.is_private and vr_of(dataset, number) == "SQ":
                element = decoded(dataset, number)
                if not isinstance(element, Undecodable) and isinstance(element.value, Sequence):
                    for item in element.value:
                        self.walk(item, depth + 1)


def _text(dataset: Dataset, tag: int) -> str:
    element = decoded(dataset, tag)
    return "" if isinstance(element, Undecodable) else str(element.value or "").strip(" \0")
