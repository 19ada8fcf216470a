"""Native bytes and samples: what goes one way comes back the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frames import native
from pipeline.frames.description import PixelDescription


def description(**changes):
    """Return the description of a small frame."""
    settings = {
        "rows": 4,
        "columns": 6,
        "frames": 1,
        "samples": 1,
        "photometric": "MONOCHROME2",
        "planar": 0,
        "bits_allocated": 16,
        "bits_stored": 16,
        "signed": False,
        "keyword": "PixelData",
    }
    return PixelDescription(**{**settings, **changes})


KINDS = (
    description(),
    description(signed=True),
    description(bits_allocated=8, bits_stored=8),
    description(bits_allocated=32, bits_stored=32, signed=True),
    description(bits_allocated=8, bits_stored=8, samples=3, photometric="RGB"),
    description(bits_allocated=8, bits_stored=8, samples=3, photometric="RGB", planar=1),
    description(samples=3, photometric="RGB", planar=1),
    description(bits_allocated=8, bits_stored=8, samples=3, photometric="YBR_FULL_422"),
    description(bits_allocated=32, bits_stored=32, keyword="FloatPixelData"),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("little_endian", [True, False])
def test_bytes_to_samples_and_back_are_the_same_bytes(kind, little_endian):
    """Every layout, both byte orders."""
    data = np.random.default_rng(5).bytes(kind.native_bytes)

    frame = native.frame_from_bytes(data, kind, little_endian=little_endian)

    assert frame.shape == kind.shape
    assert frame.dtype == kind.dtype
    assert native.frame_to_bytes(frame, kind, little_endian=little_endian) == data


@given(st.binary(min_size=3, max_size=40), st.integers(0, 7))
def test_bits_are_unpacked_from_anywhere_and_packed_again(data, first):
    """A frame of single bits may start in the middle of a byte."""
    count = len(data) * 8 - first

    samples = np.frombuffer(native.unpack_bits(data, first, count), np.uint8)

    whole = np.frombuffer(native.unpack_bits(data, 0, first), np.uint8)
    assert native.pack_bits(np.concatenate([whole, samples])) == data


def test_zeros_and_signs_above_the_samples_are_nothing_hidden_and_a_drawn_bit_is():
    """Of twelve stored bits in sixteen."""
    signed = description(signed=True, bits_stored=12)
    values = np.array([[-5, 7, 100, -2048]] * 4, np.int16)

    assert not native.hides_bits(values, signed)
    assert not native.hides_bits(values & 0xFFF, signed)
    assert native.hides_bits(np.where(values == 7, values | 0x1000, values).astype(np.int16), signed)
    assert native.hides_bits(np.array([[0x1001]], np.uint16), description(bits_stored=12))
    assert np.array_equal(native.without_unused_bits(values & 0xFFF, signed), values)
    assert native.without_unused_bits(values, signed) is values, "no copy where nothing stands there"
    drawn = np.array([[0x1001, 0xFFFF, 0x0FFF, 0]], np.uint16)
    assert native.without_unused_bits(drawn, description(bits_stored=12)).tolist() == [[1, 0xFFF, 0xFFF, 0]]
    below = np.array([[-2049, 2047, 2048]], np.int16)
    assert native.without_unused_bits(below, signed).tolist() == [[2047, 2047, -2048]]
