"""Valid DICOM objects with identifiers planted in them, and a search that finds them again as bytes.

    planted = planted_object("US", seed=3)
    planted.save(path)
    assert find_planted(path, planted.planted) == []     # in what came out

Every planted string is a made-up word, number or UID that stands nowhere else, so that finding it proves a leak.
Study dates are not planted (they may be shifted or kept by profile); the birth date is. `KINDS` lists what there is.
The same seed gives the same patient; `instance` gives another object of the same study and series.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from tests.factories.planted_images import fill_image
from tests.factories.search import find_planted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KINDS", "PlantedObject", "Vocabulary", "find_planted", "planted_object"]

SYLLABLES = ("qua", "vor", "zib", "lek", "mur", "dax", "pho", "tyn", "wug", "rix", "jol", "ked")
UID_ROOT = "1.2.826.0.1.3680043.8.498.77"

SOP_CLASSES = {
    "US": "1.2.840.10008.5.1.4.1.1.3.1",
    "US1": "1.2.840.10008.5.1.4.1.1.6.1",
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "SC": "1.2.840.10008.5.1.4.1.1.7",
    "SR": "1.2.840.10008.5.1.4.1.1.88.11",
    "KOS": "1.2.840.10008.5.1.4.1.1.88.59",
    "PDF": "1.2.840.10008.5.1.4.1.1.104.1",
}
KINDS = tuple(SOP_CLASSES)
MODALITIES = {"US1": "US", "SC": "OT", "KOS": "KO", "PDF": "DOC"}


class Vocabulary:
    """Words, numbers and UIDs that stand nowhere else, remembered as they are handed out."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"sonoveil-{seed}")
        self._seed = seed
        self._uids = 0
        self.words: list[str] = []

    def word(self) -> str:
        """Hand out a capitalised word of at least 12 letters."""
        word = "".join(self._random.choice(SYLLABLES) for _ in range(5)).capitalize()
        return self._remember(word)

    def number(self, digits: int = 9) -> str:
        """Hand out a number of `digits` digits without leading zero."""
        return self._remember(str(self._random.randrange(10 ** (digits - 1), 10**digits)))

    def birth_date(self) -> str:
        """Hand out a date YYYYMMDD between 1931 and 1979."""
        year, month, day = (
            self._random.randrange(1931, 1980),
            self._random.randrange(1, 13),
            self._random.randrange(10, 29),
        )
        return self._remember(f"{year}{month:02d}{day:02d}")

    def uid(self) -> str:
        """Hand out a UID."""
        self._uids += 1
        return self._remember(f"{UID_ROOT}.{self._seed + 10000}.{self._random.randrange(10**9, 10**10)}.{self._uids}")

    def _remember(self, text: str) -> str:
        self.words.append(text)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedObject:
    """One object and what was planted in it.

    Parameters
    ----------
    planted
        Every planted string; none may be in anything that leaves.
    """

    dataset: FileDataset
    planted: tuple[str, ...]

    def save(self, path: Path) -> Path:
        """Write the object as a Part 10 file, planted preamble included, and return `path`."""
        self.dataset.save_as(path, enforce_file_format=True)
        return path


def planted_object(
    kind: str, *, seed: int, instance: int = 1, frames: int = 4, rows: int = 64, columns: int = 96
) -> PlantedObject:
    """Build a valid object of `kind` full of planted identifiers.

    Parameters
    ----------
    kind
        One of `KINDS`: `US` a colour clip, `US1` one colour frame, `CT`, `MR`, `CR`, `SC`, `SR`, `KOS`, `PDF`.
    seed
        The patient and study: the same seed gives the same identifiers.
    instance
        Instance number within the series (1 or more); UIDs other than the instance's own do not depend on it.
    frames, rows, columns
        Size of the image; frames only for `US`.
    """
    words = Vocabulary(seed)
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=_preamble(words))
    dataset.SpecificCharacterSet = "ISO_IR 192"
    _patient(dataset, words)
    _study_and_series(dataset, words, kind)
    _equipment(dataset, words)
    _nested(dataset, words)
    _private(dataset, words)
    dataset.SOPClassUID = SOP_CLASSES[kind]
    dataset.SOPInstanceUID = f"{words.uid()}.{instance}"
    dataset.InstanceNumber = str(instance)
    if kind in ("SR", "KOS"):
        _report(dataset, words)
        dataset.CurrentRequestedProcedureEvidenceSequence = Sequence([_evidence(words)])
    elif kind == "PDF":
        _document(dataset, words)
    else:
        shape = (frames if kind == "US" else 1, rows, columns)
        fill_image(dataset, kind, shape, instance)
        _outside_the_table(dataset)
    _file_meta(dataset, words)
    return PlantedObject(dataset=dataset, planted=tuple(dict.fromkeys(words.words)))


