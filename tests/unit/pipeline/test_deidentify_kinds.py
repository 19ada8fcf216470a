"""Objects that are no images, from file to verified file: reports, waveforms, plans, segmentations, and holds."""

import hashlib
import warnings

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset

from config.schema import Cone, Option, Pixels
from pipeline.reasons import Held, Reason
from tests.factories.content import item, report
from tests.factories.pixels import BlindReader, WhiteReader, deidentifier, received, save_image
from tests.factories.planted import planted_object
from tests.factories.profiles import CLEANING, RESEARCH, with_options
from tests.factories.search import find_planted

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def with_patient_id(name, tmp_path):
    """Copy one of pydicom's files, with a Patient ID where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = pydicom.dcmread(get_testdata_file(name))
        source.PatientID = source.get("PatientID") or "4711-X"
        path = tmp_path / "in.dcm"
        source.save_as(path)
    return path


def run(path, tmp_path, *, profile=CLEANING, reader=None):
    """De-identify a file, and read the result with pydicom alone."""
    result = deidentifier(reader=reader or BlindReader(), profile=profile).run(received(path), tmp_path / "out.dcm")
    return result, pydicom.dcmread(result.path)


def saved(dataset, path):
    """Write a data set as a file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("name", ["test-SR.dcm", "reportsi.dcm", "waveform_ecg.dcm", "rtplan.dcm"])
def test_real_objects_without_pixels_come_out(name, tmp_path):
    """Written, read again, searched for identifiers, and not held."""
    result, written = run(with_patient_id(name, tmp_path), tmp_path)

    assert result.findings.frames == 0
    assert written.PatientID == result.patient_id
    assert "PixelData" not in written


@pytest.mark.parametrize(
    "name", ["liver_1frame.dcm", "liver_expb_1frame.dcm", "rtdose.dcm", "rtdose_rle.dcm", "rtdose_expb.dcm"]
)
def test_frames_of_computed_grids_are_copied_bit_for_bit(name, tmp_path):
    """Segmentations and doses, one bit to 32, native and coded: the same frames, and no look at them."""
    path = with_patient_id(name, tmp_path)
    reader = WhiteReader()

    result, written = run(path, tmp_path, reader=reader)

    before = pydicom.dcmread(path)
    assert np.array_equal(written.pixel_array, before.pixel_array)
    assert result.findings.frames == int(before.get("NumberOfFrames") or 1)
    assert result.findings.redacted_fraction == 0
    assert reader.looks == 0


def test_a_segmentation_that_is_white_all_over_is_not_taken_for_text(tmp_path):
    """One bit a voxel; what it says about burned-in annotation stays true."""
    frames = np.ones((3, 16, 16), np.uint8)
    path = save_image(
        tmp_path / "in.dcm",
        frames,
        sop_class=SEGMENTATION,
        pixel_bytes=np.packbits(frames, bitorder="little").tobytes(),
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
        Modality="SEG",
        BurnedInAnnotation="NO",
    )
    reader = WhiteReader()

    _, written = run(path, tmp_path, reader=reader)

    assert reader.looks == 0
    assert written.PixelData == pydicom.dcmread(path).PixelData
    assert written.BurnedInAnnotation == "NO"


def test_a_report_that_carries_frames_is_looked_at_like_an_image(tmp_path):
    """Whatever its class says."""
    path = save_image(
        tmp_path / "in.dcm", np.full((1, 32, 32), 255, np.uint8), sop_class="1.2.840.10008.5.1.4.1.1.481.3"
    )
    reader = WhiteReader()

    _, written = run(path, tmp_path, reader=reader)

    assert reader.looks
    assert written.pixel_array.max() == 0


@pytest.mark.parametrize("kind", ["SR", "KOS"])
def test_nothing_planted_in_a_report_leaves(kind, tmp_path):
    """Bytes of the whole file; a name in free text is this patient's."""
    planted = planted_object(kind, seed=9)
    planted.dataset.ContentSequence[0].TextValue = f"seen by {planted.dataset.PatientName}"
    path = planted.save(tmp_path / "in.dcm")
    profile = with_options(Option.CLEAN_PIXEL_DATA, Option.CLEAN_STRUCTURED_CONTENT)

    result, _ = run(path, tmp_path, profile=profile)

    assert find_planted(result.path, planted.planted) == []


def test_the_same_report_gives_the_same_bytes(tmp_path):
    """On any node with the key."""
    path = with_patient_id("test-SR.dcm", tmp_path)

    first, _ = run(path, tmp_path)
    digest = hashlib.sha256(first.path.read_bytes()).hexdigest()
    second, _ = run(path, tmp_path)

    assert second.sha256 == first.sha256 == digest


def test_a_report_is_held_by_a_profile_that_does_not_clean_content(tmp_path):
    """And nothing is written."""
    with pytest.raises(Held) as held:
        run(with_patient_id("test-SR.dcm", tmp_path), tmp_path, profile=RESEARCH)

    assert held.value.reason is Reason.STRUCTURED_CONTENT
    assert not (tmp_path / "out.dcm").exists()


def test_coordinates_in_an_ultrasound_image_are_held_where_the_profile_crops(tmp_path):
    """The report cannot know how far they moved."""
    profile = CLEANING.model_copy(update={"pixels": Pixels(cone=Cone(crop=True))})
    image = item("IMAGE", None, "1.2.3.9", relationship="SELECTED FROM")
    image.ReferencedSOPSequence[0].ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    scoord = item("SCOORD", ("111030", "DCM"), children=[image], GraphicType="POINT", GraphicData=[1.0, 2.0])
    path = saved(report(scoord, PatientID="PID-4711"), tmp_path / "in.dcm")

    with pytest.raises(Held) as held:
        run(path, tmp_path, profile=profile)

    assert held.value.reason is Reason.REFERENCES_CROPPED


def test_an_image_without_its_frames_is_still_held(tmp_path):
    """Only kinds that have no frames may come without."""
    path = saved(planted_object("CT", seed=1).dataset, tmp_path / "in.dcm")
    source = pydicom.dcmread(path)
    del source.PixelData
    source.save_as(path)

    with pytest.raises(Held) as held:
        run(path, tmp_path)

    assert held.value.reason is Reason.UNDECODABLE


def test_spectroscopy_has_rows_and_no_frames(tmp_path):
    """Its data are numbers in the header."""
    source = planted_object("MR", seed=1).dataset
    for keyword in ("PixelData", "PixelPaddingValue"):
        if keyword in source:
            delattr(source, keyword)
    source.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.2"
    source.SpectroscopyData = np.arange(4, dtype="<f4").tobytes()

    _, written = run(saved(source, tmp_path / "in.dcm"), tmp_path)

    assert written.SpectroscopyData == np.arange(4, dtype="<f4").tobytes()
