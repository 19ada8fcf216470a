"""Real senders and a byte-level one against the receiver."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pydicom
import pytest
from pydicom.data import get_testdata_file

from config.gateway import Timeouts
from tests.peers import dcmtk
from tests.peers.orthanc import Modality, orthanc
from tests.peers.programs import wait_until
from tests.peers.raw import EXPLICIT_LITTLE, p_data, raw_requestor, small_object
from tests.peers.receiving import FolderIntake, clinical_node, data_set_sha256, loopback_listener, receiving

CT = "1.2.840.10008.5.1.4.1.1.2"
PRIVATE_CLASS = "1.2.826.0.1.3680043.9.9999.1.2"
PRIVATE_SYNTAX = "1.2.826.0.1.3680043.9.9999.7.7"
RETIRED_ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3"
SAMPLES = [
    "CT_small.dcm",  # Explicit VR Little Endian
    "rtplan.dcm",  # Implicit VR Little Endian
    "MR_small_RLE.dcm",
    "JPEG2000.dcm",  # lossy JPEG 2000
    "JPEG-lossy.dcm",  # 12-bit JPEG
    "SC_rgb_jpeg_lossy_gdcm.dcm",
    "examples_ybr_color.dcm",  # a colour ultrasound clip
    "MR_small_jp2klossless.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
    "emri_small_jpeg_ls_lossless.dcm",
    "image_dfl.dcm",  # deflated
    "test-SR.dcm",
]


def _samples(folder: Path) -> dict[str, Path]:
    """Copy pydicom's test files that are present, one SOP Instance UID each."""
    found: dict[str, Path] = {}
    for name in SAMPLES:
        source = get_testdata_file(name, download=False)
        if source is None:
            continue
        meta = pydicom.dcmread(source, stop_before_pixels=True)
        copy = folder / name
        copy.write_bytes(Path(source).read_bytes())
        found[str(meta.SOPInstanceUID)] = copy
    assert len(found) >= 8
    return found


@pytest.fixture
def intake(tmp_path):
    """Return an intake in a folder of its own."""
    folder = tmp_path / "intake"
    folder.mkdir()
    return FolderIntake(folder=folder)


def test_dcmsend_objects_arrive_compressed_as_they_were_and_are_described_rightly(tmp_path, intake):
    """Class, instance, syntax, patient and study of each object are those of the file that was sent."""
    source = tmp_path / "source"
    source.mkdir()
    samples = _samples(source)

    with receiving(intake) as receiver:
        ran = dcmtk.dcmsend(
            receiver.port, list(samples.values()), calling="CLINICAL", called="SONOVEIL", options=["--decompress-never"]
        )

    assert ran.returncode == 0, ran.output
    received = intake.by_instance()
    assert received.keys() == samples.keys()
    for uid, (path, arrival) in received.items():
        original = pydicom.dcmread(samples[uid], stop_before_pixels=True)
        written = pydicom.dcmread(path, stop_before_pixels=True)
        if original.file_meta.TransferSyntaxUID.is_encapsulated:
            assert arrival.transfer_syntax_uid == original.file_meta.TransferSyntaxUID
        assert written.file_meta.TransferSyntaxUID == arrival.transfer_syntax_uid
        assert written.file_meta.MediaStorageSOPInstanceUID == uid
        assert arrival.content_sha256 == data_set_sha256(path.read_bytes())
        assert arrival.size_bytes == path.stat().st_size
        assert arrival.readable
        assert arrival.patient_id == (original.get("PatientID") or None)
        assert arrival.study_instance_uid == original.StudyInstanceUID
        assert path.read_bytes()[:128] == bytes(128)


def test_storescp_keeps_the_same_data_sets_from_the_same_sender(tmp_path, intake):
    """A second implementation, sent the same files, has the same bytes."""
    source = tmp_path / "source"
    source.mkdir()
    samples = _samples(source)

    with receiving(intake) as receiver, dcmtk.storescp(tmp_path / "scp", ae_title="OTHER") as other:
        options = ["--decompress-never"]
        dcmtk.dcmsend(receiver.port, list(samples.values()), calling="CLINICAL", called="SONOVEIL", options=options)
        dcmtk.dcmsend(other.port, list(samples.values()), calling="CLINICAL", called="OTHER", options=options)
        theirs = {data_set_sha256(path.read_bytes()) for path in other.files()}

    assert {arrival.content_sha256 for _, arrival in intake.arrivals} == theirs
    assert len(theirs) == len(samples)


