"""Device masks of the profile: which fit an object, and what they blank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.plan import Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom import Dataset

    from config.schema import DeviceMask


def fitting_masks(header: Dataset, masks: Iterable[DeviceMask], *, rows: int, columns: int) -> tuple[DeviceMask, ...]:
    """Return the masks drawn for this size and device; every name that a mask gives must be the object's."""
    return tuple(
        mask
        for mask in masks
        if (mask.rows, mask.columns) == (rows, columns)
        and mask.station_name in (None, _text(header, "StationName"))
        and mask.manufacturer_model in (None, _text(header, "ManufacturerModelName"))
    )


def mask_redactions(masks: Iterable[DeviceMask], frames: int) -> tuple[Redaction, ...]:
    """Blank their rectangles on every frame; the rule names the mask as the profile does."""
    return tuple(
        Redaction(
            frame_first=0,
            frame_last=frames - 1,
            box=box,
            rule=f"mask:{mask.station_name or mask.manufacturer_model}",
        )
        for mask in masks
        for box in mask.rectangles
    )


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword, "")).strip(" \0")
