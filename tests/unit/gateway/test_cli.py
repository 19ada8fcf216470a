"""The command line: exit codes and what a person is told."""

import json
import stat

import pytest

from gateway.cli import COMMANDS, main, parser
from gateway.entries import Route
from gateway.spool import Shelf
from gateway.studies import Studies

from .conftest import ROUTE, WORKER, SmallNode


@pytest.fixture
def node(config_file):
    """The ledger and spool of that configuration."""
    small = SmallNode(config_file.parent / "storage")
    yield small
    small.database.close()


def _run(capsys, *arguments):
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(capsys, name):
    """`--help` ends with status 0."""
    with pytest.raises(SystemExit) as ended:
        parser(chosen=name).parse_args([name, "--help"])

    assert ended.value.code == 0
    assert name in capsys.readouterr().out


def test_keygen_writes_a_private_key_once(capsys, tmp_path):
    """32 bytes, mode 0600; a second time is refused with status 2."""
    path = tmp_path / "new-key"

    assert _run(capsys, "keygen", str(path))[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_bytes()
    code, _, error = _run(capsys, "keygen", str(path))

    assert (code, path.read_bytes(), len(first)) == (2, first, 32)
    assert str(path) in error


def test_a_wrong_configuration_is_status_2_with_file_and_line(capsys, config_file):
    """Every command that reads it says the same."""
    config_file.write_text(config_file.read_text() + "retries: 3\n")

    for command in (["serve"], ["check"], ["status"], ["reconcile"], ["held", "ls"]):
        code, _, error = _run(capsys, *command, "-c", str(config_file))
        assert code == 2
        assert "gateway.yaml:" in error
        assert "retries" in error


def test_without_a_ledger_commands_say_what_to_do(capsys, config_file):
    """Status 2."""
    code, _, error = _run(capsys, "status", "-c", str(config_file))

    assert code == 2
    assert "sonoveil serve" in error


def test_status_and_held_in_words_and_in_json(capsys, config_file, node):
    """The same numbers."""
    node.arrive("1.1", b"a")
    node.arrive("1.1", b"b")

    code, words, _ = _run(capsys, "status", "-c", str(config_file))
    assert code == 0
    assert "acknowledged  2" in words
    assert "correction: 1" in words
    _, text, _ = _run(capsys, "status", "--json", "-c", str(config_file))
    assert json.loads(text)["states"]["held"] == 1
    assert "1 held" in _run(capsys, "held", "ls", "-c", str(config_file))[1]
    assert (
        json.loads(_run(capsys, "held", "ls", "--json", "-c", str(config_file))[1])["held"][0]["reason"] == "correction"
    )
    assert json.loads(_run(capsys, "held", "show", "2", "-c", str(config_file))[1])["state"] == "held"


def test_reconcile_is_status_1_when_something_is_lost(capsys, config_file, node, monkeypatch):
    """And 0 before."""
    monkeypatch.setattr("gateway.reconcile._SECOND_LOOK_AFTER_S", 0)
    token, _ = node.arrive("1.1", b"a")
    assert _run(capsys, "reconcile", "-c", str(config_file))[0] == 0
    node.spool.remove(Shelf.ORIGINALS, token)

    code, out, error = _run(capsys, "reconcile", "-c", str(config_file))

    assert code == 1
    assert "NOT balanced" in out
    assert f"file_missing: originals/{token}" in error
    assert json.loads(_run(capsys, "reconcile", "--json", "-c", str(config_file))[1])["balanced"] is False


def test_decisions_from_the_shell(capsys, config_file, node):
    """A correction can be rejected or retried, never released; each says so."""
    node.arrive("1.1", b"a")
    node.arrive("1.1", b"b")
    where = ("-c", str(config_file))

    code, _, error = _run(capsys, "held", "release", "2", "--reason", "r", *where)
    assert (code, "cannot be released" in error) == (1, True)
    assert _run(capsys, "retry", "2", *where)[0] == 0
    assert node.state(1) == "superseded"
    assert _run(capsys, "held", "reject", "2", "--reason", "r", *where)[0] == 1
    assert _run(capsys, "held", "show", "99", *where)[0] == 2
    assert _run(capsys, "retry", *where)[0] == 2
    assert _run(capsys, "retry", "--target", "nowhere", *where)[0] == 2
    assert _run(capsys, "retry", "--target", "research", *where)[0] == 0
    assert _run(capsys, "retry", "1", "--resend", *where)[0] == 1


def test_models_are_listed_with_hash_and_licence(capsys):
    """The shipped ones verify."""
    code, out, _ = _run(capsys, "models", "verify")

    assert code == 0
    assert "ppocr-detector" in out
    assert "Apache-2.0" in out


def test_status_tells_of_a_target_that_no_rule_serves(capsys, config_file, node):
    """Its deliveries would wait unseen."""
    node.clean(route=Route(rule="old", project="p", profile="research", targets=("retired",)))

    assert "no rule sends to retired any more" in _run(capsys, "status", "-c", str(config_file))[1]


def test_studies_are_shown_in_words_and_in_json(capsys, config_file, node):
    """By our number or the new UID; another one is status 2, and the shell is not told what was typed."""
    node.arrive("1.1.1", b"x", patient_id="4711", study="1.1")
    node.ledger.record_clean(node.claim(), WORKER, ROUTE, node.output(study="2.25.77"))
    studies = Studies(node.database)
    studies.sweep(60)
    where = ("-c", str(config_file))

    assert "studies: 1 being received, 0 complete" in _run(capsys, "status", *where)[1]
    node.clock.now += 60
    studies.sweep(60)
    code, words, _ = _run(capsys, "status", "--study", "2.25.77", *where)
    assert (code, "complete since" in words, "1 instances: 1 clean" in words) == (0, True, True)
    listed = json.loads(_run(capsys, "status", "--studies", "5", "--json", *where)[1])["studies"]
    assert [(one["study_instance_uid"], one["held"], one["sent"]) for one in listed] == [("2.25.77", 0, 0)]
    assert json.loads(_run(capsys, "status", "--json", *where)[1])["studies"]["waiting"] == 1
    code, _, error = _run(capsys, "status", "--study", "1.2.3.4", *where)
    assert (code, "1.2.3.4" in error) == (2, False)
