"""What the receiver answers when it does not store: associations rejected, statuses, nothing left behind."""

from __future__ import annotations

import struct
import threading
from datetime import timedelta

import pytest
from pynetdicom.dul import DULServiceProvider

from config.gateway import Timeouts
from gateway.intake import IntakeFailed, OutOfResources
from gateway.transport import QuickProvider
from tests.peers.programs import wait_until
from tests.peers.raw import (
    EXPLICIT_LITTLE,
    ConnectionEnded,
    associate_rq,
    p_data,
    raw_requestor,
    small_object,
    store_rq,
)
from tests.peers.receiving import FolderIntake, clinical_node, loopback_listener, receiving

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
VERIFICATION = "1.2.840.10008.1.1"
STORAGE = [(CT, [EXPLICIT_LITTLE])]
CALLING, CALLED, LIMIT = (1, 1, 3), (1, 1, 7), (2, 3, 2)


@pytest.fixture
def intake(tmp_path):
    """Return an intake in a folder of its own."""
    return FolderIntake(folder=tmp_path)


def _raising(error: BaseException):
    def refuse() -> None:
        raise error

    return refuse


@pytest.mark.parametrize(
    ("node", "calling", "called", "contexts", "rejection"),
    [
        ({}, "STRANGER", "SONOVEIL", STORAGE, CALLING),
        ({}, "clinical", "SONOVEIL", STORAGE, CALLING),
        ({"host": ("10.1.2.3",)}, "CLINICAL", "SONOVEIL", STORAGE, CALLING),
        ({"host": ("no-such-host.invalid",)}, "CLINICAL", "SONOVEIL", STORAGE, CALLING),
        ({"allow_store": False}, "CLINICAL", "SONOVEIL", STORAGE, CALLING),
        (
            {"allow_store": False, "allow_echo": False},
            "CLINICAL",
            "SONOVEIL",
            [(VERIFICATION, [EXPLICIT_LITTLE])],
            CALLING,
        ),
        ({}, "CLINICAL", "OTHER", STORAGE, CALLED),
        ({}, "CLINICAL", "SONOVEIL", STORAGE, None),
        ({"host": ("localhost",)}, "CLINICAL", "SONOVEIL", STORAGE, None),
        ({"allow_store": False}, "CLINICAL", "SONOVEIL", [(VERIFICATION, [EXPLICIT_LITTLE])], None),
    ],
    ids=[
        "unknown caller",
        "case of the AE title",
        "other host",
        "host that cannot be resolved",
        "no allow_store",
        "neither store nor echo",
        "called AE title",
        "admitted",
        "admitted by host name",
        "echo only",
    ],
)
def test_associations_are_rejected_with_result_source_and_reason(*, intake, node, calling, called, contexts, rejection):
    """The three numbers of PS3.8 Table 9-21 say why."""
    with (
        receiving(intake, nodes={"clinical": clinical_node(**node)}) as receiver,
        raw_requestor(receiver.port) as peer,
    ):
        answer = peer.associate(contexts, calling=calling, called=called)

    assert answer.rejection == rejection


def test_an_association_beyond_the_limit_is_rejected_and_a_freed_place_is_used_again(intake):
    """The limit counts associations, and counting goes down as well as up."""
    listener = loopback_listener(max_associations=1)

    with receiving(intake, listener=listener) as receiver:
        with raw_requestor(receiver.port) as first, raw_requestor(receiver.port) as second:
            assert first.associate(STORAGE).rejection is None
            assert second.associate(STORAGE).rejection == LIMIT
            first.release()
        wait_until(lambda: receiver.associations == 0, what="the first association to end")
        with raw_requestor(receiver.port) as third:
            assert third.associate(STORAGE).rejection is None


