"""The sender against storescp, Orthanc, and a peer of our own that records bytes and misbehaves on request."""

from __future__ import annotations

import hashlib
import struct
import threading
from datetime import timedelta
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from config.gateway import Node
from gateway import part10
from gateway.echo import echo
from gateway.forward import OutcomeKind, Outgoing, Sender
from gateway.requestor import Failure
from tests.peers import dcmtk
from tests.peers.orthanc import orthanc
from tests.peers.programs import free_port, wait_until
from tests.peers.raw import EXPLICIT_LITTLE, small_object
from tests.peers.receiving import LOOPBACK, data_set_sha256
from tests.peers.recording import ABORT, recording_scp

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
SAMPLES = ["CT_small.dcm", "rtplan.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "examples_ybr_color.dcm", "image_dfl.dcm"]


def _node(port: int, *, ae_title: str = "RESEARCH", timeout_s: float = 10) -> Node:
    return Node(ae_title=ae_title, host=(LOOPBACK,), port=port, timeout=timedelta(seconds=timeout_s))


def _sender(port: int, *, timeout_s: float = 10, idle: timedelta | None = None) -> Sender:
    return Sender("research", _node(port, timeout_s=timeout_s), calling_ae_title="SONOVEIL", idle=idle)


def _object(
    folder: Path, number: int, *, sop_class: str = CT, syntax: str = EXPLICIT_LITTLE, pixel_bytes: int = 64
) -> Outgoing:
    """Write a Part 10 file and return how to send it."""
    uid = f"1.2.3.{number}"
    path = folder / f"{number}.dcm"
    head = part10.head(sop_class_uid=sop_class, sop_instance_uid=uid, transfer_syntax_uid=syntax)
    path.write_bytes(head + small_object(sop_class, uid, pixel_bytes=pixel_bytes))
    return Outgoing(
        path=path, sop_class_uid=sop_class, sop_instance_uid=uid, transfer_syntax_uid=syntax, token=str(number)
    )


def _samples() -> list[Outgoing]:
    outgoing = []
    for name in SAMPLES:
        path = Path(get_testdata_file(name))
        header = pydicom.dcmread(path, stop_before_pixels=True)
        outgoing.append(
            Outgoing(
                path=path,
                sop_class_uid=str(header.SOPClassUID),
                sop_instance_uid=str(header.SOPInstanceUID),
                transfer_syntax_uid=str(header.file_meta.TransferSyntaxUID),
                token=name,
            )
        )
    return outgoing


def _bytes_of_data_set(outgoing: Outgoing) -> bytes:
    """Return what must be on the wire: the file's data set, a deflated one padded to even length (PS3.5 A.5)."""
    content = outgoing.path.read_bytes()
    data_set = content[144 + struct.unpack_from("<L", content, 140)[0] :]
    is_deflated = outgoing.transfer_syntax_uid == "1.2.840.10008.1.2.1.99"
    return data_set + b"\0" * (len(data_set) % 2 if is_deflated else 0)


def test_the_bytes_on_the_wire_are_the_bytes_of_the_file(tmp_path):
    """Every syntax and size goes out unchanged, one association for all, hash by hash."""
    objects = [*_samples(), _object(tmp_path, 1, pixel_bytes=3_000_000), _object(tmp_path, 2, pixel_bytes=0)]

    with recording_scp() as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(objects))

    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.SENT] * len(objects)
    assert [outcome.token for outcome in outcomes] == [outgoing.token for outgoing in objects]
    expected = [hashlib.sha256(_bytes_of_data_set(outgoing)).hexdigest() for outgoing in objects]
    assert [stored.sha256 for stored in peer.stored] == expected
    assert [outcome.sent_bytes for outcome in outcomes[:5]] == [stored.size_bytes for stored in peer.stored[:5]]
    assert peer.associations == 1
    assert {stored.calling_aet for stored in peer.stored} == {"SONOVEIL"}


