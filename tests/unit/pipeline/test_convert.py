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

from pipeline.convert import to_explicit_little_endian
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

    to_explicit_little_endian(path, tmp_path / "out.dcm")

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

    to_explicit_little_endian(path, tmp_path / "out.dcm")

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

    to_explicit_little_endian(path, tmp_path / "out.dcm")

    data = pydicom.dcmread(tmp_path / "out.dcm").RedPaletteColorLookupTableData
    assert np.array_equal(np.frombuffer(data, "<u2"), entries)


def test_twice_gives_the_same_bytes(tmp_path):
    """A re-send must repeat them."""
    path = save_image(tmp_path / "in.dcm", speckle(3), syntax=RLELossless)

    to_explicit_little_endian(path, tmp_path / "one.dcm")
    to_explicit_little_endian(path, tmp_path / "two.dcm")

    assert (tmp_path / "one.dcm").read_bytes() == (tmp_path / "two.dcm").read_bytes()


def test_a_damaged_object_is_held_and_leaves_nothing(tmp_path):
    """Cut in its last frame."""
    path = save_image(tmp_path / "in.dcm", speckle(3), syntax=RLELossless)
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(Held) as raised:
        to_explicit_little_endian(path, tmp_path / "out.dcm")

    assert raised.value.reason is Reason.UNDECODABLE
    assert [left.name for left in tmp_path.iterdir()] == ["in.dcm"]