def test_storescu_stores_and_echoscu_is_answered(tmp_path, intake):
    """The two classic tools are content."""
    ct = Path(get_testdata_file("CT_small.dcm"))

    with receiving(intake) as receiver:
        stored = dcmtk.storescu(receiver.port, [ct], calling="CLINICAL", called="SONOVEIL")
        echoed = dcmtk.echoscu(receiver.port, calling="CLINICAL", called="SONOVEIL")

    assert stored.returncode == 0, stored.output
    assert echoed.returncode == 0, echoed.output
    (arrival,) = [arrival for _, arrival in intake.arrivals]
    assert (arrival.node_name, arrival.calling_aet, arrival.called_aet) == ("clinical", "CLINICAL", "SONOVEIL")


def test_orthanc_sends_a_study_by_its_rest_interface_and_by_routing(tmp_path, intake):
    """A clinical PACS delivers on request, and by itself as objects come in."""
    ct, ultrasound = Path(get_testdata_file("CT_small.dcm")), Path(get_testdata_file("examples_ybr_color.dcm"))

    with receiving(intake) as receiver:
        modalities = {"sonoveil": Modality(ae_title="SONOVEIL", port=receiver.port)}
        with orthanc(tmp_path / "asked", ae_title="CLINICAL", modalities=modalities) as pacs:
            pacs.upload(ct)
            assert pacs.echo("sonoveil")
            sent = pacs.store("sonoveil", pacs.studies())
        with orthanc(
            tmp_path / "routing", ae_title="CLINICAL", modalities=modalities, auto_route_to="sonoveil"
        ) as pacs:
            pacs.upload(ultrasound)
            wait_until(lambda: len(intake.arrivals) == 2, what="the routed object")

    assert sent["FailedInstancesCount"] == 0
    assert {arrival.sop_class_uid for _, arrival in intake.arrivals} == {CT, "1.2.840.10008.5.1.4.1.1.3.1"}


@pytest.mark.parametrize(
    ("sop_class", "syntax"),
    [
        (PRIVATE_CLASS, EXPLICIT_LITTLE),
        (RETIRED_ULTRASOUND, EXPLICIT_LITTLE),
        (CT, PRIVATE_SYNTAX),
        ("1.2.840.10008.5.1.4.1.1.999.1", EXPLICIT_LITTLE),
    ],
    ids=["private class", "retired class", "private syntax", "class newer than any dictionary"],
)
def test_classes_and_syntaxes_that_no_list_has_are_stored(intake, sop_class, syntax):
    """Every valid abstract and transfer syntax is accepted, and its objects are kept."""
    data_set = small_object(sop_class, "1.2.3.4.5.6.7")

    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        answer = peer.associate([(sop_class, [syntax])])
        status = peer.store(data_set, sop_class_uid=sop_class, sop_instance_uid="1.2.3.4.5.6.7")
        peer.release()

    assert answer.accepted == {1: (0, syntax)}
    assert status == 0x0000
    ((_, arrival),) = intake.arrivals
    assert arrival.readable
    assert arrival.content_sha256 == hashlib.sha256(data_set).hexdigest()


def test_lossless_compressed_is_taken_before_uncompressed_before_lossy(intake):
    """In each proposed context our preference decides, not the order of the proposal."""
    lossy, implicit, lossless = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70"

    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        answer = peer.associate(
            [
                (CT, [lossy, implicit, EXPLICIT_LITTLE, lossless]),
                (CT, [lossy, implicit, EXPLICIT_LITTLE]),
                (CT, [lossy]),
            ]
        )

    assert answer.accepted == {1: (0, lossless), 3: (0, EXPLICIT_LITTLE), 5: (0, lossy)}


def test_query_and_retrieve_contexts_are_refused(intake):
    """Services that are not offered are not negotiated."""
    find, move, commitment = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.1.20.1"

    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        answer = peer.associate([(uid, [EXPLICIT_LITTLE]) for uid in (find, move, commitment, CT)])

    assert [answer.accepted[i][0] for i in (1, 3, 5, 7)] == [3, 3, 3, 0]


