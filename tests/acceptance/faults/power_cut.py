"""What is looked at after a power cut: everything that was acknowledged or had left before it is where it should be.

Rule of the file: what the next start does first is done here without its processes, so that hundreds of cuts can be
tried; that a whole node starts on such a disk is tried too, by `test_power_cut`.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.database import Database
from gateway.housekeeping import clean_up_after_crash
from gateway.part10 import data_set_offset
from gateway.reconcile import reconcile
from gateway.spool import Shelf, Spool
from gateway.tables import instance
from tests.acceptance.faults import journal
from tests.acceptance.faults.journal import Disk, Step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Recorded:
    """A run of the node: what happened on its disk, and what was seen outside at which length of the journal.

    Parameters
    ----------
    acknowledged
        Length of the journal when Success had come, and the hash of the data set.
    arrived
        Length of the journal when the target answered Success, public SOP Instance UID and hash of the data set.
    """

    steps: Sequence[Step]
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    arrived: list[tuple[int, str, str]] = field(default_factory=list)

    def cut_at(self, number: int, folder: Path, *, seed: int | None) -> tuple[list[str], list[tuple[str, str]]]:
        """Leave in a folder what a disk holds when power fails after so many steps.

        Parameters
        ----------
        seed
            Of a careless disk; None for a strict one.

        Returns
        -------
        acknowledged, arrived
            What was seen outside before.
        """
        disk = Disk(self.steps[:number])
        journal.write(disk.after_cut(None if seed is None else random.Random(seed)), folder)
        # What was seen before the next step is known to have been seen before the cut.
        end = self.steps[number].end if number < len(self.steps) else self.steps[-1].end + 1
        return (
            [sha256 for position, sha256 in self.acknowledged if position < end],
            [(uid, sha256) for position, uid, sha256 in self.arrived if position < end],
        )


def faults_after(folder: Path, acknowledged: Sequence[str], arrived: Sequence[tuple[str, str]]) -> list[str]:
    """Start on a folder as the node does, and return what is wrong: nothing, if the promises hold."""
    spool = Spool(folder)
    spool.prepare()
    database = Database.create_or_migrate(spool.ledger_path)
    try:
        clean_up_after_crash(database, spool)
        return [
            *_unbalanced(database, spool),
            *_lost(database, spool, acknowledged),
            *_changed(database, spool, arrived),
            *(f"left behind: {path.name}" for path in (*spool.incoming.iterdir(), *spool.leftovers())),
        ]
    finally:
        database.close()


def _unbalanced(database: Database, spool: Spool) -> list[str]:
    account = reconcile(database, spool, hash_outputs=True)
    return [] if account.balanced else [f"reconcile: {one.kind} {one.subject}" for one in account.discrepancies]


def _lost(database: Database, spool: Spool, acknowledged: Sequence[str]) -> list[str]:
    with database.read() as connection:
        rows = connection.execute(sa.select(instance)).all()
    known = {row.content_sha256.hex() for row in rows}
    wrong = [f"acknowledged and lost: {sha256}" for sha256 in acknowledged if sha256 not in known]
    for row in rows:
        if row.original_kept:
            content = data_set_sha256(spool.path(Shelf.ORIGINALS, row.token))
            if content != row.content_sha256.hex():
                wrong.append(f"original is not what was received: instance {row.id}")
    return wrong


def _changed(database: Database, spool: Spool, arrived: Sequence[tuple[str, str]]) -> list[str]:
    """Whatever has arrived comes again, if it does, as the same bytes under the same UID."""
    with database.read() as connection:
        rows = {row.public_sop_uid: row for row in connection.execute(sa.select(instance)).all()}
    wrong = []
    for uid, sha256 in arrived:
        row = rows.get(uid)
        if row is None:
            wrong.append(f"arrived and not known: {uid}")
        elif row.output_kept and data_set_sha256(spool.path(Shelf.OUTPUTS, row.output_token)) != sha256:
            wrong.append(f"would arrive in another version: {uid}")
    return wrong


def data_set_sha256(path: Path) -> str:
    """Return the hash of a Part 10 file's data set."""
    with path.open("rb") as file:
        file.seek(data_set_offset(file))
        return hashlib.file_digest(file, "sha256").hexdigest()
