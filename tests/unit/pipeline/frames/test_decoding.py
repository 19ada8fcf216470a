"""Frames are what pydicom makes of them, for every syntax that its own test files come in."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import pixel_array

from pipeline.frames.read import open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.frames.syntaxes import SYNTAXES, Coding

READABLE = (
    "693_J2KI.dcm",
    "CT_small.dcm",
    "ExplVR_BigEnd.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm",
    "SC_jpeg_no_color_transform.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_jpeg_lossy_gdcm.dcm",
    "SC_rgb_rle.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_rle_32bit_2frame.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "examples_jpeg2k.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "image_dfl.dcm",
    "liver_1frame.dcm",
    "liver_expb_1frame.dcm",
    "rtdose.dcm",
    "rtdose_expb.dcm",
    "rtdose_rle.dcm",
)


def shipped(name: str) -> Path:
    """Return the path of a test file that ships in pydicom's wheel."""
    path = get_testdata_file(name, download=False)
    assert path is not None, name
    return Path(str(path))


@pytest.mark.parametrize("name", READABLE)
def test_every_frame_equals_what_pydicom_decodes(name):
    """Stored values of all frames, bit for bit, and the number of frames."""
    with quiet_libraries():
        expected = pixel_array(pydicom.dcmread(shipped(name)), raw=True)
        with open_instance(shipped(name)) as opened:
            assert opened.frames is not None
            frames = [opened.frames.decoded(index).samples for index in range(len(opened.frames))]
    if len(frames) == 1:
        expected = expected[np.newaxis]
    assert np.array_equal(np.stack(frames), expected)


@pytest.mark.parametrize("name", READABLE)
def test_a_reader_sees_eight_bit_grey_or_colour_of_the_frame_size(name):
    """Every rendering is uint8 of the frame's rows and columns, and an image with content shows some."""
    with quiet_libraries(), open_instance(shipped(name)) as opened:
        assert opened.frames is not None
        description = opened.frames.description
        views = opened.frames.renderings(0)
        stored = opened.frames.decoded(0).samples
    for view in views:
        assert view.dtype == np.uint8
        assert view.shape[:2] == (description.rows, description.columns)
    if stored.min() != stored.max():
        assert any(view.min() != view.max() for view in views)


def test_colour_is_shown_as_pydicom_shows_it():
    """Luminance and chrominance of a real clip become the RGB that pydicom gives, to one level."""
    path = shipped("examples_ybr_color.dcm")
    with quiet_libraries(), open_instance(path) as opened:
        assert opened.frames is not None
        expected = pixel_array(pydicom.dcmread(path), index=7)
        shown = opened.frames.displayed(7)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 1


def test_a_palette_is_shown_in_its_colours():
    """The rendering of a palette image is what the palette says, cut to 8 bits."""
    path = shipped("examples_palette.dcm")
    with quiet_libraries(), open_instance(path) as opened:
        assert opened.frames is not None
        ds = pydicom.dcmread(path)
        expected = pydicom.pixels.apply_color_lut(pixel_array(ds), ds)
        shown = opened.frames.displayed(0)
    assert np.array_equal(shown, (expected >> 8 if expected.dtype.itemsize > 1 else expected).astype(np.uint8))


def test_twelve_bit_jpeg_is_decoded_by_a_permissive_codec():
    """JPEG Extended of 12 bits, for which pydicom has no permissive plugin, gives values beyond 8 bits."""
    with quiet_libraries(), open_instance(shipped("JPEG-lossy.dcm")) as opened:
        assert opened.frames is not None
        samples = opened.frames.decoded(0).samples
    assert samples.shape == (1024, 256)
    assert 255 < samples.max() < 4096


def test_every_coding_of_the_table_is_read_somewhere_here():
    """The files above cover each coding that `SYNTAXES` claims, but those that pydicom ships no file of."""
    seen = set()
    for name in READABLE:
        with quiet_libraries():
            uid = pydicom.dcmread(shipped(name), stop_before_pixels=True).file_meta.TransferSyntaxUID
        seen.add(SYNTAXES[uid].coding)
    without_a_file = {Coding.JPEG_XL, Coding.DEFLATED}  # see the golden tests
    without_a_file |= {Coding.MPEG_2, Coding.AVC, Coding.HEVC}  # see `test_video`
    assert seen == {syntax.coding for syntax in SYNTAXES.values()} - without_a_file
