"""Mutated PDUs before and after the association: ended or answered, never a thread, a descriptor or a file too many."""

from __future__ import annotations

import os
import struct
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.gateway import Timeouts
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
from tests.peers.receiving import FolderIntake, loopback_listener, receiving

CT = "1.2.840.10008.5.1.4.1.1.2"
STORAGE = [(CT, [EXPLICIT_LITTLE])]
REQUEST = associate_rq(STORAGE, calling="CLINICAL", called="SONOVEIL")
DATA_SET = small_object(CT, "1.2.3", pixel_bytes=600)
MESSAGES = (
    p_data(1, 3, store_rq(CT, "1.2.3")),
    p_data(1, 0, DATA_SET[:300]),
    p_data(1, 2, DATA_SET[300:]),
    struct.pack(">BBL", 5, 0, 4) + bytes(4),
    struct.pack(">BBL", 7, 0, 4) + bytes(4),
    struct.pack(">BBL", 2, 0, len(REQUEST) - 6) + REQUEST[6:],
    struct.pack(">BBL", 3, 0, 4) + bytes([0, 1, 1, 1]),
    REQUEST,
)
EXAMPLES = 60 if os.environ.get("SONOVEIL_SOAK") != "1" else 5_000
LENGTHS = st.sampled_from((0, 1, 2, 3, 5, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF))
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_QUIET_S = 0.1
"""How long to listen; who is answered nothing closes by itself then, as people do."""


@st.composite
def mutated(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Change a few bytes of messages: overwritten, taken away, doubled, or a length that lies."""
    content = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(("overwrite", "remove", "insert", "length", "cut"))):
            case "overwrite":
                replacement = draw(st.binary(min_size=1, max_size=4))
                content[at : at + len(replacement)] = replacement
            case "remove":
                del content[at : at + draw(st.integers(1, 12))]
            case "insert":
                content[at:at] = draw(st.binary(min_size=1, max_size=12))
            case "length":
                content[at : at + 4] = struct.pack(draw(st.sampled_from("<>")) + "L", draw(LENGTHS))
            case _:
                del content[at:]
    return bytes(content)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    """Run a receiver with short timeouts; when it is done with all of it, nothing may be left."""
    intake = FolderIntake(folder=tmp_path_factory.mktemp("intake"))
    short = Timeouts(association=timedelta(seconds=1), dimse=timedelta(seconds=1), idle=timedelta(seconds=2))
    with receiving(intake, listener=loopback_listener(timeouts=short)) as running:
        _stores(running, "1.9")
        wait_until(lambda: not running._server.associations, what="the first association to end")
        threads, descriptors = threading.active_count(), _descriptors()
        yield running
        wait_until(lambda: not running._server.associations, what="all associations to end", seconds=10)
        wait_until(lambda: threading.active_count() <= threads, what="all threads to end", seconds=10)
        wait_until(lambda: _descriptors() <= descriptors, what="all descriptors to be closed", seconds=10)
        assert intake.parts() == []


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _stores(receiver, uid: str) -> None:
    """Prove that the receiver still does what it is for."""
    with raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        assert peer.store(small_object(CT, uid), sop_class_uid=CT, sop_instance_uid=uid) == 0
        peer.release()


def _say(peer, content: bytes) -> None:
    """Say it, and hear what comes until nothing does."""
    with suppress(OSError, ConnectionEnded):
        peer.socket.sendall(content)
        peer.socket.settimeout(_QUIET_S)
        while peer.socket.recv(4096):
            pass


@BOUNDED
@given(content=mutated(st.sampled_from((REQUEST, *MESSAGES))) | st.binary(max_size=200))
@example(content=b"")
@example(content=REQUEST[:-1])
def test_whatever_is_said_before_the_association_harms_nobody(receiver, content):
    """A mutated association request, any other PDU, or bytes."""
    with raw_requestor(receiver.port) as peer:
        _say(peer, content)

    _stores(receiver, "1.10")


@BOUNDED
@given(content=mutated(st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=5).map(b"".join)))
@example(content=MESSAGES[0] + MESSAGES[1])
@example(content=MESSAGES[0] + MESSAGES[0])
@example(content=MESSAGES[3] + MESSAGES[0])
@example(content=p_data(1, 3, store_rq(CT, "1.2.3"))[:12])
@example(content=struct.pack(">BBL", 4, 0, 0))
@example(content=struct.pack(">BBL", 7, 0, 4) + bytes([0, 0, 72, 9]))
@example(content=struct.pack(">BBL", 4, 0, 6) + struct.pack(">LBB", 2, 1, 3))
def test_whatever_is_said_within_an_association_harms_nobody(receiver, content):
    """Mutated C-STOREs, in any order, with releases, aborts and answers that nobody asked for in between."""
    with raw_requestor(receiver.port) as peer:
        peer.associate(STORAGE)
        _say(peer, content)

    _stores(receiver, "1.11")