@pytest.mark.parametrize(
    "pdu_bytes", [256, 4_097, 16_382, 131_072, 0], ids=["tiny", "odd", "common", "ours", "unlimited"]
)
def test_the_peers_longest_pdu_is_kept_to(tmp_path, pdu_bytes):
    """Objects around the limit's multiples arrive whole, whatever the peer negotiated."""
    objects = [_object(tmp_path, n, pixel_bytes=2 * (16_382 - 6) + n - 180) for n in range(3)]

    with recording_scp(pdu_bytes=pdu_bytes) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(objects))

    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}
    assert [s.sha256 for s in peer.stored] == [hashlib.sha256(_bytes_of_data_set(o)).hexdigest() for o in objects]


def test_storescp_and_orthanc_have_what_was_sent(tmp_path):
    """Two real PACS take every sample; storescp's files carry the same data sets."""
    objects = _samples()

    with dcmtk.storescp(tmp_path / "scp", ae_title="RESEARCH") as scp:
        with _sender(scp.port) as sender:
            to_scp = list(sender.send(objects))
        kept = {data_set_sha256(path.read_bytes()) for path in scp.files()}
    with orthanc(tmp_path / "orthanc", ae_title="RESEARCH") as pacs:
        with _sender(pacs.port) as sender:
            to_pacs = list(sender.send(objects))
        in_pacs = {pacs.tags(instance)["SOPInstanceUID"] for instance in pacs.instances()}

    assert {outcome.kind for outcome in to_scp + to_pacs} == {OutcomeKind.SENT}
    assert kept == {hashlib.sha256(_bytes_of_data_set(outgoing)).hexdigest() for outgoing in objects}
    assert in_pacs == {outgoing.sop_instance_uid for outgoing in objects}


def test_three_hundred_kinds_take_three_associations_of_one_syntax_a_context(tmp_path):
    """More than 128 pairs of class and syntax are spread; each context proposes exactly one transfer syntax."""
    objects = [_object(tmp_path, n, sop_class=f"1.2.826.0.1.3680043.9.9999.{n % 300}") for n in range(330)]

    with recording_scp() as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send(objects))

    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}
    assert {outcome.token for outcome in outcomes} == {outgoing.token for outgoing in objects}
    assert len(peer.stored) == 330
    assert peer.associations == 3
    assert all(len(proposed) <= 128 for proposed in peer.contexts)
    assert len({pair for proposed in peer.contexts for pair in proposed}) == 300


def test_an_association_is_kept_between_calls_and_opened_anew_for_a_new_kind(tmp_path):
    """Opening costs time, so it is done only where the contexts do not fit, and old kinds are proposed again."""
    first, second, other = _object(tmp_path, 1), _object(tmp_path, 2), _object(tmp_path, 3, sop_class=MR)

    with recording_scp() as peer, _sender(peer.port) as sender:
        for batch in ([first], [second], [other], [first, other]):
            assert [outcome.kind for outcome in sender.send(batch)] == [OutcomeKind.SENT] * len(batch)

    assert peer.associations == 2
    assert peer.contexts[1] == [(MR, EXPLICIT_LITTLE), (CT, EXPLICIT_LITTLE)]


def test_an_idle_association_is_released_and_the_next_object_opens_another(tmp_path):
    """A kept association does not outlive its idle time, and its end costs no object."""
    with recording_scp() as peer, _sender(peer.port, idle=timedelta(milliseconds=200)) as sender:
        list(sender.send([_object(tmp_path, 1)]))
        wait_until(lambda: sender._connection is not None and not sender._connection.is_open, what="the idle release")
        (outcome,) = sender.send([_object(tmp_path, 2)])

    assert outcome.kind is OutcomeKind.SENT
    assert peer.associations == 2


def test_a_refused_context_is_told_apart_from_a_refused_object(tmp_path):
    """Where the peer does not take a syntax the others of the batch are sent all the same."""
    jpeg = "1.2.840.10008.1.2.4.50"
    objects = [_object(tmp_path, 1, syntax=jpeg), _object(tmp_path, 2), _object(tmp_path, 3, syntax=jpeg)]

    with recording_scp(refuse=lambda _abstract, syntax: syntax == jpeg) as peer, _sender(peer.port) as sender:
        kinds = [outcome.kind for outcome in sender.send(objects)]

    assert kinds == [OutcomeKind.SYNTAX_NOT_ACCEPTED, OutcomeKind.SENT, OutcomeKind.SYNTAX_NOT_ACCEPTED]
    assert len(peer.stored) == 1


