"""The accounting equation study by study.

A study is one source Study Instance UID, known here by its keyed hash. It is named by what leaves anyway, its new UIDs,
and by the number of its first instance; never by the source's.

Rule of the file: acknowledged is counted from receipts, states from rows, and what does not add up is that of the whole
account, told apart by study.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.spool import Shelf
from gateway.states import SHOWN_STATES, DeliveryState, InstanceState, shown_state
from gateway.tables import delivery, instance, receipt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.database import Database
    from gateway.reconcile import Account, Discrepancy


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAccount:
    """The equation of one study.

    Parameters
    ----------
    first_instance
        The least number of its instances.
    public_study_uids
        Under which it left; one for each project, none where nothing was made of it yet.
    acknowledged
        Receipts of its instances.
    states
        Instances per shown state, zeros included.
    originals, outputs
        Files that its rows say are here.
    discrepancies
        Those of the whole account that are about it.
    """

    first_instance: int
    public_study_uids: tuple[str, ...]
    acknowledged: int
    states: Mapping[str, int]
    originals: int
    outputs: int
    discrepancies: tuple[Discrepancy, ...]

    @property
    def balanced(self) -> bool:
        """Whether both sides are equal and nothing contradicts them."""
        return not self.discrepancies and self.acknowledged == sum(self.states.values())


@dataclass(slots=True, kw_only=True)
class _Sum:
    first_instance: int
    uids: set[str] = field(default_factory=set)
    acknowledged: int = 0
    states: Counter[str] = field(default_factory=Counter)
    originals: int = 0
    outputs: int = 0
    discrepancies: list[Discrepancy] = field(default_factory=list)


def by_study(database: Database, account: Account, *, only: Sequence[bytes] | None = None) -> list[StudyAccount]:
    """Return the equation of every study, in the order of their first instances.

    Instances whose study could not be read (unreadable objects) are a study of their own each. A receipt without a row
    is nobody's: it stays in the account of the whole.

    Parameters
    ----------
    account
        The whole, looked at before.
    only
        Keyed hashes of the studies that are wanted; None: all.
    """
    told: dict[str, list[Discrepancy]] = {}
    for discrepancy in account.discrepancies:
        told.setdefault(discrepancy.subject, []).append(discrepancy)
    sums: dict[bytes | int, _Sum] = {}
    wanted = _ROWS if only is None else _ROWS.where(instance.c.study_index.in_(only))
    with database.snapshot() as connection:
        for row in connection.execute(wanted):
            key = row.id if row.study_index is None else bytes(row.study_index)
            _add(sums.setdefault(key, _Sum(first_instance=row.id)), row, told)
    return [
        StudyAccount(
            first_instance=one.first_instance,
            public_study_uids=tuple(sorted(one.uids)),
            acknowledged=one.acknowledged,
            states={state: one.states[state] for state in SHOWN_STATES},
            originals=one.originals,
            outputs=one.outputs,
            discrepancies=tuple(one.discrepancies),
        )
        for one in sums.values()
    ]


def indexes_of(database: Database, study_uid: str, source_index: bytes) -> tuple[bytes, ...]:
    """Return the keyed hashes of a study by its UID, the new one or the source's.

    Parameters
    ----------
    source_index
        The keyed hash of that UID, were it a source's (`gateway.subjects`).
    """
    named = sa.or_(instance.c.public_study_uid == study_uid, instance.c.study_index == source_index)
    found = sa.select(instance.c.study_index).where(named, instance.c.study_index.is_not(None)).distinct()
    with database.read() as connection:
        return tuple(bytes(index) for index in connection.execute(found).scalars())


def _listed(column: sa.Column[Any]) -> sa.ScalarSelect[Any]:
    """Return the values of an instance's deliveries, each once, with commas between them."""
    values = sa.select(sa.func.group_concat(column.distinct())).where(delivery.c.instance_id == instance.c.id)
    return values.correlate(instance).scalar_subquery()


_ROWS = (
    sa.select(
        instance.c.id,
        instance.c.token,
        instance.c.study_index,
        instance.c.public_study_uid,
        instance.c.state,
        instance.c.original_kept,
        instance.c.output_kept,
        instance.c.output_token,
        receipt.c.id.label("receipt_id"),
        _listed(delivery.c.state).label("deliveries"),
        _listed(delivery.c.output_token).label("sent_tokens"),
    )
    .outerjoin(receipt, receipt.c.token == instance.c.token)
    .order_by(instance.c.id)
)


def _add(one: _Sum, row: Any, told: Mapping[str, Sequence[Discrepancy]]) -> None:
    deliveries = [DeliveryState(state) for state in (row.deliveries or "").split(",") if state]
    one.states[shown_state(InstanceState(row.state), deliveries)] += 1
    one.acknowledged += row.receipt_id is not None
    one.originals += bool(row.original_kept)
    one.outputs += bool(row.output_kept)
    if row.public_study_uid is not None:
        one.uids.add(row.public_study_uid)
    outputs = {row.output_token, *(row.sent_tokens or "").split(",")} - {None, ""}
    names = [f"instance {row.id}", f"{Shelf.ORIGINALS}/{row.token}", f"receipt {row.token}"]
    for name in (*names, *(f"{Shelf.OUTPUTS}/{token}" for token in sorted(outputs))):
        one.discrepancies += told.get(name, ())
