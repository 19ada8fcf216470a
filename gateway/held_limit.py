"""`storage.held_limit`: a rule whose held objects fill their share of the disk is stopped, and no other.

Which rule an object goes by is known only from its header. So nothing is looked at while no rule is stopped; then, the
header of each object that is complete is read before it is acknowledged, and those of the stopped rule are answered
with 0xA700. What was acknowledged is processed as ever. The rule goes on by itself once enough was decided.

What is held before a rule was chosen (unreadable bytes, corrections at arrival) counts for none.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import log
from gateway.headers import read_header, values
from gateway.rules import Facts, choose, choose_late
from gateway.states import DeliveryState, InstanceState
from gateway.studies import Studies
from gateway.tables import delivery, instance
from pipeline.reasons import Held

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from config.schema import GatewayConfig, Rule
    from gateway.database import Database
    from gateway.intake import Arrival
    from gateway.spool import Spool

_MEASURED_FOR_S = 2.0


def held_bytes(connection: sa.Connection) -> Mapping[str, int]:
    """Return how many bytes the held objects of each rule take, those that a target refused for good included."""
    failed = sa.exists().where(delivery.c.instance_id == instance.c.id, delivery.c.state == DeliveryState.FAILED.value)
    original = sa.case((instance.c.original_kept, instance.c.size_bytes), else_=0)
    output = sa.case((instance.c.output_kept, sa.func.coalesce(instance.c.output_bytes, 0)), else_=0)
    rows = connection.execute(
        sa.select(instance.c.rule, sa.func.sum(original + output))
        .where(
            instance.c.rule.is_not(None),
            sa.or_(
                instance.c.state == InstanceState.HELD.value,
                sa.and_(instance.c.state == InstanceState.CLEAN.value, failed),
            ),
        )
        .group_by(instance.c.rule)
    )
    return {rule: int(size) for rule, size in rows}


def allowed_bytes(config: GatewayConfig, spool: Spool) -> int:
    """Return how much of the disk the held objects of one rule may take."""
    return int(config.storage.held_limit * spool.total_bytes())


class HeldLimit:
    """Which rules are stopped now. Asked from many threads.

    Parameters
    ----------
    database, spool, config
        Of the node.
    """

    def __init__(self, database: Database, spool: Spool, config: GatewayConfig) -> None:
        self._database = database
        self._spool = spool
        self._studies = Studies(database)
        self._measuring = threading.Lock()
        self._measured_at = float("-inf")
        self._stopped: frozenset[str] = frozenset()
        self.follow(config)

    def follow(self, config: GatewayConfig) -> None:
        """Go by these rules from now on."""
        self._rules = config.rules
        self._allowed = allowed_bytes(config, self._spool)

    def stopped(self) -> frozenset[str]:
        """Return the rules whose held objects fill their share; measured anew every two seconds by whoever asks."""
        if time.monotonic() - self._measured_at >= _MEASURED_FOR_S and self._measuring.acquire(blocking=False):
            try:
                self._measure()
            finally:
                self._measuring.release()
        return self._stopped

    def _measure(self) -> None:
        with self._database.read() as connection:
            held = held_bytes(connection)
        stopped = frozenset(rule for rule, size in held.items() if size >= self._allowed)
        for rule in sorted(stopped - self._stopped):
            log.event("rule_stopped", rule=rule, bytes=held[rule])
        for rule in sorted(self._stopped - stopped):
            log.event("rule_resumed", rule=rule, bytes=held.get(rule, 0))
        self._stopped, self._measured_at = stopped, time.monotonic()

    def stopped_rule(self, path: Path, arrival: Arrival, study_index: bytes | None) -> str | None:
        """Return the stopped rule by which an object would go; None where it may come.

        Parameters
        ----------
        path
            The received file, complete.
        """
        stopped = self.stopped()
        if not stopped or not arrival.readable:
            return None
        try:
            rule = self._rule(path, arrival, study_index)
        except Held:
            return None  # acknowledged and held as unreadable, as ever
        return rule.name if rule.name in stopped else None

    def _rule(self, path: Path, arrival: Arrival, study_index: bytes | None) -> Rule:
        header = read_header(path)
        facts = Facts(
            node=arrival.node_name,
            calling_aet=arrival.calling_aet,
            called_aet=arrival.called_aet,
            attribute=lambda keyword: values(header, keyword),
        )
        names = [rule.name for rule in self._rules if rule.action is None]
        first = self._studies.first_rule(study_index, received_at=self._database.clock(), names=names)
        return choose(self._rules, facts) if first is None else choose_late(self._rules, facts, first=first)