def test_a_peer_that_refuses_every_context_is_not_a_peer_that_is_down(tmp_path):
    """No accepted context at all is an answer about the syntax, asked once per call; a later call asks anew."""
    is_refusing = True

    with recording_scp(refuse=lambda _abstract, _syntax: is_refusing) as peer, _sender(peer.port) as sender:
        kinds = [outcome.kind for outcome in sender.send([_object(tmp_path, n) for n in range(5)])]
        asked = peer.associations
        is_refusing = False
        (later,) = sender.send([_object(tmp_path, 9)])

    assert kinds == [OutcomeKind.SYNTAX_NOT_ACCEPTED] * 5
    assert asked == 1
    assert later.kind is OutcomeKind.SENT


@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [
        (0xB000, OutcomeKind.SENT_WITH_WARNING, None),
        (0xB006, OutcomeKind.SENT_WITH_WARNING, None),
        (0xB007, OutcomeKind.SENT_WITH_WARNING, None),
        (0xA700, OutcomeKind.LATER, Failure.OUT_OF_RESOURCES),
        (0xA900, OutcomeKind.REFUSED, None),
        (0xC123, OutcomeKind.REFUSED, None),
        (0x0122, OutcomeKind.REFUSED, None),
        (0x0110, OutcomeKind.REFUSED, None),
    ],
)
def test_each_answer_has_its_meaning_and_its_status(tmp_path, status, kind, why):
    """The peer's status is carried along, and the next object is sent on the same association."""
    with (
        recording_scp(answer=lambda number, _uid: status if number == 1 else 0) as peer,
        _sender(peer.port) as sender,
    ):
        first, second = sender.send([_object(tmp_path, 1), _object(tmp_path, 2)])

    assert (first.kind, first.status, first.why) == (kind, status, why)
    assert second.kind is OutcomeKind.SENT
    assert peer.associations == 1


def test_a_peer_out_of_resources_gets_the_same_bytes_again_later(tmp_path):
    """0xA700 is later; sent again it succeeds, and both sends were identical."""
    outgoing = _object(tmp_path, 1)

    with (
        recording_scp(answer=lambda number, _uid: 0xA700 if number == 1 else 0) as peer,
        _sender(peer.port) as sender,
    ):
        kinds = [outcome.kind for _ in range(2) for outcome in sender.send([outgoing])]

    assert kinds == [OutcomeKind.LATER, OutcomeKind.SENT]
    assert peer.hashes() == {outgoing.sop_instance_uid: {hashlib.sha256(_bytes_of_data_set(outgoing)).hexdigest()}}


def test_one_object_that_makes_the_peer_abort_does_not_stop_the_others(tmp_path):
    """The association is opened again for the rest of the batch."""
    bad = "1.2.3.2"

    with recording_scp(answer=lambda _number, uid: ABORT if uid == bad else 0) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send([_object(tmp_path, n) for n in range(1, 5)]))

    assert [outcome.kind for outcome in outcomes] == [
        OutcomeKind.SENT,
        OutcomeKind.LATER,
        OutcomeKind.SENT,
        OutcomeKind.SENT,
    ]
    assert outcomes[1].why is Failure.ABORTED
    assert not outcomes[1].is_target_down


def test_a_peer_that_aborts_again_and_again_is_left_alone(tmp_path):
    """After two failures in a row the rest of the batch is not tried."""
    with recording_scp(answer=lambda _number, _uid: ABORT) as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send([_object(tmp_path, n) for n in range(10)]))

    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.LATER}
    assert [outcome.why for outcome in outcomes[2:]] == [Failure.NOT_TRIED] * 8
    assert len(peer.stored) == 2


