"""Room for another object: bytes, inodes, the queue; and rules that are stopped alone."""

import hashlib

import pytest
import sqlalchemy as sa

from config.schema import Rule
from gateway import held_limit as module
from gateway import room as room_module
from gateway.arrivals import LedgerIntake
from gateway.held_limit import HeldLimit, held_bytes
from gateway.intake import Arrival, OutOfResources
from gateway.part10 import head
from gateway.room import Room, Shortage, waiting_in
from gateway.tables import receipt
from pipeline.reasons import Reason

from .conftest import ROUTE, WORKER

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
RULES = (
    {"name": "ct", "when": {"Modality": ["CT"]}, "profile": "research", "project": "p", "target": ["research"]},
    {"name": "rest", "fallback": True, "action": "hold"},
)


class Config:
    """The part of the configuration that the limit reads."""

    def __init__(self, share):
        self.rules = tuple(Rule.model_validate(rule) for rule in RULES)
        self.storage = type("Storage", (), {"held_limit": share})
        self.processing = type("Processing", (), {"queue_limit": 7})


@pytest.fixture(autouse=True)
def _always_anew(monkeypatch):
    """What is remembered for seconds is measured each time."""
    monkeypatch.setattr(room_module, "_COUNTED_FOR_S", 0.0)
    monkeypatch.setattr(module, "_MEASURED_FOR_S", 0.0)


@pytest.mark.parametrize(
    ("free", "inodes", "expected"),
    [
        (100, (1_000, 500), None),
        (99, (1_000, 500), Shortage.SPACE),
        (100, (1_000, 19), Shortage.INODES),
        (100, (1_000_000_000, 9_999), Shortage.INODES),
        (100, (1_000_000_000, 10_000), None),
        (100, (0, 0), None),
    ],
)
def test_bytes_and_inodes_are_looked_at(node, monkeypatch, free, inodes, expected):
    """A file system that counts no inodes has enough."""
    monkeypatch.setattr(node.spool, "free_bytes", lambda: free)
    monkeypatch.setattr(node.spool, "inodes", lambda: inodes)

    assert Room(node.spool, reserve_bytes=100).shortage() is expected


def test_a_full_queue_refuses_and_goes_on_by_itself(node):
    """Counted from the ledger."""
    room = Room(node.spool, reserve_bytes=0, queue_limit=2, waiting=waiting_in(node.database))
    node.arrive("1.1", b"a")
    assert room.shortage() is None
    node.arrive("1.2", b"b")
    assert room.shortage() is Shortage.QUEUE

    claim = node.claim()
    node.ledger.record_clean(claim, WORKER, ROUTE, node.output())

    assert room.shortage() is None


def test_an_object_that_has_begun_ends_when_the_disk_fills(node, monkeypatch):
    """Half of the reserve is left to the ledger; the peer is told to try again and no part file stays."""
    monkeypatch.setattr("gateway.arrivals._LOOK_AGAIN_AFTER_BYTES", 10)
    intake = LedgerIntake(node.spool, node.ledger, node.sealer, reserve_bytes=100)
    file = intake.open()
    monkeypatch.setattr(node.spool, "free_bytes", lambda: 50)
    file.write(b"x" * 10)
    monkeypatch.setattr(node.spool, "free_bytes", lambda: 49)

    with pytest.raises(OutOfResources):
        file.write(b"x" * 10)
    intake.abandon(file)

    assert not list(node.spool.incoming.iterdir())


def _content(modality):
    element = b"\x08\x00\x60\x00CS" + (2).to_bytes(2, "little") + modality.encode()
    return head(sop_class_uid=CT, sop_instance_uid="1.2.3", transfer_syntax_uid=EXPLICIT) + element


def _receive(intake, modality, uid):
    content = _content(modality)
    file = intake.open()
    file.write(content)
    arrival = Arrival(
        node_name="clinical",
        calling_aet="CLINICAL",
        called_aet="SONOVEIL",
        sop_class_uid=CT,
        sop_instance_uid=uid,
        series_instance_uid="1.2",
        study_instance_uid="1.1",
        patient_id="4711",
        transfer_syntax_uid=EXPLICIT,
        size_bytes=len(content),
        content_sha256=hashlib.sha256(uid.encode()).hexdigest(),
        readable=True,
    )
    try:
        intake.commit(file, arrival)
    except OutOfResources:
        intake.abandon(file)
        return False
    return True


def _held_by(node, rule):
    node.arrive(f"9.{rule}", b"x" * 1000)
    claim = node.claim()
    route = type(ROUTE)(rule=rule, project=None, profile=None, targets=())
    node.ledger.record_held(claim, WORKER, route, reason=Reason.NO_RULE, note="n", output=None)
    return claim.instance_id


def test_a_rule_whose_held_objects_fill_its_share_is_stopped_alone(node, monkeypatch, capsys):
    """Others are taken; once it was decided, the rule goes on by itself."""
    monkeypatch.setattr(node.spool, "total_bytes", lambda: 10_000)
    limit = HeldLimit(node.database, node.spool, Config(0.1))
    intake = LedgerIntake(node.spool, node.ledger, node.sealer, reserve_bytes=0, held_limit=limit)
    assert _receive(intake, "US", "1.1")
    node.ledger.record_held(node.claim(), WORKER, None, reason=Reason.UNREADABLE, note="n", output=None)
    held = _held_by(node, "rest")

    assert limit.stopped() == {"rest"}
    assert not _receive(intake, "US", "1.2")
    assert _receive(intake, "CT", "1.3")
    assert not list(node.spool.incoming.iterdir())
    with node.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(receipt)).scalar() == 3
    node.decisions.reject(held, reason="phantom")
    assert limit.stopped() == frozenset()
    assert _receive(intake, "US", "1.2")
    events = capsys.readouterr().err
    assert events.index('"rule_stopped"') < events.index('"rule_resumed"')
    assert "4711" not in events


def test_what_a_target_refused_counts_as_held(node):
    """It takes as much of the disk."""
    node.clean()
    with node.database.read() as connection:
        assert held_bytes(connection) == {}
    (claimed,) = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    node.deliveries.record_failed(claimed, status=0xC000, why="refused_by_target")

    with node.database.read() as connection:
        assert held_bytes(connection) == {ROUTE.rule: len(b"1.2.3") + len(b"output")}


def test_a_reload_changes_the_limits(node, monkeypatch):
    """Queue limit and rules; the intake stays."""
    monkeypatch.setattr(node.spool, "total_bytes", lambda: 10_000)
    limit = HeldLimit(node.database, node.spool, Config(0.1))
    intake = LedgerIntake(node.spool, node.ledger, node.sealer, reserve_bytes=0, held_limit=limit)
    _held_by(node, "rest")
    assert limit.stopped() == {"rest"}

    intake.follow(Config(1.0))

    assert limit.stopped() == frozenset()
    assert intake.room.queue_limit == 7
