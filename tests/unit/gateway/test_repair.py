"""Repairs and accounts by study: what is safe is repaired and written down, nothing is deleted."""

import hashlib
import json
import os
import time

import pytest
import sqlalchemy as sa

from gateway import reconcile as module
from gateway import repair as repair_module
from gateway.audit_chain import read, verify
from gateway.cli import main
from gateway.part10 import head
from gateway.reconcile import Kind, reconcile
from gateway.repair import Repairs
from gateway.self_check import LOOKED_FOR, SelfCheck
from gateway.spool import Shelf
from gateway.study_accounts import by_study, indexes_of
from gateway.tables import instance
from tests.factories.crosswalk import crosswalk_entry

from .conftest import KEY, SmallNode, write_configuration

_AN_HOUR_AND_MORE = 3700


@pytest.fixture(autouse=True)
def _no_second_look_delay(monkeypatch):
    monkeypatch.setattr(module, "_SECOND_LOOK_AFTER_S", 0)


def _aged(path):
    then = time.time() - _AN_HOUR_AND_MORE
    os.utime(path, (then, then))
    return path


def _repair(node, targets=None):
    repairs = Repairs(node.database, node.spool, targets=targets or {"default": ("research",)}, actor="user:test")
    return {(one.kind, one.subject, one.how) for one in repairs.repair(reconcile(node.database, node.spool))}


def _audited(node):
    return [
        (row.actor, row.detail["kind"], row.detail["subject"]) for row in read(node.database) if row.action == "repair"
    ]


def test_orphans_and_part_files_are_put_aside_and_none_is_deleted(node):
    """Old ones only, with an audit row each; afterwards the account is balanced."""
    node.clean("1.1")
    orphan, output = node.put(Shelf.ORIGINALS, b"orphan"), node.put(Shelf.OUTPUTS, b"unnamed")
    fresh = node.put(Shelf.ORIGINALS, b"its row is on its way")
    _aged(node.spool.path(Shelf.ORIGINALS, orphan))
    _aged(node.spool.path(Shelf.OUTPUTS, output))
    part = node.spool.incoming / f"{'a' * 32}.part"
    part.write_bytes(b"half")
    _aged(part)
    (node.spool.incoming / f"{'b' * 32}.part").write_bytes(b"being received")
    foreign = node.spool.incoming / "MUELLER^HANS"
    foreign.write_bytes(b"?")
    _aged(foreign)
    inode = foreign.stat().st_ino

    done = _repair(node)

    assert done == {
        (Kind.ORPHAN, f"originals/{orphan}", "set_aside"),
        (Kind.ORPHAN, f"outputs/{output}", "set_aside"),
        (Kind.PART, f"incoming/{'a' * 32}.part", "set_aside"),
        (Kind.PART, f"incoming/inode {inode}", "set_aside"),
    }
    aside = {path.name: path.read_bytes() for path in node.spool.quarantine.glob("*/*")}
    assert aside == {
        f"{orphan}.dcm": b"orphan",
        f"{output}.dcm": b"unnamed",
        f"{'a' * 32}.part": b"half",
        "MUELLER^HANS": b"?",
    }
    assert node.spool.path(Shelf.ORIGINALS, fresh).exists()
    assert (node.spool.incoming / f"{'b' * 32}.part").exists()
    assert len(_audited(node)) == 4
    assert all(actor == "user:test" for actor, *_ in _audited(node))
    assert "MUELLER" not in str(_audited(node))
    assert verify(node.database).holds
    assert {d.subject for d in reconcile(node.database, node.spool).discrepancies} == {f"originals/{fresh}"}
    assert _repair(node) == set()


def test_a_name_that_somebody_else_gave_is_told_nowhere(node):
    """A file that was put back by hand may be called as its patient is."""
    folder = node.spool.root / Shelf.ORIGINALS / "ab"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "DOE_JOHN_19500101.dcm").write_bytes(b"x")

    subjects = [one.subject for one in reconcile(node.database, node.spool).discrepancies]

    assert subjects == ["originals/a name that is not ours"]
    assert _repair(node) == set()


def test_what_a_repair_asks_about_is_hashed_before_its_transaction(node, monkeypatch):
    """Hashing gigabytes inside it would keep everybody else from committing."""
    node.arrive("1", content=b"one")
    with node.database.write() as connection:
        connection.execute(sa.update(instance).values(original_kept=False))
    is_original = repair_module._is_original
    hashed = []

    def asked(path, row):
        with node.database.write():  # would wait for the transaction of the repair, and fail
            hashed.append(path)
        return is_original(path, row)

    monkeypatch.setattr(repair_module, "_is_original", asked)

    _repair(node)

    assert len(hashed) == 1


