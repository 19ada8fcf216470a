"""Coded frames lose their comments and keep their picture, and nothing damaged is copied along."""

import struct

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openjpeg.utils import encode_array

from pipeline.frames.codestreams import DamagedCodestreamError, dimensions, without_metadata
from pipeline.frames.run_lengths import only_run_lengths
from pipeline.frames.syntaxes import Coding
from tests.factories.pixels import speckle

FRAME = speckle(1)[0]
NAME = b"VORZIBMURDAX"
STREAMS = {
    "baseline": (Coding.JPEG, imagecodecs.jpeg_encode(FRAME), imagecodecs.jpeg_decode),
    "lossless": (Coding.JPEG, imagecodecs.ljpeg_encode(FRAME), imagecodecs.ljpeg_decode),
    "jpeg_ls": (Coding.JPEG_LS, imagecodecs.jpegls_encode(FRAME), imagecodecs.jpegls_decode),
    "jpeg_2000": (Coding.JPEG_2000, bytes(encode_array(FRAME, bits_stored=8)), imagecodecs.jpeg2k_decode),
}


def planted(coding, stream):
    """Return the stream with a comment, an application segment (JPEG) and bytes behind its end."""
    comment = struct.pack(">HH", 0xFFFE, 2 + len(NAME)) + NAME
    if coding is Coding.JPEG_2000:
        size = 4 + struct.unpack_from(">H", stream, 4)[0]
        comment = struct.pack(">HHH", 0xFF64, 4 + len(NAME), 1) + NAME
        return stream[:size] + comment + stream[size:] + NAME
    application = struct.pack(">HH", 0xFFE1, 2 + len(NAME)) + NAME
    return stream[:2] + comment + application + stream[2:] + NAME


@pytest.mark.parametrize("kind", STREAMS)
def test_a_name_between_the_markers_goes_and_the_picture_stays(kind):
    """Comments, application segments, bytes behind the end."""
    coding, stream, decode = STREAMS[kind]
    dirty = planted(coding, stream)
    assert NAME in dirty

    clean = without_metadata(dirty, coding)

    assert NAME not in clean
    assert np.array_equal(decode(clean), decode(stream))


@pytest.mark.parametrize("kind", STREAMS)
def test_cleaning_twice_is_cleaning_once(kind):
    """Nothing is left to remove."""
    coding, stream, _ = STREAMS[kind]
    clean = without_metadata(planted(coding, stream), coding)
    assert without_metadata(clean, coding) == clean


def test_comments_in_a_tile_part_go_and_its_length_follows():
    """JPEG 2000 allows them there too."""
    stream = STREAMS["jpeg_2000"][1]
    at = stream.index(b"\xff\x90")
    comment = struct.pack(">HHH", 0xFF64, 4 + len(NAME), 1) + NAME
    length = struct.unpack_from(">L", stream, at + 6)[0] + len(comment)
    dirty = stream[: at + 6] + struct.pack(">L", length) + stream[at + 10 : at + 12] + comment + stream[at + 12 :]
    assert np.array_equal(imagecodecs.jpeg2k_decode(dirty), FRAME)

    clean = without_metadata(dirty, Coding.JPEG_2000)

    assert NAME not in clean
    assert np.array_equal(imagecodecs.jpeg2k_decode(clean), FRAME)


def test_segments_that_no_standard_knows_go_from_jpeg_2000():
    """A decoder steps over them, so nobody would see them."""
    stream = STREAMS["jpeg_2000"][1]
    at = stream.index(b"\xff\x52")
    dirty = stream[:at] + struct.pack(">HH", 0xFF6F, 2 + len(NAME)) + NAME + stream[at:]

    clean = without_metadata(dirty, Coding.JPEG_2000)

    assert NAME not in clean
    assert np.array_equal(imagecodecs.jpeg2k_decode(clean), FRAME)


@pytest.mark.parametrize("planes", [1, 2, 3])
def test_nothing_hides_between_or_behind_run_lengths(planes):
    """PS3.5 Annex G: a header of offsets, and segments of runs; decoders read no further than the plane is long."""
    rows, columns = 7, 11
    plane = bytes(range(rows * columns))
    runs = b"".join(bytes([len(row) - 1]) + row for row in (plane[i : i + 11] for i in range(0, len(plane), 11)))
    dirty_segment = runs + NAME * (1 + len(runs) % 2) + b"\0" * ((len(runs) + len(NAME) * (1 + len(runs) % 2)) % 2)
    offsets = [64 + len(NAME) + number * len(dirty_segment) for number in range(planes)]
    header = struct.pack("<16L", planes, *offsets, *[7] * (15 - planes))

    clean = only_run_lengths(header + NAME + dirty_segment * planes, rows * columns)

    assert NAME not in clean
    assert clean[64 : 64 + len(runs)] == runs
    assert struct.unpack_from("<16L", clean) == (
        planes,
        *[64 + number * (len(runs) + len(runs) % 2) for number in range(planes)],
        *[0] * (15 - planes),
    )
    assert only_run_lengths(clean, rows * columns) == clean
    with pytest.raises(DamagedCodestreamError):
        only_run_lengths(clean[:-20], rows * columns)


@pytest.mark.parametrize("colour", ["YCBCR", "RGB"])
def test_what_tells_rgb_from_luminance_is_kept(colour):
    """JFIF without its thumbnail, Adobe without what follows its fields."""
    rgb = np.stack([FRAME, FRAME // 2, 200 - FRAME], axis=-1)
    stream = imagecodecs.jpeg_encode(rgb, colorspace="RGB", outcolorspace=colour)

    clean = without_metadata(planted(Coding.JPEG, stream), Coding.JPEG)

    assert np.array_equal(imagecodecs.jpeg_decode(clean), imagecodecs.jpeg_decode(stream))


@pytest.mark.parametrize("kind", STREAMS)
def test_the_size_is_read_without_decoding(kind):
    """Rows, columns, samples, precision."""
    coding, stream, _ = STREAMS[kind]
    assert dimensions(stream, coding)[:4] == (160, 240, 1, 8)


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_codestream_is_an_error(kind, share):
    """Wherever it is cut."""
    coding, stream, _ = STREAMS[kind]
    with pytest.raises(DamagedCodestreamError):
        without_metadata(stream[: int(len(stream) * share)], coding)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(STREAMS)), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6))
def test_damage_ends_in_an_error_or_in_bytes_never_in_a_crash_or_a_loop(kind, damage):
    """Some bytes overwritten at random."""
    coding, stream, _ = STREAMS[kind]
    broken = bytearray(stream)
    for place, value in damage:
        broken[int(place * len(broken))] = value
    try:
        assert len(without_metadata(bytes(broken), coding)) <= len(broken)
        dimensions(bytes(broken), coding)
    except DamagedCodestreamError:
        return
