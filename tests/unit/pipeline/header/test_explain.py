"""Which rule decided: what is said must be what the engine does, for every attribute under every option."""

from itertools import combinations

import pytest
from pydicom.dataelem import DataElement

from config.schema import AVAILABLE_OPTIONS, Option, PrivateTags, Profile, TagRule
from pipeline.header.decoding import UNDECODABLE, silent_decoding
from pipeline.header.explain import doubt, listed_tags, private_ruling, ruling, why
from pipeline.header.private.safe import PrivateAction, safe_attributes
from pipeline.header.ps315_table import COLUMNS, ROWS
from pipeline.header.table import BASIC_ACTIONS, REQUIRED, Action, compile_rules
from tests.factories.headers import minimal, scrubbed
from tests.factories.profiles import RESEARCH, STRICT, with_options

IDENTIFIERS = scrubbed(minimal(PatientName="Vorzibmurdax^Quatyn")).identifiers
EXCLUSIVE = {Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_LONGITUDINAL_MODIFIED_DATES}
PAIRS = [pair for pair in combinations(sorted(AVAILABLE_OPTIONS), 2) if set(pair) != EXCLUSIVE]
SINGLE = [()] + [(option,) for option in sorted(AVAILABLE_OPTIONS)]


@pytest.mark.parametrize("options", SINGLE + PAIRS, ids="+".join)
def test_the_column_that_is_named_is_the_one_that_decided(options):
    """No column named: the basic action. K named: kept. C named: cleaned or moved."""
    profile = with_options(*options)
    rules = compile_rules(profile)
    for tag in rules.by_tag:
        row = ROWS.get(f"{tag:08X}")
        said = why(tag, profile)
        if row is None or not said.startswith("E.1-1") or "removed" in said:
            continue
        _, _, column = said.partition(", ")
        if column.startswith("accession_number"):
            assert rules.by_tag[tag] is Action.KEYED, said
        elif column.startswith("but filled"):
            assert (rules.by_tag[tag], f"{tag:08X}" in REQUIRED) == (Action.DUMMY, True), said
        elif not column:
            assert rules.by_tag[tag] in {BASIC_ACTIONS[row[0]], Action.REMOVE}, said
        elif column.split(";", maxsplit=1)[0].endswith(" K"):
            assert rules.by_tag[tag] is Action.KEEP, said
        else:
            assert rules.by_tag[tag] in {Action.CLEAN, Action.SHIFT, Action.KEEP, BASIC_ACTIONS[row[0]]}, said
        for name in COLUMNS.values():
            assert name not in column or name in options


def test_every_attribute_of_the_dictionary_has_a_rule_and_the_engine_s_action():
    """And nobody is told of an option that the profile does not have."""
    for tag in listed_tags(RESEARCH, every=True):
        decided = ruling(tag, RESEARCH)

        assert decided.rule
        assert "retain_uids" not in decided.rule


CASES = {
    "a row of the table": (0x00080090, 0, "E.1-1 (2026d) Z"),
    "a number that the profile keys": (0x00080050, 0, "E.1-1 (2026d) Z, accession_number: keyed"),
    "a row that an option overrules": (0x00100040, 0, "E.1-1 (2026d) Z, retain_patient_characteristics K"),
    "a date": (0x00080020, 0, "E.1-1 (2026d) Z, retain_longitudinal_modified_dates C"),
    "outside the table": (0x00280010, 0, "outside the table: by VR US and meaning"),
    "private": (0x00091001, 0, "E.1-1 (2026d) private attributes X"),
    "an overlay": (0x60003000, 0, "E.1-1 (2026d) 60xx X: curves and overlays go as whole groups"),
    "in no dictionary": (0x00080203, 0, "in no dictionary"),
    "group length": (0x00080000, 0, "group length, command or file meta: never copied"),
    "the pseudonym": (0x00100020, 0, "set by the product: the pseudonym"),
    "a Patient ID in an item": (0x00100020, 1, "E.1-1 (2026d) Z/D"),
    "an earlier claim in an item": (0x00120063, 1, "a claim of an earlier de-identification: removed"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rule_is_said_in_words(case):
    """Edition, basic action, and the option that decided."""
    tag, depth, said = CASES[case]

    assert why(tag, RESEARCH, depth=depth).startswith(said)


def test_a_safe_private_attribute_says_by_whom_it_is_known():
    """And an unknown creator, who may be anybody, is not repeated."""
    keeping = Profile(name="own", options=(Option.RETAIN_SAFE_PRIVATE,), private_tags=PrivateTags(keep_safe=True))
    key = next(key for key, one in safe_attributes().items() if one.source == "standard" and one.name)
    tag = key.group << 16 | 0x1000 | key.element

    known = private_ruling(tag, key.creator, keeping)
    unknown = private_ruling(tag, "VORZIBMURDAX", keeping)

    assert "E.3.10-1" in known.rule
    assert key.creator in known.name
    assert unknown.action is private_ruling(tag, key.creator, RESEARCH).action is PrivateAction.REMOVE
    assert "VORZIB" not in repr(unknown)


def test_a_rule_of_the_profile_is_named_by_its_place():
    """As the configuration's own messages name it."""
    profile = Profile(name="own", rules=(TagRule(tag="Modality", action="keep"), TagRule(tag="KVP", action="empty")))

    assert why(0x00180060, profile) == "rules[1] of the profile: empty"
    assert ruling(0x00180060, profile).action is Action.EMPTY


def test_a_ruled_patient_name_is_not_said_to_be_the_pseudonym():
    """The scrubber leaves it to the rule then."""
    profile = Profile(name="own", rules=(TagRule(tag="PatientName", action="empty"),))

    assert why(0x00100010, profile) == "rules[0] of the profile: empty"


DOUBTS = {
    "undecodable": (0x00180060, Action.KEEP, None, "no value of its VR"),
    "a partial date": (0x00080020, Action.SHIFT, ("DA", "202304"), "legal date"),
    "text in a number": (0x00280010, Action.KEEP, ("LO", "wide"), "dictionary's"),
    "a name": (0x00180022, Action.KEEP, ("CS", "VORZIBMURDAX"), "repeats an identifier"),
    "prose in a code": (0x00180022, Action.KEEP, ("CS", "a" * 17), "not a legal value"),
    "an old age": (0x00101010, Action.KEEP, ("AS", "095Y"), "over 89"),
    "nothing": (0x00180022, Action.KEEP, ("CS", "PFF"), ""),
}


@pytest.mark.parametrize("case", DOUBTS)
def test_doubt_is_said_without_the_value(case):
    """Why something that might have stayed did not."""
    tag, action, value, said = DOUBTS[case]
    with silent_decoding():
        element = UNDECODABLE if value is None else DataElement(tag, *value)

    found = doubt(tag, action, element, IDENTIFIERS)

    assert said in found
    assert bool(said) == bool(found)
    assert "vorzib" not in found.lower()


def test_listed_tags_without_every_are_the_table_and_the_rules():
    """With it, Rows too."""
    assert 0x00280010 not in listed_tags(STRICT, every=False)
    assert 0x00280010 in listed_tags(STRICT, every=True)
    assert 0x00080050 in listed_tags(STRICT, every=False)
