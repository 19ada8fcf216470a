"""One object from received bytes to a verified file, or a named reason and nothing."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless, RLELossless

from config.schema import Cone, DeviceMask, ModelsConfig, Pixels, Profile, Text
from models.catalog import open_models
from models.errors import ModelFailed, ModelUnavailable
from pipeline.deidentify import Deidentifier
from pipeline.reasons import Held, Reason, TryLater
from pipeline.records import ConeOutcome, TextAction, TextPlace
from tests.factories.pixels import (
    CT_IMAGE,
    JPEG_BASELINE,
    KEY,
    PATIENT_ID,
    SECONDARY_CAPTURE,
    US_CLIP,
    US_IMAGE,
    BlindReader,
    FixedCone,
    Seen,
    WhiteReader,
    burn,
    deidentifier,
    moving_within,
    received,
    save_image,
    speckle,
)
from tests.factories.profiles import RESEARCH

CONE = Cone(apply_to=("US",), blank_outside=True, crop=False, keep_regions=(), fallback=("hold",))


def with_pixels(**settings):
    """Return the research profile with other pixel settings."""
    return RESEARCH.model_copy(update={"pixels": Pixels(**settings)})


def half_cone(rows=160, columns=240, confidence=0.9):
    """Return a cone that is the middle of the frame."""
    mask = np.zeros((rows, columns), bool)
    mask[20:140, 40:200] = True
    return FixedCone(mask=mask, confidence=confidence)


def frames_of(path):
    """Return (frames, rows, columns[, 3]) by pydicom alone."""
    ds = pydicom.dcmread(path)
    array = pydicom.pixels.pixel_array(ds)
    return array if int(ds.NumberOfFrames) > 1 else array[np.newaxis]


def test_text_on_a_single_frame_of_a_clip_is_blanked_there_and_nowhere_else(tmp_path):
    """A name flashed on frame 13 of 24: gone; every other frame is untouched."""
    frames = speckle(24)
    burn(frames[13], "VORZIB QUATYN", 30, 60)
    path = save_image(tmp_path / "in.dcm", frames)

    result = deidentifier(reader=WhiteReader()).run(received(path), tmp_path / "out.dcm")

    written = frames_of(result.path)
    assert written[13].max() <= 120
    others = [index for index in range(24) if index != 13]
    assert np.array_equal(written[others], frames[others])
    assert {(found.frame_first, found.frame_last) for found in result.findings.text} == {(13, 13)}


def test_text_that_stands_in_every_frame_is_one_finding(tmp_path):
    """The same words at the same place over consecutive frames are one row."""
    frames = speckle(6)
    for frame in frames:
        frame[30:40, 50:90] = 255
    path = save_image(tmp_path / "in.dcm", frames)

    result = deidentifier(reader=WhiteReader()).run(received(path), tmp_path / "out.dcm")

    assert [(found.frame_first, found.frame_last) for found in result.findings.text] == [(0, 5)]


class Flickering(WhiteReader):
    """Sees text in every third look only."""

    def read(self, image, *, strict, frame=None):
        """Find the blobs, or overlook them."""
        found = super().read(image, strict=strict)
        return () if strict or self.looks % 3 else found


def test_static_text_that_the_detector_overlooks_on_some_frames_is_blanked_on_all(tmp_path):
    """Detectors flicker, overlays do not: the same ink in other frames goes too."""
    frames = speckle(9)
    for frame in frames:
        burn(frame, "VORZIB", 30, 60)
    path = save_image(tmp_path / "in.dcm", frames)

    result = deidentifier(reader=Flickering()).run(received(path), tmp_path / "out.dcm")

    assert frames_of(result.path).max() <= 120


def test_a_frame_that_repeats_is_looked_at_once(tmp_path):
    """Thirty equal frames cost one look for the plan and one for the verification."""
    frames = np.repeat(speckle(1), 30, axis=0)
    reader = WhiteReader()
    path = save_image(tmp_path / "in.dcm", frames)

    deidentifier(reader=reader).run(received(path), tmp_path / "out.dcm")

    assert reader.looks == 2


def test_words_of_the_keep_list_stay_and_are_reported_as_kept(tmp_path):
    """A side mark is not blanked."""
    frames = speckle(1)
    burn(frames[0], "L", 30, 60)
    path = save_image(tmp_path / "in.dcm", frames)

    result = deidentifier(reader=WhiteReader("L")).run(received(path), tmp_path / "out.dcm")

    assert np.array_equal(frames_of(result.path), frames)
    assert {(found.action, found.rule) for found in result.findings.text} == {(TextAction.KEPT, "keep_words")}


def test_a_keep_word_that_is_a_patients_name_is_blanked(tmp_path):
    """The keep list does not protect an identifier of this original."""
    profile = with_pixels(text=Text(keep_words=("ZIBMURDAX",)))
    frames = speckle(1)
    burn(frames[0], "X", 30, 60)
    path = save_image(tmp_path / "in.dcm", frames, PatientName="Vorquatyn^Lekphowug")
    kept = deidentifier(reader=WhiteReader("ZIBMURDAX"), profile=profile).run(received(path), tmp_path / "kept.dcm")
    assert kept.findings.text[0].action is TextAction.KEPT

    masked = deidentifier(reader=WhiteReader("ZIBMURDAX VORQUATYN"), profile=profile)
    result = masked.run(received(path), tmp_path / "out.dcm")

    assert result.findings.text[0].action is TextAction.MASKED


def test_what_the_stricter_look_finds_is_redacted_too(tmp_path):
    """Text that only the verification sees is added to the plan, and the object is not held."""
    frames = speckle(3)
    burn(frames[1], "VORZIB", 30, 60, value=200)
    path = save_image(tmp_path / "in.dcm", frames)

    result = deidentifier(reader=WhiteReader(level=250, strict_level=150)).run(received(path), tmp_path / "out.dcm")

    assert frames_of(result.path).max() < 150
    assert {found.rule for found in result.findings.text} == {"verify"}
    assert pydicom.dcmread(result.path).BurnedInAnnotation == "NO"


class Insatiable:
    """Sees text elsewhere at every look."""

    def __init__(self):
        self.looks = 0

    def read(self, image, *, strict, frame=None):
        """Return a box that was not there before."""
        self.looks += 1
        left = 10 + 30 * self.looks
        return (Seen(left=left, top=60, right=left + 10, bottom=70, text="NAME", confidence=0.9),) if strict else ()


def test_text_that_is_left_after_two_mendings_holds_with_the_scrubbed_result(tmp_path):
    """The result may be released by a person; it does not claim to be free of text."""
    path = save_image(tmp_path / "in.dcm", speckle(1))

    with pytest.raises(Held) as raised:
        deidentifier(reader=Insatiable()).run(received(path), tmp_path / "out.dcm")

    held = raised.value
    assert held.reason is Reason.RESIDUAL_TEXT
    assert held.result is not None
    written = pydicom.dcmread(held.result.path)
    assert written.get("BurnedInAnnotation") != "NO"
    assert written.PatientID == held.result.patient_id != PATIENT_ID


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", JPEG2000Lossless, JPEG_BASELINE])
def test_outside_the_cone_is_black_and_inside_untouched(syntax, tmp_path):
    """An ultrasound clip keeps its cone, sample for sample."""
    path = save_image(tmp_path / "in.dcm", moving_within(half_cone().mask, 3), syntax=syntax)
    original = frames_of(path)
    profile = with_pixels(cone=CONE)

    result = deidentifier(reader=BlindReader(), cone=half_cone(), profile=profile).run(
        received(path), tmp_path / "out.dcm"
    )

    written, kept = frames_of(result.path), half_cone().mask
    if syntax == JPEG_BASELINE:  # blanked in whole blocks, outward
        kept = kept.reshape(kept.shape[0] // 8, 8, -1, 8).all(axis=(1, 3)).repeat(8, axis=0).repeat(8, axis=1)
    assert np.array_equal(written[:, kept], original[:, kept])
    assert not written[:, ~kept].any()
    assert result.findings.cone.outcome is ConeOutcome.BLANKED
    assert result.findings.cone.box == (40, 20, 200, 140)
    assert result.findings.redacted_fraction == pytest.approx(1 - kept.mean())


def test_a_crop_moves_regions_along_and_leaves_the_public_uid(tmp_path):
    """Rows, columns and region corners follow; the reference pixel, relative to its region, stays."""
    region = pydicom.Dataset()
    region.RegionSpatialFormat = 1
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 50, 30
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 189, 129
    region.ReferencePixelX0, region.ReferencePixelY0 = 70, 0
    outside = pydicom.Dataset()
    outside.RegionSpatialFormat = 1
    outside.RegionLocationMinX0, outside.RegionLocationMinY0 = 0, 0
    outside.RegionLocationMaxX1, outside.RegionLocationMaxY1 = 30, 15
    path = save_image(tmp_path / "in.dcm", speckle(2) + 10, SequenceOfUltrasoundRegions=[region, outside])
    original = frames_of(path)
    blank = with_pixels(cone=CONE)
    crop = with_pixels(cone=CONE.model_copy(update={"crop": True}))

    blanked = deidentifier(reader=BlindReader(), cone=half_cone(), profile=blank).run(
        received(path), tmp_path / "blanked.dcm"
    )
    cropped = deidentifier(reader=BlindReader(), cone=half_cone(), profile=crop).run(
        received(path), tmp_path / "cropped.dcm"
    )

    written = pydicom.dcmread(cropped.path)
    assert (written.Rows, written.Columns) == (120, 160)
    assert np.array_equal(frames_of(cropped.path), original[:, 20:140, 40:200])
    moved = written.SequenceOfUltrasoundRegions
    assert len(moved) == 1
    assert (moved[0].RegionLocationMinX0, moved[0].RegionLocationMinY0) == (10, 10)
    assert (moved[0].RegionLocationMaxX1, moved[0].RegionLocationMaxY1) == (149, 109)
    assert (moved[0].ReferencePixelX0, moved[0].ReferencePixelY0) == (70, 0)
    assert cropped.sop_instance_uid == blanked.sop_instance_uid
    assert cropped.findings.cone.outcome is ConeOutcome.CROPPED


def test_text_outside_the_cone_is_reported_as_outside(tmp_path):
    """The sidecar tells text beside the cone from text in the image."""
    frames = speckle(1)
    burn(frames[0], "VORZIB", 5, 15, scale=0.4)
    burn(frames[0], "QUATYN", 80, 80, scale=0.4)
    path = save_image(tmp_path / "in.dcm", frames)

    reader = WhiteReader(level=130, strict_level=130)
    result = deidentifier(reader=reader, cone=half_cone(), profile=with_pixels(cone=CONE)).run(
        received(path), tmp_path / "out.dcm"
    )

    places = {found.place for found in result.findings.text}
    assert places == {TextPlace.OUTSIDE_CONE, TextPlace.IMAGE}
    assert frames_of(result.path).max() <= 120


def test_a_doubtful_cone_holds_with_a_result_whose_text_is_gone(tmp_path):
    """Nothing is blanked around; a person decides."""
    frames = speckle(2)
    burn(frames[0], "VORZIB", 30, 60)
    path = save_image(tmp_path / "in.dcm", frames)
    subject = deidentifier(reader=WhiteReader(), cone=half_cone(confidence=0.1), profile=with_pixels(cone=CONE))

    with pytest.raises(Held) as raised:
        subject.run(received(path), tmp_path / "out.dcm")

    assert raised.value.reason is Reason.CONE_UNCERTAIN
    assert raised.value.result is not None
    assert frames_of(raised.value.result.path).max() <= 120


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        (CT_IMAGE, "CT"),
        (CT_IMAGE, "US"),
        (SECONDARY_CAPTURE, "OT"),
        (US_IMAGE, "IVUS"),
        ("1.2.840.10008.5.1.4.1.1.4", "US"),
        ("1.2.840.10008.5.1.4.1.1.6.2", "US"),
        ("1.2.840.10008.5.1.4.1.1.77.1.4", "US"),
        ("1.2.276.0.7230010.3.1.9", "US"),
    ],
)
def test_a_cone_is_impossible_in_anything_but_ultrasound(sop_class, modality, tmp_path):
    """Whatever the profile says, no pixel of another class is blanked around a cone."""
    path = save_image(tmp_path / "in.dcm", speckle(1) + 10, sop_class=sop_class, Modality=modality)
    everywhere = CONE.model_copy(update={"apply_to": ("US", "CT", "OT", "MR"), "crop": True})
    subject = deidentifier(reader=BlindReader(), cone=half_cone(), profile=with_pixels(cone=everywhere))

    result = subject.run(received(path), tmp_path / "out.dcm")

    assert result.findings.cone.outcome is ConeOutcome.NOT_APPLICABLE
    assert np.array_equal(frames_of(result.path), frames_of(path))


@pytest.mark.parametrize("sop_class", [US_CLIP, US_IMAGE, "1.2.840.10008.5.1.4.1.1.3", SECONDARY_CAPTURE])
def test_a_cone_applies_to_ultrasound_retired_classes_and_captures_of_it(sop_class, tmp_path):
    """With modality US."""
    path = save_image(tmp_path / "in.dcm", speckle(1), sop_class=sop_class)
    subject = deidentifier(reader=BlindReader(), cone=half_cone(), profile=with_pixels(cone=CONE))

    assert subject.run(received(path), tmp_path / "out.dcm").findings.cone.outcome is ConeOutcome.BLANKED


def test_the_mask_of_a_device_is_blanked_on_its_images_only(tmp_path):
    """Keyed by station name and frame size."""
    mask = DeviceMask(station_name="US-ROOM-2", columns=240, rows=160, rectangles=((0, 0, 240, 30),))
    profile = with_pixels(masks=(mask,))
    fits = save_image(tmp_path / "fits.dcm", speckle(2) + 10, StationName="US-ROOM-2")
    other = save_image(tmp_path / "other.dcm", speckle(2) + 10, StationName="US-ROOM-3")

    masked = deidentifier(reader=BlindReader(), profile=profile).run(received(fits), tmp_path / "a.dcm")
    left = deidentifier(reader=BlindReader(), profile=profile).run(received(other), tmp_path / "b.dcm")

    assert not frames_of(masked.path)[:, :30].any()
    assert np.array_equal(frames_of(masked.path)[:, 30:], frames_of(fits)[:, 30:])
    assert np.array_equal(frames_of(left.path), frames_of(other))


def test_text_that_the_window_hides_is_found_in_the_whole_range(tmp_path):
    """A name of 4095 in samples of 3500, all white through a window around 40, is found and blanked."""
    frames = np.full((1, 160, 240), 3500, np.uint16)
    frames[0, 40:50, 60:120] = 4095
    path = save_image(
        tmp_path / "in.dcm",
        frames,
        sop_class=CT_IMAGE,
        Modality="CT",
        BitsStored=12,
        HighBit=11,
        WindowCenter=40,
        WindowWidth=400,
    )

    class BlobReader(WhiteReader):
        def read(self, image, *, strict, frame=None):
            return () if (image >= 250).mean() > 0.5 else super().read(image, strict=strict)

    result = deidentifier(reader=BlobReader()).run(received(path), tmp_path / "out.dcm")

    assert not frames_of(result.path)[0, 40:50, 60:120].any()
    assert frames_of(result.path)[0, 100, 100] == 3500


class Breaking:
    """Breaks at the second look."""

    def __init__(self, error):
        self.error = error
        self.looks = 0

    def read(self, image, *, strict, frame=None):
        """Break."""
        self.looks += 1
        if self.looks > 1:
            raise self.error
        return ()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelFailed("ppocr", "broke"), Reason.MODEL_UNAVAILABLE),
        (MemoryError(), Reason.RESOURCE_LIMIT),
        (ValueError("Vorzibmurdax"), Reason.INTERNAL_ERROR),
        (OSError("Vorzibmurdax"), Reason.INTERNAL_ERROR),
    ],
)
def test_a_stage_that_fails_never_yields_an_output(error, reason, tmp_path, caplog):
    """Held by its reason, nothing written, and nothing of the error's text in note or log."""
    path = save_image(tmp_path / "in.dcm", speckle(3))

    with pytest.raises(Held) as raised:
        deidentifier(reader=Breaking(error)).run(received(path), tmp_path / "out.dcm")

    assert raised.value.reason is reason
    assert raised.value.result is None
    assert "Vorzibmurdax" not in raised.value.note + caplog.text
    assert [left.name for left in tmp_path.iterdir()] == ["in.dcm"]


