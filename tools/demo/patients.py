"""The patients of the demonstration: invented people, and a record of every string of theirs that is planted.

Rule of the file: a string that is planted stands nowhere else, so that finding it on the research side proves a leak.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

UID_ROOT = "1.2.826.0.1.3680043.8.498.20"
_SHORTEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One invented patient with one study, and the people and places around it.

    Parameters
    ----------
    number
        1 upwards; makes the numbers and UIDs different from the others'.
    ideographic
        The name in its own script; empty where there is none.
    patient_id
        As the hospital writes it.
    """

    number: int
    family: str
    given: str
    ideographic: str
    sex: str
    patient_id: str
    birth_date: date
    study_date: date
    study_description: str
    hospital: str
    physician: str
    street: str

    @property
    def dicom_name(self) -> str:
        """Patient's Name (0010,0010)."""
        alphabetic = f"{self.family}^{self.given}"
        return f"{alphabetic}={self.ideographic}" if self.ideographic else alphabetic

    @property
    def screen_name(self) -> str:
        """The name as a scanner writes it on its screen."""
        return f"{self.family}, {self.given}".upper()

    @property
    def accession(self) -> str:
        """Accession Number (0008,0050)."""
        return f"{73_105_500 + 1_117 * self.number}"

    @property
    def device_serial(self) -> str:
        """Device Serial Number (0018,1000)."""
        return f"SN{582_004_100 + 9_931 * self.number}"

    @property
    def other_id(self) -> str:
        """The ID at another hospital, in Other Patient IDs Sequence (0010,1002)."""
        return f"X{640_031_200 + 8_087 * self.number}"

    @property
    def telephone(self) -> str:
        """Patient's Telephone Numbers (0010,2154)."""
        return f"+49 30 {5_550_173 + 41_009 * self.number}"

    @property
    def station(self) -> str:
        """Station Name (0008,1010)."""
        return f"ROOM{self.number}-{self.hospital.split()[0].upper()}"[:16]

    def uid(self, *parts: int) -> str:
        """Return a UID of this patient's study: none for the study, one part for a series, two for an instance."""
        return ".".join([f"{UID_ROOT}{self.number}", "7418529630", "1", *(str(part) for part in parts)])


PATIENTS = (
    Patient(
        number=1,
        family="Okonkwo",
        given="Adaeze",
        ideographic="",
        sex="F",
        patient_id="48213377",
        birth_date=date(1947, 3, 16),
        study_date=date(2023, 4, 17),
        study_description="Echocardiography for Okonkwo",
        hospital="Brannockfeld Hospital",
        physician="Fenwickson",
        street="Larkspurgasse 14",
    ),
    Patient(
        number=2,
        family="Trautwein",
        given="Wilhelmina",
        ideographic="",
        sex="F",
        patient_id="A-6650912",
        birth_date=date(1961, 11, 28),
        study_date=date(2023, 6, 2),
        study_description="Abdominal ultrasound",
        hospital="Sankt Ansgard Klinik",
        physician="Roggenbrod",
        street="Am Hollerbusch 3",
    ),
    Patient(
        number=3,
        family="Quispealaya",
        given="Teodoro",
        ideographic="",
        sex="M",
        patient_id="30718846",
        birth_date=date(1939, 7, 9),
        study_date=date(2022, 12, 12),
        study_description="CT and MR, staging",
        hospital="Puerto Alcazar Clinic",
        physician="Mendizabal",
        street="Calle Jacaranda 88",
    ),
    Patient(
        number=4,
        family="Hayashibara",
        given="Tomoko",
        ideographic="林原^友子",
        sex="F",
        patient_id="99-104-627",
        birth_date=date(1972, 1, 31),
        study_date=date(2023, 9, 20),
        study_description="Soft tissue ultrasound and chest radiograph",
        hospital="Kirishima Medical Center",
        physician="Yanagisawa",
        street="Sakurazaka 2-7-15",
    ),
    Patient(
        number=5,
        family="Vestergaard",
        given="Ingeborg",
        ideographic="",
        sex="F",
        patient_id="0000000",
        birth_date=date(1955, 5, 23),
        study_date=date(2023, 10, 4),
        study_description="Chest radiograph, admitted without papers",
        hospital="Nordhavnsund Sygehus",
        physician="Kjaerulff",
        street="Lyngbakken 51",
    ),
)


def planted_in_headers(patient: Patient) -> tuple[str, ...]:
    """Return every string of a patient that `tools.demo.header` writes into headers and that must not come out.

    Whole phrases are listed by their telling words, so that a part that survives is found too.
    """
    words = [
        patient.family,
        patient.given,
        *(part for part in patient.ideographic.split("^") if part),
        f"{patient.birth_date:%Y%m%d}",
        patient.accession,
        patient.device_serial,
        patient.other_id,
        patient.telephone,
        patient.station,
        patient.physician,
        patient.street,
        *(word for word in patient.hospital.split() if word not in _ORDINARY),
        patient.uid(),
    ]
    if patient.patient_id.strip("0"):
        words.append(patient.patient_id)
    return tuple(words)


_ORDINARY = {"Hospital", "Klinik", "Clinic", "Medical", "Center", "Sygehus", "Sankt", "Puerto"}


def telling(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that are long enough to be looked for in the text that was read off an image."""
    return tuple(word for word in words if sum(map(str.isalnum, word)) >= _SHORTEST)
