"""A DICOMDIR over de-identified objects: a file-set that may be handed on (PS3.3 Annex F, PS3.10 8).

    MEDIA/DICOMDIR
    MEDIA/PT000000/ST000000/SE000000/IM000000     the same files as in OUT/objects, by another name

Nothing of a source's DICOMDIR is used: records are made from the objects as they were written, so that a DICOMDIR can
name nobody whom they do not name. Names of UIDs are too long for a file-set (PS3.10 8.5), hence a folder of its own.
Rule of the file: what has no directory record of its own kind here is left out and counted, never listed wrongly.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian

from pipeline.header.container import IMPLEMENTATION_CLASS_UID
from pipeline.header.decoding import silent_decoding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_SEQUENCE_HEADER, _ITEM_HEADER = 12, 8
_IN_USE = 0xFFFF
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KINDS = (
    (f"{_STORAGE}88.59", "KEY OBJECT DOC", "KY"),
    (f"{_STORAGE}88.", "SR DOCUMENT", "SR"),
    (f"{_STORAGE}11.", "PRESENTATION", "PR"),
    (f"{_STORAGE}9.", "WAVEFORM", "WV"),
    (f"{_STORAGE}481.2", "RT DOSE", "RD"),
    (f"{_STORAGE}481.3", "RT STRUCTURE SET", "RS"),
    (f"{_STORAGE}481.5", "RT PLAN", "RP"),
    (f"{_STORAGE}66.1", "REGISTRATION", "RG"),
    (f"{_STORAGE}66.3", "REGISTRATION", "RG"),
)
"""Class UIDs that start so, record type (PS3.3 F.4), how file names begin; with rows and columns: IMAGE."""
_KEYS: dict[str, tuple[tuple[str, Any], ...]] = {
    "PATIENT": (("PatientName", None), ("PatientID", "ANONYMIZED")),
    "STUDY": (
        ("StudyDate", "19000101"),
        ("StudyTime", "000000"),
        ("StudyDescription", None),
        ("StudyInstanceUID", None),
        ("StudyID", "0"),
        ("AccessionNumber", None),
    ),
    "SERIES": (("Modality", "OT"), ("SeriesInstanceUID", None), ("SeriesNumber", "0")),
    "IMAGE": (("InstanceNumber", "0"),),
    "KEY OBJECT DOC": (
        ("InstanceNumber", "0"),
        ("ContentDate", "19000101"),
        ("ContentTime", "000000"),
        ("ConceptNameCodeSequence", None),
    ),
    "SR DOCUMENT": (
        ("InstanceNumber", "0"),
        ("CompletionFlag", "PARTIAL"),
        ("VerificationFlag", "UNVERIFIED"),
        ("ContentDate", "19000101"),
        ("ContentTime", "000000"),
        ("ConceptNameCodeSequence", None),
    ),
    "PRESENTATION": (
        ("PresentationCreationDate", "19000101"),
        ("PresentationCreationTime", "000000"),
        ("InstanceNumber", "0"),
        ("ContentLabel", "CONTENT"),
        ("ContentDescription", None),
        ("ContentCreatorName", None),
        ("ReferencedSeriesSequence", None),
    ),
    "WAVEFORM": (("InstanceNumber", "0"), ("ContentDate", "19000101"), ("ContentTime", "000000")),
    "RT DOSE": (("InstanceNumber", "0"), ("DoseSummationType", "PLAN"), ("DoseComment", None)),
    "RT STRUCTURE SET": (
        ("InstanceNumber", "0"),
        ("StructureSetLabel", "CONTENT"),
        ("StructureSetDate", None),
        ("StructureSetTime", None),
    ),
    "RT PLAN": (("InstanceNumber", "0"), ("RTPlanLabel", "CONTENT"), ("RTPlanDate", None), ("RTPlanTime", None)),
    "REGISTRATION": (
        ("ContentDate", "19000101"),
        ("ContentTime", "000000"),
        ("InstanceNumber", "0"),
        ("ContentLabel", "CONTENT"),
        ("ContentDescription", None),
        ("ContentCreatorName", None),
    ),
}
"""Record type -> attributes of the object that it repeats (PS3.3 F.5), and what stands where a Type 1 one is empty."""


@dataclass(slots=True, kw_only=True)
class _Record:
    """One directory record and where it will stand."""

    dataset: Dataset
    children: dict[str, _Record]
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSetResult:
    """How many objects a file-set lists, and how many it had to leave out."""

    listed: int
    left_out: int


def write_file_set(objects: Path, media: Path) -> FileSetResult:
    """Write a file-set of every object under `objects`.

    Parameters
    ----------
    objects
        Holds de-identified Part 10 files, at any depth.
    media
        Made anew, in place of one that an earlier run made; its files share their bytes with those of `objects` where
        the file system can.
    """
    unfinished = media.with_name(f".{media.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    result = _write(objects, unfinished)
    shutil.rmtree(media, ignore_errors=True)
    unfinished.rename(media)
    return result


def _write(objects: Path, media: Path) -> FileSetResult:
    roots: dict[str, _Record] = {}
    instance_uids: list[str] = []
    left_out = 0
    for path in sorted(objects.rglob("*.dcm")):
        with silent_decoding():
            header = pydicom.dcmread(path, stop_before_pixels=True)
            place = _listed(header, roots)
        if place is None:
            left_out += 1
            continue
        _give(path, media, place)
        instance_uids.append(str(header.SOPInstanceUID))
    _write_directory(media / "DICOMDIR", roots, instance_uids)
    return FileSetResult(listed=len(instance_uids), left_out=left_out)


def _listed(header: Dataset, roots: dict[str, _Record]) -> list[str] | None:
    """Add the records of an object, and return its file ID; None for a kind that is not listed."""
    kind = _kind(header)
    if kind is None:
        return None
    record_type, prefix = kind
    names: list[str] = []
    level = roots
    for parent_type, parent_prefix, key in (
        ("PATIENT", "PT", str(header.PatientID)),
        ("STUDY", "ST", str(header.StudyInstanceUID)),
        ("SERIES", "SE", str(header.SeriesInstanceUID)),
    ):
        if key not in level:
            level[key] = _record(header, parent_type)
        names.append(f"{parent_prefix}{list(level).index(key):06d}")
        level = level[key].children
    names.append(f"{prefix}{len(level):06d}")
    leaf = _record(header, record_type)
    leaf.dataset.ReferencedFileID = names
    leaf.dataset.ReferencedSOPClassUIDInFile = header.SOPClassUID
    leaf.dataset.ReferencedSOPInstanceUIDInFile = header.SOPInstanceUID
    leaf.dataset.ReferencedTransferSyntaxUIDInFile = header.file_meta.TransferSyntaxUID
    level[str(header.SOPInstanceUID)] = leaf
    return names


def _kind(header: Dataset) -> tuple[str, str] | None:
    sop_class = str(header.SOPClassUID)
    for start, record_type, prefix in _KINDS:
        if sop_class.startswith(start):
            return record_type, prefix
    return ("IMAGE", "IM") if "Rows" in header and "Columns" in header else None


def _record(header: Dataset, record_type: str) -> _Record:
    record = Dataset()
    record.OffsetOfTheNextDirectoryRecord = 0
    record.RecordInUseFlag = _IN_USE
    record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
    record.DirectoryRecordType = record_type
    if "SpecificCharacterSet" in header:
        record.SpecificCharacterSet = header.SpecificCharacterSet
    for keyword, instead in _KEYS[record_type]:
        value = header.get(keyword)
        if keyword.endswith("Sequence"):
            if value:
                setattr(record, keyword, value)
        else:
            setattr(record, keyword, instead if value in (None, "") else value)
    return _Record(dataset=record, children={})


def _give(path: Path, media: Path, names: list[str]) -> None:
    place = media.joinpath(*names)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copyfile(path, place)


def _write_directory(path: Path, roots: dict[str, _Record], instance_uids: list[str]) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_MEDIA_STORAGE_DIRECTORY)
    meta.MediaStorageSOPInstanceUID = _directory_uid(instance_uids)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    start = DicomBytesIO()
    write_file_meta_info(start, meta)
    head = bytes(128) + b"DICM" + start.getvalue()
    ordered = list(_in_order(roots))
    directory = _directory(roots)
    offset = len(head) + len(_encoded(directory)) + _SEQUENCE_HEADER
    for record in ordered:
        record.offset = offset
        offset += _ITEM_HEADER + len(_encoded(record.dataset))
    _link(roots)
    directory = _directory(roots)
    directory.DirectoryRecordSequence = [record.dataset for record in ordered]
    path.write_bytes(head + _encoded(directory))


def _directory(roots: dict[str, _Record]) -> Dataset:
    offsets = [record.offset for record in roots.values()] or [0]
    directory = Dataset()
    directory.FileSetID = ""
    directory.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = offsets[0]
    directory.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = offsets[-1]
    directory.FileSetConsistencyFlag = 0
    return directory


def _in_order(level: dict[str, _Record]) -> Iterator[_Record]:
    for record in level.values():
        yield record
        yield from _in_order(record.children)


def _link(level: dict[str, _Record]) -> None:
    """Let each record name the next one of its level and the first one below."""
    records = list(level.values())
    for record, following in pairwise(records):
        record.dataset.OffsetOfTheNextDirectoryRecord = following.offset
    for record in records:
        below = next(iter(record.children.values()), None)
        if below is not None:
            record.dataset.OffsetOfReferencedLowerLevelDirectoryEntity = below.offset
            _link(record.children)


def _encoded(dataset: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    with silent_decoding():
        write_dataset(buffer, dataset)
    return buffer.getvalue()


def _directory_uid(instance_uids: list[str]) -> UID:
    """Return a UID that stands for this set of objects: the same set, the same UID."""
    digest = bytearray(hashlib.sha256("\n".join(sorted(instance_uids)).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return UID(f"2.25.{uuid.UUID(bytes=bytes(digest)).int}")
