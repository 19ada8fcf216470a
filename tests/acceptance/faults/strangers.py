"""What a clinical PACS or a stranger does wrong, each as a function of the same name as in the table.

Rule of the file: each returns what its sender was told at last; whether the node is the worse for it is looked at
elsewhere.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress

from tests.acceptance.faults.modality import CONTEXTS, REPORT, Modality, Report, Seen, store
from tests.peers.raw import (
    A_ASSOCIATE_AC,
    ConnectionEnded,
    RawRequestor,
    associate_rq,
    explicit,
    p_data,
    raw_requestor,
    store_rq,
)

_FOUR_GB = 0xFFFF_FFF0
_DRIP_S = 0.05
_PATIENCE_S = 30
_PDU = struct.Struct(">BBL")


def _until_it_ends(peer: RawRequestor) -> Seen:
    """Wait for the node to end the association, whatever it says before."""
    peer.socket.settimeout(_PATIENCE_S)
    try:
        while peer.socket.recv(4096):
            pass
    except TimeoutError:
        raise AssertionError("the node keeps the association") from None
    except OSError:
        pass
    return Seen.NO_ANSWER


def _says(modality: Modality, *messages: bytes) -> Seen:
    """Say something in an association and wait for its end."""

    def say(peer: RawRequestor) -> Seen:
        with suppress(OSError):
            for message in messages:
                peer.socket.sendall(message)
        _until_it_ends(peer)
        raise ConnectionEnded

    return modality.talk(say)


def _instead(modality: Modality, message: bytes) -> Seen:
    """Say something instead of asking for an association."""
    with raw_requestor(modality.port) as peer:
        with suppress(OSError):
            peer.socket.sendall(message)
        return _until_it_ends(peer)


def _begin(report: Report, *, half: bool = True) -> tuple[bytes, bytes]:
    """Return the request and the first half of the data set (or all but its end)."""
    count = len(report.data_set) // 2 if half else len(report.data_set)
    return (
        p_data(1, 3, store_rq(REPORT, report.sop_instance_uid)),
        p_data(1, 0, report.data_set[:count]),
    )


def cut_within_a_pdu(modality: Modality, report: Report) -> Seen:
    """Half of a P-DATA-TF, then the connection is gone."""

    def say(peer: RawRequestor) -> Seen:
        request, half = _begin(report)
        peer.socket.sendall(request + half + half[: len(half) // 2])
        raise ConnectionEnded

    return modality.talk(say)


def abort_within_an_object(modality: Modality, report: Report) -> Seen:
    """A-ABORT instead of the rest."""

    def say(peer: RawRequestor) -> Seen:
        peer.socket.sendall(b"".join(_begin(report)))
        peer.abort()
        raise ConnectionEnded

    return modality.talk(say)


def silent_within_an_object(modality: Modality, report: Report) -> Seen:
    """Half an object, and then nothing, as where a cable was pulled."""
    return _says(modality, *_begin(report))


def half_closed(modality: Modality, report: Report) -> Seen:
    """Says everything, closes its direction, waits for the answer."""

    def say(peer: RawRequestor) -> Seen:
        peer.send_store(report.data_set, sop_class_uid=REPORT, sop_instance_uid=report.sop_instance_uid)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.status()
        return Seen.SUCCESS

    return modality.talk(say)


def _drip(peer: RawRequestor, content: bytes) -> Seen:
    deadline = time.monotonic() + _PATIENCE_S
    for number in range(len(content)):
        try:
            peer.socket.sendall(content[number : number + 1])
        except OSError:
            return Seen.NO_ANSWER
        if time.monotonic() > deadline:
            raise AssertionError("the node keeps who says a byte now and then")
        time.sleep(_DRIP_S)
    raise AssertionError("the node heard everything")


def slow_before_the_association(modality: Modality, _report: Report) -> Seen:
    """An association request, byte by byte."""
    with raw_requestor(modality.port) as peer:
        return _drip(peer, associate_rq(CONTEXTS, calling="CLINICAL", called="SONOVEIL") * 20)


def slow_within_a_pdu(modality: Modality, report: Report) -> Seen:
    """A request, then a data set in one PDU, byte by byte."""

    def say(peer: RawRequestor) -> Seen:
        peer.socket.sendall(_begin(report)[0])
        _drip(peer, p_data(1, 2, report.data_set[:1000]))
        raise ConnectionEnded

    return modality.talk(say)


def slow_in_many_pdus(modality: Modality, report: Report) -> Seen:
    """The same in PDUs of one byte: none of them is late, and the object never ends."""

    def say(peer: RawRequestor) -> Seen:
        peer.socket.sendall(_begin(report)[0])
        deadline = time.monotonic() + _PATIENCE_S
        for number in range(len(report.data_set)):
            peer.socket.sendall(p_data(1, 0, report.data_set[number : number + 1]))
            if time.monotonic() > deadline:
                raise AssertionError("the node keeps who says a byte now and then")
            time.sleep(_DRIP_S)
        raise AssertionError("the node heard everything")

    return modality.talk(say)


def three_hundred_associations(modality: Modality, report: Report) -> Seen:
    """Three hundred connections ask for one association each; the next one is told that there are too many."""
    with ExitStack() as stack:
        connections = [stack.enter_context(raw_requestor(modality.port)) for _ in range(300)]
        for peer in connections:
            with suppress(OSError):
                peer.socket.sendall(associate_rq(CONTEXTS, calling="CLINICAL", called="SONOVEIL"))
        answers = []
        for peer in connections:
            with suppress(ConnectionEnded, OSError):
                answers.append(peer.pdu()[0])
        allowed = modality.most_associations - modality.others_open
        assert 0 < answers.count(A_ASSOCIATE_AC) <= allowed, answers
        deadline = time.monotonic() + _PATIENCE_S
        while modality.talk(lambda peer: _stays(peer, stack)) is not Seen.REJECTED:  # connections are bounded too
            assert time.monotonic() < deadline, "there is no limit"
            time.sleep(_DRIP_S)
        return modality.send(report)


def _stays(peer: RawRequestor, stack: ExitStack) -> Seen:
    stack.enter_context(peer.socket.dup())  # the connection stands as long as one descriptor of it does
    raise ConnectionEnded


def garbage_before(modality: Modality, _report: Report) -> Seen:
    """Random bytes, an HTTP request, nothing."""
    dice = random.Random(1)
    with raw_requestor(modality.port):
        pass
    _instead(modality, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return _instead(modality, dice.randbytes(5000))


def garbage_after(modality: Modality, _report: Report) -> Seen:
    """Random bytes in an association."""
    return _says(modality, random.Random(2).randbytes(5000))


def huge_pdu_before(modality: Modality, _report: Report) -> Seen:
    """An association request of 4 GB."""
    return _instead(modality, _PDU.pack(1, 0, _FOUR_GB) + bytes(5000))


def huge_pdu(modality: Modality, report: Report) -> Seen:
    """A P-DATA-TF of 4 GB within an object."""
    return _says(modality, *_begin(report), _PDU.pack(4, 0, _FOUR_GB) + bytes(5000))


def huge_pdv(modality: Modality, report: Report) -> Seen:
    """A presentation data value of 4 GB in a small PDU."""
    return _says(modality, *_begin(report), _PDU.pack(4, 0, 106) + struct.pack(">LBB", _FOUR_GB, 1, 0) + bytes(100))


def huge_element(modality: Modality, report: Report) -> Seen:
    """An element that says it is 4 GB long; the object is complete as far as the network can tell."""
    element = explicit(0x0042, 0x0011, "OB", b"")[:-4] + struct.pack("<L", _FOUR_GB)
    broken = Report(
        sop_instance_uid=report.sop_instance_uid, data_set=report.data_set[: len(report.data_set) // 2] + element
    )
    modality.sent_instead[report.sop_instance_uid] = broken
    return modality.send(broken)


def wrong_context(modality: Modality, report: Report) -> Seen:
    """A C-STORE in a context that was never proposed."""
    return _says(modality, p_data(99, 3, store_rq(REPORT, report.sop_instance_uid)))


def data_before_command(modality: Modality, report: Report) -> Seen:
    """The data set first."""
    return _says(modality, p_data(1, 2, report.data_set), p_data(1, 3, store_rq(REPORT, report.sop_instance_uid)))


def command_within_data(modality: Modality, report: Report) -> Seen:
    """A second request before the first one's data set has ended."""
    request, half = _begin(report)
    return _says(modality, request, half, request)


