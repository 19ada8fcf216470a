"""The steward's table of pseudonyms: a CSV of `id_old,id_new`, and `domain` where one ID means several patients.

    domain,id_old,id_new
    HOSPITAL-A,123456,ECHO-001

UTF-8; the header row names the columns in any order; `domain` may be left out, and a line whose domain is empty is for
every domain that has no line of its own. Source IDs are compared as the keyed method compares them.

Rule of the file: the table is checked whole before any of it is used, and no problem quotes a value: a line number is
enough for who may open the file, and too little for who may not.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import unicodedata
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from config.private_files import PrivateFileError, open_private
from config.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_BLANK = " \t\r\n\f\v\0"
_REQUIRED = ("id_old", "id_new")
_COLUMNS = frozenset({"domain", *_REQUIRED})
_LARGEST_BYTES = 64 * 2**20
_MOST_PROBLEMS = 20
_ILLEGAL_NEW = re.compile(r"[^\x20-\x7e]|[\\^=*?]")
_LONGEST_LO = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientTable:
    """Pseudonyms from a steward's hand. Equal when the contents are.

    Parameters
    ----------
    sha256
        Of the lines, whatever their order and the file's layout; part of a profile's hash.
    rows
        (domain or empty, source ID as it counts) → pseudonym. Confidential.
    """

    sha256: str
    rows: Mapping[tuple[str, str], str] = field(repr=False, compare=False)

    def new_id(self, domain: str, patient_id: str) -> str | None:
        """Return the pseudonym of a patient; None for one who is not in the table.

        Parameters
        ----------
        domain
            Who issued the ID; a line for this domain goes before one for every domain.
        patient_id
            As `normal_patient_id` returns it.
        """
        return self.rows.get((domain, patient_id)) or self.rows.get(("", patient_id))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way to a worker process: a read-only view has no pickled form of its own."""
        return _rebuilt, (self.sha256, dict(self.rows))


def _rebuilt(sha256: str, rows: dict[tuple[str, str], str]) -> PatientTable:
    return PatientTable(sha256=sha256, rows=MappingProxyType(rows))


NO_PATIENTS = PatientTable(sha256="", rows=MappingProxyType({}))
"""Stands where a table could not be read, until that has been reported."""


def normal_patient_id(value: str, *, strip_leading_zeros: bool) -> str:
    """Return a Patient ID in the form that counts: NFKC, trimmed, upper case."""
    normal = unicodedata.normalize("NFKC", value).strip(_BLANK).upper()
    return normal.lstrip("0") if strip_leading_zeros else normal


def normal_domain(value: str) -> str:
    """Return the name of a patient domain in the form that counts: NFKC, trimmed."""
    return unicodedata.normalize("NFKC", value).strip(_BLANK)


def read_patient_table(file: Path, *, strip_leading_zeros: bool) -> tuple[PatientTable | None, list[Problem]]:
    """Return the table of a CSV, or everything that is wrong with it (the first 20 lines of that)."""
    try:
        text = _content(file)
    except FileNotFoundError:
        return None, [Problem(file=file, line=0, message="there is no such table of patients")]
    except (PrivateFileError, UnicodeDecodeError) as error:
        why = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        return None, [Problem(file=file, line=0, message=f"the table of patients: {why}")]
    reading = _Reading(file, strip_leading_zeros=strip_leading_zeros)
    reading.read(text)
    if reading.problems:
        return None, reading.problems[:_MOST_PROBLEMS]
    return PatientTable(sha256=_sha256(reading.rows), rows=MappingProxyType(reading.rows)), []


class _Reading:
    """One reading of one file."""

    def __init__(self, file: Path, *, strip_leading_zeros: bool) -> None:
        self._file = file
        self._strip = strip_leading_zeros
        self._places: dict[tuple[str, str], int] = {}
        self._new: dict[str, int] = {}
        self.rows: dict[tuple[str, str], str] = {}
        self.problems: list[Problem] = []

    def read(self, text: str) -> None:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = [name.strip() for name in next(lines, [])]
            if not self._is_header(header):
                return
            for line in lines:
                if any(cell.strip() for cell in line):
                    self._row(header, line, lines.line_num)
        except csv.Error:
            self._problem(lines.line_num, "cannot be read as CSV; look at its quotation marks")
            return
        self._check_no_source_id_is_published()

    def _is_header(self, header: list[str]) -> bool:
        fits = set(header) <= _COLUMNS and set(header) >= set(_REQUIRED) and len(set(header)) == len(header)
        if not fits:
            self._problem(1, "the first row names the columns: write id_old,id_new or domain,id_old,id_new")
        return fits

    def _row(self, header: list[str], line: list[str], number: int) -> None:
        if len(line) != len(header):
            self._problem(number, f"has {len(line)} cells instead of {len(header)}")
            return
        cells = dict(zip(header, line, strict=True))
        old = normal_patient_id(cells["id_old"], strip_leading_zeros=self._strip)
        new = cells["id_new"].strip(_BLANK)
        key = (normal_domain(cells.get("domain", "")), old)
        for fault in self._faults(key, new):
            self._problem(number, fault)
        self._places.setdefault(key, number)
        self._new.setdefault(new, number)
        self.rows[key] = new

    def _faults(self, key: tuple[str, str], new: str) -> Iterator[str]:
        if not key[1]:
            yield "id_old is empty"
        elif key in self._places:
            yield f"the patient of id_old stands in line {self._places[key]} already; remove one"
        if not new:
            yield "id_new is empty"
        elif new in self._new:
            yield f"id_new stands in line {self._new[new]} already, and would make one patient of two"
        if len(new) > _LONGEST_LO:
            yield f"id_new has {len(new)} characters; write at most {_LONGEST_LO}"
        if _ILLEGAL_NEW.search(new):
            yield "id_new holds a character that a pseudonym must not have; write ASCII without \\ ^ = * ?"

    def _check_no_source_id_is_published(self) -> None:
        old = {patient_id for _, patient_id in self.rows}
        for new, number in self._new.items():
            if normal_patient_id(new, strip_leading_zeros=self._strip) in old:
                self._problem(number, "id_new is a source ID of this table; an ID that identifies must not leave")

    def _problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(file=self._file, line=line, message=message))


def _content(file: Path) -> str:
    descriptor = open_private(file, what="the file")
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise PrivateFileError(f"is larger than {_LARGEST_BYTES // 2**20} MiB")
    return content.decode("utf-8-sig")


def _sha256(rows: Mapping[tuple[str, str], str]) -> str:
    lines = sorted([*key, new] for key, new in rows.items())
    return hashlib.sha256(json.dumps(lines, ensure_ascii=False).encode()).hexdigest()