def test_a_peer_that_does_not_answer_is_given_up_after_the_timeout(tmp_path):
    """Silence is later, not for ever; the association is not used again."""
    release = threading.Event()

    def hang(number: int, _uid: str) -> int:
        if number == 1:
            release.wait(20)
        return 0

    with recording_scp(answer=hang) as peer, _sender(peer.port, timeout_s=1) as sender:
        (first,) = sender.send([_object(tmp_path, 1)])
        release.set()
        (second,) = sender.send([_object(tmp_path, 2)])

    assert (first.kind, first.why) == (OutcomeKind.LATER, Failure.TIMEOUT)
    assert second.kind is OutcomeKind.SENT
    assert peer.associations == 2


def test_nobody_there_and_not_wanted_are_later_for_the_whole_batch(tmp_path):
    """An address without a listener and a rejected association are found out once, not once per object."""
    objects = [_object(tmp_path, n) for n in range(3)]

    with _sender(free_port()) as sender:
        nobody = list(sender.send(objects))
    with dcmtk.storescp(tmp_path / "scp", options=["--refuse"]) as scp, _sender(scp.port) as sender:
        unwanted = list(sender.send(objects))

    assert [outcome.why for outcome in nobody] == [Failure.UNREACHABLE, Failure.NOT_TRIED, Failure.NOT_TRIED]
    assert [outcome.why for outcome in unwanted] == [Failure.REJECTED, Failure.NOT_TRIED, Failure.NOT_TRIED]
    assert all(outcome.is_target_down for outcome in nobody + unwanted)


def test_a_pacs_that_comes_back_gets_everything(tmp_path):
    """The same sender goes on where the PACS was killed and started again."""
    port = free_port()
    objects = [_object(tmp_path, n) for n in range(3)]

    with _sender(port) as sender:
        with dcmtk.storescp(tmp_path / "one", port=port):
            before = [outcome.kind for outcome in sender.send(objects)]
        down = [outcome.kind for outcome in sender.send(objects)]
        with dcmtk.storescp(tmp_path / "two", port=port) as scp:
            after = [outcome.kind for outcome in sender.send(objects)]
            assert len(scp.files()) == 3

    assert (set(before), set(down), set(after)) == ({OutcomeKind.SENT}, {OutcomeKind.LATER}, {OutcomeKind.SENT})


def test_a_file_that_is_gone_or_no_part_10_is_later_and_named(tmp_path):
    """Our own fault is told apart from the peer's, and the next object is sent."""
    gone, odd, good = (_object(tmp_path, n) for n in range(3))
    gone.path.unlink()
    odd.path.write_bytes(b"not DICOM")

    with recording_scp() as peer, _sender(peer.port) as sender:
        outcomes = list(sender.send([gone, odd, good]))

    assert [outcome.why for outcome in outcomes] == [Failure.FILE, Failure.FILE, None]
    assert [stored.sop_instance_uid for stored in peer.stored] == [good.sop_instance_uid]


def test_an_echo_says_what_is_wrong(tmp_path):
    """Answered, nobody there, and association rejected are three different answers."""
    with dcmtk.storescp(tmp_path / "scp") as scp:
        answered = echo(_node(scp.port), calling_ae_title="SONOVEIL")
    nobody = echo(_node(free_port()), calling_ae_title="SONOVEIL")
    with dcmtk.storescp(tmp_path / "refusing", options=["--refuse"]) as scp:
        rejected = echo(_node(scp.port), calling_ae_title="SONOVEIL")

    assert (answered.answered, answered.why, answered.status) == (True, None, 0)
    assert (nobody.answered, nobody.why) == (False, Failure.UNREACHABLE)
    assert (rejected.answered, rejected.why) == (False, Failure.REJECTED)


def test_a_node_without_a_port_cannot_be_called():
    """A node that only calls us is a fault of the configuration, not of the network."""
    node = Node(ae_title="CLINICAL", host=("10.0.0.0/8",))

    with pytest.raises(ValueError, match="no port"):
        echo(node, calling_ae_title="SONOVEIL")