def test_a_full_disk_is_tried_later(tmp_path):
    """It says nothing about the object."""
    path = save_image(tmp_path / "in.dcm", speckle(3))

    with pytest.raises(TryLater):
        deidentifier(reader=Breaking(OSError(28, "No space left"))).run(received(path), tmp_path / "out.dcm")

    assert [left.name for left in tmp_path.iterdir()] == ["in.dcm"]


def test_a_missing_model_holds_every_object_until_it_is_back(tmp_path):
    """The next object tries again."""
    path = save_image(tmp_path / "in.dcm", speckle(1))
    missing = [True]

    def opener(config, *, text, cone):
        if missing[0]:
            raise ModelUnavailable("ppocr", "the file is missing")
        return deidentifier(reader=BlindReader())._opener(config, text=text, cone=cone)

    subject = Deidentifier(profile=RESEARCH, key=KEY, project="p", models_config=ModelsConfig(), opener=opener)
    with pytest.raises(Held) as raised:
        subject.run(received(path), tmp_path / "out.dcm")
    assert raised.value.reason is Reason.MODEL_UNAVAILABLE

    missing[0] = False
    assert subject.run(received(path), tmp_path / "out.dcm").findings.frames == 1


def test_a_profile_without_text_opens_no_model_and_claims_nothing_about_annotations(tmp_path):
    """Burned In Annotation is not set where nobody looked."""
    profile = Profile(name="header", options=(), pixels=Pixels(text=None))
    path = save_image(tmp_path / "in.dcm", speckle(1))

    def opener(config, *, text, cone):
        raise AssertionError("not needed")

    subject = Deidentifier(profile=profile, key=KEY, project="p", models_config=ModelsConfig(), opener=opener)
    result = subject.run(received(path), tmp_path / "out.dcm")

    assert "BurnedInAnnotation" not in pydicom.dcmread(result.path)
    assert dict(result.model_sha256) == {}


