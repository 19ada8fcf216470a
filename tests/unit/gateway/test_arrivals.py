"""The intake: durable first, Success afterwards."""

import errno
import fcntl
import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway import arrivals
from gateway.arrivals import LedgerIntake, SharedIntake
from gateway.housekeeping import clean_up_after_crash
from gateway.intake import Arrival, IntakeFailed, OutOfResources
from gateway.spool import Shelf
from gateway.tables import instance, receipt
from tests.peers.programs import wait_until


def _intake(node, reserve_bytes=0):
    return LedgerIntake(node.spool, node.ledger, node.sealer, reserve_bytes=reserve_bytes)


def _arrival(content=b"bytes", uid="1.2.3"):
    return Arrival(
        node_name="clinical",
        calling_aet="CLINICAL",
        called_aet="SONOVEIL",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uid=uid,
        series_instance_uid="1.2",
        study_instance_uid="1.1",
        patient_id="4711",
        transfer_syntax_uid="1.2.840.10008.1.2",
        size_bytes=len(content),
        content_sha256=hashlib.sha256(content).hexdigest(),
        readable=True,
    )


def _receive(intake, content=b"bytes", uid="1.2.3"):
    file = intake.open()
    file.write(content)
    intake.commit(file, _arrival(content, uid))


def _originals(node):
    return [file for file in node.spool.files() if file.shelf is Shelf.ORIGINALS]


def _acknowledged(node):
    with node.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(receipt)).scalar()


def test_the_order_is_data_name_folder_rows(node, monkeypatch):
    """Bytes are synced before they get their name, and both before the row that promises them."""
    steps = []
    real_fdatasync, real_fsync, real_replace = os.fdatasync, os.fsync, Path.replace
    record = node.ledger.record_arrivals
    monkeypatch.setattr(os, "fdatasync", lambda d: (steps.append("data"), real_fdatasync(d))[1])
    monkeypatch.setattr(os, "fsync", lambda d: (steps.append("folder"), real_fsync(d))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (steps.append("name"), real_replace(self, to))[1])
    monkeypatch.setattr(node.ledger, "record_arrivals", lambda new: (steps.append("rows"), record(new))[1])

    _receive(_intake(node))

    assert steps == ["data", "name", "folder", "rows"]


def test_an_object_is_in_the_spool_and_in_the_ledger(node):
    """Under a name of ours, with its bytes unchanged."""
    _receive(_intake(node), b"the very bytes")

    (file,) = _originals(node)
    assert node.spool.path(Shelf.ORIGINALS, file.token).read_bytes() == b"the very bytes"
    with node.database.read() as connection:
        row = connection.execute(sa.select(instance)).one()
    assert (row.token, row.state, row.size_bytes) == (file.token, "received", 14)
    assert not list(node.spool.incoming.iterdir())


def test_a_repeated_send_keeps_one_file(node):
    """Both are acknowledged."""
    intake = _intake(node)
    _receive(intake)
    _receive(intake)

    assert len(_originals(node)) == 1
    assert _acknowledged(node) == 2


def test_an_abandoned_object_leaves_nothing(node):
    """No part file, no row."""
    intake = _intake(node)
    file = intake.open()
    file.write(b"half of it")
    intake.abandon(file)

    assert not list(node.spool.incoming.iterdir())
    assert _acknowledged(node) == 0


def test_the_reserve_is_kept_free(node):
    """Nothing is opened when less is free than storage.reserve_space says."""
    with pytest.raises(OutOfResources):
        _intake(node, reserve_bytes=1 << 62).open()


@pytest.mark.parametrize("step", ["finish", "name", "folder", "rows"])
@pytest.mark.parametrize(("number", "expected"), [(errno.ENOSPC, OutOfResources), (errno.EIO, IntakeFailed)])
def test_whatever_the_disk_says_nothing_is_acknowledged(node, monkeypatch, step, number, expected):
    """A full disk is told apart; no file and no receipt stay behind."""
    intake = _intake(node)

    def refuse(*_args, **_options):
        if step == "rows":
            cause = Exception("database or disk is full" if number == errno.ENOSPC else "disk I/O error")
            raise sa.exc.OperationalError("INSERT", {}, cause)
        raise OSError(number, os.strerror(number))

    file = intake.open()
    file.write(b"x")
    places = {
        "finish": (arrivals.PartFile, "finish"),
        "name": (node.spool, "name"),
        "folder": (arrivals, "sync_folder"),
    }
    monkeypatch.setattr(*places.get(step, (node.ledger, "record_arrivals")), refuse)

    with pytest.raises(expected):
        intake.commit(file, _arrival(b"x"))
    intake.abandon(file)

    assert _originals(node) == []
    assert not list(node.spool.incoming.iterdir())
    assert _acknowledged(node) == 0


def test_only_uids_of_the_standard_are_logged(node, capsys):
    """A private class UID is the sender's own word."""
    intake = _intake(node)
    file = intake.open()
    file.write(b"bytes")
    intake.commit(file, replace(_arrival(), sop_class_uid="1.2.826.0.1.4711", sop_instance_uid="1.9"))

    line = capsys.readouterr().err
    assert "4711" not in line
    assert '"sop_class": "private"' in line
    assert '"syntax": "1.2.840.10008.1.2"' in line


