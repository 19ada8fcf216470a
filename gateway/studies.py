"""Studies: when each was received, when it counts as complete, and what has become of its instances.

A study is complete when no new instance has come for `completion.study_complete_trigger`. A later one is late: it is
processed under the study's first rule, and the study is complete again after another such time. Same bytes that come
again are not new.

Rule of the file: times are kept per study and written by the node's main process alone (`sweep`), beside the way of
an instance, which waits for none of it; numbers are counted from the rows of instances.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway import log
from gateway.ledger import NODE
from gateway.states import DeliveryState, InstanceState, shown_state
from gateway.tables import delivery, instance, study

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gateway.database import Database

_MOST_AT_ONCE = 2000
"""Rows that one transaction looks at, so that it stops no receiver for long."""
UNDECIDED = (InstanceState.RECEIVED.value, InstanceState.HELD.value)
"""While an instance is so, a study that is released as a whole stays."""
_GONE_IS_KNOWN = (InstanceState.SUPPRESSED.value, InstanceState.SUPERSEDED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """What is known of one study.

    Parameters
    ----------
    study
        Our own number.
    study_instance_uid
        The new one; None until an instance was de-identified.
    completed_at
        Since when it counts as complete; None while it is being received.
    rule
        Its first rule: the one by which its earliest instance was de-identified; None where none was.
    instances
        How many are here; identical repetitions and what was replaced are not counted.
    late
        How many of them came after it had been complete.
    states
        Instances per shown state (`gateway.states.SHOWN_STATES`), without zeros.
    """

    study: int
    study_instance_uid: str | None
    first_received_at: float
    last_received_at: float
    completed_at: float | None
    rule: str | None
    instances: int
    late: int
    states: Mapping[str, int]

    @property
    def held(self) -> int:
        """How many wait for a decision."""
        return self.states.get("held", 0)

    @property
    def sent(self) -> int:
        """How many all their targets have."""
        return self.states.get("sent", 0) + self.states.get("confirmed", 0)


class Studies:
    """The rows of studies.

    Parameters
    ----------
    database
        Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looked_at: int | None = None

    def sweep(self, trigger_s: float) -> int:
        """Note what has arrived and which studies are complete by now; return how many became so.

        Parameters
        ----------
        trigger_s
            `completion.study_complete_trigger`.
        """
        if self._looked_at is None:
            with self._database.read() as connection:
                self._looked_at = connection.execute(sa.select(sa.func.max(study.c.last_instance_id))).scalar() or 0
        now = self._database.clock()
        with self._database.read() as connection:
            news = connection.execute(_since(self._looked_at).limit(1)).first()
            if news is None and connection.execute(_due(now, trigger_s).limit(1)).first() is None:
                return 0  # looking must not take the write lock every time
        with self._database.write() as connection:
            rows = connection.execute(_since(self._looked_at).limit(_MOST_AT_ONCE)).all()
            for row in rows:
                if row.study_index is not None and row.state != InstanceState.SUPPRESSED.value:
                    _note_arrival(connection, row, now)
            # Where more rows wait to be looked at, one of them may belong to a study that looks complete.
            completed = [] if len(rows) == _MOST_AT_ONCE else self._complete(connection, now, trigger_s)
        self._looked_at = rows[-1].id if rows else self._looked_at
        for record in completed:
            log.event("study_complete", count=record.instances)
        return len(completed)

    def _complete(self, connection: sa.Connection, now: float, trigger_s: float) -> list[StudyRecord]:
        completed = []
        for row in connection.execute(_due(now, trigger_s).limit(_MOST_AT_ONCE)).all():
            first = row.first_completed_at if row.first_completed_at is not None else now
            connection.execute(
                study.update().where(study.c.id == row.id).values(completed_at=now, first_completed_at=first)
            )
            record = _record(connection, connection.execute(sa.select(study).where(study.c.id == row.id)).one())
            self._database.append_audit(
                connection,
                actor=NODE,
                action="study_complete",
                instance_id=None,
                detail={
                    "study": record.study,
                    "rule": record.rule,
                    "instances": record.instances,
                    "late": record.late,
                    "held": record.held,
                    "sent": record.sent,
                },
            )
            completed.append(record)
        return completed

    def first_rule(self, study_index: bytes | None, *, received_at: float, names: Collection[str]) -> str | None:
        """Return by which rule a late instance goes; None for one that is not late, or whose study has no such rule.

        Parameters
        ----------
        received_at
            Of the instance.
        names
            The rules that de-identify: that others held or refused what came first decides nothing about the rest.
        """
        if study_index is None:
            return None
        late = sa.select(study.c.id).where(study.c.study_index == study_index, study.c.first_completed_at < received_at)
        with self._database.read() as connection:
            if connection.execute(late).first() is None:
                return None
            return connection.execute(_first_rule(study_index, names)).scalar()

    def newest(self, limit: int) -> Sequence[StudyRecord]:
        """Return the studies that were received last, the newest first."""
        with self._database.snapshot() as connection:
            rows = connection.execute(sa.select(study).order_by(study.c.last_instance_id.desc()).limit(limit)).all()
            return [_record(connection, row) for row in rows]

    def find(self, number_or_uid: str) -> StudyRecord | None:
        """Return a study by our number or its new Study Instance UID."""
        if number_or_uid.isascii() and number_or_uid.isdecimal():
            wanted = study.c.id == int(number_or_uid)
        else:
            index = sa.select(instance.c.study_index).where(instance.c.public_study_uid == number_or_uid)
            wanted = study.c.study_index.in_(index)
        with self._database.snapshot() as connection:
            row = connection.execute(sa.select(study).where(wanted)).first()
            return None if row is None else _record(connection, row)