def _preamble(words: Vocabulary) -> bytes:
    return f"II*\0 {words.word()}".encode().ljust(128, b"\0")


def _patient(dataset: Dataset, words: Vocabulary) -> None:
    dataset.PatientName = f"{words.word()}^{words.word()}={_cyrillic(words)}"
    dataset.PatientID = f"{words.number()}"
    dataset.IssuerOfPatientID = words.word()
    dataset.PatientBirthDate = words.birth_date()
    dataset.PatientSex = "F"
    dataset.PatientAge = "054Y"
    dataset.PatientWeight = "61.5"
    dataset.OtherPatientNames = words.word()
    dataset.PatientAddress = f"{words.word()} street 7"
    dataset.PatientTelephoneNumbers = f"+49 {words.number(10)}"
    dataset.PatientComments = f"called {words.word()} twice"
    other = Dataset()
    other.PatientID = words.number()
    other.IssuerOfPatientID = words.word()
    other.TypeOfPatientID = "TEXT"
    dataset.OtherPatientIDsSequence = Sequence([other])


def _cyrillic(words: Vocabulary) -> str:
    latin = words.word()
    name = "".join(chr(0x430 + ord(letter) % 32) for letter in latin).capitalize()
    words.words[-1] = name
    return name


def _study_and_series(dataset: Dataset, words: Vocabulary, kind: str) -> None:
    dataset.StudyInstanceUID = words.uid()
    dataset.SeriesInstanceUID = words.uid()
    if kind not in ("CR", "SC"):
        dataset.FrameOfReferenceUID = words.uid()
        dataset.PositionReferenceIndicator = ""
    dataset.StudyDate, dataset.StudyTime = "20230417", "101530"
    dataset.SeriesDate, dataset.SeriesTime = "20230417", "101702.25"
    dataset.ContentDate, dataset.ContentTime = "20230418", "000110"
    dataset.AcquisitionDateTime = "20230417235950.5+0200"
    dataset.AccessionNumber = words.number()
    dataset.StudyID = words.number(8)
    dataset.StudyDescription = f"echo {words.word()}"
    dataset.SeriesDescription = f"axial {words.word()}"
    dataset.SeriesNumber = "2"
    dataset.ReferringPhysicianName = f"{words.word()}^{words.word()}"
    dataset.PerformingPhysicianName = f"{words.word()}^P"
    dataset.OperatorsName = f"{words.word()}^O"
    dataset.Modality = MODALITIES.get(kind, kind)
    dataset.BodyPartExamined = "CHEST"
    dataset.ProtocolName = f"{words.word()} routine"
    if kind in ("CR", "SC", "US", "US1"):
        dataset.PatientOrientation = ""


def _equipment(dataset: Dataset, words: Vocabulary) -> None:
    dataset.Manufacturer = "Imaginary Devices"
    dataset.ManufacturerModelName = "Probe 9000"
    dataset.InstitutionName = f"{words.word()} Hospital"
    dataset.InstitutionAddress = f"{words.word()} road"
    dataset.InstitutionalDepartmentName = words.word()
    dataset.StationName = words.word().upper()
    dataset.DeviceSerialNumber = words.number()


