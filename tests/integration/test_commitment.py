"""A target is asked to commit to keep what it was sent: on the same association, on a new one, or never answered."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom import AE

from config.gateway import Node, Send
from gateway.commitments import Commitments
from gateway.confirmer import Confirmer
from gateway.forward import target_of
from gateway.processes import StopFlag
from gateway.reports import Reports
from tests.peers.committing import Way, committing_scp, report, tell
from tests.peers.orthanc import Modality, orthanc
from tests.peers.programs import free_port, wait_until
from tests.peers.raw import EXPLICIT_LITTLE, ConnectionEnded, p_data, raw_requestor, store_rq
from tests.peers.receiving import FolderIntake, clinical_node, loopback_listener, receiving
from tests.peers.recording import recording_scp
from tests.unit.gateway.conftest import SmallNode

CT = "1.2.840.10008.5.1.4.1.1.2"
COMMITMENT = "1.2.840.10008.1.20.1"
HOUR_S = 3600.0
UNKNOWN, PROCESSING, NO_EVENT, NO_INSTANCE = 0x0115, 0x0110, 0x0113, 0x0112
"""PS3.7 Annex C, written out."""


@pytest.fixture
def node(tmp_path):
    """A ledger in a temporary folder."""
    small = SmallNode(tmp_path / "storage")
    yield small
    small.database.close()


def _research(**changes):
    values = {"ae_title": "RESEARCH", "host": ("127.0.0.1",), "port": 1, "storage_commitment": True}
    return Node(**values | changes)


@pytest.fixture
def listener(node, tmp_path):
    """A listener that takes reports of the target `research`, and objects of nobody but `clinical`."""
    folder = tmp_path / "intake"
    folder.mkdir()
    nodes = {"clinical": clinical_node(), "research": _research(), "other": _research(ae_title="OTHER")}
    taker = Reports(Commitments(node.database))
    with receiving(FolderIntake(folder=folder), listener=loopback_listener(), nodes=nodes, reports=taker) as receiver:
        yield receiver


def _sent(node, count=3):
    numbers = [node.clean(f"1.2.{number}") for number in range(count)]
    for claimed in node.deliveries.claim("research", "f", limit=count, lease_s=60):
        node.deliveries.record_sent(claimed, status=0, ask_after_s=0)
    return numbers


def _confirmer(node, port, *, stop=None):
    commitments = Commitments(node.database)
    return Confirmer(
        name="research",
        target=target_of(_research(port=port, timeout=timedelta(seconds=5)), calling_ae_title="SONOVEIL", tls=None),
        timeout_s=HOUR_S,
        send=Send(retry_delay=timedelta(seconds=1), max_retry_delay=timedelta(seconds=1)),
        commitments=commitments,
        reports=Reports(commitments),
        stop=stop or StopFlag(),
    )


@pytest.fixture
def confirming(node):
    """Run a confirmer in a thread, as a forwarder does."""
    stop = StopFlag()
    threads = []

    def start(port):
        threads.append(threading.Thread(target=_confirmer(node, port, stop=stop).run))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def _all_are(node, numbers, state, *, seconds=30.0):
    wait_until(
        lambda: {node.delivery_states(number)["research"] for number in numbers} == {state},
        what=f"all deliveries are {state}",
        seconds=seconds,
    )


def test_a_report_on_the_same_association_confirms(node, confirming):
    """One request for three instances, answered where it was asked."""
    numbers = _sent(node)
    with committing_scp(way=Way.SAME_ASSOCIATION) as archive:
        confirming(archive.port)
        _all_are(node, numbers, "confirmed")
        wait_until(lambda: archive.answers, what="the report is answered")

    assert archive.answers == [0x0000]
    assert [len(asked.references) for asked in archive.asked] == [3]


def test_a_report_on_a_new_association_confirms(node, confirming, listener):
    """The archive calls our listener as SCP of the class."""
    numbers = _sent(node)
    with committing_scp(way=Way.NEW_ASSOCIATION, call_back=listener.port) as archive:
        confirming(archive.port)
        _all_are(node, numbers, "confirmed")
        wait_until(lambda: archive.answers, what="the report is answered")

    assert archive.answers == [0x0000]


def test_orthanc_commits(node, confirming, listener, tmp_path):
    """A real archive: what it has is confirmed, what it never had is sent again."""
    had, lacked = _sent(node, 2)
    uid = node.decisions.show(had)["public_sop_uid"]
    modality = Modality(ae_title="SONOVEIL", port=listener.port)
    with orthanc(tmp_path / "orthanc", ae_title="RESEARCH", modalities={"sonoveil": modality}) as research:
        entity = AE("SONOVEIL")
        entity.add_requested_context(CT, EXPLICIT_LITTLE)
        association = entity.associate("127.0.0.1", research.port, ae_title="RESEARCH")
        assert association.send_c_store(_small(uid)).Status == 0
        association.release()
        confirming(research.port)
        _all_are(node, [had], "confirmed")
        wait_until(lambda: node.delivery_states(lacked)["research"] == "waiting", what="the other is to be sent again")


def _small(uid):
    small = Dataset()
    small.file_meta = FileMetaDataset()
    small.file_meta.TransferSyntaxUID = EXPLICIT_LITTLE
    small.SOPClassUID, small.SOPInstanceUID = CT, uid
    small.StudyInstanceUID, small.SeriesInstanceUID, small.PatientID = "2.25.1", "2.25.2", "SV-A"
    return small


def test_failures_are_told_apart(node, confirming, listener):
    """Missing waits to be sent again, another reason is held, the rest is confirmed."""
    missing, refused, kept = _sent(node)
    reasons = {
        node.decisions.show(number)["public_sop_uid"]: reason
        for number, reason in ((missing, 0x0112), (refused, 0x0122))
    }
    with committing_scp(way=Way.NEW_ASSOCIATION, call_back=listener.port) as archive:
        archive.fail = reasons.get
        confirming(archive.port)
        _all_are(node, [kept], "confirmed")

    assert node.delivery_states(missing) == {"research": "waiting"}
    assert node.delivery_states(refused) == {"research": "failed"}
    assert node.decisions.show(refused)["deliveries"][0]["status"] == 0x0122


def test_a_silent_target_is_asked_again_under_another_transaction(node, confirming, listener):
    """After `commitment_timeout`; then it answers the first request, and that counts."""
    numbers = _sent(node)
    with committing_scp(way=Way.SILENT, call_back=listener.port) as archive:
        confirming(archive.port)
        for count in (1, 2, 3):
            archive.wait_for_requests(count)
            node.clock.now += HOUR_S + 1
        assert len({asked.transaction_uid for asked in archive.asked}) == len(archive.asked)
        archive.answer(archive.asked[0])
        _all_are(node, numbers, "confirmed")


def test_a_target_that_is_down_or_refuses_is_asked_later(node, confirming, listener):
    """Nothing is lost by it, and no request is left behind that nobody has."""
    numbers = _sent(node)
    port = free_port()
    confirming(port)
    with committing_scp(way=Way.NEW_ASSOCIATION, call_back=listener.port, port=port) as archive:
        archive.action_status = 0x0213
        wait_until(lambda: archive.refused, what="the archive has refused a request")
        assert {node.delivery_states(number)["research"] for number in numbers} == {"sent"}
        archive.action_status = 0x0000
        _all_are(node, numbers, "confirmed")

    with node.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM commitment").scalar_one() == 1


def test_a_target_without_the_service_stays_unconfirmed(node):
    """Its context is refused; it is tried again later, and told."""
    (number,) = _sent(node, 1)
    with recording_scp(refuse=lambda abstract, _syntax: abstract == COMMITMENT) as research:
        assert not _confirmer(node, research.port).attempt()

    assert research.associations == 1
    assert node.delivery_states(number) == {"research": "sent"}
    assert Commitments(node.database).next_request("research", timeout_s=3600) is not None


def _requested(node):
    (number,) = _sent(node, 1)
    request = Commitments(node.database).next_request("research", timeout_s=3600)
    references = [(r.sop_class_uid, r.sop_instance_uid) for r in request.references]
    return number, request.transaction_uid, references


@pytest.mark.parametrize(
    ("changes", "calling", "status"),
    [
        ({"transaction": "2.25.99"}, "RESEARCH", UNKNOWN),
        ({}, "OTHER", UNKNOWN),
        ({"event_type": 3}, "RESEARCH", NO_EVENT),
        ({"instance_uid": "1.2.3"}, "RESEARCH", NO_INSTANCE),
        ({"transaction": "no uid"}, "RESEARCH", PROCESSING),
    ],
    ids=["unknown transaction", "another target's", "event type", "instance", "unreadable"],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_what_answers_no_request_gets_an_error_status_and_changes_nothing(node, listener, changes, calling, status):
    """Whoever tells it, and however."""
    number, transaction, references = _requested(node)
    event_type, information = report(changes.get("transaction", transaction), references, {})

    answer = tell(
        listener.port,
        changes.get("event_type", event_type),
        information,
        calling=calling,
        instance_uid=changes.get("instance_uid", "1.2.840.10008.1.20.1.1"),
    )

    assert answer == status
    assert node.delivery_states(number) == {"research": "sent"}


def test_who_is_not_asked_may_not_tell(node, listener):
    """A node without `storage_commitment` gets no context of the class, nor does a stranger."""
    number, transaction, references = _requested(node)
    event_type, information = report(transaction, references, {})

    assert tell(listener.port, event_type, information, calling="CLINICAL") is None
    assert tell(listener.port, event_type, information, calling="STRANGER") is None
    assert node.delivery_states(number) == {"research": "sent"}


def test_without_the_role_of_an_scp_it_would_be_asking_us_and_is_refused(node, listener):
    """We are no SCP of storage commitment."""
    _, transaction, references = _requested(node)
    event_type, information = report(transaction, references, {})

    assert tell(listener.port, event_type, information, with_role=False) is None


def test_a_target_cannot_store_or_ask_on_the_context_for_its_reports(node, listener):
    """A C-STORE there is refused with 0xC000, an N-ACTION ends the association."""
    with raw_requestor(listener.port) as peer:
        answer = peer.associate([(COMMITMENT, [EXPLICIT_LITTLE])], calling="RESEARCH", scp_of=[COMMITMENT])
        assert answer.accepted[1][0] == 0
        assert peer.store(b"\0" * 8, sop_class_uid=CT, sop_instance_uid="1.2.3") == 0xC000
        peer.socket.sendall(p_data(1, 3, store_rq(CT, "1.2.3", field=0x0130)))
        with pytest.raises(ConnectionEnded):
            peer.response()
