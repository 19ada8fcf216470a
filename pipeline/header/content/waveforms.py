"""Waveforms: samples stay, what people wrote beside them is scrubbed like any other attribute (PS3.3 C.10.9).

Rule of the file: samples are numbers of a width that the item names. Bytes whose width is unknown, or which are more
or fewer than channels times samples, hold the object: something else may stand in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from pipeline.header.decoding import Undecodable, decoded
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from pipeline.header.context import ScrubContext, ScrubItem

_BITS_ALLOCATED = 0x54001004
_CHANNELS, _SAMPLES = 0x003A0005, 0x003A0010
_CHANNEL_DEFINITION_SEQUENCE = 0x003A0200
_DATA, _PADDING = 0x54001010, 0x5400100A
_CHANNEL_MINIMUM, _CHANNEL_MAXIMUM = 0x54000110, 0x54000112
_WIDTHS = {8: 1, 16: 2, 32: 4, 64: 8}
"""Waveform Bits Allocated -> bytes of a sample."""


def keep_samples(original: DataElement, context: ScrubContext, scrub_item: ScrubItem, depth: int) -> DataElement | None:
    """Return a Waveform Sequence with scrubbed items and its samples, written little endian.

    Raises
    ------
    Held
        `UNDECODABLE` where the samples are not what the item says.
    """
    return DataElement(
        original.tag, "SQ", Sequence([_group(item, context, scrub_item, depth + 1) for item in original.value])
    )


def _group(item: Dataset, context: ScrubContext, scrub_item: ScrubItem, depth: int) -> Dataset:
    result = scrub_item(item, depth)
    width = _WIDTHS.get(_number(item, _BITS_ALLOCATED))
    samples = _bytes(item, _DATA)
    if width is None or samples is None:
        raise Held(Reason.UNDECODABLE, "a waveform without samples, or with samples of an unknown width")
    needed = width * _number(item, _CHANNELS) * _number(item, _SAMPLES)
    if needed <= 0 or len(samples) not in {needed, needed + needed % 2}:
        raise Held(Reason.UNDECODABLE, "a waveform is longer or shorter than its samples")
    _set(result, _DATA, samples[:needed], width, context)
    padding = _bytes(item, _PADDING)
    if padding is not None and len(padding) in {width, width + width % 2}:
        _set(result, _PADDING, padding[:width], width, context)
    _limits(item, result, width, context)
    return result


def _limits(item: Dataset, result: Dataset, width: int, context: ScrubContext) -> None:
    """Put the channels' lowest and highest samples back, which have no VR of their own either."""
    channels = zip(
        _items(item, _CHANNEL_DEFINITION_SEQUENCE), _items(result, _CHANNEL_DEFINITION_SEQUENCE), strict=False
    )
    for channel, new in channels:
        for tag in (_CHANNEL_MINIMUM, _CHANNEL_MAXIMUM):
            limit = _bytes(channel, tag)
            if limit is not None and len(limit) in {width, width + width % 2}:
                _set(new, tag, limit[:width], width, context)


def _set(result: Dataset, tag: int, raw: bytes, width: int, context: ScrubContext) -> None:
    if context.is_big_endian and width > 1:
        raw = np.frombuffer(raw, dtype=f">u{width}").astype(f"<u{width}").tobytes()
    result[tag] = DataElement(tag, "OB" if width == 1 else "OW", raw + b"\0" * (len(raw) % 2))


def _items(dataset: Dataset, tag: int) -> Sequence:
    value = _value(dataset, tag)
    return value if isinstance(value, Sequence) else Sequence()


def _bytes(dataset: Dataset, tag: int) -> bytes | None:
    value = _value(dataset, tag)
    return value if isinstance(value, bytes) and value else None


def _number(dataset: Dataset, tag: int) -> int:
    value = _value(dataset, tag)
    return value if isinstance(value, int) else 0


def _value(dataset: Dataset, tag: int) -> Any:
    if tag not in dataset:
        return None
    element = decoded(dataset, tag)
    return None if isinstance(element, Undecodable) else element.value
