"""What is damaged, cut, contradictory or too large is held before any stage sees a frame of it."""

import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from pipeline.frames.read import open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.reasons import Held, Reason
from tests.factories.pixels import JPEG_BASELINE, encapsulated, image_header, save_image, speckle


def read_all(path):
    """Open an object and decode every frame."""
    with quiet_libraries(), open_instance(path) as opened:
        assert opened.frames is not None
        return [opened.frames.decoded(index) for index in range(len(opened.frames))]


def held(path):
    """Return the reason for which an object cannot be read."""
    with pytest.raises(Held) as raised:
        read_all(path)
    return raised.value.reason


def test_garbage_is_unreadable(tmp_path):
    """Random bytes are no data set."""
    path = tmp_path / "garbage"
    path.write_bytes(np.random.default_rng(1).bytes(5000))
    assert held(path) is Reason.UNREADABLE


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLELossless, JPEG2000Lossless, JPEG_BASELINE])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_ends_early_is_held(tmp_path, syntax, share):
    """Cut anywhere in its pixel data, an object of no syntax gives frames."""
    path = save_image(tmp_path / "cut", speckle(3), syntax=syntax)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert held(path) in (Reason.UNDECODABLE, Reason.UNREADABLE)


def test_a_cut_codestream_in_a_whole_fragment_is_held(tmp_path):
    """A JPEG frame without its end is not filled up with grey."""
    frames = speckle(2)
    streams = [imagecodecs.jpeg_encode(frame) for frame in frames]
    path = encapsulated_object(tmp_path, frames, [streams[0], streams[1][:-400]])
    assert held(path) is Reason.UNDECODABLE


@pytest.mark.parametrize("announced", [1, 2, 4, 5])
def test_another_number_of_frames_than_announced_is_held(tmp_path, announced):
    """Three coded frames are not one, two, four or five."""
    frames = speckle(3)
    streams = [imagecodecs.jpeg_encode(frame) for frame in frames]
    path = encapsulated_object(tmp_path, frames, streams, NumberOfFrames=announced)
    assert held(path) is Reason.UNDECODABLE


def test_frames_of_several_fragments_are_joined(tmp_path):
    """Fragments that end frames by their end marks belong together."""
    frames = speckle(2)
    streams = [imagecodecs.jpeg_encode(frame) for frame in frames]
    halves = [part for stream in streams for part in (stream[:700], stream[700:])]
    path = encapsulated_object(tmp_path, frames, halves)
    expected = [imagecodecs.jpeg_decode(stream) for stream in streams]
    for decoded, wanted in zip(read_all(path), expected, strict=True):
        assert np.array_equal(decoded.samples, wanted)


def test_a_codestream_of_another_size_is_held_before_it_is_decoded(tmp_path):
    """The header says 160 x 240, the codestream 320 x 240."""
    frames = speckle(1)
    path = encapsulated_object(tmp_path, frames, [imagecodecs.jpeg_encode(speckle(1, rows=320)[0])])
    assert held(path) is Reason.UNDECODABLE


@pytest.mark.parametrize(
    "claims", [{"Rows": 65535, "Columns": 65535}, {"NumberOfFrames": 2_000_000}, {"Rows": 20000, "Columns": 60000}]
)
def test_a_few_bytes_that_claim_gigabytes_are_held_at_once(tmp_path, claims):
    """A claim is checked before memory is taken for it."""
    path = encapsulated_object(tmp_path, speckle(1), [b"\xff\xd8\xff\xd9"], **claims)
    assert held(path) is Reason.RESOURCE_LIMIT


