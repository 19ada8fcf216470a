"""A header job copies pixel data from file to file: nothing is decoded, nothing that is no pixel comes along."""

import os
import tracemalloc

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from config.schema import Pixels, Profile
from pipeline import copy_pixels
from pipeline.frames.stream import Frames
from pipeline.reasons import Held, Reason
from tests.factories.headers import written
from tests.factories.pixels import CT_IMAGE, JPEG_BASELINE, deidentifier, image_header, received, save_image, speckle

HEADER_JOB = Profile(name="headers", pixels=Pixels(text=None, cone=None))
SECRET = b"Vorzibmurdax^Quatyn"
WIDE = np.arange(3 * 40 * 60, dtype=np.uint16).reshape(3, 40, 60) % 4096


@pytest.fixture
def undecoded(monkeypatch):
    """Make every decoding of a frame an error."""

    def decoded(self, index):
        raise AssertionError("a frame was decoded")

    for name in ("decoded", "_decoded_with_unused_bits"):
        monkeypatch.setattr(Frames, name, decoded)


def job(source, tmp_path):
    """Run the header job and return the written file."""
    output = tmp_path / "out.dcm"
    deidentifier(reader=None, profile=HEADER_JOB).run(received(source), output)
    return output


def pixels_of(path):
    """Return the samples by pydicom alone."""
    return pydicom.pixels.pixel_array(pydicom.dcmread(path))


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEG2000Lossless,
        JPEGLSLossless,
        JPEG_BASELINE,
    ],
)
def test_samples_and_syntax_stay_and_nothing_is_decoded(syntax, tmp_path):
    """Native and encapsulated, three frames each."""
    source = save_image(tmp_path / "in.dcm", speckle(3), syntax=syntax)

    output = job(source, tmp_path)

    assert pydicom.dcmread(output).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(pixels_of(output), pixels_of(source))
    assert SECRET not in output.read_bytes()


@pytest.mark.usefixtures("undecoded")
def test_bytes_behind_the_last_frame_stay_behind(tmp_path):
    """A whole file fits there."""
    frames = speckle(2)
    source = save_image(tmp_path / "in.dcm", frames, pixel_bytes=frames.tobytes() + SECRET * 100)

    output = job(source, tmp_path)

    assert SECRET not in output.read_bytes()
    assert len(pydicom.dcmread(output).PixelData) == frames.nbytes


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_unused_bits_are_cleared(dtype, tmp_path):
    """Old overlays stand there; a signed sample is filled with its sign."""
    samples = (WIDE | np.where(WIDE % 7 == 0, 0xA000, 0).astype(np.uint16)).view(dtype)
    source = save_image(tmp_path / "in.dcm", samples, sop_class=CT_IMAGE, BitsStored=12, HighBit=11, Modality="CT")

    written = np.frombuffer(pydicom.dcmread(job(source, tmp_path)).PixelData, dtype).reshape(samples.shape)

    np.testing.assert_array_equal(written, (samples << 4) >> 4)


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("negative", [True, False])
def test_signed_samples_that_hide_nothing_keep_their_bytes(negative, tmp_path):
    """Filled with the sign, or with zeros in all samples: both are in use."""
    samples = (WIDE.astype(np.int16) << 4 >> 4) if negative else WIDE.astype(np.int16)
    source = save_image(tmp_path / "in.dcm", samples, sop_class=CT_IMAGE, BitsStored=12, HighBit=11, Modality="CT")

    assert pydicom.dcmread(job(source, tmp_path)).PixelData == samples.tobytes()


@pytest.mark.usefixtures("undecoded")
def test_big_endian_samples_keep_their_order(tmp_path):
    """The syntax stays, so the bytes do."""
    source = tmp_path / "in.dcm"
    dataset = image_header(
        WIDE, sop_class=CT_IMAGE, photometric="MONOCHROME2", BitsStored=12, HighBit=11, Modality="CT"
    )
    dataset.add_new(0x7FE00010, "OW", WIDE.astype(">u2").tobytes())
    source.write_bytes(written(dataset, ExplicitVRBigEndian))

    assert pydicom.dcmread(job(source, tmp_path)).PixelData == WIDE.astype(">u2").tobytes()


@pytest.mark.usefixtures("undecoded")
def test_the_last_bits_of_one_bit_samples_are_cleared(tmp_path):
    """Five of the last byte's bits are no sample."""
    bits = np.ones((1, 3, 9), np.uint8)
    raw = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    source = save_image(
        tmp_path / "in.dcm", bits, pixel_bytes=raw[:-1] + b"\xff", BitsAllocated=1, BitsStored=1, HighBit=0
    )

    assert pydicom.dcmread(job(source, tmp_path)).PixelData == raw


@pytest.mark.usefixtures("undecoded")
def test_comments_between_markers_stay_behind(tmp_path):
    """As wherever a codestream is written."""
    source = save_image(tmp_path / "in.dcm", speckle(1), syntax=JPEG_BASELINE)
    dataset = pydicom.dcmread(source)
    comment = b"\xff\xfe" + (len(SECRET) + 2).to_bytes(2, "big") + SECRET
    dataset.PixelData = pydicom.encaps.encapsulate(
        [
            frame[:2] + comment + frame[2:]
            for frame in pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)
        ]
    )
    dataset.save_as(source)
    assert SECRET in source.read_bytes()

    assert SECRET not in job(source, tmp_path).read_bytes()


def test_run_lengths_with_unused_bits_are_decoded_after_all(tmp_path):
    """What hides in coded bits is seen only when they are decoded."""
    hiding = WIDE | 0xA000
    source = save_image(
        tmp_path / "in.dcm", hiding, syntax=RLELossless, sop_class=CT_IMAGE, BitsStored=12, HighBit=11, Modality="CT"
    )

    np.testing.assert_array_equal(pixels_of(job(source, tmp_path)), WIDE)


def test_a_codestream_of_another_size_is_held(tmp_path):
    """It is not copied as something that it is not."""
    source = save_image(tmp_path / "in.dcm", speckle(1), syntax=JPEG2000Lossless)
    dataset = pydicom.dcmread(source)
    dataset.Rows = 100
    dataset.save_as(source)

    with pytest.raises(Held) as held:
        job(source, tmp_path)

    assert held.value.reason is Reason.UNDECODABLE
    assert not (tmp_path / "out.dcm").exists()


def test_a_written_byte_that_differs_is_noticed(tmp_path, monkeypatch):
    """The file is compared, not what was in memory."""
    source = save_image(tmp_path / "in.dcm", speckle(2))
    write = copy_pixels.write_instance

    def write_badly(path, *what):
        write(path, *what)
        with path.open("r+b") as file:
            file.seek(-5000, os.SEEK_END)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes((byte[0] ^ 1,)))

    monkeypatch.setattr(copy_pixels, "write_instance", write_badly)

    with pytest.raises(Held) as held:
        job(source, tmp_path)

    assert held.value.reason is Reason.VERIFICATION_FAILED


def test_a_large_object_takes_little_memory(tmp_path):
    """A piece at a time, whatever the object's size."""
    frames = np.broadcast_to(speckle(1, rows=1024, columns=1024), (64, 1024, 1024))
    source = save_image(tmp_path / "in.dcm", frames)
    job(source, tmp_path)  # what is imported and cached once

    tracemalloc.start()
    job(source, tmp_path)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 16 << 20 < frames.nbytes
