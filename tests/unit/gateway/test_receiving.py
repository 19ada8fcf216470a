"""What several receiving processes share, and what one leaves to its successor."""

import os
import subprocess
import sys

import pytest

from config.gateway import Listener
from gateway.board import Board, Seat
from gateway.receivers import Receivers
from gateway.receiving import Leftovers
from gateway.spool import Shelf, new_token
from tests.peers.programs import free_port

_ENDED = """
import sys
from pathlib import Path
from gateway.board import Seat
Seat(Path(sys.argv[1]), processes=2, number=1).say_open(5)
"""


def test_associations_are_counted_in_all_processes_that_live(tmp_path):
    """Those of a process that ended have ended with it."""
    board, seat = Board(tmp_path, processes=2), Seat(tmp_path, processes=2, number=0)
    seat.say_open(3)
    assert board.open() == 3
    second = Seat(tmp_path, processes=2, number=1)
    second.say_open(2)
    assert board.open() == seat.open() == second.open() == 5
    subprocess.run([sys.executable, "-c", _ENDED, str(tmp_path)], check=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert board.open() == 3


def test_settings_are_followed_once_and_a_late_process_finds_them(tmp_path):
    """Who was started with older ones learns of the newest alone."""
    board, seat = Board(tmp_path, processes=2), Seat(tmp_path, processes=2, number=0)
    seen = []
    seat.follow(seen.append)
    assert not board.publish("first", patience_s=0.0), "nobody has looked yet"
    board.publish("second", patience_s=0.0)
    for _ in range(2):
        seat.follow(seen.append)
        Seat(tmp_path, processes=2, number=1).follow(seen.append)
    assert seen == ["second", "second"]
    assert board.publish("third", patience_s=0.0) is False


def test_only_what_nobody_was_told_of_is_removed_and_only_while_nobody_takes_in(node):
    """A file with a receipt stays, whatever became of its row; one without may be another process's, just now."""
    recorded, unrecorded = node.arrive()[0], node.put(Shelf.ORIGINALS, b"as received")
    leftovers = Leftovers(node.spool)
    with node.spool.intake_lock(exclusive=False):
        assert leftovers.remove(node.ledger) == 0
    assert leftovers.remove(node.ledger) == 1
    assert not node.spool.path(Shelf.ORIGINALS, unrecorded).exists()
    assert node.spool.path(Shelf.ORIGINALS, recorded).exists()
    node.spool.path(Shelf.ORIGINALS, unrecorded).write_bytes(b"named by another since")
    assert leftovers.remove(node.ledger) == 0


def test_a_process_removes_what_it_had_begun_and_nothing_of_another(node):
    """Others go on receiving while one is started again."""
    parts = {name: node.spool.begun(new_token(), name) for name in ("receive-0", "receive-1", "receive-10", "")}
    for part in parts.values():
        part.touch()
    assert node.spool.clear_begun("receive-1") == 1
    assert [name for name, part in parts.items() if part.exists()] == ["receive-0", "receive-10", ""]


def test_a_port_that_another_listens_on_is_told_after_a_while(tmp_path, monkeypatch):
    """Processes of a killed node hold it a moment longer; anybody else ends the start."""
    monkeypatch.setattr("gateway.receivers._ENDING_S", 0.1)
    listener = Listener(host="127.0.0.1", port=free_port(), processes=2)
    first = Receivers(listener, tmp_path)
    first.start()
    second = Receivers(listener.model_copy(update={"port": first.port}), tmp_path)
    with pytest.raises(OSError, match=os.strerror(98)):
        second.start()
    first.stop_accepting()
    second.start()
    second.stop_accepting()
