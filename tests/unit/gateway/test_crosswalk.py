"""The crosswalk of a node: only with the key, only what was asked, and never without a trace."""

import csv
import json
import stat

import pytest
import sqlalchemy as sa

from config.keys import read_key, write_key
from gateway.cli import main
from gateway.crosswalk import ranges
from gateway.crosswalk_tables import write_tables
from gateway.entries import Route
from gateway.sealing import Sealer
from gateway.subjects import Subjects
from gateway.tables import audit, instance
from pipeline.crosswalk import FILENAME, CrosswalkSeal, write_crosswalk
from pipeline.header.identity import Identities
from tests.factories.crosswalk import crosswalk_entry

from .conftest import SmallNode

SECOND = Route(rule="default", project="q", profile="research", targets=("research",))


@pytest.fixture
def node(config_file):
    """A ledger with two objects of one study of patient 4711, sealed with the configuration's key."""
    small = SmallNode(config_file.parent / "storage")
    small.sealer = Sealer(read_key(config_file.parent / "key"))
    small.subjects = Subjects(sealer=small.sealer, strips_leading_zeros=False)
    for number in (1, 2):
        small.clean_of(crosswalk_entry(instance_uid=(f"1.2.3.10{number}", f"2.25.10{number}")))
    yield small
    small.database.close()


def _run(capsys, config_file, *arguments):
    code = main([*arguments, "-c", str(config_file)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def _audits(node):
    with node.database.read() as connection:
        rows = connection.execute(sa.select(audit).where(audit.c.action.startswith("crosswalk"))).all()
    return [(row.action, row.detail) for row in rows]


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["--pseudonym", "SV-A"], "pseudonym"),
        (["--uid", "2.25.13"], "uid"),
        (["--uid", "2.25.12"], "uid"),
        (["--accession-number", "KEYEDACCESSION"], "accession_number"),
        (["--patient-id", " 4711"], "patient_id"),
        (["--patient-id", "4711", "--domain", "A"], "patient_id"),
    ],
)
def test_a_patient_is_found_by_old_and_new_identities(capsys, config_file, node, arguments, kind):
    """The audit knows who asked, how and about which instances; not for whom."""
    code, out, error = _run(capsys, config_file, "crosswalk", "lookup", *arguments, "--json")

    (patient,) = json.loads(out)["patients"]
    assert (code, error) == (0, "")
    assert (patient["patient_id"], patient["pseudonym"], patient["patient_domain"]) == ("4711", "SV-A", "A")
    (study,) = patient["studies"]
    assert (study["source_uid"], study["public_uid"]) == ("1.2.3.2", "2.25.13")
    assert [one["id"] for one in study["instances"]] == [1, 2]
    assert _audits(node) == [("crosswalk_lookup", {"by": kind, "count": 2, "instances": "1-2"})]


def test_a_source_uid_is_found_by_what_the_key_makes_of_it(capsys, config_file, node):
    """In every project that has de-identified something."""
    public = Identities(read_key(config_file.parent / "key"), "q").public_uid("1.2.7.7")
    number = node.clean_of(crosswalk_entry(instance_uid=("1.2.7.7", public), pseudonym="SV-Q"), route=SECOND)

    code, out, _ = _run(capsys, config_file, "crosswalk", "lookup", "--source-uid", "1.2.7.7", "--json")

    assert code == 0
    (patient,) = json.loads(out)["patients"]
    assert (patient["project"], patient["studies"][0]["instances"][0]["id"]) == ("q", number)
    assert "1.2.7.7" not in str(_audits(node))


def test_an_instance_uid_shows_that_instance_alone(capsys, config_file, node):
    """For a person: one line each for patient, study, series and instance."""
    code, out, _ = _run(capsys, config_file, "crosswalk", "lookup", "--uid", "2.25.102")

    assert code == 0
    assert "SV-A of project p is Patient ID 4711 of A" in out
    assert "instance 2.25.102 is 1.2.3.102" in out
    assert "2.25.101" not in out


