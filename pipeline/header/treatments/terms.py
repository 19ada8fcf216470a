"""Texts that are mostly defined terms: what the standard lists stays, the rest is cleaned like any text.

Rule of the file: where the attribute must not be empty, what was cleaned away becomes the term that says least.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

from pipeline.header.dummies import ANONYMIZED
from pipeline.header.identifiers import parts_of

if TYPE_CHECKING:
    from pipeline.header.context import ScrubContext, ScrubItem

_UNITS = frozenset({"OD", "HU", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"})
"""PS3.3 C.11.1.1.2, defined terms of Rescale Type and Modality LUT Type."""
_UNSPECIFIED = "US"
_EXPLANATION = re.compile(
    r"(?:WINDOW|ALGO|NORMAL|HARDER|SOFTER|BONE|LUNG|BRAIN|SOFT_?TISSUE|ABDOMEN|MEDIASTINUM|LINEAR|USER)[ _]?[0-9]{0,2}",
    re.ASCII,
)
"""What devices call their windows and tables."""


def clean_text(original: DataElement, context: ScrubContext, _scrub_item: ScrubItem, _depth: int) -> DataElement:
    """Clean a text that an option keeps: what patients are is wanted, who they are is not."""
    return _with_parts(original, [context.cleaner.clean(str(part)) for part in parts_of(original.value)])


def keep_units(original: DataElement, context: ScrubContext, _scrub_item: ScrubItem, _depth: int) -> DataElement:
    """Keep a unit of pixel values; another text is cleaned, and US (unspecified) where nothing of it is left."""
    return _with_parts(
        original, [_term(str(part), context, _UNITS) or _UNSPECIFIED for part in parts_of(original.value)]
    )


_LUT_EXPLANATION = 0x00283003
"""Type 1 of Real World Value Mapping: a text stands there whatever becomes of it."""


def keep_terms(original: DataElement, context: ScrubContext, _scrub_item: ScrubItem, _depth: int) -> DataElement:
    """Keep what windows and tables are called; several values keep their places, as they belong to several windows."""
    instead = ANONYMIZED if original.tag == _LUT_EXPLANATION else ""
    return _with_parts(original, [_explanation(str(part), context) or instead for part in parts_of(original.value)])


def _explanation(text: str, context: ScrubContext) -> str:
    if _EXPLANATION.fullmatch(text.strip().upper()) and not context.identifiers.in_text(text):
        return text
    return context.cleaner.clean(text)


def _term(text: str, context: ScrubContext, terms: frozenset[str]) -> str:
    return text.strip() if text.strip() in terms else context.cleaner.clean(text)


def _with_parts(original: DataElement, parts: list[str]) -> DataElement:
    value: Any = parts[0] if len(parts) == 1 else MultiValue(str, parts)
    return DataElement(original.tag, original.VR, value, already_converted=True)
