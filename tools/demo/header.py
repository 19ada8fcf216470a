"""Headers full of identifiers: ordinary attributes, nested ones, private ones.

Rule of the file: everything that identifies comes from a `Patient` and is listed by `planted_in_headers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

if TYPE_CHECKING:
    from tools.demo.patients import Patient

PRIVATE_GROUP = 0x0019


def new_object(sop_class_uid: str, modality: str) -> FileDataset:
    """Return an object without patient, study and pixels."""
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = sop_class_uid
    dataset.Modality = modality
    dataset.Manufacturer = "Sonoveil demonstration"
    return dataset


def plant(dataset: FileDataset, patient: Patient, *, series: int, instance: int) -> None:
    """Write a patient into every part of an object: what is there is overwritten, what is missing is added.

    Parameters
    ----------
    series, instance
        Numbers within the patient's study; they make the UIDs.
    """
    dataset.SpecificCharacterSet = "ISO_IR 192"
    _patient(dataset, patient)
    _study(dataset, patient, series, instance)
    _equipment(dataset, patient)
    _nested(dataset, patient)
    _private(dataset, patient)
    meta = dataset.file_meta
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _patient(dataset: Dataset, patient: Patient) -> None:
    dataset.PatientName = patient.dicom_name
    dataset.PatientID = patient.patient_id
    dataset.PatientBirthDate = f"{patient.birth_date:%Y%m%d}"
    dataset.PatientSex = patient.sex
    years = (patient.study_date - patient.birth_date).days // 365
    dataset.PatientAge = f"{years:03d}Y"
    dataset.OtherPatientNames = f"{patient.given} {patient.family}"
    dataset.PatientAddress = patient.street
    dataset.PatientTelephoneNumbers = patient.telephone
    dataset.PatientComments = f"please call {patient.given} on {patient.telephone}"


def _study(dataset: Dataset, patient: Patient, series: int, instance: int) -> None:
    dataset.StudyInstanceUID = patient.uid()
    dataset.SeriesInstanceUID = patient.uid(series)
    dataset.SOPInstanceUID = patient.uid(series, instance)
    if "FrameOfReferenceUID" in dataset or dataset.Modality in ("CT", "MR"):
        dataset.FrameOfReferenceUID = patient.uid(series, 900)
        dataset.PositionReferenceIndicator = ""
    for name in ("StudyDate", "SeriesDate", "ContentDate", "AcquisitionDate", "InstanceCreationDate"):
        if name in dataset or name in ("StudyDate", "SeriesDate", "ContentDate"):
            setattr(dataset, name, f"{patient.study_date:%Y%m%d}")
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "101530"
    dataset.AccessionNumber = patient.accession
    dataset.StudyID = patient.accession[-6:]
    dataset.StudyDescription = patient.study_description
    dataset.SeriesDescription = f"series {series} for Dr {patient.physician}"
    dataset.SeriesNumber, dataset.InstanceNumber = str(series), str(instance)
    dataset.ReferringPhysicianName = patient.physician
    dataset.PerformingPhysicianName = f"{patient.physician}^Jo"
    dataset.OperatorsName = f"{patient.physician}^Lee"


def _equipment(dataset: Dataset, patient: Patient) -> None:
    dataset.InstitutionName = patient.hospital
    dataset.InstitutionAddress = f"{patient.hospital}, {patient.street}"
    dataset.StationName = patient.station
    dataset.DeviceSerialNumber = patient.device_serial


def _nested(dataset: Dataset, patient: Patient) -> None:
    request = Dataset()
    request.RequestedProcedureID = patient.accession
    request.RequestedProcedureDescription = f"for {patient.family}"
    request.ScheduledProcedureStepDescription = patient.study_description
    request.ScheduledProcedureStepID = patient.accession
    dataset.RequestAttributesSequence = Sequence([request])
    issuer = Dataset()
    issuer.PatientID = patient.other_id
    issuer.IssuerOfPatientID = patient.hospital
    issuer.TypeOfPatientID = "TEXT"
    dataset.OtherPatientIDsSequence = Sequence([issuer])


def _private(dataset: Dataset, patient: Patient) -> None:
    block = dataset.private_block(PRIVATE_GROUP, "IMAGINARY HEADER", create=True)
    block.add_new(0x01, "LO", patient.family)
    block.add_new(0x02, "OB", f"{patient.patient_id}|{patient.accession}|".encode().ljust(32, b"\0"))
    inner = Dataset()
    inner.PatientName = patient.dicom_name
    block.add_new(0x03, "SQ", Sequence([inner]))
