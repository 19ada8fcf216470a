"""The patient, study, series and equipment that every object of one seed shares, identifiers planted in all of them.

Rule of the file: what belongs to the patient or study depends on the seed alone, so that objects made in any order
by any process name the same things.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from tests.factories.corpus.elements import code, fill, item, reference
from tests.factories.corpus.plants import Place, Plants
from tests.factories.planted import UID_ROOT

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
STUDY_DAY = "20190311"
CHARACTER_SETS = {
    "ISO_IR 192": "ДЖЩЫЭЮЯФЦЧ",
    "ISO_IR 100": "ÄÖÜÉÈÑÇÅØÞ",
    "\\ISO 2022 IR 87": "山田太郎鈴木佐藤高橋",
    "\\ISO 2022 IR 149": "김이박최정강조윤장임",
    "ISO_IR 144": "ДЖЩЫЭЮЯФЦЧ",
    "ISO_IR 126": "ΓΔΘΛΞΠΣΦΨΩ",
    "ISO_IR 127": "ابتثجحخدذر",
    "ISO_IR 138": "אבגדהוזחטי",
    "ISO_IR 13": "ｱｲｳｴｵｶｷｸｹｺ",
    "GB18030": "张王李赵陈杨黄周吴徐",
    "\\ISO 2022 IR 58": "张王李赵陈杨黄周吴徐",
    "ISO_IR 166": "กขคงจฉชซดต",
    "ISO_IR 101": "ŁĄŚŹŻĆŃĘŐŰ",
    "ISO_IR 148": "ĞİŞÇÖÜÄËÏÂ",
}
"""Specific Character Set -> letters that its names are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The UIDs of one patient's study.

    Parameters
    ----------
    seed
        Names the patient.
    """

    seed: int

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return f"{UID_ROOT}.{self.seed}.1"

    @property
    def frame_of_reference(self) -> str:
        """Of every image of the study."""
        return f"{UID_ROOT}.{self.seed}.2"

    def series(self, kind: str) -> str:
        """Series Instance UID of the objects of a kind."""
        return f"{UID_ROOT}.{self.seed}.3.{crc32(kind.encode())}"

    def instance(self, kind: str) -> str:
        """SOP Instance UID of the object of a kind."""
        return f"{UID_ROOT}.{self.seed}.4.{crc32(kind.encode())}"


class Shared:
    """What one seed says about the patient: the same for each of its objects."""

    def __init__(self, seed: int, character_set: str) -> None:
        self.study = Study(seed=seed)
        self.plants = plants = Plants(seed)
        self.character_set = character_set
        letters = random.Random(f"letters-{seed}")
        self.script_name = "".join(letters.choice(CHARACTER_SETS[character_set]) for _ in range(7))
        plants.planted(self.script_name, Place.TABLE, f"names in {character_set.strip(chr(92))}")
        self.family, self.given = plants.in_table("Patient's Name"), plants.in_table("Patient's Name")
        self.patient_id = plants.digits("Patient ID")
        self.issuer = plants.in_table("Issuer of Patient ID")
        self.birth_date = plants.planted(plants.birth_date(), Place.TABLE, "Patient's Birth Date")
        self.accession = plants.digits("Accession Number")
        self.study_id = plants.digits("Study ID", 8)
        self.referring = plants.in_table("Referring Physician's Name")
        self.institution = plants.in_table("Institution Name")
        plants.planted(self.study.uid, Place.UID, "Study Instance UID")


def write_patient(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    """Write the Patient Module, with a name in letters of the character set and an age over 89."""
    fill(
        dataset,
        SpecificCharacterSet=shared.character_set.split("\\"),
        PatientName=f"{shared.family}^{shared.given}={shared.script_name}",
        PatientID=shared.patient_id,
        IssuerOfPatientID=shared.issuer,
        PatientBirthDate=shared.birth_date,
        PatientSex="O",
        PatientMotherBirthName=shared.script_name,
        Occupation=shared.script_name,
        PatientAge=plants.planted("097Y", Place.TABLE, "age over 89"),
        PatientAddress=f"{plants.in_table('Patient Address')} Street 7",
        PatientTelephoneNumbers=f"+49 {plants.digits('Patient Telephone Numbers', 10)}",
        PatientComments=f"called {plants.in_table('Patient Comments')} twice",
        AdditionalPatientHistory=f"from {plants.in_table('Additional Patient History')}, seen before",
        OtherPatientIDsSequence=[
            item(
                PatientID=plants.digits("Other Patient IDs Sequence"),
                IssuerOfPatientID=plants.in_table("Other Patient IDs Sequence"),
                TypeOfPatientID="TEXT",
            )
        ],
    )


def write_study(dataset: Dataset, shared: Shared, plants: Plants, *, kind: str, modality: str) -> None:
    """Write the modules of study, series and equipment."""
    fill(
        dataset,
        StudyInstanceUID=shared.study.uid,
        SeriesInstanceUID=plants.planted(shared.study.series(kind), Place.UID, "Series Instance UID"),
        StudyDate=plants.planted(STUDY_DAY, Place.TABLE, "dates"),
        StudyTime="101530",
        SeriesDate=STUDY_DAY,
        SeriesTime="101702.25",
        AccessionNumber=shared.accession,
        StudyID=shared.study_id,
        StudyDescription=f"thorax {plants.in_table('Study Description')}",
        SeriesDescription=f"axial {plants.in_table('Series Description')}",
        SeriesNumber="2",
        Modality=modality,
        ReferringPhysicianName=f"{shared.referring}^R",
        PerformingPhysicianName=f"{plants.in_table('Performing Physician Name')}^P",
        OperatorsName=f"{plants.in_table('Operators Name')}^O",
        ReferencedStudySequence=[
            reference("1.2.840.10008.3.1.2.3.1", plants.instance_uid("Referenced Study Sequence"))
        ],
        RequestAttributesSequence=[
            item(
                RequestedProcedureID=plants.digits("Request Attributes Sequence", 8),
                ScheduledProcedureStepID=plants.digits("Request Attributes Sequence", 8),
                RequestedProcedureDescription=plants.in_table("Request Attributes Sequence"),
            )
        ],
        Manufacturer="Imaginary Devices",
        InstitutionName=f"{shared.institution} Hospital",
        InstitutionAddress=f"{plants.in_table('Institution Address')} Road",
        StationName=plants.in_table("Station Name").upper(),
        DeviceSerialNumber=plants.digits("Device Serial Number"),
        DeviceUID=plants.instance_uid("Device UID"),
        InstitutionCodeSequence=[
            code(plants.digits("Institution Code Sequence"), "99LOCAL", plants.in_table("Institution Code Sequence"))
        ],
    )


def write_frame_of_reference(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    """Write the Frame of Reference Module."""
    uid = plants.planted(shared.study.frame_of_reference, Place.UID, "Frame of Reference UID")
    fill(dataset, FrameOfReferenceUID=uid, PositionReferenceIndicator="")


def image_reference(shared: Shared, plants: Plants, where: str, **more: str) -> Dataset:
    """Return an item that references the study's CT image."""
    return reference(CT_CLASS, plants.planted(shared.study.instance("CT"), Place.UID, where), **more)
