"""The sender's own reading and writing: odd answers, several requests at a time, probes, and what is there already."""

from __future__ import annotations

import hashlib
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from config.gateway import Node
from gateway import part10
from gateway.deliveries import ClaimedDelivery
from gateway.existing import ExistingCheck
from gateway.forward import OutcomeKind, Outgoing, Sender, target_of
from gateway.negotiation import VERIFICATION
from gateway.requestor import Failure
from tests.peers import by_hand, dcmtk
from tests.peers.archive import dcmqrscp
from tests.peers.by_hand import A_RELEASE_RQ
from tests.peers.orthanc import orthanc
from tests.peers.programs import free_port
from tests.peers.raw import EXPLICIT_LITTLE, p_data, small_object
from tests.peers.receiving import LOOPBACK
from tests.peers.recording import recording_scp

if TYPE_CHECKING:
    from pathlib import Path

    from tests.peers.by_hand import Request

CT = "1.2.840.10008.5.1.4.1.1.2"


def _node(port: int, *, timeout_s: float = 10) -> Node:
    return Node(ae_title="RESEARCH", host=(LOOPBACK,), port=port, timeout=timedelta(seconds=timeout_s))


def _sender(port: int, *, timeout_s: float = 10) -> Sender:
    return Sender("research", _node(port, timeout_s=timeout_s), calling_ae_title="SONOVEIL")


def _objects(folder: Path, count: int, *, pixel_bytes: int = 64) -> list[Outgoing]:
    made = []
    for number in range(1, count + 1):
        uid = f"1.2.3.{number}"
        head = part10.head(sop_class_uid=CT, sop_instance_uid=uid, transfer_syntax_uid=EXPLICIT_LITTLE)
        path = folder / f"{number}.dcm"
        path.write_bytes(head + small_object(CT, uid, pixel_bytes=pixel_bytes))
        made.append(
            Outgoing(
                path=path,
                sop_class_uid=CT,
                sop_instance_uid=uid,
                transfer_syntax_uid=EXPLICIT_LITTLE,
                token=str(number),
            )
        )
    return made


def _sha256(outgoing: Outgoing) -> str:
    with outgoing.path.open("rb") as file:
        file.seek(part10.data_set_offset(file))
        return hashlib.sha256(file.read()).hexdigest()


# Answers that are not one response in one PDU


def _in_two_pdus(connection: socket.socket, waiting: list[Request]) -> None:
    request = waiting.pop()
    response = request.response()
    connection.sendall(p_data(request.context, 1, response[:20]) + p_data(request.context, 3, response[20:]))


def _in_two_writes(connection: socket.socket, waiting: list[Request]) -> None:
    answer = waiting.pop().answer()
    connection.sendall(answer[:9])
    time.sleep(0.05)
    connection.sendall(answer[9:])


def _released_behind(connection: socket.socket, waiting: list[Request]) -> None:
    answer = waiting.pop().answer()
    connection.sendall(answer + b"\5\0\0\0\0\4" + bytes(4))  # and A-RELEASE-RQ, in one segment


@pytest.mark.parametrize("answer", [_in_two_pdus, _in_two_writes, _released_behind])
def test_an_odd_answer_is_understood_all_the_same(tmp_path, answer):
    """Several objects, so that what was left of one answer would be seen with the next."""
    objects = _objects(tmp_path, 4)

    with by_hand.by_hand(answer) as peer, _sender(peer.port) as sender:
        outcomes = []
        for outgoing in objects:
            outcomes += sender.send([outgoing])
            time.sleep(0.3 if answer is _released_behind else 0)

    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.SENT] * 4
    assert [request.sha256 for request in peer.requests] == [_sha256(outgoing) for outgoing in objects]


def _aborts(connection: socket.socket, waiting: list[Request]) -> None:
    waiting.pop()
    by_hand.abort(connection)


def _releases(connection: socket.socket, waiting: list[Request]) -> None:
    waiting.pop()
    by_hand.release(connection)


def _closes(connection: socket.socket, waiting: list[Request]) -> None:
    waiting.pop()
    connection.shutdown(socket.SHUT_RDWR)


def _answers_another(connection: socket.socket, waiting: list[Request]) -> None:
    request = waiting.pop()
    connection.sendall(p_data(request.context, 3, request.response(message_id=request.message_id + 7)))


def _says_nothing(_connection: socket.socket, waiting: list[Request]) -> None:
    waiting.pop()


