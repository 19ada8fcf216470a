"""`sonoveil pull` on the command line: what is refused, what is told, what is written down."""

import fcntl
import json
import logging
import sys
import threading

import pytest
import sqlalchemy as sa

from gateway import log
from gateway.cli import main
from gateway.requestor import Failure
from gateway.retrieve import Pulled, Retrieval, Why
from gateway.tables import audit

from .conftest import SmallNode, write_configuration


@pytest.fixture(autouse=True)
def _undone(monkeypatch):
    """The command silences the process; a test's process goes on."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(log, "_left_out", set())
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def config_file(tmp_path):
    """A configuration with a PACS that can be called and one that cannot."""
    nodes = {
        "clinical": {"ae_title": "CLINICAL", "host": "127.0.0.1", "port": 104, "allow_store": True},
        "archive": {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 104},
        "modality": {"ae_title": "US1", "host": "127.0.0.1", "allow_store": True},
        "research": {"ae_title": "RESEARCH", "host": "127.0.0.1", "port": 105},
    }
    return write_configuration(tmp_path, nodes=nodes, listener={"ae_titles": ["SONOVEIL", "SECOND"]})


@pytest.fixture
def node(config_file):
    """The ledger and spool of that configuration."""
    small = SmallNode(config_file.parent / "storage")
    yield small
    small.database.close()


@pytest.fixture
def running(node):
    """Hold the lock that a node holds while it runs."""
    with (node.root / "node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(capsys, config_file, *arguments):
    code = main(("pull", *arguments, "-c", str(config_file)))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def _pulled(**changes):
    fields = {"studies": 1, "listed": 3, "fetched": 3, "missing": 0, "failed": 0, "why": None, "status": None}
    return Pulled(**fields | changes)


@pytest.fixture
def answers(monkeypatch):
    """Let pulls come to what a test says; returns what was asked and how."""
    made = {"asked": [], "by": [], "results": []}

    def pull(self, ask):
        made["asked"].append(ask)
        made["by"].append(type(self._by).__name__)
        return made["results"].pop(0)

    monkeypatch.setattr(Retrieval, "pull", pull)
    return made


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--from", "nowhere", "--study", "1.2"], "--from names a node"),
        (["--from", "modality", "--study", "1.2"], "nodes.modality has no `port`"),
        (["--from", "clinical", "--study", "Dalloway"], "not a Study Instance UID"),
        (["--from", "clinical", "--accession", "Dall*way"], "not an accession number"),
        (["--from", "clinical", "--query", "Dalloway"], "Keyword=Value"),
        (["--from", "clinical", "--list", "Dalloway.csv"], "cannot be read"),
        (["--from", "clinical", "--study", "1.2", "--rate", "5"], "30/min"),
        (["--from", "clinical", "--study", "1.2", "--between", "8-9"], "20:00-06:00"),
        (["--from", "clinical", "--study", "1.2", "--most", "0"], "--most"),
        (["--from", "clinical", "--study", "1.2", "--move"], "start it, or use --get"),
        (["--from", "clinical", "--study", "1.2", "--get", "--to", "SECOND"], "--to goes with --move"),
        (["--from", "clinical", "--study", "1.2", "--to", "OTHER"], "SONOVEIL, SECOND"),
    ],
)
def test_usage_is_status_2_and_quotes_nothing(capsys, config_file, node, arguments, told):
    """Before anybody is called."""
    code, out, error = _run(capsys, config_file, *arguments)

    assert (code, out) == (2, "")
    assert told in error
    assert "Dall" not in error


def test_by_move_where_a_node_runs_and_by_get_where_none_does(capsys, config_file, node, answers):
    """Unless it is said otherwise; a PACS that may not store here is not asked to."""
    answers["results"] = [_pulled(), _pulled(), _pulled()]
    assert _run(capsys, config_file, "--from", "clinical", "--study", "1.2")[0] == 0
    with (node.root / "node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert _run(capsys, config_file, "--from", "clinical", "--study", "1.2")[0] == 0
        assert _run(capsys, config_file, "--from", "archive", "--study", "1.2", "--get")[0] == 0
        code, _, error = _run(capsys, config_file, "--from", "archive", "--study", "1.2")

    assert answers["by"] == ["Getting", "Moving", "Getting"]
    assert code == 2
    assert "may not store here" in error


@pytest.mark.usefixtures("node", "running")
def test_a_list_goes_on_where_it_was(capsys, config_file, answers, tmp_path):
    """Rows by number only; what is complete is not asked again unless it is said."""
    listed = tmp_path / "l.csv"
    listed.write_text("AccessionNumber\nDALLOWAY1\nDALLOWAY2\n")
    arguments = ("--from", "clinical", "--list", str(listed))
    answers["results"] = [_pulled(), _pulled(fetched=1, missing=2, failed=2, why=Why.MISSING)]

    code, out, error = _run(capsys, config_file, *arguments)
    assert code == 1
    assert "row 2: complete: 1 study, 3 instances, 3 fetched now" in out
    assert "2 rows: 1 complete, 0 of them by an earlier run; 1 not complete" in out
    assert "row 3: NOT complete" in error
    assert "2 missing" in error
    assert "DALLOWAY" not in out + error

    answers["results"] = [_pulled(fetched=2)]
    code, out, _ = _run(capsys, config_file, *arguments, "--json")
    assert code == 0
    told = json.loads(out)
    assert [(row["row"], row["outcome"]) for row in told["rows"]] == [(2, "complete_before"), (3, "complete")]
    assert (told["complete"], "DALLOWAY" in out) == (True, False)

    answers["results"] = [_pulled(fetched=0), _pulled(fetched=0)]
    code, out, _ = _run(capsys, config_file, *arguments, "--again", "--show")
    assert code == 0
    assert "row 2: AccessionNumber=DALLOWAY1: complete" in out
    assert len(answers["asked"]) == 5


def test_a_pacs_that_is_down_is_spared(capsys, config_file, node, answers, tmp_path):
    """After three rows in a row the rest waits for the next run; a refusal of one study is no such sign."""
    listed = tmp_path / "l.csv"
    listed.write_text("AccessionNumber\n" + "".join(f"A{number}\n" for number in range(8)))
    down = _pulled(studies=0, listed=0, fetched=0, why=Failure.UNREACHABLE)
    refused = _pulled(studies=0, listed=0, fetched=0, why=Why.REFUSED, status=0xA700)
    answers["results"] = [down, down, refused, down, down, down]

    code, _, error = _run(capsys, config_file, "--from", "clinical", "--list", str(listed))

    assert code == 1
    assert "the PACS refused (status 0xA700)" in error
    assert error.count("nobody listens there") == 5
    assert "row 8: not tried" in error
    assert "row 9: not tried" in error


def test_every_question_is_audited_without_its_value(capsys, config_file, node, answers):
    """Who, from where, how, and numbers."""
    answers["results"] = [_pulled(), _pulled(missing=1, fetched=2, why=Why.COUNTS_DIFFER)]
    _run(capsys, config_file, "--from", "clinical", "--accession", "DALLOWAY1")
    _run(capsys, config_file, "--from", "clinical", "--query", "PatientID=DALLOWAY2")

    with node.database.read() as connection:
        rows = connection.execute(sa.select(audit).where(audit.c.action == "pull").order_by(audit.c.id)).all()
    assert [row.detail["outcome"] for row in rows] == ["complete", "counts_differ"]
    assert all(row.actor.startswith("user:") and row.instance_id is None for row in rows)
    assert rows[1].detail == {
        "node": "clinical", "by": "get", "row": None, "outcome": "counts_differ",
        "studies": 1, "listed": 3, "fetched": 2, "missing": 1, "failed": 0,
    }  # fmt: skip


def test_what_is_asked_for_can_come_by_standard_input(capsys, config_file, node, answers, monkeypatch):
    """So that it stands in no list of processes."""
    answers["results"] = [_pulled()]
    monkeypatch.setattr("sys.stdin.readline", lambda: "A77\n", raising=False)

    assert _run(capsys, config_file, "--from", "clinical", "--accession", "-")[0] == 0
    assert answers["asked"][0].shown == "AccessionNumber=A77"


def test_every_reason_has_words():
    """Nothing is told by its bare name."""
    from gateway.cli.pull import _FAILED_WORDS

    of_a_query = {
        reason for reason in Failure if reason not in (Failure.FILE, Failure.OUT_OF_RESOURCES, Failure.NOT_TRIED)
    }
    assert set(_FAILED_WORDS) == {str(reason) for reason in (*Why, *of_a_query)}
