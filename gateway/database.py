"""The ledger's database: connections, transactions, migrations, and the one way a state is written.

SQLite in WAL mode with `synchronous=FULL`: a commit that has returned is on the disk. That is asserted at every
opening, because the promise that nothing acknowledged is lost rests on it. SQL is SQLAlchemy Core throughout, so that
the same text serves another database later; what is SQLite's own stands in this file.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from gateway.audit_chain import BEFORE_THE_FIRST, row_sha256
from gateway.states import InstanceEvent, InstanceState, next_instance_state
from gateway.tables import audit, instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from alembic.config import Config

_BUSY_TIMEOUT_S = 60
_FULL = 2
_MOST_IN_ONE_STATEMENT = 500
_MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = "0006"
"""The newest migration; a test holds it to the files, so that opening a ledger needs no Alembic."""


class LedgerError(Exception):
    """The ledger cannot be used; the text says what an administrator can do."""


def _configure_connection(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by us, below, as IMMEDIATE
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_S * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once when another process wrote in between.
    with _cursor(connection) as cursor:
        cursor.execute("BEGIN IMMEDIATE")


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[sqlite3.Cursor]:
    driver: Any = connection.connection.driver_connection
    try:
        with closing(driver.cursor()) as cursor:
            yield cursor
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(None, None, error, sqlite3.Error) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A statement as the driver takes it, for `Database.cursor`.

    Parameters
    ----------
    sql
        Its text.
    names
        Its parameters, in their order.
    """

    sql: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, statement: Any, columns: Sequence[str] | None = None) -> Self:
        """Compile a statement without values of its own."""
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"), column_keys=columns)
        return cls(sql=str(compiled), names=tuple(compiled.positiontup))

    @classmethod
    def insert(cls, table: sa.Table, columns: Sequence[str]) -> Self:
        """Compile the insertion of a row with these columns."""
        return cls.of(table.insert(), columns)

    def values(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return a row's values in the order of the parameters."""
        return tuple([row[name] for name in self.names])


_AUDIT = Prepared.insert(audit, ("at", "actor", "action", "instance_id", "detail", "previous_sha256", "sha256"))
_NEWEST_AUDIT = Prepared.of(sa.select(audit.c.sha256).order_by(audit.c.id.desc()))


class Database:
    """One process's way to the ledger.

    Parameters
    ----------
    path
        The SQLite file.
    clock
        Returns seconds since 1970-01-01 UTC.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self._engine = sa.create_engine(
            f"sqlite:///{path}", connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False}
        )
        sa.event.listen(self._engine, "connect", _configure_connection)
        self._writing = self._engine.execution_options()
        sa.event.listen(self._writing, "begin", _begin_immediate)
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Database:
        """Open an existing ledger of this version.

        Raises
        ------
        LedgerError
            When there is none, or it has another version.
        """
        if not path.exists():
            raise LedgerError("there is no ledger under storage.path yet: start the node once with `sonoveil serve`")
        database = cls(path, clock=clock)
        if database.revision() != REVISION:
            database.close()
            raise LedgerError("the ledger has another version: `sonoveil serve` of this version brings it up to date")
        database.assert_durable()
        return database

    @classmethod
    def is_current(cls, path: Path) -> bool:
        """Tell whether there is a ledger of this version."""
        if not path.exists():
            return False
        database = cls(path)
        try:
            return database.revision() == REVISION
        finally:
            database.close()

    @classmethod
    def create_or_migrate(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Database:
        """Open a ledger, making it or bringing it up to this version first."""
        if cls.is_current(path):
            return cls.open(path, clock=clock)
        database = cls(path, clock=clock)
        from alembic import command  # noqa: PLC0415  half a second that commands beside the node need not pay

        config = migrations()
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        path.chmod(0o600)
        database.assert_durable()
        return database

    def revision(self) -> str | None:
        """Return the version of the ledger's tables, None where there are none."""
        with self.read() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

    def assert_durable(self) -> None:
        """Raise `LedgerError` unless a commit that returned is on the disk."""
        with self.read() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        if mode != "wal" or level != _FULL:
            raise LedgerError(
                "the file system of storage.path refuses SQLite's WAL mode with full sync; use a local disk"
            )

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection inside one transaction; committed and durable when the block ends."""
        with self._writing.begin() as connection:
            yield connection

    def cursor(self, connection: sa.Connection) -> AbstractContextManager[sqlite3.Cursor]:
        """Give the driver's cursor inside a transaction, for what is done hundreds of times a second.

        Its errors are SQLAlchemy's, without statement and values.
        """
        return _cursor(connection)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection for reading."""
        with self._reading.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Give a connection whose reads all see the ledger at one moment, without stopping writers."""
        with self._reading.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def append_audit(
        self,
        connection: sa.Connection,
        *,
        actor: str,
        action: str,
        instance_id: int | None,
        detail: Mapping[str, str | int | float | None],
    ) -> None:
        """Write who did what, in the transaction that does it, chained to the row before."""
        self.append_audits(connection, actor=actor, rows=[(action, instance_id, detail)])

    def append_audits(
        self,
        connection: sa.Connection,
        *,
        actor: str,
        rows: Sequence[tuple[str, int | None, Mapping[str, str | int | float | None]]],
    ) -> None:
        """Write several rows of who did what, in the transaction that does it.

        Each row is chained to the one before. Transactions that write come one after the other (`write` begins
        IMMEDIATE), so that no two rows follow one.

        Parameters
        ----------
        rows
            Action, instance (None where it is about none) and what else is to be said, of each.
        """
        written = []
        with self.cursor(connection) as cursor:
            newest = cursor.execute(_NEWEST_AUDIT.sql).fetchone()
            previous = BEFORE_THE_FIRST if newest is None else bytes(newest[0])
            for action, instance_id, detail in rows:
                content: dict[str, Any] = {
                    "at": float(self.clock()),
                    "actor": actor,
                    "action": action,
                    "instance_id": instance_id,
                }
                sha256 = row_sha256(previous, **content, detail=detail)
                row = {**content, "detail": json.dumps(dict(detail)), "previous_sha256": previous, "sha256": sha256}
                written.append(_AUDIT.values(row))
                previous = sha256
            cursor.executemany(_AUDIT.sql, written)

    def greatest_number(self, connection: sa.Connection, table: sa.Table) -> int:
        """Return the greatest number that a row of a table was ever given; inside `write` nobody else gives one."""
        with self.cursor(connection) as cursor:
            given = cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).fetchone()
        return 0 if given is None else int(given[0])

    def newest_audit_number(self) -> int:
        """Return the greatest number that an audit row was ever given, whether or not the row is still there."""
        with self.read() as connection:
            return self.greatest_number(connection, audit)

    def apply_to_all(
        self, connection: sa.Connection, instance_ids: Sequence[int], event: InstanceEvent, **values: Any
    ) -> None:
        """Change the states of many instances by the state table, or of none.

        Raises
        ------
        gateway.states.ImpossibleEventError
            When the event does not apply to one of them; the caller's transaction is to be given up.
        """
        for some in in_batches(instance_ids):
            current = sa.select(instance.c.state).where(instance.c.id.in_(some)).distinct()
            for state in connection.execute(current).scalars().all():
                after = next_instance_state(InstanceState(state), event)
                connection.execute(
                    instance.update()
                    .where(instance.c.id.in_(some), instance.c.state == state)
                    .values(state=after.value, changed_at=self.clock(), **values)
                )

    def apply(self, connection: sa.Connection, instance_id: int, event: InstanceEvent, **values: Any) -> InstanceState:
        """Change an instance's state by the state table and return the new one.

        Raises
        ------
        gateway.states.ImpossibleEventError
            When the event does not apply; nothing was changed.
        LookupError
            When there is no such instance.
        """
        current = connection.execute(sa.select(instance.c.state).where(instance.c.id == instance_id)).scalar()
        if current is None:
            raise LookupError("no such instance")
        state = next_instance_state(InstanceState(current), event)
        connection.execute(
            instance.update()
            .where(instance.c.id == instance_id)
            .values(state=state.value, changed_at=self.clock(), **values)
        )
        return state


def in_batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the numbers in parts that one statement may name."""
    for start in range(0, len(ids), _MOST_IN_ONE_STATEMENT):
        yield ids[start : start + _MOST_IN_ONE_STATEMENT]


def migrations() -> Config:
    """Return Alembic's configuration of the ledger's migrations."""
    from alembic.config import Config  # noqa: PLC0415  as above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
