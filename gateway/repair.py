"""Repairs what reconciling found and what is safe to repair.

    file_without_row                 moved to `quarantine/`, unless it was acknowledged and its row is gone
    part_file                        moved to `quarantine/`
    waiting_without_bytes            the row says again that the file is here, where it is here and whole
    done_with_open_delivery          to be sent again, where what is sent is whole
    clean_without_delivery           done, where all was sent; else to be sent to its rule's targets, likewise

Rule of the file: nothing is deleted, here or elsewhere; every repair is judged anew inside the transaction that does it
and that writes its audit row; whatever is not exactly as it should be is left to a person.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.decisions import stored_output
from gateway.deliveries import settle
from gateway.ledger import insert_deliveries
from gateway.part10 import NotPart10Error, data_set_offset
from gateway.priority import Priority
from gateway.reconcile import STALE_AFTER_S, Discrepancy, Kind, part_subject
from gateway.spool import Shelf, is_intact
from gateway.states import DeliveryState, InstanceEvent, InstanceState
from gateway.tables import delivery, instance, receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gateway.database import Database
    from gateway.reconcile import Account
    from gateway.spool import Spool

    _Way = Callable[[sa.Connection, Discrepancy], str | None]

_MINE = {InstanceState.RECEIVED.value, InstanceState.HELD.value}
_TAKEN = {DeliveryState.SENT.value, DeliveryState.CONFIRMED.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """One repair that was done: the discrepancy, and how it was repaired."""

    kind: Kind
    subject: str
    how: str


class Repairs:
    """Repairs of one node; it may be running.

    Parameters
    ----------
    database, spool
        Of the node.
    targets
        The targets of each rule, by its name, as the configuration has them now.
    actor
        Who repairs, for the audit.
    priorities
        Of each rule, likewise; what is not named is normal.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        *,
        targets: Mapping[str, Sequence[str]],
        actor: str,
        priorities: Mapping[str, Priority] = MappingProxyType({}),
    ) -> None:
        self._database = database
        self._spool = spool
        self._targets = targets
        self._priorities = priorities
        self._actor = actor
        self._moved: tuple[Path, Path] | None = None
        self._whole: dict[tuple[Path, int, int, int], bool] = {}

    def repair(self, account: Account) -> list[Repaired]:
        """Repair what of an account can be; return what was done."""
        ways: dict[Kind, _Way] = {
            Kind.NO_BYTES: self._mark_kept,
            Kind.ORPHAN: self._set_aside_object,
            Kind.OPEN: self._send_again,
            Kind.NOTHING_OPEN: self._settle_or_send,
        }
        # A row that gets its file back must have it before the file is taken for an orphan.
        order = list(ways)
        done = []
        # Who takes objects in beside the node (`sonoveil pull --get`) names a file before its row is there.
        with self._spool.intake_lock(exclusive=True):
            for discrepancy in sorted(
                (d for d in account.discrepancies if d.kind in ways), key=lambda d: order.index(d.kind)
            ):
                self._look_first(discrepancy)
                how = self._audited(discrepancy, ways[discrepancy.kind])
                if how is not None:
                    done.append(Repaired(kind=discrepancy.kind, subject=discrepancy.subject, how=how))
            done += self._set_parts_aside()
        return done

    def _look_first(self, discrepancy: Discrepancy) -> None:
        """Hash what a repair will ask about before its transaction: nobody else can commit while that lasts."""
        if not discrepancy.subject.startswith("instance "):
            return
        with self._database.read() as connection:
            row = _row(connection, discrepancy)
            outputs = sa.select(delivery.c.output_token, delivery.c.output_sha256)
            sent = [] if row is None else connection.execute(outputs.where(delivery.c.instance_id == row.id)).all()
        if row is None:
            return
        if row.state in _MINE:
            self._is_original(row)
        else:
            self._has_output(row)
            for one in sent:
                self._is_whole(one.output_token, one.output_sha256)

    def _audited(self, discrepancy: Discrepancy, way: _Way) -> str | None:
        try:
            with self._database.write() as connection:
                how = way(connection, discrepancy)
                if how is not None:
                    self._note(connection, discrepancy.kind, discrepancy.subject, how)
        except BaseException:
            self._put_back()
            raise
        self._moved = None
        return how

    def _put_back(self) -> None:
        """Undo a move whose audit row was not written."""
        if self._moved is not None:
            came_from, aside = self._moved
            aside.rename(came_from)
            self._moved = None

    def _set_aside(self, path: Path) -> None:
        self._moved = path, self._spool.set_aside(path)

    def _note(self, connection: sa.Connection, kind: Kind, subject: str, how: str) -> None:
        number = subject.removeprefix("instance ") if subject.startswith("instance ") else None
        self._database.append_audit(
            connection,
            actor=self._actor,
            action="repair",
            instance_id=None if number is None else int(number),
            detail={"kind": kind.value, "subject": subject, "how": how},
        )

    def _set_parts_aside(self) -> list[Repaired]:
        done = []
        for path in list(self._spool.stale(older_than_s=STALE_AFTER_S)):
            subject = part_subject(self._spool, path)
            self._audited(Discrepancy(kind=Kind.PART, subject=subject), self._part_setter(path))
            done.append(Repaired(kind=Kind.PART, subject=subject, how="set_aside"))
        return done

    def _part_setter(self, path: Path) -> _Way:
        def way(_connection: sa.Connection, _discrepancy: Discrepancy) -> str:
            self._set_aside(path)
            return "set_aside"

        return way

    def _set_aside_object(self, connection: sa.Connection, discrepancy: Discrepancy) -> str | None:
        shelf, _, token = discrepancy.subject.partition("/")
        try:
            path = self._spool.path(Shelf(shelf), token)
        except ValueError:
            return None  # a name that is not ours: somebody put it there
        if not _is_old(path):
            return None  # its row may be on its way
        if shelf == Shelf.ORIGINALS:
            acknowledged = connection.execute(sa.select(receipt.c.id).where(receipt.c.token == token)).first()
            row = connection.execute(sa.select(instance.c.original_kept).where(instance.c.token == token)).first()
            if (row is not None and row.original_kept) or (row is None and acknowledged is not None):
                return None
        elif _names_output(connection, token):
            return None
        self._set_aside(path)
        return "set_aside"

    def _mark_kept(self, connection: sa.Connection, discrepancy: Discrepancy) -> str | None:
        row = _row(connection, discrepancy)
        if row is None or row.claimed_by is not None:
            return None
        if row.state in _MINE and not row.original_kept and self._is_original(row):
            connection.execute(instance.update().where(instance.c.id == row.id).values(original_kept=True))
            return "original_found"
        if row.state == InstanceState.CLEAN.value and not row.output_kept and self._has_output(row):
            connection.execute(instance.update().where(instance.c.id == row.id).values(output_kept=True))
            return "output_found"
        return None

    def _send_again(self, connection: sa.Connection, discrepancy: Discrepancy) -> str | None:
        row = _row(connection, discrepancy)
        if row is None or row.state != InstanceState.DONE.value or not row.output_kept:
            return None
        states = [DeliveryState.WAITING.value, DeliveryState.FAILED.value]
        still_open = connection.execute(
            sa.select(delivery).where(delivery.c.instance_id == row.id, delivery.c.state.in_(states))
        ).all()
        if not still_open or not all(self._is_whole(one.output_token, one.output_sha256) for one in still_open):
            return None
        self._database.apply(connection, row.id, InstanceEvent.RESEND)
        return "to_be_sent"

    def _settle_or_send(self, connection: sa.Connection, discrepancy: Discrepancy) -> str | None:
        row = _row(connection, discrepancy)
        if row is None or row.state != InstanceState.CLEAN.value:
            return None
        states = connection.execute(sa.select(delivery.c.state).where(delivery.c.instance_id == row.id)).scalars().all()
        if states:
            if not _TAKEN.intersection(states):
                return None  # all cancelled: somebody decided something
            settle(self._database, connection, row.id)
            return "done" if _row(connection, discrepancy).state == InstanceState.DONE.value else None
        targets = self._targets.get(row.rule or "", ())
        if not targets or not row.output_kept or not self._has_output(row):
            return None
        priority = self._priorities.get(row.rule or "", Priority.NORMAL)
        insert_deliveries(self._database, connection, row.id, targets, stored_output(row), priority=priority)
        return "to_be_sent"

    def _has_output(self, row: Any) -> bool:
        return row.output_token is not None and self._is_whole(row.output_token, row.output_sha256)

    def _is_whole(self, token: str, sha256: str) -> bool:
        path = self._spool.path(Shelf.OUTPUTS, token)
        return self._once(path, lambda: is_intact(path, sha256))

    def _is_original(self, row: Any) -> bool:
        path = self._spool.path(Shelf.ORIGINALS, row.token)
        return self._once(path, lambda: _is_original(path, row))

    def _once(self, path: Path, is_whole: Callable[[], bool]) -> bool:
        """Ask about a file's bytes once for as long as nobody writes to it."""
        try:
            status = path.stat()
        except OSError:
            return False
        key = (path, status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self._whole:
            self._whole[key] = is_whole()
        return self._whole[key]


def _row(connection: sa.Connection, discrepancy: Discrepancy) -> Any:
    number = int(discrepancy.subject.removeprefix("instance "))
    return connection.execute(sa.select(instance).where(instance.c.id == number)).first()


def _names_output(connection: sa.Connection, token: str) -> bool:
    named = sa.or_(
        instance.c.output_token == token,
        sa.exists().where(delivery.c.instance_id == instance.c.id, delivery.c.output_token == token),
    )
    return connection.execute(sa.select(instance.c.id).where(instance.c.output_kept, named)).first() is not None


def _is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - STALE_AFTER_S
    except FileNotFoundError:
        return False


def _is_original(path: Path, row: Any) -> bool:
    """Tell whether the file of a row is here with the very bytes that were acknowledged."""
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) != row.size_bytes:
                return False
            file.seek(data_set_offset(file))
            return bool(hashlib.file_digest(file, "sha256").digest() == row.content_sha256)
    except (OSError, NotPart10Error):
        return False
