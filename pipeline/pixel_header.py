"""What the header says about pixels that were changed: size, colour, history, regions. One function, a new data set.

PS3.3, C.7.6.1.1.2 (image type), C.7.6.1.1.5 (lossy compression), C.7.6.3 (image pixel), C.8.5.5 (regions).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom import Dataset
from pydicom.multival import MultiValue

from pipeline.coordinates import move_coordinates
from pipeline.plan import clipped

if TYPE_CHECKING:
    from pipeline.frames.description import PixelDescription
    from pipeline.frames.stream import Frames
    from pipeline.plan import RedactionPlan

_NO_LONGER_TRUE = ("SmallestImagePixelValue", "LargestImagePixelValue")
"""Optional, and false once pixels are black that were not."""
DERIVATION = "Burned-in text and image surroundings blanked"
DERIVATION_CODE = ("113047", "DCM", "Pixel by pixel mask")
"""Of CID 7203 Image Derivation, PS3.16: the nearest one; the group has no code for a crop."""
FILLED_IN = "Burned-in text filled in from its surroundings by software, not acquired; image surroundings blanked"
_MORE = "; and more"
_LONGEST_ST = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What the syntax in which an object came allows to be lost.

    Parameters
    ----------
    ratio
        How much smaller than its samples the object was.
    method
        A defined term of (0028,2114).
    """

    ratio: float
    method: str


def loss_of(frames: Frames) -> Loss | None:
    """Return what an object's syntax lost, None where it loses nothing."""
    method = frames.syntax.lossy_method
    return None if method is None else Loss(ratio=frames.compression_ratio, method=method)


def describe_output(
    header: Dataset, description: PixelDescription, plan: RedactionPlan, *, loss: Loss | None, text_is_gone: bool
) -> Dataset:
    """Return a copy of the scrubbed header that is true of the written pixels.

    Parameters
    ----------
    loss
        Of the source's syntax: the history says so, whatever the new syntax is.
    text_is_gone
        Text was looked for, removed, and looked for again.

    Raises
    ------
    Held
        `REFERENCES_CROPPED` where the frame is cropped and a place in it cannot be said again.
    """
    finished = copy.deepcopy(header)
    finished.Rows, finished.Columns = description.rows, description.columns
    finished.PhotometricInterpretation = description.photometric
    if description.samples > 1:
        finished.PlanarConfiguration = description.planar
    if loss is not None:
        _tell_loss(finished, loss)
    if text_is_gone:
        finished.BurnedInAnnotation = "NO"
    elif "BurnedInAnnotation" in finished and (plan.text or finished.BurnedInAnnotation != "NO"):
        finished.BurnedInAnnotation = "YES"  # where nothing was looked for, the source's NO stands
    if plan.changes_pixels:
        finished.ImageType = ["DERIVED", *_rest_of_image_type(header)]
        if plan.redactions or plan.cone.kept is not None:
            _say_derived(finished, _filled_in(plan) or DERIVATION)
        for keyword in _NO_LONGER_TRUE:
            if keyword in finished:
                delattr(finished, keyword)
        move_coordinates(finished, plan.crop, rows=plan.rows, columns=plan.columns)
    return finished


def tell_further_loss(header: Dataset, loss: Loss, *, before: Loss) -> None:
    """Add a second loss to the history (PS3.3, C.7.6.1.1.5): one ratio and one method for every step.

    Parameters
    ----------
    header
        Changed; it tells of at least one loss.
    before
        What the source's syntax lost: the method of a history that names ratios alone.
    """
    ratios, methods = (_values(header, f"LossyImageCompression{name}") for name in ("Ratio", "Method"))
    methods.extend([before.method] * (len(ratios) - len(methods)))
    header.LossyImageCompressionRatio = [*ratios, f"{loss.ratio:.4g}"]
    header.LossyImageCompressionMethod = [*methods, loss.method]


def tell_further_step(header: Dataset, step: str) -> None:
    """Add a step to the description of how the pixels were derived."""
    before = str(header.get("DerivationDescription") or "").strip()
    joined = f"{before}; {step}" if before else step[:1].upper() + step[1:]
    if len(joined) <= _LONGEST_ST:
        header.DerivationDescription = joined


def _values(header: Dataset, keyword: str) -> list[str]:
    value = header.get(keyword)
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, MultiValue | list) else [str(value)]


def _filled_in(plan: RedactionPlan) -> str:
    """Return where pixels are filled in that were never acquired, as far as there is room; nothing if none are."""
    if not plan.filled_boxes:
        return ""
    said = FILLED_IN
    across, down, right_end, bottom_end = plan.crop
    for one in plan.filled_boxes:
        left, top, right, bottom = one.box
        moved = (left - across, top - down, right - across, bottom - down)
        box = clipped(moved, bottom_end - down, right_end - across)
        if box is None:
            continue
        place = f"columns {box[0] + 1}-{box[2]}, rows {box[1] + 1}-{box[3]}"
        place = f"; frames {one.frame_first + 1}-{one.frame_last + 1}: {place}"
        if len(said) + len(place) + len(_MORE) > _LONGEST_ST:
            return said + _MORE
        said += place
    return said


def _say_derived(header: Dataset, what: str) -> None:
    """Add to the description and the codes of how the pixels were derived; what an earlier derivation said stays."""
    before = str(header.get("DerivationDescription") or "").strip()
    joined = f"{before}; {what}" if before else what
    header.DerivationDescription = joined if len(joined) <= _LONGEST_ST else what
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = DERIVATION_CODE
    header.DerivationCodeSequence = [*(header.get("DerivationCodeSequence") or ()), code]


def _tell_loss(finished: Dataset, loss: Loss) -> None:
    """Say that information was lost; how and how much only where the object does not say so itself."""
    finished.LossyImageCompression = "01"
    if finished.get("LossyImageCompressionRatio") or finished.get("LossyImageCompressionMethod"):
        return
    finished.LossyImageCompressionRatio = f"{loss.ratio:.4g}"
    finished.LossyImageCompressionMethod = loss.method


def _rest_of_image_type(header: Dataset) -> list[str]:
    value = header.get("ImageType")
    values = [value] if isinstance(value, str) else list(value or ())
    return [str(part) for part in values[1:]] or ["PRIMARY"]
