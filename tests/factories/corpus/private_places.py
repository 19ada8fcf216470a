"""Plants in private attributes: every VR, unknown and safe creators, no creator, blobs, nested.

Rule of the file: where the creator is one of PS3.15 Table E.3.10-1, the attribute is one of its safe ones, because
a safe row says that the attribute is safe, not that its free text is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from tests.factories.corpus.elements import item

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from tests.factories.corpus.plants import Plants

_SAFE = (
    ("Philips Imaging DD 001", 0x2001, 0x93, "LO"),
    ("Philips Imaging DD 001", 0x2001, 0x06, "CS"),
    ("Philips Imaging DD 001", 0x2001, 0x87, "SH"),
    ("Philips Imaging DD 002", 0x2001, 0x52, "LO"),
    ("Philips Imaging DD 002", 0x2001, 0x68, "LO"),
    ("SIEMENS Ultrasound SC2000", 0x0129, 0x12, "UI"),
    ("HOLOGIC, Inc.", 0x7E01, 0x02, "SH"),
    ("NQHeader", 0x0099, 0x20, "SH"),
)
_SAFE_SEQUENCES = (
    ("Philips Imaging DD 001", 0x2001, 0x68),
    ("SIEMENS Ultrasound SC2000", 0x0129, 0x00),
)


def write_private(dataset: Dataset, plants: Plants) -> None:
    """Plant in every kind of private place."""
    _every_vr(dataset, plants)
    _safe_creators(dataset, plants)
    _blobs(dataset, plants)
    inner = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID="1.2.840.10008.1.1")
    _every_vr(inner, plants)
    dataset.ReferencedInstanceSequence = Sequence([inner])
    dataset.add(DataElement(0x00211077, "LO", plants.private("private element without creator")))


def _every_vr(dataset: Dataset, plants: Plants) -> None:
    block = dataset.private_block(0x0019, f"{plants.private('private creator')} HDR", create=True)
    for offset, vr in enumerate(("LO", "SH", "ST", "LT", "UT", "UC", "UR", "PN", "AE", "CS", "UI", "OB", "OW", "UN")):
        block.add_new(offset, vr, _value(vr, plants, f"private {vr}"))
    block.add_new(0x20, "SQ", Sequence([item(PatientName=plants.private("private SQ"))]))
    block.add_new(0x21, "IS", plants.private_number("private IS"))


def _value(vr: str, plants: Plants, where: str) -> Any:
    if vr == "UI":
        return plants.instance_uid(where)
    word = plants.private(where)
    if vr in ("OB", "OW", "UN"):
        return word.encode("utf-16-le" if vr == "OW" else "ascii").ljust(32, b"\0")
    return word.upper() if vr in ("AE", "CS") else word


def _safe_creators(dataset: Dataset, plants: Plants) -> None:
    for creator, group, offset, vr in _SAFE:
        block = dataset.private_block(group, creator, create=True)
        block.add_new(offset, vr, _value(vr, plants, f"safe private {vr}"))
    for creator, group, offset in _SAFE_SEQUENCES:
        inner = item(
            PatientName=f"{plants.private('safe private SQ')}^P", SoftwareVersions=plants.private("safe private SQ")
        )
        inner.ReferencedSOPInstanceUID = plants.instance_uid("safe private SQ")
        block = dataset.private_block(group, creator, create=True)
        block.add_new(offset, "SQ", Sequence([inner]))


def _blobs(dataset: Dataset, plants: Plants) -> None:
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    blob = b"SV10\4\3\2\1" + (1).to_bytes(4, "little") + b"M\0\0\0" + b"PatientName".ljust(64, b"\0")
    block.add_new(0x10, "OB", blob + plants.private("CSA header").encode().ljust(64, b"\0"))
    block.add_new(0x20, "OB", b"SV10\4\3\2\1" + plants.private("CSA header").encode().ljust(64, b"\0"))
