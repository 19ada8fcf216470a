"""One element of a data set, decoded, or the fact that it cannot be.

Rule of the file: pydicom's errors and warnings end here; they quote values, and values belong in no log. An element
that cannot be decoded is a fact of its own (`UNDECODABLE`), never an empty value.
"""

from __future__ import annotations

import logging
import struct
import warnings
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.errors import BytesLengthException
from pydicom.valuerep import AMBIGUOUS_VR, STANDARD_VR

from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableSequence

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset


logging.getLogger("pydicom").disabled = True
"""Pydicom logs each of its warnings too, and they quote values: in this product that is patient data."""


class Undecodable:
    """The type of `UNDECODABLE`."""

    is_empty: Final = False


_VRS = frozenset(str(vr) for vr in STANDARD_VR - {"UN"} | AMBIGUOUS_VR)
DEEPEST = 40
"""How deep sequences may be nested; real objects stay below ten."""

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
    """Return an element with its value decoded; call inside `silent_decoding`.

    A public element that was sent as UN is read by the dictionary: little endian with implicit VRs, whatever the data
    set's own syntax (PS3.5 6.2.2).
    """
    try:
        stored = dataset.get_item(tag)
        if isinstance(stored, RawDataElement) and stored.VR == "UN":
            return _decoded_unknown(dataset, stored)
        return dataset[tag]
    except _DECODING_ERRORS:
        return UNDECODABLE
    except OSError as error:
        if error.errno is not None:
            raise  # the disk's, of a value that is read only now
        return UNDECODABLE  # pydicom's own, of a sequence that ends too early


def converted(raw: RawDataElement, character_set: str | MutableSequence[str]) -> DataElement | Undecodable:
    """Return bytes that are in memory as a value of the VR that they carry; call inside `silent_decoding`."""
    try:
        return convert_raw_data_element(raw, encoding=character_set)
    except (*_DECODING_ERRORS, OSError):
        return UNDECODABLE


def _decoded_unknown(dataset: Dataset, raw: RawDataElement) -> DataElement:
    vr = known_vr(int(raw.tag))
    if vr == "UN" or " or " in vr:
        return dataset[raw.tag]
    typed = raw._replace(VR=vr, is_implicit_VR=True, is_little_endian=True)
    character_set = dataset._character_set  # noqa: SLF001  pydicom's reader does the same; there is no public way
    return convert_raw_data_element(typed, encoding=character_set, ds=dataset)


def check_depth(depth: int) -> None:
    """Return if a data set may be nested so deep.

    Raises
    ------
    Held
        `RESOURCE_LIMIT`, before a recursion ends the process.
    """
    if depth > DEEPEST:
        raise Held(Reason.RESOURCE_LIMIT, f"sequences are nested deeper than {DEEPEST}")


def stored_vr(stored: DataElement | RawDataElement, number: int) -> str:
    """Return an element's VR without decoding its value: as sent, else (implicit, UN, none) as in the dictionary."""
    vr = stored.VR
    return str(vr) if vr in _VRS else known_vr(number)


@lru_cache(maxsize=16384)
def known_vr(number: int) -> str:
    """Return the dictionary's VR of an attribute, UN where it is in no dictionary."""
    try:
        return str(dictionary_VR(number))
    except KeyError:
        return "UN"


def vr_of(dataset: Dataset, tag: int) -> str:
    """Return the VR of an element of `dataset`, as `stored_vr`."""
    try:
        stored = dataset.get_item(tag)
    except _DECODING_ERRORS:  # undefined length and a VR that does not exist: pydicom cannot but decode it
        stored = None
    return known_vr(tag) if stored is None else stored_vr(stored, tag)
