"""A scrubbed header holds nothing of the patient and everything a researcher may keep."""

import copy
import io

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from config.schema import Option, Profile, TagRule
from pipeline.header.container import write_part10_to
from pipeline.header.identity import Identities
from pipeline.header.scrub import scrub_header
from pipeline.reasons import Held, Reason
from tests.factories.planted import KINDS, find_planted, planted_object
from tests.factories.profiles import RESEARCH, STRICT, with_options

IDENTITIES = Identities(bytes(range(32)), "echo")


def scrubbed(source, profile=RESEARCH, identities=IDENTITIES, domain="A"):
    """Scrub with the usual surroundings."""
    return scrub_header(source, profile=profile, identities=identities, patient_domain=domain, node_name="clinical")


def written(dataset, syntax="1.2.840.10008.1.2.1"):
    """Return the bytes of a Part 10 file."""
    buffer = io.BytesIO()
    write_part10_to(buffer, dataset, syntax)
    return buffer.getvalue()


def reread(dataset, **how):
    """Return a data set as it comes back from a file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True, **how)
    buffer.seek(0)
    return pydicom.dcmread(buffer)


def minimal(**attributes):
    """Return the smallest data set that can be scrubbed, with these attributes."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3.1"
    dataset.StudyInstanceUID = "1.2.3.2"
    dataset.SeriesInstanceUID = "1.2.3.3"
    dataset.PatientID = "4711"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


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


def test_words_of_a_big_endian_object_are_turned_around():
    """A lookup table keeps its values, not its bytes."""
    source = minimal(RedPaletteColorLookupTableData=b"\x01\x02\x03\x04", Rows=258)
    buffer = io.BytesIO()
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    source.save_as(buffer, implicit_vr=False, little_endian=False, enforce_file_format=True)
    buffer.seek(0)

    result = scrubbed(pydicom.dcmread(buffer)).dataset

    assert result.RedPaletteColorLookupTableData == b"\x02\x01\x04\x03"
    assert result.Rows == 258


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


@pytest.mark.parametrize("partial", ["2023", "202304", "MILLER"])
def test_a_partial_or_illegal_date_is_not_passed_on(partial):
    """It is emptied, or replaced where it may not be empty."""
    source = minimal()
    source.add(pydicom.DataElement(0x00080020, "DA", partial, validation_mode=pydicom.config.IGNORE))
    source.add(pydicom.DataElement(0x00080023, "DA", partial, validation_mode=pydicom.config.IGNORE))
    source.add(pydicom.DataElement(0x00400002, "DA", partial, validation_mode=pydicom.config.IGNORE))

    result = scrubbed(source).dataset

    assert result.StudyDate == ""
    assert result.ContentDate == "19000101"
    assert 0x00400002 not in result


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


def test_damaged_values_leave_no_trace_in_logs_or_warnings(caplog, recwarn):
    """Libraries quote the values that they complain about."""
    source = minimal(PatientName="Vorzib^Jo")
    source.add(pydicom.DataElement(0x00080020, "DA", "Vorzib", validation_mode=pydicom.config.IGNORE))
    source.add(pydicom.DataElement(0x00200013, "LO", "Vorzib"))
    raw = written(source).replace(b"LO\6\0Vorzib", b"IS\6\0Vorzib")

    result = scrubbed(pydicom.dcmread(io.BytesIO(raw))).dataset

    assert result.InstanceNumber is None
    assert (caplog.records, list(recwarn)) == ([], [])


@pytest.mark.parametrize("vr", ["IS", "DS", "FD", "FL", "US", "SL", "AT", "DA", "TM", "UI", "CS", "AS"])
@pytest.mark.parametrize("tag", [0x00200013, 0x00181063, 0x00280010, 0x00081150, 0x00080008, 0x00180050])
def test_a_value_that_is_not_what_its_vr_says_does_not_stay(vr, tag):
    """A reader that finds text where a number should be hands over the text."""
    source = minimal()
    source.add(pydicom.DataElement(tag, "LO", "Vorzibmurlek"))
    raw = written(source).replace(b"LO\x0c\0Vorzib", vr.encode() + b"\x0c\0Vorzib")

    result = scrubbed(pydicom.dcmread(io.BytesIO(raw))).dataset

    if vr != "CS":  # a code string of legal characters stays unless it repeats an identifier
        assert find_planted(written(result), ["Vorzibmurlek"]) == []


def test_numbers_that_spell_an_identifier_go():
    """A vector of numbers is bytes to whoever looks at the file."""
    source = minimal(PatientName="Vorzibmurlek^Jo", FrameTimeVector=["1", "2"])
    source.add_new(0x00209116, "SQ", Sequence([Dataset()]))
    source.add_new(0x00281101, "US", [256, 0, 8])
    source.add_new(0x00189306, "FD", 1.5)
    source.add_new(0x00281203, "OW", b"\0\1 vorzibmurlek ")
    source.add_new(0x00281407, "US", [int.from_bytes(b"Vorzibmurlek"[at : at + 2], "little") for at in range(0, 12, 2)])

    result = scrubbed(source).dataset

    assert 0x00281407 not in result
    assert 0x00281203 not in result
    assert list(result[0x00281101].value) == [256, 0, 8]


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


