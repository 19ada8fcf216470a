"""Pulling from Orthanc, from DCMTK's dcmqrscp and from a PACS that misbehaves, into a real intake."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from pydicom import dcmread
from pydicom.data import get_testdata_file

from config.gateway import Node, NodeTls
from gateway import log
from gateway.admission import Caller
from gateway.arrivals import LedgerIntake, SharedIntake
from gateway.ask import by_accession, by_query, by_study
from gateway.database import Database
from gateway.forward import target_of
from gateway.ledger import Ledger
from gateway.part10 import data_set_offset
from gateway.requestor import Failure
from gateway.retrieve import Acknowledged, Getting, Moving, Retrieval, Why
from gateway.sealing import Sealer
from gateway.spool import Spool
from gateway.tables import instance
from tests.factories.planted import planted_object
from tests.peers.archive import dcmqrscp, odd_archive
from tests.peers.certificates import Authority
from tests.peers.orthanc import Modality, orthanc
from tests.peers.programs import free_port
from tests.peers.receiving import clinical_node, loopback_listener, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPRESSED = [
    Path(str(get_testdata_file(name, download=False)))
    for name in ("MR_small_RLE.dcm", "JPEG2000.dcm", "JPEG-lossy.dcm")
]
QUERYABLE = {f"DicomAlwaysAllow{service}": True for service in ("Find", "Move", "Get")}


@dataclass
class Store:
    """Spool, ledger and key of a node without processes."""

    root: Path
    waited: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spool = Spool(self.root)
        self.spool.prepare()
        self.database = Database.create_or_migrate(self.spool.ledger_path)
        self.ledger = Ledger(self.database, replace_duplicates=False)
        self.sealer = Sealer(bytes(range(32)))

    def getting(self) -> Getting:
        intake = SharedIntake(self.spool, self.ledger, self.sealer, reserve_bytes=0)
        caller = Caller(
            node_name="clinical",
            calling_aet="CLINICAL",
            called_aet="SONOVEIL",
            may_store=True,
            may_echo=False,
            may_report=False,
        )
        return Getting(intake=intake, caller=caller)

    def retrieval(self, port, *, by=None, tls=None, timeout_s=10, **settings):
        node = Node(ae_title="CLINICAL", host=("127.0.0.1",), port=port, tls=tls, timeout=timedelta(seconds=timeout_s))
        return Retrieval(
            target_of(node, calling_ae_title="SONOVEIL", tls=tls),
            by=by or self.getting(),
            acknowledged=Acknowledged(self.database, self.sealer),
            before_fetch=lambda: self.waited.append("turn"),
            **{"settle_s": 3.0, **settings},
        )

    def hashes(self) -> list[bytes]:
        with self.database.read() as connection:
            return sorted(bytes(h) for h in connection.execute(sa.select(instance.c.content_sha256)).scalars())

    def pixels(self) -> list[tuple[str, bytes]]:
        return sorted(coded_pixels(self.spool.path(file.shelf, file.token)) for file in self.spool.files())

    def parts(self) -> list[Path]:
        return list(self.spool.incoming.iterdir())


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    made = Store(tmp_path / "storage")
    yield made
    made.database.close()


@pytest.fixture(autouse=True)
def _speaking(monkeypatch):
    """Lines of the log are as a command writes them, and forgotten afterwards."""
    monkeypatch.setattr(log, "_left_out", set())


def written(folder, *, seed=1, kinds=("CT", "CT", "MR"), first=1):
    """Write a study; return its files and the header of one."""
    folder.mkdir(exist_ok=True)
    files = [
        planted_object(kind, seed=seed, instance=number, rows=32, columns=32).save(folder / f"{seed}-{number}.dcm")
        for number, kind in enumerate(kinds, start=first)
    ]
    return files, dcmread(files[0], stop_before_pixels=True)


def data_set_hash(path):
    """Return the hash of the bytes behind the file meta information."""
    with path.open("rb") as file:
        file.seek(data_set_offset(file))
        return hashlib.sha256(file.read()).digest()


def coded_pixels(path):
    """Return the transfer syntax and the pixel data as they stand in the file."""
    dataset = dcmread(path)
    return str(dataset.file_meta.TransferSyntaxUID), bytes(dataset.PixelData)


@contextmanager
def our_receiver(store) -> Iterator[int]:
    """Run a receiver into the store, as a node does; yield its port."""
    intake = LedgerIntake(store.spool, store.ledger, store.sealer, reserve_bytes=0)
    with receiving(intake, listener=loopback_listener(), nodes={"clinical": clinical_node()}) as receiver:
        yield receiver.port


@pytest.mark.peer("orthanc")
def test_orthanc_gives_compressed_objects_as_they_are(store, tmp_path):
    """C-GET: no syntax is changed on the way, whatever the class; a second pull asks for nothing."""
    with orthanc(tmp_path / "pacs", ae_title="CLINICAL", settings=QUERYABLE) as pacs:
        for path in COMPRESSED:
            pacs.upload(path)
        studies = [by_study(str(dcmread(path, stop_before_pixels=True).StudyInstanceUID)) for path in COMPRESSED]
        pulled = [store.retrieval(pacs.port).pull(ask) for ask in studies]
        again = [store.retrieval(pacs.port).pull(ask) for ask in studies]

    assert all(one.is_complete for one in pulled), pulled
    assert sum(one.fetched for one in pulled) == len(COMPRESSED)
    assert store.pixels() == sorted(map(coded_pixels, COMPRESSED))
    assert all(one.is_complete and one.fetched == 0 for one in again)
    assert len(store.waited) == sum(one.fetched > 0 for one in pulled), "only what is fetched waits for its turn"


@pytest.mark.peer("orthanc")
def test_orthanc_moves_to_the_receiver_and_says_when_it_does_not_know_us(store, tmp_path):
    """C-MOVE; objects of the study that are here already are not sent again but with their series."""
    files, header = written(tmp_path / "study")
    ask = by_accession(str(header.AccessionNumber))
    with (
        our_receiver(store) as port,
        orthanc(
            tmp_path / "pacs",
            ae_title="CLINICAL",
            settings=QUERYABLE,
            modalities={"us": Modality(ae_title="SONOVEIL", port=port)},
        ) as pacs,
    ):
        for path in files:
            pacs.upload(path)
        stranger = store.retrieval(pacs.port, by=Moving(destination="NOBODY")).pull(ask)
        pulled = store.retrieval(pacs.port, by=Moving(destination="SONOVEIL")).pull(ask)

    assert (stranger.missing, stranger.why in (Why.UNKNOWN_DESTINATION, Why.REFUSED)) == (3, True), stranger
    assert pulled.is_complete
    assert (pulled.studies, pulled.listed, pulled.fetched) == (1, 3, 3)
    assert store.hashes() == sorted(data_set_hash(path) for path in files)


@pytest.mark.peer("orthanc")
def test_orthanc_is_pulled_from_over_tls(store, tmp_path):
    """Both sides show a certificate; the wrong authority is told as such."""
    (tmp_path / "pki").mkdir()
    authority = Authority(tmp_path / "pki", "authority")
    theirs, ours = authority.vouch_for("pacs.example"), authority.vouch_for("gateway.example")
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(theirs.certificate),
        "DicomTlsPrivateKey": str(theirs.private_key),
        "DicomTlsTrustedCertificates": str(authority.certificate),
        "DicomTlsRemoteCertificateRequired": True,
    }
    good = NodeTls(
        certificate=ours.certificate, private_key=ours.private_key, trusted_certificates=authority.certificate
    )
    foreign = good.model_copy(update={"trusted_certificates": Authority(tmp_path, "stranger").certificate})
    files, header = written(tmp_path / "study")
    ask = by_study(str(header.StudyInstanceUID))
    with orthanc(tmp_path / "pacs", ae_title="CLINICAL", settings={**QUERYABLE, **settings}) as pacs:
        for path in files:
            pacs.upload(path)
        untrusted = store.retrieval(pacs.port, tls=foreign).pull(ask)
        pulled = store.retrieval(pacs.port, tls=good).pull(ask)

    assert untrusted.why is Failure.TLS
    assert pulled.is_complete
    assert pulled.fetched == 3


@pytest.mark.peer("dcmtk")
def test_dcmtk_is_pulled_from_both_ways(store, tmp_path):
    """A strictly hierarchical PACS: C-GET of one study, C-MOVE of two by a query."""
    files, header = written(tmp_path / "study")
    others, _ = written(tmp_path / "study", seed=2)
    port = free_port()
    with (
        our_receiver(store) as receiving_port,
        dcmqrscp(tmp_path / "pacs", [*files, *others], port=port, destinations={"SONOVEIL": receiving_port}),
    ):
        got = store.retrieval(port).pull(by_study(str(header.StudyInstanceUID)))
        query = by_query(["StudyDate=19000101-20991231"])
        few = store.retrieval(port, by=Moving(destination="SONOVEIL"), most_studies=1).pull(query)
        moved = store.retrieval(port, by=Moving(destination="SONOVEIL")).pull(query)

    assert got.is_complete, got
    assert got.fetched == 3
    assert few.why is Why.TOO_MANY
    assert moved.is_complete, moved
    assert (moved.studies, moved.listed, moved.fetched) == (2, 6, 3)


def test_what_was_cut_is_fetched_by_series(store, tmp_path):
    """The PACS aborts within a C-GET: what came stays, nothing half stays, and only what lacks is asked for again."""
    files, header = written(tmp_path / "study", kinds=("CT", "CT"))
    others = [dcmread(path) for path in files]
    for number, one in enumerate(others):
        one.SeriesInstanceUID = "1.2.3.4"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{number}"
        one.save_as(tmp_path / f"other-{number}.dcm")
    ask = by_study(str(header.StudyInstanceUID))
    with odd_archive([*files, *sorted(tmp_path.glob("other-*.dcm"))], ends_after=2) as pacs:
        cut = store.retrieval(pacs.port).pull(ask)
        pacs.ends_after = None
        rest = store.retrieval(pacs.port).pull(ask)

    assert (cut.why, cut.listed, cut.fetched, cut.missing) == (Failure.ABORTED, 4, 2, 2)
    assert store.parts() == []
    assert rest.is_complete
    assert rest.fetched == 2
    assert [str(keys.QueryRetrieveLevel) for keys in pacs.got] == ["STUDY", "SERIES"]
    assert pacs.got[1].SeriesInstanceUID == "1.2.3.4"


def test_a_pacs_that_does_not_match_keys_sends_nothing(store, tmp_path):
    """Otherwise the whole archive would come."""
    files, _ = written(tmp_path / "study")

    def other_number(match, _level):
        match.AccessionNumber = "OTHER"

    with odd_archive(files, find_status=lambda _keys: 0xFF01) as pacs:
        ignored = store.retrieval(pacs.port).pull(by_query(["StudyDescription=echo*"]))
    with odd_archive(files, change=other_number) as pacs:
        pacs.matching = lambda _keys: pacs.objects
        wrong = store.retrieval(pacs.port).pull(by_accession("MINE"))

    assert ignored.why is wrong.why is Why.KEYS_IGNORED
    assert store.hashes() == []
    assert store.waited == []


def test_a_missing_count_alone_is_no_ignored_key(store, tmp_path):
    """0xFF01 may be about the number of instances, which was only asked to be returned."""
    files, header = written(tmp_path / "study")

    def find_status(keys):
        return 0xFF01 if "NumberOfStudyRelatedInstances" in keys else 0xFF00

    with odd_archive(files, find_status=find_status) as pacs:
        pulled = store.retrieval(pacs.port).pull(by_query([f"AccessionNumber={header.AccessionNumber}"]))

    assert pulled.is_complete
    assert pulled.fetched == 3


def test_counts_that_differ_and_refusals_are_told(store, tmp_path):
    """More counted than listed; a failure status; no such service; nobody there."""
    files, header = written(tmp_path / "study")
    ask = by_study(str(header.StudyInstanceUID))

    def one_more(match, level):
        if level == "STUDY":
            match.NumberOfStudyRelatedInstances = 4

    with odd_archive(files, change=one_more) as pacs:
        differ = store.retrieval(pacs.port).pull(ask)
    with odd_archive(files, find_status=lambda _keys: 0xA700) as pacs:
        refused = store.retrieval(pacs.port).pull(ask)
    with our_receiver(store) as port:
        node = store.retrieval(port)
        node._target = target_of(
            Node(ae_title="SONOVEIL", host=("127.0.0.1",), port=port), calling_ae_title="CLINICAL", tls=None
        )
        no_service = node.pull(ask)
    nobody = store.retrieval(free_port()).pull(ask)

    assert (differ.why, differ.missing, differ.fetched) == (Why.COUNTS_DIFFER, 1, 3)
    assert (refused.why, refused.status) == (Why.REFUSED, 0xA700)
    assert no_service.why is Why.NOT_SERVED
    assert nobody.why is Failure.UNREACHABLE


def test_a_c_move_that_is_answered_early_is_waited_for(store, tmp_path):
    """Some PACSs answer when they have queued what they will send."""
    files, header = written(tmp_path / "study")
    late = []

    def queue(found):
        intake = store.getting().intake
        late.append(threading.Timer(1.0, lambda: [_enter(intake, one) for one in found]))
        late[0].start()

    with odd_archive(files, move=queue) as pacs:
        pulled = store.retrieval(pacs.port, by=Moving(destination="SONOVEIL")).pull(by_study(header.StudyInstanceUID))
    late[0].join()

    assert pulled.is_complete, pulled
    assert pulled.fetched == 3


@pytest.mark.parametrize("arrives", [True, False])
def test_a_silent_c_move_is_waited_for_while_objects_arrive(store, tmp_path, arrives):
    """A PACS need not count while it sends; one that sends nothing either is given up after the node's timeout."""
    files, header = written(tmp_path / "study", kinds=("CT",) * 4)
    intake = store.getting().intake
    released = threading.Event()

    def send_slowly(found):
        for one in found:
            released.wait(0.6)
            if arrives:
                _enter(intake, one)

    with odd_archive(files, move=send_slowly) as pacs:
        by = Moving(destination="SONOVEIL")
        pulled = store.retrieval(pacs.port, by=by, timeout_s=1).pull(by_study(str(header.StudyInstanceUID)))
        released.set()

    assert pulled.why is (None if arrives else Failure.TIMEOUT)
    assert pulled.fetched == (4 if arrives else 0)


def _enter(intake, dataset):
    """Take an object in as the receiver does."""
    from gateway.intake import Arrival

    content = str(dataset.SOPInstanceUID).encode()
    file = intake.open()
    file.write(content)
    arrival = Arrival(
        node_name="clinical",
        calling_aet="CLINICAL",
        called_aet="SONOVEIL",
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        series_instance_uid="1.2",
        study_instance_uid="1.1",
        patient_id="1",
        transfer_syntax_uid="1.2.840.10008.1.2",
        size_bytes=len(content),
        content_sha256=hashlib.sha256(content).hexdigest(),
        readable=True,
    )
    intake.commit(file, arrival)
