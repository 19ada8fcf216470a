"""The node's listening side: bytes → intake → status.

Rule of the file: starting, letting in, stopping. 0x0000 is decided in `incoming` alone.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

from pydicom.uid import UID
from pynetdicom.ae import ApplicationEntity

from gateway import log, metrics
from gateway.admission import Admission, Caller
from gateway.listening import StoreServer
from gateway.negotiation import STORAGE_COMMITMENT, VERIFICATION, supported_contexts
from gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from gateway.statuses import REJECTION_CODES, Rejection
from gateway.tls import listening, names_of_peer
from gateway.transport import PDU_BYTES

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from pynetdicom.events import Event

    from config.gateway import Listener, Node
    from gateway.acceptor import StoreAssociation
    from gateway.board import Seat
    from gateway.commitment import ReportTaker
    from gateway.intake import Intake
    from gateway.room import Shortage

_ACCEPT_POLL_S = 0.1
_QUIET_S = 1.0
"""When draining, an association that stands between two objects for this long is ended."""
_NO_LIMIT_OF_PYNETDICOM = 1_000_000
_NOT_STORAGE = frozenset({VERIFICATION, STORAGE_COMMITMENT})


class Receiver:
    """Storage SCP on one port, for all AE titles of the listener.

    Parameters
    ----------
    listener
        Address, AE titles, limits, timeouts. Port 0 takes a free one.
    nodes
        The configured peers by name.
    intake
        Where objects go; called from many threads.
    reports
        Where targets' answers to our storage commitment requests go; None: none are taken.
    shortage
        Says what there is no room for; while it does, nobody is let in to store.
    inherited
        A socket that listens already, from which other processes accept too; None: it makes its own.
    seat
        Where this process says how many associations it has, and learns how many there are in all; None: it is alone.

    Raises
    ------
    gateway.tls.TlsFilesError
        The listener's certificates cannot be used.

    Examples
    --------
    >>> receiver = Receiver(config.listener, config.nodes, intake)
    >>> receiver.start()
    >>> receiver.stop_accepting()
    >>> receiver.drain(timedelta(seconds=30))
    True
    """

    def __init__(
        self,
        listener: Listener,
        nodes: Mapping[str, Node],
        intake: Intake,
        reports: ReportTaker | None = None,
        *,
        shortage: Callable[[], Shortage | None] = lambda: None,
        inherited: socket.socket | None = None,
        seat: Seat | None = None,
    ) -> None:
        self._listener = listener
        self._intake = intake
        self._reports = reports
        self._shortage = shortage
        self._admission = Admission(listener, nodes)
        self._tls = None if listener.tls is None else listening(listener.tls)
        self._inherited = inherited
        self._seat = seat
        self._admitting = threading.Lock()
        self._server: StoreServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; returns when connections are taken.

        Raises
        ------
        OSError
            The address cannot be bound.
        """
        timeouts = self._listener.timeouts
        entity = ApplicationEntity(self._listener.ae_titles[0])
        entity.maximum_pdu_size = PDU_BYTES
        entity.maximum_associations = _NO_LIMIT_OF_PYNETDICOM  # ours counts associations that were let in
        entity.acse_timeout = timeouts.association.total_seconds()
        entity.dimse_timeout = timeouts.dimse.total_seconds()
        entity.network_timeout = timeouts.idle.total_seconds()
        entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        self._server = StoreServer(
            entity,
            (self._listener.host, self._listener.port),
            intake=self._intake,
            reports=self._reports,
            requested=self._requested,
            max_associations=self._listener.max_associations,
            stall_s=timeouts.dimse.total_seconds(),
            tls=self._tls,
            inherited=self._inherited,
            changed=self._count,
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_ACCEPT_POLL_S,), name="listener", daemon=True
        )
        self._thread.start()

    def admit(self, listener: Listener, nodes: Mapping[str, Node]) -> None:
        """Let callers in by new settings from now on; where and how is listened, and who is in already, stays."""
        self._listener, self._admission = listener, Admission(listener, nodes)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._running.server_address[1])

    @property
    def associations(self) -> int:
        """How many associations are open now."""
        return len(self._admitted()) if self._server is not None else 0

    def _count(self) -> None:
        if self._seat is not None:
            with self._admitting:
                self._count_in_all()

    def _count_in_all(self) -> int:
        """Say how many there are here, and return how many there are in all processes; under the lock."""
        here = self.associations
        if self._seat is None:
            return here
        self._seat.say_open(here)
        return self._seat.open()

    def _admitted(self) -> list[StoreAssociation]:
        return [assoc for assoc in self._running.associations if assoc.caller is not None]

    def stop_accepting(self) -> None:
        """Close the listening socket; open associations go on."""
        self._running.stop_listening()
        if self._thread is not None:
            self._thread.join()

    def drain(self, timeout: timedelta) -> bool:
        """Let open associations finish the objects they are sending, then end them.

        An association that stands between two objects is aborted after a second: its peer has an answer for
        everything it sent. Call `stop_accepting` first.

        Returns
        -------
        bool
            True when nobody was cut within an object.
        """
        server = self._running
        deadline = time.monotonic() + timeout.total_seconds()
        quiet_since: dict[StoreAssociation, float] = {}
        while open_now := self._admitted():
            now = time.monotonic()
            if now >= deadline:
                break
            for assoc in open_now:
                if assoc.is_busy:
                    quiet_since.pop(assoc, None)
                elif now - quiet_since.setdefault(assoc, now) >= _QUIET_S:
                    assoc.end()
            server.wait_for_change(min(_ACCEPT_POLL_S, deadline - now))
        rest = self._admitted()
        cut = [assoc for assoc in rest if assoc.is_busy]
        for assoc in rest:
            assoc.end()
        return not cut

    @property
    def _running(self) -> StoreServer:
        if self._server is None:
            raise RuntimeError("the receiver was not started")
        return self._server

    def _requested(self, event: Event) -> None:
        """Let a caller in or reject it (handler of `EVT_REQUESTED`)."""
        assoc = cast("StoreAssociation", event.assoc)
        try:
            rejection = self._let_in(assoc)
        except Exception as error:  # noqa: BLE001  pynetdicom swallows what a handler raises; a fault here admits nobody
            log.fault("association_undecided", error)
            rejection = Rejection.CONGESTION
        if rejection is not None:
            log.event("association_rejected", reason=rejection, host=assoc.requestor.address)
            code = REJECTION_CODES[rejection]
            assoc.acse.send_reject(code.result, code.source, code.reason)
            assoc.kill()

    def _let_in(self, assoc: StoreAssociation) -> Rejection | None:
        request = assoc.requestor.primitive
        assert request is not None
        decision = self._admission.decide(
            calling_aet=request.calling_ae_title,
            called_aet=request.called_ae_title,
            address=assoc.requestor.address,
            certificate_names=names_of_peer(assoc.connection),
        )
        if not isinstance(decision, Caller):
            return decision
        role = assoc.requestor.role_selection.get(UID(STORAGE_COMMITMENT))
        contexts = supported_contexts(
            request.presentation_context_definition_list,
            may_store=decision.may_store,
            may_echo=decision.may_echo,
            # Without the role, it would ask us to be the SCP, which we are not (PS3.4 J.3).
            may_report=decision.may_report and role is not None and bool(role.scp_role),
        )
        if not contexts and not decision.may_store:
            return Rejection.CALLING_AET
        if any(context.abstract_syntax not in _NOT_STORAGE for context in contexts):
            shortage = self._shortage()
            if shortage is not None:
                log.event("out_of_resources", why=shortage, node=decision.node_name)
                metrics.INSTANCES.labels("receive", "association_refused").inc()
                return Rejection.OUT_OF_RESOURCES
        with self._admitting:
            assoc.caller = decision
            if self._count_in_all() > self._listener.max_associations:
                assoc.caller = None
                self._count_in_all()
                return Rejection.LOCAL_LIMIT
        assoc.acceptor.supported_contexts = contexts
        return None
