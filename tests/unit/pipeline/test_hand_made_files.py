"""Data sets that no library writes: processed where they can be read, held where they cannot; no crash, no leak."""

import io
import struct

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.reasons import Held, Reason
from tests.factories.pixels import BlindReader, deidentifier, received
from tests.factories.raw import UNDEFINED, Raw, image, part10
from tests.factories.search import find_planted

NAME = "Vorzibmurdax"
PLANTED = (NAME, "PID-4711")
ENCODINGS = ("implicit", "explicit", "big")
REFERENCED_IMAGES, PHYSICIANS, OTHER_IDS = 0x00081140, 0x00080096, 0x00101002


def run(folder, raw):
    """Return the bytes that are written, or raise."""
    (folder / "in.dcm").write_bytes(raw)
    return deidentifier(reader=BlindReader()).run(received(folder / "in.dcm"), folder / "out.dcm").path.read_bytes()


def clean(folder, raw):
    """Return the data set that is written, in which nothing that was planted is found and every pixel is."""
    written = run(folder, raw)
    assert find_planted(written, PLANTED) == []
    result = pydicom.dcmread(io.BytesIO(written))
    assert np.array_equal(result.pixel_array.reshape(-1), np.arange(24))
    return result


def processed_or_held(folder, raw):
    """Return why the object is held, with nothing written, or None where it is clean: either may be right."""
    try:
        clean(folder, raw)
    except Held as held:
        assert not (folder / "out.dcm").exists()
        return held.reason
    return None


def named(encoding):
    """Return an item with the patient's name and number in it."""
    item = (
        Raw(encoding).element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2\0").element(0x00081155, "UI", b"1.2.3.4\0")
    )
    return item.element(0x00100010, "PN", b"Vorzibmurdax^Jo ").element(0x00100020, "LO", b"PID-4711").bytes


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("tag", [REFERENCED_IMAGES, PHYSICIANS, OTHER_IDS, 0x00091010])
def test_sequences_of_either_length_are_scrubbed_inside(encoding, undefined, tag, tmp_path):
    """Nested in themselves, in public and private attributes."""
    inner = Raw(encoding, named(encoding)).sequence(0x00081140, [named(encoding)], undefined=undefined).bytes
    before = Raw(encoding).sequence(tag, [inner, named(encoding)], undefined=undefined).bytes

    result = clean(tmp_path, image(encoding, before))

    if tag == REFERENCED_IMAGES:
        assert [item.ReferencedSOPInstanceUID[:5] for item in result.ReferencedImageSequence] == ["2.25.", "2.25."]


@pytest.mark.parametrize("encoding", ["explicit", "big"])
@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("tag", [REFERENCED_IMAGES, PHYSICIANS, 0x00091010, 0x00081199])
def test_sequences_sent_as_un_are_scrubbed_inside_or_go(encoding, undefined, tag, tmp_path):
    """Of undefined length their items are Implicit VR Little Endian, whatever stands around (PS3.5 6.2.2 note 2)."""
    items = Raw("implicit").sequence(tag, [named("implicit")], undefined=undefined).bytes[8:]
    before = Raw(encoding).element(tag, "UN", items, length=UNDEFINED if undefined else None).bytes
    reason = processed_or_held(tmp_path, image(encoding, before))

    assert reason is None or (encoding, undefined, reason) == ("big", True, Reason.UNREADABLE)


@pytest.mark.parametrize("named_syntax", ["explicit", "implicit"])
@pytest.mark.parametrize("encoding", ["explicit", "implicit"])
def test_a_data_set_that_is_not_encoded_as_its_syntax_says_is_read(encoding, named_syntax, tmp_path):
    """Implicit behind an explicit syntax, and the other way round."""
    before = Raw(encoding).sequence(REFERENCED_IMAGES, [named(encoding)], undefined=True).bytes
    raw = image(encoding, before)
    meta = 144 + struct.unpack_from("<L", raw, 140)[0]

    clean(tmp_path, part10(named_syntax, raw[meta:]))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_sequences_whose_delimiters_are_missing_are_held_or_scrubbed(encoding, tmp_path):
    """What follows is swallowed by the sequence, so no SOP Instance is left, or it is."""
    before = Raw(encoding).sequence(REFERENCED_IMAGES, [named(encoding)], undefined=True, ended=False).bytes

    with pytest.raises(Held) as caught:
        run(tmp_path, image(encoding, before))

    assert caught.value.reason in (Reason.UNREADABLE, Reason.UNDECODABLE)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_group_lengths_go(encoding, tmp_path):
    """They are retired, wrong after scrubbing, and four bytes long only by convention."""
    before = Raw(encoding).element(0x00180000, "UL", b"\1\0\0\0").element(0x00200000, "UL", NAME.encode())

    result = clean(tmp_path, image(encoding, before.bytes))

    assert not [tag for tag in result.keys() if tag.element == 0]  # noqa: SIM118  a data set iterates elements


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", [b"Vorzibmurdax^J", b"Vorzibmurdax^Jo", b"V"])
def test_odd_lengths_are_read(encoding, value, tmp_path):
    """Illegal, and common."""
    before = Raw(encoding).element(0x00181030, "LO", b"odd").element(0x00321060, "LO", value)

    clean(tmp_path, image(encoding, before.bytes, patient=value))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_tag_that_stands_twice_leaks_neither_value(encoding, tmp_path):
    """Readers take one of them; the other is nowhere."""
    twice = Raw(encoding).element(0x00081070, "PN", b"Vorzibmurdax^A").element(0x00081070, "PN", b"Vorzibmurdax^B")
    patients = Raw(encoding).element(0x00100010, "PN", b"Vorzibmurdax^Ann").element(0x00100020, "LO", b"PID-4711")

    clean(tmp_path, image(encoding, twice.bytes + patients.bytes))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_elements_out_of_order_are_sorted(encoding, tmp_path):
    """Group 0010 behind group 0020, and 0008 behind both."""
    before = Raw(encoding).element(0x00200013, "IS", b"1 ").element(0x00102160, "SH", b"Vorzibmurdax")
    before.element(0x00080090, "PN", b"Vorzibmurdax")

    result = clean(tmp_path, image(encoding, before.bytes))

    tags = [int(element.tag) for element in result]
    assert tags == sorted(tags)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("vr", ["OB", "UN", "OW", "UT"])