def test_an_acknowledged_original_without_a_row_stays_where_it_is(node):
    """It may be the only copy, and the receipt names it there."""
    token, _ = node.arrive("9.9", b"lost")
    with node.database.write() as connection:
        connection.execute(instance.delete().where(instance.c.token == token))
    path = _aged(node.spool.path(Shelf.ORIGINALS, token))

    assert _repair(node) == set()
    assert path.read_bytes() == b"lost"


def test_a_move_whose_audit_row_cannot_be_written_is_undone(node, monkeypatch):
    """No repair without its row."""
    orphan = node.put(Shelf.ORIGINALS, b"orphan")
    path = _aged(node.spool.path(Shelf.ORIGINALS, orphan))

    def fail(*_arguments, **_values):
        raise sa.exc.OperationalError("", {}, Exception("disk is full"))

    monkeypatch.setattr(node.database, "append_audit", fail)
    with pytest.raises(sa.exc.OperationalError):
        _repair(node)

    assert path.read_bytes() == b"orphan"


def _received(node, data_set=b"data set"):
    """Let an object arrive as Part 10, as the receiver writes it; return its number and path."""
    whole = head(sop_class_uid="1.2", sop_instance_uid="1.2.3", transfer_syntax_uid="1.2.840.10008.1.2.1") + data_set
    token, _ = node.arrive("1.2.3", whole)
    with node.database.write() as connection:
        values = {"content_sha256": hashlib.sha256(data_set).digest(), "original_kept": False}
        connection.execute(instance.update().where(instance.c.token == token).values(**values))
    return node.spool.path(Shelf.ORIGINALS, token)


def test_a_row_that_forgot_its_whole_original_is_told_of_it(node):
    """The very bytes that were acknowledged: it is processed after all."""
    path = _aged(_received(node))
    assert {d.kind for d in reconcile(node.database, node.spool).discrepancies} == {Kind.NO_BYTES, Kind.ORPHAN}

    assert _repair(node) == {(Kind.NO_BYTES, "instance 1", "original_found")}

    assert path.exists()
    assert reconcile(node.database, node.spool).balanced
    assert node.claim().instance_id == 1


def test_an_original_with_other_bytes_is_no_original(node):
    """Same length: it is put aside, and the instance still waits for its bytes."""
    path = _received(node)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    _aged(path)

    assert {one[0] for one in _repair(node)} == {Kind.ORPHAN}
    assert {d.kind for d in reconcile(node.database, node.spool).discrepancies} == {Kind.NO_BYTES}


def _set(node, statement, number):
    with node.database.write() as connection:
        connection.exec_driver_sql(statement, (number,))


def test_states_that_are_behind_follow(node):
    """Done where all was sent; to be sent where something is open or nothing was put up, and the output is whole."""
    sent, opened, never, altered = (node.clean(f"1.{number}") for number in range(1, 5))
    for claimed in node.deliveries.claim("research", "f", limit=10, lease_s=60):
        if claimed.instance_id in (sent, opened):
            node.deliveries.record_sent(claimed, status=0)
        else:
            node.deliveries.give_back([claimed])
    _set(node, "UPDATE instance SET state='clean' WHERE id=?", sent)
    _set(node, "UPDATE delivery SET state='waiting' WHERE instance_id=?", opened)
    for number in (never, altered):
        _set(node, "DELETE FROM delivery WHERE instance_id=?", number)
    token = node.decisions.show(altered)["output_token"]
    node.spool.path(Shelf.OUTPUTS, token).write_bytes(b"tamper")

    assert _repair(node) == {
        (Kind.NOTHING_OPEN, f"instance {sent}", "done"),
        (Kind.OPEN, f"instance {opened}", "to_be_sent"),
        (Kind.NOTHING_OPEN, f"instance {never}", "to_be_sent"),
    }
    assert [node.state(number) for number in (sent, opened, never, altered)] == ["done", "clean", "clean", "clean"]
    assert node.delivery_states(never) == {"research": "waiting"}
    left = {(d.kind, d.subject) for d in reconcile(node.database, node.spool).discrepancies}
    assert left == {(Kind.NOTHING_OPEN, f"instance {altered}")}


def test_what_somebody_cancelled_is_not_sent(node):
    """Nor is what no rule has a target for."""
    cancelled, unruled = node.clean("1.1"), node.clean("1.2")
    _set(node, "UPDATE delivery SET state='cancelled' WHERE instance_id=?", cancelled)
    _set(node, "DELETE FROM delivery WHERE instance_id=?", unruled)

    assert _repair(node, targets={"another": ("research",)}) == set()


