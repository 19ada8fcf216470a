"""A file system that is really full: refused at the door, survived by stop and start, and over when there is space."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from gateway.database import Database
from gateway.spool import Spool
from gateway.tables import audit
from tests.acceptance.faults.bench import RULES, is_soak
from tests.acceptance.faults.modality import Modality, Seen, reports
from tests.acceptance.node import running_node
from tests.peers.recording import recording_scp


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of a few megabytes, where that may be done."""
    storage = tmp_path / "node" / "storage"
    storage.mkdir(parents=True)
    mounting = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(storage)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield storage
    subprocess.run(["umount", str(storage)], check=True)


@contextmanager
def _filled(storage):
    """Fill a disk to its last byte until the block ends."""
    ballast = storage / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    try:
        yield
    finally:
        ballast.unlink()


@pytest.mark.skipif(not is_soak(), reason="SONOVEIL_SOAK=1 is not set")
def test_a_full_disk_ends_nothing_and_loses_nothing(tmp_path, small_disk):
    """Stopped and started on a full disk, the node says what is wrong and goes on by itself when there is space."""
    made = reports(tmp_path / "made")
    first, second = next(made), next(made)
    with (
        recording_scp() as research,
        running_node(tmp_path / "node", research_port=research.port, rules=RULES, processing={"workers": 1}) as node,
    ):
        modality = Modality(node.port)
        assert modality.send(first) is Seen.SUCCESS
        node.settled(acknowledged=1)
        with _filled(small_disk):
            assert modality.send(second) is Seen.CONGESTED
            assert node.terminate() == 0
            node.start(until="/healthz")
            assert modality.send(second) is Seen.CONGESTED
            assert '"space": false' in node.get("/readyz")[1]
        modality.send_until_success(second)
        node.settled(acknowledged=2)

        assert len(research.hashes()) == 2
        assert "balanced" in node.run("reconcile", "--hash").stdout
        assert node.terminate() == 0
    assert _lifetimes(small_disk) == ["start", "start", "stop"]  # the stop on the full disk could not be written


def _lifetimes(storage):
    database = Database.open(Spool(storage).ledger_path)
    with database.read() as connection:
        actions = sa.select(audit.c.action).where(audit.c.action.in_(("start", "stop"))).order_by(audit.c.id)
        found = list(connection.execute(actions).scalars())
    database.close()
    return found
