"""`sonoveil profile`: what profiles make of attributes, how two differ, and imports."""

import csv
import io
import json

import pytest

from config.load import load_profile
from gateway.cli import main
from pipeline.header.ps315_table import ROWS

RECIPE = "FORMAT dicom\n%header\nREMOVE BodyPartExamined\nREPLACE PatientID var:id\n"


def run(capsys, *arguments):
    """Run the command; return exit code, standard output and standard error."""
    code = main(["profile", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_ls_names_the_shipped_profiles_with_their_options(capsys):
    """As lines and as JSON."""
    assert run(capsys, "ls")[1].splitlines()[1].split("\t") == ["strict", "clean_pixel_data"]
    assert json.loads(run(capsys, "ls", "--json")[1])["strict"] == ["clean_pixel_data"]


def test_show_lists_every_row_of_the_table_with_action_and_rule(capsys):
    """As CSV; with --all, what is outside the table too."""
    rows = list(csv.DictReader(io.StringIO(run(capsys, "show", "strict", "--csv")[1])))
    by_tag = {row["tag"]: row for row in rows}

    assert {row["tag"] for row in rows} == {
        f"({tag[:4]},{tag[4:]})" for tag in ROWS if set(tag) <= set("0123456789ABCDEF")
    }
    assert by_tag["(0008,0050)"] == {
        "tag": "(0008,0050)",
        "keyword": "AccessionNumber",
        "vr": "SH",
        "action": "keyed",
        "rule": "E.1-1 (2026d) Z, accession_number: keyed",
    }
    assert "(0028,0010)\tRows\tUS\tkeep\t" in run(capsys, "show", "strict", "--all")[1]


def test_diff_lists_what_two_profiles_treat_otherwise(capsys):
    """Dates and characteristics; nothing between a profile and itself."""
    rows = json.loads(run(capsys, "diff", "research", "strict", "--json")[1])["attributes"]

    found = {row["keyword"]: (row["action"], row["other_action"]) for row in rows}
    assert found["StudyDate"] == ("shift", "empty")
    assert found["PatientSex"] == ("keep", "empty")
    assert "AccessionNumber" not in found
    assert run(capsys, "diff", "strict", "strict")[1] == ""


def test_import_is_status_0_when_everything_was_carried_over(capsys, tmp_path):
    """And the profile loads."""
    (tmp_path / "deid.x").write_text(RECIPE)

    code, out, err = run(capsys, "import", tmp_path / "deid.x", "-o", tmp_path / "own.yaml")

    assert (code, err) == (0, "")
    assert "1 rules" in out
    assert [rule.tag for rule in load_profile(tmp_path / "own.yaml").rules] == ["00180015"]


def test_import_is_status_1_and_lists_what_was_not_carried_over(capsys, tmp_path):
    """Line, what, why, what to do instead; the same in JSON."""
    (tmp_path / "deid.x").write_text(f"{RECIPE}KEEP StudyDescription\n")

    code, _out, err = run(capsys, "import", tmp_path / "deid.x", "-o", tmp_path / "own.yaml")
    told = json.loads(run(capsys, "import", tmp_path / "deid.x", "-o", tmp_path / "b.yaml", "--json")[1])

    assert code == 1
    assert "line 5: StudyDescription" in err
    assert [one["line"] for one in told["not_carried_over"]] == [5]


def test_accepted_keeps_are_rules(capsys, tmp_path):
    """Only then."""
    (tmp_path / "deid.x").write_text(f"{RECIPE}KEEP StudyDescription\n")

    code = run(capsys, "import", tmp_path / "deid.x", "-o", tmp_path / "own.yaml", "--accept-keeps")[0]

    assert code == 0
    assert {rule.tag: rule.action for rule in load_profile(tmp_path / "own.yaml").rules}["00081030"] == "keep"


@pytest.mark.parametrize("case", ["exists", "no recipe", "no file"])
def test_usage_is_status_2_and_nothing_is_overwritten(capsys, tmp_path, case):
    """A profile that stands is somebody's."""
    (tmp_path / "own.yaml").write_text("# mine\n")
    (tmp_path / "x").write_text("Dear colleague")
    source = tmp_path / ("nowhere" if case == "no file" else "x")
    target = tmp_path / ("own.yaml" if case == "exists" else "new.yaml")

    code, _out, err = run(capsys, "import", source, "-o", target)

    assert code == 2
    assert err
    assert (tmp_path / "own.yaml").read_text() == "# mine\n"
    assert not (tmp_path / "new.yaml").exists()