def test_two_hundred_objects_come_over_four_associations_at_once(tmp_path, intake):
    """Parallel senders do not disturb each other."""
    template = Path(get_testdata_file("CT_small.dcm"))
    folders = []
    for sender in range(4):
        folder = tmp_path / str(sender)
        folder.mkdir()
        folders.append(folder)
        for number in range(50):
            data_set = pydicom.dcmread(template)
            data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{sender}.{number}"
            data_set.save_as(folder / f"{number}.dcm")

    with receiving(intake) as receiver, ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(
                lambda folder: dcmtk.dcmsend(
                    receiver.port, sorted(folder.iterdir()), calling="CLINICAL", called="SONOVEIL"
                ),
                folders,
            )
        )

    assert [ran.returncode for ran in results] == [0, 0, 0, 0]
    assert len(intake.by_instance()) == 200
    assert intake.parts() == []


def test_stopping_lets_an_object_finish_and_takes_no_new_association(intake):
    """Draining waits for the object in transit and answers it."""
    data_set = small_object(CT, "1.2.3.4", pixel_bytes=200_000)
    drained: list[bool] = []

    with receiving(intake) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate([(CT, [EXPLICIT_LITTLE])])
        peer.send_store(data_set[:100_000], sop_class_uid=CT, sop_instance_uid="1.2.3.4", last=False)
        wait_until(intake.parts, what="the object to begin")
        receiver.stop_accepting()
        waiting = Thread(target=lambda: drained.append(receiver.drain(timedelta(seconds=20))))
        waiting.start()
        with pytest.raises(ConnectionRefusedError), raw_requestor(receiver.port):
            pass
        for offset in range(100_000, len(data_set), 10_000):
            piece = data_set[offset : offset + 10_000]
            peer.socket.sendall(p_data(1, 2 if offset + 10_000 >= len(data_set) else 0, piece))
        status = peer.status()
        waiting.join()

    assert status == 0x0000
    assert drained == [True]
    assert len(intake.arrivals) == 1


def test_an_answer_slower_than_the_idle_time_does_not_end_the_association(intake):
    """Our own slowness is not an idle peer."""
    listener = loopback_listener(timeouts=Timeouts(idle=timedelta(seconds=1)))
    intake.before_commit = lambda: Event().wait(1.3)

    with receiving(intake, listener=listener) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate([(CT, [EXPLICIT_LITTLE])])
        statuses = [
            peer.store(small_object(CT, uid), sop_class_uid=CT, sop_instance_uid=uid, message_id=1)
            for uid in ("1.1", "1.2")
        ]

    assert statuses == [0x0000, 0x0000]


def test_an_idle_association_is_ended_after_the_idle_time(intake):
    """A peer that never comes back does not keep its place."""
    listener = loopback_listener(timeouts=Timeouts(idle=timedelta(seconds=1)))

    with receiving(intake, listener=listener) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate([(CT, [EXPLICIT_LITTLE])])
        assert receiver.associations == 1
        wait_until(lambda: receiver.associations == 0, what="the idle association to end", seconds=10)


def test_twenty_idle_associations_cost_next_to_nothing(intake):
    """Threads wait for their peers; stock pynetdicom looks every millisecond and burns a core."""
    with receiving(intake) as receiver, ExitStack() as open_peers:
        for _ in range(20):
            peer = open_peers.enter_context(raw_requestor(receiver.port))
            peer.associate([(CT, [EXPLICIT_LITTLE])])
        before = time.process_time()
        Event().wait(1.0)
        used_s = time.process_time() - before

    assert used_s < 0.4


def test_unknown_sources_are_named_unknown_where_they_are_allowed(intake):
    """With `reject_unknown_sources: false` anybody may store, as node `unknown`."""
    listener = loopback_listener(reject_unknown_sources=False)

    with receiving(intake, listener=listener) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate([(CT, [EXPLICIT_LITTLE])], calling="STRANGER")
        status = peer.store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3")

    assert status == 0x0000
    assert intake.arrivals[0][1].node_name == "unknown"
    assert intake.arrivals[0][1].calling_aet == "STRANGER"


def test_the_node_is_found_by_network_as_well_as_by_address(intake):
    """A CIDR in `host` admits what lies in it."""
    nodes = {"elsewhere": clinical_node(host=("10.0.0.0/8",)), "here": clinical_node(host=("127.0.0.0/8",))}

    with receiving(intake, nodes=nodes) as receiver, raw_requestor(receiver.port) as peer:
        peer.associate([(CT, [EXPLICIT_LITTLE])])
        peer.store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3")

    assert intake.arrivals[0][1].node_name == "here"
