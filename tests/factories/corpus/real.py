"""Real objects that come with pydicom, with identifiers planted over and into what they hold.

Rule of the file: every UID, and every plant, is this file's own; what makes the object what it is stays as it was read.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from pydicom.data import get_testdata_files
from pydicom.uid import UID_dictionary

from pipeline.header.decoding import silent_decoding
from tests.factories.corpus.made import Made
from tests.factories.corpus.outside import alias_names, write_outside
from tests.factories.corpus.patient import Shared, write_patient
from tests.factories.corpus.plants import Place, Plants
from tests.factories.corpus.private_places import write_private
from tests.factories.corpus.table_rows import write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import FileDataset

LARGEST_BYTES = 2_000_000
_SHORTEST_UID = 12
_TURNS = 97


def planted_real_files(folder: Path | None = None) -> Iterator[Made]:
    """Yield every readable DICOM object of a folder, or of pydicom's own test files, planted."""
    names = sorted(folder.rglob("*")) if folder else sorted({Path(name) for name in get_testdata_files()})
    for number, path in enumerate(names):
        if path.is_file() and path.stat().st_size <= LARGEST_BYTES:
            with silent_decoding():
                made = _planted(path, number)
            if made is not None:
                yield made


def _planted(path: Path, number: int) -> Made | None:
    try:
        dataset = pydicom.dcmread(path, force=True)
        if "SOPClassUID" not in dataset or "TransferSyntaxUID" not in dataset.file_meta:
            return None
        dataset.decode()
        shared = Shared(50_000 + number, "ISO_IR 192")
        plants = Plants(90_000_000 + number, strangers=number % 2 == 1, taken=shared.plants.words)
        plants.plants.extend(plant for plant in shared.plants.plants if plant.place is not Place.UID)
        _take_uids(dataset, plants)
        write_patient(dataset, shared, plants)
        dataset.AccessionNumber, dataset.StudyID = shared.accession, shared.study_id
        dataset.ReferringPhysicianName = f"{shared.referring}^R"
        dataset.InstitutionName = f"{shared.institution} Hospital"
        write_private(dataset, plants)
        write_rows(dataset, plants, turn=number % _TURNS, turns=_TURNS)
        write_outside(dataset, plants, turn=number % _TURNS, turns=_TURNS)
        alias_names(dataset, plants)
        raw = _file(dataset, plants)
        found = {plant.text for plant in Made.leaks_of(raw, plants.plants)}
    except Exception:  # noqa: BLE001  damaged on purpose: pydicom itself cannot read, change and write it
        return None
    return Made(
        kind=f"{number:03d}-{path.stem}",
        syntax=str(dataset.file_meta.TransferSyntaxUID),
        raw=raw,
        dataset=dataset,
        plants=tuple(dict.fromkeys(plant for plant in plants.plants if plant.text in found)),
        strangers=plants.strangers,
    )


def _take_uids(dataset: FileDataset, plants: Plants) -> None:
    for element in dataset.iterall():
        if (
            element.VR == "UI"
            and element.VM == 1
            and "SOPClass" not in element.keyword
            and "Scheme" not in element.keyword
        ):
            uid = str(element.value)
            if len(uid) >= _SHORTEST_UID and uid not in UID_dictionary:
                plants.planted(uid, Place.UID, element.keyword or "private UI")


def _file(dataset: FileDataset, plants: Plants) -> bytes:
    dataset.preamble = f"II*\0 {plants.container('preamble')}".encode().ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = plants.container("Source Application Entity Title").upper()
    dataset.file_meta.PrivateInformationCreatorUID = plants.instance_uid("Private Information Creator UID")
    dataset.file_meta.PrivateInformation = plants.container("Private Information").encode().ljust(16)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