def test_identifiers_and_source_uids_are_not_in_the_written_bytes(tmp_path):
    """Name, ID and UIDs of the original, searched in the whole file."""
    path = save_image(tmp_path / "in.dcm", speckle(2), syntax=JPEG_BASELINE)

    result = deidentifier(reader=WhiteReader()).run(received(path), tmp_path / "out.dcm")

    content = result.path.read_bytes()
    for planted in (b"Vorzib", PATIENT_ID.encode(), b"1.2.826.0.1.3680043.8.498.55"):
        assert planted in path.read_bytes()
        assert planted not in content


def test_an_image_without_pixel_data_is_held(tmp_path):
    """A cut file can look like that."""
    path = save_image(tmp_path / "in.dcm", speckle(1))
    ds = pydicom.dcmread(path)
    del ds.PixelData
    ds.save_as(path)

    with pytest.raises(Held) as raised:
        deidentifier(reader=BlindReader()).run(received(path), tmp_path / "out.dcm")

    assert raised.value.reason is Reason.UNDECODABLE


def test_the_output_replaces_what_an_earlier_attempt_left(tmp_path):
    """The same path twice, and no temporary file beside it."""
    path = save_image(tmp_path / "in.dcm", speckle(1))
    out = tmp_path / "out.dcm"
    out.write_bytes(b"half of an earlier attempt")

    result = deidentifier(reader=BlindReader()).run(received(path), out)

    assert Path(result.path) == out
    assert out.stat().st_mode & 0o777 == 0o600
    assert sorted(left.name for left in tmp_path.iterdir()) == ["in.dcm", "out.dcm"]


