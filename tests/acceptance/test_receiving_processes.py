"""Several receiving processes: together they are one node, to a sender, to its limits, and to whoever ends one."""

from __future__ import annotations

import os
import random
import signal
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gateway.spool import Spool
from tests.acceptance.node import running_node
from tests.peers.programs import free_port, wait_until
from tests.peers.raw import EXPLICIT_LITTLE, p_data, raw_requestor, small_object

CT = "1.2.840.10008.5.1.4.1.1.2"
HOLD = [{"name": "default", "fallback": True, "action": "hold"}]
REFUSE = [{"name": "unwanted", "from": "clinical", "action": "refuse"}, *HOLD]
BOTH = ("receive-0", "receive-1")
OVER_THE_LIMIT = (2, 3, 2)
"""Transient, by the presentation layer, local limit exceeded (PS3.8 9.3.4)."""
pytestmark = pytest.mark.timeout(240)


@contextmanager
def running(tmp_path, **listener):
    """Start a node in which two processes receive, and wait until both do."""
    settings = {"processes": 2, **listener}
    port = free_port()
    with running_node(
        tmp_path / "node", research_port=port, rules=HOLD, processing={"workers": 1}, listener=settings
    ) as node:
        wait_until(lambda: len(receiving(node)) == 2, what="both processes receive")
        yield node


def receiving(node):
    """Return the events of processes that began to receive."""
    return [line for line in node.events() if line["event"] == "receiving"]


@contextmanager
def only(node, name):
    """Let one process alone accept: the other stands still."""
    (other,) = set(BOTH) - {name}
    pid = node.child(other)
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: stands_still(pid), what="every thread stands still")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def stands_still(pid):
    """Tell whether all threads of a process are stopped."""
    states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}


def enter(stack, node, calling="CLINICAL"):
    """Ask for an association; return who asked, and the rejection."""
    peer = stack.enter_context(raw_requestor(node.port))
    return peer, peer.associate([(CT, [EXPLICIT_LITTLE])], calling=calling).rejection


def store(peer, number):
    """Store a small object and return the status."""
    uid = f"1.2.3.4.{number}"
    return peer.store(small_object(CT, uid), sop_class_uid=CT, sop_instance_uid=uid, message_id=number)


def metric(node, name):
    """Return one metric's value."""
    lines = node.get("/metrics")[1].splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)


def test_two_processes_have_one_limit_one_configuration_and_one_end(tmp_path):
    """Whom one lets in counts for the other; new settings reach both, and who is in stays, to the end of an object."""
    with running(tmp_path, max_associations=2) as node, ExitStack() as stack:
        peers = []
        for name in BOTH:
            with only(node, name):
                peer, rejection = enter(stack, node)
            assert rejection is None
            peers.append(peer)
        for name in BOTH:
            with only(node, name):
                assert enter(stack, node)[1] == OVER_THE_LIMIT
        assert [store(peer, 1 + number) for number, peer in enumerate(peers)] == [0, 0]
        assert node.settled(acknowledged=2)["states"]["held"] == 2
        assert metric(node, 'sonoveil_associations{direction="in"}') == 2
        assert metric(node, 'sonoveil_instances_total{outcome="received",stage="receive"}') == 2

        node.config["rules"], node.config["listener"]["max_associations"] = REFUSE, 9
        node.config["nodes"]["second"] = {"ae_title": "SECOND", "host": ["127.0.0.1"], "allow_store": True}
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda: node.events()[-1]["event"] == "reloaded", what="reloaded")
        for name in BOTH:
            with only(node, name), raw_requestor(node.port) as second:
                assert second.associate([(CT, [EXPLICIT_LITTLE])], calling="SECOND").rejection is None
                second.release()
        assert [store(peer, 3 + number) for number, peer in enumerate(peers)] == [0, 0]
        assert node.settled(acknowledged=4)["states"]["refused"] == 2

        whole = small_object(CT, "1.2.3.4.5")
        peers[0].send_store(whole[:-20], sop_class_uid=CT, sop_instance_uid="1.2.3.4.5", message_id=5, last=False)
        node.process.send_signal(signal.SIGTERM)
        wait_until(lambda: node.events()[-1]["event"] == "draining", what="draining")
        peers[0].socket.sendall(p_data(1, 2, whole[-20:]))
        assert peers[0].status() == 0
        assert node.process.wait(60) == 0
        assert "5 acknowledged" in node.run("reconcile").stdout


def test_killing_receiving_processes_loses_nothing(tmp_path, planted_files, stubborn):
    """While objects flow, one or the other is killed, and the whole node once: each is started again."""
    files, _ = planted_files(30)
    dice = random.Random(20261126)
    with running(tmp_path) as node, ExitStack() as stack:
        cut, rejection = enter(stack, node)
        assert rejection is None
        cut.send_store(small_object(CT, "1.2.3"), sop_class_uid=CT, sop_instance_uid="1.2.3", last=False)
        sender = stubborn(node.port, files)
        sender.start()
        kills = [lambda name=name: os.kill(node.child(name), signal.SIGKILL) for name in BOTH]
        for kill in (*kills, node.kill):
            goal = min(len(sender.acknowledged) + dice.randrange(3, 8), len(files))
            wait_until(lambda goal=goal: len(sender.acknowledged) >= goal, what="some objects flow", seconds=60)
            before = len(receiving(node))
            kill()
            if kill == node.kill:
                node.start()
            wait_until(lambda before=before: len(receiving(node)) > before, what="it receives again", seconds=30)
        sender.join(120)
        assert len(sender.acknowledged) == len(files)
        node.settled(acknowledged=len(files))
        assert list(Spool(node.storage).incoming.iterdir()) == []
        assert "balanced" in node.run("reconcile", "--hash").stdout
        assert node.get("/healthz")[0] == 200
