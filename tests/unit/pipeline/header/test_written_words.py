"""Words written into bytes that should be numbers, and numbers that only look like words."""

import numpy as np
import pytest

from pipeline.header.keeping import spells_words


@pytest.mark.parametrize("text", ["Zibvormurlekdax", "KOWALCZYK^ANNETTE", "seen by dr miller"])
def test_a_name_in_numbers_is_seen(text):
    """Wherever it stands between them."""
    assert spells_words(bytes(7) + text.encode() + bytes(9))


@pytest.mark.parametrize(
    "numbers",
    [
        np.arange(256, dtype=np.uint8),
        np.arange(65536, dtype=np.uint16),
        np.arange(256, dtype=np.uint16) * 257,
        np.concatenate([np.arange(256), np.arange(255, -1, -1)]).astype(np.uint16) * 257,
        np.full(4096, 0x20, dtype=np.uint8),
        np.random.default_rng(1).integers(0, 65536, 50_000, dtype=np.uint16),
        np.random.default_rng(1).normal(size=50_000),
    ],
    ids=["bytes", "words", "doubled bytes", "there and back", "blanks", "noise", "floats"],
)
def test_lookup_tables_and_samples_are_no_words(numbers):
    """Ramps pass through all letters, noise through any of them."""
    assert not spells_words(numbers.tobytes())
