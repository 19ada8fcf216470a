"""Answers to STOW-RS: what we say, and what we make of what others say."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dicomweb.answers import Told, http_status, response_body, told_about
from gateway.dicomweb.part import PartOutcome
from gateway.statuses import Status

CT = "1.2.840.10008.5.1.4.1.1.2"


def _outcome(status, uid="1.2.3"):
    return PartOutcome(sop_class_uid=CT if uid else None, sop_instance_uid=uid, status=status)


GOOD, FULL, BAD = (_outcome(s) for s in (Status.SUCCESS, Status.OUT_OF_RESOURCES, Status.CANNOT_UNDERSTAND))


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], 400),
        ([GOOD], 200),
        ([GOOD, GOOD], 200),
        ([GOOD, BAD], 202),
        ([FULL, GOOD], 202),
        ([BAD], 409),
        ([FULL, BAD], 409),
        ([FULL, FULL], 503),
    ],
)
def test_the_status_of_a_request_follows_from_its_parts(outcomes, status):
    """Success only where every part is durable, come again later only where all may."""
    assert http_status(outcomes) is HTTPStatus(status)


def test_the_answer_names_each_part_once_and_holds_nothing_else():
    """Stored, failed, and what has no name; no attribute of an object but class and instance."""
    nameless = _outcome(Status.CANNOT_UNDERSTAND, uid=None)

    module = json.loads(response_body([GOOD, _outcome(Status.DATA_SET_DOES_NOT_MATCH, "1.2.4"), nameless]))

    assert module == {
        "00081190": {"vr": "UR"},
        "00081198": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [CT]},
                    "00081155": {"vr": "UI", "Value": ["1.2.4"]},
                    "00081197": {"vr": "US", "Value": [0xA900]},
                }
            ],
        },
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [CT]},
                    "00081155": {"vr": "UI", "Value": ["1.2.3"]},
                    "00081190": {"vr": "UR"},
                }
            ],
        },
        "0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0xC000]}}]},
    }


def test_our_own_answers_are_understood():
    """What we say of a part is what another of us reads."""
    assert told_about(response_body([GOOD]), "1.2.3") == Told(is_stored=True, reason=None)
    assert told_about(response_body([FULL]), "1.2.3") == Told(is_stored=False, reason=0xA700)
    assert told_about(response_body([GOOD]), "1.2.4") is None


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("1.2.3")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["00081198", "00081199", "0008119A", "00081155", "00081196", "00081197", "Value", "vr"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=400, deadline=None)
@given(answer=st.one_of(VALUES.map(lambda value: json.dumps(value).encode()), st.binary(max_size=50)))
def test_whatever_is_answered_nothing_is_raised(answer):
    """And a reason is a number of 16 bits, or none."""
    told = told_about(answer, "1.2.3")

    assert told is None or told.reason is None or 0 <= told.reason <= 0xFFFF


def test_a_value_that_cannot_be_hashed_is_no_uid():
    """A list where a UID should be, and nesting without end."""
    odd = {"00081198": {"Value": [{"00081155": {"Value": [["1.2.3"]]}}]}}

    assert told_about(json.dumps(odd).encode(), "1.2.3") is None
    assert told_about(b"[" * 100_000, "1.2.3") is None
