"""Every row of Table E.1-1 does what its letters say, under every option that the configuration accepts."""

import pytest
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from config.schema import AVAILABLE_OPTIONS, Option, Profile, TagRule
from pipeline.header.identity import Identities
from pipeline.header.numbers import NUMBERS
from pipeline.header.outside import action_for
from pipeline.header.ps315_table import COLUMNS, EDITION, ROWS
from pipeline.header.scrub import scrub_header
from pipeline.header.table import BASIC_ACTIONS, REQUIRED, Action, compile_rules
from tests.factories.profiles import RESEARCH, STRICT, with_options

SOMETHING = "Vorzibmurlek"
VALUES = {
    "AE": "VORZIBMURLEK",
    "AS": "054Y",
    "AT": 0x00100010,
    "CS": "VORZIBMURLEK",
    "DA": "20230417",
    "DS": "1.5",
    "DT": "20230417101530",
    "FD": 1.5,
    "FL": 1.5,
    "IS": "7",
    "OB": b"Vorzibmurlek",
    "OW": b"Vorzibmurlek",
    "PN": "Vorzibmurlek^Jo",
    "SL": 7,
    "SS": 7,
    "TM": "101530",
    "UI": "1.2.826.0.1.99.4711",
    "UL": 7,
    "UN": b"Vorzibmurlek",
    "UR": "https://vorzibmurlek.example",
    "US": 7,
}
ROOT = {0x00080018, 0x0020000D, 0x0020000E, 0x00100010, 0x00100020}
PUBLIC_ROWS = [
    (int(pattern, 16), basic)
    for pattern, (basic, _options) in ROWS.items()
    if all(digit in "0123456789ABCDEF" for digit in pattern)
    and dictionary_has_tag(int(pattern, 16))
    and int(pattern, 16) >> 16 >= 8
    and int(pattern, 16) not in ROOT
    and (int(pattern, 16) >> 16) not in (0xFFFA, 0xFFFC)
]


def scrubbed_with(tag, profile):
    """Scrub a minimal object that also holds this attribute, filled; return the element or None."""
    source = Dataset()
    source.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    source.SOPInstanceUID, source.StudyInstanceUID, source.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    source.PatientID = "4711"
    vr = dictionary_VR(tag).split(" or ")[0]
    if vr == "SQ":
        item = Dataset()
        item.PatientName, item.ReferencedSOPInstanceUID = "Vorzibmurlek^Jo", "1.2.826.0.1.99.4711"
        value = Sequence([item])
    else:
        value = VALUES.get(vr, SOMETHING)
    source.add(DataElement(tag, vr, value))
    identities = Identities(bytes(32), "p")
    result = scrub_header(source, profile=profile, identities=identities, patient_domain="A", node_name="n")
    return source[tag], result.dataset.get(tag)


def test_the_table_is_complete_and_of_the_edition_that_is_claimed():
    """657 rows of 2026d; every letter of it is understood."""
    assert (EDITION, len(ROWS)) == ("2026d", 657)
    assert {basic for basic, _options in ROWS.values()} == set(BASIC_ACTIONS)
    assert {column for _basic, options in ROWS.values() for column in options.split()} <= {
        letter + action for letter in COLUMNS for action in "KC"
    }
    assert set(COLUMNS.values()) <= {option.value for option in Option}


@pytest.mark.parametrize(
    ("tag", "basic"), PUBLIC_ROWS, ids=lambda value: f"{value:08X}" if isinstance(value, int) else ""
)
def test_a_row_does_what_its_basic_action_says(tag, basic):
    """Removed, emptied, or filled with something legal that is not what stood there."""
    before, after = scrubbed_with(tag, STRICT)

    action = Action.DUMMY if f"{tag:08X}" in REQUIRED else BASIC_ACTIONS[basic]
    if action is Action.REMOVE or tag == 0x00081110:  # Referenced Study Sequence: Type 3 in a root, not left empty
        assert after is None
    elif tag in NUMBERS:
        assert len(after.value) == 16
        assert after.VR == before.VR
    elif action is Action.EMPTY:
        assert after.is_empty
        assert after.VR == before.VR
    elif after is None:
        assert before.VR in ("SQ", "UN")  # optional wherever the object is let through
    else:
        assert not after.is_empty
        assert after != before
        assert after.VR == before.VR
        assert after.VM == before.VM or dictionary_VM(tag) != "1"
    assert SOMETHING.lower() not in str(after).lower()


