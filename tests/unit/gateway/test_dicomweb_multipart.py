"""A multipart body, whatever the pieces in which it comes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dicomweb.multipart import MultipartFault, MultipartReader, PartBegins, PartBytes, PartEnds

BOUNDARY = b"x-y"
CONTENTS = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.lists(st.sampled_from([b"\r\n", b"--", b"--x-y", b"\r\n--x-", b"\r", b"a"]), max_size=8).map(b"".join),
    ).filter(lambda content: b"\r\n--x-y" not in b"\r\n" + content),
    min_size=1,
    max_size=4,
)


def _body(contents, *, padding=b"", preamble=b"", epilogue=b""):
    parts = b"".join(b"--x-y%s\r\nContent-Type: a/b\r\n\r\n%s\r\n" % (padding, content) for content in contents)
    return preamble + parts + b"--x-y--" + epilogue


def _read(body, cuts=()):
    """Feed a body in pieces; return the complete parts, and the part that has begun."""
    reader, complete, begun = MultipartReader(BOUNDARY), [], None
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for start, end in pairwise(edges):
        for event in reader.feed(body[start:end]):
            match event:
                case PartBegins(headers=headers):
                    assert headers == {"content-type": "a/b"}
                    begun = b""
                case PartBytes(content=content):
                    begun += bytes(content)
                case PartEnds():
                    complete.append(begun)
                    begun = None
    return reader, complete, begun


@settings(max_examples=300, deadline=None)
@given(
    contents=CONTENTS,
    cuts=st.lists(st.integers(0, 2000), max_size=12),
    padding=st.sampled_from([b"", b"  ", b"\t"]),
    preamble=st.sampled_from([b"", b"\r\n", b"hello\r\n"]),
    epilogue=st.sampled_from([b"", b"\r\n", b"\r\nbye\r\n--x-y\r\n"]),
)
def test_the_parts_are_the_same_however_the_body_is_cut_into_pieces(contents, cuts, padding, preamble, epilogue):
    """Delimiters, heads and look-alikes may lie across any two pieces."""
    reader, complete, _ = _read(_body(contents, padding=padding, preamble=preamble, epilogue=epilogue), cuts)

    assert complete == contents
    assert reader.is_complete


@settings(max_examples=200, deadline=None)
@given(contents=CONTENTS, end=st.integers(0, 500), cuts=st.lists(st.integers(0, 2000), max_size=5))
def test_a_body_that_was_cut_off_never_looks_whole(contents, end, cuts):
    """Parts before the cut are complete, the one within it is not."""
    body = _body(contents)
    cut_off = body[: end % (len(body) - 2)]

    reader, complete, _ = _read(cut_off, cuts)

    assert complete == contents[: len(complete)]
    assert len(complete) == cut_off.count(b"\r\n--x-y\r\n")
    assert not reader.is_complete


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b"--x-y", b"\r\n", b":"])), max_size=20))
def test_garbage_ends_in_a_fault_or_in_nothing(pieces):
    """No other error, and never more bytes than came."""
    reader, taken = MultipartReader(BOUNDARY), 0
    try:
        for piece in pieces:
            taken += sum(len(event.content) for event in reader.feed(piece) if isinstance(event, PartBytes))
    except MultipartFault:
        pass

    assert taken <= sum(map(len, pieces))


@pytest.mark.parametrize(
    "body",
    [
        b"a" * 70_000,
        b"--x-y" + b" " * 300,
        b"--x-yz\r\n",
        b"--x-y\r\n" + b"A: b\r\n" * 2_000,
        b"--x-y\r\nno colon\r\n\r\n",
    ],
    ids=["preamble", "delimiter", "delimiter with more", "headers", "header"],
)
def test_what_does_not_end_is_a_fault_soon(body):
    """Memory is bounded before a part begins."""
    with pytest.raises(MultipartFault):
        _read(body, cuts=range(0, len(body), 100))


def test_bytes_that_begin_like_a_delimiter_complete_no_part():
    """A boundary that is the beginning of what a part holds is a fault, and no shorter part that is stored."""
    reader = MultipartReader(BOUNDARY)
    events = []
    with pytest.raises(MultipartFault):
        events.extend(reader.feed(b"--x-y\r\nContent-Type: a/b\r\n\r\nwhole\r\n--x-yz and more\r\n--x-y--"))

    assert not any(isinstance(event, PartEnds) for event in events)
