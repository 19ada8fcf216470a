"""Which SOP classes can be scrubbed today, and under which reason the others are held.

Rule of the file: a class is scrubbed because it stands in the list of images, or because it is private and its object
is an image by its attributes. Everything else is held; a class of the standard that nobody listed is held too.

Private classes are let through as images because every private attribute goes and every public one is judged by the
same rules whatever the class; what makes a class risky is text or opaque bytes in its public attributes, which the
rules remove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.header.decoding import Undecodable, decoded, silent_decoding
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_STANDARD = "1.2.840.10008."
_KEY_OBJECT_SELECTION = f"{_STORAGE}88.59"
_REPORTS = f"{_STORAGE}88."
_DOCUMENTS = f"{_STORAGE}104."
_IMAGES = frozenset(
    _STORAGE + ending
    for ending in (
        "1",  # Computed Radiography
        "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1",  # Digital X-Ray, Mammography, Intra-Oral
        "2", "2.1", "2.2",  # CT, Enhanced CT, Legacy Converted Enhanced CT
        "3", "3.1",  # Ultrasound Multi-frame, retired and current
        "4", "4.1", "4.3", "4.4",  # MR, Enhanced MR, Enhanced MR Color, Legacy Converted Enhanced MR
        "5", "20", "128", "128.1", "130",  # Nuclear Medicine retired and current, PET, Legacy Converted, Enhanced PET
        "6", "6.1", "6.2", "6.3",  # Ultrasound retired and current, Enhanced US Volume, Photoacoustic
        "7", "7.1", "7.2", "7.3", "7.4",  # Secondary Capture and its multi-frame kinds
        "12.1", "12.1.1", "12.2", "12.2.1", "12.3",  # X-Ray Angiographic, Radiofluoroscopic, Biplane retired
        "13.1.1", "13.1.2", "13.1.3", "13.1.4", "13.1.5",  # X-Ray 3D, Breast Tomosynthesis, Breast Projection
        "14.1", "14.2",  # Intravascular Optical Coherence Tomography
        "77.1", "77.2",  # Visible Light retired
        "77.1.1", "77.1.1.1", "77.1.2", "77.1.2.1", "77.1.3", "77.1.4", "77.1.4.1",  # VL, its video kinds
        "77.1.5.1", "77.1.5.2", "77.1.5.4", "77.1.5.5", "77.1.5.6", "77.1.5.7", "77.1.5.8",  # Ophthalmic
        "77.1.6", "77.1.7",  # Whole Slide Microscopy, Dermoscopic Photography
    )
)  # fmt: skip
_REJECTION_NOTES = frozenset({"113001", "113037", "113038", "113039"})
"""PS3.16 CID 7011: rejected for quality, for patient safety, incorrect worklist entry, data retention expired."""
_ENCAPSULATED_DOCUMENT = 0x00420011
_CONTENT_SEQUENCE = 0x0040A730
_CONCEPT_NAME = 0x0040A043
_SOP_CLASS = 0x00080016
_IMAGE_PIXEL = (0x00280002, 0x00280004, 0x00280010, 0x00280011, 0x00280100)
"""Samples per Pixel, Photometric Interpretation, Rows, Columns, Bits Allocated."""


def check_class(dataset: Dataset) -> None:
    """Return if the header of this object can be scrubbed today.

    Parameters
    ----------
    dataset
        The original, with or without its pixel data.

    Raises
    ------
    Held
        `UNREADABLE` without SOP class; `CORRECTION` for rejection notes; `STRUCTURED_CONTENT` for other reports,
        key objects and whatever holds a Content Sequence; `ENCAPSULATED_DOCUMENT`; `UNSUPPORTED_CLASS` for presentation
        states, waveforms, radiotherapy, segmentations, raw data and all that is no image.
    """
    with silent_decoding():
        sop_class = str(_value(dataset, _SOP_CLASS) or "").strip(" \0")
        if not sop_class:
            raise Held(Reason.UNREADABLE, "SOP Class UID is missing")
        if sop_class == _KEY_OBJECT_SELECTION and _title_code(dataset) in _REJECTION_NOTES:
            raise Held(Reason.CORRECTION, "a rejection note")
        if sop_class.startswith(_REPORTS) or _value(dataset, _CONTENT_SEQUENCE):
            raise Held(Reason.STRUCTURED_CONTENT, "structured content cannot be cleaned by this version")
        if sop_class.startswith(_DOCUMENTS) or _ENCAPSULATED_DOCUMENT in dataset:
            raise Held(Reason.ENCAPSULATED_DOCUMENT, "an encapsulated document")
        if sop_class in _IMAGES:
            return
        if sop_class.startswith(_STANDARD) or not all(tag in dataset for tag in _IMAGE_PIXEL):
            raise Held(Reason.UNSUPPORTED_CLASS, "not an image, or a class that is not known")


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
