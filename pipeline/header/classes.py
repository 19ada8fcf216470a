"""Which objects a profile can scrub, and under which reason the others are held.

Rule of the file: an object is scrubbed because of the kind that `pipeline.header.kinds` names for its class, or because
the class is private and the object is an image by its attributes. Everything else is held; a class of the standard
that nobody listed is held too.

Private classes are let through as images because every private attribute goes and every public one is judged by the
same rules whatever the class; what makes a class risky is text or opaque bytes in its public attributes, which the
rules remove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.schema import Option
from pipeline.header.blank_documents import has_blank
from pipeline.header.decoding import Undecodable, decoded, silent_decoding
from pipeline.header.kinds import KINDS, Kind
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from config.schema import Profile

_STANDARD = "1.2.840.10008."
_KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
_REJECTION_NOTES = frozenset({"113001", "113037", "113038", "113039"})
"""PS3.16 CID 7011: rejected for quality, for patient safety, incorrect worklist entry, data retention expired."""
_ENCAPSULATED_DOCUMENT = 0x00420011
_CONTENT_SEQUENCE = 0x0040A730
_CONCEPT_NAME = 0x0040A043
_SOP_CLASS = 0x00080016
_IMAGE_PIXEL = (0x00280002, 0x00280004, 0x00280010, 0x00280011, 0x00280100)
"""Samples per Pixel, Photometric Interpretation, Rows, Columns, Bits Allocated."""


def check_class(dataset: Dataset, profile: Profile) -> Kind:
    """Return what an object is, if a profile can scrub its kind.

    Parameters
    ----------
    dataset
        The original, with or without its pixel data.

    Raises
    ------
    Held
        `UNREADABLE` without SOP class; `CORRECTION` for rejection notes; `STRUCTURED_CONTENT` for reports, key objects
        and whatever holds a Content Sequence where the profile does not clean it; `ENCAPSULATED_DOCUMENT` unless the
        profile strips documents;
        `UNSUPPORTED_CLASS` for sound, raw data and classes that nobody listed.
    """
    with silent_decoding():
        sop_class = str(_value(dataset, _SOP_CLASS) or "").strip(" \0")
        if not sop_class:
            raise Held(Reason.UNREADABLE, "SOP Class UID is missing")
        if sop_class == _KEY_OBJECT_SELECTION and _title_code(dataset) in _REJECTION_NOTES:
            raise Held(Reason.CORRECTION, "a rejection note")
        kind = _kind(dataset, sop_class)
        if kind is Kind.DOCUMENT or _ENCAPSULATED_DOCUMENT in dataset:
            if profile.documents == "hold" or not has_blank(sop_class):
                raise Held(Reason.ENCAPSULATED_DOCUMENT, "an encapsulated document")
            return Kind.DOCUMENT
        if kind is Kind.HELD:
            raise Held(Reason.UNSUPPORTED_CLASS, "raw data, sound, no patient's, or a class that is not known")
        has_content = kind is Kind.REPORT or bool(_value(dataset, _CONTENT_SEQUENCE))
        if has_content and Option.CLEAN_STRUCTURED_CONTENT not in profile.options:
            raise Held(Reason.STRUCTURED_CONTENT, "the profile does not clean structured content")
    return kind


def _kind(dataset: Dataset, sop_class: str) -> Kind:
    if sop_class in KINDS:
        return KINDS[sop_class]
    is_private_image = not sop_class.startswith(_STANDARD) and all(tag in dataset for tag in _IMAGE_PIXEL)
    return Kind.IMAGE if is_private_image else Kind.HELD


def _title_code(dataset: Dataset) -> str:
    """Return the DCM code of the document title, or nothing."""
    for concept in _value(dataset, _CONCEPT_NAME) or ():
        if str(_value(concept, 0x00080102) or "").strip(" \0") == "DCM":
            return str(_value(concept, 0x00080100) or "").strip(" \0")
    return ""


def _value(dataset: Dataset, tag: int) -> Any:
    if tag not in dataset:
        return None
    element = decoded(dataset, tag)
    return None if isinstance(element, Undecodable) else element.value
