"""The forwarder process of one target: takes what is due, sends it, writes what the target said.

One process per target and one circuit in it, so that a dead target costs nothing to the others. After a pause, and
while the target does not answer, a C-ECHO goes before any object. Where that finds nobody, nothing more is tried until
the circuit's delay has passed; where somebody answers again after a failure, one instance goes alone.
"""

from __future__ import annotations

import math
import random
import threading
import time
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import log, metrics
from gateway.commitments import ASK_AFTER_S
from gateway.confirmer import confirmer_of
from gateway.database import Database
from gateway.deliveries import ClaimedDelivery, Deliveries, Sent
from gateway.existing import ExistingCheck
from gateway.forward import OutcomeKind, Outgoing, Sender, SendOutcome, target_of
from gateway.pacing import parse_window
from gateway.processes import StopFlag, as_child, begin_child
from gateway.requestor import Failure
from gateway.retry import next_delay
from gateway.spool import Shelf, Spool, is_intact
from gateway.tables import audit
from pipeline.frames.syntaxes import EXPLICIT_LITTLE
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.schema import GatewayConfig, Send
    from gateway.dicomweb.sender import WebSender
    from gateway.starting import ForwarderSettings

_BATCH = 32
_LEASE_S = 3600.0
_IDLE_S = 0.2
_PAUSE_S = 60.0
"""A target that has taken nothing for so long is asked whether it is there before it is sent anything."""
_GROUP = 16
_GROUP_S = 0.25
"""So many answers, or those of so long, are written to the ledger together; what is lost of them is sent again."""
_STUDIES_IDLE_S = 1.0
"""The same where studies leave as a whole: all that waits for its study is then looked through each time."""


@as_child
def run_forwarder(settings: ForwarderSettings) -> None:
    """Send to one target until asked to stop; the body of a process."""
    stop = begin_child()
    spool = Spool(settings.config.storage.path)
    database = Database.open(spool.ledger_path)
    circuit = Circuit(settings.config.send, database, settings.target)
    lanes = [
        Lane(settings, spool=spool, database=database, circuit=circuit, stop=stop, number=number)
        for number in range(settings.config.nodes[settings.target].max_associations)
    ]
    threads = [threading.Thread(target=lane.run, name=f"{settings.name}-{lane.number}") for lane in lanes]
    confirmer = confirmer_of(settings.config, settings.target, database=database, stop=stop)
    if confirmer is not None:
        threads.append(threading.Thread(target=confirmer.run, name=f"{settings.name}-confirmer"))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()


class Permit(Enum):
    """What a lane may do now."""

    NOTHING = "nothing"
    PROBE = "probe"
    """See whether the target answers, and tell the circuit; no other lane does meanwhile."""
    BATCH = "batch"


_NOBODY = frozenset({Failure.UNREACHABLE, Failure.TLS, Failure.TIMEOUT})
"""A probe that ends so decides. Others, such as a rejected association, may be about C-ECHO: an object decides."""


class Circuit:
    """Whether a target is worth trying now; shared by the lanes of its forwarder.

    Parameters
    ----------
    send
        The configured delays.
    database
        Where `retry --target` leaves its trace, which closes the circuit at once.
    """

    def __init__(self, send: Send, database: Database, target: str) -> None:
        self._send = send
        self._database = database
        self._target = target
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self._reached_at = -math.inf
        self._probing = False
        self._last_audit = self._newest_audit()

    def permits(self) -> Permit:
        """Return what may be done now."""
        with self._lock:
            now = time.monotonic()
            if self._failures == 0 and now - self._reached_at < _PAUSE_S:
                return Permit.BATCH
            if self._probing:
                return Permit.NOTHING
            if self._failures and now < self._open_until and not self._asked_to_retry():
                return Permit.NOTHING
            self._probing = True
            return Permit.PROBE

    def answered(self) -> int:
        """Tell that a probe was answered; return how many instances may be tried.

        After a failure it is one, and the circuit stays open until that one has been reported.
        """
        with self._lock:
            if self._failures:
                return 1
            self._probing = False
            self._reached_at = time.monotonic()
            return _BATCH

    def report(self, *, reached: bool) -> float:
        """Tell how a try ended; return for how many seconds to leave the target alone."""
        with self._lock:
            self._probing = False
            if reached:
                self._failures = 0
                self._reached_at = time.monotonic()
                return 0.0
            self._failures += 1
            delay = next_delay(self._failures, self._send.model_copy(update={"retry_max": 0}), random.random())  # noqa: S311  jitter, no secret
            assert delay is not None
            self._open_until = time.monotonic() + delay.total_seconds()
            return delay.total_seconds()

    def unused(self) -> None:
        """Give a permitted probe back: there was nothing to send."""
        with self._lock:
            self._probing = False

    def _newest_audit(self) -> int:
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(audit.c.id))).scalar() or 0

    def _asked_to_retry(self) -> bool:
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(audit.c.id, audit.c.action).where(audit.c.id > self._last_audit).order_by(audit.c.id)
            ).all()
        if rows:
            self._last_audit = rows[-1].id
        return any(row.action in {"retry_target", "retry", "resend"} for row in rows)


