"""The crosswalk as CSV: `patients.csv` and `uids.csv`, two columns `id_old,id_new`, for whoever may put them together.

`uids.csv` has studies, series, instances and every further UID that was replaced in them. The values are exactly
those of the objects, so a spreadsheet must import them as text.

Rule of the file: memory does not grow with the number of lines (they are sorted in a temporary file beside the
result), and either both files are whole or there is none.
"""

from __future__ import annotations

import csv
import os
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.records import CrosswalkEntry

PATIENTS, UIDS = "patients.csv", "uids.csv"
_OWNER_ONLY = 0o600
_CONFIDENTIAL_FOLDER = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many lines the two files have, and how many objects they were made from."""

    patients: int
    uids: int
    objects: int


def write_tables(folder: Path, entries: Iterable[CrosswalkEntry], *, with_domain: bool) -> Written:
    """Write both files (0600) into `folder`, which is made (0700) where it is missing.

    Parameters
    ----------
    with_domain
        `patients.csv` has a third column `domain`, as the steward's table may have.

    Raises
    ------
    FileExistsError
        One of them is there already; nothing was written.
    """
    folder.mkdir(mode=_CONFIDENTIAL_FOLDER, parents=True, exist_ok=True)
    for name in (PATIENTS, UIDS):
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} exists already, and a crosswalk is never overwritten")
    with (
        tempfile.TemporaryDirectory(prefix=".crosswalk-", dir=folder) as scratch,
        closing(sqlite3.connect(Path(scratch) / "pairs", isolation_level=None)) as pairs,
    ):
        # A scratch file: neither its durability nor its being rolled back matters, and the folder is the owner's.
        pairs.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        pairs.execute("BEGIN")
        pairs.execute("CREATE TABLE patient (old, new, domain, PRIMARY KEY (old, new, domain)) WITHOUT ROWID")
        pairs.execute("CREATE TABLE uid (old, new, PRIMARY KEY (old, new)) WITHOUT ROWID")
        objects = 0
        for entry in entries:
            domain = entry.patient_domain if with_domain else ""
            row = (entry.patient_id, entry.pseudonym, domain)
            pairs.execute("INSERT OR IGNORE INTO patient VALUES (?, ?, ?)", row)
            pairs.executemany("INSERT OR IGNORE INTO uid VALUES (?, ?)", _uids(entry))
            objects += 1
        header = ("id_old", "id_new", *(("domain",) if with_domain else ()))
        columns = "old, new, domain" if with_domain else "old, new"
        with _whole_or_none(folder / PATIENTS, folder / UIDS):
            sorted_patients = pairs.execute(f"SELECT {columns} FROM patient ORDER BY old, new")  # noqa: S608  two constants
            patients = _write(folder / PATIENTS, header, sorted_patients)
            uids = _write(folder / UIDS, header[:2], pairs.execute("SELECT old, new FROM uid ORDER BY old, new"))
    return Written(patients=patients, uids=uids, objects=objects)


@contextmanager
def _whole_or_none(*paths: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise  # somebody else's: made since it was looked for
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def _uids(entry: CrosswalkEntry) -> Iterator[tuple[str, str]]:
    yield from (entry.study_uid, entry.series_uid, entry.instance_uid)
    yield from entry.other_uids


def _write(path: Path, header: Iterable[str], rows: Iterable[tuple[str, ...]]) -> int:
    count = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(header)
        for row in rows:
            lines.writerow(row)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return count
