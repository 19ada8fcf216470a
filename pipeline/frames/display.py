"""Stored samples → what a reader sees, as 8-bit grey or RGB (PS3.3, C.7.6.3 and C.11; PS3.4, N.2).

Used to look for text and for the cone, never to write pixels. A monochrome frame may have further renderings: through
the object's own window, over the whole range of its samples, so that text which the window hides is still seen, and
over the range of most of them, so that one stray sample does not make all others dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_voi_lut

from pipeline.frames.decode import colour_to_rgb
from pipeline.frames.native import swap_words
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pipeline.frames.description import PixelDescription

_WIDE = 4.0
"""A window this many times wider than the samples' range shows text too faintly to be found."""
_OUTLYING = 3.0
"""Where all samples span so many times what most of them span, a few of them hide the others."""
_MOST_PERCENT = (0.5, 99.5)
_ENOUGH_SAMPLES = 100_000
_WHITE = 255.0
_BITS_OF_A_BYTE = 8
_NO_COLOUR = 128
_TABLE_BYTES = 2
_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A linear window in the units after the modality transform (PS3.3, C.11.2.1.2)."""

    centre: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How an object wants its samples shown.

    Parameters
    ----------
    windows
        One per frame; None where the header names none.
    palette
        (entries, 3) RGB for each sample value; None unless PALETTE COLOR.
    lut_source
        The header, where it holds a VOI LUT that must be looked up.
    inverted
        The lowest sample is white.
    padding
        Pixel Padding Value, left out of the range.
    """

    slope: float
    intercept: float
    windows: tuple[Window | None, ...]
    palette: NDArray[np.uint8] | None
    lut_source: Dataset | None
    inverted: bool
    padding: int | None


def read_presentation(header: Dataset, description: PixelDescription) -> Presentation:
    """Collect what the header says about showing its samples.

    Raises
    ------
    Held
        `UNDECODABLE` where a palette is missing or damaged: without it nobody can tell what a reader sees.
    """
    slope, intercept = _rescale(header)
    return Presentation(
        slope=slope,
        intercept=intercept,
        windows=tuple(_window(header, index) for index in range(description.frames)),
        palette=_palette(header, description) if description.photometric == "PALETTE COLOR" else None,
        lut_source=header if header.get("VOILUTSequence") else None,
        inverted=description.photometric == "MONOCHROME1",
        padding=_padding(header),
    )


def renderings(
    samples: NDArray[Any], photometric: str, description: PixelDescription, presentation: Presentation, index: int
) -> tuple[NDArray[np.uint8], ...]:
    """Return what a reader may see of frame `index`.

    Parameters
    ----------
    samples
        (rows, columns) or (rows, columns, 3), as decoded, unused bits cleared.
    photometric
        Of `samples`, after decoding.

    Returns
    -------
    tuple
        One to three uint8 images, (rows, columns) or (rows, columns, 3) RGB; the first is the usual one.
    """
    if presentation.palette is not None:
        last = len(presentation.palette) - 1
        return (presentation.palette[np.minimum(samples, last)],)
    if description.samples > 1:
        return (_colour(samples, photometric, description),)
    views = _monochrome(samples, description, presentation, index)
    return tuple(255 - view for view in views) if presentation.inverted else views


def _colour(samples: NDArray[Any], photometric: str, description: PixelDescription) -> NDArray[np.uint8]:
    is_ybr = photometric != "RGB" and samples.dtype == np.uint8
    rgb = _shown_rgb(samples) if is_ybr else colour_to_rgb(samples, photometric)
    shift = description.bits_stored - _BITS_OF_A_BYTE
    return (rgb >> shift if shift > 0 else rgb).astype(np.uint8)


