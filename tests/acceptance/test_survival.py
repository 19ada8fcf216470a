"""Killed at any moment, nothing acknowledged is lost and nothing is sent in two versions."""

from __future__ import annotations

import os
import random
import signal

import pytest
import sqlalchemy as sa

from gateway.database import Database
from gateway.spool import Shelf, Spool
from gateway.tables import instance
from tests.acceptance.node import running_node
from tests.peers.programs import free_port, wait_until
from tests.peers.recording import recording_scp

INSTANCES = 200
pytestmark = pytest.mark.timeout(900)


def _kill_child(node, prefix):
    names = [e["process"] for e in node.events() if e["event"] == "process_started"]
    name = next(name for name in reversed(names) if name.startswith(prefix))
    try:
        os.kill(node.child(name), signal.SIGKILL)
    except ProcessLookupError:
        return  # it was killed a moment ago and is not back yet


def _kill_node(node):
    node.kill()
    node.start()


def test_killing_node_workers_and_forwarders_loses_nothing(tmp_path, planted_files, stubborn):
    """While 200 instances flow, each kind of process is killed with SIGKILL at random moments."""
    files, _ = planted_files(INSTANCES)
    dice = random.Random(20261121)
    with (
        recording_scp() as research,
        running_node(tmp_path / "node", research_port=research.port, processing={"workers": 2, "attempts": 20}) as node,
    ):
        sender = stubborn(node.port, files)
        sender.start()
        for kill in (
            lambda: _kill_child(node, "worker"),
            lambda: _kill_child(node, "forward"),
            lambda: _kill_node(node),
            lambda: _kill_child(node, "worker"),
            lambda: _kill_node(node),
            lambda: _kill_child(node, "forward"),
        ):
            goal = len(sender.acknowledged) + dice.randrange(8, 24)
            wait_until(
                lambda goal=goal: len(sender.acknowledged) >= min(goal, INSTANCES),
                what="some objects flow",
                seconds=120,
            )
            kill()
        sender.join(300)
        assert len(sender.acknowledged) == INSTANCES
        status = node.settled(acknowledged=INSTANCES)

        account = node.run("reconcile", "--hash")
        assert "balanced" in account.stdout
        assert status["states"]["sent"] == INSTANCES, status
        arrived = research.hashes()
        assert len(arrived) == INSTANCES, "every acknowledged instance stands at the target as one SOP Instance"
        assert all(len(hashes) == 1 for hashes in arrived.values()), "every re-send is byte-identical"
        assert node.terminate() == 0


def test_a_research_pacs_that_was_down_gets_everything(tmp_path, planted_files, stubborn):
    """The target is down for the whole send and comes up later."""
    files, _ = planted_files(20)
    port = free_port()
    with running_node(tmp_path / "node", research_port=port) as node:
        sender = stubborn(node.port, files)
        sender.start()
        sender.join(120)
        wait_until(lambda: node.status()["states"]["clean"] == 20, what="everything is clean", seconds=120)
        assert node.status()["targets"]["research"]["waiting"] == 20

        with recording_scp(port=port) as research:
            status = node.settled(acknowledged=20)
            assert status["states"]["sent"] == 20
            assert len(research.hashes()) == 20
        node.run("reconcile")


def test_what_waits_survives_a_restart_and_a_resend_is_identical(tmp_path, planted_files, stubborn):
    """SIGTERM drains with status 0; a resend after the restart brings the very bytes again."""
    files, _ = planted_files(6)
    with recording_scp() as research, running_node(tmp_path / "node", research_port=research.port) as node:
        sender = stubborn(node.port, files)
        sender.start()
        sender.join(60)
        node.settled(acknowledged=6)
        assert node.terminate() == 0
        node.start()

        node.run("retry", "--target", "research", "--resend")
        research.wait_for(12)
        node.settled(acknowledged=6)

        assert all(len(hashes) == 1 for hashes in research.hashes().values())
        assert len(research.hashes()) == 6


@pytest.mark.parametrize("what", ["row", "original", "output", "receipt"])
def test_a_loss_is_found_and_named(tmp_path, planted_files, stubborn, what):
    """A deleted row, file or receipt makes `reconcile` exit 1 and say which."""
    files, _ = planted_files(2)
    with running_node(tmp_path / "node", research_port=free_port()) as node:
        sender = stubborn(node.port, files)
        sender.start()
        sender.join(60)
        wait_until(lambda: node.status()["states"]["clean"] == 2, what="both are clean", seconds=120)
        assert node.terminate() == 0
        spool = Spool(node.storage)
        database = Database.open(spool.ledger_path)
        with database.write() as connection:
            row = connection.execute(sa.select(instance)).first()
            if what == "row":
                connection.exec_driver_sql("DELETE FROM delivery WHERE instance_id=?", (row.id,))
                connection.execute(instance.delete().where(instance.c.id == row.id))
            if what == "receipt":
                connection.exec_driver_sql("DROP TRIGGER receipt_no_delete")
                connection.exec_driver_sql("DELETE FROM receipt WHERE token=?", (row.token,))
        database.close()
        if what == "original":
            spool.remove(Shelf.ORIGINALS, row.token)
        if what == "output":
            spool.remove(Shelf.OUTPUTS, row.output_token)
        named = {
            "row": f"receipt {row.token}",
            "receipt": f"instance {row.id}",
            "original": f"originals/{row.token}",
            "output": f"outputs/{row.output_token}",
        }[what]

        done = node.run("reconcile", check=False)

        assert done.returncode == 1
        assert named in done.stderr
