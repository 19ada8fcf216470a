"""The process `audit`: sends every audit row to the audit repository, in order, again until it was taken."""

from __future__ import annotations

import socket
from itertools import islice
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import log
from gateway.audit_messages import Messages
from gateway.audit_syslog import NotTakenError, Repository
from gateway.database import Database
from gateway.processes import StopFlag, as_child, begin_child
from gateway.spool import Spool
from gateway.tables import audit, audit_exported

if TYPE_CHECKING:
    from config.schema import GatewayConfig
    from gateway.starting import AuditorSettings

_AT_ONCE = 100
_MOST_OVER_A_CONNECTION = 1000
"""Rows, then it is ended in good order: as many are sent again at most when one breaks."""
_LOOK_EVERY_S = 1.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0


class Auditor:
    """Sends rows to one repository.

    Parameters
    ----------
    database
        The ledger, which also keeps how far it has come.
    config
        With `audit.syslog`.
    repository
        Takes messages.
    """

    def __init__(self, database: Database, config: GatewayConfig, repository: Repository) -> None:
        assert config.audit.syslog is not None
        self._database = database
        self._repository = repository
        self._messages = Messages(config, hostname=socket.gethostname())
        self._before_connection: int | None = None
        """What was taken before the connection that is open; None: none is, or nothing was sent over it."""
        self._over_connection = 0
        self._must_go_back = False
        self._destination = f"{config.audit.syslog.host}:{config.audit.syslog.port}"

    def send_some(self) -> int:
        """Send the next rows and write down that they were taken; return how many, 0 when there are none.

        Raises
        ------
        gateway.audit_syslog.NotTakenError
            They are sent again by the next call.
        """
        self._go_back()
        last = self.last_taken()
        messages = list(islice(self._messages.after(self._database, last), _AT_ONCE))
        try:
            if not messages:
                self._repository.notice()
                return 0
            self._repository.send(messages)
        except NotTakenError:
            self._must_go_back = self._before_connection is not None
            self._go_back()
            raise
        self._keep(messages[-1].row_id)
        if self._before_connection is None:
            self._before_connection = last
        self._over_connection += len(messages)
        if self._over_connection >= _MOST_OVER_A_CONNECTION:
            self._repository.close()
            self._before_connection, self._over_connection = None, 0
        return len(messages)

    def _go_back(self) -> None:
        """Count as not taken what went over a connection that broke, or at the next call where it cannot be kept."""
        if self._must_go_back and self._before_connection is not None:
            self._keep(self._before_connection)
            self._must_go_back, self._before_connection, self._over_connection = False, None, 0

    def last_taken(self) -> int:
        """Return the number of the last row that was taken, 0 where none was."""
        with self._database.read() as connection:
            mine = audit_exported.c.destination == self._destination
            return connection.execute(sa.select(audit_exported.c.last_id).where(mine)).scalar() or 0

    def oldest_unsent_s(self) -> float:
        """Return the age of the oldest row that was not taken, 0 where all were."""
        with self._database.read() as connection:
            at = connection.execute(
                sa.select(sa.func.min(audit.c.at)).where(audit.c.id == self.last_taken() + 1)
            ).scalar()
        return 0.0 if at is None else max(0.0, self._database.clock() - at)

    def _keep(self, row_id: int) -> None:
        mine = audit_exported.c.destination == self._destination
        with self._database.write() as connection:
            if not connection.execute(audit_exported.update().where(mine).values(last_id=row_id)).rowcount:
                connection.execute(audit_exported.insert().values(destination=self._destination, last_id=row_id))


@as_child
def run_auditor(settings: AuditorSettings) -> None:
    """Send until asked to stop; what is left then, the next start sends."""
    stop = begin_child()
    syslog = settings.config.audit.syslog
    assert syslog is not None
    database = Database.open(Spool(settings.config.storage.path).ledger_path)
    repository = Repository(syslog, hostname=socket.gethostname())
    try:
        _run(Auditor(database, settings.config, repository), stop)
    finally:
        repository.close()
        database.close()


def _run(auditor: Auditor, stop: StopFlag) -> None:
    from gateway.metrics import AUDIT_OLDEST_UNSENT  # noqa: PLC0415  reads its folder's name when it is imported

    wait_s, failed = _LOOK_EVERY_S, 0
    while not stop.wait(wait_s):
        wait_s = _LOOK_EVERY_S
        try:
            while auditor.send_some():
                pass
            if failed:
                log.event("audit_taken_again")
            failed = 0
        except NotTakenError as error:
            failed += 1
            wait_s = min(_FIRST_WAIT_S * 2.0 ** (failed - 1), _LONGEST_WAIT_S)
            log.event("audit_later", why=error.why, attempt=failed, seconds=wait_s)
        except sa.exc.OperationalError as error:  # locked, or a full disk: nothing is lost by waiting
            log.fault("audit_later", error)
        AUDIT_OLDEST_UNSENT.set(auditor.oldest_unsent_s())
