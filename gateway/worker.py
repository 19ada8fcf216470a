"""The worker process: claims an instance, asks the rules, calls the pipeline, records the outcome.

It records every outcome. What the pipeline holds is held with its reason; what nobody expected is held as
`internal_error`; what takes the process down is counted by the ledger and held as `worker_crashed` in the end.
"""

from __future__ import annotations

import errno
import hashlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import log, metrics
from gateway.crops import Crops
from gateway.database import Database
from gateway.deliveries import ClaimedDelivery, Deliveries
from gateway.entries import Claim, Output, Route
from gateway.headers import read_header, text, values
from gateway.ledger import Ledger
from gateway.objections import WITHDRAWN_NOTE
from gateway.priority import Priority
from gateway.processes import as_child, begin_child
from gateway.rules import Facts, choose, choose_late
from gateway.sealing import Sealer
from gateway.spool import PASSING, Shelf, Spool, is_intact, new_token
from gateway.studies import Studies
from gateway.subjects import Subjects
from gateway.watched_models import open_watched
from pipeline import convert, report, sidecar
from pipeline.deidentify import Deidentifier
from pipeline.frames.syntaxes import EXPLICIT_LITTLE
from pipeline.header.identity import patient_domain_of
from pipeline.reasons import Held, Reason, TryLater
from pipeline.records import ReceivedInstance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pydicom

    from config.schema import Rule
    from gateway.starting import WorkerSettings
    from pipeline.records import DeidentifiedInstance

_LEASE_S = 900.0
"""Longer than any object should take; a worker that holds one beyond it is ended by the node."""
_IDLE_S = 0.1
_DISK_FULL_WAIT_S = 5.0
_WORKERS_LEAVE = 0.5
"""Share of `storage.reserve_space` below which nothing more is made: the ledger must be able to record what is sent,
or nothing would ever be sent and deleted again."""


@as_child
def run_worker(settings: WorkerSettings) -> None:
    """Process instances until asked to stop; the body of a process."""
    stop = begin_child()
    spool = Spool(settings.config.storage.path)
    spool.clear_unfinished(settings.name)
    database = Database.open(spool.ledger_path)
    worker = Worker(settings, spool=spool, database=database)
    while not stop.is_set():
        if not worker.step():
            stop.wait(_IDLE_S)
    database.close()


