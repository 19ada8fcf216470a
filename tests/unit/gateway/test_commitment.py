"""Requests and reports of storage commitment as data sets."""

import random
from io import BytesIO

import pydicom
import pytest
from pynetdicom.dsutils import encode

from gateway.commands import CommandFault, parse_command
from gateway.commitment import (
    WELL_KNOWN_INSTANCE,
    EncodedReport,
    IncomingReport,
    Reference,
    ReportFault,
    action_information,
    read_report,
)
from gateway.negotiation import STORAGE_COMMITMENT
from gateway.statuses import EventStatus
from tests.peers.committing import report

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
ONE, OTHER = (Reference(sop_class_uid=CT, sop_instance_uid=f"2.25.{number}") for number in (1, 2))


def _encoded(information=b"", **changes):
    values = {
        "node": "research",
        "sop_class_uid": STORAGE_COMMITMENT,
        "sop_instance_uid": WELL_KNOWN_INSTANCE,
        "event_type": 1,
        "information": information,
        "transfer_syntax": IMPLICIT,
        **changes,
    }
    return EncodedReport(**values)


def _report_of(failed, *, implicit=True):
    event_type, information = report("2.25.7", [(CT, "2.25.1"), (CT, "2.25.2")], failed)
    return _encoded(
        encode(information, implicit, True),
        event_type=event_type,
        transfer_syntax=IMPLICIT if implicit else EXPLICIT,
    )


def test_a_request_names_its_transaction_and_every_instance():
    """In Implicit VR Little Endian, as an independent reader sees it."""
    encoded = action_information("2.25.7", [ONE, OTHER])

    read = pydicom.filereader.read_dataset(BytesIO(encoded), is_implicit_VR=True, is_little_endian=True)

    assert read.TransactionUID == "2.25.7"
    assert [item.ReferencedSOPInstanceUID for item in read.ReferencedSOPSequence] == ["2.25.1", "2.25.2"]
    assert {item.ReferencedSOPClassUID for item in read.ReferencedSOPSequence} == {CT}
    assert len(read) == 2


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "explicit"])
def test_a_report_says_what_is_kept_and_what_is_not(implicit):
    """In either syntax."""
    read = read_report(_report_of({"2.25.2": 0x0112}, implicit=implicit))

    assert read.transaction_uid == "2.25.7"
    assert read.kept == {ONE}
    assert read.failed == {OTHER: 0x0112}


def test_what_is_named_as_kept_and_as_failed_is_not_kept():
    """Doubt is no commitment."""
    _, information = report("2.25.7", [(CT, "2.25.1")], {})
    _, failures = report("2.25.7", [(CT, "2.25.1")], {"2.25.1": 0x0110})
    information.FailedSOPSequence = failures.FailedSOPSequence

    read = read_report(_encoded(encode(information, True, True), event_type=2))

    assert read.kept == frozenset()
    assert read.failed == {ONE: 0x0110}


def test_a_failure_without_a_reason_is_a_failure():
    """The reason is then unknown."""
    _, information = report("2.25.7", [(CT, "2.25.1")], {"2.25.1": 0x0110})
    del information.FailedSOPSequence[0].FailureReason

    assert read_report(_encoded(encode(information, True, True), event_type=2)).failed == {ONE: None}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sop_class_uid": CT}, EventStatus.NO_SUCH_SOP_CLASS),
        ({"sop_class_uid": None}, EventStatus.NO_SUCH_SOP_CLASS),
        ({"sop_instance_uid": "1.2.3"}, EventStatus.NO_SUCH_SOP_INSTANCE),
        ({"event_type": 3}, EventStatus.NO_SUCH_EVENT_TYPE),
        ({"event_type": None}, EventStatus.NO_SUCH_EVENT_TYPE),
        ({"information": b""}, EventStatus.PROCESSING_FAILURE),
        ({"information": b"\x08\x00\x95\x11\x04\x00\x00\x00nope"}, EventStatus.PROCESSING_FAILURE),
    ],
)
def test_what_is_no_report_is_answered_with_its_status(changes, status):
    """And nothing of it counts."""
    with pytest.raises(ReportFault) as caught:
        read_report(_encoded(**changes))

    assert caught.value.status is status


def test_damaged_reports_end_in_a_status_and_never_in_another_error():
    """Two thousand times some bytes are changed or cut."""
    sound = _report_of({"2.25.2": 0x0112}).information
    dice = random.Random(11)
    statuses = []
    for _ in range(2000):
        damaged = bytearray(sound)
        for _ in range(dice.randrange(1, 6)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        try:
            read_report(_encoded(bytes(damaged[: dice.randrange(len(damaged)) + 1])))
        except ReportFault as fault:
            statuses.append(fault.status)

    assert len(statuses) > 200
    assert set(statuses) == {EventStatus.PROCESSING_FAILURE}


def test_a_report_without_end_is_not_collected():
    """Memory is bounded."""
    incoming = IncomingReport(parse_command(b"\0\0\0\x01\x02\0\0\0\0\x01"), transfer_syntax=IMPLICIT)
    chunk = memoryview(bytes(1 << 20))
    for _ in range(4):
        incoming.write(chunk)

    with pytest.raises(CommandFault):
        incoming.write(chunk)
