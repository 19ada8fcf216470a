"""The crosswalk of a run over files: `OUT/crosswalk.enc`, one sealed line for each object that was written.

AES-GCM by `cryptography` under a subkey of the project (HKDF, purpose "crosswalk"), a random nonce for each line. The
first line says in clear which project's key opens the rest; the last one seals how many lines there are and their
hash, so that a file that was cut, mixed or put together from two is not taken for whole.

Rule of the file: source identities are in clear only in memory, one entry at a time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.records import CrosswalkEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.header.identity import Identities

FILENAME = "crosswalk.enc"
_FORMAT = "sonoveil crosswalk 1"
_NONCE_BYTES = 12
_OWNER_ONLY = 0o600
_ENTRY, _END = b"sonoveil crosswalk entry", b"sonoveil crosswalk end"


class CrosswalkUnusableError(ValueError):
    """The file is no whole crosswalk, or another key sealed it; the text holds nothing of it."""


def as_fields(entry: CrosswalkEntry) -> dict[str, Any]:
    """Return an entry as JSON holds it."""
    return asdict(entry)


def from_fields(fields: dict[str, Any]) -> CrosswalkEntry:
    """Return the entry that `as_fields` took apart, also after JSON has made lists of its pairs."""
    pairs = {name: tuple(value) for name, value in fields.items() if isinstance(value, list | tuple)}
    others = tuple((old, new) for old, new in fields["other_uids"])
    return CrosswalkEntry(**{**fields, **pairs, "other_uids": others})


class CrosswalkSeal:
    """Seals and opens the entries of one project.

    Parameters
    ----------
    identities
        Of the project.
    """

    def __init__(self, identities: Identities) -> None:
        self._cipher = AESGCM(identities.subkey("crosswalk"))

    def seal(self, entry: CrosswalkEntry) -> str:
        """Return an entry as one line of ciphertext, in base64."""
        return self._sealed(as_fields(entry), _ENTRY)

    def open(self, line: str) -> CrosswalkEntry:
        """Return the entry of a line.

        Raises
        ------
        CrosswalkUnusableError
            It was altered, or another key sealed it.
        """
        return from_fields(self._opened(line, _ENTRY))

    def end(self, count: int, sha256: str) -> str:
        """Return the last line of a file of `count` entries, whose lines have that hash."""
        return self._sealed({"count": count, "sha256": sha256}, _END)

    def check_end(self, line: str, count: int, sha256: str) -> None:
        """Raise `CrosswalkUnusableError` unless `line` is the last one of a file of these entries."""
        if self._opened(line, _END) != {"count": count, "sha256": sha256}:
            raise CrosswalkUnusableError("entries are missing, or are of another run")

    def _sealed(self, fields: dict[str, Any], kind: bytes) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, json.dumps(fields).encode(), kind)
        return base64.b64encode(nonce + sealed).decode("ascii")

    def _opened(self, line: str, kind: bytes) -> dict[str, Any]:
        try:
            sealed = base64.b64decode(line, validate=True)
            fields: dict[str, Any] = json.loads(
                self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kind)
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise CrosswalkUnusableError("it was altered or cut, or another key sealed it") from None
        return fields


def write_crosswalk(path: Path, *, project: str, seal: CrosswalkSeal, lines: Iterable[str]) -> None:
    """Write sealed lines as a whole file (0600), durably and at once."""
    temporary = path.with_name(f".{path.name}.part")
    digest, count = hashlib.sha256(), 0
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(json.dumps({"format": _FORMAT, "project": project}) + "\n")
        for line in lines:
            file.write(f"{line}\n")
            digest.update(line.encode())
            count += 1
        file.write(f"{seal.end(count, digest.hexdigest())}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def project_of(path: Path) -> str:
    """Return whose key opens a file.

    Raises
    ------
    CrosswalkUnusableError
        It is no crosswalk.
    OSError
        It cannot be read.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        try:
            head = json.loads(file.readline())
        except ValueError:
            head = None
    if not isinstance(head, dict) or head.get("format") != _FORMAT or not isinstance(head.get("project"), str):
        raise CrosswalkUnusableError("is no crosswalk of this version")
    return str(head["project"])


def read_crosswalk(path: Path, seal: CrosswalkSeal) -> Iterator[CrosswalkEntry]:
    """Yield the entries of a file, one at a time.

    Raises
    ------
    CrosswalkUnusableError
        Something was altered or is missing. That may be noticed after the last entry only: what was made of the
        entries until then is to be thrown away.
    """
    digest, count = hashlib.sha256(), 0
    with path.open(encoding="ascii", errors="replace") as file:
        file.readline()
        waiting = file.readline().rstrip("\n")
        for following in file:
            yield seal.open(waiting)
            digest.update(waiting.encode())
            count += 1
            waiting = following.rstrip("\n")
    seal.check_end(waiting, count, digest.hexdigest())