def _shown_rgb(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert at most one level beside `colour_to_rgb`, in a tenth of its time; nothing of it is written."""
    import cv2  # noqa: PLC0415  30 MB that a job which looks at no colour never needs

    luminance, blue, red = cv2.split(samples)
    if _has_colour(blue) or _has_colour(red):
        return np.asarray(cv2.cvtColor(cv2.merge((luminance, red, blue)), cv2.COLOR_YCrCb2RGB), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(luminance, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _has_colour(chrominance: Any) -> bool:
    return bool((chrominance != _NO_COLOUR).any())


def _monochrome(
    samples: NDArray[Any], description: PixelDescription, presentation: Presentation, index: int
) -> tuple[NDArray[np.uint8], ...]:
    whole, low, high = _whole_range(samples, description, presentation)
    window = presentation.windows[index]
    if presentation.lut_source is not None:
        return (_looked_up(samples, presentation, presentation.lut_source), *whole)
    if window is None:
        return whole
    shown = _each(
        samples, lambda values: _through(values * presentation.slope + presentation.intercept, window), description
    )
    edges = sorted(
        (low * presentation.slope + presentation.intercept, high * presentation.slope + presentation.intercept)
    )
    inside = window.centre - window.width / 2 <= edges[0] and edges[1] <= window.centre + window.width / 2
    if inside and window.width <= _WIDE * max(edges[1] - edges[0], 1.0):
        return (shown,)
    return (shown, *whole)


def _through(values: NDArray[np.float32], window: Window) -> NDArray[np.uint8]:
    """PS3.3, C.11.2.1.2.1, output 0 to 255."""
    scaled = (values - (window.centre - 0.5)) / max(window.width - 1.0, 1e-6) + 0.5
    return _bytes(np.rint(scaled * _WHITE))


def _looked_up(samples: NDArray[Any], presentation: Presentation, lut_source: Dataset) -> NDArray[np.uint8]:
    try:
        values = samples * presentation.slope + presentation.intercept
        looked_up = apply_voi_lut(values.astype(samples.dtype), lut_source, index=0).astype(np.float32)
    except Exception as error:  # pydicom raises many kinds on a damaged LUT; the outcome is the same for all
        raise Held(Reason.UNDECODABLE, f"a look-up table is damaged ({type(error).__name__})") from error
    low, high = float(looked_up.min()), float(looked_up.max())
    return _stretched(looked_up, low, high)


def _whole_range(
    samples: NDArray[Any], description: PixelDescription, presentation: Presentation
) -> tuple[tuple[NDArray[np.uint8], ...], float, float]:
    """Return the samples over their whole range and, where a few outlie, over that of most; and the whole range.

    Eight-bit samples are shown as they are. Of others, padding and the ends of the stored range do not count: what was
    blanked lies there, and must not make darker what is left.
    """
    if description.bits_stored <= _BITS_OF_A_BYTE and not description.signed and not description.is_float:
        factor = 255 // ((1 << description.bits_stored) - 1)
        return ((samples.astype(np.uint8) * np.uint8(factor),), float(samples.min()), float(samples.max()))
    if description.is_float:
        samples = np.nan_to_num(samples.astype(np.float32))
    counts = _counts(samples, description, presentation.padding)
    counted = samples.ravel() if counts.all() or not counts.any() else samples[counts]
    low, high = float(np.float32(counted.min())), float(np.float32(counted.max()))
    some = counted[:: max(1, counted.size // _ENOUGH_SAMPLES)].astype(np.float32)
    most = [float(value) for value in np.percentile(some, _MOST_PERCENT)]
    ranges = [(low, high)]
    if high - low > _OUTLYING * max(most[1] - most[0], 1.0):
        ranges.append((most[0], most[1]))
    views = [_each(samples, partial(_stretched, low=first, high=last), description) for first, last in ranges]
    return (tuple(255 - view if presentation.slope < 0 else view for view in views), low, high)


def _counts(samples: NDArray[Any], description: PixelDescription, padding: int | None) -> NDArray[np.bool_]:
    if description.is_float:
        return np.ones(samples.shape, dtype=bool)
    lowest = -(1 << (description.bits_stored - 1)) if description.signed else 0
    counts = (samples > lowest) & (samples < lowest + (1 << description.bits_stored) - 1)
    return counts if padding is None else counts & (samples != padding)


def _each(
    samples: NDArray[Any], show: Callable[[NDArray[np.float32]], NDArray[np.uint8]], description: PixelDescription
) -> NDArray[np.uint8]:
    """Show samples by a function of single values, which is asked once for each different one where there are few.

    Few are those of up to 16 bits: fewer than a frame has samples, and looked up some rows at a time, so that a large
    frame does not take many times its size.
    """
    if description.is_float or samples.dtype.itemsize > _TABLE_BYTES:
        return show(samples.astype(np.float32))
    low, high = samples.min(), samples.max()
    table = show(np.arange(int(low), int(high) + 1, dtype=np.float32))
    shown = np.empty(samples.shape, dtype=np.uint8)
    for first in range(0, len(samples), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        steps = samples[rows] - low  # of signed samples the difference may wrap, and is right as an unsigned number
        np.take(table, steps.view(f"u{steps.dtype.itemsize}"), out=shown[rows], mode="clip")  # raising needs a copy
    return shown


def _stretched(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    return _bytes((values - low) * (_WHITE / max(high - low, 1e-6)))


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(values, 0, _WHITE), dtype=np.uint8)


def _groups(header: Dataset, index: int, keyword: str) -> Sequence[Dataset]:
    """Return the functional group `keyword` of a frame, else the shared one, else the header (PS3.3, C.7.6.16)."""
    for sequence, position in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        groups = header.get(sequence)
        if groups and position < len(groups) and groups[position].get(keyword):
            return [groups[position].get(keyword)[0]]
    return [header]


def _rescale(header: Dataset) -> tuple[float, float]:
    source = _groups(header, 0, "PixelValueTransformationSequence")[0]
    slope = _number(source.get("RescaleSlope"), 1.0)
    return slope or 1.0, _number(source.get("RescaleIntercept"), 0.0)


def _window(header: Dataset, index: int) -> Window | None:
    source = _groups(header, index, "FrameVOILUTSequence")[0]
    centre, width = source.get("WindowCenter"), source.get("WindowWidth")
    if centre in (None, "") or width in (None, ""):
        return None
    wide = _number(width, 0.0)
    return Window(centre=_number(centre, 0.0), width=wide) if wide >= 1 else None


def _number(value: Any, default: float) -> float:
    first = value[0] if isinstance(value, MultiValue) and value else value
    try:
        number = float(first)
    except (TypeError, ValueError):
        return default
    return number if np.isfinite(number) else default


def _padding(header: Dataset) -> int | None:
    value = header.get("PixelPaddingValue")
    return value if isinstance(value, int) else None


def _palette(header: Dataset, description: PixelDescription) -> NDArray[np.uint8]:
    entries = np.arange(1 << min(description.bits_stored, 16), dtype=description.dtype)
    try:
        table = apply_color_lut(entries.reshape(1, -1), _in_little_endian(header))[0]
    except Exception as error:  # pydicom raises many kinds on a damaged palette; the outcome is the same for all
        raise Held(Reason.UNDECODABLE, f"the palette is missing or damaged ({type(error).__name__})") from error
    return np.asarray(table >> _BITS_OF_A_BYTE if table.dtype.itemsize > 1 else table, dtype=np.uint8)


def _in_little_endian(header: Dataset) -> Dataset:
    """Return a header whose palette can be looked up: pydicom takes the words of a plain one for little endian."""
    if "RedPaletteColorLookupTableData" not in header or header.original_encoding[1] is not False:
        return header
    palette = Dataset()
    for colour in ("Red", "Green", "Blue"):
        descriptor, data = f"{colour}PaletteColorLookupTableDescriptor", f"{colour}PaletteColorLookupTableData"
        palette.add(header[descriptor])
        palette.add_new(header[data].tag, "OW", swap_words(header[data].value))
    return palette
