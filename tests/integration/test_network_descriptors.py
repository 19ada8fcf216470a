"""Associations that come to nothing, in both directions, give their descriptors back without the garbage collector."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from pathlib import Path

import pytest

from gateway.connection import Connection
from gateway.listening import StoreServer
from gateway.requestor import Failure, Lost, Target, Wanted
from tests.peers.programs import free_port, wait_until
from tests.peers.raw import EXPLICIT_LITTLE, raw_requestor
from tests.peers.receiving import LOOPBACK, FolderIntake, loopback_listener, receiving

CT = "1.2.840.10008.5.1.4.1.1.2"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
TIMES = 8


@pytest.fixture
def receiver(tmp_path, monkeypatch):
    """Return a receiver; nothing is collected while it runs, neither by itself nor by pynetdicom's server."""
    monkeypatch.setattr(StoreServer, "service_actions", lambda _server: None)
    gc.collect()
    gc.disable()
    try:
        with receiving(FolderIntake(folder=tmp_path), listener=loopback_listener()) as running:
            yield running
    finally:
        gc.enable()


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _assert_nothing_stays(do) -> None:
    before = _descriptors()
    for _ in range(TIMES):
        do()
    wait_until(lambda: _descriptors() <= before, what="every descriptor to be closed", seconds=10)


def _target(port: int, calling: str) -> Target:
    return Target(
        host=LOOPBACK, port=port, ae_title="SONOVEIL", local_aet=calling, timeout_s=10, idle_s=60, tls=None,
        server_name="",
    )  # fmt: skip


def test_a_caller_that_is_rejected_leaves_no_descriptor(receiver):
    """Unknown AE title."""

    def ask() -> None:
        with raw_requestor(receiver.port) as peer:
            assert peer.associate([(CT, [EXPLICIT_LITTLE])], calling="NOBODY").rejection is not None

    _assert_nothing_stays(ask)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\1\0\0\0\1\0"])
def test_who_connects_and_is_no_dicom_peer_leaves_no_descriptor(receiver, said):
    """A port scan, another protocol, half a request."""

    def ask() -> None:
        with raw_requestor(receiver.port) as peer:
            peer.socket.sendall(said)

    _assert_nothing_stays(ask)


def test_an_association_cut_within_an_object_leaves_no_descriptor(receiver):
    """Its part file neither."""

    def ask() -> None:
        with raw_requestor(receiver.port) as peer:
            peer.associate([(CT, [EXPLICIT_LITTLE])])
            peer.send_store(bytes(1000), sop_class_uid=CT, sop_instance_uid="1.2.3", last=False)

    _assert_nothing_stays(ask)


@pytest.mark.parametrize(
    ("calling", "abstract_syntax", "why"),
    [("NOBODY", CT, Failure.REJECTED), ("CLINICAL", STUDY_ROOT_FIND, None), ("CLINICAL", CT, None)],
    ids=["rejected", "context refused", "released"],
)
def test_an_association_of_ours_leaves_no_descriptor(receiver, calling, abstract_syntax, why):
    """Refused, of no use, or ended as it should."""
    expected = nullcontext() if why is None else pytest.raises(Lost, match=why)

    def ask() -> None:
        wanted = Wanted(abstract_syntax=abstract_syntax, transfer_syntax=EXPLICIT_LITTLE)
        with expected:
            Connection.open(_target(receiver.port, calling), [wanted]).close()

    _assert_nothing_stays(ask)


def test_a_target_that_is_down_leaves_no_descriptor(receiver):
    """Asked again and again, as a dead PACS is."""
    port = free_port()

    def ask() -> None:
        with pytest.raises(Lost):
            Connection.open(_target(port, "CLINICAL"), [Wanted(abstract_syntax=CT, transfer_syntax=EXPLICIT_LITTLE)])

    _assert_nothing_stays(ask)