def _shared(node):
    return SharedIntake(node.spool, node.ledger, node.sealer, reserve_bytes=0)


def test_beside_a_starting_node_no_file_is_named_before_it_is_safe(node):
    """While leftovers are removed nothing is committed; afterwards it is, whole."""
    done = threading.Event()
    file = _shared(node).open()
    file.write(b"bytes")

    def commit():
        _shared(node).commit(file, _arrival())
        done.set()

    with node.spool.intake_lock(exclusive=True):
        thread = threading.Thread(target=commit)
        thread.start()
        assert not done.wait(0.3)
        assert _originals(node) == []
    thread.join()

    assert done.is_set()
    assert clean_up_after_crash(node.database, node.spool) == 0
    assert len(_originals(node)) == _acknowledged(node) == 1


def test_what_a_starting_node_removed_is_not_acknowledged(node):
    """The part file of a pull is a leftover for it: the peer is told that it failed."""
    intake = _shared(node)
    file = intake.open()
    file.write(b"bytes")
    assert clean_up_after_crash(node.database, node.spool) == 1

    with pytest.raises(IntakeFailed):
        intake.commit(file, _arrival())
    intake.abandon(file)

    assert (_originals(node), _acknowledged(node)) == ([], 0)


def test_whether_a_node_runs_is_told_by_its_lock(node):
    """Not by a file that an ended one left."""
    assert not node.spool.is_served()
    with (node.root / "node.lock").open("w") as lock:
        assert not node.spool.is_served()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert node.spool.is_served()
    assert not node.spool.is_served()


def _receive_all(intake, uids):
    """Commit objects from a thread each; return what became of each."""

    def attempt(uid):
        file = intake.open()
        file.write(uid.encode())
        try:
            intake.commit(file, _arrival(uid.encode(), uid))
        except (OutOfResources, IntakeFailed) as error:
            intake.abandon(file)
            return type(error)
        return None

    with ThreadPoolExecutor(len(uids)) as pool:
        return list(pool.map(attempt, uids))


def test_what_waits_together_is_committed_together(node, monkeypatch):
    """While one commit runs the others gather; all of them are in the ledger, in fewer transactions."""
    sizes, gathered = [], threading.Event()
    record = node.ledger.record_arrivals
    intake = _intake(node)

    def slowly(arrived):
        sizes.append(len(arrived))
        if len(sizes) == 1:
            assert gathered.wait(20)
        return record(arrived)

    monkeypatch.setattr(node.ledger, "record_arrivals", slowly)
    uids = [f"1.2.{number}" for number in range(1, 9)]

    with ThreadPoolExecutor(1) as pool:
        everybody = pool.submit(_receive_all, intake, uids)
        wait_until(lambda: sizes and len(intake._batches._waiting) == 8 - sizes[0], what="the others")
        gathered.set()
        assert everybody.result() == [None] * 8

    assert len(sizes) == 2
    assert sum(sizes) == _acknowledged(node) == len(_originals(node)) == 8


def test_one_object_that_cannot_be_recorded_does_not_fail_those_beside_it(node, monkeypatch):
    """The batch is undone, then each goes alone."""
    record = node.ledger.record_arrivals
    poisoned = node.sealer.index("sop", "1.2.3")

    def refuse(arrived):
        if any(new.sop_index == poisoned for new in arrived):
            raise sa.exc.DataError("INSERT", {}, Exception("string or blob too big"))
        return record(arrived)

    monkeypatch.setattr(node.ledger, "record_arrivals", refuse)
    uids = [f"1.2.{number}" for number in range(1, 9)]

    outcomes = _receive_all(_intake(node), uids)

    assert dict(zip(uids, outcomes, strict=True)) == {uid: IntakeFailed if uid == "1.2.3" else None for uid in uids}
    assert _acknowledged(node) == len(_originals(node)) == 7


def test_a_ledger_that_cannot_be_used_is_not_tried_for_each_object_alone(node, monkeypatch):
    """Locked for its whole timeout, it would keep the last of a batch waiting for as many timeouts as there are."""
    sizes, gathered = [], threading.Event()
    intake = _intake(node)

    def locked(arrived):
        sizes.append(len(arrived))
        assert gathered.wait(20)
        raise sa.exc.OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    monkeypatch.setattr(node.ledger, "record_arrivals", locked)
    with ThreadPoolExecutor(1) as pool:
        everybody = pool.submit(_receive_all, intake, [f"1.2.{number}" for number in range(1, 9)])
        wait_until(lambda: sizes and len(intake._batches._waiting) == 8 - sizes[0], what="the others")
        gathered.set()
        assert everybody.result() == [IntakeFailed] * 8

    assert sum(sizes) == 8
    assert _acknowledged(node) == len(_originals(node)) == 0


def test_the_same_uid_twice_in_one_batch_is_judged_one_after_the_other(node):
    """The same bytes are suppressed, others are a correction, as if they had come in turn."""
    arrived = [node.new_instance("1.2.3", content) for content in (b"one", b"one", b"two")]

    states = node.ledger.record_arrivals(arrived)

    assert states == ["received", "suppressed", "held"]
