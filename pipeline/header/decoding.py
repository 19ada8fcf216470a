"""One element of a data set, decoded, or the fact that it cannot be.

Rule of the file: pydicom's errors and warnings end here; they quote values, and values belong in no log. An element
that cannot be decoded is a fact of its own (`UNDECODABLE`), never an empty value.
"""

from __future__ import annotations

import logging
import struct
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_VR
from pydicom.errors import BytesLengthException
from pydicom.valuerep import STANDARD_VR

from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset


logging.getLogger("pydicom").disabled = True
"""Pydicom logs each of its warnings too, and they quote values: in this product that is patient data."""


class Undecodable:
    """The type of `UNDECODABLE`."""

    is_empty: Final = False


DEEPEST = 40
"""How deep sequences may be nested; real objects stay below ten."""

_KNOWN_VRS = frozenset(map(str, STANDARD_VR)) - {"UN"}
UNDECODABLE: Final = Undecodable()
"""Stands for an element whose bytes are no value of its VR."""

_DECODING_ERRORS = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom 3 raises from damaged values, seen on damaged files; UnicodeError is a ValueError."""


@contextmanager
def silent_decoding() -> Iterator[None]:
    """Run a block in which pydicom's warnings about values, which quote them, are dropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decoded(dataset: Dataset, tag: int) -> DataElement | Undecodable:
    """Return an element with its value decoded; call inside `silent_decoding`."""
    try:
        return dataset[tag]
    except _DECODING_ERRORS:
        return UNDECODABLE


def check_depth(depth: int) -> None:
    """Return if a data set may be nested so deep.

    Raises
    ------
    Held
        `RESOURCE_LIMIT`, before a recursion ends the process.
    """
    if depth > DEEPEST:
        raise Held(Reason.RESOURCE_LIMIT, f"sequences are nested deeper than {DEEPEST}")


def vr_of(dataset: Dataset, tag: int) -> str:
    """Return an element's VR without decoding its value: as sent, else (implicit, UN, unknown) as in the dictionary."""
    try:
        vr = dataset.get_item(tag).VR
    except _DECODING_ERRORS:  # undefined length and a VR that does not exist: pydicom cannot but decode it
        vr = None
    if vr in _KNOWN_VRS:
        return str(vr)
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return "UN"
