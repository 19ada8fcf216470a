"""The thread of a forwarder that asks its target to commit to keep what it was sent (PS3.4 Annex J).

The answer comes on the same association, which is kept open for a moment, or later on one that the target opens to our
listener. Either is matched by Transaction UID in the ledger, so that nothing here has to be remembered.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from gateway import log, metrics
from gateway.asking import WANTED, AskingConnection
from gateway.commitment import action_information
from gateway.commitments import Commitments
from gateway.forward import target_of
from gateway.reports import Reports
from gateway.requestor import Lost
from gateway.retry import next_delay
from gateway.statuses import Answer, answer_of

if TYPE_CHECKING:
    from config.schema import GatewayConfig, Send
    from gateway.commitment import ReportTaker
    from gateway.commitments import Request
    from gateway.database import Database
    from gateway.processes import StopFlag
    from gateway.requestor import Target

_IDLE_S = 0.2
_KEPT_OPEN_S = 10.0
"""So long after the last request a target may answer on the same association."""

_REFUSED = "refused"
_TAKEN = "taken"
_NO_CONTEXT = "not_supported"


class Confirmer:
    """Asks one target.

    Parameters
    ----------
    name
        The target's configured name.
    target
        Whom to call.
    timeout_s
        `commitment_timeout`.
    send
        The delays after a request that did not come through.
    commitments, reports
        Where requests and answers are written.
    """

    def __init__(
        self,
        *,
        name: str,
        target: Target,
        timeout_s: float,
        send: Send,
        commitments: Commitments,
        reports: ReportTaker,
        stop: StopFlag,
    ) -> None:
        self._name = name
        self._target = target
        self._timeout_s = timeout_s
        self._send = send.model_copy(update={"retry_max": 0})
        self._commitments = commitments
        self._reports = reports
        self._stop = stop
        self._connection: AskingConnection | None = None
        self._asked_at = 0.0
        self._failures = 0
        self._not_before = 0.0

    def run(self) -> None:
        """Ask until told to stop."""
        while not self._stop.is_set():
            if not self.attempt():
                self._stop.wait(_IDLE_S)
        self._close()

    def attempt(self) -> bool:
        """Send one request; False when there was nothing to ask, or it did not come through.

        The thread never ends by an error: nothing would be confirmed any more while the process looks well.
        """
        try:
            self._close_if_over()
            return self._ask_next()
        except Exception as error:  # noqa: BLE001  a busy or full ledger, or a fault of ours: logged, tried again
            log.fault("confirmer_trouble", error, target=self._name)
            self._back_off()
            return False

    def _ask_next(self) -> bool:
        if time.monotonic() < self._not_before:
            return False
        request = self._commitments.next_request(self._name, timeout_s=self._timeout_s)
        if request is None:
            return False
        if request.unanswered:
            metrics.INSTANCES.labels("commitment", "unanswered").inc(request.unanswered)
            log.event("commitment_unanswered", target=self._name, count=request.unanswered)
        outcome = self._asked(request)
        metrics.COMMITMENT_REQUESTS.labels(self._name, outcome).inc()
        if outcome != _TAKEN:
            log.event("commitment_later", target=self._name, why=outcome, count=len(request.references))
            self._back_off()
            return False
        self._failures = 0
        log.event("commitment_asked", target=self._name, count=len(request.references))
        return True

    def _asked(self, request: Request) -> str:
        """Send a request; return `taken`, or why it was not."""
        try:
            connection = self._connected()
        except Lost as lost:
            self._commitments.record_not_asked(request, maybe=False)
            return lost.why.value
        if not connection.accepts(WANTED):
            self._close()
            self._commitments.record_not_asked(request, maybe=False)
            return _NO_CONTEXT
        information = action_information(request.transaction_uid, request.references)
        try:
            status = connection.ask(information)
        except Lost as lost:
            self._close()
            self._commitments.record_not_asked(request, maybe=True)
            return lost.why.value
        if answer_of(status) not in {Answer.SENT, Answer.SENT_WITH_WARNING}:
            log.event("commitment_refused", target=self._name, status=status)
            self._commitments.record_not_asked(request, maybe=False)
            return _REFUSED
        self._asked_at = time.monotonic()
        self._commitments.record_asked(request)
        return _TAKEN

    def _connected(self) -> AskingConnection:
        if self._connection is not None and not self._connection.is_open:
            self._close()
        if self._connection is None:
            self._connection = AskingConnection.open(self._target, [WANTED])
            self._connection.listen(self._name, self._reports)
        return self._connection

    def _close_if_over(self) -> None:
        if self._connection is None:
            return
        if not self._connection.is_open or time.monotonic() - self._asked_at >= _KEPT_OPEN_S:
            self._close()

    def _back_off(self) -> None:
        self._failures += 1
        delay = next_delay(self._failures, self._send, random.random())  # noqa: S311  jitter, no secret
        assert delay is not None
        self._not_before = time.monotonic() + delay.total_seconds()

    def _close(self) -> None:
        current, self._connection = self._connection, None
        if current is not None:
            current.close()


def confirmer_of(config: GatewayConfig, target: str, *, database: Database, stop: StopFlag) -> Confirmer | None:
    """Return the confirmer of a target, None where it is not asked for storage commitment."""
    node = config.nodes[target]
    commitments = Commitments(database)
    commitments.begin(target, asked=node.storage_commitment)
    if not node.storage_commitment:
        return None
    return Confirmer(
        name=target,
        target=target_of(node, calling_ae_title=config.calling_ae_title(target), tls=config.tls_towards(target)),
        timeout_s=node.commitment_timeout.total_seconds(),
        send=config.send,
        commitments=commitments,
        reports=Reports(commitments),
        stop=stop,
    )