def _drips(connection: socket.socket, waiting: list[Request]) -> None:
    for byte in waiting.pop().answer():
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_aborts, Failure.ABORTED),
        (_releases, Failure.ABORTED),
        (_closes, Failure.ABORTED),
        (_answers_another, Failure.BAD_ANSWER),
        (_says_nothing, Failure.TIMEOUT),
        (_drips, Failure.TIMEOUT),
    ],
)
def test_what_is_no_answer_is_later_and_ends_the_association(tmp_path, answer, why):
    """Within the timeout, which a release or an abort does not use up; the next object begins anew."""
    first, second = _objects(tmp_path, 2)

    def only_first(connection, waiting):
        (answer if waiting[-1].number == 1 else by_hand.answer_each)(connection, waiting)

    with (
        by_hand.by_hand(only_first) as peer,
        _sender(peer.port, timeout_s=1 if why is Failure.TIMEOUT else 30) as sender,
    ):
        begun = time.monotonic()
        outcomes = [*sender.send([first]), *sender.send([second])]
        took = time.monotonic() - begun

    assert [(outcome.kind, outcome.why) for outcome in outcomes] == [(OutcomeKind.LATER, why), (OutcomeKind.SENT, None)]
    assert [request.association for request in peer.requests] == [1, 2]
    assert took < 25


# Several requests at a time


def _answer_backwards(size: int):
    def answer(connection: socket.socket, waiting: list[Request]) -> None:
        if len(waiting) == size:
            connection.sendall(b"".join(request.answer() for request in reversed(waiting)))
            waiting.clear()

    return answer


def test_a_target_that_allows_it_is_sent_several_before_it_answers(tmp_path):
    """Four at a time, answered backwards: each outcome is that of its object, and none is sent twice."""
    objects = _objects(tmp_path, 13, pixel_bytes=40_000)

    with by_hand.by_hand(_first_alone(_answer_backwards(4)), window=4) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(objects))

    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}
    assert sorted(outcome.token for outcome in outcomes) == sorted(outgoing.token for outgoing in objects)
    assert peer.most_open == 4
    assert [request.sha256 for request in peer.requests] == [_sha256(outgoing) for outgoing in objects]
    assert peer.asked_window == [8]
    assert peer.ended_by == [A_RELEASE_RQ]


def _first_alone(then):
    """Answer the first request at once: before it, the sender does not know of the window."""

    def answer(connection: socket.socket, waiting: list[Request]) -> None:
        if waiting[-1].number == 1:
            by_hand.answer_each(connection, waiting)
        else:
            then(connection, waiting)

    return answer


@pytest.mark.parametrize("window", [None, 1], ids=["not said", "one"])
def test_without_a_window_each_answer_is_waited_for(tmp_path, window):
    """PS3.7 D.3.3.3: what was not negotiated is one."""
    with by_hand.by_hand(window=window) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(_objects(tmp_path, 6)))

    assert len(outcomes) == 6
    assert peer.most_open == 1


def test_a_window_without_bounds_is_used_as_far_as_we_asked(tmp_path):
    """Zero stands for any number; more than eight are not in memory, nor lost at once."""
    with by_hand.by_hand(_first_alone(_answer_backwards(8)), window=0) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(_objects(tmp_path, 17)))

    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}
    assert peer.most_open == 8


def test_the_object_that_breaks_the_association_is_found_among_several(tmp_path):
    """Those that were unanswered with it are sent again, one by one and byte for byte; only it waits."""
    objects = _objects(tmp_path, 9)
    bad = objects[4].sop_instance_uid

    def answer(connection: socket.socket, waiting: list[Request]) -> None:
        if waiting[-1].sop_instance_uid == bad:
            by_hand.abort(connection)
            waiting.clear()
        elif waiting[0].association > 1 or len(waiting) == 4 or waiting[-1].number == 1:
            _answer_backwards(len(waiting))(connection, waiting)

    with by_hand.by_hand(answer, window=4) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(objects))

    later = [outcome for outcome in outcomes if outcome.kind is not OutcomeKind.SENT]
    assert [(outcome.token, outcome.kind, outcome.why) for outcome in later] == [
        ("5", OutcomeKind.LATER, Failure.ABORTED)
    ]
    assert sorted(outcome.token for outcome in outcomes) == sorted(outgoing.token for outgoing in objects)
    versions: dict[str, set[str]] = {}
    for request in peer.requests:
        versions.setdefault(request.sop_instance_uid, set()).add(request.sha256)
    assert versions == {outgoing.sop_instance_uid: {_sha256(outgoing)} for outgoing in objects}


