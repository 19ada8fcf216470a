"""Withdrawn consent: what waits is cancelled, no copy stays here, what has left is listed, what comes later is held.

    1. one transaction: the withdrawal by keyed hash, deliveries cancelled, instances rejected, rows that promise no
       file any more, the audit;
    2. the files, because a file too many is found by reconciling and a row that promises a missing one is a lie;
    3. what the audit says was sent.

It works beside a running node: a worker that is at an instance finds it decided, a forwarder finds its file gone, and
an object that arrives a moment later finds the withdrawal. Done again, it does what is left to do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pydicom
import sqlalchemy as sa

from gateway.database import in_batches
from gateway.objections import WITHDRAWN_NOTE
from gateway.spool import Shelf
from gateway.states import INSTANCE, OPEN_DELIVERIES, DeliveryState, InstanceEvent, InstanceState
from gateway.tables import audit, delivery, instance, withdrawal
from pipeline import sidecar
from pipeline.header.identity import patient_domain_of
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from config.schema import GatewayConfig
    from gateway.database import Database
    from gateway.spool import Spool
    from gateway.subjects import Subjects

_SEND_ACTIONS = tuple(f"send{after}" for after in ("", *(f"_of_{state.value}" for state in DeliveryState)))
"""How `gateway.deliveries` writes that a target said Success, whatever had become of the delivery by then."""
_WITHDRAWABLE = frozenset(state.value for state, event in INSTANCE if event is InstanceEvent.WITHDRAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A patient, or a study.

    Parameters
    ----------
    patient_id
        As the source spells it; None for a study.
    domain
        Who issued it; None for the ID in every domain.
    study_uid
        The source's Study Instance UID or the public one; None for a patient.
    """

    patient_id: str | None
    domain: str | None
    study_uid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentObject:
    """One object that a target has, or may have: its new identity only.

    Parameters
    ----------
    at
        When the target said Success; None where it was being sent at the very moment.
    """

    instance_id: int
    target: str
    study_instance_uid: str | None
    series_instance_uid: str | None
    sop_instance_uid: str | None
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What a withdrawal did.

    Parameters
    ----------
    instances
        How many are here, whatever their state.
    rejected, cancelled, deleted_files
        How many instances were not final before, open deliveries, and files.
    sent
        What the targets have, for the letter to them.
    """

    instances: int
    rejected: int
    cancelled: int
    deleted_files: int
    sent: tuple[SentObject, ...]


class Withdrawals:
    """Withdraws consent, and lifts a withdrawal.

    Parameters
    ----------
    database, spool, config
        Of the node, which may be running.
    actor
        Who does it, for the audit.
    """

    def __init__(
        self, database: Database, spool: Spool, subjects: Subjects, config: GatewayConfig, *, actor: str
    ) -> None:
        self._database = database
        self._spool = spool
        self._subjects = subjects
        self._config = config
        self._actor = actor

    def withdraw(self, whose: Whose) -> Withdrawn:
        """Do all of it; when this returns, no copy of what was here is left."""
        with self._database.write() as connection:
            rows = self._rows(connection, whose)
            ids = [row.id for row in rows]
            self._forbid(connection, whose, rows)
            on_the_way = self._on_the_way(connection, ids)
            converted = self._converted(connection, ids)
            cancelled = self._cancel(connection, ids)
            rejected = self._reject(connection, rows)
            self._audit(connection, "withdraw", whose, {"instances": len(ids), "cancelled": cancelled})
        return Withdrawn(
            instances=len(rows),
            rejected=rejected,
            cancelled=cancelled,
            deleted_files=self._delete(rows, converted),
            sent=tuple(self._sent(rows, on_the_way)),
        )

    def lift(self, whose: Whose) -> int:
        """Let objects that arrive from now on pass again; return how many withdrawals stood."""
        with self._database.write() as connection:
            indexes = self._indexes(whose, self._rows(connection, whose))
            lifted = connection.execute(
                withdrawal.update()
                .where(withdrawal.c.index.in_(indexes), withdrawal.c.lifted_at.is_(None))
                .values(lifted_at=self._database.clock())
            ).rowcount
            self._audit(connection, "lift_withdrawal", whose, {"count": lifted})
        return lifted

    def _rows(self, connection: sa.Connection, whose: Whose) -> Sequence[Any]:
        """Return what is here of a patient or study, suppressed repetitions included."""
        columns = (
            instance.c.id, instance.c.token, instance.c.state, instance.c.node, instance.c.sealed, instance.c.crosswalk,
            instance.c.study_index, instance.c.original_kept, instance.c.output_kept, instance.c.output_token,
            instance.c.public_study_uid, instance.c.public_series_uid, instance.c.public_sop_uid,
        )  # fmt: skip
        wanted = sa.select(*columns).order_by(instance.c.id)
        if whose.patient_id is None:
            study_uid = whose.study_uid or ""
            match = sa.or_(
                instance.c.study_index == self._subjects.study(study_uid), instance.c.public_study_uid == study_uid
            )
            return connection.execute(wanted.where(match)).all()
        found = connection.execute(wanted.where(instance.c.patient_index.in_(self._patient_indexes(whose.patient_id))))
        return [row for row in found if self._is_of(row, whose.patient_id, whose.domain)]

    def _patient_indexes(self, patient_id: str) -> Iterable[bytes]:
        # The second one is how rows were written before spelling stopped to count.
        return self._subjects.patient(patient_id), self._subjects.sealer.index("patient", patient_id)

    def _is_of(self, row: Any, patient_id: str, domain: str | None) -> bool:
        """Tell whether a row that may be this patient's is."""
        if row.crosswalk is not None:
            entry = self._subjects.entry(row.crosswalk, token=row.token)
            its_id, its_domain = entry.patient_id, entry.patient_domain
        else:
            its_id = self._subjects.sealer.unseal(row.sealed, token=row.token).get("patient_id", "")
            its_domain = self._domain_of(row) if domain is not None else ""
        right_domain = domain is None or self._subjects.same_domain(its_domain, domain)
        return right_domain and self._subjects.are_one(its_id, patient_id)

    def _domain_of(self, row: Any) -> str:
        """Return the domain of an instance that has not been de-identified, from its original where it must."""
        node = self._config.nodes.get(row.node)
        configured = node.patient_domain if node is not None else None
        issuer = "" if configured else self._issuer(row)
        return patient_domain_of(configured, issuer, row.node)

    def _issuer(self, row: Any) -> str:
        if not row.original_kept:
            return ""
        try:
            path = self._spool.path(Shelf.ORIGINALS, row.token)
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["IssuerOfPatientID"])
            return str(header.get("IssuerOfPatientID") or "")
        except Exception:  # noqa: BLE001  damaged bytes name no issuer; such an object is held and never leaves
            return ""

    def _indexes(self, whose: Whose, rows: Sequence[Any]) -> tuple[bytes, ...]:
        if whose.patient_id is not None:
            return self._subjects.withdrawals_of_patient(whose.patient_id, whose.domain)
        known = {row.study_index for row in rows if row.study_index is not None}
        return tuple(sorted({self._subjects.study(whose.study_uid or ""), *known}))

    def _forbid(self, connection: sa.Connection, whose: Whose, rows: Sequence[Any]) -> None:
        indexes = self._indexes(whose, rows)
        standing = sa.select(withdrawal.c.index).where(
            withdrawal.c.index.in_(indexes), withdrawal.c.lifted_at.is_(None)
        )
        known = set(connection.execute(standing).scalars())
        for index in indexes:
            if index not in known:
                kind = "study" if whose.patient_id is None else "patient"
                connection.execute(
                    withdrawal.insert().values(
                        at=self._database.clock(), actor=self._actor, kind=kind, index=index, lifted_at=None
                    )
                )

    def _on_the_way(self, connection: sa.Connection, ids: Sequence[int]) -> list[tuple[int, str]]:
        """Return instance and target of deliveries that a forwarder holds now: the target may have them already."""
        found: list[tuple[int, str]] = []
        for some in in_batches(ids):
            claimed = sa.select(delivery.c.instance_id, delivery.c.target).where(
                delivery.c.instance_id.in_(some),
                delivery.c.state == DeliveryState.WAITING.value,
                delivery.c.lease_until > self._database.clock(),
                delivery.c.conversion_wanted.is_(False),
            )
            found += [(row.instance_id, row.target) for row in connection.execute(claimed)]
        return found

    def _converted(self, connection: sa.Connection, ids: Sequence[int]) -> set[str]:
        found: set[str] = set()
        for some in in_batches(ids):
            tokens = sa.select(delivery.c.output_token).where(delivery.c.instance_id.in_(some))
            found |= set(connection.execute(tokens).scalars())
        return found

    def _cancel(self, connection: sa.Connection, ids: Sequence[int]) -> int:
        return sum(
            connection.execute(
                delivery.update()
                .where(
                    delivery.c.instance_id.in_(some), delivery.c.state.in_([state.value for state in OPEN_DELIVERIES])
                )
                .values(state=DeliveryState.CANCELLED.value, claimed_by=None, lease_until=None)
            ).rowcount
            for some in in_batches(ids)
        )

    def _reject(self, connection: sa.Connection, rows: Sequence[Any]) -> int:
        gone = {"original_kept": False, "output_kept": False}
        why = {"reason": Reason.WITHDRAWN.value, "note": WITHDRAWN_NOTE}
        undecided = [row.id for row in rows if row.state in _WITHDRAWABLE]
        self._database.apply_to_all(
            connection, undecided, InstanceEvent.WITHDRAW, **gone, **why, claimed_by=None, lease_until=None
        )
        rejected = [row.id for row in rows if row.state == InstanceState.REJECTED.value]
        for ids, values in ([row.id for row in rows], gone), (rejected, why):
            for some in in_batches(ids):
                connection.execute(instance.update().where(instance.c.id.in_(some)).values(**values))
        for instance_id in undecided:
            self._database.append_audit(
                connection, actor=self._actor, action="withdraw", instance_id=instance_id, detail={}
            )
        return len(undecided)

    def _delete(self, rows: Sequence[Any], converted: set[str]) -> int:
        files = {(Shelf.OUTPUTS, token) for token in converted}
        files |= {(Shelf.OUTPUTS, row.output_token) for row in rows if row.output_token is not None}
        files |= {(Shelf.ORIGINALS, row.token) for row in rows}
        there = [file for file in files if self._spool.path(*file).exists()]
        for shelf, token in there:
            self._spool.remove(shelf, token)
        studies: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row.public_study_uid is not None:
                studies[row.public_study_uid].add(row.public_sop_uid)
        for study_uid, sop_uids in studies.items():
            sidecar.forget(self._spool.sidecar, study_uid, sop_uids)
        return len(there)

    def _sent(self, rows: Sequence[Any], on_the_way: Sequence[tuple[int, str]]) -> Iterable[SentObject]:
        by_id = {row.id: row for row in rows}
        with self._database.read() as connection:
            for some in in_batches(list(by_id)):
                sends = sa.select(audit.c.instance_id, audit.c.at, audit.c.detail).where(
                    audit.c.instance_id.in_(some), audit.c.action.in_(_SEND_ACTIONS)
                )
                for send in connection.execute(sends.order_by(audit.c.id)).all():
                    yield _sent_object(by_id[send.instance_id], str(send.detail["target"]), send.at)
        for instance_id, target in on_the_way:
            yield _sent_object(by_id[instance_id], target, None)

    def _audit(self, connection: sa.Connection, action: str, whose: Whose, numbers: dict[str, int]) -> None:
        kind = "study" if whose.patient_id is None else "patient"
        self._database.append_audit(
            connection, actor=self._actor, action=action, instance_id=None, detail={"kind": kind, **numbers}
        )


def _sent_object(row: Any, target: str, at: float | None) -> SentObject:
    return SentObject(
        instance_id=row.id,
        target=target,
        study_instance_uid=row.public_study_uid,
        series_instance_uid=row.public_series_uid,
        sop_instance_uid=row.public_sop_uid,
        at=at,
    )
