"""What the PACSs on both sides list of a study, beside what the ledger says: by C-FIND, nothing is fetched or sent.

    a source lists what was never acknowledged here      not_acknowledged
    a target does not list what it was sent              not_at_target
    a node could not be asked                            not_asked

Rule of the file: what is told are numbers, instances of the ledger and names of the configuration; source UIDs are
opened to ask with them and stand in nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.ask import INSTANCE_UID, SERIES_UID, STUDY_UID, identifier
from gateway.forward import target_of
from gateway.negotiation import is_valid_uid
from gateway.querying import FIND, NotServedError, QueryConnection, RefusedError, TooManyError
from gateway.reconcile import Discrepancy, Kind
from gateway.requestor import Failure, Lost
from gateway.retrieve import Acknowledged
from gateway.states import DeliveryState, InstanceState
from gateway.tables import delivery, instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.schema import GatewayConfig
    from gateway.database import Database
    from gateway.sealing import Sealer

_MOST_IN_A_STUDY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One study at one node.

    Parameters
    ----------
    first_instance
        Names the study: the least number of its instances here.
    node
        Of the configuration.
    is_target
        Whether it was sent the study; else it sent it.
    listed
        How many instances it lists.
    expected
        How many it should: those that were sent to it, or those that it sent.
    """

    first_instance: int
    node: str
    is_target: bool
    listed: int
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was compared, and what of it does not add up."""

    compared: tuple[Compared, ...]
    discrepancies: tuple[Discrepancy, ...]


@dataclass(slots=True, kw_only=True)
class _AtNode:
    """What a node should list under one Study Instance UID: instance UIDs and their numbers."""

    uid: str
    first_instance: int
    instances: dict[str, int] = field(default_factory=dict)


class FindCheck:
    """Asks the nodes of a configuration.

    Parameters
    ----------
    database, sealer
        Of the node.
    config
        Who is where.
    """

    def __init__(self, database: Database, sealer: Sealer, config: GatewayConfig) -> None:
        self._database = database
        self._sealer = sealer
        self._config = config

    def compare(self, *, only: Sequence[bytes] | None = None) -> Findings:
        """Ask every node that sent or was sent something what it has.

        Senders without a port cannot be asked; a node that the configuration does not know any more is told.

        Parameters
        ----------
        only
            Keyed hashes of the studies that are wanted; None: all.
        """
        compared: list[Compared] = []
        found: list[Discrepancy] = []
        for is_target, by_node in ((False, self._sent_by(only)), (True, self._sent_to(only))):
            for name, studies in sorted(by_node.items()):
                self._ask(name, studies, is_target=is_target, compared=compared, found=found)
        return Findings(compared=tuple(compared), discrepancies=tuple(found))

    def _ask(
        self,
        name: str,
        studies: Sequence[_AtNode],
        *,
        is_target: bool,
        compared: list[Compared],
        found: list[Discrepancy],
    ) -> None:
        node = self._config.nodes.get(name)
        if node is None:
            found.append(Discrepancy(kind=Kind.NOT_ASKED, subject=f"node {name}: not in the configuration"))
            return
        if node.port is None:
            return
        target = target_of(
            node, calling_ae_title=self._config.calling_ae_title(name), tls=self._config.tls_towards(name)
        )
        try:
            connection = QueryConnection.open(target, (FIND,))
            try:
                for study in studies:
                    listed = _instances_of(connection, study.uid)
                    compared.append(
                        Compared(
                            first_instance=study.first_instance,
                            node=name,
                            is_target=is_target,
                            listed=len(listed),
                            expected=len(study.instances),
                        )
                    )
                    found += self._judge(name, study, listed, is_target=is_target)
            finally:
                connection.close()
        except (Lost, RefusedError, NotServedError, TooManyError) as error:
            found.append(Discrepancy(kind=Kind.NOT_ASKED, subject=f"node {name}: {_why(error)}"))

    def _judge(self, name: str, study: _AtNode, listed: frozenset[str], *, is_target: bool) -> Iterator[Discrepancy]:
        if is_target:
            for uid, number in study.instances.items():
                if uid not in listed:
                    yield Discrepancy(kind=Kind.NOT_AT_TARGET, subject=f"instance {number} at node {name}")
            return
        lacking = len(listed - self._acknowledged(listed))
        if lacking:
            what = f"{lacking} of the study of instance {study.first_instance} at node {name}"
            yield Discrepancy(kind=Kind.NOT_RECEIVED, subject=what)

    def _acknowledged(self, uids: frozenset[str]) -> frozenset[str]:
        # Whoever sent it: an instance that another node brought is not lacking.
        return Acknowledged(self._database, self._sealer).among(uids)

    def _sent_by(self, only: Sequence[bytes] | None) -> dict[str, list[_AtNode]]:
        rows = sa.select(instance.c.id, instance.c.token, instance.c.node, instance.c.sealed)
        with self._database.snapshot() as connection:
            return _grouped(self._source(row) for row in connection.execute(_wanted(rows, only)))

    def _source(self, row: Any) -> tuple[str, str, str, int]:
        sealed = self._sealer.unseal(row.sealed, token=row.token)
        return row.node, sealed.get("study_instance_uid", ""), sealed["sop_instance_uid"], row.id

    def _sent_to(self, only: Sequence[bytes] | None) -> dict[str, list[_AtNode]]:
        rows = (
            sa.select(instance.c.id, delivery.c.target, instance.c.public_study_uid, instance.c.public_sop_uid)
            .join(delivery, delivery.c.instance_id == instance.c.id)
            .where(
                instance.c.state.in_([InstanceState.CLEAN.value, InstanceState.DONE.value]),
                delivery.c.state.in_([DeliveryState.SENT.value, DeliveryState.CONFIRMED.value]),
            )
        )
        with self._database.snapshot() as connection:
            return _grouped(
                (row.target, row.public_study_uid, row.public_sop_uid, row.id)
                for row in connection.execute(_wanted(rows, only))
            )


def _wanted(rows: sa.Select[Any], only: Sequence[bytes] | None) -> sa.Select[Any]:
    return (rows if only is None else rows.where(instance.c.study_index.in_(only))).order_by(instance.c.id)


def _grouped(rows: Iterator[tuple[str, str, str, int]]) -> dict[str, list[_AtNode]]:
    """Bring node, study UID, instance UID and number together by node and study; what has no valid UID is left out."""
    studies: dict[tuple[str, str], _AtNode] = {}
    for node, study_uid, instance_uid, number in rows:
        if is_valid_uid(study_uid):
            study = studies.setdefault((node, study_uid), _AtNode(uid=study_uid, first_instance=number))
            study.instances[instance_uid] = number
    by_node: dict[str, list[_AtNode]] = {}
    for (node, _), study in studies.items():
        by_node.setdefault(node, []).append(study)
    return by_node


def _instances_of(connection: QueryConnection, study_uid: str) -> frozenset[str]:
    """Ask level by level, each with the UIDs of the levels above: what every PACS answers (PS3.4 C.4.1.2.1)."""
    request = identifier("SERIES", {STUDY_UID: study_uid, SERIES_UID: ""})
    series = {m[SERIES_UID] for m in connection.find(request, (SERIES_UID,), most=_MOST_IN_A_STUDY).matches}
    if not all(is_valid_uid(uid) for uid in series):
        raise Lost(Failure.BAD_ANSWER)
    listed: set[str] = set()
    for uid in sorted(series):
        keys = {STUDY_UID: study_uid, SERIES_UID: uid, INSTANCE_UID: ""}
        found = connection.find(identifier("IMAGE", keys), (INSTANCE_UID,), most=_MOST_IN_A_STUDY)
        listed.update(match[INSTANCE_UID] for match in found.matches)
    return frozenset(listed)


def _why(error: Exception) -> str:
    if isinstance(error, Lost):
        return str(error.why)
    if isinstance(error, RefusedError):
        return f"status 0x{error.status:04X}"
    return "it does not serve C-FIND" if isinstance(error, NotServedError) else "it lists too many"