def test_storage_over_an_echo_only_association_is_not_possible(intake):
    """A caller that may only echo cannot store under the verification context either."""
    nodes = {"clinical": clinical_node(allow_store=False)}

    with receiving(intake, nodes=nodes) as receiver, raw_requestor(receiver.port) as peer:
        answer = peer.associate([(VERIFICATION, [EXPLICIT_LITTLE]), *STORAGE])
        status = peer.store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3", context=1)

    assert (answer.accepted[1][0], answer.accepted[3][0]) == (0, 3)
    assert status == 0xC000
    assert intake.arrivals == []


@pytest.mark.parametrize(
    ("command", "data_set", "status"),
    [
        ((CT, "1.2.3"), (CT, "1.2.4"), 0xA900),
        ((CT, "1.2.3"), (MR, "1.2.3"), 0xA900),
        ((CT, "1.2.x"), (CT, "1.2.x"), 0x0117),
        ((CT, "1..2"), (CT, "1..2"), 0x0117),
        ((CT, "1." * 32 + "1"), (CT, "1." * 32 + "1"), 0x0117),
        (("../etc", "1.2.3"), (CT, "1.2.3"), 0x0117),
        ((CT, None), (CT, "1.2.3"), 0xC000),
        ((None, "1.2.3"), (CT, "1.2.3"), 0xC000),
    ],
    ids=[
        "other instance",
        "other class",
        "letters",
        "empty component",
        "too long",
        "class is no UID",
        "no instance",
        "no class",
    ],
)
def test_commands_and_data_sets_that_do_not_fit_get_their_status(intake, command, data_set, status):
    """Each fault has its own status; nothing is kept, and the association goes on."""
    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        bad = peer.store(small_object(*data_set), sop_class_uid=command[0], sop_instance_uid=command[1])
        good = peer.store(small_object(CT, "1.9"), sop_class_uid=CT, sop_instance_uid="1.9", message_id=2)
        peer.release()

    assert bad == status
    assert good == 0x0000
    assert [arrival.sop_instance_uid for _, arrival in intake.arrivals] == ["1.9"]
    assert intake.parts() == []


def test_a_command_that_announces_no_data_set_cannot_be_understood(intake):
    """A C-STORE without an object is answered at once."""
    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        peer.socket.sendall(p_data(1, 3, store_rq(CT, "1.2.3", has_data_set=False)))

        assert peer.status() == 0xC000


@pytest.mark.parametrize(
    "data_set",
    [b"\xff" * 3000, b"", b"garbage that is no data set at all", small_object(CT, "1.2.3")[:30]],
    ids=["bytes", "nothing", "text", "cut in the first elements"],
)
def test_garbage_is_acknowledged_as_unreadable_and_nothing_at_all_is_refused(intake, data_set):
    """A PACS that holds a damaged object would otherwise send it for ever."""
    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        status = peer.store(data_set, sop_class_uid=CT, sop_instance_uid="1.2.3")

    if not data_set:
        assert status == 0xC000
        assert intake.arrivals == []
        return
    assert status == 0x0000
    ((path, arrival),) = intake.arrivals
    assert not arrival.readable
    assert arrival.patient_id is None
    assert path.read_bytes().endswith(data_set)


@pytest.mark.parametrize("place", ["before_open", "before_write", "before_commit"])
@pytest.mark.parametrize(
    "error",
    [OutOfResources(), IntakeFailed(), OSError(28, "No space left on device"), ZeroDivisionError()],
    ids=["out of resources", "intake failed", "disk full", "fault"],
)
def test_whatever_breaks_in_the_intake_is_a_failure_status_and_leaves_no_file(intake, place, error):
    """Never success, never silence; the next object is stored as soon as it works again."""
    setattr(intake, place, _raising(error))

    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        data_set = small_object(CT, "1.2.3", pixel_bytes=300_000)
        failed = peer.store(data_set, sop_class_uid=CT, sop_instance_uid="1.2.3")
        setattr(intake, place, lambda: None)
        parts = intake.parts()
        stored = peer.store(data_set, sop_class_uid=CT, sop_instance_uid="1.2.3", message_id=2)

    assert failed == 0xA700
    assert parts == []
    assert stored == 0x0000


