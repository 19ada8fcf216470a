"""A new DICOMDIR lists the de-identified objects, by legal names, and nobody whom they do not name."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.sequence import Sequence

from pipeline.media import write_file_set
from tests.factories.pixels import save_image, speckle

JUDGE = Path(sys.executable).parent / "dciodvfy"
SR, PRESENTATION, RAW = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.66"


@contextmanager
def opened(path):
    """Give a file-set, and remove its staging folder: pydicom leaves that to the garbage collector, which warns."""
    media = FileSet(path)
    try:
        yield media
    finally:
        media._stage["t"].cleanup()


def image(folder, number, *, patient="SV-A", study="2.25.1", series="2.25.11", **attributes):
    """Write an image."""
    place = folder / study / series / f"2.25.{number}.dcm"
    place.parent.mkdir(parents=True, exist_ok=True)
    return save_image(
        place,
        speckle(1, seed=number),
        PatientID=patient,
        PatientName=patient,
        StudyInstanceUID=study,
        SeriesInstanceUID=series,
        SOPInstanceUID=f"2.25.{number}",
        **attributes,
    )


def without_pixels(folder, number, sop_class):
    """Write an object of another kind into the series of an image."""
    dataset = pydicom.dcmread(image(folder, number))
    for keyword in ("PixelData", "Rows", "Columns"):
        del dataset[keyword]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "126000", "DCM", "Imaging Measurement Report"
    dataset.ConceptNameCodeSequence = Sequence([code])
    if sop_class == PRESENTATION:
        reference, series = Dataset(), Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = RAW, "2.25.101"
        series.SeriesInstanceUID, series.ReferencedImageSequence = "2.25.11", Sequence([reference])
        dataset.ReferencedSeriesSequence = Sequence([series])
    dataset.save_as(folder / "2.25.1" / "2.25.11" / f"2.25.{number}.dcm", enforce_file_format=True)


@pytest.fixture
def objects(tmp_path):
    """Two patients, three studies, five series, seven images, a report, a presentation state, raw data."""
    folder = tmp_path / "objects"
    image(folder, 101, StudyDate="20240101", StudyTime="101500", StudyID="7", SeriesNumber=1, InstanceNumber=1)
    image(folder, 102, InstanceNumber=2)
    image(folder, 103, series="2.25.12")
    image(folder, 104, study="2.25.2", series="2.25.21")
    image(folder, 105, patient="SV-B", study="2.25.3", series="2.25.31")
    image(folder, 106, patient="SV-B", study="2.25.3", series="2.25.32")
    image(folder, 107, patient="SV-B", study="2.25.3", series="2.25.32")
    for number, sop_class in ((201, SR), (202, PRESENTATION), (203, RAW)):
        without_pixels(folder, number, sop_class)
    return folder


def test_every_object_is_found_through_the_directory(objects, tmp_path):
    """By another library, with all offsets followed; raw data has no rows and is left out."""
    result = write_file_set(objects, tmp_path / "media")

    assert (result.listed, result.left_out) == (9, 1)
    with opened(tmp_path / "media" / "DICOMDIR") as media:
        assert {str(one.SOPInstanceUID) for one in media} == {f"2.25.{n}" for n in (*range(101, 108), 201, 202)}
        assert sorted(media.find_values("PatientID")) == ["SV-A", "SV-B"]
        assert len(media.find(StudyInstanceUID="2.25.1")) == 5
        for one in media:
            loaded = one.load()
            assert loaded.SOPInstanceUID == one.SOPInstanceUID
            assert loaded.SeriesInstanceUID == one.SeriesInstanceUID


def test_names_are_legal_and_bytes_are_shared(objects, tmp_path):
    """Eight capitals and digits a level; hard links, not copies."""
    write_file_set(objects, tmp_path / "media")

    files = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    for path in files:
        for part in path.relative_to(tmp_path / "media").parts:
            assert len(part) <= 8
            assert part.isalnum()
            assert part.upper() == part
    assert all(path.stat().st_nlink == 2 for path in files if path.name != "DICOMDIR")


def test_the_directory_is_a_valid_one(objects, tmp_path):
    """An independent judge finds no error in it."""
    write_file_set(objects, tmp_path / "media")

    said = subprocess.run([JUDGE, tmp_path / "media" / "DICOMDIR"], capture_output=True, text=True, check=False)

    assert [line for line in said.stderr.splitlines() if line.startswith("Error")] == []


def test_a_second_run_makes_it_anew(objects, tmp_path):
    """The same objects give the same directory; what is gone is listed no more."""
    write_file_set(objects, tmp_path / "media")
    first = (tmp_path / "media" / "DICOMDIR").read_bytes()
    write_file_set(objects, tmp_path / "media")
    assert (tmp_path / "media" / "DICOMDIR").read_bytes() == first

    next(objects.rglob("2.25.104.dcm")).unlink()

    assert write_file_set(objects, tmp_path / "media").listed == 8
    with opened(tmp_path / "media" / "DICOMDIR") as media:
        assert len(media) == 8


def test_no_objects_give_an_empty_directory(tmp_path):
    """It is still one."""
    (tmp_path / "objects").mkdir()

    assert write_file_set(tmp_path / "objects", tmp_path / "media").listed == 0
    with opened(tmp_path / "media" / "DICOMDIR") as media:
        assert len(media) == 0
