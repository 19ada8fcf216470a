"""A scrubbed header holds nothing of the patient and everything a researcher may keep."""

import copy

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from config.schema import Option, Profile, TagRule
from pipeline.reasons import Held, Reason
from tests.factories.headers import minimal, reread, scrubbed, written
from tests.factories.planted import KINDS, find_planted, planted_object
from tests.factories.profiles import RESEARCH, STRICT, with_options


@pytest.mark.parametrize("profile", [STRICT, RESEARCH], ids=["strict", "research"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_planted_is_in_the_bytes_that_are_written(kind, profile):
    """Table, private, nested, unknown group, smuggled and container alike."""
    planted = planted_object(kind, seed=3)

    result = scrubbed(planted.dataset, profile)

    assert find_planted(written(result.dataset), planted.planted) == []
    assert result.identifiers.in_dataset(result.dataset) == ()
    assert not [element for element in result.dataset.iterall() if element.tag.is_private]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_the_way_an_object_was_encoded_changes_nothing(syntax, tmp_path):
    """Implicit VR, big-endian and deflated objects give the same header as explicit ones."""
    planted = planted_object("US", seed=4)
    expected = scrubbed(reread(planted.dataset)).dataset
    planted.dataset.file_meta.TransferSyntaxUID = syntax
    del planted.dataset.PixelData
    path = tmp_path / "source.dcm"
    pydicom.dcmwrite(path, planted.dataset, enforce_file_format=True)
    source = pydicom.dcmread(path)

    assert written(scrubbed(source).dataset) == written(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_source_is_not_changed(kind):
    """The caller may still have to hold exactly these bytes."""
    source = planted_object(kind, seed=3).dataset
    before = copy.deepcopy(source)

    result = scrubbed(source)
    result.dataset.ImageType = ["CHANGED"]
    for element in result.dataset.iterall():
        if isinstance(element.value, pydicom.multival.MultiValue):
            element.value.append(element.value[0])

    assert source == before


def test_the_same_uid_is_mapped_to_the_same_uid_wherever_it_stands():
    """References resolve across the objects of a study, processed in any order."""
    first, second = (planted_object("CT", seed=3, instance=number).dataset for number in (1, 2))
    second.SourceImageSequence[0].ReferencedSOPInstanceUID = first.SOPInstanceUID

    two, one = scrubbed(second), scrubbed(first)

    assert one.study_instance_uid == two.study_instance_uid
    assert one.series_instance_uid == two.series_instance_uid
    assert one.sop_instance_uid != two.sop_instance_uid
    assert two.dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == one.sop_instance_uid
    assert one.dataset.FrameOfReferenceUID == two.dataset.FrameOfReferenceUID
    assert two.dataset.SourceImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.6.1"


def test_a_uid_of_the_object_is_mapped_even_where_a_class_should_stand():
    """Class UIDs stay, but the study's UID in their place does not."""
    source = minimal()
    source.OriginalSpecializedSOPClassUID = source.StudyInstanceUID
    source.RelatedGeneralSOPClassUID = ["1.2.840.10008.5.1.4.1.1.7", "1.2.3.3"]

    result = scrubbed(source)

    assert result.dataset.OriginalSpecializedSOPClassUID == result.study_instance_uid
    assert result.dataset.RelatedGeneralSOPClassUID == ["1.2.840.10008.5.1.4.1.1.7", result.series_instance_uid]


def test_dates_keep_their_distances_and_times_stay():
    """Whole days, the same for every date of the patient."""
    source = planted_object("CT", seed=3).dataset

    result = scrubbed(source).dataset

    shifts = {
        (pydicom.valuerep.DA(source[tag].value[:8]) - pydicom.valuerep.DA(result[tag].value[:8])).days
        for tag in ("StudyDate", "SeriesDate", "ContentDate", "AcquisitionDateTime")
    }
    assert len(shifts) == 1
    assert 1 <= shifts.pop() <= 365
    assert result.SeriesTime == "101702.25"
    assert result.AcquisitionDateTime.endswith("235950.5+0200")
    assert result.LongitudinalTemporalInformationModified == "MODIFIED"
    assert result.PatientBirthDate == ""


def test_dates_go_or_stay_as_the_profile_says():
    """Without an option dates are removed, emptied or replaced by a legal dummy; with full dates they stay."""
    source = planted_object("SC", seed=3).dataset

    strict = scrubbed(source, STRICT).dataset
    full = scrubbed(source, with_options(Option.RETAIN_LONGITUDINAL_FULL_DATES)).dataset

    assert (strict.StudyDate, strict.ContentDate) == ("", "19000101")
    assert strict.LongitudinalTemporalInformationModified == "REMOVED"
    assert full.StudyDate == "20230417"
    assert full.LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert full.PatientBirthDate == ""


def test_name_and_id_are_the_pseudonym_and_depend_on_the_domain():
    """A valid PN and LO, also where the source had no name."""
    first, second = scrubbed(minimal(), domain="A"), scrubbed(minimal(PatientName="Miller^Jo"), domain="B")

    assert first.dataset.PatientID == first.patient_id == str(first.dataset.PatientName)
    assert first.patient_id.startswith("SV-")
    assert second.patient_id != first.patient_id
    assert "IssuerOfPatientID" not in first.dataset


def test_the_issuer_is_the_domain_where_none_is_configured():
    """Two hospitals' 4711 are two patients."""
    one = scrubbed(minimal(IssuerOfPatientID="ONE"), domain=None)
    two = scrubbed(minimal(IssuerOfPatientID="TWO"), domain=None)

    assert one.patient_id != two.patient_id
    assert one.patient_domain == "ONE"


def test_a_patient_id_in_an_item_is_the_pseudonym_only_if_it_is_this_patients():
    """Another patient's ID (a donor, a twin) becomes a dummy."""
    mine, other = Dataset(), Dataset()
    mine.PatientID, other.PatientID = " 4711", "4712"
    source = minimal(ReferencedImageSequence=Sequence([mine, other]))

    result = scrubbed(source)

    assert [item.PatientID for item in result.dataset.ReferencedImageSequence] == [result.patient_id, "ANONYMIZED"]


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID"])
def test_an_object_without_a_uid_that_names_it_is_held(keyword):
    """Nothing consistent could be said about it."""
    source = minimal()
    delattr(source, keyword)

    with pytest.raises(Held) as held:
        scrubbed(source)

    assert held.value.reason is Reason.UNREADABLE


def test_a_placeholder_for_a_patient_id_is_held():
    """UNKNOWN is everybody."""
    with pytest.raises(Held) as held:
        scrubbed(minimal(PatientID="unknown"))

    assert held.value.reason is Reason.NO_PATIENT_ID


def test_absurd_nesting_is_held():
    """A bound, so that no object ends a worker."""
    innermost = Dataset()
    for _ in range(60):
        outer = Dataset()
        outer.SourceImageSequence = Sequence([innermost])
        innermost = outer

    with pytest.raises(Held) as held:
        scrubbed(minimal(SourceImageSequence=Sequence([innermost])))

    assert held.value.reason is Reason.RESOURCE_LIMIT


def test_a_replacement_that_does_not_fit_is_held():
    """The profile is wrong; nothing leaves until it is mended."""
    profile = Profile(name="test", rules=(TagRule(tag="SourceImageSequence", action="replace", value="x"),))

    with pytest.raises(Held) as held:
        scrubbed(minimal(SourceImageSequence=Sequence([Dataset()])), profile)

    assert held.value.reason is Reason.INTERNAL_ERROR


def test_names_nested_twelve_deep_are_scrubbed():
    """Depth does not hide."""
    item = Dataset()
    item.PatientName = "Vorzibmurlek^Jo"
    item.CodeMeaning = "of Vorzibmurlek"
    for _ in range(12):
        outer = Dataset()
        outer.SourceImageSequence = Sequence([item])
        item = outer

    result = scrubbed(minimal(SourceImageSequence=Sequence([item]), PatientName="Vorzibmurlek^Jo"))

    assert find_planted(written(result.dataset), ["Vorzibmurlek"]) == []


def test_the_marks_name_what_was_done():
    """(0012,0062/0063/0064) as PS3.15 E.1 asks, and only options of the profile."""
    source = minimal(DeidentificationMethod="by Dr. Miller", PatientIdentityRemoved="NO")

    result = scrubbed(source).dataset

    assert result.PatientIdentityRemoved == "YES"
    assert "Miller" not in str(result.DeidentificationMethod)
    assert result.DeidentificationMethod[1] == "profile research"
    codes = [(item.CodeValue, item.CodingSchemeDesignator) for item in result.DeidentificationMethodCodeSequence]
    assert codes == [("113100", "DCM"), ("113101", "DCM"), ("113107", "DCM"), ("113108", "DCM")]


def test_rules_of_the_profile_overrule_the_table():
    """keep, remove, empty and replace."""
    profile = Profile(
        name="test",
        rules=(
            TagRule(tag="StudyDescription", action="keep"),
            TagRule(tag="Manufacturer", action="remove"),
            TagRule(tag="SoftwareVersions", action="empty"),
            TagRule(tag="SeriesDescription", action="replace", value="Größe"),
        ),
    )
    source = minimal(StudyDescription="x", Manufacturer="y", SoftwareVersions="z", SeriesDescription="secret")

    result = scrubbed(source, profile).dataset

    assert result.StudyDescription == "x"
    assert "Manufacturer" not in result
    assert result.SoftwareVersions == ""
    assert result.SeriesDescription == "Größe"
    assert result.SpecificCharacterSet == "ISO_IR 192"
    assert "with rules for single attributes" in result.DeidentificationMethod


def test_options_keep_what_they_name():
    """Device, institution and UIDs stay where the profile says so, and then do not count as identifiers."""
    source = minimal(InstitutionName="Vorkuta Clinic", StationName="ROOM-2", DeviceSerialNumber="99887766")
    source.PatientWeight, source.PatientSex = "70", "M"

    institution = scrubbed(source, with_options(Option.RETAIN_INSTITUTION_IDENTITY))
    device = scrubbed(source, with_options(Option.RETAIN_DEVICE_IDENTITY)).dataset
    uids = scrubbed(source, with_options(Option.RETAIN_UIDS))
    strict = scrubbed(source, STRICT).dataset

    assert institution.dataset.InstitutionName == "Vorkuta Clinic"
    assert institution.identifiers.in_dataset(institution.dataset) == ()
    assert (device.StationName, device.DeviceSerialNumber) == ("ROOM-2", "99887766")
    assert uids.sop_instance_uid == "1.2.3.1"
    assert uids.identifiers.in_dataset(uids.dataset) == ()
    assert (strict.PatientSex, "PatientWeight" in strict) == ("", False)


def test_a_code_that_names_a_person_becomes_a_code_that_does_not():
    """Institution Code Sequence must not be empty in some macros; its code is the institution."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "4711-A", "99LOCAL", "Vorkuta"

    result = scrubbed(minimal(InstitutionCodeSequence=Sequence([code]))).dataset

    assert result.InstitutionCodeSequence[0].CodeMeaning == "Anonymized"
    assert find_planted(written(result), ["Vorkuta", "4711-A"]) == []
