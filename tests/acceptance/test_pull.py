"""Studies are pulled from a real clinical PACS, one by one and by list; nothing is told of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager

import pytest
from pydicom import dcmread

from tests.acceptance.node import running_node
from tests.factories.planted import find_planted, planted_object
from tests.peers.orthanc import Modality, orthanc
from tests.peers.programs import free_port
from tests.peers.recording import recording_scp

pytestmark = [pytest.mark.timeout(400), pytest.mark.peer("orthanc")]

KINDS = ("CT", "MR", "CR", "CT")


def write_studies(folder, count):
    """Write studies of four instances in three series or one; return files, planted strings and what names them."""
    folder.mkdir()
    files, planted, named = [], set(), []
    for seed in range(count):
        for number, kind in enumerate(KINDS, start=1):
            made = planted_object(kind, seed=seed, instance=number, rows=48, columns=64)
            files.append(made.save(folder / f"{seed}-{number}.dcm"))
            planted.update(made.planted)
        header = dcmread(files[-1], stop_before_pixels=True)
        named.append((str(header.AccessionNumber), str(header.StudyInstanceUID)))
    return files, tuple(planted), named


@contextmanager
def clinical_and_node(folder, *, knows_us=True):
    """Run a clinical Orthanc that may be called, a node, and a research side."""
    port = free_port()
    with recording_scp() as research:
        nodes = {
            "clinical": {
                "ae_title": "CLINICAL",
                "host": "127.0.0.1",
                "port": port,
                "allow_store": True,
                "patient_domain": "HOSPITAL-A",
                "timeout": "20s",
            },
            "research": {"ae_title": "RESEARCH", "host": "127.0.0.1", "port": research.port, "timeout": "20s"},
        }
        with (
            running_node(folder / "node", research_port=research.port, nodes=nodes) as node,
            orthanc(
                folder / "clinical",
                ae_title="CLINICAL",
                port=port,
                modalities={"sonoveil": Modality(ae_title="SONOVEIL", port=node.port)} if knows_us else {},
                settings={f"DicomAlwaysAllow{service}": True for service in ("Find", "Move", "Get")},
            ) as clinical,
        ):
            yield clinical, node, research


def test_by_accession_and_by_list_and_again(tmp_path):
    """One study, then a list of it, a second one and one that nobody knows; each instance arrives exactly once."""
    files, planted, named = write_studies(tmp_path / "studies", 3)
    listed = tmp_path / "list.csv"
    listed.write_text(
        "Comment;AccessionNumber;StudyInstanceUID\n"
        f"first;{named[0][0]};\n;;\nsecond;;{named[1][1]}\nunknown;NOBODY1;\nsecond again;;{named[1][1]}\n"
    )
    with clinical_and_node(tmp_path) as (clinical, node, research):
        for path in files:
            clinical.upload(path)
        said = [node.run("pull", "--from", "clinical", "--accession", named[0][0])]
        assert "complete: 1 study, 4 instances, 4 fetched now" in said[0].stdout

        said.append(node.run("pull", "--from", "clinical", "--list", str(listed), check=False))
        assert said[1].returncode == 1
        assert "row 2: complete: 1 study, 4 instances, 0 fetched now" in said[1].stdout
        assert "row 4: complete: 1 study, 4 instances, 4 fetched now" in said[1].stdout
        assert "row 5: NOT complete: the PACS knows no such study" in said[1].stderr
        assert "3 rows: 2 complete, 0 of them by an earlier run; 1 not complete" in said[1].stdout

        said.append(node.run("pull", "--from", "clinical", "--list", str(listed), "--json", check=False))
        outcomes = [(row["row"], row["outcome"]) for row in json.loads(said[2].stdout)["rows"]]
        assert outcomes == [(2, "complete_before"), (4, "complete_before"), (5, "not_found")]

        status = node.settled(acknowledged=8)
        assert status["acknowledged"] == 8, "what is here is not fetched again"
        assert status["states"]["sent"] == 8
        assert len(research.hashes()) == 8
        assert all(len(hashes) == 1 for hashes in research.hashes().values())

        said.append(node.run("pull", "--from", "clinical", "--query", "StudyDate=19000101-20991231", "--get"))
        assert "3 studies, 12 instances, 4 fetched now" in said[3].stdout
        node.settled(acknowledged=12)
        node.run("reconcile")

        told = "".join(one.stdout + one.stderr for one in said) + node.log() + "\n".join(_names(node))
        kept = [path.read_bytes() for path in (node.storage / "pulls").iterdir()]
        audited = _audited(node)
    assert find_planted(told.encode(), planted) == []
    assert find_planted(b"\n".join([*kept, *(json.dumps(row).encode() for row in audited)]), planted) == []
    assert [(row["by"], row["row"], row["outcome"], row["fetched"]) for row in audited] == [
        ("move", None, "complete", 4),
        ("move", 2, "complete", 0),
        ("move", 4, "complete", 4),
        ("move", 5, "not_found", 0),
        ("move", 5, "not_found", 0),
        ("get", None, "complete", 4),
    ]


def _names(node):
    return [str(path) for path in node.storage.rglob("*")]


def _audited(node):
    connection = sqlite3.connect(node.storage / "ledger.sqlite")
    rows = connection.execute("SELECT detail FROM audit WHERE action = 'pull' ORDER BY id").fetchall()
    connection.close()
    return [json.loads(detail) for (detail,) in rows]


def test_what_is_missing_is_named_and_fetched_by_the_next_run(tmp_path):
    """A destination that the PACS does not know, then C-GET with the node stopped, and the node takes over."""
    files, _, named = write_studies(tmp_path / "studies", 1)
    with clinical_and_node(tmp_path, knows_us=False) as (clinical, node, research):
        for path in files:
            clinical.upload(path)
        refused = node.run("pull", "--from", "clinical", "--accession", named[0][0], "--show", check=False)
        assert refused.returncode == 1
        assert f"AccessionNumber={named[0][0]}" in refused.stderr
        assert "4 missing" in refused.stderr
        assert node.status()["acknowledged"] == 0
        assert node.terminate() == 0

        stopped = node.run("pull", "--from", "clinical", "--accession", named[0][0], "--move", check=False)
        assert (stopped.returncode, "start it" in stopped.stderr) == (2, True)
        node.run("pull", "--from", "clinical", "--accession", named[0][0])
        assert node.status()["acknowledged"] == 4
        node.start()

        assert node.settled(acknowledged=4)["states"]["sent"] == 4
        assert len(research.hashes()) == 4
        node.run("reconcile")
