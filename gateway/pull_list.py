"""A list of studies to pull, and what of it is done already.

Rule of the file: rows are known by their number, as a spreadsheet shows it; identifiers stand in the list alone. The
progress under `storage.path/pulls` has keyed hashes, and so has its name.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gateway.ask import Ask, AskError, by_accession, by_study
from gateway.spool import sync_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from gateway.sealing import Sealer

_ACCESSION, _STUDY = "accessionnumber", "studyinstanceuid"
_DELIMITERS = (",", ";", "\t")
_LONGEST_LINE = 1 << 20


class ListError(Exception):
    """The list cannot be used; the text names a row, never what stands in it."""


class BusyError(Exception):
    """Another pull works on the same list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a list.

    Parameters
    ----------
    number
        As a spreadsheet shows it: the header is row 1.
    """

    number: int
    ask: Ask


def read_list(path: Path) -> tuple[Row, ...]:
    """Read a CSV with a column AccessionNumber or StudyInstanceUID, or both: then the UID counts where it is filled.

    Parameters
    ----------
    path
        UTF-8; columns parted by comma, semicolon or tab; other columns are not looked at, empty rows neither, and of
        rows that ask the same only the first counts.

    Raises
    ------
    ListError
        It cannot be read, has no such column, or a row names nothing that can be asked for.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ListError(f"the list cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ListError("the list is not UTF-8") from None
    first = text[:_LONGEST_LINE].partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        raise ListError("the list is not CSV: a quotation mark is open, or a field is too long") from None
    columns = {_plain(name): index for index, name in enumerate(rows[0])} if rows else {}
    if not columns.keys() & {_ACCESSION, _STUDY}:
        raise ListError("row 1 of the list must name a column AccessionNumber or StudyInstanceUID")
    asked: dict[Ask, Row] = {}
    for number, cells in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in cells):
            row = Row(number=number, ask=_ask_of(number, cells, columns))
            asked.setdefault(row.ask, row)
    return tuple(asked.values())


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _ask_of(number: int, cells: list[str], columns: dict[str, int]) -> Ask:
    def cell(column: str) -> str:
        index = columns.get(column, len(cells))
        return cells[index].strip() if index < len(cells) else ""

    try:
        return by_study(cell(_STUDY)) if cell(_STUDY) else by_accession(cell(_ACCESSION))
    except AskError as error:
        raise ListError(f"row {number} of the list: {error}") from None


class Progress:
    """What of a list is complete, kept so that a repeated run goes on. Used as a context manager.

    Parameters
    ----------
    folder
        `pulls` under `storage.path`; made where it is missing.
    sealer
        Of the node: hashes without the key tell nothing.
    node_name, list_path
        The same list from another node is another pull.

    Raises
    ------
    BusyError
        On entering: another pull of this list runs.
    """

    def __init__(self, folder: Path, sealer: Sealer, *, node_name: str, list_path: Path) -> None:
        self._sealer = sealer
        self._node = node_name
        name = sealer.index("pull list", f"{node_name}\0{list_path.resolve()}").hex()[:32]
        self._path = folder / f"{name}.jsonl"
        self._descriptor = -1
        self._done: set[str] = set()

    def __enter__(self) -> Self:
        """Open and read it."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise BusyError from None
        sync_folder(self._path.parent)
        self._done = set(self._read())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        os.close(self._descriptor)

    def _read(self) -> list[str]:
        content = self._path.read_bytes()
        whole, newline, torn = content.rpartition(b"\n")
        if torn:  # the run was cut while it wrote: that row is asked for again
            os.ftruncate(self._descriptor, len(whole + newline))
        return [str(json.loads(line)["asked"]) for line in whole.splitlines()]

    def is_complete(self, ask: Ask) -> bool:
        """Tell whether an earlier run, or this one, completed it."""
        return self._key(ask) in self._done

    def complete(self, ask: Ask, *, instances: int) -> None:
        """Keep that it is complete; durable when this returns."""
        line = json.dumps({"asked": self._key(ask), "at": round(time.time()), "instances": instances})
        os.write(self._descriptor, f"{line}\n".encode())
        os.fdatasync(self._descriptor)
        self._done.add(self._key(ask))

    def _key(self, ask: Ask) -> str:
        return self._sealer.index("pull", f"{self._node}\0{ask.canonical}").hex()
