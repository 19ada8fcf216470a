"""C-STORE SCU: what became of each object that was to be sent to one target.

Rule of the file: bytes are sent as they stand on disk; every object gets exactly one outcome; a failing peer is not
hammered and one bad object does not stop the others. When to try again is `retry`'s business.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from pydicom.uid import ImplicitVRLittleEndian

from gateway.connection import Connection
from gateway.negotiation import VERIFICATION
from gateway.requestor import MOST_CONTEXTS, Failure, Lost, Target, Wanted
from gateway.statuses import Answer, answer_of
from gateway.tls import calling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path
    from types import TracebackType

    from config.gateway import Node, NodeTls

FAILURES_IN_A_ROW = 2
"""After so many, the rest of a batch is left for later."""
IDLE_S = 10.0
"""So long a connection is kept that is not used."""
OPERATIONS = 8
"""So many objects are sent without an answer to the first, where the target allows it."""
_ECHO = Wanted(abstract_syntax=VERIFICATION, transfer_syntax=str(ImplicitVRLittleEndian))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One object to be sent.

    Parameters
    ----------
    path
        A Part 10 file; it is read only.
    sop_class_uid, sop_instance_uid, transfer_syntax_uid
        As in that file.
    token
        Comes back in the outcome.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    token: str

    @property
    def wanted(self) -> Wanted:
        """The presentation context that it needs."""
        return Wanted(abstract_syntax=self.sop_class_uid, transfer_syntax=self.transfer_syntax_uid)


class OutcomeKind(StrEnum):
    """What became of one object, as the metric's label says it."""

    SENT = "sent"
    """The target has it (0x0000)."""
    SENT_WITH_WARNING = "sent_with_warning"
    """The target has it and says something about it (0xBxxx)."""
    REFUSED = "refused"
    """The target refuses the object for good; `status` says how."""
    LATER = "later"
    """The same send may succeed later; `why` says what was in the way."""
    ALREADY_THERE = "already_there"
    """The target was asked and lists it; it was not sent."""
    SYNTAX_NOT_ACCEPTED = "syntax_not_accepted"
    """The target refused the presentation context of this class in this transfer syntax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOutcome:
    """What became of one object.

    Parameters
    ----------
    token
        Of the `Outgoing`.
    status
        The target's C-STORE status; None where there was no answer.
    why
        With `LATER` only, else None.
    sent_bytes
        Bytes of the data set that went over the wire and were answered.
    """

    token: str
    kind: OutcomeKind
    status: int | None
    why: Failure | None
    sent_bytes: int

    @property
    def is_target_down(self) -> bool:
        """Whether the target cannot be talked to at all, so that other objects would fare the same."""
        return self.why in _DOWN


_DOWN = frozenset({Failure.UNREACHABLE, Failure.TLS, Failure.REJECTED, Failure.NOT_TRIED})
_KINDS = {
    Answer.SENT: OutcomeKind.SENT,
    Answer.SENT_WITH_WARNING: OutcomeKind.SENT_WITH_WARNING,
    Answer.LATER: OutcomeKind.LATER,
    Answer.REFUSED: OutcomeKind.REFUSED,
}


def target_of(node: Node, *, calling_ae_title: str, tls: NodeTls | None, idle_s: float = IDLE_S) -> Target:
    """Return whom to call for a configured node.

    Parameters
    ----------
    calling_ae_title, tls
        Ours towards it (`GatewayConfig.calling_ae_title`, `GatewayConfig.tls_towards`).

    Raises
    ------
    ValueError
        The node has no port: it only calls us.
    gateway.tls.TlsFilesError
        The certificates cannot be used.
    """
    if node.port is None or node.address is None:
        raise ValueError("the node has no port to be called on")
    return Target(
        host=node.address,
        port=node.port,
        ae_title=node.ae_title,
        local_aet=calling_ae_title,
        timeout_s=node.timeout.total_seconds(),
        idle_s=idle_s,
        tls=None if tls is None else calling(tls),
        server_name=(tls.server_name if tls is not None else None) or node.address,
    )


class Sender:
    """Sends objects to one target over one association, which is kept open between calls.

    Not for several threads: one sender per thread and target.

    Parameters
    ----------
    node_name
        For those who watch.
    node
        The target.
    calling_ae_title, tls
        Ours towards it (`GatewayConfig.calling_ae_title`, `GatewayConfig.tls_towards`).
    idle
        How long an unused association is kept; ten seconds by default.
    """

    def __init__(
        self,
        node_name: str,
        node: Node,
        *,
        calling_ae_title: str,
        tls: NodeTls | None = None,
        idle: timedelta | None = None,
    ) -> None:
        self.node_name = node_name
        self._idle_s = IDLE_S if idle is None else idle.total_seconds()
        self._target = target_of(node, calling_ae_title=calling_ae_title, tls=tls, idle_s=self._idle_s)
        self._used_at = time.monotonic()
        self._connection: Connection | None = None
        self._recent: dict[Wanted, None] = {}
        self._one_by_one = False
        self.associations_opened = 0

    def __enter__(self) -> Self:
        """Return the sender."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the association."""
        self.close()

    def probe(self) -> Failure | None:
        """Ask for a C-ECHO on an association of its own; return why it was not answered, None where it was.

        A target that accepts the association and not the presentation context has answered.
        """
        try:
            connection = Connection.open(self._target, [_ECHO])
            try:
                if connection.accepts(_ECHO):
                    connection.echo()
            finally:
                connection.close()
        except Lost as lost:
            return lost.why
        return None

    def send(self, objects: Sequence[Outgoing]) -> Iterator[SendOutcome]:
        """Send objects, one outcome each as it happens.

        Parameters
        ----------
        objects
            In the order wanted; it is kept among objects that share an association. More than 128 kinds (class and
            syntax) take further associations, one after the other.
        """
        failures = 0
        self._one_by_one = False
        if self._connection is not None and not self._connection.is_open:
            self.close()  # what a peer refused or ended before this call is asked anew
        for group in _groups(objects):
            kinds = tuple(dict.fromkeys(o.wanted for o in group))
            rest = deque(group)
            while rest:
                if failures < FAILURES_IN_A_ROW:
                    for outcome in self._send_ahead(rest):
                        failures = failures_after(outcome, failures)
                        yield outcome
                if not rest:
                    break
                outgoing = rest.popleft()
                if failures >= FAILURES_IN_A_ROW:
                    yield not_tried(outgoing)
                    continue
                outcome = self._send_one(outgoing, kinds)
                self._used_at = time.monotonic()
                failures = failures_after(outcome, failures)
                yield outcome

    def _send_ahead(self, rest: deque[Outgoing]) -> Iterator[SendOutcome]:
        """Send without waiting for each answer, where the target allows that on the association that is open.

        What that brings trouble with stays in `rest`, with all behind it, and is sent one by one: only then it is known
        which object it is.
        """
        connection = self._connection
        if self._one_by_one or connection is None or not connection.is_open or connection.operations == 1:
            return
        try:
            for outgoing, status, sent_bytes in connection.store_ahead(rest):
                self._used_at = time.monotonic()
                yield _answered(outgoing, status, sent_bytes)
        except Lost:
            self._one_by_one = True
            self.close()

    def _send_one(self, outgoing: Outgoing, kinds: tuple[Wanted, ...]) -> SendOutcome:
        try:
            connection, is_fresh = self._connected(kinds)
            try:
                return _stored(connection, outgoing)
            except Lost as lost:
                if is_fresh or lost.why is not Failure.ABORTED:
                    raise
            # The peer had closed the association while it was kept: not this object's fault, nor a failure yet.
            connection, _ = self._connected(kinds)
            return _stored(connection, outgoing)
        except Lost as lost:
            return _later(outgoing, lost.why)

    def _connected(self, kinds: tuple[Wanted, ...]) -> tuple[Connection, bool]:
        """Return an association that proposed all of these kinds, and whether it was opened just now."""
        current = self._connection
        if current is not None and current.proposed.issuperset(kinds) and (current.is_open or current.is_refused):
            return current, False
        self.close()
        # What was needed lately is proposed again, so that mixed studies do not open an association for each change.
        proposed = tuple(dict.fromkeys((*kinds, *reversed(self._recent))))[:MOST_CONTEXTS]
        self._connection = Connection.open(self._target, proposed, operations=OPERATIONS)
        self.associations_opened += 1
        self._recent = dict.fromkeys(reversed(proposed))
        return self._connection, True

    def close_if_idle(self) -> None:
        """Release the association when it was not used for the idle time; call this now and then."""
        if self._connection is not None and time.monotonic() - self._used_at >= self._idle_s:
            self.close()

    def close(self) -> None:
        """Release the association, if one is open."""
        current, self._connection = self._connection, None
        if current is not None:
            current.close()


