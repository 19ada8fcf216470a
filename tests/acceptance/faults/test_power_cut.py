"""Power fails at any moment, on a disk that keeps only what was synced, and on one that keeps some of the rest."""

from __future__ import annotations

import itertools
import shutil

import pytest

from tests.acceptance.faults import journal
from tests.acceptance.faults.bench import RULES, is_soak
from tests.acceptance.faults.journal import Disk
from tests.acceptance.faults.modality import Modality, Seen, reports
from tests.acceptance.faults.power_cut import Recorded, faults_after
from tests.acceptance.faults.shim import Op, Shim
from tests.acceptance.node import running_node
from tests.peers.recording import recording_scp

OBJECTS = 6
CUTS = 24
SEEDS = (None, 1)
SOAK_SEEDS = (None, *range(1, 6))

pytestmark = pytest.mark.timeout(3600 if is_soak() else 300)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Record a node that starts on an empty disk, takes, scrubs and sends a few objects and is killed."""
    folder = tmp_path_factory.mktemp("power-cut")
    storage = folder / "node" / "storage"
    storage.mkdir(parents=True)
    shim = Shim(folder / "shim", root=storage)
    shim.record()
    run = Recorded(steps=())
    with recording_scp() as research:
        with running_node(
            folder / "node",
            research_port=research.port,
            rules=RULES,
            processing={"workers": 1},
            environment=shim.environment,
        ) as node:
            research.answer = lambda _number, _uid: positions.append(shim.position()) or 0
            positions: list[int] = []
            for report in itertools.islice(reports(folder / "made"), OBJECTS):
                assert Modality(node.port).send(report) is Seen.SUCCESS
                run.acknowledged.append((shim.position(), report.sha256))
            node.settled(acknowledged=OBJECTS)
            node.kill()
        run.arrived = [
            (position, one.sop_instance_uid, one.sha256)
            for position, one in zip(positions, research.stored, strict=True)
        ]
    run.steps = journal.read(shim.journal)
    return run, storage


def test_the_model_of_the_disk_is_the_disk(recorded):
    """Replayed whole, the journal gives the very folder that the node left: nothing that it does goes unseen."""
    run, storage = recorded
    real = {
        str(path.relative_to(storage)): path.read_bytes()
        for path in storage.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }

    assert Disk(run.steps).whole() == real
    assert len(run.arrived) == len(run.acknowledged) == OBJECTS


@pytest.mark.parametrize("seed", SOAK_SEEDS if is_soak() else SEEDS)
def test_nothing_acknowledged_is_lost_wherever_power_is_cut(recorded, tmp_path, seed):
    """Before and after every kind of step; every Success before it stands, and what has left is not changed."""
    run, _ = recorded
    points = [number for number, step in enumerate(run.steps, 1) if step.op is not Op.MKDIR]
    if not is_soak():
        points = points[:: len(points) // CUTS]
    shelf = tmp_path / "disk"
    for number in points:
        acknowledged, arrived = run.cut_at(number, shelf, seed=None if seed is None else seed * 100_000 + number)

        wrong = faults_after(shelf, acknowledged, arrived)

        assert wrong == [], (number, run.steps[number - 1].op, run.steps[number - 1].path)
        shutil.rmtree(shelf)


def test_the_check_would_see_a_success_before_the_sync(recorded, tmp_path):
    """Had Success been answered before the ledger's sync, the cut between them would be told."""
    run, _ = recorded
    position = run.acknowledged[-1][0]
    last_sync = max(
        number
        for number, step in enumerate(run.steps)
        if step.end <= position and step.op is Op.SYNC and step.path.endswith("-wal")
    )
    _, arrived = run.cut_at(last_sync, tmp_path / "disk", seed=None)

    wrong = faults_after(tmp_path / "disk", [sha256 for _, sha256 in run.acknowledged], arrived)

    assert f"acknowledged and lost: {run.acknowledged[-1][1]}" in wrong


@pytest.mark.skipif(not is_soak(), reason="SONOVEIL_SOAK=1 is not set")
def test_a_whole_node_goes_on_after_a_cut(recorded, tmp_path):
    """The modality sends what it has no Success for; everything is at the target in the end, each in one version."""
    run, storage = recorded
    middle = next(number for number, step in enumerate(run.steps) if step.end >= run.acknowledged[OBJECTS // 2][0])
    node_folder = tmp_path / "node"
    run.cut_at(middle, node_folder / "storage", seed=7)
    shutil.copy2(storage.parent / "key", node_folder / "key")
    with (
        recording_scp() as research,
        running_node(node_folder, research_port=research.port, rules=RULES, processing={"workers": 1}) as node,
    ):
        for report in itertools.islice(reports(tmp_path / "made"), OBJECTS):
            Modality(node.port).send_until_success(report)
        node.settled(acknowledged=OBJECTS)

        assert "balanced" in node.run("reconcile", "--hash").stdout
        arrived = research.hashes()
        assert len(arrived) == OBJECTS
        before = {uid: {sha256} for position, uid, sha256 in run.arrived if position < run.steps[middle].end}
        assert all(arrived[uid] == hashes for uid, hashes in before.items() if uid in arrived)