def test_a_deflated_bomb_is_held(tmp_path, monkeypatch):
    """What inflates beyond the limit is not read to its end."""
    monkeypatch.setattr("pipeline.frames.read.MAX_INFLATED_BYTES", 1_000_000)
    path = save_image(tmp_path / "bomb", np.zeros((40, 512, 512), np.uint8), syntax=DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 100_000
    assert held(path) is Reason.RESOURCE_LIMIT


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.102", "1.2.3.4.5"])
def test_an_unknown_or_video_syntax_is_held(tmp_path, syntax):
    """No frame is guessed."""
    path = encapsulated_object(tmp_path, speckle(1), [b"\0" * 64], syntax=syntax)
    assert held(path) is Reason.UNDECODABLE


@pytest.mark.parametrize(
    "wrong",
    [
        {"BitsStored": 12},
        {"HighBit": 5},
        {"SamplesPerPixel": 4},
        {"PhotometricInterpretation": "HSV"},
        {"Rows": 0},
        {"BitsAllocated": 12},
        {"PhotometricInterpretation": "PALETTE COLOR"},
    ],
)
def test_attributes_that_contradict_each_other_are_held(tmp_path, wrong):
    """Wrong bits, samples, colours, sizes, or a palette that is not there."""
    path = save_image(tmp_path / "wrong", speckle(1), **wrong)
    assert held(path) is Reason.UNDECODABLE


def test_native_pixels_one_byte_short_are_held_and_longer_ones_are_not(tmp_path):
    """Bytes behind the last frame are no frame; a missing one is a cut frame."""
    frames = speckle(2)
    short = save_image(tmp_path / "short", frames, pixel_bytes=frames.tobytes()[:-2])
    long = save_image(tmp_path / "long", frames, pixel_bytes=frames.tobytes() + b"Vorzibmurdax")
    assert held(short) is Reason.UNDECODABLE
    assert np.array_equal(read_all(long)[1].samples, frames[1])


def encapsulated_object(tmp_path, frames, streams, *, syntax=JPEG_BASELINE, **attributes):
    """Write coded frames under a header for `frames`, by hand, so that nothing is checked while writing."""
    path = tmp_path / "coded"
    header = image_header(frames, sop_class="1.2.840.10008.5.1.4.1.1.3.1", photometric="MONOCHROME2", **attributes)
    native = save_image(tmp_path / "native", frames[:1, :2, :2])
    start = native.read_bytes()
    meta_end = 132 + 12 + struct.unpack_from("<L", start, 140)[0]
    meta = start[:meta_end].replace(b"1.2.840.10008.1.2.1\0", syntax.encode().ljust(20, b"\0")[:20])
    if len(syntax) > 20:
        meta = _meta_with(start[:meta_end], syntax)
    path.write_bytes(meta + _encoded(header) + pixel_element(streams))
    return path


def _meta_with(meta, syntax):
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    old = struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0"
    assert old in meta
    grown = meta.replace(old, struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid)
    length = struct.unpack_from("<L", meta, 140)[0] + len(uid) - 20
    return grown[:140] + struct.pack("<L", length) + grown[144:]


def _encoded(header):
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, header)
    return buffer.getvalue()


def pixel_element(streams):
    """Return a Pixel Data element of one fragment each."""
    return (
        struct.pack("<HH2sHL", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
        + encapsulated(streams)
        + b"\xfe\xff\xdd\xe0"
        + bytes(4)
    )


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2.1",
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
        JPEG_BASELINE,
    ],
)
def test_random_damage_ends_in_frames_or_in_a_reason_never_in_another_error(tmp_path, syntax):
    """Eighty objects a syntax, a few bytes overwritten anywhere behind the preamble, the same ones every time."""
    sound = save_image(tmp_path / "sound", speckle(2, rows=60, columns=80), syntax=syntax).read_bytes()
    chance = np.random.default_rng(11)
    path = tmp_path / "damaged"
    outcomes = []
    for _ in range(80):
        content = bytearray(sound)
        for place in chance.integers(140, len(sound), size=chance.choice([1, 2, 5, 20])):
            content[place] = chance.integers(256)
        path.write_bytes(content)
        try:
            with quiet_libraries(), open_instance(path) as opened:
                frames = opened.frames
                shown = [frames.renderings(index) for index in range(len(frames))] if frames is not None else []
            outcomes.append(len(shown))
        except Held as held:
            outcomes.append(held.reason)
    assert Reason.UNDECODABLE in outcomes
    assert set(outcomes) <= {0, 1, 2, Reason.UNDECODABLE, Reason.UNREADABLE, Reason.RESOURCE_LIMIT}
