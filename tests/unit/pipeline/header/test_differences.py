"""The differ: every element once, and what became of it, down the sequences."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.header.decoding import DEEPEST, silent_decoding
from pipeline.header.differences import Kind, differences
from pipeline.reasons import Held
from tests.factories.headers import minimal, reread


def dataset(**attributes):
    """Return a data set of these attributes."""
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def kinds(before, after, **how):
    """Return path in keywords -> kind."""
    with silent_decoding():
        found = list(differences(before, after, **how))
    assert len({(one.path, id(one.parent)) for one in found}) == len(found)
    return {tuple(f"{tag:08X}" for tag in one.path): one.kind for one in found}


CASES = {
    "the same text": (dataset(StudyID="7"), dataset(StudyID="7"), Kind.SAME),
    "the same but for padding": (dataset(StudyID="7"), dataset(StudyID="7 "), Kind.SAME),
    "another text": (dataset(StudyID="7"), dataset(StudyID="8"), Kind.CHANGED),
    "emptied": (dataset(StudyID="7"), dataset(StudyID=""), Kind.EMPTIED),
    "empty in both": (dataset(StudyID=""), dataset(StudyID=""), Kind.EMPTY),
    "filled": (dataset(StudyID=""), dataset(StudyID="7"), Kind.CHANGED),
    "gone": (dataset(StudyID="7"), dataset(), Kind.GONE),
    "new": (dataset(), dataset(StudyID="7"), Kind.NEW),
    "one of two values": (dataset(ImageType=["A", "B"]), dataset(ImageType=["A", "C"]), Kind.CHANGED),
    "fewer values": (dataset(ImageType=["A", "B"]), dataset(ImageType="A"), Kind.CHANGED),
    "two values": (dataset(ImageType=["A", "B"]), dataset(ImageType=["A", "B"]), Kind.SAME),
    "numbers": (dataset(Rows=5), dataset(Rows=5), Kind.SAME),
    "other numbers": (dataset(Rows=5), dataset(Rows=6), Kind.CHANGED),
    "no numbers": (dataset(ExposureTimeInms=float("nan")), dataset(ExposureTimeInms=float("nan")), Kind.SAME),
}


@pytest.mark.parametrize("case", CASES)
def test_one_element_is(case):
    """One kind for each way in which two elements can differ."""
    before, after, kind = CASES[case]

    assert list(kinds(before, after).values()) == [kind]


def test_bytes_in_the_other_order_are_the_same_only_where_the_source_was_big_endian():
    """Pydicom leaves the words of OW as they came."""
    before, after = dataset(), dataset()
    before.add_new(0x00281201, "OW", b"\x01\x02\x03\x04")
    after.add_new(0x00281201, "OW", b"\x02\x01\x04\x03")

    assert list(kinds(before, after, swapped=True).values()) == [Kind.SAME]
    assert list(kinds(before, after).values()) == [Kind.CHANGED]


def test_sequences_are_compared_item_by_item():
    """The sequence itself is the same, an element in the second item is gone."""
    before = dataset(ReferencedImageSequence=[dataset(StudyID="1"), dataset(StudyID="2")])
    after = dataset(ReferencedImageSequence=[dataset(StudyID="1"), dataset()])
    with silent_decoding():
        found = [(len(one.path), one.kind) for one in differences(before, after)]

    assert found == [(1, Kind.SAME), (2, Kind.SAME), (2, Kind.GONE)]


def test_items_that_are_left_are_recognised_by_what_they_mean():
    """The first of three is gone: the third of the source is compared with the second of the result."""
    items = [dataset(ValueType="TEXT", TextValue=letter) for letter in "ab"] + [dataset(ValueType="CODE")]
    before = dataset(ContentSequence=items)
    after = dataset(ContentSequence=[dataset(ValueType="TEXT", TextValue="a"), dataset(ValueType="CODE")])
    with silent_decoding():
        found = [one for one in differences(before, after) if len(one.path) == 2]

    assert [one.kind for one in found] == [Kind.SAME] * 3
    assert [str(one.before.value) for one in found] == ["TEXT", "a", "CODE"]


def test_absurd_nesting_is_held_and_does_not_end_the_process():
    """As in the scrubber."""
    inner = dataset(StudyID="1")
    for _ in range(DEEPEST + 2):
        inner = dataset(ReferencedImageSequence=Sequence([inner]))

    with pytest.raises(Held), silent_decoding():
        list(differences(inner, inner))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(["StudyID", "StudyDescription", "PatientComments"]), st.text("abc", max_size=9)))
def test_a_data_set_compared_with_itself_or_its_copy_from_a_file_has_no_difference(attributes):
    """Whatever stands in it."""
    made = minimal(**attributes)
    made.ensure_file_meta()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian

    found = kinds(made, reread(made))

    assert set(found.values()) <= {Kind.SAME, Kind.EMPTY}
    assert len(found) == len(made)
