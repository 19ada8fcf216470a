"""A rule `clean` of a profile: text is cleaned, sequences are scrubbed inside, other values fare as the table says."""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from config.schema import Profile, TagRule
from tests.factories.headers import minimal, scrubbed


def cleaned(keyword, **attributes):
    """Scrub an object whose profile cleans one attribute."""
    profile = Profile(name="own", rules=(TagRule(tag=keyword, action="clean"),))
    return scrubbed(minimal(PatientName="Vorzibmurdax^Quatyn", **attributes), profile).dataset


def test_a_description_that_names_nobody_stays():
    """The Basic Profile would remove it."""
    assert cleaned("SeriesDescription", SeriesDescription="axial liver").SeriesDescription == "axial liver"


def test_a_name_does_not_stay_in_a_description():
    """Of what is left, nothing is the patient's."""
    found = cleaned("SeriesDescription", SeriesDescription="axial Vorzibmurdax")

    assert "vorzib" not in str(found.get("SeriesDescription", "")).lower()


def test_a_name_is_no_text_to_be_cleaned():
    """A person's name gets the basic action, which gives away less: X/Z/D, a dummy."""
    assert str(cleaned("OperatorsName", OperatorsName="Zibvor^Lek").OperatorsName) == "ANONYMOUS"


def test_a_date_is_no_text_to_be_cleaned():
    """Outside the table it goes, in it the basic action counts: Z, emptied."""
    assert cleaned("StudyDate", StudyDate="20230417").StudyDate == ""


def test_a_sequence_is_scrubbed_inside():
    """Request Attributes would go; cleaned, its items stay with what the table lets stay."""
    item = Dataset()
    item.RequestedProcedureID = "4711-99"
    item.ScheduledProcedureStepDescription = "axial"
    found = cleaned("RequestAttributesSequence", RequestAttributesSequence=Sequence([item]))

    assert len(found.RequestAttributesSequence) == 1
    assert "ScheduledProcedureStepDescription" not in found.RequestAttributesSequence[0]
    assert "4711-99" not in str(found)
