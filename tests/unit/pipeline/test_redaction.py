"""Golden tests of the written object, per syntax and photometric interpretation: black inside, untouched outside."""

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
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

from pipeline.frames.silence import quiet_libraries
from pipeline.frames.syntaxes import EXPLICIT_LITTLE, SYNTAXES
from tests.factories.pixels import (
    JPEG_BASELINE,
    BlindReader,
    Seen,
    deidentifier,
    encapsulated,
    received,
    save_image,
    speckle,
)

IMAGES = (
    "693_J2KI.dcm",
    "CT_small.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_rle_16bit.dcm",
    "SC_rgb_rle_32bit.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "examples_jpeg2k.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
)
BOX = (5, 6, 32, 17)


class OneBox:
    """Sees text in one fixed box at the first look."""

    def read(self, image, *, strict, frame=None):
        """Return the box."""
        left, top, right, bottom = BOX
        if strict or image.shape[:2] != frame:
            return ()
        return (Seen(left=left, top=top, right=right, bottom=bottom, text="NAME", confidence=0.9),)


def shipped(name):
    """Return the path of a test file that ships in pydicom's wheel."""
    return Path(str(get_testdata_file(name, download=False)))


def decoded(path, *, raw):
    """Return every frame by pydicom alone, (frames, rows, columns[, 3])."""
    with quiet_libraries():
        ds = pydicom.dcmread(path)
        array = pixel_array(ds, raw=raw)
    return array if int(ds.get("NumberOfFrames") or 1) > 1 else array[np.newaxis]


