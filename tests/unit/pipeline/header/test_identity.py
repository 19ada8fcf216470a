"""Keyed identities: the same everywhere for the same key, unlinkable without it."""

import re
import uuid

import pytest
from pydicom.uid import UID

from config.patient_table import PatientTable
from config.schema import PatientIds
from pipeline.header.identity import (
    Identities,
    is_well_known,
    normalise_patient_id,
    patient_domain_of,
    pseudonym_of,
)
from pipeline.reasons import Held, Reason

KEY = bytes(range(32))


def test_a_public_uid_is_a_uuid_below_2_25():
    """PS3.5 B.2: 2.25. and the UUID as a decimal without leading zeros, at most 64 characters."""
    public = Identities(KEY, "echo").public_uid("1.2.3.4")

    number = uuid.UUID(int=int(public.removeprefix("2.25.")))
    assert UID(public).is_valid
    assert number.version == 8
    assert number.variant == uuid.RFC_4122


def test_identities_are_pinned():
    """A change of these values would give every known patient a second pseudonym."""
    identities = Identities(KEY, "echo")

    assert identities.public_uid("1.2.3.4") == "2.25.328634748168266314291976713165389569820"
    assert identities.pseudonym("HOSPITAL-A", "4711", prefix="SV-") == "SV-CGRJE7OEPAUYUNHJ"
    assert identities.date_shift_days("HOSPITAL-A", "4711", 365) == 74


def test_a_public_uid_depends_on_nothing_but_key_project_and_source():
    """Objects come in any order, from any node."""
    first, second = Identities(KEY, "echo"), Identities(KEY, "echo")
    for number in range(50):
        second.public_uid(f"9.9.{number}")

    assert first.public_uid("1.2.3") == second.public_uid("1.2.3") == first.public_uid("1.2.3\0")
    assert first.public_uid("1.2.3") != first.public_uid("1.2.30")
    assert first.public_uid("1.2.3") != Identities(KEY, "other").public_uid("1.2.3")
    assert first.public_uid("1.2.3") != Identities(bytes(32), "echo").public_uid("1.2.3")


@pytest.mark.parametrize("uid", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.4.1.1", ""])
def test_uids_of_the_standard_and_empty_ones_stay(uid):
    """A class, a well-known frame of reference, nothing at all."""
    assert Identities(KEY, "echo").public_uid(uid) == uid


def test_an_instance_uid_that_pretends_to_be_the_standards_is_mapped():
    """Devices have made instance UIDs below 1.2.840.10008."""
    assert not is_well_known("1.2.840.10008.5.1.4.1.1.2.20230417.4711")
    assert Identities(KEY, "echo").public_uid("1.2.840.10008.5.1.4.1.1.2.20230417.4711").startswith("2.25.")


def test_pseudonyms_differ_by_project_domain_and_id_and_cannot_be_shifted_between_them():
    """Length prefixes keep (AB, C) and (A, BC) apart."""
    identities = Identities(KEY, "echo")

    pseudonyms = {
        identities.pseudonym("AB", "C"),
        identities.pseudonym("A", "BC"),
        identities.pseudonym("", "ABC"),
        Identities(KEY, "other").pseudonym("AB", "C"),
    }

    assert len(pseudonyms) == 4
    assert all(len(pseudonym) == 16 for pseudonym in pseudonyms)


def test_a_prefix_that_makes_a_pseudonym_too_long_for_lo_is_refused():
    """(0010,0020) is an LO of at most 64 characters."""
    with pytest.raises(ValueError, match="too long"):
        Identities(KEY, "echo").pseudonym("A", "B", prefix="x" * 49)


def test_date_shifts_fill_their_range_and_never_are_zero():
    """1 … range, always at least one day back."""
    identities = Identities(KEY, "echo")

    shifts = {identities.date_shift_days("A", str(number), 7) for number in range(300)}

    assert shifts == {1, 2, 3, 4, 5, 6, 7}


def test_subkeys_differ_by_purpose_and_project():
    """What one purpose publishes must say nothing about another."""
    identities = Identities(KEY, "echo")

    assert len({identities.subkey("a"), identities.subkey("b"), Identities(KEY, "c").subkey("a"), KEY}) == 4
    assert len(identities.subkey("a")) == 32


def test_a_short_key_is_refused():
    """32 random bytes, not a password."""
    with pytest.raises(ValueError, match="needed are 32"):
        Identities(b"secret", "echo")


@pytest.mark.parametrize(
    "value",
    ["", "  ", "\0", "0", "000-00", "UNKNOWN", "unknown ", "N/A", "none", "Anonymous", "?", "-", "XXX", "x", "TEST",
     "No ID", "NULL"],
)  # fmt: skip
def test_placeholders_are_held_because_they_would_mix_patients(value):
    """Nobody's ID is everybody's ID."""
    with pytest.raises(Held) as held:
        normalise_patient_id(value, strip_leading_zeros=False)

    assert held.value.reason is Reason.NO_PATIENT_ID


@pytest.mark.parametrize(
    ("value", "strip", "normal"),
    [
        (" ab-12 ", False, "AB-12"),
        ("\uff11\uff12\uff13", False, "123"),  # full-width digits
        ("007", False, "007"),
        ("007", True, "7"),
        ("TESTER", False, "TESTER"),
        ("X1", False, "X1"),
    ],
)
def test_patient_ids_count_in_one_form(value, strip, normal):
    """NFKC, trimmed, upper case."""
    assert normalise_patient_id(value, strip_leading_zeros=strip) == normal


def test_the_domain_is_the_configured_one_then_the_issuer_then_the_node():
    """In this order, blanks not counting."""
    assert patient_domain_of("HOSPITAL-A", "ISSUER", "node") == "HOSPITAL-A"
    assert patient_domain_of(None, " ISSUER ", "node") == "ISSUER"
    assert patient_domain_of(None, " ", "node") == "node"


def test_text_digests_are_keyed_and_stable():
    """The sidecar without text can still say that two texts were equal."""
    identities = Identities(KEY, "echo")

    assert identities.text_digest("MILLER") == identities.text_digest("MILLER")
    assert identities.text_digest("MILLER") != Identities(KEY, "other").text_digest("MILLER")


def test_a_pseudonym_has_the_length_and_alphabet_that_the_profile_asks_for():
    """What is longer begins with what is shorter; 16 characters of base32 are what they always were."""
    keyed = Identities(bytes(range(32)), "p")
    short = keyed.pseudonym("A", "1", prefix="SV-")

    assert keyed.pseudonym("A", "1", prefix="SV-", length=48).startswith(short)
    assert len(keyed.pseudonym("A", "1", length=48)) == 48
    assert re.fullmatch("[0-9A-F]{20}", keyed.pseudonym("A", "1", length=20, alphabet="hex"))
    assert re.fullmatch("[0-9]{25}", keyed.pseudonym("A", "1", length=25, alphabet="digits"))
    assert keyed.pseudonym("A", "1", length=25, alphabet="digits") != keyed.pseudonym(
        "A", "2", length=25, alphabet="digits"
    )


def test_a_patient_who_is_not_in_the_table_is_held():
    """And one who is has the steward's pseudonym, whatever the key."""
    table = PatientTable(sha256="0", rows={("", "4711"): "ECHO-1"})
    how = PatientIds(method="table", file=table)
    keyed = Identities(bytes(32), "p")

    assert pseudonym_of(keyed, how, "A", "4711") == "ECHO-1"
    with pytest.raises(Held) as held:
        pseudonym_of(keyed, how, "A", "4712")
    assert held.value.reason is Reason.UNKNOWN_PATIENT
    assert "4712" not in str(held.value)
