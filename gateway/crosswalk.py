"""The node's crosswalk: who is behind a pseudonym or a public UID, from the ledger's sealed columns.

Nothing here can be read without the key. Whoever looks leaves an audit row that says who looked, by what kind of
question, and at which instances; never the value.

Rule of the file: entries are opened one at a time; what is asked for is found by index, and only then opened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.sealing import SealBrokenError
from gateway.tables import instance
from pipeline.header.identity import Identities
from pipeline.records import CrosswalkEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.database import Database
    from gateway.subjects import Subjects

_BATCH = 500
_LONGEST_RANGES = 2000


class OtherKeyError(Exception):
    """The key is not the one that sealed the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; exactly one of the values is given. Confidential where it is a source's.

    Parameters
    ----------
    pseudonym, uid, accession_number
        As they stand in a de-identified object.
    patient_id, source_uid
        As they stand in a source; `domain` says whose ID, None any domain's.
    """

    pseudonym: str | None = None
    uid: str | None = None
    accession_number: str | None = None
    patient_id: str | None = field(default=None, repr=False)
    domain: str | None = field(default=None, repr=False)
    source_uid: str | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """By what was asked: for the audit."""
        names = ("pseudonym", "uid", "accession_number", "patient_id", "source_uid")
        return next(name for name in names if getattr(self, name) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One object's line of the crosswalk."""

    instance_id: int
    project: str
    entry: CrosswalkEntry


class Crosswalk:
    """Reads the crosswalk of one node.

    Parameters
    ----------
    database
        The ledger.
    subjects
        Of the node, with its key.
    key
        The site's key.
    actor
        Who looks, for the audit.
    """

    def __init__(self, database: Database, subjects: Subjects, *, key: bytes, actor: str) -> None:
        self._database = database
        self._subjects = subjects
        self._key = key
        self._actor = actor

    def projects(self) -> Sequence[str]:
        """Return the names of the projects that have de-identified objects."""
        wanted = sa.select(instance.c.project).where(_IS_MADE).distinct().order_by(instance.c.project)
        with self._database.read() as connection:
            return [str(name) for name in connection.execute(wanted).scalars()]

    def entries(self, project: str) -> Iterator[Found]:
        """Yield every line of a project, oldest first."""
        return self._opened(_ROWS.where(instance.c.project == project))

    def look_up(self, question: Question) -> Iterator[Found]:
        """Yield the lines that answer a question."""
        for found in self._opened(_ROWS.where(self._candidates(question))):
            if self._answers(found.entry, question):
                yield found

    def note_export(self, project: str, *, count: int) -> None:
        """Write into the audit that a project's whole crosswalk was written out."""
        self._note("crosswalk_export", {"project": project, "count": count})

    def note_look_up(self, question: Question, instance_ids: Sequence[int]) -> None:
        """Write into the audit that somebody asked, how, and about which instances."""
        detail: dict[str, str | int] = {
            "by": question.kind,
            "count": len(instance_ids),
            "instances": ranges(instance_ids),
        }
        self._note("crosswalk_lookup", detail)

    def _candidates(self, question: Question) -> sa.ColumnElement[bool]:
        if question.pseudonym is not None:
            return instance.c.pseudonym == question.pseudonym
        if question.uid is not None:
            return _has_public_uid([question.uid])
        if question.patient_id is not None:
            index = self._subjects.sealer.index
            return instance.c.patient_index.in_(
                [self._subjects.patient(question.patient_id), index("patient", question.patient_id)]
            )
        if question.source_uid is not None:
            uid = question.source_uid
            public = [Identities(self._key, project).public_uid(uid) for project in self.projects()]
            return _has_public_uid([uid, *public])
        return sa.true()  # accession numbers stand nowhere but in what is sealed

    def _answers(self, entry: CrosswalkEntry, question: Question) -> bool:
        if question.accession_number is not None:
            return entry.accession_number[1] == question.accession_number
        if question.patient_id is not None:
            right_domain = question.domain is None or self._subjects.same_domain(entry.patient_domain, question.domain)
            return right_domain and self._subjects.are_one(entry.patient_id, question.patient_id)
        if question.source_uid is not None:
            return question.source_uid in {entry.study_uid[0], entry.series_uid[0], entry.instance_uid[0]}
        return True

    def _opened(self, rows: sa.Select[Any]) -> Iterator[Found]:
        last = 0
        while True:
            with self._database.read() as connection:
                some = connection.execute(rows.where(instance.c.id > last).limit(_BATCH)).all()
            if not some:
                return
            last = some[-1].id
            for row in some:
                yield Found(instance_id=row.id, project=row.project, entry=self._entry(row))

    def _entry(self, row: Any) -> CrosswalkEntry:
        try:
            if row.crosswalk is not None:
                return self._subjects.entry(row.crosswalk, token=row.token)
            return _early_entry(row, self._subjects.sealer.unseal(row.sealed, token=row.token))
        except SealBrokenError:
            raise OtherKeyError("secrets.key_file is not the key that sealed this ledger") from None

    def _note(self, action: str, detail: dict[str, str | int]) -> None:
        with self._database.write() as connection:
            self._database.append_audit(connection, actor=self._actor, action=action, instance_id=None, detail=detail)


_IS_MADE = instance.c.public_sop_uid.is_not(None)
_ROWS = (
    sa.select(
        instance.c.id,
        instance.c.token,
        instance.c.project,
        instance.c.sealed,
        instance.c.crosswalk,
        instance.c.pseudonym,
        instance.c.public_study_uid,
        instance.c.public_series_uid,
        instance.c.public_sop_uid,
    )
    .where(_IS_MADE)
    .order_by(instance.c.id)
)


def _has_public_uid(uids: Sequence[str]) -> sa.ColumnElement[bool]:
    columns = (instance.c.public_sop_uid, instance.c.public_series_uid, instance.c.public_study_uid)
    return sa.or_(*(column.in_(uids) for column in columns))


def _early_entry(row: Any, sealed: dict[str, Any]) -> CrosswalkEntry:
    """Return what is known of an object from before the crosswalk had columns of its own."""
    return CrosswalkEntry(
        patient_domain="",
        patient_id=sealed["patient_id"],
        normal_patient_id=sealed["patient_id"],
        pseudonym=row.pseudonym,
        accession_number=("", ""),
        study_id=("", ""),
        study_uid=(sealed["study_instance_uid"], row.public_study_uid),
        series_uid=(sealed["series_instance_uid"], row.public_series_uid),
        instance_uid=(sealed["sop_instance_uid"], row.public_sop_uid),
        other_uids=(),
    )


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers as `1-5,9`; the end of a very long list is left out and says so."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    text = ",".join(f"{first}-{last}" if first != last else f"{first}" for first, last in parts)
    return text if len(text) <= _LONGEST_RANGES else f"{text[:_LONGEST_RANGES].rpartition(',')[0]},..."
