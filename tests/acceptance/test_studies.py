"""The whole node with studies that leave as a whole, and with limits that are reached."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.acceptance.node import running_node
from tests.factories.planted import planted_object
from tests.peers.dcmtk import dcmsend, echoscu
from tests.peers.programs import wait_until
from tests.peers.raw import EXPLICIT_LITTLE, raw_requestor, small_object
from tests.peers.recording import recording_scp

CT = "1.2.840.10008.5.1.4.1.1.2"
TEMPORARY_CONGESTION = (2, 3, 1)
DE_IDENTIFY = {"profile": "ultrasound", "project": "trial-1", "target": ["research"]}
pytestmark = pytest.mark.timeout(300)


def _send(node, path):
    assert dcmsend(node.port, [path], calling="CLINICAL", called="SONOVEIL").returncode == 0


def _record(node):
    return json.loads(node.run("status", "--studies", "1", "--json").stdout)["studies"][0]


def _store(node, uid):
    with raw_requestor(node.port) as peer:
        answer = peer.associate([(CT, [EXPLICIT_LITTLE])])
        assert answer.rejection is None
        status = peer.store(small_object(CT, uid), sop_class_uid=CT, sop_instance_uid=uid)
        peer.release()
    return status


def test_a_study_leaves_whole_or_not_at_all(tmp_path):
    """One held instance keeps the study here; a late one goes by the study's first rule, though none is for it now."""
    files = [
        planted_object("CT", seed=1, instance=n, rows=48, columns=64).save(tmp_path / f"{n}.dcm") for n in (1, 2, 3)
    ]
    broken = planted_object("CT", seed=1, instance=4, rows=48, columns=64)
    broken.dataset.SOPClassUID = broken.dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66"
    held = broken.save(tmp_path / "4.dcm")
    changes = {
        "completion": {"study_complete_trigger": "3s", "release": "study"},
        "processing": {"workers": 1},
        "rules": [
            {"name": "all", "from": "clinical", **DE_IDENTIFY},
            {"name": "default", "fallback": True, "action": "hold"},
        ],
    }
    with recording_scp() as research, running_node(tmp_path / "node", research_port=research.port, **changes) as node:
        for path in (files[0], held, files[1]):
            _send(node, path)
        wait_until(lambda: len(node.held()) == 1 and node.status()["states"]["clean"] == 2, what="all are processed")
        wait_until(lambda: _record(node)["completed_at"] is not None, what="the study is complete")
        record = _record(node)
        assert (record["instances"], record["held"], record["sent"], record["late"]) == (3, 1, 0, 0)
        assert research.stored == []

        node.run("held", "reject", str(node.held()[0]["instance_id"]), "--reason", "raw data")
        node.settled(acknowledged=3)
        assert len(research.hashes()) == 2

        node.terminate()
        node.config["rules"][0]["when"] = {"Modality": ["US"]}
        node.start()
        _send(node, files[2])
        status = node.settled(acknowledged=4)
        assert (status["states"]["sent"], status["states"]["rejected"]) == (3, 1)
        assert (_record(node)["late"], _record(node)["rule"]) == (1, "all")
        assert "1 complete" in node.run("status").stdout
        node.run("reconcile")


def test_without_room_nobody_is_let_in_to_store_until_there_is_some(tmp_path):
    """Rejected as transient before a byte is sent; C-ECHO is answered; an open association gets 0xA700."""
    free = shutil.disk_usage(tmp_path).free
    step = min(free // 4, 6_000_000_000)  # more than others on this machine write or delete meanwhile
    reserve = free - step
    ballast = tmp_path / "ballast"
    with recording_scp() as research:
        changes = {"storage": {"path": str(tmp_path / "node" / "storage"), "reserve_space": f"{reserve}B"}}
        changes |= {"processing": {"workers": 1, "queue_limit": 0}}
        with running_node(tmp_path / "node", research_port=research.port, **changes) as node:
            assert _store(node, "1.2.1") == 0
            with raw_requestor(node.port) as early:
                assert early.associate([(CT, [EXPLICIT_LITTLE])]).rejection is None
                try:
                    _fill(ballast, 2 * step)
                    uid = "1.2.2"
                    assert early.store(small_object(CT, uid), sop_class_uid=CT, sop_instance_uid=uid) == 0xA700
                    with raw_requestor(node.port) as late:
                        assert late.associate([(CT, [EXPLICIT_LITTLE])]).rejection == TEMPORARY_CONGESTION
                    assert echoscu(node.port, calling="CLINICAL", called="SONOVEIL").returncode == 0
                    assert node.get("/readyz")[0] == 503
                    assert node.get("/healthz")[0] == 200
                finally:
                    ballast.unlink()
                early.release()
            assert _store(node, "1.2.2") == 0
            node.settled(acknowledged=2)
            assert 'outcome="association_refused"' in node.get("/metrics")[1]
            node.run("reconcile")


def _fill(path, size_bytes):
    """Take space from the disk without writing it."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)


def test_a_rule_that_fills_its_share_with_held_objects_is_stopped_alone(tmp_path):
    """The fallback's sender is told to wait; the other rule's objects flow; deciding lets it go on."""
    share = 0.00001
    size = int(shutil.disk_usage(tmp_path).total * share * 1.2)
    changes = {
        "storage": {"path": str(tmp_path / "node" / "storage"), "reserve_space": "1MB", "held_limit": f"{share:.3%}"},
        "processing": {"workers": 1},
        "rules": [
            {"name": "flows", "when": {"Modality": ["CT"]}, **DE_IDENTIFY},
            {"name": "default", "fallback": True, "action": "hold"},
        ],
    }
    flows = planted_object("CT", seed=1, instance=1, rows=48, columns=64).save(tmp_path / "flows.dcm")
    with recording_scp() as research, running_node(tmp_path / "node", research_port=research.port, **changes) as node:
        with raw_requestor(node.port) as peer:
            peer.associate([(CT, [EXPLICIT_LITTLE])])
            large = small_object(CT, "1.2.1") + _padding(size)
            assert peer.store(large, sop_class_uid=CT, sop_instance_uid="1.2.1") == 0
            peer.release()
        node.settled(acknowledged=1)
        wait_until(lambda: "rule default is stopped" in node.run("status").stdout, what="the rule is stopped")
        wait_until(lambda: _store(node, f"1.3.{node.status()['acknowledged']}") == 0xA700, what="its sender is told")
        acknowledged = node.status()["acknowledged"]
        _send(node, flows)
        assert node.settled(acknowledged=acknowledged + 1)["states"]["sent"] == 1
        assert 'outcome="held_limit"' in node.get("/metrics")[1]

        for row in node.held():
            node.run("held", "reject", str(row["instance_id"]), "--reason", "test")
        wait_until(lambda: _store(node, "1.4.1") == 0, what="the rule goes on by itself")
        node.run("reconcile")


def _padding(size_bytes):
    """Return Data Set Trailing Padding of at least so many bytes (PS3.10 7.2)."""
    size_bytes += size_bytes % 2
    return b"\xfc\xff\xfc\xffOB\x00\x00" + size_bytes.to_bytes(4, "little") + bytes(size_bytes)
