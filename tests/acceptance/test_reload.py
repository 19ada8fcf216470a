"""SIGHUP: nodes and rules change under a running node, and an association that is open does not notice."""

from __future__ import annotations

import signal

import pytest

from tests.acceptance.node import running_node
from tests.peers.programs import free_port, wait_until
from tests.peers.raw import EXPLICIT_LITTLE, raw_requestor, small_object

CT = "1.2.840.10008.5.1.4.1.1.2"
HOLD = [{"name": "default", "fallback": True, "action": "hold"}]
REFUSE = [
    {"name": "unwanted", "from": "clinical", "action": "refuse"},
    {"name": "default", "fallback": True, "action": "hold"},
]
pytestmark = pytest.mark.timeout(240)


def hang_up(node, event):
    """Write the configuration as it is now, send SIGHUP, and wait for a line of the log."""
    before = sum(line["event"] == event for line in node.events())
    node.write_config()
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: sum(line["event"] == event for line in node.events()) > before, what=event)
    return node.events()[-1] if node.events()[-1]["event"] == event else {}


def store(peer, number):
    """Store a small object and return the status."""
    uid = f"1.2.3.4.5.6.{number}"
    return peer.store(small_object(CT, uid), sop_class_uid=CT, sop_instance_uid=uid, message_id=number)


def callers_let_in(node):
    """Return which of two AE titles may open an association."""
    found = []
    for title in ("CLINICAL", "SECOND"):
        with raw_requestor(node.port) as peer:
            if peer.associate([(CT, [EXPLICIT_LITTLE])], calling=title).rejection is None:
                found.append(title)
                peer.release()
    return found


def test_rules_and_nodes_change_while_an_association_stays_open(tmp_path):
    """What came before goes by the old rules, what comes after by the new ones; nothing is lost."""
    with running_node(tmp_path / "node", research_port=free_port(), rules=HOLD, processing={"workers": 1}) as node:
        assert callers_let_in(node) == ["CLINICAL"]
        with raw_requestor(node.port) as peer:
            peer.associate([(CT, [EXPLICIT_LITTLE])])
            assert store(peer, 1) == 0
            node.settled(acknowledged=1)

            second = {"ae_title": "SECOND", "host": ["127.0.0.1"], "allow_store": True}
            node.config["rules"], node.config["nodes"]["second"] = REFUSE, second
            hang_up(node, "reloaded")
            assert store(peer, 2) == 0
            settled = node.settled(acknowledged=2)
            peer.release()

        assert settled["states"]["held"] == settled["states"]["refused"] == 1
        assert callers_let_in(node) == ["CLINICAL", "SECOND"]
        assert node.get("/healthz")[0] == 200
        node.run("reconcile")


def test_a_file_with_a_fault_or_another_port_changes_nothing(tmp_path):
    """All of it or nothing; the log says why, and the node goes on as it was."""
    with running_node(tmp_path / "node", research_port=free_port(), rules=HOLD, processing={"workers": 1}) as node:
        node.config["nodes"]["second"] = {"ae_title": "SECOND", "host": ["127.0.0.1"], "allow_store": "perhaps"}
        hang_up(node, "reload_refused")
        node.config["nodes"]["second"]["allow_store"] = True
        node.config["metrics"]["port"], port = free_port(), node.config["metrics"]["port"]
        hang_up(node, "reload_refused")
        node.config["metrics"]["port"] = port

        refused = [line for line in node.events() if line["event"] == "reload_refused"]
        assert [line["why"] for line in refused] == ["configuration", "needs a restart: metrics"]
        assert callers_let_in(node) == ["CLINICAL"]