def _nested(dataset: Dataset, words: Vocabulary) -> None:
    request = Dataset()
    request.RequestedProcedureID = words.number()
    request.RequestedProcedureDescription = words.word()
    request.ScheduledProcedureStepDescription = words.word()
    request.ReferringPhysicianName = words.word()
    innermost = Dataset()
    innermost.ReferencedSOPClassUID = SOP_CLASSES["US1"]
    innermost.ReferencedSOPInstanceUID = words.uid()
    request.ReferencedStudySequence = Sequence([innermost])
    dataset.RequestAttributesSequence = Sequence([request])
    source = Dataset()
    source.ReferencedSOPClassUID = SOP_CLASSES["US1"]
    source.ReferencedSOPInstanceUID = words.uid()
    purpose = _code("121322", "DCM", "Source image for image processing operation")
    purpose.TextValue = words.word()  # illegal here, and therefore looked at by few
    source.PurposeOfReferenceCodeSequence = Sequence([purpose])
    dataset.SourceImageSequence = Sequence([source])
    person = Dataset()
    person.PersonIdentificationCodeSequence = Sequence([_code(words.number(), "99LOCAL", words.word())])
    person.InstitutionName = words.word()
    dataset.OperatorIdentificationSequence = Sequence([person])
    dataset.ReferringPhysicianIdentificationSequence = Sequence([person])


def _private(dataset: Dataset, words: Vocabulary) -> None:
    block = dataset.private_block(0x0019, f"{words.word()} HEADER", create=True)
    block.add_new(0x01, "LO", words.word())
    block.add_new(0x02, "OB", words.word().encode().ljust(16, b"\0"))
    inner = Dataset()
    inner.PatientName = words.word()
    block.add_new(0x03, "SQ", Sequence([inner]))
    dataset.add_new(0x00091001, "UN", words.word().encode("utf-16-le"))
    dataset.add_new(0x00080203, "UN", words.word().encode().ljust(16))  # even group, in no dictionary


def _outside_the_table(dataset: Dataset) -> None:
    """Smuggle the patient into elements that no table names."""
    family = str(dataset.PatientName).split("^", maxsplit=1)[0]
    dataset.AcquisitionDeviceProcessingCode = f"{family} mode"
    dataset.ScanOptions = family.upper()
    dataset.SoftwareVersions = ["1.2", f"build {dataset.PatientID}"]


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _report(dataset: Dataset, words: Vocabulary) -> None:
    dataset.ValueType = "CONTAINER"
    dataset.ContinuityOfContent = "SEPARATE"
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ConceptNameCodeSequence = Sequence([_code("126000", "DCM", "Imaging Measurement Report")])
    dataset.PerformedProcedureCodeSequence = Sequence([])
    dataset.ReferencedPerformedProcedureStepSequence = Sequence([])
    text = Dataset()
    text.RelationshipType, text.ValueType, text.TextValue = "CONTAINS", "TEXT", f"seen by {words.word()}"
    text.ConceptNameCodeSequence = Sequence([_code("121071", "DCM", "Finding")])
    dataset.ContentSequence = Sequence([text])


def _evidence(words: Vocabulary) -> Dataset:
    image, series, study = Dataset(), Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = SOP_CLASSES["CT"], words.uid()
    series.SeriesInstanceUID, series.ReferencedSOPSequence = words.uid(), Sequence([image])
    study.StudyInstanceUID, study.ReferencedSeriesSequence = words.uid(), Sequence([series])
    return study


def _document(dataset: Dataset, words: Vocabulary) -> None:
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.DocumentTitle = words.word()
    dataset.BurnedInAnnotation = "YES"
    dataset.ConceptNameCodeSequence = Sequence([])
    dataset.ConversionType = "WSD"
    dataset.EncapsulatedDocument = f"%PDF-1.4 {words.word()}".encode().ljust(64)


def _file_meta(dataset: FileDataset, words: Vocabulary) -> None:
    meta = dataset.file_meta
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = f"{UID_ROOT}.1"
    meta.SourceApplicationEntityTitle = words.word().upper()
    meta.PrivateInformationCreatorUID = words.uid()
    meta.PrivateInformation = words.word().encode().ljust(16)
