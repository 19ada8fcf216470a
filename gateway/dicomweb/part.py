"""One part of a STOW-RS request: a Part 10 file on its way into the same spool and ledger as a C-STORE.

Rule of the file: what an object is worth, and that it is durable before success is said, is decided in
`gateway.incoming`; here only the head of the file is taken off. Hashes and files of an object are therefore the same,
whichever way it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.commands import C_STORE_RQ, Command
from gateway.incoming import IncomingObject
from gateway.negotiation import is_storage, is_valid_uid
from gateway.part10 import FoundHead, NotPart10Error, found_head
from gateway.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.admission import Caller
    from gateway.intake import Intake

MEDIA_TYPE = "application/dicom"
_AS_IT_IS = frozenset({"", "binary", "8bit", "7bit", "identity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOutcome:
    """What became of one part.

    Parameters
    ----------
    sop_class_uid, sop_instance_uid
        As its file meta information says; None where it does not say so in valid UIDs.
    """

    sop_class_uid: str | None
    sop_instance_uid: str | None
    status: Status


class IncomingPart:
    """A part while its bytes come.

    Parameters
    ----------
    intake
        Where it goes.
    headers
        Of the part, names in lower case.
    study_instance_uid
        Of the request's URL; None where it names no study.
    """

    def __init__(self, intake: Intake, headers: Mapping[str, str], *, study_instance_uid: str | None) -> None:
        self._intake = intake
        self._study_instance_uid = study_instance_uid
        self._begun = bytearray()
        self._head: FoundHead | None = None
        self._object: IncomingObject | None = None
        self._is_unusable = not _holds_dicom(headers)

    def write(self, content: memoryview) -> None:
        """Take the next bytes; what cannot be used is read and dropped."""
        if self._object is not None:
            self._object.write(content)
        elif not self._is_unusable:
            self._begun += content
            self._begin()

    def _begin(self) -> None:
        try:
            self._head = found_head(self._begun)
        except NotPart10Error:
            self._is_unusable = True
        else:
            if self._head is None:
                return
            self._object = self._object_of(self._head)
            self._is_unusable = self._object is None
            if self._object is not None:
                self._object.write(memoryview(self._begun)[self._head.size_bytes :])
        self._begun = bytearray()

    def _object_of(self, head: FoundHead) -> IncomingObject | None:
        if not is_storage(head.sop_class_uid) or not is_valid_uid(head.transfer_syntax_uid):
            return None
        command = Command(
            field=C_STORE_RQ,
            message_id=None,
            sop_class_uid=head.sop_class_uid,
            sop_instance_uid=head.sop_instance_uid or None,
            has_data_set=True,
            event_type=None,
        )
        return IncomingObject(
            self._intake,
            command,
            abstract_syntax=head.sop_class_uid,
            transfer_syntax=head.transfer_syntax_uid,
            study_instance_uid=self._study_instance_uid,
        )

    def finish(self, caller: Caller) -> PartOutcome:
        """Make the object durable, now that its last byte is there, and say what became of it."""
        if self._object is None:
            return self.outcome(Status.CANNOT_UNDERSTAND)
        complete, self._object = self._object, None
        return self.outcome(complete.finish(caller).status)

    def outcome(self, status: Status) -> PartOutcome:
        """Return an outcome of this part."""
        named = (self._head.sop_class_uid, self._head.sop_instance_uid) if self._head is not None else ("", "")
        sop_class, sop_instance = (uid if is_valid_uid(uid) else None for uid in named)
        return PartOutcome(sop_class_uid=sop_class, sop_instance_uid=sop_instance, status=status)

    def abandon(self) -> None:
        """Remove what was written of it."""
        begun, self._object = self._object, None
        if begun is not None:
            begun.abandon()


def _holds_dicom(headers: Mapping[str, str]) -> bool:
    media_type = headers.get("content-type", MEDIA_TYPE).partition(";")[0].strip().lower()
    encodings = {headers.get(name, "").lower() for name in ("content-transfer-encoding", "content-encoding")}
    return media_type == MEDIA_TYPE and encodings <= _AS_IT_IS
