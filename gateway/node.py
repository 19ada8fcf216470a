"""The node: starts the processes, keeps them alive, drains and stops them.

    main process      receiver (pynetdicom), DICOMweb service (uvicorn), health and metrics, this supervision
    receive-N         the receiver, where several processes receive
    worker-N          the pipeline, one instance at a time
    forward-TARGET    C-STORE or STOW-RS to one target
    audit             audit messages to the repository, where there is one

Any of them, the main process included, may be killed at any moment: what is acknowledged is in the ledger, claims of
the dead are freed, and files that no row names are removed at the next start.
"""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from config.load import ConfigurationError, read_key
from gateway import frugal, log, starting
from gateway.audit_changes import note_changes
from gateway.children import Child, Children
from gateway.commitments import Commitments
from gateway.database import LedgerError
from gateway.held_limit import HeldLimit
from gateway.housekeeping import apply_retention, clean_up_after_crash
from gateway.ledger import NODE, Ledger
from gateway.migrating import open_migrated
from gateway.owed import Owed
from gateway.processes import StopFlag
from gateway.receivers import Receivers
from gateway.room import Room, Shortage, waiting_in
from gateway.sealing import SealBrokenError, Sealer
from gateway.spool import NODE_LOCK, PASSING, Spool
from gateway.studies import Studies
from gateway.tls import TlsFilesError, calling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from config.schema import GatewayConfig
    from gateway.arrivals import LedgerIntake
    from gateway.database import Database
    from gateway.dicomweb.server import StoreServer
    from gateway.receive import Receiver

_TICK_S = 0.25
_HOUSEKEEPING_EVERY_S = 10.0
_STUDIES_EVERY_S = 1.0
_DRAIN_ASSOCIATIONS = timedelta(seconds=20)
_STALE_TICK_S = 30.0
_UNWRITABLE_WAIT_S = 5.0
_MOST_WORKERS = 8
_FIXED_LISTENER = ("host", "port", "timeouts", "tls", "processes")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doors:
    """Where objects come in, and where they go from there."""

    dicom: Receiver | Receivers
    web: StoreServer | None
    intake: LedgerIntake

    def open(self) -> None:
        """Listen."""
        self.dicom.start()
        if self.web is not None:
            self.web.start(drain=_DRAIN_ASSOCIATIONS)

    def ports(self) -> dict[str, int]:
        """Return where is listened."""
        return {"dicom": self.dicom.port} | ({} if self.web is None else {"dicomweb": self.web.port})

    def admit(self, config: GatewayConfig) -> None:
        """Let callers in, and keep to limits, by new settings."""
        if isinstance(self.dicom, Receivers):
            self.dicom.admit(config)
        else:
            self.dicom.admit(config.listener, config.nodes)
        if self.web is not None:
            self.web.admit(config)
        self.intake.follow(config)

    def close(self) -> None:
        """Take no more callers, let those who are in finish, then cut them."""
        if self.web is not None:
            self.web.stop_accepting()
        self.dicom.stop_accepting()
        self.dicom.drain(_DRAIN_ASSOCIATIONS)
        if self.web is not None:
            self.web.stop()


class AlreadyRunningError(Exception):
    """Another node uses the same storage."""


