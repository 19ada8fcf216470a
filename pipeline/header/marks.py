"""What the scrubbed header says about its own de-identification.

(0012,0062/0063/0064), (0028,0303), (0018,A001) and, where private attributes stay, (0008,0300).

Rule of the file: only options that the profile names are claimed; the configuration accepts none that is not
implemented.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from pydicom.sequence import Sequence

from config.schema import Option
from pipeline.header.private.characteristics import private_characteristics
from pipeline.header.verbatim import dataset_of, text_element

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from config.schema import Profile
    from pipeline.header.table import Rules

PRODUCT = "Sonoveil"
BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
OPTION_CODES = {
    Option.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES: ("113102", "Clean Recognizable Visual Features Option"),
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_LONGITUDINAL_FULL_DATES: (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    Option.RETAIN_LONGITUDINAL_MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}
"""PS3.16 CID 7050, coding scheme DCM."""
_DEIDENTIFYING = ("109104", "De-identifying Equipment")
"""PS3.16 CID 7005."""
_CONTRIBUTING_EQUIPMENT = 0x0018A001
_PURPOSE = 0x0040A170
_LONGEST_LO = 64


@lru_cache(maxsize=1)
def product_version() -> str:
    """Return the installed version, 0 where the package runs without having been installed."""
    try:
        return version("sonoveil")
    except PackageNotFoundError:
        return "0"


def write_marks(dataset: Dataset, profile: Profile, rules: Rules) -> None:
    """Write into the root of a scrubbed header what was done to it."""
    methods = [f"{PRODUCT} {product_version()}", f"profile {profile.name}"[:_LONGEST_LO]]
    if rules.ruled:
        methods.append("with rules for single attributes")
    if profile.private_tags.extra:
        methods.append("with private attributes of the profile's own")
    dataset.add_new(0x00120062, "CS", "YES")
    dataset.add_new(0x00120063, "LO", methods)
    codes = [BASIC_PROFILE, *(OPTION_CODES[option] for option in profile.options)]
    dataset.add_new(0x00120064, "SQ", Sequence([_code(value, meaning) for value, meaning in codes]))
    dataset.add_new(0x00280303, "CS", rules.dates.value)
    _add_equipment(dataset)
    characteristics = private_characteristics(dataset)
    if characteristics is not None:
        dataset.add(characteristics)


def _add_equipment(dataset: Dataset) -> None:
    """Add this product to the equipment that made the object (PS3.3 C.12.1.1.5), once, without a site or a time."""
    earlier = dataset[_CONTRIBUTING_EQUIPMENT].value if _CONTRIBUTING_EQUIPMENT in dataset else ()
    items = [item for item in earlier or () if not _is_our_step(item)]
    equipment = dataset_of(text_element(0x00080070, "LO", PRODUCT), text_element(0x00181020, "LO", product_version()))
    equipment.add_new(_PURPOSE, "SQ", Sequence([_code(*_DEIDENTIFYING)]))
    dataset.add_new(_CONTRIBUTING_EQUIPMENT, "SQ", Sequence([*items, equipment]))


def _is_our_step(item: Dataset) -> bool:
    purposes = item[_PURPOSE].value if _PURPOSE in item else ()
    codes = [str(purpose.get("CodeValue", "")) for purpose in purposes or ()]
    return _DEIDENTIFYING[0] in codes


def _code(value: str, meaning: str) -> Dataset:
    return dataset_of(
        text_element(0x00080100, "SH", value),
        text_element(0x00080102, "SH", "DCM"),
        text_element(0x00080104, "LO", meaning),
    )