@pytest.mark.parametrize("option", sorted(option for option in AVAILABLE_OPTIONS if option.value in COLUMNS.values()))
def test_an_option_keeps_the_rows_of_its_column_and_changes_no_other(option):
    """K keeps, C cleans, and of dates shifts; everything else is as without the option."""
    letter = next(letter for letter, name in COLUMNS.items() if name == option.value)
    plain, rules = compile_rules(STRICT), compile_rules(with_options(option))

    for tag, _basic in PUBLIC_ROWS:
        columns = ROWS[f"{tag:08X}"][1].split()
        action = action_for(tag, rules)
        if f"{letter}K" in columns:
            assert action is Action.KEEP
        elif f"{letter}C" in columns and letter == "M":
            vr = dictionary_VR(tag)
            assert action is (Action.SHIFT if vr in ("DA", "DT", "TM") else action_for(tag, plain)) or vr == "SH"
        elif f"{letter}C" in columns:
            assert action is Action.CLEAN
        else:
            assert action is action_for(tag, plain)


def test_shifted_dates_win_over_kept_ones():
    """One calibration date left as it was would give the patient's shift away."""
    rules = compile_rules(with_options(Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_LONGITUDINAL_MODIFIED_DATES))

    assert action_for(0x00181200, rules) is Action.SHIFT


@pytest.mark.parametrize(
    "tag",
    [
        0x00190010,  # a private creator
        0x00191001,  # a private element
        0x00080000,  # a group length
        0x00080203,  # in no dictionary
        0x50000010,  # a curve
        0x60003000,  # an overlay
        0x60020010,  # rows of another overlay
        0x4FFE0001,  # MAC parameters
        0xFFFAFFFA,  # digital signatures
        0xFFFCFFFC,  # trailing padding
        0x7FE00010,  # pixel data are the caller's
        0x04000561,  # original attributes
        0x00880200,  # an icon image
        0x00020016,  # file meta
        0x00041220,  # a directory record
    ],
)
@pytest.mark.parametrize("profile", [STRICT, RESEARCH], ids=["strict", "research"])
def test_what_no_profile_keeps_is_removed(tag, profile):
    """Whole groups and everything that nobody knows."""
    assert action_for(tag, compile_rules(profile)) is Action.REMOVE


@pytest.mark.parametrize("keyword", ["Rows", "PixelSpacing", "ImageType", "KVP", "CodeValue"])
def test_what_makes_an_image_usable_stays(keyword):
    """Geometry, acquisition, codes."""
    assert action_for(tag_for_keyword(keyword), compile_rules(STRICT)) is Action.KEEP


@pytest.mark.parametrize("keyword", ["Manufacturer", "ManufacturerModelName", "LUTExplanation", "SequenceName"])
def test_short_text_outside_the_table_is_cleaned_under_every_profile(keyword):
    """Whoever wants to smuggle a name out has two hundred attributes of this kind."""
    assert action_for(tag_for_keyword(keyword), compile_rules(STRICT)) is Action.CLEAN


@pytest.mark.parametrize("keyword", ["DetectorDescription", "InterventionDescription", "DetectorMode"])
def test_prose_outside_the_table_is_cleaned_only_where_descriptors_are(keyword):
    """Without the option it goes."""
    tag = tag_for_keyword(keyword)
    assert action_for(tag, compile_rules(STRICT)) is Action.REMOVE
    assert action_for(tag, compile_rules(with_options(Option.CLEAN_DESCRIPTORS))) is Action.CLEAN


@pytest.mark.parametrize("tag", [0x00100033, 0x00100035, 0x00102295, 0x00181803, 0x04000500, 0x0040A390, 0x4010101A])
def test_what_the_table_forgets_and_names_somebody_is_removed(tag):
    """Birth in another calendar, a breeder's number, an address, sealed originals, a boarding pass."""
    assert action_for(tag, compile_rules(RESEARCH)) is Action.REMOVE


def test_rules_of_a_profile_are_compiled_once():
    """The same profile gives the same object; a rule of its own gives another."""
    ruled = Profile(name="strict", rules=(TagRule(tag="Manufacturer", action="remove"),))

    assert compile_rules(STRICT) is compile_rules(STRICT)
    assert action_for(0x00080070, compile_rules(ruled)) is Action.REMOVE