def _since(instance_id: int) -> sa.Select[Any]:
    columns = (instance.c.id, instance.c.study_index, instance.c.state, instance.c.received_at)
    return sa.select(*columns).where(instance.c.id > instance_id).order_by(instance.c.id)


def _due(now: float, trigger_s: float) -> sa.Select[Any]:
    return sa.select(study).where(study.c.completed_at.is_(None), study.c.last_received_at <= now - trigger_s)


def _note_arrival(connection: sa.Connection, row: Any, now: float) -> None:
    # A clock that was set back since must not put off the study's end.
    received_at = min(row.received_at, now)
    known = connection.execute(
        study.update()
        .where(study.c.study_index == row.study_index)
        .values(last_instance_id=row.id, last_received_at=received_at, completed_at=None)
    ).rowcount
    if not known:
        connection.execute(
            study.insert().values(
                study_index=row.study_index,
                last_instance_id=row.id,
                first_received_at=received_at,
                last_received_at=received_at,
            )
        )


def _first_rule(study_index: bytes, names: Collection[str] | None) -> sa.Select[str]:
    wanted = sa.select(instance.c.rule).where(instance.c.study_index == study_index, instance.c.profile.is_not(None))
    if names is not None:
        wanted = wanted.where(instance.c.rule.in_(list(names)))
    return wanted.order_by(instance.c.id).limit(1)


def _record(connection: sa.Connection, row: Any) -> StudyRecord:
    states: Counter[str] = Counter()
    late, public_uid = 0, None
    for one in connection.execute(_instances_of(row.study_index)):
        kinds = [DeliveryState(kind) for kind in (one.kinds or "").split(",") if kind]
        states[shown_state(InstanceState(one.state), kinds)] += 1
        late += row.first_completed_at is not None and one.received_at > row.first_completed_at
        public_uid = public_uid or one.public_study_uid
    return StudyRecord(
        study=row.id,
        study_instance_uid=public_uid,
        first_received_at=row.first_received_at,
        last_received_at=row.last_received_at,
        completed_at=row.completed_at,
        rule=connection.execute(_first_rule(row.study_index, None)).scalar(),
        instances=sum(states.values()),
        late=late,
        states=dict(states),
    )


def _instances_of(study_index: bytes) -> sa.Select[Any]:
    kinds = sa.func.group_concat(delivery.c.state.distinct()).label("kinds")
    return (
        sa.select(instance.c.id, instance.c.state, instance.c.received_at, instance.c.public_study_uid, kinds)
        .outerjoin(delivery, delivery.c.instance_id == instance.c.id)
        .where(instance.c.study_index == study_index, instance.c.state.not_in(_GONE_IS_KNOWN))
        .group_by(instance.c.id)
        .order_by(instance.c.id)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCounts:
    """How many studies are where.

    Parameters
    ----------
    receiving
        New instances may still come.
    complete
        Nothing new has come for `completion.study_complete_trigger`.
    waiting, held
        Complete, and an instance is on its way (received or clean), or held; a study may be counted in both.
    """

    receiving: int
    complete: int
    waiting: int
    held: int


def count_studies(connection: sa.Connection) -> StudyCounts:
    """Count them; give it a snapshot where the numbers must agree."""
    total = connection.execute(sa.select(sa.func.count()).select_from(study)).scalar_one()
    open_ones = sa.select(sa.func.count()).select_from(study).where(study.c.completed_at.is_(None))
    receiving = connection.execute(open_ones).scalar_one()
    failed = sa.exists().where(delivery.c.instance_id == instance.c.id, delivery.c.state == DeliveryState.FAILED.value)
    is_clean = instance.c.state == InstanceState.CLEAN.value
    on_its_way = sa.or_(instance.c.state == InstanceState.RECEIVED.value, sa.and_(is_clean, ~failed))
    is_held = sa.or_(instance.c.state == InstanceState.HELD.value, sa.and_(is_clean, failed))
    return StudyCounts(
        receiving=receiving,
        complete=total - receiving,
        waiting=_complete_with(connection, on_its_way),
        held=_complete_with(connection, is_held),
    )


def _complete_with(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> int:
    return connection.execute(
        sa.select(sa.func.count(study.c.id.distinct()))
        .join(instance, instance.c.study_index == study.c.study_index)
        .where(study.c.completed_at.is_not(None), condition)
    ).scalar_one()


def is_whole() -> sa.ColumnElement[bool]:
    """Return, as a condition on an instance, that its study is complete and nothing of it is held or unprocessed.

    An object without a study is one of its own.
    """
    # Who came since the last sweep makes it incomplete already.
    late = instance.alias("late")
    is_late = sa.exists().where(
        late.c.study_index == study.c.study_index,
        late.c.id > study.c.last_instance_id,
        late.c.state != InstanceState.SUPPRESSED.value,
    )
    complete = sa.exists().where(
        study.c.study_index == instance.c.study_index, study.c.completed_at.is_not(None), ~is_late
    )
    other = instance.alias("undecided")
    undecided = sa.select(other.c.study_index).where(other.c.state.in_(UNDECIDED), other.c.study_index.is_not(None))
    return sa.or_(instance.c.study_index.is_(None), sa.and_(complete, instance.c.study_index.not_in(undecided)))