def other_context_within_data(modality: Modality, report: Report) -> Seen:
    """The data set goes on in another context than it began in."""
    request, half = _begin(report)
    return _says(modality, request, half, p_data(3, 2, report.data_set[len(report.data_set) // 2 :]))


def same_message_id(modality: Modality, report: Report) -> Seen:
    """Two requests under one ID, the second sent before the first is answered: both are answered."""

    def say(peer: RawRequestor) -> Seen:
        for _ in range(2):
            peer.send_store(report.data_set, sop_class_uid=REPORT, sop_instance_uid=report.sop_instance_uid)
        assert [peer.status(), peer.status()] == [0, 0]
        return Seen.SUCCESS

    return modality.talk(say)


def other_uid(modality: Modality, report: Report) -> Seen:
    """The command names another object than the data set."""

    def say(peer: RawRequestor) -> Seen:
        other = Report(sop_instance_uid=f"{report.sop_instance_uid}.9", data_set=report.data_set)
        return store(peer, other)

    return modality.talk(say)


def four_at_once(modality: Modality, report: Report) -> Seen:
    """Four copies in the same moment."""
    seen: list[Seen] = []
    threads = [threading.Thread(target=lambda: seen.append(modality.send(report))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [Seen.SUCCESS] * 4
    return Seen.SUCCESS
