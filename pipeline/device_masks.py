"""Rectangles that belong to a device: masks of the profile and CTP's script. Which fit an object, and what they blank.

Rule of the file: conditions are asked of the header as it came in; only rectangles and the profile's own names go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.charset import decode_bytes
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from pipeline.header.decoding import Undecodable, decoded
from pipeline.plan import Redaction, clipped
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydicom import Dataset

    from config.ctp_script import CtpScript
    from config.schema import DeviceMask, Pixels
    from pipeline.plan import Box

_NUMBERS = (int, float, str, PersonName)
_LINES = "\t\n\f\r"
_LINE_BREAKS = set(_LINES.encode())
_SHORTEST_WITH_ZERO = 4


def device_redactions(
    header: Dataset, pixels: Pixels, *, rows: int, columns: int, frames: int
) -> tuple[Redaction, ...]:
    """Return what the profile's device masks and CTP script blank on an object, on every frame.

    Parameters
    ----------
    header
        As it came in.
    """
    boxes = [*_of_masks(fitting_masks(header, pixels.masks, rows=rows, columns=columns))]
    if pixels.ctp_script is not None:
        boxes += _of_script(header, pixels.ctp_script, rows, columns)
    return tuple(Redaction(frame_first=0, frame_last=frames - 1, box=box, rule=rule) for box, rule in boxes)


def fitting_masks(header: Dataset, masks: Iterable[DeviceMask], *, rows: int, columns: int) -> tuple[DeviceMask, ...]:
    """Return the masks drawn for this size and device; every name that a mask gives must be the object's."""
    return tuple(
        mask
        for mask in masks
        if (mask.rows, mask.columns) == (rows, columns)
        and mask.station_name in (None, _text(header, "StationName"))
        and mask.manufacturer_model in (None, _text(header, "ManufacturerModelName"))
    )


def _of_masks(masks: Iterable[DeviceMask]) -> Iterator[tuple[Box, str]]:
    """Yield each rectangle; the rule names the mask as the profile does."""
    for mask in masks:
        for box in mask.rectangles:
            yield box, f"mask:{mask.station_name or mask.manufacturer_model}"


def _of_script(header: Dataset, script: CtpScript, rows: int, columns: int) -> Iterator[tuple[Box, str]]:
    """Yield the rectangles of the first rule that fits, cut at the frame; the rule names its line in the script."""
    rule = script.rule_for(lambda tag: _value(header, tag))
    for left, top, width, height in rule.rectangles if rule is not None else ():
        start = (left if left >= 0 else columns + left, top if top >= 0 else rows + top)
        box = clipped((start[0], start[1], start[0] + width, start[1] + height), rows, columns)
        if box is not None and rule is not None:
            yield box, f"mask:ctp:{rule.line}"


def _value(header: Dataset, tag: int) -> str:
    """Return an attribute as a text, several values joined by backslashes; empty for sequences and nothing.

    Private attributes come as bytes where the sender gives no VRs (PS3.5 7.1.3); they are a text if they read as one.

    Raises
    ------
    Held
        `UNDECODABLE`: a condition about it cannot be answered.
    """
    if tag not in header:
        return ""
    element = decoded(header, tag)
    if isinstance(element, Undecodable):
        raise _unanswerable()
    value = element.value
    if isinstance(value, bytes):
        value = _as_text(value, header).split("\\")
    values = list(value) if isinstance(value, MultiValue | list) else [value]
    return "\\".join(str(one).strip(" \0") for one in values if isinstance(one, _NUMBERS))


def _as_text(raw: bytes, header: Dataset) -> str:
    """Return bytes of an unknown VR as the text that they are in the object's character set.

    A binary number that reads as a word by chance is taken for one; nearly all have a byte that no text has.
    """
    written = raw[:-1] if len(raw) >= _SHORTEST_WITH_ZERO and raw.endswith(b"\0") else raw
    charset = header.original_character_set or header._character_set  # noqa: SLF001  as pydicom itself chooses
    encodings = [charset] if isinstance(charset, str) else list(charset)
    text = decode_bytes(written, encodings, _LINE_BREAKS)
    is_text = (
        all(letter.isprintable() or letter in _LINES for letter in text) and "\N{REPLACEMENT CHARACTER}" not in text
    )
    if not is_text or ("SpecificCharacterSet" not in header and not written.isascii()):
        raise _unanswerable()
    return text


def _unanswerable() -> Held:
    return Held(Reason.UNDECODABLE, "an attribute that the profile's CTP script asks for cannot be decoded")


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword, "")).strip(" \0")