@pytest.mark.parametrize("arguments", [["--pseudonym", "SV-X"], ["--patient-id", "4711", "--domain", "B"]])
def test_nobody_found_is_status_1_and_stands_in_the_audit_too(capsys, config_file, node, arguments):
    """Whoever tries IDs leaves a trace."""
    code, out, error = _run(capsys, config_file, "crosswalk", "lookup", *arguments)

    assert (code, out) == (1, "")
    assert "nobody" in error
    assert "4711" not in error
    assert _audits(node)[0][1]["count"] == 0


def test_an_id_may_be_read_from_standard_input(capsys, config_file, node, monkeypatch):
    """So that it does not stand in the list of processes."""
    monkeypatch.setattr("sys.stdin.readline", lambda: "4711\n", raising=False)

    assert _run(capsys, config_file, "crosswalk", "lookup", "--patient-id", "-")[0] == 0


def test_another_key_opens_nothing(capsys, config_file, node, tmp_path):
    """Neither command says or writes anything."""
    (tmp_path / "key").unlink()
    write_key(tmp_path / "key")

    for arguments in (
        ["crosswalk", "lookup", "--pseudonym", "SV-A"],
        ["crosswalk", "export", "-o", str(tmp_path / "x")],
        ["withdraw", "--patient", "4711"],
    ):
        code, out, error = _run(capsys, config_file, *arguments)
        assert (code, out) == (2, "")
        assert "not the key that sealed this ledger" in error
    assert not (tmp_path / "x").exists()
    assert node.state(1) == "clean"


def test_a_missing_key_is_status_2(capsys, config_file, node, tmp_path):
    """The configuration is refused."""
    (tmp_path / "key").unlink()

    assert _run(capsys, config_file, "crosswalk", "lookup", "--pseudonym", "SV-A")[0] == 2


