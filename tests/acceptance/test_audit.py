"""A whole node tells an audit repository what it does, proves its account against both PACSs, and checks itself."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from contextlib import contextmanager

import pytest
import yaml
from pydicom import dcmread

from tests.acceptance.node import running_node
from tests.factories.audit_schema import faults
from tests.factories.planted import find_planted, planted_object
from tests.peers.audit_repository import audit_repository
from tests.peers.certificates import Authority
from tests.peers.orthanc import Modality, orthanc
from tests.peers.programs import free_port, wait_until

pytestmark = [pytest.mark.timeout(400), pytest.mark.peer("orthanc")]

INSTANCES = 3


def _study(folder):
    """Write one study; return its files, the planted strings and its UID."""
    folder.mkdir()
    files, planted = [], set()
    for number in range(1, INSTANCES + 1):
        made = planted_object("CT", seed=1, instance=number, rows=48, columns=64)
        files.append(made.save(folder / f"{number}.dcm"))
        planted.update(made.planted)
    return files, tuple(planted), str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)


@contextmanager
def _both_sides(folder, repository_port, authority):
    """Run a node between two Orthancs that may be queried, with an audit repository."""
    ours = authority.vouch_for("gateway")
    ports = {"clinical": free_port(), "research": free_port()}
    nodes = {
        name: {"ae_title": name.upper(), "host": "127.0.0.1", "port": port, "timeout": "20s", "allow_store": True}
        for name, port in ports.items()
    }
    tls = {
        "trusted_certificates": str(authority.certificate),
        "certificate": str(ours.certificate),
        "private_key": str(ours.private_key),
    }
    audit = {"syslog": {"host": "127.0.0.1", "port": repository_port, "tls": tls}}
    settings = {f"DicomAlwaysAllow{service}": True for service in ("Find", "Move", "Get")}
    with running_node(folder / "node", research_port=ports["research"], nodes=nodes, audit=audit) as node:
        us = {"sonoveil": Modality(ae_title="SONOVEIL", port=node.port)}
        with (
            orthanc(
                folder / "c", ae_title="CLINICAL", port=ports["clinical"], modalities=us, settings=settings
            ) as clinical,
            orthanc(
                folder / "r", ae_title="RESEARCH", port=ports["research"], modalities=us, settings=settings
            ) as research,
        ):
            yield node, clinical, research


def _actions(repository):
    codes = rb'<EventTypeCode csd-code="([a-z_]+)" codeSystemName="Sonoveil"'
    return [code.decode() for message in list(repository.messages) for code in re.findall(codes, message)]


def test_repository_reconciliation_repair_and_self_check(tmp_path):
    """From the start to a reload: each deed arrives at the repository, and what is missing on either side is named."""
    authority = Authority(tmp_path, "authority")
    files, planted, study = _study(tmp_path / "study")
    with (
        audit_repository(authority.vouch_for("repository"), authority.certificate) as repository,
        _both_sides(tmp_path, repository.port, authority) as (node, clinical, research),
    ):
        for file in files:
            clinical.upload(file)
        node.run("pull", "--from", "clinical", "--study", study)
        node.settled(acknowledged=INSTANCES)
        told = [node.run("reconcile", "--by-study", "--find", "--json"), node.run("reconcile", "--study", study)]
        shown = json.loads(told[0].stdout)
        assert [(one["acknowledged"], one["states"]["sent"]) for one in shown["studies"]] == [(INSTANCES, INSTANCES)]
        assert [(one["node"], one["listed"], one["expected"]) for one in shown["find"]["compared"]] == [
            ("clinical", INSTANCES, INSTANCES),
            ("research", INSTANCES, INSTANCES),
        ]

        research.request("DELETE", f"/instances/{research.instances()[0]}")
        extra = planted_object("CT", seed=1, instance=9, rows=48, columns=64)
        clinical.upload(extra.save(tmp_path / "extra.dcm"))
        orphan = node.storage / "originals" / "ab" / f"ab{'0' * 30}.dcm"
        orphan.write_bytes(b"?")
        os.utime(orphan, (time.time() - 7200,) * 2)
        told.append(node.run("reconcile", "--find", "--repair", check=False))
        assert told[-1].returncode == 1
        assert re.search(r"^not_at_target: instance \d+ at node research$", told[-1].stderr, re.MULTILINE)
        assert "not_acknowledged: 1 of the study of instance 1 at node clinical" in told[-1].stderr
        assert f"repaired file_without_row: originals/{orphan.stem}: set_aside" in told[-1].stdout
        assert (node.storage / "quarantine" / "originals" / orphan.name).exists()

        node.config["rules"][0]["name"] = "everything"
        node.config_file.write_text(yaml.safe_dump(node.config, sort_keys=False))
        assert node.process is not None
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda: _actions(repository).count("config_change") == 2, what="the reload is audited", seconds=60)
        told.append(node.run("audit", "verify"))
        metrics = node.get("/metrics")[1]
        assert 'sonoveil_discrepancies{kind="file_missing"' in metrics
        assert "sonoveil_last_self_check_timestamp_seconds" in metrics
        log = node.log()

    actions = _actions(repository)
    assert actions[:3] == ["start", "config_change", "model_change"]
    assert [actions.count(name) for name in ("receive", "clean", "send")] == [INSTANCES] * 3
    assert {"pull", "repair", "reload"} <= set(actions)
    assert [f for m in repository.messages for f in faults(m[m.index(b"<AuditMessage>") :])] == []
    assert find_planted(b"\n".join(repository.messages), planted) == []
    assert find_planted("".join(one.stdout + one.stderr for one in told).encode() + log.encode(), planted) == []
