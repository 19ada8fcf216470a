"""What a target answers, and what comes in twice, seen from outside of the whole node."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.node import running_node
from tests.factories.planted import planted_object
from tests.peers.dcmtk import dcmsend
from tests.peers.programs import wait_until
from tests.peers.recording import recording_scp

WARNING, OUT_OF_RESOURCES, MISMATCH, CANNOT_UNDERSTAND = 0xB007, 0xA700, 0xA900, 0xC001
pytestmark = pytest.mark.timeout(240)


def _send(node, *paths):
    assert dcmsend(node.port, list(paths), calling="CLINICAL", called="SONOVEIL").returncode == 0


def _ct(tmp_path, instance, *, version=1):
    made = planted_object("CT", seed=1, instance=instance, rows=48, columns=64)
    made.dataset.InstanceNumber = str(100 * version + instance)
    return made.save(tmp_path / f"{instance}-{version}.dcm")


def test_each_kind_of_answer_has_its_consequence(tmp_path):
    """A warning is a delivery with its status, A700 is tried again, A900 and Cxxx hold the instance with the status."""
    answers = [WARNING, OUT_OF_RESOURCES, 0, MISMATCH, CANNOT_UNDERSTAND]

    with (
        recording_scp(answer=lambda number, _uid: answers[number - 1]) as research,
        running_node(tmp_path / "node", research_port=research.port, processing={"workers": 1}) as node,
    ):
        for number, answered in enumerate((1, 3, 4, 5), start=1):  # one at a time, so that each has its answer
            _send(node, _ct(tmp_path, number))
            research.wait_for(answered)
        wait_until(lambda: len(node.held()) == 2, what="the last answer is written down")

        deliveries = {}
        for number in range(1, 5):
            (one,) = json.loads(node.run("held", "show", str(number)).stdout)["deliveries"]
            deliveries[number] = (one["state"], one["status"])
        assert deliveries == {
            1: ("sent", WARNING),
            2: ("sent", 0),
            3: ("failed", MISMATCH),
            4: ("failed", CANNOT_UNDERSTAND),
        }
        assert [row["reason"] for row in node.held()] == ["delivery_failed", "delivery_failed"]
        assert all(len(hashes) == 1 for hashes in research.hashes().values())
        node.run("reconcile")


@pytest.mark.parametrize("duplicates", ["hold", "replace"])
def test_the_same_bytes_are_suppressed_and_other_bytes_are_held_or_replace(tmp_path, duplicates):
    """Under one UID at the target in either case; the account balances, an undecided correction is named."""
    storage = {"path": str(tmp_path / "node" / "storage"), "reserve_space": "1MB", "duplicates": duplicates}
    first, second = _ct(tmp_path, 1), _ct(tmp_path, 1, version=2)
    changes = {"storage": storage, "processing": {"workers": 1}}
    with recording_scp() as research, running_node(tmp_path / "node", research_port=research.port, **changes) as node:
        _send(node, first)
        node.settled(acknowledged=1)
        _send(node, first)
        _send(node, second)
        states = node.settled(acknowledged=3)["states"]
        assert states["suppressed"] == 1
        if duplicates == "hold":
            assert (states["sent"], states["held"]) == (1, 1)
            assert [row["reason"] for row in node.held()] == ["correction"]
            assert "differing_resend_undecided" in node.run("reconcile", check=False).stderr
            node.run("retry", "3")
            states = node.settled(acknowledged=3)["states"]
        assert (states["sent"], states["superseded"], states["held"]) == (1, 1, 0)
        (versions,) = research.hashes().values()
        assert len(versions) == 2
        node.run("reconcile")