class Worker:
    """One worker.

    Parameters
    ----------
    settings
        Name, configuration and key.
    spool, database
        Of the node.
    """

    def __init__(self, settings: WorkerSettings, *, spool: Spool, database: Database) -> None:
        self._name = settings.name
        self._config = settings.config
        self._key = settings.key
        self._spool = spool
        self._database = database
        self._ledger = Ledger(database, replace_duplicates=settings.config.storage.duplicates == "replace")
        self._deliveries = Deliveries(database)
        self._studies = Studies(database)
        self._sealer = Sealer(settings.key)
        self._subjects = Subjects.of(settings.config, self._sealer)
        self._de_identifying_rules = [rule.name for rule in settings.config.rules if rule.action is None]
        self._deidentifiers: dict[tuple[str, str], Deidentifier] = {}
        self._unsettled: Claim | None = None

    def step(self) -> bool:
        """Do one piece of work; False when there is none, or the ledger cannot be used now."""
        try:
            return self._step()
        except sa.exc.SQLAlchemyError as error:  # its disk is full, or it is busy beyond its timeout: nobody's fault
            log.fault("worker_ledger", error)
            time.sleep(_DISK_FULL_WAIT_S)
            return False

    def _step(self) -> bool:
        if self._unsettled is not None:
            self._ledger.give_back(self._unsettled, self._name)
            self._unsettled = None
        if self._spool.free_bytes() < self._config.storage.reserve_space * _WORKERS_LEAVE:
            log.event("disk_reserve_reached", process=self._name)
            time.sleep(_DISK_FULL_WAIT_S)
            return False
        claim = self._ledger.claim(self._name, lease_s=_LEASE_S, max_attempts=self._config.processing.attempts)
        if claim is not None:
            self._process(claim)
            return True
        conversion = self._deliveries.claim_conversion(self._name, targets=tuple(self._config.nodes), lease_s=_LEASE_S)
        if conversion is not None:
            self._convert(conversion)
            return True
        return False

    def _process(self, claim: Claim) -> None:
        begun = time.perf_counter()
        token = new_token()
        unfinished = self._spool.unfinished(token, self._name)
        self._unsettled = claim  # until the ledger has an outcome
        try:
            self._decide(claim, token)
        except (TryLater, sa.exc.SQLAlchemyError) as error:
            log.fault("worker_gives_back", error, instance=claim.instance_id)
            self._ledger.give_back(claim, self._name)
            time.sleep(_DISK_FULL_WAIT_S)
        except OSError as error:
            self._os_error(claim, error)
        except Exception as error:  # noqa: BLE001  anything else is a fault of ours: recorded, and the object waits
            log.fault("internal_error", error, instance=claim.instance_id)
            self._hold(claim, None, Held(Reason.INTERNAL_ERROR, f"unexpected {type(error).__name__}"), token)
        finally:
            unfinished.unlink(missing_ok=True)
        self._unsettled = None
        metrics.STAGE_SECONDS.labels("pipeline").observe(time.perf_counter() - begun)

    def _decide(self, claim: Claim, token: str) -> None:
        route: Route | None = None
        try:
            source = self._spool.path(Shelf.ORIGINALS, claim.token)
            route, rule = self._route(claim, source)
            self._act(claim, route, rule, source, token)
        except Held as held:
            self._hold(claim, route, held, token)
        except MemoryError:
            too_large = Held(Reason.RESOURCE_LIMIT, "processing needs more memory than there is")
            self._hold(claim, route, too_large, token)

    def _route(self, claim: Claim, source: Path) -> tuple[Route, Rule]:
        if not claim.readable:
            raise Held(Reason.UNREADABLE, "the bytes received are no DICOM data set, or end too early")
        header = read_header(source)
        self._hold_withdrawn(claim, header)
        facts = Facts(
            node=claim.node,
            calling_aet=claim.calling_aet,
            called_aet=claim.called_aet,
            attribute=lambda keyword: values(header, keyword),
        )
        first = self._studies.first_rule(
            claim.study_index, received_at=claim.received_at, names=self._de_identifying_rules
        )
        rules = self._config.rules
        rule = choose(rules, facts) if first is None else choose_late(rules, facts, first=first)
        return Route(
            rule=rule.name, project=rule.project, profile=rule.profile, targets=rule.target, priority=Priority.of(rule)
        ), rule

    def _hold_withdrawn(self, claim: Claim, header: pydicom.Dataset) -> None:
        node = self._config.nodes.get(claim.node)
        domain = patient_domain_of(
            node.patient_domain if node is not None else None, text(header, "IssuerOfPatientID"), claim.node
        )
        indexes = self._subjects.withdrawals(
            patient_id=text(header, "PatientID"), domain=domain, study_uid=text(header, "StudyInstanceUID")
        )
        if self._ledger.is_withdrawn(indexes):
            raise Held(Reason.WITHDRAWN, WITHDRAWN_NOTE)

    def _act(self, claim: Claim, route: Route, rule: Rule, source: Path, token: str) -> None:
        if rule.action == "hold":
            raise Held(Reason.NO_RULE, f"rule {rule.name} holds what no other rule takes")
        if rule.action == "refuse":
            if self._ledger.record_refused(claim, self._name, route):
                self._count("refused", claim, route)
            return
        node = self._config.nodes.get(claim.node)
        received = ReceivedInstance(
            path=source,
            patient_domain=node.patient_domain if node is not None else None,
            node_name=claim.node,
            size_bytes=claim.size_bytes,
        )
        crops = Crops(self._database, self._sealer, project=rule.project)
        result = self._deidentifier(rule).run(received, self._spool.unfinished(token, self._name), crops=crops)
        with self._stored(claim, rule, token, result) as output:
            recorded = self._ledger.record_clean(claim, self._name, route, output)
        if not recorded:
            self._discard(claim, output)
            return
        metrics.FRAMES.inc(result.findings.frames)
        for finding in result.findings.text:
            metrics.TEXT_REGIONS.labels(finding.place.value).inc()
        self._count("clean", claim, route)

    def _discard(self, claim: Claim, output: Output) -> None:
        """Remove what was made of an instance that was superseded or withdrawn meanwhile: nobody names it."""
        self._spool.remove(Shelf.OUTPUTS, output.token)
        if self._ledger.was_withdrawn(claim):  # of a superseded one, the rows may be its successor's by now
            sidecar.forget(self._spool.sidecar, output.study_instance_uid, frozenset({output.sop_instance_uid}))

    @contextmanager
    def _stored(self, claim: Claim, rule: Rule, token: str, result: DeidentifiedInstance) -> Iterator[Output]:
        """Make sidecar and output durable and give what the ledger is to keep; the output goes if it cannot keep it."""
        assert rule.profile is not None
        sidecar.store(
            result,
            folder=self._spool.sidecar,
            filename=f"{result.sop_instance_uid}.dcm",
            rules=self._config.profiles[rule.profile].sidecar,
            identities=self._deidentifier(rule).identities,
            replace=True,  # an earlier run of the same instance may have left rows
        )
        output = Output(
            token=token,
            sha256=result.sha256,
            size_bytes=result.size_bytes,
            transfer_syntax_uid=result.transfer_syntax_uid,
            sop_instance_uid=result.sop_instance_uid,
            series_instance_uid=result.series_instance_uid,
            study_instance_uid=result.study_instance_uid,
            pseudonym=result.patient_id,
            profile_sha256=result.profile_sha256,
            record=report.record(result),
            identity=self._subjects.identity(result.crosswalk, token=claim.token),
        )
        try:
            self._spool.place(result.path, Shelf.OUTPUTS, token)
            yield output
        except (OSError, sa.exc.SQLAlchemyError):
            # A commit may report an error and still stand: a file too many is removed at start-up, one too few is lost.
            if not self._ledger.names_output(token):
                self._spool.remove(Shelf.OUTPUTS, token)
            raise

    def _hold(self, claim: Claim, route: Route | None, held: Held, token: str) -> None:
        if held.result is None or route is None:
            recorded = self._record_held(claim, route, held, None)
        else:
            rule = next(rule for rule in self._config.rules if rule.name == route.rule)
            with self._stored(claim, rule, token, held.result) as output:
                recorded = self._record_held(claim, route, held, output)
            if not recorded:
                self._discard(claim, output)
        if recorded:
            metrics.HELD.labels(held.reason.value).inc()
            self._count("held", claim, route, reason=held.reason.value)

    def _record_held(self, claim: Claim, route: Route | None, held: Held, output: Output | None) -> bool:
        return self._ledger.record_held(claim, self._name, route, reason=held.reason, note=held.note, output=output)

    def _os_error(self, claim: Claim, error: OSError) -> None:
        log.fault("worker_disk", error, instance=claim.instance_id)
        if error.errno in PASSING:
            self._ledger.give_back(claim, self._name)
            time.sleep(_DISK_FULL_WAIT_S)
            return
        note = f"the disk answered {errno.errorcode.get(error.errno or 0, '?')}"
        self._record_held(claim, None, Held(Reason.INTERNAL_ERROR, note), None)

    def _deidentifier(self, rule: Rule) -> Deidentifier:
        assert rule.profile is not None
        assert rule.project is not None
        wanted = (rule.profile, rule.project)
        if wanted not in self._deidentifiers:
            self._deidentifiers[wanted] = Deidentifier(
                profile=self._config.profiles[rule.profile],
                key=self._key,
                project=rule.project,
                models_config=self._config.models,
                opener=open_watched,
            )
        return self._deidentifiers[wanted]

    def _convert(self, wanted: ClaimedDelivery) -> None:
        source = self._spool.path(Shelf.OUTPUTS, wanted.token)
        token = new_token()
        unfinished = self._spool.unfinished(token, self._name)
        try:
            _require_intact(source, wanted.sha256)
            syntax_uid = convert.convert_losslessly(source, unfinished, self._accepted_by(wanted.target))
            with unfinished.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            self._spool.place(unfinished, Shelf.OUTPUTS, token)
        except Held as held:
            self._not_converted(wanted, held.reason.value)
        except OSError as error:
            if error.errno not in PASSING:
                self._not_converted(wanted, type(error).__name__)
                return
            log.fault("worker_disk", error, target=wanted.target, instance=wanted.instance_id)
            self._deliveries.give_back([wanted])
            time.sleep(_DISK_FULL_WAIT_S)
        except Exception as error:  # noqa: BLE001  a fault of ours: recorded, else every worker would end on it in turn
            log.fault("internal_error", error, target=wanted.target, instance=wanted.instance_id)
            self._not_converted(wanted, Reason.INTERNAL_ERROR.value)
        else:
            self._converted(wanted, token, sha256, syntax_uid)
        finally:
            unfinished.unlink(missing_ok=True)

    def _not_converted(self, wanted: ClaimedDelivery, why: str) -> None:
        log.event("conversion_failed", target=wanted.target, instance=wanted.instance_id, reason=why)
        self._deliveries.record_failed(wanted, status=None, why=Reason.NOT_ACCEPTED_BY_TARGET.value)
        metrics.HELD.labels(Reason.NOT_ACCEPTED_BY_TARGET.value).inc()

    def _accepted_by(self, target: str) -> tuple[str, ...]:
        """Return the syntaxes that a target takes; where nobody listed them, the one that every peer knows."""
        node = self._config.nodes[target]
        return node.listed_syntaxes or (EXPLICIT_LITTLE,)

    def _converted(self, wanted: ClaimedDelivery, token: str, sha256: str, syntax_uid: str) -> None:
        if not self._deliveries.record_converted(wanted, token=token, sha256=sha256, transfer_syntax_uid=syntax_uid):
            self._spool.remove(Shelf.OUTPUTS, token)

    def _count(self, outcome: str, claim: Claim, route: Route | None, *, reason: str | None = None) -> None:
        metrics.INSTANCES.labels("pipeline", outcome).inc()
        log.event(
            "processed",
            instance=claim.instance_id,
            outcome=outcome,
            reason=reason,
            rule=route.rule if route else None,
            attempt=claim.attempt,
        )


def _require_intact(path: Path, sha256: str) -> None:
    if not is_intact(path, sha256):
        raise Held(Reason.VERIFICATION_FAILED, "the output is missing or was altered")
