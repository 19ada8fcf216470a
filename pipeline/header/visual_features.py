"""Whether an object may show a face: Clean Recognizable Visual Features (PS3.15 E.3.2) without touching a pixel.

No pixel is changed here, and no object is passed whose face would have to be removed: what may show one is held.
Rule of the file: an object passes because its class shows no face, or because its class and Body Part Examined
together say so. Everything else is in doubt, and doubt holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.schema import Option
from pipeline.header.decoding import Undecodable, decoded, silent_decoding
from pipeline.header.identifiers import parts_of
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from config.schema import Profile

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_FACELESS = frozenset(
    _STORAGE + ending
    for ending in (
        "1.2", "1.2.1", "13.1.3", "13.1.4", "13.1.5",  # Mammography, Breast Tomosynthesis, Breast Projection
        "3", "3.1", "6", "6.1",  # Ultrasound; not the volumes, which are rendered
        "14.1", "14.2",  # Intravascular Optical Coherence Tomography
        "77.1.2", "77.1.2.1", "77.1.3", "77.1.6",  # Microscopy
        "77.1.5.4", "77.1.5.5", "77.1.5.6", "77.1.5.7", "77.1.5.8",  # Ophthalmic tomography, wide field
    )
)  # fmt: skip
_BY_BODY_PART = frozenset(
    _STORAGE + ending
    for ending in (
        "1", "1.1", "1.1.1",  # Computed Radiography, Digital X-Ray
        "2", "2.1", "2.2", "4", "4.1", "4.3", "4.4",  # CT, MR
        "12.1", "12.1.1", "12.2", "12.2.1", "12.3", "13.1.1",  # Angiography, Radiofluoroscopy, X-Ray 3D
        "5", "20", "128", "128.1", "130",  # Nuclear Medicine, PET
    )
)  # fmt: skip
_BELOW_THE_HEAD = frozenset(
    {
        "ABDOMEN", "ABDOMENPELVIS", "ADRENAL", "ANKLE", "AORTA", "APPENDIX", "ARM", "BILEDUCT", "BLADDER", "BREAST",
        "CALCANEUS", "CALF", "CHEST", "CHESTABDOMEN", "CLAVICLE", "COCCYX", "COLON", "CORONARYARTERY", "DUODENUM",
        "ELBOW", "EXTREMITY", "FEMUR", "FIBULA", "FINGER", "FOOT", "FOREARM", "GALLBLADDER", "HAND", "HEART", "HIP",
        "HUMERUS", "ILIUM", "KIDNEY", "KNEE", "LEG", "LIVER", "LSPINE", "LUNG", "MEDIASTINUM", "OVARY", "PANCREAS",
        "PATELLA", "PELVIS", "PROSTATE", "RADIUS", "RADIUSULNA", "RECTUM", "RIB", "SACRUM", "SCAPULA", "SCROTUM",
        "SHOULDER", "SIJOINT", "SPLEEN", "SSPINE", "STERNUM", "STOMACH", "TESTIS", "THIGH", "THORAX", "THUMB", "TIBIA",
        "TIBIAFIBULA", "TOE", "TSPINE", "ULNA", "URETER", "UTERUS", "WRIST",
    }
)  # fmt: skip
"""Body Part Examined, PS3.16 Annex L, of parts whose images end below the chin."""
_SOP_CLASS = 0x00080016
_BODY_PART = 0x00180015


def check_visual_features(header: Dataset, profile: Profile) -> None:
    """Return if the object shows no face, or if the profile does not care.

    Parameters
    ----------
    header
        The original of an object with pixel data.

    Raises
    ------
    Held
        `VISUAL_FEATURES`.
    """
    if Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES not in profile.options:
        return
    with silent_decoding():
        sop_class = "".join(_values(header, _SOP_CLASS))
        parts = _values(header, _BODY_PART)
    if sop_class in _FACELESS:
        return
    if sop_class in _BY_BODY_PART and parts and _BELOW_THE_HEAD.issuperset(parts):
        return
    raise Held(Reason.VISUAL_FEATURES, "a face may be recognised, and the profile wants it cleaned")


def _values(header: Dataset, tag: int) -> list[str]:
    if tag not in header:
        return []
    element = decoded(header, tag)
    if isinstance(element, Undecodable):
        return [""]
    return [str(part).strip(" \0").upper() for part in parts_of(element.value)]
