"""The options of PS3.15 Table E.1-1, alone and together: keeping, cleaning and shifting, and which of them wins."""

import itertools

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

from config.schema import Option
from pipeline.header.numbers import NUMBERS
from pipeline.header.outside import action_for
from pipeline.header.ps315_table import COLUMNS, ROWS
from pipeline.header.table import BASIC_ACTIONS, REQUIRED, TEMPORAL_VRS, Action, compile_rules
from tests.factories.headers import minimal, scrubbed
from tests.factories.profiles import with_options
from tests.unit.pipeline.header.test_table import PUBLIC_ROWS

MODIFIED, FULL = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES, Option.RETAIN_LONGITUDINAL_FULL_DATES
OF_THE_TABLE = [Option(name) for name in COLUMNS.values()]
GIVEN_AWAY = [
    Action.REMOVE,
    Action.EMPTY,
    Action.DUMMY,
    Action.KEYED,
    Action.UID,
    Action.CLEAN,
    Action.SHIFT,
    Action.KEEP,
]
"""From what says least to what says most."""


def expected(tag, options):
    """Read the table anew, as the standard words it: K keeps, then C, then the Basic Profile; shifted dates first."""
    basic, columns = ROWS[f"{tag:08X}"]
    asked = {Option(COLUMNS[column[0]]): column[1] for column in columns.split()}
    wanted = {option: action for option, action in asked.items() if option in options}
    if MODIFIED in wanted:
        if tag == 0x00080201:
            return Action.KEEP
        return Action.SHIFT if dictionary_VR(tag) in TEMPORAL_VRS else BASIC_ACTIONS[basic]
    if "K" in wanted.values():
        return Action.KEEP
    basic_action = Action.DUMMY if f"{tag:08X}" in REQUIRED else BASIC_ACTIONS[basic]
    if tag in NUMBERS:
        basic_action = Action.KEYED  # a keyed dummy is one way to do Z
    return Action.CLEAN if wanted else basic_action


PAIRS = [pair for pair in itertools.combinations(OF_THE_TABLE, 2) if set(pair) != {MODIFIED, FULL}]


@pytest.mark.parametrize("options", PAIRS, ids="+".join)
def test_two_options_together_do_what_the_table_says_of_both(options):
    """All pairs but the one that is a configuration error."""
    rules = compile_rules(with_options(*options))

    for tag, _basic in PUBLIC_ROWS:
        assert action_for(tag, rules) is expected(tag, options), f"{tag:08X}"


@pytest.mark.parametrize("dates", [MODIFIED, FULL])
def test_all_options_together_do_what_the_table_says(dates):
    """Everything at once, with one of the two ways to keep dates."""
    options = [option for option in OF_THE_TABLE if option not in (MODIFIED, FULL)] + [dates]
    rules = compile_rules(with_options(*options))

    for tag, _basic in PUBLIC_ROWS:
        assert action_for(tag, rules) is expected(tag, options), f"{tag:08X}"


def test_no_option_takes_away_what_another_gives():
    """Adding an option never makes an attribute say less, shifted dates excepted."""
    for option, other in itertools.permutations([option for option in OF_THE_TABLE if option is not MODIFIED], 2):
        alone, both = compile_rules(with_options(option)), compile_rules(with_options(option, other))
        for tag, _basic in PUBLIC_ROWS:
            assert GIVEN_AWAY.index(action_for(tag, both)) >= GIVEN_AWAY.index(action_for(tag, alone))


def test_allergies_are_cleaned_and_sex_and_size_stay():
    """Retain Patient Characteristics: K for numbers and codes, C for what people write."""
    source = minimal(
        PatientName="Miller^Jo",
        PatientSex="F",
        PatientSize="1.7",
        PatientAge="093Y",
        Allergies="Miller says penicillin",
    )

    result = scrubbed(source, with_options(Option.RETAIN_PATIENT_CHARACTERISTICS)).dataset

    assert (result.PatientSex, float(result.PatientSize), result.PatientAge) == ("F", 1.7, "090Y")
    assert "Miller" not in str(result.get("Allergies", ""))


def test_the_time_zone_stays_with_moved_dates_only():
    """A shift of whole days does not touch it."""
    source = minimal(TimezoneOffsetFromUTC="+0200", StudyDate="20230417", StudyTime="101530")

    moved = scrubbed(source, with_options(MODIFIED)).dataset
    gone = scrubbed(source, with_options()).dataset

    assert (moved.TimezoneOffsetFromUTC, moved.StudyTime) == ("+0200", "101530")
    assert moved.StudyDate not in ("", "20230417")
    assert "TimezoneOffsetFromUTC" not in gone


@pytest.mark.parametrize("keyword", ["StudyDescription", "SeriesDescription", "ImageComments", "ProtocolName"])
def test_descriptors_are_cleaned_not_kept(keyword):
    """Clean Descriptors has no K."""
    rules = compile_rules(with_options(Option.CLEAN_DESCRIPTORS))

    assert action_for(tag_for_keyword(keyword), rules) is Action.CLEAN