def _groups(objects: Sequence[Outgoing]) -> list[list[Outgoing]]:
    """Sort objects by association: at most 128 kinds each, kinds in the order in which they come."""
    kinds: dict[Wanted, int] = {}
    for outgoing in objects:
        kinds.setdefault(outgoing.wanted, len(kinds))
    groups: list[list[Outgoing]] = [[] for _ in range(-(-len(kinds) // MOST_CONTEXTS))]
    for outgoing in objects:
        groups[kinds[outgoing.wanted] // MOST_CONTEXTS].append(outgoing)
    return groups


def _stored(connection: Connection, outgoing: Outgoing) -> SendOutcome:
    if not connection.accepts(outgoing.wanted):
        return SendOutcome(
            token=outgoing.token, kind=OutcomeKind.SYNTAX_NOT_ACCEPTED, status=None, why=None, sent_bytes=0
        )
    return _answered(outgoing, *connection.store(outgoing.path, outgoing.wanted, outgoing.sop_instance_uid))


def _answered(outgoing: Outgoing, status: int, sent_bytes: int) -> SendOutcome:
    kind = _KINDS[answer_of(status)]
    why = Failure.OUT_OF_RESOURCES if kind is OutcomeKind.LATER else None
    return SendOutcome(token=outgoing.token, kind=kind, status=status, why=why, sent_bytes=sent_bytes)


def failures_after(outcome: SendOutcome, before: int) -> int:
    """Return how many failures in a row the target has, for `FAILURES_IN_A_ROW`."""
    if outcome.is_target_down:
        return FAILURES_IN_A_ROW
    if outcome.kind is not OutcomeKind.LATER:
        return 0
    return before if outcome.why is Failure.FILE else before + 1


def not_tried(outgoing: Outgoing) -> SendOutcome:
    """Return the outcome of an object that was left for later, because the target failed with those before."""
    return _later(outgoing, Failure.NOT_TRIED)


def _later(outgoing: Outgoing, why: Failure) -> SendOutcome:
    return SendOutcome(token=outgoing.token, kind=OutcomeKind.LATER, status=None, why=why, sent_bytes=0)
