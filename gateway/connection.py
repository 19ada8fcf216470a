"""One open association to a target: C-STORE straight from a file's bytes, and C-ECHO.

Rule of the file: bytes go out as they stand on disk. What goes wrong is a `Lost` with a reason of ours; what an answer
means is decided in `forward`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, cast

from pydicom.uid import DeflatedExplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.pdu_primitives import P_DATA

from gateway.commands import store_request
from gateway.direct import FileFault, Window, data_set_of, request_pdus, store_answer
from gateway.negotiation import VERIFICATION
from gateway.requestor import Failure, Lost, Wanted, prepared
from gateway.statuses import Status
from gateway.transport import PDU_BYTES

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pynetdicom.dimse_primitives import DimseServiceType

    from gateway.direct import StoreAnswer
    from gateway.forward import Outgoing
    from gateway.requestor import CallingAssociation, Target

_LAST_MESSAGE_ID = 65_535
_A_RELEASE_RQ = 5


class Connection:
    """One open association to a target.

    Not for several threads. Made by `Connection.open`.

    Parameters
    ----------
    assoc
        The established association, or one whose contexts were all refused.
    proposed
        What was proposed in it.

    Attributes
    ----------
    operations
        How many requests may be unanswered at a time; 1 where nothing else was negotiated.
    """

    def __init__(self, assoc: CallingAssociation, proposed: Sequence[Wanted]) -> None:
        self.proposed = frozenset(proposed)
        self._assoc = assoc
        self._message_id = 0
        self._has_begun = False
        self._window = Window()
        self._timeout_s = assoc.dimse_timeout or 0.0
        self.operations = _operations(assoc)
        self._pdu_bytes = min(assoc.acceptor.maximum_length or PDU_BYTES, PDU_BYTES)
        self._contexts = {
            Wanted(abstract_syntax=str(c.abstract_syntax), transfer_syntax=str(c.transfer_syntax[0])): c.context_id
            for c in assoc.accepted_contexts
        }
        self._context_ids = frozenset(cast("int", number) for number in self._contexts.values())

    @classmethod
    def open(cls, target: Target, wanted: Sequence[Wanted], *, operations: int = 1) -> Self:
        """Connect and negotiate.

        Parameters
        ----------
        wanted
            1 to 128 contexts, each proposed with its one transfer syntax.
        operations
            How many requests we should like to have unanswered at a time (PS3.7 D.3.3.3).

        Raises
        ------
        Lost
            No association came about for another reason than refused contexts.
        """
        assoc = prepared(target, wanted, operations=operations)
        cls._make_ready(assoc)
        assoc.request()
        if assoc.is_established:
            assoc.start()
        elif assoc.is_rejected:
            raise Lost(Failure.REJECTED)
        elif not (assoc.rejected_contexts and not assoc.accepted_contexts):
            if assoc.failed_at_tls:
                raise Lost(Failure.TLS)
            # A peer that rejects and closes at once may be heard only closing: either way it wants no association.
            raise Lost(Failure.REJECTED if assoc.was_connected else Failure.UNREACHABLE)
        return cls(assoc, wanted)

    @classmethod
    def _make_ready(cls, assoc: CallingAssociation) -> None:
        """Do what must be done before the association is requested; here nothing."""

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self._assoc.is_established

    @property
    def is_refused(self) -> bool:
        """Whether the peer answered and accepted none of the contexts: asking again at once would say the same."""
        return not self._contexts

    def accepts(self, wanted: Wanted) -> bool:
        """Whether the peer accepted this context with this very transfer syntax."""
        return wanted in self._contexts

    def store(self, path: Path, wanted: Wanted, sop_instance_uid: str) -> tuple[int, int]:
        """Send one object, its data set's bytes as they stand in the file.

        Only a deflated stream of odd length gets the null byte that PS3.5 A.5 asks for: DCMTK and Orthanc abort
        without it.

        Parameters
        ----------
        path
            A Part 10 file.
        wanted
            Its class and syntax; `accepts` must be true.
        sop_instance_uid
            For the command.

        Returns
        -------
        status, sent_bytes
            The peer's C-STORE status and the size of the data set.

        Raises
        ------
        Lost
            No answer; the association is gone.
        """
        try:
            with self._talking():
                size = self._put(path, wanted, sop_instance_uid)
                pdu = self._assoc.connection.next_pdu(until=time.monotonic() + self._timeout_s)
                answer = store_answer(pdu, self._context_ids)
                if answer is None:
                    self._assoc.connection.put_back(pdu)
            return self._odd_answer(pdu) if answer is None else self._own_status(answer), size
        except FileFault:
            if self._has_begun:
                self.abort()
            raise Lost(Failure.FILE) from None
        except Lost:
            self.abort()
            raise

    def store_ahead(self, objects: deque[Outgoing]) -> Iterator[tuple[Outgoing, int, int]]:
        """Send objects, several of them without an answer at a time, as far as `operations` allows and all goes well.

        Parameters
        ----------
        objects
            From the left. What was not answered is still in it afterwards, in its order: all from an object on that
            has no context or no file, or, after an answer other than success, from the next one on.

        Yields
        ------
        outgoing, status, sent_bytes
            As they are answered, which need not be the order of sending.

        Raises
        ------
        Lost
            The association is gone, or an answer was none that `store` would not look at twice.
        """
        waiting: dict[int, tuple[Outgoing, int]] = {}
        goes_on = True
        try:
            with self._talking():
                while True:
                    while goes_on and objects and len(waiting) < self.operations:
                        goes_on = self._put_ahead(objects, waiting)
                    if not waiting:
                        return
                    answer = self._answer_ahead(waiting)
                    outgoing, size = waiting.pop(answer.message_id)
                    goes_on = goes_on and answer.status == Status.SUCCESS
                    yield outgoing, answer.status, size
        finally:
            if waiting:
                objects.extendleft(outgoing for outgoing, _ in reversed(waiting.values()))
                self.abort()

    def _put_ahead(self, objects: deque[Outgoing], waiting: dict[int, tuple[Outgoing, int]]) -> bool:
        outgoing = objects[0]
        if not self.accepts(outgoing.wanted):
            return False
        self._has_begun = False
        try:
            size = self._put(outgoing.path, outgoing.wanted, outgoing.sop_instance_uid)
        except FileFault:
            if self._has_begun:
                raise Lost(Failure.FILE) from None
            return False
        waiting[self._message_id] = objects.popleft(), size
        return True

    def _answer_ahead(self, waiting: dict[int, tuple[Outgoing, int]]) -> StoreAnswer:
        pdu = self._assoc.connection.next_pdu(until=time.monotonic() + self._timeout_s)
        answer = store_answer(pdu, self._context_ids)
        if answer is None or answer.message_id not in waiting:
            raise Lost(Failure.BAD_ANSWER)
        return answer

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Send and read in this thread within the block; no other thread of the association is woken."""
        self._has_begun = False
        try:
            with self._assoc.paused(quietly=True), self._assoc.connection.lent():
                yield
                self._assoc.note_traffic()
        except TimeoutError:
            raise Lost(Failure.TIMEOUT) from None
        except OSError:
            raise Lost(Failure.ABORTED) from None

    def _put(self, path: Path, wanted: Wanted, sop_instance_uid: str) -> int:
        """Send a request and return the size of its data set."""
        command = store_request(
            message_id=self._next_message(),
            sop_class_uid=wanted.abstract_syntax,
            sop_instance_uid=sop_instance_uid,
        )
        padding = b"\0" if wanted.transfer_syntax == DeflatedExplicitVRLittleEndian else b""
        with data_set_of(path) as data_set:
            for pieces in request_pdus(
                command,
                data_set,
                context_id=cast("int", self._contexts[wanted]),
                pdu_bytes=self._pdu_bytes,
                padding=padding,
                window=self._window,
            ):
                self._has_begun = True
                self._assoc.connection.send_directly(pieces)
            return data_set.size

    def _own_status(self, answer: StoreAnswer) -> int:
        if answer.message_id != self._message_id:
            raise Lost(Failure.BAD_ANSWER)
        return answer.status

    def _odd_answer(self, pdu: bytes) -> int:
        """Let pynetdicom read what is in several pieces, an abort, or nonsense."""
        if pdu[0] == _A_RELEASE_RQ:
            raise Lost(Failure.ABORTED)
        return self._status_of(self._assoc.answer())

    def _next_message(self) -> int:
        self._message_id = self._message_id % _LAST_MESSAGE_ID + 1
        return self._message_id

    def _put_in_queue(self, context_id: int, fragment: bytes) -> None:
        if not self._assoc.window.acquire(timeout=self._assoc.dimse_timeout):
            raise Lost(Failure.TIMEOUT)
        if not self._assoc.is_established or not self._assoc.dul.is_alive():
            raise Lost(Failure.ABORTED)
        whole = P_DATA()
        whole.presentation_data_value_list.append((context_id, fragment))
        self._assoc.dul.send_pdu(whole)

    def _status_of(self, message: DimseServiceType) -> int:
        if (
            not isinstance(message, C_STORE)
            or message.MessageIDBeingRespondedTo != self._message_id
            or message.Status is None
        ):
            raise Lost(Failure.BAD_ANSWER)
        return int(message.Status)

    def echo(self) -> int:
        """Ask for a C-ECHO and return its status.

        Raises
        ------
        Lost
            No answer.
        """
        self._assoc.connection.give_back()
        with self._assoc.paused():
            request = C_ECHO()
            request.AffectedSOPClassUID = VERIFICATION
            request.MessageID = self._next_message()
            context_id = next(iter(self._contexts.values()))
            self._assoc.dimse.send_msg(request, cast("int", context_id))
            message = self._assoc.answer()
        if not isinstance(message, C_ECHO) or message.Status is None:
            raise Lost(Failure.BAD_ANSWER)
        return int(message.Status)

    def close(self) -> None:
        """Release the association; an association that is gone already is no error."""
        self._assoc.connection.give_back()
        try:
            with self._assoc.paused():
                self._assoc.release()
        except Lost:
            self.abort()

    def abort(self) -> None:
        """End the association at once."""
        self._assoc.connection.give_back()
        if self._assoc.is_established:
            self._assoc.abort()


def _operations(assoc: CallingAssociation) -> int:
    """Return what the peer allows of what we asked for; 0 stands for any number (PS3.7 D.3.3.3.2)."""
    asked, _ = assoc.requestor.asynchronous_operations
    allowed, _ = assoc.acceptor.asynchronous_operations
    return min(asked, allowed) if allowed else asked
