"""What a header says about places in its image, said again about the cropped image.

PS3.3: C.8.5.5 (ultrasound regions), C.7.6.11 and C.7.6.16.2.16 (shutters), C.9.2 (overlays), C.7.6.2 and C.7.6.16.2.3
(positions of planes), C.8.24.3 (positions in a volume). Sizes do not change, so spacing and aspect stay as they are.
Displacements from a region's reference pixel (Doppler sample volume, TM-line) move with it. Private numbers that may be
places in the image go (`pipeline.header.private.places`): nobody can move them.

Rule of the file: a place that is not moved here is not known to be right, so the object is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.datadict import tag_for_keyword
from pydicom.valuerep import DSfloat

from pipeline.header.decoding import check_depth
from pipeline.header.private.places import drop_places
from pipeline.reasons import Held, Reason
from pipeline.regions import move_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom import Dataset

    from pipeline.plan import Box

    Numbers = Sequence[float]

_OVERLAYS = range(0x6000, 0x6100, 2)
_OVERLAY_ORIGIN = 0x0050
_CURVES = range(0x5000, 0x5100)
_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_SHUTTERS = "FrameDisplayShutterSequence"
_NOT_MOVED = frozenset(
    tag_for_keyword(keyword)
    for keyword in (
        *("CollimatorShape", "CollimatorLeftVerticalEdge", "CollimatorRightVerticalEdge"),
        *("CollimatorUpperHorizontalEdge", "CollimatorLowerHorizontalEdge", "CenterOfCircularCollimator"),
        *("VerticesOfThePolygonalCollimator", "OutlineLeftVerticalEdge", "OutlineRightVerticalEdge"),
        *("OutlineUpperHorizontalEdge", "OutlineLowerHorizontalEdge", "CenterOfCircularOutline"),
        *("VerticesOfThePolygonalOutline", "ExposureControlSensingRegionsSequence", "RegionPixelShiftSequence"),
        *("FieldOfViewOrigin", "PixelDataAreaOriginRelativeToFOV", "ImagePosition"),
        *("TotalPixelMatrixOriginSequence", "PlanePositionSlideSequence", "TopLeftHandCornerOfLocalizerArea"),
        *("GraphicAnnotationSequence", "GraphicData", "GraphicCoordinatesDataSequence", "ReferenceCoordinates"),
        *("DisplayedAreaTopLeftHandCorner", "BoundingBoxTopLeftHandCorner", "AnchorPoint"),
        *("VerticesOfTheOutlineOfPupil", "PupilCentroidXCoordinate", "OphthalmicFrameLocationSequence"),
    )
)


def move_coordinates(header: Dataset, crop: Box, *, rows: int, columns: int) -> None:
    """Express every place in the image of `header` in the cropped image, in place.

    Parameters
    ----------
    header
        As it is written.
    crop
        What stays of the original frame.
    rows, columns
        Of the original frame.

    Raises
    ------
    Held
        `REFERENCES_CROPPED` for a place that cannot be moved.
    """
    if crop == (0, 0, columns, rows):
        return
    if crop[:2] != (0, 0):
        drop_places(header)
    _check_rest(header)
    move_regions(header, crop)
    move_shutter(header, crop)
    _move_overlays(header, crop)
    _move_plane(header, crop, orientation=header, spacing=header)
    _move_groups(header, crop)


def _check_rest(header: Dataset, depth: int = 0) -> None:
    check_depth(depth)
    for element in header:
        if int(element.tag) in _NOT_MOVED or element.tag.group in _CURVES:
            raise Held(Reason.REFERENCES_CROPPED, "the image has coordinates that cannot be moved along with the crop")
        if element.VR == "SQ":
            for item in element.value:
                _check_rest(item, depth + 1)


def move_shutter(header: Dataset, crop: Box) -> None:
    """Move a display shutter; rows and columns count from 1, and an edge outside the image cuts nothing off."""
    left, top, right, bottom = crop
    for keyword, offset, last in (
        ("ShutterLeftVerticalEdge", left, right - left),
        ("ShutterRightVerticalEdge", left, right - left),
        ("ShutterUpperHorizontalEdge", top, bottom - top),
        ("ShutterLowerHorizontalEdge", top, bottom - top),
    ):
        for edge in _numbers(header, keyword, 1):
            setattr(header, keyword, min(max(int(edge) - offset, 0), last + 1))
    for row, column in _pairs(_numbers(header, "CenterOfCircularShutter", 2)):
        header.CenterOfCircularShutter = [int(row) - top, int(column) - left]
    vertices = _pairs(_numbers(header, "VerticesOfThePolygonalShutter", None))
    if vertices:
        header.VerticesOfThePolygonalShutter = [
            number for row, column in vertices for number in (int(row) - top, int(column) - left)
        ]


def _move_overlays(header: Dataset, crop: Box) -> None:
    """Move the origin of each overlay plane: row and column of the image, counted from 1, that may lie outside."""
    for group in _OVERLAYS:
        element = header.get((group, _OVERLAY_ORIGIN))
        if element is not None:
            row, column = _two(element.value)
            element.value = [row - crop[1], column - crop[0]]


def _two(value: Any) -> tuple[int, int]:
    try:
        row, column = (int(part) for part in value)
    except (TypeError, ValueError) as error:
        raise _unusable() from error
    return row, column


def _move_groups(header: Dataset, crop: Box) -> None:
    """Move what functional groups say; orientation and spacing may stand beside a position or be shared."""
    shared = _first(header, _SHARED)
    for group in (*([shared] if shared is not None else ()), *(header.get(_PER_FRAME) or ())):
        for item in group.get(_SHUTTERS) or ():
            move_shutter(item, crop)
        spacing = _in_groups("PixelMeasuresSequence", group, shared)
        for positions, orientations in (
            ("PlanePositionSequence", "PlaneOrientationSequence"),
            ("PlanePositionVolumeSequence", "PlaneOrientationVolumeSequence"),
        ):
            for item in group.get(positions) or ():
                _check_not_overruled(header, group, shared, orientations)
                _move_plane(item, crop, orientation=_in_groups(orientations, group, shared), spacing=spacing)


def _check_not_overruled(header: Dataset, group: Dataset, shared: Dataset | None, orientations: str) -> None:
    """Hold a position that all frames share while orientation or spacing are theirs alone."""
    if group is not shared:
        return
    frames = header.get(_PER_FRAME) or ()
    if any(keyword in frame for frame in frames for keyword in (orientations, "PixelMeasuresSequence")):
        raise _unusable()


def _in_groups(keyword: str, group: Dataset, shared: Dataset | None) -> Dataset | None:
    own = _first(group, keyword)
    return own if own is not None or shared is None else _first(shared, keyword)


def _first(dataset: Dataset, keyword: str) -> Dataset | None:
    items = dataset.get(keyword)
    return items[0] if items else None


def _move_plane(dataset: Dataset, crop: Box, *, orientation: Dataset | None, spacing: Dataset | None) -> None:
    """Move the position of the first pixel, in millimetres, along the rows and columns of its plane."""
    for place, turned in (
        ("ImagePositionPatient", "ImageOrientationPatient"),
        ("ImagePositionVolume", "ImageOrientationVolume"),
    ):
        position = _numbers(dataset, place, 3)
        if not position or (crop[0] == 0 and crop[1] == 0):
            continue
        directions = _numbers(orientation, turned, 6)
        distances = _numbers(spacing, "PixelSpacing", 2)
        if not directions or not distances:
            raise _unusable()
        across, down = crop[0] * distances[1], crop[1] * distances[0]
        moved = [
            start + across * along_row + down * along_column
            for start, along_row, along_column in zip(position, directions[:3], directions[3:], strict=True)
        ]
        is_decimal = place == "ImagePositionPatient"
        setattr(dataset, place, [DSfloat(value, auto_format=True) for value in moved] if is_decimal else moved)


def _pairs(numbers: Numbers) -> list[tuple[float, float]]:
    """Return numbers two by two."""
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _numbers(dataset: Dataset | None, keyword: str, count: int | None) -> list[float]:
    """Return the numbers of an attribute; none where it is absent or empty.

    Parameters
    ----------
    count
        How many there must be; None for an even number of them.
    """
    value = None if dataset is None else dataset.get(keyword)
    if value is None or value == "" or (not isinstance(value, (int, float)) and len(value) == 0):
        return []
    try:
        numbers = [float(part) for part in ([value] if isinstance(value, (int, float)) else value)]
    except (TypeError, ValueError) as error:
        raise _unusable() from error
    if len(numbers) != count if count is not None else len(numbers) % 2:
        raise _unusable()
    return numbers


def _unusable() -> Held:
    return Held(Reason.REFERENCES_CROPPED, "a place in the image is written so that it cannot be moved with the crop")