def _existing_check(config: GatewayConfig, name: str) -> ExistingCheck | None:
    node = config.nodes[name]
    if not node.check_existing:
        return None
    target = target_of(node, calling_ae_title=config.calling_ae_title(name), tls=config.tls_towards(name))
    return ExistingCheck(name, target)


def _sender_of(config: GatewayConfig, target: str) -> Sender | WebSender:
    """Return what sends to a target: STOW-RS where it has a `url`, C-STORE elsewhere."""
    node, tls = config.nodes[target], config.tls_towards(target)
    if node.url is not None:
        from gateway.dicomweb.sender import WebSender  # noqa: PLC0415  httpx, which most forwarders do not need

        return WebSender(target, node, tls=tls)
    return Sender(target, node, calling_ae_title=config.calling_ae_title(target), tls=tls)


class Lane:
    """One association's worth of sending: a thread that claims, sends and records.

    Parameters
    ----------
    number
        From zero, within the target.
    """

    def __init__(
        self,
        settings: ForwarderSettings,
        *,
        spool: Spool,
        database: Database,
        circuit: Circuit,
        stop: StopFlag,
        number: int,
    ) -> None:
        self.number = number
        self._target = settings.target
        self._name = settings.name
        self._send = settings.config.send
        self._spool = spool
        self._deliveries = Deliveries(database)
        self._circuit = circuit
        self._stop = stop
        self._unsettled: dict[int, ClaimedDelivery] = {}
        self._has: list[tuple[Sent, SendOutcome | None]] = []
        self._group_since = 0.0
        config = settings.config
        self._whole_studies = config.completion.release == "study"
        self._ask_after_s = ASK_AFTER_S if config.nodes[settings.target].storage_commitment else None
        self._listed_syntaxes = config.nodes[settings.target].listed_syntaxes
        self._hours = parse_window(config.send.off_peak)
        self._existing = _existing_check(config, settings.target)
        self._sender = _sender_of(config, settings.target)

    def run(self) -> None:
        """Send until asked to stop."""
        while not self._stop.is_set():
            if not self.attempt():
                self._sender.close_if_idle()
                self._stop.wait(_STUDIES_IDLE_S if self._whole_studies else _IDLE_S)
        self._sender.close()
        if self._existing is not None:
            self._existing.close()

    def attempt(self) -> bool:
        """Do one piece of work; False when there is none, or something broke and a pause is due.

        A lane never ends by an error: its target would be without anybody while the process looks well.
        """
        try:
            if self._unsettled:  # the ledger could not be written: sent again, byte for byte, if it was sent
                self._give_back(list(self._unsettled.values()))
            return self._step()
        except Exception as error:  # noqa: BLE001  a busy or full ledger, or a fault of ours: logged, tried again
            log.fault("forwarder_trouble", error, target=self._target)
            self._circuit.unused()
            return False

    def _step(self) -> bool:
        permit = self._circuit.permits()
        if permit is Permit.NOTHING:
            return False
        off_peak = self._hours.wait_s(datetime.now().astimezone()) == 0
        limit = _BATCH
        if permit is Permit.PROBE:
            if not self._deliveries.is_due(self._target, whole_studies=self._whole_studies, off_peak=off_peak):
                self._circuit.unused()
                return False
            limit = self._probe()
            if limit == 0:
                return False
        claimed = self._deliveries.claim(
            self._target,
            self._name,
            limit=limit,
            lease_s=_LEASE_S,
            whole_studies=self._whole_studies,
            off_peak=off_peak,
        )
        self._unsettled = {item.delivery_id: item for item in claimed}
        if not claimed:
            self._circuit.unused()
            return False
        self._send_all(claimed)
        self._unsettled = {}
        return True

    def _probe(self) -> int:
        """Ask the target for a C-ECHO; return how many instances may be tried now."""
        why = self._sender.probe()
        if why is None:
            return self._circuit.answered()
        if why not in _NOBODY:
            return 1
        delay_s = self._circuit.report(reached=False)
        metrics.DELIVERY_ATTEMPTS.labels(self._target, OutcomeKind.LATER.value).inc()
        log.event("target_down", target=self._target, why=why.value, seconds=round(delay_s, 1))
        self._deliveries.note_unreachable(self._target, why.value)
        return 0

    def _skip_existing(self, claimed: Sequence[ClaimedDelivery]) -> Sequence[ClaimedDelivery]:
        """Count as sent what the target has, though it was never sent here; return the others."""
        if self._existing is None:
            return claimed
        new = self._deliveries.never_sent(claimed)
        there = self._existing.among([item for item in claimed if item.delivery_id in new])
        if not there:
            return claimed
        self._circuit.report(reached=True)
        for item in claimed:
            if item.delivery_id in new and item.sop_instance_uid in there:
                metrics.DELIVERY_ATTEMPTS.labels(self._target, OutcomeKind.ALREADY_THERE.value).inc()
                self._has.append((Sent(claimed=item, status=None, why=OutcomeKind.ALREADY_THERE.value), None))
        existing = {sent.claimed.delivery_id for sent, _ in self._has}
        self._write_sent()
        return [item for item in claimed if item.delivery_id not in existing]

    def _send_all(self, claimed: Sequence[ClaimedDelivery]) -> None:
        outgoing, by_token = [], {}
        for item in self._skip_existing(claimed):
            path = self._spool.path(Shelf.OUTPUTS, item.token)
            if not is_intact(path, item.sha256):
                self._fail(item, status=None, why="output_missing_or_altered")
                continue
            if self._listed_syntaxes and item.transfer_syntax_uid not in self._listed_syntaxes:
                self._other_syntax(item)
                continue
            by_token[item.token] = item
            outgoing.append(
                Outgoing(
                    path=path,
                    sop_class_uid=item.sop_class_uid,
                    sop_instance_uid=item.sop_instance_uid,
                    transfer_syntax_uid=item.transfer_syntax_uid,
                    token=item.token,
                )
            )
        if not outgoing:
            self._circuit.unused()
            return
        self._record_all(outgoing, by_token)

    def _record_all(self, outgoing: list[Outgoing], by_token: dict[str, ClaimedDelivery]) -> None:
        metrics.ASSOCIATIONS.labels("out").inc()
        try:
            for outcome in self._sender.send(outgoing):
                if outcome.why is Failure.NOT_TRIED:
                    self._circuit.report(reached=False)
                    break
                if not self._record(by_token.pop(outcome.token), outcome):
                    break  # the rest would fail in the same way
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours with the object in hand: it waits, the others go on
            self._broken(by_token.pop(next(iter(by_token))), error)
        finally:
            metrics.ASSOCIATIONS.labels("out").dec()
            try:
                self._write_sent()
            finally:
                self._give_back(list(by_token.values()))

    def _give_back(self, items: Sequence[ClaimedDelivery]) -> None:
        self._deliveries.give_back(items)
        for item in items:
            del self._unsettled[item.delivery_id]

    def _broken(self, item: ClaimedDelivery, error: Exception) -> None:
        log.fault("internal_error", error, target=self._target, instance=item.instance_id)
        self._circuit.unused()
        self._sender.close()
        delay_s = self._send.max_retry_delay.total_seconds()
        self._deliveries.record_later(item, delay_s=delay_s, status=None, why=Reason.INTERNAL_ERROR.value)

    def _record(self, item: ClaimedDelivery, outcome: SendOutcome) -> bool:
        """Write what became of one instance; False when the target cannot be talked to."""
        unreachable = outcome.is_target_down
        delay_s = self._circuit.report(reached=not unreachable)
        metrics.DELIVERY_ATTEMPTS.labels(self._target, outcome.kind.value).inc()
        match outcome.kind:
            case OutcomeKind.LATER:
                self._later(item, outcome, delay_s)
            case OutcomeKind.REFUSED:
                self._fail(item, status=outcome.status, why="refused_by_target")
            case OutcomeKind.SYNTAX_NOT_ACCEPTED:
                self._other_syntax(item)
            case _:
                self._sent(item, outcome)
                return True
        del self._unsettled[item.delivery_id]
        return not unreachable

    def _sent(self, item: ClaimedDelivery, outcome: SendOutcome) -> None:
        """Remember that the target has it, to be written together with others."""
        now = time.monotonic()
        if not self._has:
            self._group_since = now
        self._has.append((Sent(claimed=item, status=outcome.status or 0), outcome))
        if len(self._has) >= _GROUP or now - self._group_since >= _GROUP_S:
            self._write_sent()

    def _write_sent(self) -> None:
        has, self._has = self._has, []
        if not has:
            return
        self._deliveries.record_all_sent([sent for sent, _ in has], ask_after_s=self._ask_after_s)
        for sent, outcome in has:
            item, sent_bytes = sent.claimed, 0 if outcome is None else outcome.sent_bytes
            metrics.INSTANCES.labels("forward", "sent").inc()
            metrics.SENT_BYTES.labels(self._target).inc(sent_bytes)
            log.event(
                "sent",
                target=self._target,
                instance=item.instance_id,
                status=sent.status,
                why=sent.why,
                bytes=sent_bytes,
            )
            del self._unsettled[item.delivery_id]

    def _later(self, item: ClaimedDelivery, outcome: SendOutcome, circuit_delay_s: float) -> None:
        delay = next_delay(item.attempts + 1, self._send, random.random())  # noqa: S311  jitter, no secret
        if delay is None:
            self._fail(item, status=outcome.status, why="retries_exhausted")
            return
        delay_s = circuit_delay_s or delay.total_seconds()
        why = outcome.why.value if outcome.why else "later"
        self._deliveries.record_later(item, delay_s=delay_s, status=outcome.status, why=why)
        log.event(
            "delivery_later",
            target=self._target,
            instance=item.instance_id,
            attempt=item.attempts + 1,
            status=outcome.status,
            why=why,
            seconds=round(delay_s, 1),
        )

    def _other_syntax(self, item: ClaimedDelivery) -> None:
        """Ask for a conversion once; refused in a syntax that the target is said to take, it is refused for good."""
        if item.transfer_syntax_uid in (self._listed_syntaxes or (EXPLICIT_LITTLE,)):
            self._fail(item, status=None, why=Reason.NOT_ACCEPTED_BY_TARGET.value)
            return
        self._deliveries.want_conversion(item)
        log.event("conversion_wanted", target=self._target, instance=item.instance_id, syntax=item.transfer_syntax_uid)

    def _fail(self, item: ClaimedDelivery, *, status: int | None, why: str) -> None:
        self._deliveries.record_failed(item, status=status, why=why)
        metrics.INSTANCES.labels("forward", "failed").inc()
        unaccepted = why == Reason.NOT_ACCEPTED_BY_TARGET.value
        metrics.HELD.labels((Reason.NOT_ACCEPTED_BY_TARGET if unaccepted else Reason.DELIVERY_FAILED).value).inc()
        log.event("delivery_failed", target=self._target, instance=item.instance_id, status=status, why=why)
