"""What a bulk run reads: files, folders, DICOMDIR and zip, as a list of sources with a label each.

Labels are relative to what was named on the command line. The rule of this file: every file that is found is listed,
whether it looks like DICOM or not; what it is, is decided later and recorded.
"""

from __future__ import annotations

import shutil
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pydicom

from pipeline.frames.silence import quiet_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_MEMBER_BYTES = 8 * 2**30
"""A member of an archive may be this long when unpacked."""
_DICOMDIR = "DICOMDIR"
_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_MEDIA_STORAGE_CLASS = b"\x02\x00\x02\x00UI\x14\x00" + _MEDIA_STORAGE_DIRECTORY.encode("ascii")
_START_BYTES = 1024
"""Preamble and the first elements of the file meta information."""


class UnusableInputError(ValueError):
    """An input does not exist or cannot be listed; the message names no path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to read.

    Parameters
    ----------
    label
        Path relative to the input. Confidential.
    path
        The file, or the archive that holds it.
    member
        Its name in the archive; None for a plain file.
    size_bytes, changed_ns
        As listed: with `label` they tell a resumed run whether it is the same file.
    """

    label: str
    path: Path
    member: str | None
    size_bytes: int
    changed_ns: int

    @property
    def identity(self) -> str:
        """What must be equal for a resumed run to skip it."""
        return f"{self.size_bytes}:{self.changed_ns}:{self.label}"


def list_sources(inputs: Sequence[Path], *, leave_out: Path) -> tuple[Source, ...]:
    """List every file of the inputs, in a stable order, each once.

    Parameters
    ----------
    leave_out
        The output folder, which may lie inside an input.

    Raises
    ------
    UnusableInputError
        An input is missing, or a DICOMDIR or archive cannot be listed.
    """
    found: dict[str, Source] = {}
    seen: set[tuple[Path, str | None]] = set()
    for given in inputs:
        prefix = f"{given.name}/" if len(inputs) > 1 and given.is_dir() else ""
        for source in _sources_of(given, leave_out.resolve()):
            place = (source.path.resolve(), source.member)
            if place not in seen:
                seen.add(place)
                label = _free_label(prefix + source.label, found)
                found[label] = replace(source, label=label)
    return tuple(found[label] for label in sorted(found))


def _free_label(label: str, taken: dict[str, Source]) -> str:
    """Return a label of its own for a file whose namesake stands in another input."""
    number = 2
    free = label
    while free in taken:
        free, number = f"{label}~{number}", number + 1
    return free


def is_directory(path: Path) -> bool:
    """Tell whether a file is a DICOMDIR, whatever its name: it lists files and is no object (PS3.10 8.6)."""
    with path.open("rb") as file:
        return _MEDIA_STORAGE_CLASS in file.read(_START_BYTES)


@contextmanager
def readable(source: Source, scratch: Path) -> Iterator[Path]:
    """Give the path of a source, unpacked into `scratch` where it lies in an archive."""
    if source.member is None:
        yield source.path
        return
    if source.size_bytes > MAX_MEMBER_BYTES:
        raise UnusableInputError("a member of an archive is too large")
    scratch.unlink(missing_ok=True)
    try:
        with zipfile.ZipFile(source.path) as archive, archive.open(source.member) as packed, scratch.open("xb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def _sources_of(given: Path, leave_out: Path) -> Iterator[Source]:
    if given.is_dir():
        yield from _folder(given, leave_out)
    elif not given.is_file():
        raise UnusableInputError("an input does not exist")
    elif zipfile.is_zipfile(given):
        yield from _archive(given)
    elif given.name.upper() == _DICOMDIR:
        yield from _dicomdir(given)
    else:
        yield _plain(given, given.name)


def _folder(folder: Path, leave_out: Path) -> Iterator[Source]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.resolve().is_relative_to(leave_out):
            continue
        yield _plain(path, path.relative_to(folder).as_posix())


def _archive(path: Path) -> Iterator[Source]:
    changed = path.stat().st_mtime_ns
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise UnusableInputError("an archive cannot be listed") from error
    for member in members:
        if not member.is_dir():
            yield Source(
                label=f"{path.name}/{member.filename}",
                path=path,
                member=member.filename,
                size_bytes=member.file_size,
                changed_ns=changed,
            )


def _dicomdir(path: Path) -> Iterator[Source]:
    """List what a DICOMDIR refers to (PS3.3, F.3.2.2), never outside its own folder."""
    try:
        with quiet_libraries():
            directory = pydicom.dcmread(path)
            is_one = directory.file_meta.MediaStorageSOPClassUID == _MEDIA_STORAGE_DIRECTORY
            names = [item.get("ReferencedFileID") for item in directory.DirectoryRecordSequence]
    except Exception as error:  # pydicom raises many kinds on damaged files; the outcome is the same for all
        raise UnusableInputError("a DICOMDIR cannot be read") from error
    if not is_one:
        raise UnusableInputError("a DICOMDIR is none")
    for name in names:
        if not name:
            continue
        parts = [name] if isinstance(name, str) else list(name)
        referred = path.parent.joinpath(*parts)
        if not referred.resolve().is_relative_to(path.parent.resolve()) or not referred.is_file():
            raise UnusableInputError("a DICOMDIR refers to a file that is not there")
        yield _plain(referred, "/".join(parts))


def _plain(path: Path, label: str) -> Source:
    status = path.stat()
    return Source(label=label, path=path, member=None, size_bytes=status.st_size, changed_ns=status.st_mtime_ns)
