"""Golden tests of the pixels: made by other encoders, redacted by the whole pipeline, judged by other decoders.

Every kind of sample in every syntax. Equal outside the redaction, the right black inside, nothing else of the picture
changed, no more faults of the standard than before.
"""

from __future__ import annotations

from itertools import product

import jpeglib
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from config.schema import Option, Profile
from pipeline.convert import convert_losslessly
from tests.factories.corpus.judge import new_faults
from tests.factories.goldens import AS_SAMPLES, BOX, CODED, FRAMES, IN_BLOCKS, KINDS, MODEL, in_fragments
from tests.factories.pixels import PATIENT_ID, BlindReader, deidentifier, received
from tests.peers import codecs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
LOSSY = tuple(name for name in CODED if {"lossy", "near", "extended", "progressive"} & set(name.split("-")))
_INVALID_ALREADY = ("deflated", "jpeg-xl")
"""The judge cannot read the syntaxes that begin so."""


def redact(source, target, box=BOX):
    """Run the pipeline with one fixed rectangle and no model; return its result."""
    ds = pydicom.dcmread(source, stop_before_pixels=True)
    mask = {"manufacturer_model": MODEL, "columns": ds.Columns, "rows": ds.Rows, "rectangles": [box]}
    profile = Profile(
        name="golden", options=(Option.CLEAN_PIXEL_DATA,), pixels={"text": None, "cone": None, "masks": [mask]}
    )
    return deidentifier(reader=BlindReader(), profile=profile).run(received(source), target)


def changed_box(before, after):
    """Return left, top, right, bottom of all pixels that differ in any frame."""
    differs = (before != after).reshape(*before.shape[:3], -1).any(axis=(0, 3))
    rows, columns = np.nonzero(differs.any(axis=1))[0], np.nonzero(differs.any(axis=0))[0]
    return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


def inside(samples, box=BOX):
    """Return the samples of a box, one row a pixel."""
    left, top, right, bottom = box
    part = samples[:, top:bottom, left:right]
    return part.reshape(-1, *part.shape[3:])


