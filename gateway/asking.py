"""An association on which a target is asked to commit to keep instances, and on which it may answer (PS3.4 J.3).

Rule of the file: N-ACTION as SCU and N-EVENT-REPORT as it comes back. What is asked and what an answer changes is
decided in `confirmer` and `commitments`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dimse_primitives import N_ACTION

from gateway.commands import action_request, event_report_response
from gateway.commitment import REQUEST_STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE, EncodedReport
from gateway.connection import Connection
from gateway.negotiation import STORAGE_COMMITMENT
from gateway.requestor import Failure, Lost, Wanted
from gateway.transport import PDU_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pynetdicom.dimse_primitives import N_EVENT_REPORT, DimseServiceType

    from gateway.commitment import ReportTaker
    from gateway.requestor import CallingAssociation

WANTED = Wanted(abstract_syntax=STORAGE_COMMITMENT, transfer_syntax=str(ImplicitVRLittleEndian))
"""The syntax that every SCP knows (PS3.5 10.1)."""

_PDV_HEADER_BYTES = 6
_LAST_MESSAGE_ID = 65_535
_COMMAND_LAST, _DATA, _DATA_LAST = b"\3", b"\0", b"\2"


class AskingConnection(Connection):
    """One open association for storage commitment, whose one context is `WANTED`; made by `open`."""

    def __init__(self, assoc: CallingAssociation, proposed: Sequence[Wanted]) -> None:
        super().__init__(assoc, proposed)
        self._sending = threading.Lock()

    def listen(self, node: str, reports: ReportTaker) -> None:
        """Take and answer the reports that arrive, each in a thread of its own, for as long as this is open.

        Parameters
        ----------
        node
            The target's configured name.
        reports
            Where they go.
        """
        self._assoc.on_report = lambda message: self._take(message, node, reports)

    def ask(self, information: bytes) -> int:
        """Send a request and return the status of its response.

        Parameters
        ----------
        information
            The encoded data set.

        Raises
        ------
        Lost
            No answer; the target may have taken the request all the same. The association is gone.
        """
        self._message_id = self._message_id % _LAST_MESSAGE_ID + 1
        command = action_request(
            message_id=self._message_id,
            sop_class_uid=STORAGE_COMMITMENT,
            sop_instance_uid=WELL_KNOWN_INSTANCE,
            action_type=REQUEST_STORAGE_COMMITMENT,
        )
        try:
            with self._assoc.paused():
                with self._sending:
                    self._put_in_queue(self._context_id, _COMMAND_LAST + command)
                    self._put_information(information)
                return self._action_status(self._assoc.answer())
        except Lost:
            self.abort()
            raise

    @property
    def _context_id(self) -> int:
        return cast("int", self._contexts[WANTED])

    def _put_information(self, information: bytes) -> None:
        limit = min(self._assoc.acceptor.maximum_length or PDU_BYTES, PDU_BYTES)
        piece_bytes = max((limit - _PDV_HEADER_BYTES) // 2 * 2, 2)
        for start in range(0, len(information), piece_bytes):
            end = start + piece_bytes
            control = _DATA if end < len(information) else _DATA_LAST
            self._put_in_queue(self._context_id, control + information[start:end])

    def _action_status(self, message: DimseServiceType) -> int:
        if (
            not isinstance(message, N_ACTION)
            or message.MessageIDBeingRespondedTo != self._message_id
            or message.Status is None
        ):
            raise Lost(Failure.BAD_ANSWER)
        return int(message.Status)

    def _take(self, message: N_EVENT_REPORT, node: str, reports: ReportTaker) -> None:
        information, event_type = message.EventInformation, message.EventTypeID
        status = reports.take(
            EncodedReport(
                node=node,
                sop_class_uid=str(message.AffectedSOPClassUID),
                sop_instance_uid=str(message.AffectedSOPInstanceUID),
                event_type=event_type,
                information=b"" if information is None else information.getvalue(),
                transfer_syntax=WANTED.transfer_syntax,
            )
        )
        response = event_report_response(
            message_id=message.MessageID or 0,
            sop_class_uid=STORAGE_COMMITMENT,
            sop_instance_uid=WELL_KNOWN_INSTANCE,
            event_type=event_type,
            status=status,
        )
        with self._sending, suppress(Lost):  # gone by now: what was told is in the ledger
            self._put_in_queue(self._context_id, _COMMAND_LAST + response)
