"""A ledger made or brought up to date in a process of its own: Alembic's 12 MB go with it.

Rule of the file: nobody relies on it. Who opens the ledger afterwards does what was not done, and says why it cannot.
"""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.database import Database, LedgerError
from gateway.processes import begin_child
from gateway.starting import MIGRATION

if TYPE_CHECKING:
    from pathlib import Path


def open_migrated(path: Path) -> Database:
    """Open a ledger of this version, which is made or migrated first where it has to be.

    Raises
    ------
    gateway.database.LedgerError, sqlalchemy.exc.SQLAlchemyError, OSError
        It cannot be used.
    """
    if not Database.is_current(path):
        process = multiprocessing.get_context("spawn").Process(target=MIGRATION, args=(path,), name="migration")
        process.start()
        process.join()
    return Database.create_or_migrate(path)


def migrate(path: Path) -> None:
    """Make or migrate a ledger; the body of a process."""
    begin_child()
    with suppress(LedgerError, sa.exc.SQLAlchemyError, OSError):
        Database.create_or_migrate(path).close()