@pytest.mark.parametrize("ending", ["abort", "close", "half a PDU"])
def test_an_object_that_is_cut_leaves_no_part_file(intake, ending):
    """Abort, closed connection or silence inside a PDU: the part file goes and nothing is committed."""
    listener = loopback_listener(timeouts=Timeouts(dimse=timedelta(seconds=1)))

    with receiving(intake, listener=listener) as receiver:
        with raw_requestor(receiver.port) as peer:
            peer.associate(STORAGE)
            data_set = small_object(CT, "1.2.3", pixel_bytes=300_000)
            peer.send_store(data_set, sop_class_uid=CT, sop_instance_uid="1.2.3", last=False)
            wait_until(intake.parts, what="the object to begin")
            if ending == "abort":
                peer.abort()
            elif ending == "half a PDU":
                peer.socket.sendall(p_data(1, 0, bytes(1000))[:500])
                wait_until(lambda: not intake.parts(), what="the stalled peer to be cut", seconds=10)
        wait_until(lambda: not intake.parts() and receiver.associations == 0, what="the association to end")

    assert intake.arrivals == []


def test_a_peer_that_stops_between_two_fragments_is_cut(intake):
    """Complete PDUs and then silence inside an object end by the DIMSE timeout, not by the idle one."""
    listener = loopback_listener(timeouts=Timeouts(dimse=timedelta(seconds=1), idle=timedelta(minutes=10)))

    with receiving(intake, listener=listener) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        peer.send_store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3", last=False)
        wait_until(intake.parts, what="the object to begin")
        wait_until(lambda: not intake.parts(), what="the silent peer to be cut", seconds=10)

    assert intake.arrivals == []


@pytest.mark.parametrize(
    "nonsense",
    [
        p_data(1, 3, b"\xff" * 100),
        p_data(1, 2, b"data without a command"),
        p_data(99, 3, store_rq(CT, "1.2.3")),
        p_data(1, 3, struct.pack("<HHLH", 0, 0x0100, 2, 0x0020)),
        struct.pack(">BBL", 4, 0, 0xFFFF_FFFF),
        struct.pack(">BBL", 200, 0, 4) + bytes(4),
    ],
    ids=["no command set", "no command", "context not accepted", "C-FIND", "4 GB announced", "unknown PDU"],
)
def test_nonsense_ends_its_association_and_disturbs_nobody_else(intake, nonsense):
    """A peer that cannot be followed is aborted; a neighbour goes on storing."""
    with receiving(intake) as receiver, raw_requestor(receiver.port) as bad, raw_requestor(receiver.port) as good:
        bad.associate(STORAGE)
        good.associate(STORAGE)
        bad.socket.sendall(nonsense)
        status = good.store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3")
        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            bad.status()

    assert status == 0x0000
    assert intake.parts() == []


def test_a_stranger_cannot_ask_for_memory_before_it_is_known(intake):
    """An association request of 100 MB is not read."""
    request = associate_rq(STORAGE, calling="CLINICAL", called="SONOVEIL")

    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        peer.socket.sendall(request[:2] + struct.pack(">L", 100_000_000) + request[6:])
        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            peer.pdu()


def test_peers_that_go_before_they_associate_leave_no_thread(intake):
    """A port scan holds nothing until a timeout."""
    with receiving(intake) as receiver:
        before = threading.active_count()
        for _ in range(10):
            with raw_requestor(receiver.port):
                pass
        with raw_requestor(receiver.port) as peer:
            assert peer.associate(STORAGE).rejection is None
            peer.release()
        wait_until(lambda: threading.active_count() <= before, what="the threads to end", seconds=5)


