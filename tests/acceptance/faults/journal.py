"""A power cut, tried afterwards: the journal of `shim.c` replayed up to any point, and what a disk may then hold.

POSIX promises little: bytes are on the disk when their file was synced, names when their folder was. A strict disk
keeps nothing else; a careless one keeps, of what was not synced, any writes (whole, cut short or not at all) and any
first part of each folder's changes of names. Both may be found after the lights come back.

Rule of the file: independent of `gateway`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tests.acceptance.faults.shim import Op

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from random import Random

_HEAD = struct.Struct("<IIQQII")
_REBUILT = "-shm"
"""SQLite's index of its log: mapped memory, made anew after a crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change or sync.

    Parameters
    ----------
    end
        The journal's length when it was written.
    content
        The bytes of a write; the old name of a rename.
    """

    op: Op
    inode: int
    offset: int
    path: str
    content: bytes
    end: int


def read(journal: Path) -> list[Step]:
    """Return the steps of a journal in their order."""
    return list(_steps(journal.read_bytes()))


def _steps(journal: bytes) -> Iterator[Step]:
    at = 0
    while at < len(journal):
        op, _, inode, offset, path_bytes, content_bytes = _HEAD.unpack_from(journal, at)
        at += _HEAD.size
        path = journal[at : at + path_bytes].decode()
        at += path_bytes + content_bytes
        content = journal[at - content_bytes : at]
        yield Step(op=Op(op), inode=inode, offset=offset, path=path, content=content, end=at)


@dataclass(slots=True)
class _File:
    """Bytes that are safe, and writes and cuts (a size) that are not yet."""

    safe: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for offset, content in self.waiting:
            _change(self.safe, offset, content)
        self.waiting.clear()

    def after_cut(self, dice: Random | None) -> bytes:
        kept = bytearray(self.safe)
        for offset, content in self.waiting if dice is not None else ():
            fate = dice.random() if dice is not None else 0
            if fate < 0.4:
                _change(kept, offset, content)
            elif fate < 0.6 and content:
                _change(kept, offset, content[: dice.randrange(len(content)) if dice is not None else 0])
        return bytes(kept)


def _change(content: bytearray, offset: int, written: bytes | None) -> None:
    if written is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(written)] = written


@dataclass(frozen=True, slots=True)
class _Naming:
    """One change of one name in a folder: what it stands for from then on, None for nothing."""

    name: str
    entry: _File | str | None


_FOLDER = "a folder"


class Disk:
    """A folder tree of which it is known what is safe.

    Parameters
    ----------
    steps
        What happened until the lights went out, from an empty folder on.
    """

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        self._open: dict[int, _File] = {}
        self._safe: dict[str, _File | str] = {}
        self._now: dict[str, _File | str] = {}
        self._waiting: dict[str, list[_Naming]] = {}
        for step in steps:
            self.take(step)

    def take(self, step: Step) -> None:
        """Do one step."""
        if step.path.endswith(_REBUILT):
            return
        match step.op:
            case Op.WRITE:
                self._open[step.inode].waiting.append((step.offset, step.content))
            case Op.TRUNCATE:
                self._open[step.inode].waiting.append((step.offset, None))
            case Op.SYNC:
                self._open[step.inode].sync()
            case Op.SYNC_FOLDER:
                for naming in self._waiting.pop(step.path, ()):
                    _put(self._safe, naming)
            case _:
                self._take_name(step)

    def _take_name(self, step: Step) -> None:
        match step.op:
            case Op.CREATE:
                self._open[step.inode] = _File()
                self._name(step.path, self._open[step.inode])
            case Op.MKDIR:
                self._name(step.path, _FOLDER)
            case Op.RENAME:
                self._name(step.path, self._now[step.content.decode()])
                self._name(step.content.decode(), None)
            case Op.UNLINK:
                self._name(step.path, None)
            case _:
                raise ValueError(f"a step that the model does not know: {step.op!r} on {step.path}")

    def _name(self, path: str, entry: _File | str | None) -> None:
        naming = _Naming(path, entry)
        _put(self._now, naming)
        folder = str(PurePosixPath(path).parent)
        self._waiting.setdefault("" if folder == "." else folder, []).append(naming)

    def whole(self) -> dict[str, bytes]:
        """Return the files as the processes saw them: for comparing the model with the real folder."""
        files = {}
        for path, entry in self._now.items():
            if isinstance(entry, _File):
                content = bytearray(entry.safe)
                for offset, written in entry.waiting:
                    _change(content, offset, written)
                files[path] = bytes(content)
        return files

    def after_cut(self, dice: Random | None = None) -> dict[str, bytes]:
        """Return the files that are found afterwards: on a strict disk, or on a careless one that rolls these dice."""
        names = dict(self._safe)
        for folder in sorted(self._waiting) if dice is not None else ():
            waiting = self._waiting[folder]
            for naming in waiting[: dice.randrange(len(waiting) + 1) if dice is not None else 0]:
                _put(names, naming)
        return {
            path: entry.after_cut(dice)
            for path, entry in names.items()
            if isinstance(entry, _File) and _is_reachable(names, path)
        }


def _put(names: dict[str, _File | str], naming: _Naming) -> None:
    if naming.entry is None:
        names.pop(naming.name, None)
    else:
        names[naming.name] = naming.entry


def _is_reachable(names: dict[str, _File | str], path: str) -> bool:
    folders = [str(folder) for folder in PurePosixPath(path).parents if str(folder) != "."]
    return all(names.get(folder) == _FOLDER for folder in folders)


def write(files: dict[str, bytes], folder: Path) -> None:
    """Make a folder hold these files."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
