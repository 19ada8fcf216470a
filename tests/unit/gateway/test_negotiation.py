"""What is accepted, and what is preferred."""

from __future__ import annotations

import random

import pytest
from pydicom._uid_dict import UID_dictionary
from pynetdicom.presentation import AllStoragePresentationContexts, build_context
from pynetdicom.sop_class import _QR_CLASSES, _STORAGE_CLASSES, _UNIFIED_PROCEDURE_STEP_CLASSES

from gateway.negotiation import VERIFICATION, by_preference, is_storage, is_valid_uid, supported_contexts

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2", ".1.99"))
LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90")
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.102")
PRIVATE = "1.2.840.113619.5.2"
ELSEWHERE = "1.2.840.10008.1.2.4.94"


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("1.2", True),
        ("1.2.840.10008.1.1", True),
        ("1." + "2" * 62, True),
        ("1." + "2" * 63, False),
        ("1.2.03", True),  # breaks the rule of leading zeros; real equipment sends it
        ("", False),
        ("1", False),
        (".1.2", False),
        ("1.2.", False),
        ("1..2", False),
        ("1.2.a", False),
        ("1.2 ", False),
        ("1.2\n", False),
        ("1.٢", False),
        ("../../etc/passwd", False),
    ],
)
def test_valid_uids(value, valid):
    """Digits and dots, 64 at most, no empty component."""
    assert is_valid_uid(value) is valid


def test_every_storage_class_of_the_dictionaries_is_storage():
    """Retired ones included, which pynetdicom lacks."""
    named = {u for u, e in UID_dictionary.items() if e[1] == "SOP Class" and " Image Storage" in e[0]}

    refused = [u for u in named | set(_STORAGE_CLASSES.values()) if not is_storage(u)]

    assert len(named) > 50
    assert refused == []


@pytest.mark.parametrize(
    "uid",
    [
        *_QR_CLASSES.values(),
        *_UNIFIED_PROCEDURE_STEP_CLASSES.values(),
        "1.2.840.10008.1.20.1",  # storage commitment
        "1.2.840.10008.1.3.10",  # a DICOMDIR
        "1.2.840.10008.5.1.4.31",  # modality worklist
        "1.2.840.10008.3.1.2.3.3",  # modality performed procedure step
        "1.2.840.10008.5.1.1.9",  # a print meta class
        EXPLICIT,
        "1.2.840.10008.5.1.4.1.2.2.1 ",
        "nonsense",
    ],
)
def test_other_services_are_no_storage(uid):
    """Neither by name nor by accident."""
    assert not is_storage(uid)


@pytest.mark.parametrize("uid", ["1.2.826.0.1.3680043.9.9999", "1.2.840.10008.5.1.4.1.1.9999.1", "1.3.12.2.1107.5.9.1"])
def test_private_and_future_classes_are_storage(uid):
    """A class that no list has is no reason to refuse."""
    assert is_storage(uid)


def test_preference_is_lossless_then_uncompressed_then_private_then_lossy():
    """Whatever the order of the proposal."""
    proposed = [*LOSSY, ELSEWHERE, PRIVATE, BIG, DEFLATED, IMPLICIT, EXPLICIT, *LOSSLESS]
    random.Random(7).shuffle(proposed)

    ordered = by_preference(proposed)

    assert set(ordered[:4]) == set(LOSSLESS)
    assert ordered[4:9] == [EXPLICIT, IMPLICIT, DEFLATED, BIG, PRIVATE]
    assert set(ordered[9:13]) == set(LOSSY)
    assert ordered[13] == ELSEWHERE


def test_every_transfer_syntax_of_the_dictionary_is_taken():
    """No syntax is left out, duplicates are, and what is no UID is."""
    syntaxes = [u for u, e in UID_dictionary.items() if e[1] == "Transfer Syntax"]

    ordered = by_preference([*syntaxes, *syntaxes, "no uid"])

    assert sorted(ordered) == sorted(syntaxes)


@pytest.mark.parametrize(
    ("may_store", "may_echo", "expected"),
    [(True, True, {CT, VERIFICATION}), (True, False, {CT}), (False, True, {VERIFICATION}), (False, False, set())],
)
def test_what_a_caller_may_do_decides_what_is_supported(may_store, may_echo, expected):
    """Storage and verification are allowed one by one."""
    proposed = [build_context(CT, [EXPLICIT]), build_context(VERIFICATION, [IMPLICIT])]

    supported = supported_contexts(proposed, may_store=may_store, may_echo=may_echo)

    assert {str(context.abstract_syntax) for context in supported} == expected


def test_one_class_in_several_contexts_is_supported_once_with_all_their_syntaxes():
    """Senders propose one context per syntax; the union is offered back in our order."""
    proposed = [build_context(CT, [LOSSY[0]]), build_context(CT, [IMPLICIT]), build_context(CT, [LOSSLESS[0]])]

    (context,) = supported_contexts(proposed, may_store=True, may_echo=True)

    assert context.transfer_syntax == [LOSSLESS[0], IMPLICIT, LOSSY[0]]


def test_a_whole_catalogue_of_contexts_is_supported():
    """170 classes at once lose none."""
    supported = supported_contexts(AllStoragePresentationContexts, may_store=True, may_echo=True)

    assert len(supported) == len(AllStoragePresentationContexts)
