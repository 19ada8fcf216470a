"""Durable objects in a local folder: written under a temporary name, synced, renamed, the folder synced.

Names are ours (random tokens), never a peer's. Originals and outputs are kept apart, so that no path of an original
can be taken for something that may leave.

    storage.path/
      incoming/TOKEN.part       being received; removed at start-up
      incoming/TOKEN.PROCESS.part  the same in a receiving process; removed when it starts again
      originals/ab/TOKEN.dcm    as received; never sent
      outputs/ab/TOKEN.dcm      scrubbed and verified; what is sent
      outputs/ab/TOKEN.WORKER   being made by that worker; removed when it starts again
      quarantine/…/NAME         what no row names and `reconcile --repair` put aside; confidential
      sidecar/STUDY.csv         confidential: text beside new UIDs
      ledger.sqlite             the ledger
      pulls/                    what of a list was pulled: keyed hashes
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TOKEN_LENGTH = 32
_DIGITS = frozenset("0123456789abcdef")
NODE_LOCK = "node.lock"
"""Locked by the node as long as it runs."""


class Shelf(StrEnum):
    """Where in the spool an object stands."""

    ORIGINALS = "originals"
    OUTPUTS = "outputs"


PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS})
"""What a disk or a process answers that has no room now, or may not write now: the same may succeed later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file found in the spool."""

    shelf: Shelf
    token: str
    size_bytes: int


def new_token(prefix: str = "") -> str:
    """Return a random name for an object: 32 hexadecimal digits, the first ones as given (two name its folder)."""
    return prefix + uuid4().hex[len(prefix) :]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's bytes durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def is_intact(path: Path, sha256: str) -> bool:
    """Tell whether a file still holds the bytes that were verified: nothing else may leave."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


