"""Attributes that no general action serves: one treatment for each, by tag.

Rule of the file: a table, nothing else. It is asked where an attribute's action is KEEP or CLEAN and the profile has
no rule of its own for it; a treatment returns the element that may leave, newly made, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from pydicom.dataelem import DataElement

from pipeline.header.content.treatments import CONTENT_TREATMENTS
from pipeline.header.context import ScrubContext, ScrubItem

Treatment: TypeAlias = Callable[[DataElement, ScrubContext, ScrubItem, int], DataElement | None]
"""Original element, context, how to scrub an item, and the depth of the data set that the element stands in."""

TREATMENTS: Mapping[int, Treatment] = {**CONTENT_TREATMENTS}
