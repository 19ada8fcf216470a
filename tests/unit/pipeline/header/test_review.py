"""Ways out that a hostile reader found: each is tried on a real object, and must give nothing away."""

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from config.schema import Option
from tests.factories.headers import minimal, scrubbed, written
from tests.factories.profiles import CLEANING, with_options

EVERYTHING = with_options(*(option for option in Option if option is not Option.RETAIN_LONGITUDINAL_FULL_DATES))
TEXTS = {"StudyDescription": 0x00081030, "InstitutionName": 0x00080080, "DeviceSerialNumber": 0x00181000}
"""A text that is cleaned, and two that options keep."""


def raw(tag, vr, value):
    """Return an element of any bytes, as a reader leaves it."""
    return RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


def letters(dataset, keyword):
    """Return the letters of a value, whatever stands between them."""
    return "".join(filter(str.isalpha, str(dataset.get(keyword) or "")))


@pytest.mark.parametrize("keyword", TEXTS)
@pytest.mark.parametrize(
    "smuggled",
    ["Miller".encode("utf-16-le"), "Miller".encode("utf-16-be"), b"M\x01i\x01l\x01l\x01e\x01r", b"Mil\xadler"],
)
def test_a_name_does_not_leave_with_signs_between_its_letters(keyword, smuggled):
    """UTF-16 in a text that claims to be ASCII, other controls, soft hyphens."""
    source = minimal(PatientName="Miller^Mary")
    source[TEXTS[keyword]] = raw(TEXTS[keyword], "LO", smuggled)

    assert letters(scrubbed(source, EVERYTHING).dataset, keyword) == ""


@pytest.mark.parametrize("spelled", ["M i l l e r", "M.I.L.L.E.R", "M-I-L-L-E-R"])
def test_a_name_that_is_spelled_goes(spelled):
    """Single letters are sides and vessels; four of them in a row are a word."""
    source = minimal(StudyDescription=f"CHEST AP {spelled} L", PatientName="Smith^Jo")

    assert scrubbed(source, CLEANING).dataset.StudyDescription == "CHEST AP"


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("Stone^Mary", "CT Stone follow up", "CT follow up"),
        ("Hand^Foot", "HandFoot", ""),
        ("Heart^John", "HEART MR", "MR"),
        ("Do^An", "do an MR", "MR"),
    ],
)
def test_names_that_are_words_or_short_go_out_of_this_patients_texts(name, text, left):
    """What identifies wins over the vocabulary, where one word too few costs nothing."""
    result = scrubbed(minimal(PatientName=name, StudyDescription=text), CLEANING).dataset

    assert result.StudyDescription == left


def test_a_short_patient_id_goes_out_of_texts_and_local_codes():
    """1234 is too short to hold an object for, and still the patient's number."""
    source = minimal(PatientID="1234", SeriesDescription="TE 1234", StudyDescription="images 1234")

    assert b"1234" not in written(scrubbed(source, CLEANING).dataset)


def test_the_text_of_others_keeps_everyday_words():
    """Only this object's people count."""
    result = scrubbed(minimal(PatientName="Miller^Jo", StudyDescription="CT heart stone hand"), CLEANING).dataset

    assert result.StudyDescription == "CT heart stone hand"


@pytest.mark.parametrize("text", ["2021_04_03", "3.IV.21", "03-IV-2021"])
def test_odd_dates_go(text):
    """Underscores between the parts, and months in Roman figures."""
    profile = with_options(Option.CLEAN_DESCRIPTORS)

    assert not scrubbed(minimal(StudyDescription=text), profile).dataset.StudyDescription


@pytest.mark.parametrize("text", ["95 male", "M/95", "f/95"])
def test_great_ages_beside_a_sex_become_90(text):
    """As radiologists write them."""
    assert "95" not in scrubbed(minimal(StudyDescription=text), CLEANING).dataset.StudyDescription


UNMODIFIED = with_options(Option.RETAIN_LONGITUDINAL_FULL_DATES)


@pytest.mark.parametrize(("tag", "vr"), [(0x00080020, "DA"), (0x00080030, "TM"), (0x0008002A, "DT")])
@pytest.mark.parametrize("value", [b"7654321", b"123-45-6789", b"+49 30 1234", b"1234567890123456"])
def test_what_is_no_date_does_not_stay_with_the_dates(tag, vr, value):
    """Dates that stay as they are (Full Dates) are dates: no phone, and no number of a patient."""
    source = minimal()
    source[tag] = raw(tag, vr, value)

    assert value not in written(scrubbed(source, UNMODIFIED).dataset)


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00080020, "DA", b"20210403"),
        (0x00080030, "TM", b"101010.123456"),
        (0x00080030, "TM", b"10:10:10"),
        (0x0008002A, "DT", b"202104"),
        (0x0008002A, "DT", b"20210403101010.5+0200"),
    ],
)
def test_legal_dates_and_times_stay_where_dates_do(tag, vr, value):
    """A DT without its day is legal."""
    source = minimal()
    source[tag] = raw(tag, vr, value)

    assert value in written(scrubbed(source, UNMODIFIED).dataset)


@pytest.mark.parametrize("uid", [b"7654321", b"1.2.3.7654321", b"1.2.826.0.1.3680043.2.19500203"])
@pytest.mark.parametrize("tag", [0x00081150, 0x0008001A, 0x0008010C])
def test_a_uid_of_a_class_hides_no_number(tag, uid):
    """Referenced SOP Class UID and its like stay, but not with a patient's number or a date in them."""
    source = minimal(PatientID="7654321")
    source[tag] = raw(tag, "UI", uid)

    result = scrubbed(source).dataset

    assert uid not in written(result)
    assert str(result[tag].value).startswith("2.25.")


def test_a_private_class_keeps_its_uid():
    """A maker's own class says nothing about anybody."""
    source = minimal(RelatedGeneralSOPClassUID="1.2.840.113619.4.26")

    assert scrubbed(source).dataset.RelatedGeneralSOPClassUID == "1.2.840.113619.4.26"


def test_a_number_is_no_uid_where_uids_are_retained():
    """What stands in a UI without a point is something else."""
    source = minimal(FrameOfReferenceUID="1.2.3.9")
    source[0x00081195] = raw(0x00081195, "UI", b"7654321\0")

    result = scrubbed(source, with_options(Option.RETAIN_UIDS)).dataset

    assert result.FrameOfReferenceUID == "1.2.3.9"
    assert b"7654321" not in written(result)