class Spool:
    """The objects of one node under `storage.path`.

    Parameters
    ----------
    root
        The folder. It is created with mode 0700 where it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.sidecar = root / "sidecar"
        self.quarantine = root / "quarantine"
        self._shelves = {shelf: root / shelf for shelf in Shelf}

    @property
    def ledger_path(self) -> Path:
        """The SQLite file of the embedded ledger."""
        return self.root / "ledger.sqlite"

    @contextmanager
    def intake_lock(self, *, exclusive: bool, waits: bool = True) -> Iterator[None]:
        """Keep files and rows together while another process than the node takes objects in.

        Between an object's name and its row a starting node would take its file for a leftover: who commits beside
        the node holds this shared, who removes leftovers holds it alone.

        Raises
        ------
        BlockingIOError
            Another holds it, and it is not to be waited for.
        """
        descriptor = os.open(self.root / "intake.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
            fcntl.flock(descriptor, kind if waits else kind | fcntl.LOCK_NB)
            yield
        finally:
            os.close(descriptor)

    def is_served(self) -> bool:
        """Tell whether a node runs on this storage."""
        try:
            descriptor = os.open(self.root / NODE_LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def prepare(self) -> None:
        """Create the folders; names are durable afterwards, so that later writes need to sync one folder only."""
        folders = [self.root, self.incoming, self.sidecar]
        folders += [self.root / shelf / f"{prefix:02x}" for shelf in Shelf for prefix in range(256)]
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for shelf in Shelf:
            sync_folder(self.root / shelf)
        sync_folder(self.root)

    def clear_incoming(self) -> int:
        """Remove what was being received when the node ended; none of it was acknowledged."""
        removed = 0
        for part in self.incoming.iterdir():
            part.unlink()
            removed += 1
        return removed

    def begun(self, token: str, process: str) -> Path:
        """Return where a process of that name writes what it receives; the node's own has none."""
        return self.incoming / (f"{token}.{process}.part" if process else f"{token}.part")

    def clear_begun(self, process: str) -> int:
        """Remove what an ended process of that name was receiving; none of it was acknowledged."""
        found = list(self.incoming.glob(f"*.{process}.part"))
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def newest(self, shelf: Shelf, *, younger_than_s: float) -> Iterator[str]:
        """Yield the tokens in those folders of a shelf that names were given in, or taken from, not longer ago."""
        limit = time.time() - younger_than_s
        for folder in self._shelves[shelf].iterdir():
            if folder.stat().st_mtime >= limit:
                yield from (path.stem for path in folder.glob("*.dcm"))

    def path(self, shelf: Shelf, token: str) -> Path:
        """Return where an object of that name stands or would stand."""
        if len(token) != _TOKEN_LENGTH or not _DIGITS.issuperset(token):
            raise ValueError("not a spool token")
        return self._shelves[shelf].joinpath(token[:2], f"{token}.dcm")

    def unfinished(self, token: str, worker: str) -> Path:
        """Return where a worker makes an output; `place` gives it its lasting name."""
        return self.path(Shelf.OUTPUTS, token).with_suffix(f".{worker}")

    def clear_unfinished(self, worker: str) -> int:
        """Remove what an ended worker of that name had begun; nothing of it is named by any row."""
        outputs = self.root / Shelf.OUTPUTS
        found = [*outputs.glob(f"*/*.{worker}"), *outputs.glob(f"*/.*.{worker}.part")]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def name(self, part: Path, shelf: Shelf, token: str) -> Path:
        """Give a complete, already synced file its lasting name; `sync_folder` of its parent makes that durable."""
        final = self.path(shelf, token)
        part.replace(final)
        return final

    def place(self, part: Path, shelf: Shelf, token: str) -> Path:
        """Give a complete, already synced file its lasting name and make the name durable."""
        final = self.name(part, shelf, token)
        sync_folder(final.parent)
        return final

    def remove(self, shelf: Shelf, token: str) -> None:
        """Remove an object; one that is gone already is no error."""
        self.path(shelf, token).unlink(missing_ok=True)

    def files(self) -> Iterator[StoredFile]:
        """Yield every object file; foreign names are yielded too, so that reconciling can name them."""
        for shelf in Shelf:
            for path in sorted((self.root / shelf).glob("*/*")):
                if path.suffix == ".dcm":
                    with suppress(FileNotFoundError):  # removed since it was listed
                        yield StoredFile(shelf=shelf, token=path.stem, size_bytes=path.stat().st_size)

    def leftovers(self) -> Iterator[Path]:
        """Yield unfinished files among the outputs: what a killed worker left."""
        for path in (self.root / Shelf.OUTPUTS).glob("*/*"):
            if path.suffix != ".dcm":
                yield path

    def stale(self, *, older_than_s: float) -> Iterator[Path]:
        """Yield unfinished files, received or made, to which nothing was written for so long."""
        limit = time.time() - older_than_s
        for path in sorted([*self.incoming.iterdir(), *self.leftovers()]):
            with suppress(FileNotFoundError):  # completed or removed since it was listed
                if path.stat().st_mtime < limit:
                    yield path

    def set_aside(self, path: Path) -> Path:
        """Move a file of the spool into `quarantine`, under the folder's name it had; durable when this returns."""
        room = path.relative_to(self.root).parts[0]
        folder = self.quarantine / room
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = folder / path.name
        if aside.exists():
            aside = folder / f"{path.name}.{new_token()}"
        path.rename(aside)
        try:
            for changed in (folder, self.quarantine, self.root, path.parent):
                sync_folder(changed)
        except OSError:
            aside.rename(path)
            raise
        return aside

    def free_bytes(self) -> int:
        """Return what is free on the file system that holds the spool."""
        return shutil.disk_usage(self.root).free

    def total_bytes(self) -> int:
        """Return the size of the file system that holds the spool."""
        return shutil.disk_usage(self.root).total

    def inodes(self) -> tuple[int, int]:
        """Return how many inodes that file system has, and how many are free; 0 where it does not count them."""
        found = os.statvfs(self.root)
        return found.f_files, found.f_favail