def test_ages_over_89_become_090y():
    """Wherever an age is kept, at any depth."""
    item = Dataset()
    item.PatientAge = "101Y"

    result = scrubbed(minimal(PatientAge="093Y", SourceImageSequence=Sequence([item]))).dataset

    assert (result.PatientAge, result.SourceImageSequence[0].PatientAge) == ("090Y", "090Y")


def test_public_elements_sent_as_un_are_typed_by_the_dictionary_or_removed():
    """UN hides nothing: a name is a name, and what is in no dictionary goes."""
    source = minimal(ReferringPhysicianName="Miller^Jo ", Rows=258)
    source.add_new(0x00080203, "UN", b"Miller^Jo ")
    raw = written(source)
    raw = raw.replace(b"\x08\0\x90\0PN\x0a\0", b"\x08\0\x90\0UN\0\0\x0a\0\0\0")
    raw = raw.replace(b"\x28\0\x10\0US\2\0", b"\x28\0\x10\0UN\0\0\2\0\0\0")
    source = pydicom.dcmread(io.BytesIO(raw))
    assert source.get_item("Rows").VR == source.get_item("ReferringPhysicianName").VR == "UN"

    result = scrubbed(source).dataset

    assert result.ReferringPhysicianName == ""
    assert result.Rows == 258
    assert 0x00080203 not in result


def test_text_smuggled_into_attributes_of_no_table_goes():
    """Prose and opaque bytes always, short texts and code strings when they repeat an identifier or are no codes."""
    source = minimal(
        PatientName="Vorzib^Jo",
        LUTExplanation="for Vorzib",
        ScanOptions="VORZIB",
        PartialViewDescription="prose",
        ImageType=["ORIGINAL", "PRIMARY", "VORZIB"],
        ConvolutionKernel="B30f",
        ICCProfile=b"\0\0desc Vorzib Jo Vorzib^Jo",
    )
    sentence = pydicom.DataElement(0x00180015, "CS", "this is a whole sentence", validation_mode=pydicom.config.IGNORE)
    source.add(sentence)

    result = scrubbed(source).dataset

    assert (result.LUTExplanation, result.ScanOptions, result.BodyPartExamined) == ("", "", "")
    assert "PartialViewDescription" not in result
    assert "ICCProfile" not in result
    assert list(result.ImageType) == ["ORIGINAL", "PRIMARY", "UNKNOWN"]
    assert result.ConvolutionKernel == "B30f"


@pytest.mark.parametrize(
    ("charset", "model"),
    [("ISO_IR 100", "Gerät"), ("ISO_IR 144", "Ждщ"), ("ISO_IR 192", "機器"), (["", "ISO 2022 IR 87"], "機器 A")],
)
def test_text_that_stays_is_written_in_unicode(charset, model):
    """Whatever character set it came in, multi-valued ones included."""
    source = minimal(SpecificCharacterSet=charset, ManufacturerModelName=model, PatientName="Vorzib^Jo")
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"

    result = pydicom.dcmread(io.BytesIO(written(scrubbed(reread(source)).dataset)))

    assert result.ManufacturerModelName == model
    assert result.SpecificCharacterSet == "ISO_IR 192"


def test_a_header_of_ascii_names_no_character_set():
    """(0008,0005) is for what is written, not for what was read."""
    result = scrubbed(minimal(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Änne")).dataset

    assert "SpecificCharacterSet" not in result


def test_text_in_a_character_set_that_cannot_be_decoded_does_not_stay():
    """What was not understood was not compared either."""
    source = minimal(SpecificCharacterSet="ISO_IR 192", PatientName="Jo")
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    raw = bytearray()
    buffer = io.BytesIO()
    source.ManufacturerModelName = "abcdefgh"
    source.save_as(buffer, enforce_file_format=True)
    raw[:] = buffer.getvalue().replace(b"abcdefgh", b"M\xfcller\xff ")

    result = scrubbed(pydicom.dcmread(io.BytesIO(bytes(raw)))).dataset

    assert result.ManufacturerModelName == ""


def test_a_code_that_names_a_person_becomes_a_code_that_does_not():
    """Institution Code Sequence must not be empty in some macros; its code is the institution."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "4711-A", "99LOCAL", "Vorkuta"

    result = scrubbed(minimal(InstitutionCodeSequence=Sequence([code]))).dataset

    assert result.InstitutionCodeSequence[0].CodeMeaning == "Anonymized"
    assert find_planted(written(result), ["Vorkuta", "4711-A"]) == []
