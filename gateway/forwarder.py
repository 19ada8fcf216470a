"""The forwarder process of one target: takes what is due, sends it, writes what the target said.

One process per target and one circuit in it, so that a dead target costs nothing to the others. When the target
cannot be reached, nothing more is tried until the circuit's delay has passed; then one instance is the probe.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import log, metrics
from gateway.commitments import ASK_AFTER_S
from gateway.confirmer import confirmer_of
from gateway.database import Database
from gateway.deliveries import ClaimedDelivery, Deliveries
from gateway.forward import OutcomeKind, Outgoing, Sender, SendOutcome
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

_BATCH = 32
_LEASE_S = 3600.0
_IDLE_S = 0.2
_STUDIES_IDLE_S = 1.0
"""The same where studies leave as a whole: all that waits for its study is then looked through each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwarderSettings:
    """What a forwarder process is started with."""

    name: str
    target: str
    config: GatewayConfig


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
        self._probing = False
        self._last_audit = self._newest_audit()

    def permits(self) -> int:
        """Return how many instances may be tried now: none, one as a probe, or a batch."""
        with self._lock:
            if self._failures == 0:
                return _BATCH
            if self._probing:
                return 0
            if time.monotonic() < self._open_until and not self._asked_to_retry():
                return 0
            self._probing = True
            return 1

    def report(self, *, reached: bool) -> float:
        """Tell how a try ended; return for how many seconds to leave the target alone."""
        with self._lock:
            self._probing = False
            if reached:
                self._failures = 0
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
        config = settings.config
        self._whole_studies = config.completion.release == "study"
        self._ask_after_s = ASK_AFTER_S if config.nodes[settings.target].storage_commitment else None
        self._listed_syntaxes = config.nodes[settings.target].listed_syntaxes
        self._sender = _sender_of(config, settings.target)

    def run(self) -> None:
        """Send until asked to stop."""
        while not self._stop.is_set():
            if not self.attempt():
                self._sender.close_if_idle()
                self._stop.wait(_STUDIES_IDLE_S if self._whole_studies else _IDLE_S)
        self._sender.close()

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
        permitted = self._circuit.permits()
        if permitted == 0:
            return False
        claimed = self._deliveries.claim(
            self._target, self._name, limit=permitted, lease_s=_LEASE_S, whole_studies=self._whole_studies
        )
        self._unsettled = {item.delivery_id: item for item in claimed}
        if not claimed:
            self._circuit.unused()
            return False
        self._send_all(claimed)
        self._unsettled = {}
        return True

    def _send_all(self, claimed: Sequence[ClaimedDelivery]) -> None:
        outgoing, by_token = [], {}
        for item in claimed:
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
                item = by_token.pop(outcome.token)
                is_reached = self._record(item, outcome)
                del self._unsettled[item.delivery_id]
                if not is_reached:
                    break  # the rest would fail in the same way
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours with the object in hand: it waits, the others go on
            self._broken(by_token.pop(next(iter(by_token))), error)
        finally:
            metrics.ASSOCIATIONS.labels("out").dec()
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
            case OutcomeKind.SENT | OutcomeKind.SENT_WITH_WARNING:
                self._sent(item, outcome)
            case OutcomeKind.LATER:
                self._later(item, outcome, delay_s)
            case OutcomeKind.REFUSED:
                self._fail(item, status=outcome.status, why="refused_by_target")
            case OutcomeKind.SYNTAX_NOT_ACCEPTED:
                self._other_syntax(item)
        return not unreachable

    def _sent(self, item: ClaimedDelivery, outcome: SendOutcome) -> None:
        self._deliveries.record_sent(item, status=outcome.status or 0, ask_after_s=self._ask_after_s)
        metrics.INSTANCES.labels("forward", "sent").inc()
        metrics.SENT_BYTES.labels(self._target).inc(outcome.sent_bytes)
        log.event(
            "sent", target=self._target, instance=item.instance_id, status=outcome.status, bytes=outcome.sent_bytes
        )

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
