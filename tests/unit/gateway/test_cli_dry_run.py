"""`sonoveil deid --dry-run`: exit codes, and no identifier on any stream unless --diff asks for it."""

import json

import pytest

from gateway.cli import main
from tests.factories.planted import find_planted, planted_object


@pytest.fixture
def planted(tmp_path):
    """An image and everything planted in it."""
    folder = tmp_path / "in"
    folder.mkdir()
    made = planted_object("CT", seed=9)
    made.save(folder / "1.dcm")
    return folder, made.planted


def run(capsys, *arguments):
    """Run the command; return exit code, standard output and standard error."""
    code = main(["deid", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def on_a_terminal(monkeypatch):
    """Let the command believe that a person watches."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_no_planted_identifier_is_printed_unless_diff_asks_for_it(capsys, planted, how):
    """As plain lines and as JSON; with --diff they are there, which proves the search."""
    folder, words = planted

    code, out, err = run(capsys, "--dry-run", folder, *how)
    shown = run(capsys, "--dry-run", "--diff", folder, *how)[1]

    assert (code, find_planted(f"{out}{err}".encode(), words)) == (0, [])
    assert len(find_planted(shown.encode(), words)) > 20


def test_a_person_at_a_terminal_sees_a_table_and_with_diff_both_values(capsys, planted, monkeypatch):
    """Before and after, side by side, under a loud line."""
    folder, words = planted
    on_a_terminal(monkeypatch)

    plain = run(capsys, "--dry-run", folder)[1]
    shown = run(capsys, "--dry-run", "--diff", folder)[1]

    assert find_planted(plain.encode(), words) == []
    assert "Attribute" in plain
    assert "Before" not in plain
    assert "CONFIDENTIAL" in shown
    (line,) = [line for line in shown.splitlines() if "StudyDate " in line]
    assert "20230417" in line
    assert "shifted" in line


def test_json_is_one_object_and_nothing_else(capsys, planted):
    """Also where objects would be held, which is status 1."""
    planted_object("PDF", seed=9).save(planted[0] / "2.dcm")

    code, out, _err = run(capsys, "--dry-run", planted[0], "--json")

    assert code == 1
    assert json.loads(out)["counts"] == {"read": 2, "would_leave": 1, "would_be_held": 1, "refused": 0, "skipped": 0}


def test_what_would_be_held_is_named_on_standard_error(capsys, planted):
    """With its reason, as in a real run."""
    planted_object("PDF", seed=9).save(planted[0] / "2.dcm")

    code, _out, err = run(capsys, "--dry-run", planted[0])

    assert code == 1
    assert "would be held: 2.dcm: encapsulated_document" in err


WRONG = {
    "diff without dry run": (["--diff", "-o", "out"], "--dry-run --diff"),
    "neither output nor dry run": ([], "-o OUT"),
    "a profile that is not there": (["--dry-run", "--profile", "nowhere"], "no such profile"),
}


@pytest.mark.parametrize("case", WRONG)
def test_usage_is_status_2(capsys, planted, case):
    """And says what to write instead."""
    arguments, said = WRONG[case]

    code, _out, err = run(capsys, planted[0], *arguments)

    assert code == 2
    assert said in err


def test_an_input_that_is_not_there_is_status_2(capsys, tmp_path):
    """Not an empty account."""
    code, out, err = run(capsys, tmp_path / "nowhere", "--dry-run")

    assert (code, out) == (2, "")
    assert "does not exist" in err


def test_a_dry_run_leaves_only_its_account(capsys, planted, tmp_path):
    """No objects, no key, no sidecar."""
    assert run(capsys, "--dry-run", planted[0], "-o", tmp_path / "out")[0] == 0

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dry-run.html", "dry-run.json"]
