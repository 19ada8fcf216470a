"""Which pixels of an ultrasound image stay: one area for the whole clip. For anything else there is no such area.

The rule of this file: no class outside `_ULTRASOUND` and `_SECONDARY_CAPTURE` ever gets past `applies`, whatever the
profile says; and a doubtful cone never decides alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.plan import NO_CONE, ConeArea
from pipeline.reasons import Held, Reason
from pipeline.records import ConeFinding, ConeOutcome
from pipeline.regions import Region, RegionKind, read_regions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from config.schema import Cone
    from pipeline.detectors import ConeSegmenter
    from pipeline.frames.stream import Frames
    from pipeline.plan import Box

_ULTRASOUND = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.6.1",  # Ultrasound Image Storage
        "1.2.840.10008.5.1.4.1.1.6",  # the same, retired
        "1.2.840.10008.5.1.4.1.1.3.1",  # Ultrasound Multi-frame Image Storage
        "1.2.840.10008.5.1.4.1.1.3",  # the same, retired
    }
)
_SECONDARY_CAPTURE = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.7",
        "1.2.840.10008.5.1.4.1.1.7.1",
        "1.2.840.10008.5.1.4.1.1.7.2",
        "1.2.840.10008.5.1.4.1.1.7.3",
        "1.2.840.10008.5.1.4.1.1.7.4",
    }
)
_LOOKS = 5
_AGREEMENT = 0.7
_SMALLEST_SHARE = 0.03
_KEPT_KINDS = {"m_mode": RegionKind.M_MODE, "spectral": RegionKind.SPECTRAL, "waveform": RegionKind.WAVEFORM}


def applies(header: Dataset, cone: Cone | None) -> bool:
    """Whether an object may be reduced to its cone at all."""
    if cone is None or not cone.blank_outside or header.get("Modality") not in cone.apply_to:
        return False
    sop_class = str(header.get("SOPClassUID", ""))
    return sop_class in _ULTRASOUND or (sop_class in _SECONDARY_CAPTURE and header.get("Modality") == "US")


def find_cone_area(
    frames: Frames, header: Dataset, cone: Cone | None, segmenter: ConeSegmenter | None, *, masks_fit: bool
) -> ConeArea:
    """Decide what stays of every frame.

    Parameters
    ----------
    masks_fit
        Device masks of the profile fit this object, which the fall-back `masks` asks for.

    Raises
    ------
    Held
        `MODEL_UNAVAILABLE` where a cone is needed and there is no model.

    Notes
    -----
    Where no cone is found with confidence and no fall-back of the profile helps, the area is `in_doubt`: nothing is
    blanked around, and the object, its text redacted, is held.
    """
    if cone is None or not applies(header, cone):
        return NO_CONE
    if segmenter is None:
        raise Held(Reason.MODEL_UNAVAILABLE, "the profile needs the cone model")
    regions = read_regions(header, frames.description.rows, frames.description.columns)
    kept, confidence = _segment(frames, segmenter)
    if kept is None:
        return _fall_back(frames, cone, regions, confidence, masks_fit=masks_fit)
    return _area(_with_regions(kept, cone, regions), cone, header, confidence, frames)


def _segment(frames: Frames, segmenter: ConeSegmenter) -> tuple[NDArray[np.bool_] | None, float]:
    """One mask for the clip by majority of several looks; None where they are unsure or disagree.

    The last look is at the brightest values of the others: what is dark in one frame shows in another.
    """
    from models.cone import ACCEPTED_CONFIDENCE  # noqa: PLC0415  30 MB of libraries that a header job never needs

    places = sorted({round(at) for at in np.linspace(0, len(frames) - 1, num=min(_LOOKS, len(frames)))})
    views = [frames.displayed(index) for index in places]
    if len(views) > 1:
        views.append(np.max(views, axis=0))
    found = [segmenter.segment(view) for view in views]
    confidence = float(np.median([one.confidence for one in found]))
    votes = np.mean([one.mask for one in found], axis=0)
    kept: NDArray[np.bool_] = votes >= 0.5  # noqa: PLR2004  the majority
    area = np.count_nonzero(kept)
    agreeing = sum(_agreement(one.mask, kept) >= _AGREEMENT for one in found)
    sure = confidence >= ACCEPTED_CONFIDENCE and area >= _SMALLEST_SHARE * kept.size and 2 * agreeing > len(found)
    return (kept if sure else None), confidence


def _agreement(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0


def _with_regions(kept: NDArray[np.bool_], cone: Cone, regions: tuple[Region, ...]) -> NDArray[np.bool_]:
    """`kept` and the regions beside the cone that the profile keeps."""
    wanted = {_KEPT_KINDS[name] for name in cone.keep_regions if name in _KEPT_KINDS}
    result = kept.copy()
    for region in regions:
        left, top, right, bottom = region.box
        second_pane = region.kind is RegionKind.TISSUE and not kept[top:bottom, left:right].any()
        if region.kind in wanted or (second_pane and "second_pane" in cone.keep_regions):
            result[top:bottom, left:right] = True
    return result


def _fall_back(
    frames: Frames, cone: Cone, regions: tuple[Region, ...], confidence: float, *, masks_fit: bool
) -> ConeArea:
    for way in cone.fallback:
        if way == "regions" and any(region.kind is RegionKind.TISSUE for region in regions):
            kept = np.zeros((frames.description.rows, frames.description.columns), dtype=bool)
            for region in regions:
                if region.kind is RegionKind.TISSUE:
                    kept[region.box[1] : region.box[3], region.box[0] : region.box[2]] = True
            kept = _with_regions(kept, cone, regions)
            return _doubtful(kept, confidence, in_doubt=False)
        if way == "masks" and masks_fit:
            return _doubtful(None, confidence, in_doubt=False)
    return _doubtful(None, confidence, in_doubt=True)


def _doubtful(kept: NDArray[np.bool_] | None, confidence: float, *, in_doubt: bool) -> ConeArea:
    box = None if kept is None else _bounds(kept)
    finding = ConeFinding(outcome=ConeOutcome.UNCERTAIN, confidence=confidence, box=box)
    return ConeArea(kept=kept, crop=None, finding=finding, in_doubt=in_doubt)


def _area(kept: NDArray[np.bool_], cone: Cone, header: Dataset, confidence: float, frames: Frames) -> ConeArea:
    bounds = _bounds(kept)
    crop = None
    if cone.crop and not has_other_coordinates(header):
        step = 2 if frames.description.is_subsampled else 1
        crop = (bounds[0] - bounds[0] % step, bounds[1], bounds[2] + bounds[2] % step, bounds[3])
    outcome = ConeOutcome.CROPPED if crop else ConeOutcome.BLANKED
    finding = ConeFinding(outcome=outcome, confidence=confidence, box=bounds)
    return ConeArea(kept=kept, crop=crop, finding=finding, in_doubt=False)


def _bounds(kept: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def has_other_coordinates(header: Dataset) -> bool:
    """Whether an object places anything in its image that `move_regions` does not move: then it is not cropped.

    Shutters and overlays are not counted, because the header stage has removed them. Counted are positions in the
    patient, collimators, graphic objects and curves.
    """
    keywords = (
        "ImagePositionPatient",
        "ImagePositionVolume",
        "PerFrameFunctionalGroupsSequence",
        "SharedFunctionalGroupsSequence",
        "CollimatorShape",
        "GraphicAnnotationSequence",
        "PixelIntensityRelationshipLUTSequence",
    )
    if any(keyword in header for keyword in keywords):
        return True
    return any(0x5000 <= tag.group <= 0x50FF for tag in header.keys())  # noqa: PLR2004, SIM118  curves; a data set iterates elements