def test_bytes_of_undefined_length_outside_pixel_data_go_or_hold(encoding, vr, tmp_path):
    """Only pixel data may be encapsulated."""
    fragment = Raw(encoding).item(NAME.encode(), undefined=False)
    end = Raw(encoding).header(0xFFFEE0DD, "", 0)
    before = Raw(encoding).element(0x00091010, vr, fragment + end, length=UNDEFINED)

    assert processed_or_held(tmp_path, image(encoding, before.bytes)) in (None, Reason.UNREADABLE)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("length", [0xFFFFFFFE, 0x7FFFFFFF, 1_000_000, 4096])
def test_an_element_that_claims_more_than_there_is_holds_the_object(encoding, length, tmp_path):
    """Whatever would be cut off or swallowed."""
    before = Raw(encoding).element(0x00104000, "UT", NAME.encode(), length=length)

    with pytest.raises(Held) as caught:
        run(tmp_path, image(encoding, before.bytes))

    assert caught.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize("vr", ["??", "\0\0", "ZZ", "  ", "un"])
def test_a_vr_that_does_not_exist_leaks_nothing(vr, tmp_path):
    """Held, or the element goes."""
    value = NAME.encode()
    before = struct.pack("<HH2sH", 0x0018, 0x1030, vr.encode(), len(value)) + value

    assert processed_or_held(tmp_path, image("explicit", before)) in (None, Reason.UNREADABLE)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("tag", [0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0x00000000, 0x00010010, 0xFFFFFFFF])
def test_tags_that_are_no_attributes_leak_nothing(encoding, tag, tmp_path):
    """Item tags at the top, group 0 and 1, and the highest tag that there is."""
    before = Raw(encoding).element(tag, "LO", NAME.encode())

    assert processed_or_held(tmp_path, image(encoding, before.bytes)) in (None, Reason.UNREADABLE, Reason.UNDECODABLE)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_elements_behind_the_pixel_data_stay_behind(encoding, tmp_path):
    """Signatures, padding, and a second patient."""
    after = Raw(encoding).sequence(0xFFFAFFFA, [named(encoding)], undefined=True)
    after.element(0xFFFCFFFC, "OB", NAME.encode()).element(0x00100010, "PN", NAME.encode())

    result = clean(tmp_path, image(encoding, after=after.bytes))

    assert max(result.keys()) == 0x7FE00010


PATIENT = (
    Raw("explicit")
    .element(0x00080090, "PN", b"Vorzibmurdax^Jo ")
    .element(0x00081070, "PN", b"Vorzibmurdax^Jo ")
    .element(0x00101001, "PN", b"Vorzibmurdax^Jo ")
    .element(0x00101000, "LO", b"PID-4711")
    .sequence(REFERENCED_IMAGES, [named("explicit")], undefined=True)
    .sequence(OTHER_IDS, [named("explicit")], undefined=False)
    .bytes
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give one folder to all examples: its files are overwritten."""
    return tmp_path_factory.mktemp("damage")


@settings(max_examples=500, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    how=st.sampled_from(["overwrite", "delete", "insert"]),
)
def test_damage_anywhere_ends_as_an_object_or_as_a_reason(changes, how, folder):
    """Bytes overwritten, deleted or inserted at random, in a file full of names."""
    raw = damaged(image("explicit", PATIENT), changes, how)

    try:
        written = run(folder, raw)
    except Held as held:
        assert not (folder / "out.dcm").exists()
        written, fault = b"", held.reason is Reason.INTERNAL_ERROR
    else:
        fault = False

    assert not fault
    assert find_planted(written, PLANTED) == []


def damaged(content, changes, how):
    """Return bytes that were changed at some places."""
    raw = bytearray(content)
    for place, value in changes:
        at = place % len(raw)
        if how == "overwrite":
            raw[at] = value
        elif how == "delete":
            del raw[at]
        else:
            raw.insert(at, value)
    return bytes(raw)