@pytest.fixture(scope="module")
def shipped_models():
    """Open the text models of the default profile once."""
    return open_models(ModelsConfig(device="cpu"), text="ppocr", cone=False)


def test_the_shipped_models_find_a_name_flashed_on_one_frame(tmp_path, shipped_models):
    """Real text on frame 3 of 5, in real eyes: gone there, and read; the other frames are the original's."""
    frames = speckle(5, rows=240, columns=320)
    burn(frames[3], "LIVER SAGITTAL", 40, 60, scale=0.7)
    path = save_image(tmp_path / "in.dcm", frames, syntax=RLELossless)
    subject = deidentifier(reader=shipped_models.text)

    result = subject.run(received(path), tmp_path / "out.dcm")

    written = frames_of(result.path)
    assert written[3].max() <= 125
    assert np.array_equal(written[[0, 1, 2, 4]], frames[[0, 1, 2, 4]])
    assert "LIVER" in " ".join(found.text for found in result.findings.text).upper()


def test_what_names_the_patient_on_one_frame_is_blanked_on_all(tmp_path):
    """The same name may stand, unread, on frames where no look finds it: the place goes everywhere."""
    frames = speckle(6)
    burn(frames[2], "VORZIB", 30, 60)
    burn(frames[4], "VORZIB", 30, 60, value=110)
    path = save_image(tmp_path / "in.dcm", frames)

    result = deidentifier(reader=WhiteReader(str(pydicom.dcmread(path).PatientName).split("^")[0])).run(
        received(path), tmp_path / "out.dcm"
    )

    assert {(found.frame_first, found.frame_last) for found in result.findings.text} == {(0, 5)}
    assert not frames_of(result.path)[4, 50:58, 34:60].any()


def test_the_shipped_models_leave_a_text_free_clip_bit_for_bit(tmp_path, shipped_models):
    """Nothing found, nothing changed, nothing held."""
    path = save_image(tmp_path / "in.dcm", speckle(2, rows=240, columns=320), syntax=JPEG_BASELINE)

    result = deidentifier(reader=shipped_models.text).run(received(path), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == JPEG_BASELINE
    assert np.array_equal(frames_of(result.path), frames_of(path))


def test_a_header_job_loads_no_image_libraries():
    """They are 15 MB that a job of headers alone never needs."""
    program = "import sys, pipeline.deidentify; print([name for name in ('cv2', 'onnxruntime') if name in sys.modules])"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert ended.stdout == "[]\n"