def _two_studies(node):
    one = [crosswalk_entry(instance_uid=(f"1.1.{n}", f"2.25.1{n}"), study_uid=("1.8", "2.25.8")) for n in (1, 2)]
    other = crosswalk_entry(instance_uid=("1.2.1", "2.25.21"), study_uid=("1.9", "2.25.9"))
    numbers = [node.clean_of(entry) for entry in (*one, other)]
    node.arrive("1.3", b"unreadable")
    return numbers


def test_every_study_has_an_equation_of_its_own(node):
    """And what does not add up stands with the study that it is about."""
    first, second, third = _two_studies(node)
    token = node.decisions.show(second)["output_token"]
    node.spool.remove(Shelf.OUTPUTS, token)

    studies = by_study(node.database, reconcile(node.database, node.spool))

    assert [(s.first_instance, s.public_study_uids, s.acknowledged, s.balanced) for s in studies] == [
        (first, ("2.25.8",), 2, False),
        (third, ("2.25.9",), 1, True),
        (4, (), 1, True),
    ]
    assert {state: number for state, number in studies[0].states.items() if number} == {"clean": 2}
    assert [d.subject for d in studies[0].discrepancies] == [f"outputs/{token}"]
    assert sum(s.acknowledged for s in studies) == 4
    source = node.subjects.study
    assert indexes_of(node.database, "2.25.9", source("2.25.9")) == (source("1.9"),)
    assert indexes_of(node.database, "1.9", source("1.9")) == (source("1.9"),)
    assert indexes_of(node.database, "1.7", source("1.7")) == ()


def test_a_missing_receipt_unbalances_its_study(node):
    """Acknowledged is counted from receipts alone."""
    first, *_ = _two_studies(node)
    token = node.decisions.show(first)["token"]
    with node.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER receipt_no_delete")
        connection.exec_driver_sql("DELETE FROM receipt WHERE token=?", (token,))

    studies = by_study(node.database, reconcile(node.database, node.spool))

    assert (studies[0].acknowledged, sum(studies[0].states.values()), studies[0].balanced) == (1, 2, False)


@pytest.fixture
def command(tmp_path, capsys):
    """Run `sonoveil reconcile` on a node; return the node and the way to run it."""
    config_file = write_configuration(tmp_path)
    (tmp_path / "key").write_bytes(KEY)
    node = SmallNode(tmp_path / "storage")

    def run(*arguments):
        code = main(["reconcile", "-c", str(config_file), *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield node, run
    node.database.close()


def test_the_command_shows_studies_by_new_uids_only(command):
    """For a person and as JSON; asked by the source's UID or the new one."""
    node, run = command
    _two_studies(node)

    code, out, _ = run("--by-study")
    assert code == 0
    assert "study of instance 1 (2.25.8): 2 acknowledged = 2 clean; 2 originals, 2 outputs here" in out
    assert "identical re-sends, for information: 0" in out
    assert "1.8" not in out.replace("2.25.8", "")
    for uid in ("1.9", "2.25.9"):
        code, out, _ = run("--study", uid, "--json")
        assert code == 0
        assert [study["public_study_uids"] for study in json.loads(out)["studies"]] == [["2.25.9"]]
    assert run("--study", "1.7")[0] == 2


def test_the_command_repairs_and_says_what(command):
    """Exit 0 once nothing is left."""
    node, run = command
    orphan = node.put(Shelf.ORIGINALS, b"orphan")
    _aged(node.spool.path(Shelf.ORIGINALS, orphan))
    assert run()[0] == 1

    code, out, err = run("--repair")

    assert (code, err) == (0, "")
    assert f"repaired file_without_row: originals/{orphan}: set_aside" in out
    assert run("--repair", "--study", "1.2")[0] == 2


def test_the_self_check_tells_the_metrics_every_kind(node, monkeypatch):
    """Zeros too, so that an alert ends."""
    told = {}
    monkeypatch.setattr("gateway.self_check.DISCREPANCIES", _Told(told))
    node.put(Shelf.ORIGINALS, b"orphan")

    assert SelfCheck(node.database, node.spool).look() == 1

    assert told == {kind.value: int(kind is Kind.ORPHAN) for kind in LOOKED_FOR}


class _Told:
    def __init__(self, told):
        self._told = told

    def labels(self, kind):
        return _Series(self._told, kind)


class _Series:
    def __init__(self, told, kind):
        self._told, self._kind = told, kind

    def set(self, number):
        self._told[self._kind] = number
