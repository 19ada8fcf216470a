"""One object on its way in: from the first byte of its data set to the status that answers it.

Rule of the file: 0x0000 comes from one place, after `commit` returned. Whatever else happens ends in a failure status
and an abandoned part file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import log, part10
from gateway.commands import store_response
from gateway.intake import Arrival, IntakeFailed, OutOfResources
from gateway.negotiation import STORAGE_COMMITMENT, VERIFICATION, is_valid_uid
from gateway.peek import DEFLATED, HEAD_BYTES, peek
from gateway.statuses import Status

if TYPE_CHECKING:
    from gateway.admission import Caller
    from gateway.commands import Command
    from gateway.intake import IncomingFile, Intake
    from gateway.peek import Peeked

_SMALL_BYTES = 1 << 15
"""Copied behind the file's head, which is cheaper than a second call of the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a C-STORE is answered.

    Parameters
    ----------
    comment
        For the response's Error Comment; a constant, empty on success.
    """

    status: Status
    comment: str


SUCCESS = Verdict(status=Status.SUCCESS, comment="")
_BAD_UID = Verdict(status=Status.INVALID_SOP_INSTANCE, comment="UID of the command is not valid")
_BAD_COMMAND = Verdict(status=Status.CANNOT_UNDERSTAND, comment="command lacks a UID or a data set")
_BAD_CONTEXT = Verdict(status=Status.CANNOT_UNDERSTAND, comment="presentation context is not for storage")
_MISMATCH = Verdict(status=Status.DATA_SET_DOES_NOT_MATCH, comment="UIDs of data set and command differ")
_NO_SPACE = Verdict(status=Status.OUT_OF_RESOURCES, comment="no space for another object; try again")
_FAULT = Verdict(status=Status.OUT_OF_RESOURCES, comment="object could not be stored; try again")


class IncomingObject:
    """The data set of one C-STORE, written to the intake as it arrives.

    Used by two threads one after the other: the one that reads the socket writes, the one that answers finishes.

    Parameters
    ----------
    intake
        Where the part file comes from.
    command
        The C-STORE request.
    abstract_syntax, transfer_syntax
        Of the accepted presentation context.
    study_instance_uid
        Of which study the object must be; None: of any.
    """

    def __init__(
        self,
        intake: Intake,
        command: Command,
        *,
        abstract_syntax: str,
        transfer_syntax: str,
        study_instance_uid: str | None = None,
    ) -> None:
        self.command = command
        self.size_bytes = 0
        self._intake = intake
        self._transfer_syntax = transfer_syntax
        self._study_instance_uid = study_instance_uid
        self._file: IncomingFile | None = None
        self._hash = hashlib.sha256()
        self._head = bytearray()
        self._is_begun = False
        self._peeked: Peeked | None = None
        self._failure = _fault_of(command, abstract_syntax)

    def write(self, chunk: memoryview) -> None:
        """Take the next bytes of the data set; after a failure they are read and dropped."""
        self._hash.update(chunk)
        if not self._is_begun and self._transfer_syntax != DEFLATED:
            # Nearly always the first fragment says it all, and no copy of it is kept.
            peeked = peek(chunk, self._transfer_syntax)
            self._peeked = peeked if peeked.is_complete else None
        self._is_begun = self._is_begun or len(chunk) > 0
        if self._peeked is None and len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        if self._failure is None:
            self._attempt_write(chunk)

    def _attempt_write(self, chunk: memoryview) -> None:
        try:
            if self._file is None:
                self._file = self._intake.open()
                head = self._part10_head()
                self.size_bytes = len(head)
                if len(chunk) <= _SMALL_BYTES:
                    self._file.write(head + chunk)
                    self.size_bytes += len(chunk)
                    return
                self._file.write(head)
            self._file.write(chunk)
            self.size_bytes += len(chunk)
        except Exception as error:  # noqa: BLE001  whatever breaks, the peer gets a failure status and the part file goes
            self._fail(error)

    def _part10_head(self) -> bytes:
        return part10.head(
            sop_class_uid=str(self.command.sop_class_uid),
            sop_instance_uid=str(self.command.sop_instance_uid),
            transfer_syntax_uid=self._transfer_syntax,
        )

    def finish(self, caller: Caller) -> Verdict:
        """Make the object durable and say how to answer.

        Parameters
        ----------
        caller
            Who sent it.
        """
        if self._failure is None and not self._is_begun:
            self._failure = _BAD_COMMAND  # a data set was announced and had no byte
        if self._failure is None:
            self._failure = self._attempt_commit(caller)
        if self._failure is None:
            return SUCCESS
        self.abandon()
        return self._failure

    def _attempt_commit(self, caller: Caller) -> Verdict | None:
        peeked = self._peeked or peek(self._head, self._transfer_syntax)
        named = (self.command.sop_class_uid, self.command.sop_instance_uid)
        if peeked.readable and named != (peeked.sop_class_uid, peeked.sop_instance_uid):
            return _MISMATCH
        if self._study_instance_uid not in {None, peeked.study_instance_uid}:
            return _MISMATCH
        arrival = Arrival(
            node_name=caller.node_name,
            calling_aet=caller.calling_aet,
            called_aet=caller.called_aet,
            sop_class_uid=str(self.command.sop_class_uid),
            sop_instance_uid=str(self.command.sop_instance_uid),
            series_instance_uid=peeked.series_instance_uid,
            study_instance_uid=peeked.study_instance_uid,
            patient_id=peeked.patient_id,
            transfer_syntax_uid=self._transfer_syntax,
            size_bytes=self.size_bytes,
            content_sha256=self._hash.hexdigest(),
            readable=peeked.readable,
        )
        assert self._file is not None
        try:
            self._intake.commit(self._file, arrival)
        except Exception as error:  # noqa: BLE001  never success for what may not be durable; the error is logged
            self._fail(error)
            return self._failure
        self._file = None
        return None

    def response(self, verdict: Verdict) -> bytes:
        """Return the command set that answers the request."""
        named = (self.command.sop_class_uid, self.command.sop_instance_uid)
        sop_class, sop_instance = (uid if uid and is_valid_uid(uid) else None for uid in named)
        return store_response(
            message_id=self.command.message_id or 0,
            sop_class_uid=sop_class,
            sop_instance_uid=sop_instance,
            status=verdict.status,
            comment=verdict.comment,
        )

    def _fail(self, error: Exception) -> None:
        self._failure = _NO_SPACE if isinstance(error, OutOfResources) else _FAULT
        if isinstance(error, (OutOfResources, IntakeFailed)):
            log.event("not_stored", error=type(error).__name__, status=f"{self._failure.status:04X}")
        else:
            log.fault("not_stored", error, status=f"{self._failure.status:04X}")
        self.abandon()

    def abandon(self) -> None:
        """Remove the part file, if there is one."""
        file, self._file = self._file, None
        if file is not None:
            self._intake.abandon(file)


def _fault_of(command: Command, abstract_syntax: str) -> Verdict | None:
    """Return why a C-STORE request is refused before its data set is looked at, or None."""
    if command.sop_class_uid is None or command.sop_instance_uid is None or not command.has_data_set:
        return _BAD_COMMAND
    if not is_valid_uid(command.sop_class_uid) or not is_valid_uid(command.sop_instance_uid):
        return _BAD_UID
    if abstract_syntax in {VERIFICATION, STORAGE_COMMITMENT}:
        return _BAD_CONTEXT
    return None
