"""Accession, study and order numbers: the same stand-in wherever the same number stands, or nothing."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from config.schema import Option, Profile, TagRule
from pipeline.header.identity import Identities
from pipeline.header.numbers import NUMBERS
from tests.factories.headers import IDENTITIES, minimal, scrubbed
from tests.factories.profiles import STRICT

EMPTY = Profile(name="empty", options=(Option.CLEAN_PIXEL_DATA,), accession_number="empty")


def _number(source, keyword="AccessionNumber", **how):
    return scrubbed(source, how.pop("profile", STRICT), **how).dataset[keyword]


@pytest.mark.parametrize("keyword", ["AccessionNumber", "StudyID"])
def test_a_number_becomes_a_short_string_that_says_nothing(keyword):
    """16 characters of base32: 80 bits, and all that SH holds."""
    element = _number(minimal(**{keyword: "20261125-0815"}), keyword)

    assert element.VR == "SH"
    assert len(element.value) == 16
    assert set(element.value) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def test_the_same_number_is_the_same_stand_in_wherever_it_stands():
    """Also in items, in another object, and with other blanks around it."""
    item = Dataset()
    item.AccessionNumber = "acc-1 "
    source = minimal(AccessionNumber="ACC-1", ReferencedStudySequence=Sequence([item]))
    rules = (TagRule(tag="ReferencedStudySequence", action="keep"),)
    profile = Profile(name="t", options=(Option.CLEAN_PIXEL_DATA,), rules=rules)

    result = scrubbed(source, profile).dataset

    assert result.ReferencedStudySequence[0].AccessionNumber == result.AccessionNumber
    assert _number(minimal(AccessionNumber="ACC-1", PatientID="other")).value == result.AccessionNumber


def test_another_kind_domain_project_or_key_gives_another_stand_in():
    """Each has its own subkey or its own part of the message."""
    found = {_number(minimal(**{keyword: "77"}), keyword).value for keyword in ("AccessionNumber", "StudyID")}
    found.add(
        _number(minimal(PlacerOrderNumberImagingServiceRequest="77"), "PlacerOrderNumberImagingServiceRequest").value
    )
    found.add(
        _number(minimal(FillerOrderNumberImagingServiceRequest="77"), "FillerOrderNumberImagingServiceRequest").value
    )
    found.add(_number(minimal(AccessionNumber="77"), domain="B").value)
    found.add(_number(minimal(AccessionNumber="77"), identities=Identities(bytes(range(32)), "other")).value)
    found.add(_number(minimal(AccessionNumber="77"), identities=Identities(bytes(32), "echo")).value)

    assert len(found) == 7


@pytest.mark.parametrize("value", ["", "  ", None])
def test_nothing_stays_nothing(value):
    """A stand-in for nothing would say that there was something."""
    assert _number(minimal(AccessionNumber=value)).is_empty


def test_what_cannot_be_read_as_a_number_becomes_empty():
    """A sequence under that tag, as a careless sender writes it."""
    source = minimal()
    item = Dataset()
    item.PatientName = "SECRET"
    source.add_new(0x00080050, "SQ", Sequence([item]))

    element = _number(source)

    assert (element.VR, element.value) == ("SH", "")


def test_the_profile_may_want_them_empty():
    """As the table's zero length value."""
    source = minimal(AccessionNumber="77", StudyID="77", FillerOrderNumberImagingServiceRequest="77")

    result = scrubbed(source, EMPTY).dataset

    assert [result[tag].is_empty for tag in NUMBERS if tag in result] == [True, True, True]


def test_a_rule_of_the_profile_goes_before():
    """As everywhere."""
    rules = (TagRule(tag="AccessionNumber", action="remove"), TagRule(tag="StudyID", action="empty"))
    profile = Profile(name="t", options=(Option.CLEAN_PIXEL_DATA,), rules=rules)

    result = scrubbed(minimal(AccessionNumber="77", StudyID="1"), profile).dataset

    assert "AccessionNumber" not in result
    assert result["StudyID"].is_empty


def test_what_the_table_removes_goes():
    """Requested Procedure ID, the steps' and the admission's IDs have action X."""
    result = scrubbed(minimal(RequestedProcedureID="77", PerformedProcedureStepID="77", AdmissionID="77")).dataset

    assert not {"RequestedProcedureID", "PerformedProcedureStepID", "AdmissionID"} & set(dir(result))


def test_the_crosswalk_says_what_stands_for_what():
    """Everything that was replaced, and nothing of it in its `repr`."""
    source = minimal(PatientID=" 4711 ", AccessionNumber="ACC-1", FrameOfReferenceUID="1.2.3.9")

    result = scrubbed(source)

    entry = result.crosswalk
    assert (entry.patient_domain, entry.patient_id, entry.normal_patient_id) == ("A", "4711", "4711")
    assert entry.pseudonym == result.dataset.PatientID
    assert entry.accession_number == ("ACC-1", result.dataset.AccessionNumber)
    assert entry.study_id == ("", "")
    assert entry.study_uid == ("1.2.3.2", result.dataset.StudyInstanceUID)
    assert entry.series_uid == ("1.2.3.3", result.dataset.SeriesInstanceUID)
    assert entry.instance_uid == ("1.2.3.1", result.dataset.SOPInstanceUID)
    assert entry.other_uids == (("1.2.3.9", IDENTITIES.public_uid("1.2.3.9")),)
    assert not any(word in repr(result) for word in ("4711", "ACC-1", "1.2.3.2"))
