"""Consent is withdrawn and a pseudonym is looked up while the node runs; neither leaves a name anywhere."""

from __future__ import annotations

import csv
import json

import pydicom
import pytest

from tests.acceptance.node import running_node
from tests.factories.planted import find_planted
from tests.peers.programs import free_port, wait_until
from tests.peers.recording import recording_scp

pytestmark = pytest.mark.timeout(600)


def test_crosswalk_and_withdrawal_of_a_running_node(tmp_path, planted_files, stubborn):
    """Two patients of two objects each: one object of the first is sent, then the target is away."""
    files, planted = planted_files(4, kinds=("CT",), per_patient=2)
    originals = [pydicom.dcmread(path) for path in files]
    patient = originals[0].PatientID
    port = free_port()
    with running_node(tmp_path / "node", research_port=port) as node:
        with recording_scp(port=port) as research:
            _send(node, stubborn, files[:1])
            node.settled(acknowledged=1)
            (sent_uid,) = research.hashes()
        _send(node, stubborn, files[1:])
        wait_until(lambda: node.status()["states"]["clean"] == 3, what="three wait", seconds=120)

        pseudonym = _patients(node, tmp_path / "crosswalk")[patient]
        shown = json.loads(node.run("crosswalk", "lookup", "--uid", sent_uid, "--json").stdout)
        assert [one["patient_id"] for one in shown["patients"]] == [patient]
        assert shown["patients"][0]["pseudonym"] == pseudonym
        assert node.run("crosswalk", "lookup", "--patient-id", patient).stdout.startswith(f"{pseudonym} of project")

        withdrawal = node.run("withdraw", "--patient", patient, "--json")
        done = json.loads(withdrawal.stdout)
        assert (done["instances"], done["rejected"], done["cancelled"]) == (2, 2, 1)
        assert [(one["target"], one["sop_instance_uid"]) for one in done["sent"]] == [("research", sent_uid)]
        assert node.status()["states"]["rejected"] == 2
        assert "balanced" in node.run("reconcile", "--hash").stdout

        with recording_scp(port=port) as research:
            _send(node, stubborn, files[:2])
            wait_until(lambda: node.status()["held"].get("withdrawn") == 2, what="both are held", seconds=120)
            research.wait_for(2)  # the other patient's
            assert sent_uid not in research.hashes()
        assert "balanced" in node.run("reconcile").stdout
        assert node.terminate() == 0

    out_there = [
        *(node.folder.glob("node-*.log")),
        *node.storage.glob("ledger.sqlite*"),
        *node.storage.glob("sidecar/*"),
    ]
    for path in out_there:
        assert find_planted(path, planted) == [], path
    assert find_planted(withdrawal.stdout.encode(), planted) == []


def _send(node, stubborn, files):
    sender = stubborn(node.port, files)
    sender.start()
    sender.join(120)
    assert len(sender.acknowledged) == len(files)


def _patients(node, folder):
    node.run("crosswalk", "export", "-o", str(folder))
    with (folder / "patients.csv").open(newline="") as file:
        return {row["id_old"]: row["id_new"] for row in csv.DictReader(file)}
