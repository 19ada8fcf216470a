"""The whole node asks its target to keep what it was sent, and nothing is deleted or forgotten before it does."""

from __future__ import annotations

import pytest

from gateway.spool import Shelf, Spool
from tests.acceptance.node import running_node
from tests.peers.committing import Way, committing_scp
from tests.peers.orthanc import Modality, orthanc
from tests.peers.programs import free_port, is_listening, wait_until

pytestmark = pytest.mark.timeout(600)
RETENTION = {"retention": {"originals": "0s", "outputs": "0s"}}


def _asking(research_port, **changes):
    """Return the node `research` as one that is asked."""
    return {
        "research": {
            "ae_title": "RESEARCH",
            "host": "127.0.0.1",
            "port": research_port,
            "timeout": "20s",
            "storage_commitment": True,
            **changes,
        }
    }


def _send(stubborn, node, files):
    sender = stubborn(node.port, files)
    sender.start()
    sender.join(120)
    assert len(sender.acknowledged) == len(files)


def _confirmed(node, count, *, seconds=120):
    wait_until(
        lambda: node.status()["states"]["confirmed"] == count, what=f"{count} instances are confirmed", seconds=seconds
    )


def _asked_about(requests):
    return {reference for one in requests for reference in one.references}


def _kept(node):
    spool = Spool(node.storage)
    return sorted(file.shelf.value for file in spool.files())


def test_orthanc_commits_to_keep_what_the_node_sends(tmp_path, planted_files, stubborn):
    """Everything becomes `confirmed`, the equation is balanced, and then retention deletes."""
    files, planted = planted_files(6)
    port = free_port()
    with running_node(
        tmp_path / "node", research_port=port, nodes=_asking(port), storage=RETENTION, processing={"workers": 1}
    ) as node:
        gateway = Modality(ae_title="SONOVEIL", port=node.port)
        with orthanc(
            tmp_path / "orthanc", ae_title="RESEARCH", modalities={"sonoveil": gateway}, port=port
        ) as research:
            _send(stubborn, node, files)
            node.settled(acknowledged=6)
            assert _kept(node).count(Shelf.OUTPUTS.value) == 6, "nothing is deleted before it is confirmed"
            _confirmed(node, 6)
            assert len(research.instances()) == 6

        assert "= 0 received" in node.run("reconcile").stdout
        assert "6 confirmed" in node.run("status").stdout
        wait_until(lambda: _kept(node) == [], what="retention deletes what is confirmed", seconds=60)
        node.run("reconcile")
        code, metrics = node.get("/metrics")
        assert code == 200
        assert 'sonoveil_instances_total{outcome="confirmed",stage="commitment"} 6.0' in metrics
        assert 'sonoveil_unconfirmed{destination="research"} 0.0' in metrics
        assert node.terminate() == 0
        assert not [word for word in planted if word in node.log()]


def test_killed_between_request_and_answer_it_asks_again(tmp_path, planted_files, stubborn):
    """An answer would come while nobody listens; the next start asks once more, and both answers are taken."""
    files, _ = planted_files(4)
    with committing_scp(way=Way.SILENT) as archive:
        port = archive.port
        with running_node(
            tmp_path / "node", research_port=port, nodes=_asking(port), storage=RETENTION, processing={"workers": 1}
        ) as node:
            archive.call_back = node.port
            _send(stubborn, node, files)
            wait_until(lambda: len(_asked_about(archive.asked)) == 4, what="all four were asked about", seconds=60)
            node.kill()
            assert not is_listening(node.port), "an answer would be heard by nobody"
            before = tuple(archive.asked)

            node.start()
            wait_until(
                lambda: len(_asked_about(archive.asked[len(before) :])) == 4, what="they are asked again", seconds=60
            )
            assert {one.transaction_uid for one in before}.isdisjoint(
                one.transaction_uid for one in archive.asked[len(before) :]
            )
            assert node.status()["states"]["confirmed"] == 0
            assert _kept(node).count(Shelf.OUTPUTS.value) == 4
            for one in tuple(archive.asked):
                archive.answer(one)

            _confirmed(node, 4)
            node.run("reconcile")
            assert set(archive.answers) == {0x0000}


def test_what_the_archive_lost_is_sent_again_and_confirmed(tmp_path, planted_files, stubborn):
    """It said Success and does not have one of them: the same bytes come once more."""
    files, _ = planted_files(3)
    lost: list[str] = []

    def fail(uid):
        """Lose the first instance once."""
        if not lost:
            lost.append(uid)
            return 0x0112
        return None

    with committing_scp(way=Way.SAME_ASSOCIATION) as archive:
        archive.fail = fail
        with running_node(
            tmp_path / "node", research_port=archive.port, nodes=_asking(archive.port), processing={"workers": 1}
        ) as node:
            _send(stubborn, node, files)
            _confirmed(node, 3)

            assert archive.stored.count(lost[0]) == 2
            assert len(archive.hashes[lost[0]]) == 1, "the re-send is byte-identical"
            node.run("reconcile")