def test_nothing_a_peer_says_stands_in_the_log(intake, capfd):
    """Rejections, refusals and faults are logged without UIDs, names or AE titles of the peer."""
    intake.before_commit = _raising(ValueError("PLANTED-ID"))

    with receiving(intake) as receiver:
        with raw_requestor(receiver.port) as peer:
            peer.associate(STORAGE)
            peer.store(small_object(CT, "1.2.77777"), sop_class_uid=CT, sop_instance_uid="1.2.77777")
            peer.store(small_object(CT, "1.2.77777"), sop_class_uid=CT, sop_instance_uid="1.2.88888")
            peer.socket.sendall(p_data(1, 3, b"PLANTED-ID" * 10))
            with pytest.raises((ConnectionEnded, ConnectionResetError)):
                peer.status()
        with raw_requestor(receiver.port) as peer:
            peer.associate(STORAGE, calling="PLANTED-AE")

    written = "".join(capfd.readouterr())
    assert "association_rejected" in written
    assert "store_refused" in written
    assert "PLANTED" not in written
    assert "77777" not in written
    assert "88888" not in written


def test_a_request_that_comes_when_the_wait_for_it_is_over_holds_nothing(intake, monkeypatch):
    """Nobody answers it; its connection is closed and its threads end."""
    received = []

    def too_late(self, wait=False, timeout=None):  # noqa: FBT002  the signature of pynetdicom
        received.append(DULServiceProvider.receive_pdu(self, wait, timeout))

    with receiving(intake) as receiver:
        before = threading.active_count()
        monkeypatch.setattr(QuickProvider, "receive_pdu", too_late)
        with raw_requestor(receiver.port) as peer, pytest.raises((ConnectionEnded, ConnectionResetError)):
            peer.associate(STORAGE)
        wait_until(lambda: threading.active_count() <= before, what="the threads to end", seconds=5)

    assert received[0] is not None, "the request had come"


def test_a_message_belongs_to_one_presentation_context(intake):
    """A data set that goes on in another context than its command's is not stored."""
    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate([*STORAGE, (MR, [EXPLICIT_LITTLE])])
        peer.send_store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3", last=False)
        peer.socket.sendall(p_data(3, 2, bytes(100)))

        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            peer.status()

    assert intake.arrivals == []
    assert intake.parts() == []


def _drip(peer):
    pause = threading.Event()
    for _ in range(600):
        peer.socket.sendall(p_data(1, 0, b"\0"))
        pause.wait(0.02)


def test_a_peer_that_drips_in_small_pdus_is_cut(intake):
    """No single PDU is late, but the object would hold its place for ever."""
    listener = loopback_listener(timeouts=Timeouts(dimse=timedelta(seconds=1)))

    with receiving(intake, listener=listener) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        peer.send_store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3", last=False)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            _drip(peer)
        wait_until(lambda: not intake.parts(), what="the part file to go", seconds=5)

    assert intake.arrivals == []


def test_a_command_without_end_is_cut_like_a_data_set_without_end(intake):
    """Half a command and then silence ends by the DIMSE timeout, not by the idle one."""
    timeouts = Timeouts(dimse=timedelta(seconds=1), idle=timedelta(minutes=10))

    listener = loopback_listener(timeouts=timeouts)
    with receiving(intake, listener=listener) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        peer.socket.sendall(p_data(1, 1, store_rq(CT, "1.2.3")[:20]))

        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            peer.status()


def test_an_abort_from_a_source_that_does_not_exist_ends_the_association_only(intake, capfd):
    """What pynetdicom does not let one say ends no thread with a traceback."""
    with receiving(intake) as receiver:
        before = threading.active_count()
        with raw_requestor(receiver.port) as peer:
            peer.associate(STORAGE)
            peer.socket.sendall(struct.pack(">BBL", 7, 0, 4) + bytes([0, 0, 72, 9]))
            with pytest.raises((ConnectionEnded, ConnectionResetError)):
                peer.status()
        wait_until(lambda: threading.active_count() <= before, what="the threads to end", seconds=5)

    written = "".join(capfd.readouterr())
    assert "pdu_refused" in written
    assert "Traceback" not in written
