"""Misbehaving peers, two nodes on one storage, a port that is taken, another key: nothing is lost or doubled."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import closing

import pytest
import yaml

from tests.acceptance.node import SONOVEIL, configuration, running_node
from tests.peers.dcmtk import storescu
from tests.peers.programs import wait_until
from tests.peers.recording import ABORT, recording_scp

INSTANCES = 4
SENDERS = 4
RULES = [
    {"name": "all", "from": "clinical", "profile": "research", "project": "p", "target": ["research"]},
    {"name": "default", "fallback": True, "action": "hold"},
]
pytestmark = pytest.mark.timeout(240)


def _misbehaving(released):
    """Abort, refuse for lack of space, hang beyond the timeout; then behave."""

    def answer(number, _uid):
        if number == 1:
            return ABORT
        if number in (2, 4):
            return 0xA700
        if number == 3:
            released.wait(20)
        return 0x0000

    return answer


def _half_a_pdu(port):
    """Open connections that say half of something, or nothing, and stay."""
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    for number, connection in enumerate(connections):
        connection.sendall(b"\x01\x00\x00\x00\x01\x00half"[: number % 10])
    return connections


def test_a_misbehaving_target_and_four_senders_of_the_same_objects(tmp_path, planted_files):
    """Each object leaves in one version, each send is accounted for, and idle strangers do not matter."""
    files, _ = planted_files(INSTANCES)
    hanging = threading.Event()
    with recording_scp(answer=_misbehaving(hanging)) as research:
        target = {"ae_title": "RESEARCH", "host": "127.0.0.1", "port": research.port, "timeout": "2s"}
        clinical = {"ae_title": "CLINICAL", "host": ["127.0.0.1"], "allow_store": True}
        with running_node(
            tmp_path / "node",
            research_port=research.port,
            rules=RULES,
            nodes={"clinical": clinical, "research": target},
            processing={"workers": 1},
        ) as node:
            strangers = _half_a_pdu(node.port)
            sent = []
            threads = [
                threading.Thread(
                    target=lambda: sent.append(storescu(node.port, files, calling="CLINICAL", called="SONOVEIL"))
                )
                for _ in range(SENDERS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [one.returncode for one in sent] == [0] * SENDERS

            second = subprocess.run(
                [*SONOVEIL, "serve", "-c", str(node.config_file)], capture_output=True, text=True, check=False
            )
            assert (second.returncode, "another node" in second.stderr) == (2, True), second.stderr

            status = node.settled(acknowledged=SENDERS * INSTANCES)
            hanging.set()
            assert status["states"]["suppressed"] == (SENDERS - 1) * INSTANCES
            assert status["states"]["sent"] == INSTANCES, status
            assert all(len(hashes) == 1 for hashes in research.hashes().values())
            assert len(research.hashes()) == INSTANCES
            assert "balanced" in node.run("reconcile", "--hash").stdout
            for connection in strangers:
                connection.close()
            assert node.terminate() == 0


def test_a_node_whose_port_is_taken_leaves_nobody_behind(tmp_path):
    """It says so and ends; no worker goes on processing without a receiver."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        config = configuration(tmp_path, research_port=1)
        config["listener"]["port"] = taken.getsockname()[1]
        file = tmp_path / "gateway.yaml"
        file.write_text(yaml.safe_dump(config))

        ended = subprocess.run(
            [*SONOVEIL, "serve", "-c", str(file)], capture_output=True, text=True, check=False, timeout=60
        )

    assert ended.returncode == 2
    assert "cannot be started" in ended.stderr
    assert "process_started" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_storage_that_was_begun_with_another_key_is_refused(tmp_path, planted_files):
    """A key file that was made anew by mistake must not give every patient a second pseudonym."""
    files, _ = planted_files(1)
    with running_node(tmp_path / "node", research_port=1, rules=RULES, processing={"workers": 1}) as node:
        assert storescu(node.port, files, calling="CLINICAL", called="SONOVEIL").returncode == 0
        wait_until(lambda: node.status()["acknowledged"] == 1, what="the object is in the ledger")
        node.kill()
        (tmp_path / "node" / "key").unlink()
        subprocess.run([*SONOVEIL, "keygen", str(tmp_path / "node" / "key")], check=True, capture_output=True)

        ended = subprocess.run(
            [*SONOVEIL, "serve", "-c", str(node.config_file)], capture_output=True, text=True, check=False, timeout=60
        )

    assert ended.returncode == 2
    assert "not the key" in ended.stderr
