"""What a pull asks for: read without guessing, told without quoting."""

from io import BytesIO

import pytest
from pynetdicom.dsutils import decode

from gateway.ask import AskError, Kind, by_accession, by_query, by_study, identifier


def _read(encoded):
    return decode(BytesIO(encoded), True, True)


def test_a_query_is_keywords_or_tags_with_values():
    """Ranges and wildcards stay; the order of the arguments does not matter."""
    ask = by_query(["StudyDate=20240101-20240131", "(0010,0010)=Dal*", "00080061=US"])

    assert ask.kind is Kind.QUERY
    assert ask.keys == ((0x00080020, "20240101-20240131"), (0x00080061, "US"), (0x00100010, "Dal*"))
    assert ask == by_query(["00080061=US", "PatientName=Dal*", "StudyDate=20240101-20240131"])
    assert ask.shown == "StudyDate=20240101-20240131 ModalitiesInStudy=US PatientName=Dal*"


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        (["Dalloway"], "Keyword=Value"),
        (["PatientNames=Dalloway"], "Keyword=Value"),
        (["PatientName="], "Keyword=Value"),
        (["00091001=Dalloway"], "Keyword=Value"),
        (["PixelData=Dalloway"], "Keyword=Value"),
        (["QueryRetrieveLevel=IMAGE"], "Keyword=Value"),
        (["StudyDate=20240101", "Modality=Dalloway"], "key 2: Modality is a key of series; write ModalitiesInStudy"),
        (["SeriesInstanceUID=1.2.3"], "SeriesInstanceUID is a key of series"),
        (["PatientID=Dalloway", "PatientID=Clarissa"], "twice"),
        (["PatientName=*"], "every study"),
        ([], "every study"),
    ],
)
def test_what_cannot_be_asked_is_refused_without_its_value(written, hint):
    """A typing mistake must neither pull the whole archive nor put a name into a message."""
    with pytest.raises(AskError) as refused:
        by_query(written)

    assert hint in str(refused.value)
    assert "Dalloway" not in str(refused.value)


@pytest.mark.parametrize("number", ["", "A*", "A?1", "A\\B", "A" * 17, "A\n1"])
def test_an_accession_number_is_one_number(number):
    """A wildcard would ask for others too."""
    with pytest.raises(AskError):
        by_accession(number)


@pytest.mark.parametrize("uid", ["", "1.2.*", "1.2.3\\1.2.4", "abc", "1." * 40 + "1"])
def test_a_study_is_one_uid(uid):
    """The same for UIDs."""
    with pytest.raises(AskError):
        by_study(uid)


def test_the_same_question_has_the_same_text_and_others_another():
    """It is what progress is kept by."""
    texts = {by_accession("1.2").canonical, by_study("1.2").canonical, by_query(["AccessionNumber=1.2"]).canonical}

    assert len(texts) == 3
    assert by_study("1.2").canonical == by_study("1.2").canonical


def test_identifiers_are_readable_by_pydicom():
    """Elements in order, even lengths, the padding of their VR, a character set where it is needed."""
    encoded = identifier("STUDY", {0x0020000D: "1.2.3", 0x00100010: "Müller^Ä", 0x00080050: "", 0x00080020: "2024-"})
    dataset = _read(encoded)

    assert len(encoded) % 2 == 0
    assert list(dataset.keys()) == sorted(dataset.keys())
    assert (dataset.QueryRetrieveLevel, dataset.StudyInstanceUID) == ("STUDY", "1.2.3")
    assert (str(dataset.PatientName), dataset.SpecificCharacterSet) == ("Müller^Ä", "ISO_IR 192")
    assert encoded.endswith(b"1.2.3\0")
    assert dataset.AccessionNumber == ""
    assert "SpecificCharacterSet" not in _read(identifier("STUDY", {0x00080050: "A1"}))
