"""Conversion for a target that refuses the object's syntax: nothing is lost, twice gives the same bytes."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from pipeline.convert import WRITTEN_WITHOUT_LOSS, convert_losslessly
from pipeline.frames.decode import colour_to_rgb
from pipeline.frames.read import open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.reasons import Held, Reason
from tests.factories.pixels import JPEG_BASELINE, save_image, speckle

LOSSLESS = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLSLossless,
    JPEG2000Lossless,
)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_every_frame_and_the_header_stay_the_same(syntax, tmp_path):
    """Samples, identity and everything else but the syntax."""
    path = save_image(tmp_path / "in.dcm", speckle(3).astype(np.uint16) * 9, syntax=syntax)

    convert_losslessly(path, tmp_path / "out.dcm", [ExplicitVRLittleEndian])

    before, after = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "out.dcm")
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(pixel_array(before, raw=True), pixel_array(after, raw=True))
    for ds in (before, after):
        del ds.PixelData
    assert before.to_json_dict() == after.to_json_dict()


def test_what_was_lossy_is_decoded_and_never_coded_with_loss_again(tmp_path):
    """Colour becomes the RGB that pydicom shows."""
    frames = np.stack([speckle(2), speckle(2, seed=1), speckle(2, seed=2)], axis=-1)
    path = save_image(tmp_path / "in.dcm", frames, photometric="YBR_FULL_422", syntax=JPEG_BASELINE)

    convert_losslessly(path, tmp_path / "out.dcm", [ExplicitVRLittleEndian])

    with quiet_libraries():
        after = pydicom.dcmread(tmp_path / "out.dcm")
        assert after.PhotometricInterpretation == "RGB"
        assert np.array_equal(pixel_array(pydicom.dcmread(path)), pixel_array(after))


def test_words_in_the_header_of_a_big_endian_object_are_turned_round(tmp_path):
    """The entries of a palette are the same numbers afterwards."""
    entries = np.arange(256, dtype=np.uint16) * 251
    path = save_image(
        tmp_path / "in.dcm",
        speckle(1),
        photometric="PALETTE COLOR",
        syntax=ExplicitVRBigEndian,
        **{
            f"{colour}PaletteColorLookupTable{part}": value
            for colour in ("Red", "Green", "Blue")
            for part, value in (("Descriptor", [256, 0, 16]), ("Data", entries.byteswap().tobytes()))
        },
    )

    convert_losslessly(path, tmp_path / "out.dcm", [ExplicitVRLittleEndian])

    data = pydicom.dcmread(tmp_path / "out.dcm").RedPaletteColorLookupTableData
    assert np.array_equal(np.frombuffer(data, "<u2"), entries)


def test_twice_gives_the_same_bytes(tmp_path):
    """A re-send must repeat them."""
    path = save_image(tmp_path / "in.dcm", speckle(3), syntax=RLELossless)

    convert_losslessly(path, tmp_path / "one.dcm", [ExplicitVRLittleEndian])
    convert_losslessly(path, tmp_path / "two.dcm", [ExplicitVRLittleEndian])

    assert (tmp_path / "one.dcm").read_bytes() == (tmp_path / "two.dcm").read_bytes()


def test_a_damaged_object_is_held_and_leaves_nothing(tmp_path):
    """Cut in its last frame."""
    path = save_image(tmp_path / "in.dcm", speckle(3), syntax=RLELossless)
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(Held) as raised:
        convert_losslessly(path, tmp_path / "out.dcm", [ExplicitVRLittleEndian])

    assert raised.value.reason is Reason.UNDECODABLE
    assert [left.name for left in tmp_path.iterdir()] == ["in.dcm"]


@pytest.mark.parametrize("target", sorted(WRITTEN_WITHOUT_LOSS))
@pytest.mark.parametrize(
    ("photometric", "source"),
    [
        ("MONOCHROME2", RLELossless),
        ("MONOCHROME2", JPEG_BASELINE),
        ("RGB", ExplicitVRLittleEndian),
        ("YBR_FULL", JPEGLSLossless),
        ("YBR_FULL_422", JPEG_BASELINE),
    ],
)
def test_every_syntax_that_is_written_holds_what_every_other_one_held(target, photometric, source, tmp_path):
    """Sample by sample; lossy colour as the RGB that it shows."""
    frames = speckle(2)
    if photometric != "MONOCHROME2":
        frames = np.stack([frames, frames // 2 + 10, 200 - frames], axis=-1)
    path = save_image(tmp_path / "in.dcm", frames, photometric=photometric, syntax=source)
    with quiet_libraries(), open_instance(path) as opened:
        before = [opened.frames.decoded(index) for index in range(2)]

    assert convert_losslessly(path, tmp_path / "out.dcm", [target]) == target

    with quiet_libraries(), open_instance(tmp_path / "out.dcm") as opened:
        assert opened.source_syntax_uid == target
        for index, frame in enumerate(before):
            expected = frame.samples
            if photometric == "YBR_FULL_422":
                expected = colour_to_rgb(frame.samples, "YBR_FULL")
            assert np.array_equal(opened.frames.decoded(index).samples, expected)


def test_the_first_syntax_that_can_hold_the_object_is_taken(tmp_path):
    """Not one that loses, not one whose encoder refuses the samples, not one that nobody knows."""
    path = save_image(tmp_path / "in.dcm", speckle(1).astype(np.uint32) * 70_000)
    accepted = ["1.2.3", JPEG_BASELINE, JPEGLSLossless, RLELossless, DeflatedExplicitVRLittleEndian]

    assert convert_losslessly(path, tmp_path / "out.dcm", accepted) == DeflatedExplicitVRLittleEndian


def test_an_object_that_fits_no_accepted_syntax_is_held(tmp_path):
    """With its own reason, and nothing is left behind."""
    path = save_image(tmp_path / "in.dcm", speckle(1).astype(np.uint32) * 70_000)

    with pytest.raises(Held) as raised:
        convert_losslessly(path, tmp_path / "out.dcm", [JPEG_BASELINE, JPEGLSLossless])

    assert raised.value.reason is Reason.NOT_ACCEPTED_BY_TARGET
    assert not (tmp_path / "out.dcm").exists()


def test_an_object_without_pixels_takes_the_first_native_syntax(tmp_path):
    """A report in JPEG would make no sense."""
    path = save_image(tmp_path / "in.dcm", speckle(1))
    ds = pydicom.dcmread(path)
    del ds.PixelData
    ds.save_as(path)

    taken = convert_losslessly(path, tmp_path / "out.dcm", [JPEGLSLossless, ImplicitVRLittleEndian])

    assert taken == ImplicitVRLittleEndian
    assert pydicom.dcmread(tmp_path / "out.dcm").PatientID == ds.PatientID
