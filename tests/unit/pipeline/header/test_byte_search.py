"""A pattern is found wherever it stands, and a large clip is searched in a moment."""

import time

import numpy as np
import pytest

from pipeline.header import byte_search
from pipeline.header.byte_search import ByteSearch

SEARCH = ByteSearch(
    whole=frozenset({b"zibmurlek", b"zibmurdax", b"1947-06-13"}), anywhere=frozenset({b"z\0i\0b\0m\0u\0r\0"})
)


@pytest.mark.parametrize("before", [b"", b"\0", b"ab ", b"\xff\xfe "])
@pytest.mark.parametrize("after", [b"", b"\0", b"^jo"])
def test_a_pattern_is_found_at_every_alignment(before, after):
    """At the start, at the end, on odd and even bytes, in any case."""
    assert SEARCH.finds(before + b"ZibMurLek" + after)
    assert SEARCH.finds(memoryview(before + b"zibmurdax" + after))


@pytest.mark.parametrize("raw", [b"", b"z", b"zibmurl", b"zibmurleks", b"xzibmurlek", b"1947-06-131", b"zibmurle\0k"])
def test_parts_of_words_are_not_found(raw):
    """Neither a beginning nor a longer word."""
    assert not SEARCH.finds(raw)


def test_patterns_of_two_byte_characters_count_anywhere():
    """Their neighbours are not characters."""
    assert SEARCH.finds(b"azZ\0I\0b\0m\0u\0r\0a")


def test_a_pattern_across_a_border_of_chunks_is_found(monkeypatch):
    """And one that only seems whole because a chunk ends there is not."""
    monkeypatch.setattr(byte_search, "_CHUNK_BYTES", 16)

    for length in range(8, 40):
        assert SEARCH.finds(b"." * length + b"zibmurlek" + b"." * 20)
        assert not SEARCH.finds(b"." * length + b"azibmurlek" + b"." * 20)
        assert not SEARCH.finds(b"." * length + b"zibmurlekb" + b"." * 20)


def test_nothing_to_look_for_is_not_found():
    """Nothing matches nothing."""
    assert not ByteSearch(whole=frozenset(), anywhere=frozenset()).finds(b"anything")


def test_a_large_clip_is_searched_in_a_moment():
    """A clip's worth of noise with two hundred patterns; a regular expression took six seconds."""
    names = frozenset(f"identifier{number:04d}".encode() for number in range(200))
    noise = np.random.default_rng(1).integers(0, 256, 20_000_000, dtype=np.uint8).tobytes()
    started = time.process_time()

    found = ByteSearch(whole=names, anywhere=frozenset()).finds(noise)

    assert not found
    assert time.process_time() - started < 1.5
