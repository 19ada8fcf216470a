"""The table of safe private attributes: complete, and stricter where only TCIA knows an attribute."""

import collections

import pytest

from pipeline.header.private.safe import (
    ACTION_OF_VR,
    NUMBER_VRS,
    PrivateAction,
    PrivateKey,
    kept_attributes,
    safe_attributes,
)
from tests.factories.private import SAFE, SC2000, SIEMENS_MR, extra
from tests.factories.profiles import RESEARCH

STANDARD = {key: row for key, row in safe_attributes().items() if row.source == "standard"}
TCIA = {key: row for key, row in safe_attributes().items() if row.source == "tcia"}


def test_every_row_of_the_standard_is_there_with_its_action():
    """479 rows of 20 creators in edition 2026d; five without a VR, two with two."""
    assert len(STANDARD) == 479
    assert len({key.creator for key in STANDARD}) == 20
    assert sum(not row.vrs for row in STANDARD.values()) == 5
    assert sum(len(row.vrs) == 2 for row in STANDARD.values()) == 2
    assert collections.Counter(row.action for row in STANDARD.values()) == {
        PrivateAction.NUMBER: 288,
        PrivateAction.CODE: 65,
        PrivateAction.ITEMS: 55,
        PrivateAction.CLEAN: 44,
        PrivateAction.REMOVE: 20,
        PrivateAction.UID: 7,
    }


@pytest.mark.parametrize("row", STANDARD.values(), ids=[f"{key.creator} {key.element:02X}" for key in STANDARD])
def test_the_action_of_a_row_of_the_standard_is_its_vrs(row):
    """Bytes that nobody can read go; what has no VR can only be a number."""
    expected = {ACTION_OF_VR.get(vr, PrivateAction.REMOVE) for vr in row.vrs} or {PrivateAction.NUMBER}

    assert {row.action} == expected


def test_known_rows_are_what_the_standard_says():
    """One of each kind, by hand."""
    assert STANDARD[PrivateKey(0x0019, SIEMENS_MR, 0x0C)].vrs == ("IS",)
    assert STANDARD[PrivateKey(0x7E01, "HOLOGIC, Inc.", 0x12)].action is PrivateAction.REMOVE
    assert STANDARD[PrivateKey(0x2001, "Philips Imaging DD 001", 0x7D)].vrs == ("OW", "OB")
    assert STANDARD[PrivateKey(0x0129, SC2000, 0x12)].action is PrivateAction.UID
    assert STANDARD[PrivateKey(0x2005, "Philips MR Imaging DD 001", 0x0E)].name == "Scale Slope"


def test_tcia_is_believed_about_numbers_only():
    """And about the sequences that carry them."""
    assert {row.action for row in TCIA.values()} == {PrivateAction.NUMBER, PrivateAction.CARRY}
    assert all(set(row.vrs) <= set(NUMBER_VRS) for row in TCIA.values() if row.action is PrivateAction.NUMBER)


@pytest.mark.parametrize(
    "key",
    [
        (0x0009, "GEMS_IDEN_01", 0x27),  # Image Actual Date, seconds since 1970
        (0x0009, "GEMS_PETD_01", 0x05),  # Patient DateTime
        (0x0013, "SIEMENS CM VA0  CMS", 0x31),  # Patient Weight: an option of its own
        (0x2005, "Philips MR Imaging DD 004", 0x93),  # Station Number
        (0x0029, "SIEMENS CSA HEADER", 0x10),
        (0x0029, "SIEMENS CSA HEADER", 0x20),
        (0x0009, "", 0x02),
    ],
)
def test_what_is_not_known_to_be_safe_is_not_there(key):
    """Dates as numbers, characteristics, stations, blobs, blocks without a creator."""
    assert PrivateKey(*key) not in safe_attributes()


def test_no_creator_is_an_artefact():
    """The knowledge base has names of its own for blocks that had none."""
    creators = {key.creator for key in safe_attributes()}

    assert all(creator == creator.strip() and creator and creator.isascii() for creator in creators)
    assert not [creator for creator in creators if creator.startswith("Unnamed")]


def test_a_profile_keeps_none_unless_it_says_so():
    """Neither option nor line."""
    assert not kept_attributes(RESEARCH)
    assert kept_attributes(SAFE) == safe_attributes()


def test_a_line_of_the_profile_is_one_more_and_knows_what_the_table_knows():
    """Without a VR the table's counts; with one the steward's."""
    assert kept_attributes(extra("0019", SIEMENS_MR, "0C")) == {
        PrivateKey(0x0019, SIEMENS_MR, 0x0C): STANDARD[PrivateKey(0x0019, SIEMENS_MR, 0x0C)]
    }
    (own,) = kept_attributes(extra("0019", SIEMENS_MR, "0C", "DS")).values()
    assert (own.action, own.vrs, own.source) == (PrivateAction.NUMBER, ("DS",), "profile")
    (unknown,) = kept_attributes(extra("0011", "QUAVOR", "01")).values()
    assert unknown.action is PrivateAction.AS_SENT
