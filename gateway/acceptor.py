"""One association that was opened to us: C-STORE streams into the intake, C-ECHO is pynetdicom's, the rest is aborted.

Beside these, a target may answer our storage commitment requests (N-EVENT-REPORT, see `commitment`).

Rule of the file: pynetdicom's `Association` and DIMSE provider as an acceptor. What an object is worth is decided in
`incoming`, who may call in `admission`, what is accepted in `negotiation`.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, cast

from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu_primitives import P_DATA

from gateway import log
from gateway.commands import (
    C_ECHO_RQ,
    C_STORE_RQ,
    N_EVENT_REPORT_RQ,
    CommandFault,
    event_report_response,
    parse_command,
)
from gateway.commitment import WELL_KNOWN_INSTANCE, IncomingReport
from gateway.direct import heading
from gateway.incoming import SUCCESS, IncomingObject
from gateway.negotiation import STORAGE_COMMITMENT, VERIFICATION
from gateway.transport import Bell, NoticedQueue, Pace, QuickProvider, TolerantStateMachine

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from pynetdicom.presentation import PresentationContext

    from gateway.admission import Caller
    from gateway.listening import StoreServer

_COMMAND, _LAST = 1, 2
_COMMAND_LAST = b"\3"
_LONGEST_COMMAND_BYTES = 1 << 16
_END_OF_THREAD_S = 10.0
_LOOK_AGAIN_FOR_END_S = 0.01
_REQUESTED = "Sta3"
_OPEN = "Sta6"
_LOOK_AGAIN_S = 1.0
_WHILE_ANSWERING_S = 0.1


class _StoreProvider(DIMSEServiceProvider):
    """Reassembles messages: a C-STORE's data set goes to the intake fragment by fragment, never into memory."""

    def __init__(self, assoc: StoreAssociation) -> None:
        super().__init__(assoc)
        self._association = assoc
        self._command = bytearray()
        self._incoming: IncomingObject | IncomingReport | None = None
        self._context_id: int | None = None
        self._pace = Pace(assoc.dimse_timeout)
        self._closed = False
        self._lock = threading.Lock()

    @property
    def is_receiving(self) -> bool:
        """Whether a message has begun and is not complete."""
        return bool(self._command) or self._incoming is not None

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the fragments of one P-DATA-TF (called in the thread that reads the socket)."""
        self.take([(context_id, memoryview(whole)) for context_id, whole in primitive.presentation_data_value_list])

    def take(self, fragments: Sequence[tuple[int, memoryview]]) -> None:
        """Take fragments by the IDs of their contexts; a C-STORE that they complete is answered before this returns."""
        try:
            for context_id, fragment in fragments:
                with self._lock:
                    complete = self._take(context_id, fragment)
                if complete is not None:  # outside the lock: a commit must not keep `close` waiting
                    self._association.answer(complete, context_id)
        except Exception as error:  # noqa: BLE001  whatever a peer can send that cannot be followed ends its association
            log.fault("message_refused", error)
            self.dul.event_queue.put("Evt19")  # unrecognised PDU: A-ABORT by the state machine (PS3.8 9.2, AA-8)

    def _take(self, context_id: int, fragment: memoryview) -> IncomingObject | None:
        """Take one fragment; return the object that is complete with it."""
        if self._closed:
            return None
        control = fragment[0]
        if self._context_id not in (None, context_id):
            raise CommandFault("a message in two presentation contexts")  # PS3.8 Annex E: all of it is in one
        self._context_id = context_id
        self._pace.take(len(fragment))
        if control & _COMMAND:
            self._command += fragment[1:]
            if self._incoming is not None or len(self._command) > _LONGEST_COMMAND_BYTES:
                raise CommandFault("command inside a data set, or without end")
            if control & _LAST:
                encoded, self._command = bytes(self._command), bytearray()
                return self._begin(context_id, encoded)
            self._association.expect_more()
            return None
        if self._incoming is None:
            raise CommandFault("data set without a command")
        begun = time.monotonic()
        self._incoming.write(fragment[1:])
        self._pace.spare(time.monotonic() - begun)
        if control & _LAST:
            complete, self._incoming = self._incoming, None
            return self._hand_over(context_id, complete)
        return None

    def _begin(self, context_id: int, encoded: bytes) -> IncomingObject | None:
        context = self._association.accepted.get(context_id)
        if context is None:
            raise CommandFault("presentation context was not accepted")
        command = parse_command(encoded)
        if command.field == C_ECHO_RQ and not command.has_data_set and context.abstract_syntax == VERIFICATION:
            whole = P_DATA()
            whole.presentation_data_value_list.append((context_id, _COMMAND_LAST + encoded))
            self._complete()
            super().receive_primitive(whole)
            return None
        if command.message_id is None:
            raise CommandFault("a message that cannot be answered")
        incoming: IncomingObject | IncomingReport
        if command.field == N_EVENT_REPORT_RQ and context.abstract_syntax == STORAGE_COMMITMENT:
            incoming = IncomingReport(command, transfer_syntax=str(context.transfer_syntax[0]))
        elif command.field == C_STORE_RQ:
            incoming = IncomingObject(
                self._association.intake,
                command,
                abstract_syntax=str(context.abstract_syntax),
                transfer_syntax=str(context.transfer_syntax[0]),
            )
        else:
            raise CommandFault("a message that is not served here")
        if command.has_data_set:
            self._incoming = incoming
            self._association.expect_more()
            return None
        return self._hand_over(context_id, incoming)

    def _complete(self) -> None:
        self._context_id = None
        self._pace.end()
        self._association.expect_nothing()

    def _hand_over(self, context_id: int, complete: IncomingObject | IncomingReport) -> IncomingObject | None:
        self._complete()
        if isinstance(complete, IncomingObject) and self.msg_queue.empty():
            return complete
        self.msg_queue.put((context_id, cast("Any", complete)))  # comes back in `_serve_request`
        return None

    def close(self) -> None:
        """Abandon what was begun or waits to be answered; nothing is taken afterwards."""
        with self._lock:
            self._closed = True
            begun, self._incoming = self._incoming, None
        if begun is not None:
            begun.abandon()
        while not self.msg_queue.empty():
            waiting: object = self.msg_queue.get_nowait()[1]
            if isinstance(waiting, IncomingObject):
                waiting.abandon()


class StoreAssociation(Association):
    """One association that was opened to us.

    Attributes
    ----------
    caller
        Who it is; None until it was let in.
    """

    def __init__(self, server: StoreServer) -> None:
        super().__init__(server.ae, MODE_ACCEPTOR)
        self._server = server
        self.intake = server.intake
        self._reports = server.reports
        self.caller: Caller | None = None
        self.provider = _StoreProvider(self)
        self.dimse = self.provider
        self.bell = Bell()
        self.dul = QuickProvider(self, self.bell)
        self.dul._idle_timer.timeout = self.network_timeout  # noqa: SLF001  see the rule of `transport`
        self.dul.artim_timer.timeout = self.acse_timeout
        self.dul.state_machine = TolerantStateMachine(self.dul)
        self.dul.daemon = True  # a thread that waits for a peer must not keep the process
        self._news = threading.Event()
        self.dul.to_provider_queue = NoticedQueue(self.bell.ring)
        self.dul.to_user_queue = NoticedQueue(self._news.set)
        self.provider.msg_queue = NoticedQueue(self._news.set)
        self._idle_s = self.network_timeout
        self._is_answering = False

    @property
    def is_busy(self) -> bool:
        """Whether an object is being received or answered."""
        return self._is_answering or self.provider.is_receiving or not self.provider.msg_queue.empty()

    @property
    def accepted(self) -> dict[int, PresentationContext]:
        """The accepted presentation contexts by their ID."""
        return self._accepted_cx

    @property
    def connection(self) -> socket.socket | None:
        """The connected socket, an `ssl.SSLSocket` where TLS is spoken; None when it is gone."""
        wrapped = self.dul.socket
        return None if wrapped is None else wrapped.socket

    def end(self) -> None:
        """Let the association's own thread abort it at its next look at the idle timer."""
        self._idle_s = self.network_timeout = 0.0
        self._news.set()

    def expect_more(self) -> None:
        """Wait for the rest of a message no longer than for a DIMSE message."""
        self.network_timeout = self.dimse_timeout

    def expect_nothing(self) -> None:
        """Wait for the next message as long as an association may be idle."""
        self.network_timeout = self._idle_s

    def kill(self) -> None:
        """End the association's threads, which pynetdicom waits for without end.

        A request that comes just when the wait for it is over is answered by nobody, and its connection would stay,
        with two threads, as long as the peer likes.
        """
        self._reactor_checkpoint.set()
        self._kill = True
        self.is_established = False
        self._is_paused = True
        end_at = time.monotonic() + (self.acse_timeout or 0.0) + _END_OF_THREAD_S
        while self.dul.is_alive() and not self.dul.stop_dul():
            is_unheard = self.requestor.primitive is None and self.dul.state_machine.current_state == _REQUESTED
            if is_unheard or time.monotonic() > end_at:
                self.dul.kill_dul()
                return
            time.sleep(_LOOK_AGAIN_FOR_END_S)

    def run_reactor(self) -> None:
        """Serve the association until it ends, then leave nothing behind."""
        try:
            super().run_reactor()
        finally:
            # The reading thread must be gone before its part file is.
            if self.dul.is_alive():
                self.dul.kill_dul()
                self.dul.join(_END_OF_THREAD_S)
            if self.dul.socket is not None:
                self.dul.socket.close()  # closed by now, unless the reading thread was stopped
            self.provider.close()
            self.bell.close()
            cast("StoreServer", self._server).ended(self)

    def _run_reactor(self) -> None:
        """Serve messages, release, abort and timeouts as pynetdicom does, woken by them instead of by a 1 ms clock."""
        while not self._kill:
            self._news.wait(min(max(self.dul._idle_timer.remaining, 0.0), _LOOK_AGAIN_S))  # noqa: SLF001  as above
            self._news.clear()
            while not self._kill and (message := self.dimse.get_msg(block=False))[1] is not None:
                self._serve_request(message[1], message[0])
            if self.is_established and self.acse.is_release_requested():
                self.acse.send_release(is_response=True)
                self.is_released = True
                self.is_established = False
                self.kill()
            elif self.acse.is_aborted():
                self.dul.receive_pdu(wait=False)
                self.is_aborted = True
                self.kill()
            elif not self.dul.is_alive():
                self.kill()
            elif self._is_answering:
                self._news.wait(_WHILE_ANSWERING_S)  # in the other thread; its peer is not idle
            elif self.dul.idle_timer_expired():
                self.abort()
                self.kill()

    def answer(self, incoming: IncomingObject, context_id: int) -> None:
        """Answer a C-STORE in the thread that read it: no other has to wake for it."""
        self._is_answering = True
        try:
            answer = self._answer(incoming)
            connection = self.dul.socket
            # An abort may have come in between.
            if answer is not None and connection is not None and self.dul.state_machine.current_state == _OPEN:
                connection.send(heading(context_id, answer[0], len(answer) - 1) + answer[1:])
        finally:
            self.dul._idle_timer.restart()  # noqa: SLF001  as in `_serve_request`
            self._is_answering = False

    def _serve_request(self, msg: Any, context_id: int) -> None:
        self._is_answering = True
        try:
            if isinstance(msg, IncomingObject):
                answer = self._answer(msg)
                if answer is not None:
                    self._queue(context_id, answer)
            elif isinstance(msg, IncomingReport):
                self._answer_report(msg, context_id)
            elif isinstance(msg, C_ECHO) and msg.is_valid_request:
                super()._serve_request(msg, context_id)
            else:
                self.abort()
        finally:
            self._is_answering = False
            # A slow answer is not an idle peer: without this the next look at the timer would abort.
            self.dul._idle_timer.restart()  # noqa: SLF001  see the rule of `transport`

    def _answer(self, incoming: IncomingObject) -> bytes | None:
        """Make an object durable, or not, and return the fragment that says so."""
        if self.caller is None:  # cannot happen: contexts are accepted for callers that were let in
            self.abort()
            return None
        verdict = incoming.finish(self.caller)
        if verdict is not SUCCESS:
            log.event("store_refused", node=self.caller.node_name, status=f"{verdict.status:04X}")
        return _COMMAND_LAST + incoming.response(verdict)

    def _queue(self, context_id: int, fragment: bytes) -> None:
        response = P_DATA()
        response.presentation_data_value_list.append((context_id, fragment))
        self.dul.send_pdu(response)

    def _answer_report(self, incoming: IncomingReport, context_id: int) -> None:
        if self.caller is None or self._reports is None:  # cannot happen: such a context is not accepted then
            self.abort()
            return
        command = incoming.command
        status = self._reports.take(incoming.report(self.caller.node_name))
        encoded = event_report_response(
            message_id=command.message_id or 0,
            sop_class_uid=STORAGE_COMMITMENT,
            sop_instance_uid=WELL_KNOWN_INSTANCE,
            event_type=command.event_type,
            status=status,
        )
        self._queue(context_id, _COMMAND_LAST + encoded)
