"""Plants in public places that PS3.15 Table E.1-1 does not name, one function per hard case.

Rule of the file: `write_outside` takes any object; what would make an object another object is left to its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.datadict import DicomDictionary, dictionary_keyword
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from pipeline.header.ps315_table import ROWS
from tests.factories.corpus.elements import code, dcm, fill, item, sct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from tests.factories.corpus.plants import Plants

TEXT_VRS = ("LO", "SH", "CS", "ST", "LT", "UT", "UC", "UR", "AE", "PN")
_STRUCTURAL = frozenset({0x0008, 0x0012, 0x0028, 0x0088, 0x0400, 0x7FE0})
"""Groups whose text attributes decide what an object is; their hard cases have functions of their own."""
NESTING = 12


def write_outside(dataset: Dataset, plants: Plants, *, turn: int, turns: int) -> None:
    """Plant names in every place that any object can have, and in one part of the dictionary's text attributes.

    Parameters
    ----------
    turn, turns
        Which part: the parts of all turns together are the whole dictionary.
    """
    _equipment(dataset, plants)
    _codes(dataset, plants)
    _earlier_deidentification(dataset, plants)
    _unknown_elements(dataset, plants)
    _contributing_equipment(dataset, plants)
    _nested(dataset, plants)
    _overlay(dataset, plants)
    _history(dataset, plants)
    for tag in list(_attributes())[turn::turns]:
        if tag not in dataset:
            _text(dataset, tag, plants)


def write_outside_of_image(dataset: Dataset, plants: Plants) -> None:
    """Plant names in explanations and in the ICC profile, for an object that has pixels."""
    if "MONOCHROME" in dataset.get("PhotometricInterpretation", ""):
        fill(dataset, WindowCenter="40", WindowWidth="400")
        dataset.WindowCenterWidthExplanation = f"for {plants.outside('Window Center & Width Explanation')}"
    else:
        dataset.ICCProfile = icc_profile(plants.outside("ICC Profile"))
    dataset.SpecimenLabelInImage = "NO"
    icon = item(Rows=8, Columns=16, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")
    fill(icon, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    icon.add_new(0x7FE00010, "OB", plants.in_table("icon image").encode().ljust(128, b"\0"))
    dataset.IconImageSequence = Sequence([icon])


def icon_free(dataset: Dataset) -> Dataset:
    """Take the icon away again, for classes that must have none."""
    del dataset.IconImageSequence
    return dataset


def icc_profile(text: str) -> bytes:
    """Return a profile of sRGB primaries and gamma 2.2 whose description is `text` (ICC.1, 7.2)."""
    description = b"desc" + bytes(4) + (len(text) + 1).to_bytes(4, "big") + text.encode("ascii") + bytes(79)
    primaries = {
        b"wtpt": "0000f6d6000100000000d32d",
        b"rXYZ": "00006fa2000038f500000390",
        b"gXYZ": "000062990000b785000018da",
        b"bXYZ": "000024a000000f840000b6cf",
    }
    blocks = {name: b"XYZ " + bytes(4) + bytes.fromhex(numbers) for name, numbers in primaries.items()}
    gamma = b"curv" + bytes(4) + (1).to_bytes(4, "big") + bytes.fromhex("0233") + bytes(2)
    blocks.update(dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma))
    blocks[b"desc"] = description + bytes(-len(description) % 4)
    offset = 128 + 4 + 12 * len(blocks)
    table = len(blocks).to_bytes(4, "big")
    for name, block in blocks.items():
        table += name + offset.to_bytes(4, "big") + len(block).to_bytes(4, "big")
        offset += len(block)
    header = offset.to_bytes(4, "big") + bytes(4) + bytes.fromhex("02100000") + b"scnrRGB XYZ " + bytes(12) + b"acsp"
    header += bytes(28) + bytes.fromhex("0000f6d6000100000000d32d")
    return header.ljust(128, b"\0") + table + b"".join(blocks.values())


def _equipment(dataset: Dataset, plants: Plants) -> None:
    dataset.ManufacturerModelName = f"Probe 9000 {plants.outside('Manufacturer Model Name')}"
    dataset.SoftwareVersions = ["1.2", f"build of {plants.outside('Software Versions')}"]


def _codes(dataset: Dataset, plants: Plants) -> None:
    region = code("51185008", "SCT", f"Chest of {plants.outside('Code Meaning')}")
    dataset.AnatomicRegionSequence = Sequence([region])
    local = code("X1", "99LOCAL", f"asked by {plants.outside('Code Meaning, local scheme')}")
    dataset.ProcedureCodeSequence = Sequence([local])
    dataset.CodingSchemeIdentificationSequence = Sequence(
        [item(CodingSchemeDesignator="99LOCAL", CodingSchemeName=f"of {plants.outside('Coding Scheme Name')}")]
    )


def _earlier_deidentification(dataset: Dataset, plants: Plants) -> None:
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = f"by hand, was {plants.outside('De-identification Method')}"
    dataset.DeidentificationMethodCodeSequence = Sequence(
        [code("113100", "DCM", f"Basic, was {plants.outside('De-identification Method Code Sequence')}")]
    )


def _unknown_elements(dataset: Dataset, plants: Plants) -> None:
    dataset.add_new(0x00080203, "LO", plants.outside("unknown even-group element"))
    dataset.add_new(0x00360101, "UN", plants.outside("unknown even-group element as UN").encode().ljust(16))
    dataset.add_new(0x00324000, "UN", plants.in_table("public element sent as UN", 0x00324000).encode().ljust(16))
    dataset.add_new(0x00181016, "UN", plants.outside("public element outside the table sent as UN").encode().ljust(16))


def _contributing_equipment(dataset: Dataset, plants: Plants) -> None:
    dataset.ContributingEquipmentSequence = Sequence(
        [
            item(
                PurposeOfReferenceCodeSequence=dcm("109103", "Modifying Equipment"),
                Manufacturer="Imaginary Devices",
                ContributionDescription=plants.in_table("Contributing Equipment Sequence"),
                InstitutionName=plants.in_table("Contributing Equipment Sequence"),
                OperatorsName=plants.in_table("Contributing Equipment Sequence"),
                ManufacturerModelName=f"Router {plants.outside('Contributing Equipment, model')}",
                DeviceUID=plants.instance_uid("Contributing Equipment Sequence"),
            )
        ]
    )


def _nested(dataset: Dataset, plants: Plants) -> None:
    where = f"nested {NESTING} deep"
    inner = item(PatientName=plants.in_table(where), Manufacturer=f"M {plants.outside(where)}")
    inner.UID = plants.instance_uid(where)
    inner.ConceptNameCodeSequence = Sequence(sct("51185008", f"Chest {plants.outside(f'Code Meaning {where}')}"))
    for _ in range(NESTING - 1):
        inner = item(ConceptCodeSequence=[code("51185008", "SCT", "Chest")], MeasuredValueSequence=[inner])
    dataset.SubjectiveRefractionRightEyeSequence = Sequence([inner])


def _history(dataset: Dataset, plants: Plants) -> None:
    """Plant in what an object says about its past: a digital signature, and the attributes it had before."""
    certificate = plants.in_table("digital signature").encode().ljust(64, b"\0")
    signature = item(MACIDNumber=1, DigitalSignatureUID=plants.instance_uid("Digital Signature UID"))
    fill(signature, DigitalSignatureDateTime="20190311101010", CertificateType="X509_1993_SIG")
    fill(signature, CertificateOfSigner=certificate, Signature=plants.in_table("digital signature").encode().ljust(64))
    dataset.DigitalSignaturesSequence = Sequence([signature])
    before = item(PatientName=f"{plants.in_table('Original Attributes Sequence')}^B")
    fill(before, PatientID=plants.digits("Original Attributes Sequence"))
    dataset.OriginalAttributesSequence = Sequence(
        [
            item(
                ModifiedAttributesSequence=[before],
                AttributeModificationDateTime="20190311101010",
                ModifyingSystem=plants.in_table("Original Attributes Sequence"),
                SourceOfPreviousValues=plants.in_table("Original Attributes Sequence"),
                ReasonForTheAttributeModification="CORRECT",
            )
        ]
    )
    person = item(
        PersonIdentificationCodeSequence=[
            code(
                plants.digits("Person Identification Code Sequence"),
                "99LOCAL",
                plants.in_table("Person Identification Code Sequence"),
            )
        ]
    )
    fill(person, InstitutionName=plants.in_table("Person Identification Code Sequence"))
    dataset.OperatorIdentificationSequence = Sequence([person])
    dataset.ReferringPhysicianIdentificationSequence = Sequence([person])


def _overlay(dataset: Dataset, plants: Plants) -> None:
    for element, vr, value in (
        (0x10, "US", 16), (0x11, "US", 16), (0x40, "CS", "G"), (0x50, "SS", [1, 1]), (0x100, "US", 1), (0x102, "US", 0),
    ):  # fmt: skip
        dataset.add_new(0x60000000 + element, vr, value)
    dataset.add_new(0x60000022, "LO", f"marks {plants.outside('Overlay Description')}")
    dataset.add_new(0x60001500, "LO", f"label {plants.outside('Overlay Label')}")
    dataset.add_new(0x60004000, "LT", plants.in_table("Overlay Comments"))
    bits = plants.in_table("Overlay Data").encode().ljust(32, b"\0")
    dataset.add_new(0x60003000, "OW", bits)


def _attributes() -> Iterator[int]:
    """Yield every text attribute of the dictionary that the table does not name and that decides nothing."""
    for tag, (vr, _vm, _name, _retired, _keyword) in sorted(DicomDictionary.items()):
        group = tag >> 16
        if vr in TEXT_VRS and f"{tag:08X}" not in ROWS and group not in _STRUCTURAL and group > 0x0008:
            yield tag


def _text(dataset: Dataset, tag: int, plants: Plants) -> None:
    vr = DicomDictionary[tag][0]
    name = plants.outside(f"{vr} outside the table: {dictionary_keyword(tag)}", tag)
    written = {"CS": name.upper(), "AE": name.upper(), "SH": name, "PN": f"{name}^A"}
    value = written.get(vr, f"http://{name}.example/" if vr == "UR" else f"of {name}")
    dataset.add(DataElement(tag, vr, value))


def alias_names(dataset: Dataset, plants: Plants) -> None:
    """Name the patient as every name that was smuggled, in Other Patient Names, which every tool knows."""
    if plants.aliases:
        dataset.OtherPatientNames = list(plants.aliases)