def blanked_area(shape, syntax):
    """Return where pixels may change: the box and its margin, on the grid on which the syntax can be blanked."""
    left, top, right, bottom = BOX[0] - 2, BOX[1] - 2, BOX[2] + 2, BOX[3] + 2
    inside = np.zeros(shape, bool)
    if syntax == JPEG_BASELINE:  # whole minimum coded units, and one pixel to which decoders smear subsampled colour
        inside[top // 16 * 16 : -(-bottom // 16) * 16 + 1, left // 16 * 16 : -(-right // 16) * 16 + 1] = True
    else:
        inside[top:bottom, left - left % 2 : right + right % 2] = True
    return inside


@pytest.mark.parametrize("name", IMAGES)
def test_pixels_outside_the_redaction_equal_the_originals_and_inside_they_are_black(name, tmp_path):
    """As pydicom decodes both: equal outside the reported box and its margin, one dark value inside."""
    source = shipped(name)
    before = source.read_bytes()

    result = deidentifier(reader=OneBox()).run(received(source), tmp_path / "out.dcm")

    original, written = decoded(source, raw=False), decoded(result.path, raw=False)
    inside = blanked_area(original.shape[1:3], pydicom.dcmread(source).file_meta.TransferSyntaxUID)
    changed = (original != written).reshape(*original.shape[:3], -1).any(axis=(0, 3))
    assert not (changed & ~inside).any()
    core = written[:, BOX[1] : BOX[3], BOX[0] : BOX[2]]
    assert (core.reshape(-1, *core.shape[3:]) == core[0, 0, 0]).all()
    assert source.read_bytes() == before
    assert written.dtype == original.dtype


@pytest.mark.parametrize("name", IMAGES)
def test_what_needs_no_redaction_keeps_its_syntax_and_its_pixel_bytes(name, tmp_path):
    """Native bytes are the very same; coded frames decode to the very same values from a stream without comments."""
    source = shipped(name)

    result = deidentifier(reader=BlindReader()).run(received(source), tmp_path / "out.dcm")

    with quiet_libraries():
        original, written = pydicom.dcmread(source), pydicom.dcmread(result.path)
        assert written.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
        if not original.file_meta.TransferSyntaxUID.is_compressed:
            needed = len(pixel_array(original, raw=True).tobytes())
            if original.PhotometricInterpretation == "YBR_FULL_422":
                needed = needed * 2 // 3
            assert written.PixelData[:needed] == original.PixelData[:needed]
            assert len(written.PixelData) == needed + needed % 2
        assert written.ImageType == original.ImageType
    assert np.array_equal(decoded(source, raw=True), decoded(result.path, raw=True))
    assert result.findings.redacted_fraction == 0


@pytest.mark.parametrize("name", IMAGES)
def test_a_changed_image_is_written_without_loss_and_says_that_it_is_derived(name, tmp_path):
    """The same syntax or its lossless sibling where there is an encoder, else Explicit VR Little Endian."""
    source = shipped(name)

    result = deidentifier(reader=OneBox()).run(received(source), tmp_path / "out.dcm")

    with quiet_libraries():
        original, written = pydicom.dcmread(source), pydicom.dcmread(result.path)
        syntax = SYNTAXES[original.file_meta.TransferSyntaxUID]
        blanked_in_blocks = syntax.uid == JPEG_BASELINE and written.file_meta.TransferSyntaxUID == JPEG_BASELINE
        assert written.file_meta.TransferSyntaxUID in (syntax.rewritten_uid, EXPLICIT_LITTLE) or blanked_in_blocks
        if syntax.rewritten_uid != EXPLICIT_LITTLE and original.BitsAllocated <= 16 and name != "693_J2KI.dcm":
            assert written.file_meta.TransferSyntaxUID == syntax.rewritten_uid
        assert written.ImageType[0] == "DERIVED"
        assert written.BurnedInAnnotation == "NO"
        assert written.DerivationDescription
        assert (written.Rows, written.Columns) == (original.Rows, original.Columns)
        if not syntax.lossless:
            assert written.LossyImageCompression == "01"
            if blanked_in_blocks:
                assert written.PhotometricInterpretation == original.PhotometricInterpretation
            elif written.SamplesPerPixel == 3:
                assert written.PhotometricInterpretation == ("RGB" if syntax.is_lossy_jpeg else "YBR_RCT")


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
@pytest.mark.parametrize(
    ("photometric", "dtype", "stored", "black"),
    [
        ("MONOCHROME2", np.uint8, 8, 0),
        ("MONOCHROME1", np.uint8, 8, 255),
        ("MONOCHROME2", np.uint16, 12, 0),
        ("MONOCHROME1", np.uint16, 12, 4095),
        ("MONOCHROME2", np.int16, 16, -32768),
        ("RGB", np.uint8, 8, (0, 0, 0)),
        ("YBR_FULL", np.uint8, 8, (0, 128, 128)),
    ],
)
def test_black_is_the_right_stored_value(*, syntax, photometric, dtype, stored, black, tmp_path):
    """Per photometric interpretation, in every syntax that is written again."""
    frames = speckle(2).astype(dtype)
    if isinstance(black, tuple):
        frames = np.stack([frames, frames // 2 + 10, 200 - frames], axis=-1)
    path = save_image(
        tmp_path / "in.dcm",
        frames,
        photometric=photometric,
        syntax=syntax,
        BitsStored=stored,
        HighBit=stored - 1,
    )

    result = deidentifier(reader=OneBox()).run(received(path), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == syntax
    written = decoded(result.path, raw=True)
    left, top, right, bottom = BOX
    assert (written[:, top:bottom, left:right] == np.array(black)).all()
    assert np.array_equal(written[:, bottom + 3 :], frames[:, bottom + 3 :])
    assert np.array_equal(written[:, :, right + 3 :], frames[:, :, right + 3 :])


def test_padding_that_is_dark_is_the_black_of_its_image(tmp_path):
    """A viewer leaves Pixel Padding Value out when it chooses a window, so the contrast of the rest stays."""
    frames = speckle(1).astype(np.int16) * 8
    path = save_image(tmp_path / "in.dcm", frames, PixelPaddingValue=-2000)

    result = deidentifier(reader=OneBox()).run(received(path), tmp_path / "out.dcm")

    assert decoded(result.path, raw=True)[0, BOX[1], BOX[0]] == -2000


def test_big_endian_words_stay_big_endian(tmp_path):
    """A retired syntax is written back in kind, header words included."""
    path = shipped("MR_small_bigendian.dcm")

    result = deidentifier(reader=OneBox()).run(received(path), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == ExplicitVRBigEndian


def test_overlay_bits_above_the_samples_do_not_leave(tmp_path):
    """Old objects keep graphics in the unused bits: gone, the samples equal, and the image is not called derived."""
    samples = speckle(2).astype(np.uint16) * 16
    overlay = np.zeros(samples.shape[1:], np.uint8)
    cv2.putText(overlay, "VORZIB", (20, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1, 2)
    drawn = samples | (overlay.astype(np.uint16) << 12)
    path = save_image(tmp_path / "in.dcm", drawn, BitsStored=12, HighBit=11)
    assert (drawn >> 12).any()

    result = deidentifier(reader=BlindReader()).run(received(path), tmp_path / "out.dcm")

    raw = np.frombuffer(pydicom.dcmread(result.path).PixelData, np.uint16)
    assert not (raw >> 12).any()
    assert np.array_equal(raw.reshape(drawn.shape), drawn & 0xFFF)
    assert pydicom.dcmread(result.path).ImageType[0] == "ORIGINAL"


def test_comments_and_application_segments_of_jpeg_frames_do_not_leave(tmp_path):
    """Names between the markers of a coded frame, and bytes behind its end, are gone; the picture is not."""
    frame = speckle(1)[0]
    stream = imagecodecs.jpeg_encode(frame)
    comment = b"\xff\xfe\x00\x13VORZIBMURDAX QUATY"[:21]
    app = b"\xff\xe5\x00\x0eVORZIBMURDAX"
    path = save_image(tmp_path / "in.dcm", speckle(1), syntax=JPEG_BASELINE, PatientName="Other^Name")
    ds = pydicom.dcmread(path)
    ds.PixelData = encapsulated([stream[:2] + comment + app + stream[2:] + b"VORZIBMURDAX"])
    ds["PixelData"].VR = "OB"
    ds.save_as(path)
    assert b"VORZIBMURDAX" in path.read_bytes()

    result = deidentifier(reader=BlindReader()).run(received(path), tmp_path / "out.dcm")

    assert b"VORZIBMURDAX" not in result.path.read_bytes()
    assert np.array_equal(decoded(result.path, raw=True)[0], imagecodecs.jpeg_decode(stream))


def test_bytes_behind_the_last_frame_do_not_leave(tmp_path):
    """The expected length of Pixel Data is all that is copied."""
    frames = speckle(1)
    path = save_image(tmp_path / "in.dcm", frames, pixel_bytes=frames.tobytes() + b"VORZIBMURDAX")

    result = deidentifier(reader=BlindReader()).run(received(path), tmp_path / "out.dcm")

    assert pydicom.dcmread(result.path).PixelData == frames.tobytes()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless, JPEG_BASELINE])
def test_the_same_input_gives_the_same_bytes(syntax, tmp_path):
    """Twice, in two places."""
    path = save_image(tmp_path / "in.dcm", speckle(3), syntax=syntax)

    first = deidentifier(reader=OneBox()).run(received(path), tmp_path / "first.dcm")
    second = deidentifier(reader=OneBox()).run(received(path), tmp_path / "second.dcm")

    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()


@pytest.mark.parametrize("announced", ["RGB", "YBR_FULL_422"])
@pytest.mark.parametrize("first", ["RGB", "YCBCR"])
def test_every_frame_is_in_the_colours_that_the_object_names(announced, first, tmp_path):
    """JPEG frames of one clip may be coded in different colours; where samples are written, all are RGB."""
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    frames[:, :, :, 0], frames[:, :, :, 1], frames[:, 32:, :, 2] = 200, 40, 90
    other = {"RGB": "YCBCR", "YCBCR": "RGB"}[first]
    subsampling = {"RGB": "444", "YCBCR": "420"}  # so that the frames have different grids and samples are written
    path = save_image(tmp_path / "in.dcm", frames, photometric="YBR_FULL_422", syntax=JPEG_BASELINE)
    ds = pydicom.dcmread(path)
    ds.PhotometricInterpretation = announced
    ds.PixelData = encapsulated(
        [
            imagecodecs.jpeg8_encode(
                frame, level=95, colorspace="RGB", outcolorspace=coded, subsampling=subsampling[coded]
            )
            for frame, coded in zip(frames, (first, other), strict=True)
        ]
    )
    ds["PixelData"].VR = "OB"
    ds.save_as(path)

    result = deidentifier(reader=OneBox()).run(received(path), tmp_path / "out.dcm")

    written = pydicom.dcmread(result.path)
    assert written.file_meta.TransferSyntaxUID == EXPLICIT_LITTLE
    assert written.PhotometricInterpretation == "RGB"
    outside = ~blanked_area((64, 64), EXPLICIT_LITTLE)
    for frame, source in zip(decoded(result.path, raw=True), frames, strict=True):
        assert np.abs(frame[outside].astype(int) - source[outside]).max() < 40
        assert np.abs(frame[outside].astype(int) - source[outside]).mean() < 3
