"""Identifiers count as whole tokens, in any case, and never as ordinary words."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.collect import collect_identifiers
from pipeline.header.table import compile_rules
from tests.factories.profiles import STRICT


def identifiers_of(**attributes):
    """Collect from a data set with these attributes."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return collect_identifiers(dataset, compile_rules(STRICT), keep_words=("MARK",))


PATIENT = {
    "PatientName": "Müller-Quast^Änne^Zoë=山田^太郎",
    "PatientID": "AB-1234/5",
    "PatientBirthDate": "19470613",
    "AccessionNumber": "9988776",
    "InstitutionName": "University Hospital Vorkuta",
    "ReferringPhysicianName": "Li^Na",
    "StudyInstanceUID": "1.2.826.0.1.99.7",
}


@pytest.mark.parametrize(
    "text",
    [
        "MULLER",
        "Name: müller, 54 y",
        "QUAST",
        "mueller_quast QUAST",
        "ID AB-1234/5",
        "AB 1234 5",
        "ab12345",
        "born 13.06.1947",
        "1947-06-13",
        "06/13/1947",
        "13 JUN 1947",
        "13.6.1947",
        "DOB19470613 19470613",
        "Acc 9988776",
        "Vorkuta",
        "Dr. Li Na",
        "NA LI",
        "患者山田様",
        "see 1.2.826.0.1.99.7",
    ],
)
def test_an_identifier_is_found_in_text(text):
    """Accents, case, separators and the order of a date do not hide it."""
    assert identifiers_of(**PATIENT).in_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "MULLERITE",
        "Vorkutaland",
        "University Hospital",
        "99887761",
        "AB 1234",
        "1947",
        "13.06",
        "Li",
        "1.2.826.0.1.99.70",
        "",
        "Änn",
    ],
)
def test_parts_of_tokens_and_ordinary_words_are_no_identifiers(text):
    """Whole tokens only; short names and places' common words do not count."""
    assert not identifiers_of(**PATIENT).in_text(text)


def test_a_patient_named_like_an_organ_or_a_keep_word_holds_nothing():
    """Medical vocabulary and the profile's keep-words never count."""
    identifiers = identifiers_of(PatientName="Heart^Mark", PatientID="12345")

    assert not identifiers.in_text("HEART rate 72, MARK, 12345")
    assert not identifiers.in_bytes(b"HEART MARK 12345")


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "utf-16-le", "utf-16-be"])
def test_an_identifier_is_found_in_bytes(charset):
    """Case folded for ASCII, whole tokens, eight bytes or more."""
    identifiers = identifiers_of(PatientName="Zibmurlek^Jo", PatientID="4711")

    assert identifiers.in_bytes("\1\2 zibMURlek ".encode(charset))
    assert not identifiers.in_bytes(b"Zibmurleks")
    assert not identifiers.in_bytes(b"4711 Jo")


def test_nothing_to_look_for_is_found_nowhere():
    """No names, no IDs: nothing matches, not everything."""
    identifiers = identifiers_of()

    assert not identifiers.in_text("anything at all")
    assert not identifiers.in_bytes(b"anything at all")


def test_elements_that_hold_an_identifier_are_named_at_any_depth_and_pixel_data_are_passed_by():
    """The tags come back, never the values."""
    inner = Dataset()
    inner.CodeMeaning = "of Müller"
    inner.PatientID = "fine"
    outer = Dataset()
    outer.PurposeOfReferenceCodeSequence = Sequence([inner])
    dataset = Dataset()
    dataset.SourceImageSequence = Sequence([outer])
    dataset.StationName = "ok"
    dataset.StudyDate = "19470613"
    dataset.AcquisitionNumber = "9988776"
    dataset.SOPInstanceUID = "1.2.826.0.1.99.7"
    dataset.ICCProfile = b"\0\0Muller-Quast\0\0"
    dataset.add_new(0x7FE00010, "OB", b"Muller-Quast")

    found = identifiers_of(**{**PATIENT, "PatientName": "Muller-Quast^A"}).in_dataset(dataset)

    assert found == ("00080018", "00082112.0040A170.00080104", "00200012", "00282000")


def test_identifiers_show_nothing_of_themselves():
    """A log line or a traceback may print the object."""
    shown = repr(identifiers_of(**PATIENT)).lower()

    assert not any(word in shown for word in ("ller", "quast", "9988776", "1947", "826"))


def test_identifiers_survive_the_way_between_processes():
    """Workers are processes."""
    import pickle

    again = pickle.loads(pickle.dumps(identifiers_of(**PATIENT)))

    assert again.in_text("QUAST")