def test_the_tables_are_written_for_their_owner_alone_and_never_twice(capsys, config_file, node, tmp_path):
    """`id_old,id_new`, one line for each pair; the second time is status 2 and changes nothing."""
    folder = tmp_path / "crosswalk"

    code, _, _ = _run(capsys, config_file, "crosswalk", "export", "-o", str(folder))

    assert code == 0
    assert _rows(folder / "patients.csv") == [["id_old", "id_new"], ["4711", "SV-A"]]
    assert _rows(folder / "uids.csv") == [
        ["id_old", "id_new"],
        ["1.2.3.101", "2.25.101"],
        ["1.2.3.102", "2.25.102"],
        ["1.2.3.2", "2.25.13"],
        ["1.2.3.3", "2.25.12"],
        ["1.2.3.9", "2.25.19"],
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["patients.csv", "uids.csv"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert _audits(node)[-1] == ("crosswalk_export", {"project": "p", "count": 2})

    code, _, error = _run(capsys, config_file, "crosswalk", "export", "-o", str(folder))
    assert code == 2
    assert "never overwritten" in error
    assert "4711" not in error


def test_several_projects_need_a_choice(capsys, config_file, node, tmp_path):
    """One table can hold one pseudonym of a patient only."""
    node.clean_of(crosswalk_entry(pseudonym="SV-Q", instance_uid=("1.2.3.200", "2.25.200")), route=SECOND)
    command = ["crosswalk", "export", "-o", str(tmp_path / "x")]

    code, _, error = _run(capsys, config_file, *command)
    assert code == 2
    assert "write --project NAME; there are p, q" in error
    assert _run(capsys, config_file, *command, "--project", "r")[0] == 2

    assert _run(capsys, config_file, *command, "--project", "q", "--domain")[0] == 0
    assert _rows(tmp_path / "x" / "patients.csv") == [["id_old", "id_new", "domain"], ["4711", "SV-Q", "A"]]


def test_rows_of_an_earlier_version_are_in_the_crosswalk(capsys, config_file, node):
    """What was sealed at their arrival is known; accession numbers are not."""
    with node.database.write() as connection:
        connection.execute(instance.update().values(crosswalk=None))

    code, out, _ = _run(capsys, config_file, "crosswalk", "lookup", "--pseudonym", "SV-A")

    assert code == 0
    assert "is Patient ID 4711\n" in out
    assert "study 2.25.13 is 1.2.3.2\n" in out


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_table_that_cannot_be_finished_is_not_there(tmp_path, fault):
    """Nor anything of it."""

    def entries():
        yield crosswalk_entry()
        raise fault

    with pytest.raises(fault):
        write_tables(tmp_path / "x", entries(), with_domain=False)

    assert list((tmp_path / "x").iterdir()) == []


@pytest.fixture
def run_folder(tmp_path):
    """The output folder of a run over files, as far as its crosswalk goes."""
    write_key(tmp_path / "run-key")
    out = tmp_path / "out"
    out.mkdir()
    seal = CrosswalkSeal(Identities(read_key(tmp_path / "run-key"), "files"))
    write_crosswalk(out / FILENAME, project="files", seal=seal, lines=[seal.seal(crosswalk_entry())])
    return out


def test_a_run_over_files_is_exported_with_its_key(capsys, run_folder, tmp_path):
    """The trace stands beside it, since there is no ledger."""
    key = str(tmp_path / "run-key")
    code = main(
        ["crosswalk", "export", "--from", str(run_folder), "--key-file", key, "-o", str(tmp_path / "x"), "--json"]
    )

    assert code == 0
    assert json.loads(capsys.readouterr().out)["written"] == {"patients": 1, "uids": 4, "objects": 1}
    assert _rows(tmp_path / "x" / "patients.csv")[1:] == [["4711", "SV-A"]]
    line = json.loads((run_folder / "crosswalk-audit.jsonl").read_text())
    assert line["action"] == "crosswalk_export"
    assert line["actor"].startswith("user:")


@pytest.mark.parametrize("spoil", ["key", "file", "no key", "no file", "project"])
def test_a_run_is_not_exported_otherwise(capsys, run_folder, tmp_path, spoil):
    """Status 2, and nothing is written."""
    command = ["crosswalk", "export", "--from", str(run_folder), "-o", str(tmp_path / "x")]
    command += [] if spoil == "no key" else ["--key-file", str(tmp_path / "run-key")]
    if spoil == "key":
        (tmp_path / "run-key").unlink()
        write_key(tmp_path / "run-key")
    elif spoil == "file":
        lines = (run_folder / FILENAME).read_text().splitlines()
        (run_folder / FILENAME).write_text("\n".join(lines[:-1]) + "\n")
    elif spoil == "no file":
        (run_folder / FILENAME).unlink()
    elif spoil == "project":
        command += ["--project", "other"]

    assert main(command) == 2
    assert capsys.readouterr().out == ""
    assert not list((tmp_path / "x").glob("*.csv"))


def test_a_withdrawal_from_the_shell_names_nobody(capsys, config_file, node):
    """And says what must be deleted elsewhere."""
    for claimed in node.deliveries.claim("research", "forward", limit=1, lease_s=60):
        node.deliveries.record_sent(claimed, status=0)

    code, out, error = _run(capsys, config_file, "withdraw", "--patient", "4711")

    assert (code, error) == (0, "")
    assert "2 instances: 2 withdrawn now, 1 deliveries cancelled" in out
    assert "sent to research 1970-01-12T13:46:40+00:00: study 2.25.13, instance 2.25.101" in out
    assert "4711" not in out
    assert list(node.spool.files()) == []

    assert _run(capsys, config_file, "withdraw", "--patient", "4711", "--lift")[0] == 0
    assert _run(capsys, config_file, "withdraw", "--patient", "4711", "--lift")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["withdraw", "--patient", " "],
        ["withdraw", "--study", "1.2.3", "--domain", "A"],
        ["crosswalk", "lookup", "--pseudonym", "X", "--domain", "A"],
        ["crosswalk", "export", "-o", "x", "--key-file", "key"],
        ["crosswalk", "export", "-o", "x", "--from", "out"],
    ],
)
def test_what_makes_no_sense_is_status_2(capsys, config_file, node, arguments):
    """Before anything is done."""
    code, out, error = _run(capsys, config_file, *arguments)

    assert (code, out) == (2, "")
    assert error.startswith("sonoveil: ")


def test_numbers_are_written_as_ranges():
    """The audit is to be read."""
    assert ranges([3, 1, 2, 7, 9, 10]) == "1-3,7,9-10"
    assert ranges([]) == ""
    assert ranges(range(1, 5000, 2)).endswith(",...")