class Node:
    """A whole gateway on one machine.

    Parameters
    ----------
    config
        Checked configuration.
    load
        Reads it anew, for SIGHUP.
    """

    def __init__(self, config: GatewayConfig, load: Callable[[], GatewayConfig]) -> None:
        self._config = config
        self._load = load
        self._hung_up = threading.Event()
        self._spool = Spool(config.storage.path)
        self._stop = StopFlag()
        self._owed = Owed()
        self._ticked_at = time.monotonic()

    def run(self, *, announce: Callable[[Mapping[str, int]], None]) -> None:
        """Run until SIGTERM or SIGINT; drain; return.

        Parameters
        ----------
        announce
            Called once with the ports when objects are accepted.

        Raises
        ------
        AlreadyRunningError
            Another node uses this storage.
        config.load.ConfigurationError, gateway.database.LedgerError, gateway.tls.TlsFilesError
            It cannot be started as configured.
        """
        os.umask(0o077)
        log.silence_others()
        self._stop.on_signals(signal.SIGTERM, signal.SIGINT)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._hung_up.set())
        key = read_key(self._config.secrets.key_file)
        self._spool.prepare()
        with _only_node(self._spool.root), tempfile.TemporaryDirectory(prefix="sonoveil-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            database = open_migrated(self._spool.ledger_path)
            try:
                self._run(database, key, announce, Path(folder))
            finally:
                database.close()

    def _run(self, database: Database, key: bytes, announce: Callable[[Mapping[str, int]], None], folder: Path) -> None:
        # These import prometheus_client, which looks at the folder above when it is imported.
        from gateway.arrivals import LedgerIntake, SharedIntake  # noqa: PLC0415
        from gateway.health import HealthServer  # noqa: PLC0415
        from gateway.metrics import BUILD_INFO, registry  # noqa: PLC0415
        from gateway.receive import Receiver  # noqa: PLC0415
        from gateway.reports import Reports  # noqa: PLC0415
        from gateway.self_check import SelfCheck  # noqa: PLC0415

        config = self._config
        ledger = Ledger(database, replace_duplicates=config.storage.duplicates == "replace")
        sealer = Sealer(key)
        _require_same_key(ledger, sealer)
        if not self._clear_up(database, ledger):
            return
        BUILD_INFO.labels(version("sonoveil")).set(1)
        reserve_bytes = config.storage.reserve_space
        room = Room(
            self._spool,
            reserve_bytes=reserve_bytes,
            queue_limit=config.processing.queue_limit,
            waiting=waiting_in(database),
        )
        held_limit = HeldLimit(database, self._spool, config)
        kind = SharedIntake if config.listener.processes > 1 else LedgerIntake
        intake = kind(self._spool, ledger, sealer, reserve_bytes=reserve_bytes, room=room, held_limit=held_limit)
        receiver: Receiver | Receivers
        if config.listener.processes > 1:
            receiver = Receivers(config.listener, folder)
        else:
            reports = Reports(Commitments(database))
            receiver = Receiver(config.listener, config.nodes, intake, reports, shortage=room.shortage)
        doors = _Doors(dicom=receiver, web=_web_service(config, intake), intake=intake)
        _require_usable_certificates(config)
        children = Children(database, ledger, self._wanted(config, key, receiver))
        health = HealthServer(
            host=config.metrics.host,
            port=config.metrics.port,
            registry=registry(database, self._spool),
            alive=lambda: self._alive(children, doors.web),
            ready=lambda: self._ready(database, children, room),
        )
        frugal.settle()
        doors.open()  # before there are children: a port that is taken must leave nobody behind
        self._audit(database, "start")
        self._owed.write(lambda: note_changes(database, config, actor=NODE))
        children.start_due()
        health.start()
        self_check = SelfCheck(database, self._spool)
        self_check.start()
        announce(doors.ports() | {"metrics": health.port})
        log.event("started", port=receiver.port, version=version("sonoveil"))
        try:
            self._supervise(database, children, doors, key)
        finally:
            log.event("draining")
            self_check.stop()
            doors.close()
            children.stop()
            self._owed.write(lambda: _release_claims(ledger))  # or the next start does
            self._audit(database, "stop")
            health.stop()
            log.event("stopped")

    def _clear_up(self, database: Database, ledger: Ledger) -> bool:
        """Free what an ended run claimed, and remove what it left; False when asked to stop before that was possible.

        On a full disk there is nothing else to do than to wait: an end would only be followed by the next start.
        """
        while True:
            try:
                clean_up_after_crash(database, self._spool)  # first, for it makes room
                ledger.release_claims(None)
                Commitments(database).follow(_committing(self._config))
            except (OSError, sa.exc.OperationalError) as error:
                if isinstance(error, OSError) and error.errno not in PASSING:
                    raise  # waiting would not help, and nobody would hear of it
                log.fault("ledger_unwritable", error)
            else:
                return True
            if self._stop.wait(_UNWRITABLE_WAIT_S):
                return False

    def _wanted(self, config: GatewayConfig, key: bytes, receiver: Receiver | Receivers) -> list[Child]:
        wanted = receiver.wanted(config, key) if isinstance(receiver, Receivers) else []
        for number in range(worker_count(config)):
            name = f"worker-{number}"
            settings = starting.WorkerSettings(name=name, config=config, key=key)
            wanted.append(Child(name=name, target=starting.WORKER, settings=settings))
        for target in sorted({target for rule in config.rules for target in rule.target}):
            name = f"forward-{target}"
            forwarding = starting.ForwarderSettings(name=name, target=target, config=config)
            wanted.append(Child(name=name, target=starting.FORWARDER, settings=forwarding))
        if config.audit.syslog is not None:
            settings_of_audit = starting.AuditorSettings(config=config)
            wanted.append(Child(name="audit", target=starting.AUDITOR, settings=settings_of_audit))
        return wanted

    def _reload(self, database: Database, children: Children, doors: _Doors, key: bytes) -> None:
        """Take the file's nodes, rules and profiles, all of it or nothing; open associations go on."""
        try:
            config = self._load()
            _require_usable_certificates(config)
        except ConfigurationError as error:
            log.event("reload_refused", why="configuration", count=len(error.problems))
            return
        except TlsFilesError:
            log.event("reload_refused", why="certificates")
            return
        fixed = what_needs_a_restart(self._config, config)
        if fixed:
            log.event("reload_refused", why=f"needs a restart: {', '.join(fixed)}")
            return
        try:
            doors.admit(config)
        except OSError as error:  # it cannot be handed to other processes: nothing has changed yet
            log.fault("reload_refused", error)
            return
        self._config = config
        self._owed.write(lambda: Commitments(database).follow(_committing(config)))
        children.replace(self._wanted(config, key, doors.dicom))
        self._audit(database, "reload")
        self._owed.write(lambda: note_changes(database, config, actor=NODE))
        log.event("reloaded", count=len(config.rules))

    def _supervise(self, database: Database, children: Children, doors: _Doors, key: bytes) -> None:
        from gateway.metrics import ASSOCIATIONS  # noqa: PLC0415  see _run
        from gateway.receive import Receiver  # noqa: PLC0415

        studies = Studies(database)
        housekeeping_at = studies_at = 0.0
        while not self._stop.wait(_TICK_S):
            self._ticked_at = time.monotonic()
            if isinstance(doors.dicom, Receiver):
                ASSOCIATIONS.labels("in").set(doors.dicom.associations)  # others count their own
            try:
                if self._hung_up.is_set():
                    self._hung_up.clear()
                    self._reload(database, children, doors, key)
                children.reap()
                children.start_due()
                if time.monotonic() >= studies_at:
                    studies_at = time.monotonic() + _STUDIES_EVERY_S
                    studies.sweep(self._config.completion.study_complete_trigger.total_seconds())
                if time.monotonic() >= housekeeping_at:
                    housekeeping_at = time.monotonic() + _HOUSEKEEPING_EVERY_S
                    self._owed.settle()
                    children.end_hanging()
                    apply_retention(database, self._spool, self._config.storage.retention)
            except (OSError, sa.exc.SQLAlchemyError) as error:
                # A full disk must not end the node: it goes on refusing with 0xA700 until there is space again.
                log.fault("supervision", error)

    def _alive(self, children: Children, web: StoreServer | None) -> Mapping[str, bool]:
        served = {} if web is None else {"dicomweb": web.is_alive}
        return {
            "loop": time.monotonic() - self._ticked_at < _STALE_TICK_S,
            "processes": children.alive(),
        } | served

    def _ready(self, database: Database, children: Children, room: Room) -> Mapping[str, bool]:
        shortage = _shortage(room)
        return {
            "processes": children.alive(),
            "ledger": _answers(database),
            "space": shortage is not Shortage.SPACE,
            "inodes": shortage is not Shortage.INODES,
            "queue": shortage is not Shortage.QUEUE,
            "accepting": not self._stop.is_set(),
        }

    def _audit(self, database: Database, action: str) -> None:
        def write() -> None:
            detail = {"version": version("sonoveil")}
            with database.write() as connection:
                database.append_audit(connection, actor=NODE, action=action, instance_id=None, detail=detail)

        self._owed.write(write)


def _web_service(config: GatewayConfig, intake: LedgerIntake) -> StoreServer | None:
    if config.dicomweb is None:
        return None
    from gateway.dicomweb.server import StoreServer  # noqa: PLC0415  uvicorn

    return StoreServer(config, intake)


def what_needs_a_restart(old: GatewayConfig, new: GatewayConfig) -> tuple[str, ...]:
    """Name the settings that differ and that a running node cannot change: where it listens, stores and is watched."""
    pairs = {
        **{f"listener.{name}": (getattr(old.listener, name), getattr(new.listener, name)) for name in _FIXED_LISTENER},
        "storage": (old.storage, new.storage),
        "secrets": (old.secrets, new.secrets),
        "metrics": (old.metrics, new.metrics),
        "dicomweb": (old.dicomweb, new.dicomweb),
    }
    return tuple(name for name, (before, after) in pairs.items() if before != after)


def _release_claims(ledger: Ledger) -> None:
    ledger.release_claims(None)


def _committing(config: GatewayConfig) -> frozenset[str]:
    return frozenset(name for name, node in config.nodes.items() if node.storage_commitment)


def worker_count(config: GatewayConfig) -> int:
    """Return how many worker processes to run: as configured, or one per core up to eight."""
    configured = config.processing.workers
    if isinstance(configured, int):
        return configured
    return min(len(os.sched_getaffinity(0)), _MOST_WORKERS)


def _require_same_key(ledger: Ledger, sealer: Sealer) -> None:
    """Refuse a key that is not the ledger's: every patient would silently get a second pseudonym."""
    newest = ledger.newest_seal()
    if newest is None:
        return
    token, sealed = newest
    try:
        sealer.unseal(sealed, token=token)
    except SealBrokenError:
        raise LedgerError(
            "secrets.key_file is not the key that this storage was begun with: bring that key back, or begin with an "
            "empty storage.path, where every patient gets a new pseudonym"
        ) from None


def _require_usable_certificates(config: GatewayConfig) -> None:
    """Read what nodes are called with, so that a wrong file ends the start and not a forwarder later."""
    for name in config.nodes:
        tls = config.tls_towards(name)
        if tls is not None and tls.trusted_certificates is not None:
            calling(tls)
    if config.audit.syslog is not None:
        calling(config.audit.syslog.tls)


def _shortage(room: Room) -> Shortage | None:
    try:
        return room.shortage()
    except sa.exc.SQLAlchemyError:
        return None  # told as a ledger that does not answer


def _answers(database: Database) -> bool:
    try:
        database.assert_durable()
    except (LedgerError, sa.exc.SQLAlchemyError):
        return False
    return True


class _only_node:  # noqa: N801  used like the functions of contextlib
    """Holds the storage's lock while the node runs; it goes with the process, however that ends."""

    def __init__(self, root: Path) -> None:
        self._path = root / NODE_LOCK
        self._descriptor = -1

    def __enter__(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise AlreadyRunningError("another node uses the same storage.path") from None

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