def outward(box, rows, columns):
    """Return the box grown to whole units of so many rows and columns."""
    left, top, right, bottom = box
    return (left // columns * columns, top // rows * rows, -(-right // columns) * columns, -(-bottom // rows) * rows)


def assert_the_picture_is_described_as_before(source, result, photometric=None):
    """Rows, columns, frames, bits and what they mean; colour may name the coding anew, never other colours."""
    before, after = (pydicom.dcmread(path, stop_before_pixels=True) for path in (source, result))
    for keyword in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"):
        assert after.get(keyword) == before.get(keyword), keyword
    assert after.PixelRepresentation == before.PixelRepresentation
    assert (before.PhotometricInterpretation, after.PhotometricInterpretation) in {
        (before.PhotometricInterpretation, photometric or before.PhotometricInterpretation),
        ("RGB", "YBR_RCT"),
    }


@pytest.mark.parametrize(("coding", "kind"), [(name, kind) for name, coded in CODED.items() for kind in coded.kinds])
def test_every_sample_outside_the_redaction_stays_and_inside_is_black(coding, kind, tmp_path):
    """As another decoder reads both; written in the expected syntax, and no less valid than it came."""
    image = KINDS[kind]
    source = CODED[coding].make(image.write(tmp_path / "native.dcm"), tmp_path / "in.dcm")

    result = redact(source, tmp_path / "out.dcm")

    before, after = (
        codecs.stored_bits(codecs.stored_samples(path, tmp_path), image.bits_stored) for path in (source, result.path)
    )
    assert result.transfer_syntax_uid == CODED[coding].written
    assert before.shape == after.shape
    even = (BOX[0] - BOX[0] % 2, BOX[1], BOX[2] + BOX[2] % 2, BOX[3])
    area = even if image.photometric == "YBR_FULL_422" else outward(BOX, CODED[coding].unit, CODED[coding].unit)
    black = codecs.stored_bits(np.array(image.black, image.samples.dtype), image.bits_stored)
    assert (inside(after, area) == black).all()
    outside = np.ones(before.shape[1:3], bool)
    outside[area[1] : area[3], area[0] : area[2]] = False
    differs = np.abs(before[:, outside].astype(np.int64) - after[:, outside])
    assert differs.max() <= CODED[coding].nearly
    if coding not in LOSSY:
        untouched = codecs.stored_bits(image.samples, image.bits_stored)
        assert np.array_equal(untouched[:, outside], after[:, outside])
    assert_the_picture_is_described_as_before(source, result.path, CODED[coding].photometric)
    if not coding.startswith(_INVALID_ALREADY):
        assert not new_faults(source.read_bytes(), result.path.read_bytes(), tmp_path / "judged.dcm")


@pytest.mark.parametrize("kind", ["grey8", "white8", "rgb"])
@pytest.mark.parametrize("name", IN_BLOCKS)
def test_of_a_jpeg_no_coefficient_outside_the_rounded_redaction_changes(name, kind, tmp_path):
    """By another reader of coefficients; decoded by DCMTK, equal but for one chroma sample around the blocks."""
    make, sampling = IN_BLOCKS[name]
    down, across = sampling if kind == "rgb" else (1, 1)
    source = make(KINDS[kind].write(tmp_path / "native.dcm"), tmp_path / "in.dcm")

    result = redact(source, tmp_path / "out.dcm")

    before, after = (codecs.stored_samples(path, tmp_path) for path in (source, result.path))
    syntax = pydicom.dcmread(source, stop_before_pixels=True).file_meta.TransferSyntaxUID
    assert result.transfer_syntax_uid == syntax
    rows, columns = 8 * down, 8 * across
    area = outward(BOX, rows, columns)
    ring = (area[0] - (across > 1), area[1] - (down > 1), area[2] + (across > 1), area[3] + (down > 1))
    left, top, right, bottom = changed_box(before, after)
    assert ring[0] <= left <= BOX[0]
    assert ring[1] <= top <= BOX[1]
    assert BOX[2] <= right <= ring[2]
    assert BOX[3] <= bottom <= ring[3]
    is_coded_as_rgb = name == "baseline-rgb"
    black = KINDS[kind].black if kind != "rgb" or is_coded_as_rgb else (0, 128, 128)
    assert (inside(after) == np.array(black)).all()
    assert_coefficients_stay(source, result.path, area, (rows, columns), tmp_path)
    assert_the_picture_is_described_as_before(source, result.path)
    assert not new_faults(source.read_bytes(), result.path.read_bytes(), tmp_path / "judged.dcm")


@pytest.mark.parametrize("name", AS_SAMPLES)
def test_a_jpeg_that_cannot_be_blanked_in_blocks_is_decoded_and_loses_nothing_more(name, tmp_path):
    """Colour at a fourth of the width, or progressive where the syntax says baseline: RGB, as DCMTK converts it."""
    source = AS_SAMPLES[name](KINDS["rgb"].write(tmp_path / "native.dcm"), tmp_path / "in.dcm")

    result = redact(source, tmp_path / "out.dcm")

    after = pydicom.dcmread(result.path)
    assert (result.transfer_syntax_uid, after.PhotometricInterpretation) == ("1.2.840.10008.1.2.1", "RGB")
    assert (after.LossyImageCompression, after.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    codecs.run("dcmdjpeg", "+ca", source, tmp_path / "rgb.dcm")
    before, written = codecs.native_samples(tmp_path / "rgb.dcm"), codecs.stored_samples(result.path, tmp_path)
    left, top, right, bottom = outward(BOX, 1, 2)
    outside = np.ones(before.shape[1:3], bool)
    outside[top:bottom, left:right] = False
    assert not inside(written).any()
    assert np.abs(before[:, outside].astype(int) - written[:, outside]).max() <= 1  # they round in another way
    assert not new_faults(source.read_bytes(), result.path.read_bytes(), tmp_path / "judged.dcm")


def assert_coefficients_stay(source, result, area, unit, folder):
    """Compare the coefficients of every block outside `area`, which is made of whole units (rows, columns)."""
    for old, new in zip(codecs.codestreams(source), codecs.codestreams(result), strict=True):
        (folder / "old.jpg").write_bytes(old)
        (folder / "new.jpg").write_bytes(new)
        one, other = jpeglib.read_dct(str(folder / "old.jpg")), jpeglib.read_dct(str(folder / "new.jpg"))
        for plane, again in ((one.Y, other.Y), (one.Cb, other.Cb), (one.Cr, other.Cr)):
            if plane is None:
                continue
            step = (unit[0] if plane is not one.Y else 8, unit[1] if plane is not one.Y else 8)
            outside = np.ones(plane.shape[:2], bool)
            outside[area[1] // step[0] : area[3] // step[0], area[0] // step[1] : area[2] // step[1]] = False
            assert np.array_equal(plane[outside], again[outside])
            assert not np.array_equal(plane, again)


@pytest.mark.parametrize(
    ("coding", "kind", "method"),
    [
        ("j2k-lossy", "grey8", "ISO_15444_1"),
        ("htj2k-lossy", "rgb", "ISO_15444_15"),
        ("jpeg-ls-near", "rgb", "ISO_14495_1"),
        ("jpeg-extended-12", "white12", "ISO_10918_1"),
        ("jpeg-progressive", "white12", "ISO_10918_1"),
        ("jpeg-xl-lossy", "grey16", "ISO_18181_1"),
        ("jpeg-xl-lossy-colour-jpeg", "rgb", "ISO_18181_1"),
    ],
)
def test_what_was_lost_once_is_said_and_never_lost_again(coding, kind, method, tmp_path):
    """(0028,2110), and (0028,2112) and (0028,2114) as the encoder said them, or as they are where it said nothing."""
    source = CODED[coding].make(KINDS[kind].write(tmp_path / "native.dcm"), tmp_path / "in.dcm")
    before = pydicom.dcmread(source)

    after = pydicom.dcmread(redact(source, tmp_path / "out.dcm").path)

    assert after.LossyImageCompression == "01"
    assert after.LossyImageCompressionMethod == method
    if "LossyImageCompressionRatio" in before:
        assert after.LossyImageCompressionRatio == before.LossyImageCompressionRatio
    else:
        coded = sum(len(stream) for stream in codecs.codestreams(source))
        assert float(after.LossyImageCompressionRatio) == pytest.approx(KINDS[kind].samples.nbytes / coded, rel=0.01)


@pytest.mark.parametrize("coding", ["explicit", "implicit", "big-endian", "rle-dcmtk"])
def test_graphics_in_unused_bits_do_not_leave(coding, tmp_path):
    """Bits above the stored ones (PS3.5, 8.1.1) are zero in the bytes that another decoder finds."""
    source = CODED[coding].make(KINDS["overlaid12"].write(tmp_path / "native.dcm"), tmp_path / "in.dcm")
    assert (codecs.stored_samples(source, tmp_path) >> 12).any()

    result = redact(source, tmp_path / "out.dcm")

    assert not (codecs.stored_samples(result.path, tmp_path) >> 12).any()


REAL = (
    "693_J2KI.dcm",
    "CT_small.dcm",
    "JPEG-lossy.dcm",
    "JPEG2000.dcm",
    "JPEGLSNearLossless_16.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_rle_32bit_2frame.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "examples_jpeg2k.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "image_dfl.dcm",
    "liver_1frame.dcm",
    "liver_expb_1frame.dcm",
)


@pytest.mark.parametrize("name", REAL)
def test_of_a_real_file_every_sample_outside_the_redaction_stays(name, tmp_path):
    """Files of modalities that ship with pydicom, of one more device name; judged as above."""
    ds = pydicom.dcmread(get_testdata_file(name, download=False))
    ds.ManufacturerModelName = MODEL
    ds.PatientID = PATIENT_ID
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        if not ds.get(keyword):
            setattr(ds, keyword, f"{ds.SOPInstanceUID}.1")
    source = tmp_path / "in.dcm"
    ds.save_as(source)
    box = (2, 3, 8, 9)

    result = redact(source, tmp_path / "out.dcm", box)

    before, after = (
        codecs.stored_bits(codecs.stored_samples(path, tmp_path), ds.BitsStored) for path in (source, result.path)
    )
    differs = (before != after).reshape(*before.shape[:3], -1).any(axis=(0, 3))
    differs[box[1] : box[3], box[0] : box[2]] = False
    assert not differs.any()
    core = inside(after, box)
    assert (core == core[0]).all()
    assert_the_picture_is_described_as_before(source, result.path)
    if result.transfer_syntax_uid != "1.2.840.10008.1.2.1.99":
        assert not new_faults(source.read_bytes(), result.path.read_bytes(), tmp_path / "judged.dcm")


@pytest.mark.parametrize(
    ("coding", "table"),
    [
        *product(("jpeg-ls", "j2k", "htj2k", "jpeg-lossless"), ("none", "basic", "extended")),
        *product(("rle-dcmtk",), ("basic", "extended")),  # where no mark tells a frame's end
    ],
)
def test_frames_in_several_fragments_are_put_together(coding, table, tmp_path):
    """By either table, or where there is none by the marks at their end; odd ends are told from padding."""
    whole = CODED[coding].make(KINDS["grey8"].write(tmp_path / "native.dcm"), tmp_path / "whole.dcm")
    source = in_fragments(whole, tmp_path / "in.dcm", table)

    result = redact(source, tmp_path / "out.dcm")

    expected, after = (codecs.stored_samples(path, tmp_path).copy() for path in (whole, result.path))
    expected[:, BOX[1] : BOX[3], BOX[0] : BOX[2]] = 0
    assert np.array_equal(after, expected)


def test_frames_that_are_long_are_found_by_the_extended_offset_table(tmp_path, monkeypatch):
    """Which stands before the pixel data, with an empty basic one; a lowered limit makes small frames long."""
    monkeypatch.setattr("pipeline.frames.write.LONG_BYTES", 1000)
    source = CODED["jpeg-ls"].make(KINDS["grey8"].write(tmp_path / "native.dcm"), tmp_path / "in.dcm")

    result = redact(source, tmp_path / "out.dcm")

    written = pydicom.dcmread(result.path)
    assert written.PixelData.startswith(b"\xfe\xff\x00\xe0\x00\x00\x00\x00")
    tables = (written.ExtendedOffsetTable, written.ExtendedOffsetTableLengths)
    by_table = list(generate_frames(written.PixelData, number_of_frames=FRAMES, extended_offsets=tables))
    assert by_table == [
        stream[: len(frame)] for stream, frame in zip(codecs.codestreams(result.path), by_table, strict=True)
    ]
    assert len(codecs.stored_samples(result.path, tmp_path)) == FRAMES
    again = redact(result.path, tmp_path / "again.dcm")
    assert np.array_equal(codecs.stored_samples(again.path, tmp_path), codecs.stored_samples(result.path, tmp_path))


@pytest.mark.parametrize(
    ("coding", "kind", "accepted"),
    [
        ("explicit", "signed12", "1.2.840.10008.1.2.4.70"),
        ("explicit", "rgb-planes", "1.2.840.10008.1.2.4.80"),
        ("explicit", "ybr422", "1.2.840.10008.1.2.4.57"),
        ("big-endian", "white12", "1.2.840.10008.1.2.4.90"),
        ("jpeg-ls", "ybr", "1.2.840.10008.1.2.5"),
        ("jpeg-lossless", "palette12", "1.2.840.10008.1.2.2"),
        ("rle-dcmtk", "grey16", "1.2.840.10008.1.2.4.201"),
        ("j2k-lossy", "white12", "1.2.840.10008.1.2.4.110"),
        ("explicit", "bits", "1.2.840.10008.1.2.8.1"),
    ],
)
def test_converted_for_a_target_every_sample_stays(coding, kind, accepted, tmp_path):
    """As other decoders read the object before and after."""
    image = KINDS[kind]
    source = CODED[coding].make(image.write(tmp_path / "native.dcm"), tmp_path / "in.dcm")

    assert convert_losslessly(source, tmp_path / "out.dcm", ["1.2.840.10008.1.2.4.50", accepted]) == accepted

    before, after = (
        codecs.stored_bits(codecs.stored_samples(path, tmp_path), image.bits_stored)
        for path in (source, tmp_path / "out.dcm")
    )
    assert np.array_equal(before, after)