def test_a_full_target_is_not_sent_more_behind_the_answer(tmp_path):
    """After 0xA700 those under way are answered, then one goes at a time; two in a row end the batch."""

    def answer(connection: socket.socket, waiting: list[Request]) -> None:
        for request in waiting:
            connection.sendall(request.answer(status=0 if request.number < 3 else 0xA700))
        waiting.clear()

    with by_hand.by_hand(answer, window=4) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(_objects(tmp_path, 20)))

    whys = [outcome.why for outcome in outcomes]
    assert whys[:2] == [None, None]
    assert whys.count(Failure.OUT_OF_RESOURCES) == len(peer.requests) - 2 <= 5
    assert whys[-1] is Failure.NOT_TRIED
    assert len(outcomes) == 20


# Probes


def test_a_probe_says_whether_somebody_answers(tmp_path):
    """Real peers: one that answers, one that rejects, nobody; and one that is connected to and says nothing."""
    with dcmtk.storescp(tmp_path / "scp") as scp, _sender(scp.port) as sender:
        assert sender.probe() is None
        assert scp.files() == []
    with dcmtk.storescp(tmp_path / "refusing", options=["--refuse"]) as scp, _sender(scp.port) as sender:
        assert sender.probe() is Failure.REJECTED
    with orthanc(tmp_path / "orthanc", ae_title="RESEARCH") as pacs, _sender(pacs.port) as sender:
        assert sender.probe() is None
    with _sender(free_port()) as sender:
        assert sender.probe() is Failure.UNREACHABLE


def test_a_target_that_takes_objects_and_no_echo_has_answered():
    """It accepted the association: it is there."""
    with recording_scp(refuse=lambda abstract, _: abstract == VERIFICATION) as peer, _sender(peer.port) as sender:
        assert sender.probe() is None


# What is there already


def _claimed(outgoing: Outgoing, number: int, *, series: str = "1.2.3.4.5.6") -> ClaimedDelivery:
    return ClaimedDelivery(
        delivery_id=number,
        instance_id=number,
        target="research",
        attempts=0,
        token=outgoing.token,
        sha256="",
        sop_class_uid=outgoing.sop_class_uid,
        sop_instance_uid=outgoing.sop_instance_uid,
        transfer_syntax_uid=outgoing.transfer_syntax_uid,
        series_instance_uid=series,
        study_instance_uid="1.2.3.4.5",
    )


def _check(port: int) -> ExistingCheck:
    return ExistingCheck("research", target_of(_node(port), calling_ae_title="SONOVEIL", tls=None))


def test_orthanc_is_asked_for_all_of_a_series_at_once_and_only_what_it_lists_is_there(tmp_path):
    """A UID list; an object that is not there and a series that does not exist are not."""
    objects = _objects(tmp_path, 5)
    settings = {"DicomAlwaysAllowFind": True}

    with orthanc(tmp_path / "orthanc", ae_title="RESEARCH", settings=settings) as pacs:
        with _sender(pacs.port) as sender:
            assert {outcome.kind for outcome in sender.send(objects[:3])} == {OutcomeKind.SENT}
        check = _check(pacs.port)
        there = check.among([_claimed(outgoing, n) for n, outgoing in enumerate(objects)])
        elsewhere = check.among([_claimed(objects[0], 9, series="1.2.3.4.5.7")])
        check.close()

    assert there == {outgoing.sop_instance_uid for outgoing in objects[:3]}
    assert elsewhere == frozenset()


def test_dcmqrscp_lists_what_it_has(tmp_path):
    """DCMTK's archive as another real answer to the same question."""
    objects = _objects(tmp_path, 3)
    port = free_port()

    with dcmqrscp(tmp_path / "archive", [o.path for o in objects[:2]], port=port, destinations={}, ae_title="RESEARCH"):
        check = _check(port)
        there = check.among([_claimed(outgoing, n) for n, outgoing in enumerate(objects)])
        check.close()

    assert there == {outgoing.sop_instance_uid for outgoing in objects[:2]}


def test_a_target_that_cannot_be_asked_has_nothing_and_is_left_alone_for_a_while(tmp_path, capfd):
    """A storescp serves no C-FIND: everything is sent, and it is not asked before each batch."""
    claimed = [_claimed(outgoing, n) for n, outgoing in enumerate(_objects(tmp_path, 2))]

    with dcmtk.storescp(tmp_path / "scp") as scp:
        check = _check(scp.port)
        assert check.among(claimed) == frozenset()
        assert check.among(claimed) == frozenset()
        check.close()

    assert capfd.readouterr().err.count("existing_not_asked") == 1
