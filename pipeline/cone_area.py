"""Which pixels of an ultrasound image stay: one area for the whole clip. For anything else there is no such area.

The rule of this file: no class outside `_ULTRASOUND` and `_SECONDARY_CAPTURE` ever gets past `applies`, whatever the
profile says; and a doubtful or contradicted cone never decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.cone_checks import STRIPS, contradiction, drawn
from pipeline.motion import Motion, Opinion, find_motion
from pipeline.plan import NO_CONE, ConeArea
from pipeline.reasons import Held, Reason
from pipeline.records import ConeFinding, ConeOutcome
from pipeline.regions import Region, RegionKind, read_regions

if TYPE_CHECKING:
    from collections.abc import Collection

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
_TOUCHED = 0.1
"""Of a pane: less of it in the cone that was found means that it is another pane."""
_NOT_EVERYTHING = 0.95
_UNSURE = "the ultrasound cone was not found with confidence"
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
        Device masks or the CTP script of the profile fit this object, which the fall-back `masks` asks for.

    Raises
    ------
    Held
        `MODEL_UNAVAILABLE` where a cone is needed and there is no model.

    Notes
    -----
    Where no cone is found with confidence, or something contradicts it, and no fall-back of the profile helps, the area
    is `in_doubt`: nothing is blanked around, and the object, its text redacted, is held.
    """
    if cone is None or not applies(header, cone):
        return NO_CONE
    if segmenter is None:
        raise Held(Reason.MODEL_UNAVAILABLE, "the profile needs the cone model")
    shape = (frames.description.rows, frames.description.columns)
    screen = _Screen(cone=cone, shape=shape, regions=read_regions(header, *shape), motion=find_motion(frames))
    kept, confidence = _segment(frames, segmenter)
    doubt: str | None = _UNSURE
    if kept is not None:
        doubt = contradiction(kept, screen.regions, screen.unwanted, screen.motion)
    if kept is None or doubt is not None:
        return _fall_back(screen, confidence, doubt or _UNSURE, masks_fit=masks_fit)
    return _area(_with_regions(kept, screen), cone, confidence, frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Screen:
    """What is known of a clip beside the model's cone.

    Parameters
    ----------
    shape
        Rows and columns.
    """

    cone: Cone
    shape: tuple[int, int]
    regions: tuple[Region, ...]
    motion: Motion | None

    @property
    def believed(self) -> tuple[Region, ...]:
        return tuple(region for region in self.regions if region.believed)

    @property
    def unwanted(self) -> frozenset[RegionKind]:
        return frozenset(kind for name, kind in _KEPT_KINDS.items() if name not in self.cone.keep_regions)

    def drawn(self, kinds: Collection[RegionKind]) -> NDArray[np.bool_]:
        return drawn((region for region in self.believed if region.kind in kinds), self.shape)


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


def _with_regions(kept: NDArray[np.bool_], screen: _Screen) -> NDArray[np.bool_]:
    """`kept`, with the regions beside the cone that the profile keeps, and without the strips that it does not.

    A region that takes in more than half of the cone is not beside it: the header is not believed. What the header
    calls tissue is never cut away, and neither is what lies under a waveform, which may run over the cone.
    """
    cut = screen.drawn(screen.unwanted - {RegionKind.WAVEFORM}) & ~screen.drawn({RegionKind.TISSUE})
    result = kept & ~cut
    for region in screen.believed:
        left, top, right, bottom = region.box
        covered = np.count_nonzero(kept[top:bottom, left:right])
        if 2 * covered > np.count_nonzero(kept):
            continue
        is_second_pane = region.kind is RegionKind.TISSUE and covered < _TOUCHED * (right - left) * (bottom - top)
        if region.kind in STRIPS - screen.unwanted or (is_second_pane and "second_pane" in screen.cone.keep_regions):
            result[top:bottom, left:right] = True
    return result


def _fall_back(screen: _Screen, confidence: float, doubt: str, *, masks_fit: bool) -> ConeArea:
    for way in screen.cone.fallback:
        if way == "regions":
            kept = _of_regions(screen)
            if kept is not None:
                return _doubtful(kept, confidence, doubt, way="cone:regions")
        if way == "masks" and masks_fit:
            return _doubtful(None, confidence, doubt, way="cone:masks")
    return _doubtful(None, confidence, doubt, way=None)


def _of_regions(screen: _Screen) -> NDArray[np.bool_] | None:
    """Return what the header calls image; None where that is nothing or nearly everything, or the clip contradicts."""
    kept = screen.drawn({RegionKind.TISSUE} | (STRIPS - screen.unwanted))
    if not kept.any() or kept.mean() > _NOT_EVERYTHING:
        return None
    if screen.motion is not None:
        opinion = screen.motion.opinion(kept, drawn(screen.believed, screen.shape))
        return None if opinion is Opinion.DISAGREES else kept
    return kept


def _doubtful(kept: NDArray[np.bool_] | None, confidence: float, doubt: str, *, way: str | None) -> ConeArea:
    box = None if kept is None else _bounds(kept)
    finding = ConeFinding(outcome=ConeOutcome.UNCERTAIN, confidence=confidence, box=box)
    return ConeArea(kept=kept, crop=None, finding=finding, in_doubt=way is None, rule=way or "", doubt=doubt)


def _area(kept: NDArray[np.bool_], cone: Cone, confidence: float, frames: Frames) -> ConeArea:
    bounds = _bounds(kept)
    crop = None
    if cone.crop:
        step = 2 if frames.description.is_subsampled else 1
        crop = (bounds[0] - bounds[0] % step, bounds[1], bounds[2] + bounds[2] % step, bounds[3])
    outcome = ConeOutcome.CROPPED if crop else ConeOutcome.BLANKED
    finding = ConeFinding(outcome=outcome, confidence=confidence, box=bounds)
    return ConeArea(kept=kept, crop=crop, finding=finding, in_doubt=False)


def _bounds(kept: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
