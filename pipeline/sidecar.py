"""The sidecar CSV: one row for each region of text that was found, with names beside new UIDs, hence confidential.

RFC 4180, UTF-8, CRLF, no cell that a spreadsheet takes for a formula, one line a row whatever was recognised. Files
are made 0600. The rule of this file: what the profile does not want stored is not written, not even for a moment.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from config.schema import Sidecar
    from pipeline.header.identity import Identities
    from pipeline.records import DeidentifiedInstance

COLUMNS = (
    "filename",
    "sop_instance_uid",
    "series_instance_uid",
    "study_instance_uid",
    "frame_first",
    "frame_last",
    "left",
    "top",
    "right",
    "bottom",
    "text",
    "confidence",
    "region",
    "action",
    "rule",
)
Row = tuple[str, ...]
_SOP_COLUMN = COLUMNS.index("sop_instance_uid")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NEW_LINE = b"\r\n"
_OWNER_ONLY = 0o600


def rows(instance: DeidentifiedInstance, filename: str, *, rules: Sidecar, identities: Identities) -> tuple[Row, ...]:
    """Return the rows of one instance, in the order of `COLUMNS`; none where the profile wants no CSV.

    Parameters
    ----------
    filename
        The output's name.
    rules
        `store_text`: the text itself, its keyed hash, or nothing.
    """
    if not rules.csv:
        return ()
    stored = {"full": _one_line, "hashed": lambda text: identities.text_digest(text) if text else "", "none": _nothing}
    text_of = stored[rules.store_text]
    return tuple(
        (
            filename,
            instance.sop_instance_uid,
            instance.series_instance_uid,
            instance.study_instance_uid,
            str(found.frame_first),
            str(found.frame_last),
            str(found.left),
            str(found.top),
            str(found.right),
            str(found.bottom),
            text_of(found.text),
            f"{found.confidence:.3f}",
            found.place.value,
            found.action.value,
            found.rule,
        )
        for found in instance.findings.text
    )


def write(path: Path, lines: Iterable[Row]) -> None:
    """Write a whole sidecar, durably and at once."""
    temporary = path.with_name(f".{path.name}.part")
    with _owner_only(temporary, os.O_CREAT | os.O_TRUNC) as file:
        file.write(_encoded((COLUMNS, *lines)))
    temporary.replace(path)


def store(
    instance: DeidentifiedInstance,
    *,
    folder: Path,
    filename: str,
    rules: Sidecar,
    identities: Identities,
    replace: bool,
) -> None:
    """Add one instance's rows to the sidecar of its study, `folder`/NEW_STUDY_UID.csv, durably.

    Parameters
    ----------
    folder
        Is locked meanwhile: several processes may add to one study.
    replace
        Rows of this instance may stand there already (an earlier attempt) and go.
    """
    new = rows(instance, filename, rules=rules, identities=identities)
    path = folder / f"{instance.study_instance_uid}.csv"
    with _locked(folder):
        exists = path.exists()
        if replace and exists:
            write(path, [*(row for row in _read(path) if row[_SOP_COLUMN] != instance.sop_instance_uid), *new])
        elif new and exists:
            _append(path, new)
        elif new:
            write(path, new)


def forget(folder: Path, study_instance_uid: str, sop_instance_uids: Collection[str]) -> None:
    """Take the rows of these instances out of a study's sidecar, durably; an empty one goes."""
    path = folder / f"{study_instance_uid}.csv"
    with _locked(folder):
        if not path.exists():
            return
        left = [row for row in _read(path) if row[_SOP_COLUMN] not in sop_instance_uids]
        if left:
            write(path, left)
        else:
            path.unlink()


def _append(path: Path, new: tuple[Row, ...]) -> None:
    with _owner_only(path, os.O_RDWR) as file:
        content = file.read()
        whole = content.rfind(_NEW_LINE) + len(_NEW_LINE) if _NEW_LINE in content else 0
        file.seek(whole)  # behind the last whole row: a crash may have left half of one
        file.truncate()
        file.write(_encoded(new if whole else (COLUMNS, *new)))


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = [tuple(line) for line in csv.reader(file)]
    return [line for line in lines[1:] if len(line) == len(COLUMNS)]


def _encoded(lines: Iterable[Row]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows([_safe(cell) for cell in line] for line in lines)
    return buffer.getvalue().encode("utf-8", "replace")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _nothing(text: str) -> str:  # noqa: ARG001  one of three ways to store a text
    return ""


@contextmanager
def _owner_only(path: Path, flags: int) -> Iterator[io.BufferedRandom]:
    with os.fdopen(os.open(path, flags | os.O_RDWR, _OWNER_ONLY), "r+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
