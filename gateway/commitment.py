"""Storage commitment as SCU: what is asked, and what a target tells about it (PS3.4 Annex J.3, Push Model).

Rule of the file: data sets and types only; no socket, no ledger. What a target wrote is read without trusting it: an
instance is kept only where it is named as kept and not named as failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dsutils import encode

from gateway.commands import CommandFault
from gateway.negotiation import STORAGE_COMMITMENT, is_valid_uid
from gateway.statuses import EventStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateway.commands import Command

WELL_KNOWN_INSTANCE = "1.2.840.10008.1.20.1.1"
"""PS3.4 J.3.5: the one SOP instance of the class."""

REQUEST_STORAGE_COMMITMENT = 1
"""Action Type ID (PS3.4 Table J.3-1)."""

_ALL_KEPT, _SOME_FAILED = 1, 2
"""Event Type IDs (PS3.4 Table J.3-2)."""

_LONGEST_REPORT_BYTES = 1 << 22
"""Ten thousand instances fit; we ask about a hundred at once."""


class ReportFault(Exception):
    """A report that cannot be taken.

    Parameters
    ----------
    status
        How it is answered.
    """

    def __init__(self, status: EventStatus) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One instance, as a request and its answer name it."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedReport:
    """An N-EVENT-REPORT as it came, from a caller that was let in or from a target that we called.

    Parameters
    ----------
    node
        Who sent it, by its configured name.
    sop_class_uid, sop_instance_uid, event_type
        Of the command; None where they are missing.
    information
        The data set, encoded.
    transfer_syntax
        Of the presentation context: Explicit or Implicit VR Little Endian.
    """

    node: str
    sop_class_uid: str | None
    sop_instance_uid: str | None
    event_type: int | None
    information: bytes
    transfer_syntax: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a target says about a request.

    Parameters
    ----------
    kept
        What it commits to keep.
    failed
        What it does not, and its Failure Reason (0008,1197); None where it names none.
    """

    transaction_uid: str
    kept: frozenset[Reference]
    failed: Mapping[Reference, int | None]


class ReportTaker(Protocol):
    """Where reports go; called from several threads."""

    def take(self, encoded: EncodedReport, /) -> EventStatus:
        """Read a report and make it durable; return how to answer. Never raises."""


class IncomingReport:
    """The data set of one N-EVENT-REPORT while it arrives, in memory and bounded.

    Parameters
    ----------
    command
        The request.
    transfer_syntax
        Of the accepted presentation context.
    """

    def __init__(self, command: Command, *, transfer_syntax: str) -> None:
        self.command = command
        self._transfer_syntax = transfer_syntax
        self._information = bytearray()

    def write(self, chunk: memoryview) -> None:
        """Take the next bytes.

        Raises
        ------
        CommandFault
            There are more than any honest report has.
        """
        if len(self._information) + len(chunk) > _LONGEST_REPORT_BYTES:
            raise CommandFault("a report without end")
        self._information += chunk

    def abandon(self) -> None:
        """Drop it; there is nothing on disk."""
        self._information.clear()

    def report(self, node: str) -> EncodedReport:
        """Return it as complete, and as that node's."""
        return EncodedReport(
            node=node,
            sop_class_uid=self.command.sop_class_uid,
            sop_instance_uid=self.command.sop_instance_uid,
            event_type=self.command.event_type,
            information=bytes(self._information),
            transfer_syntax=self._transfer_syntax,
        )


def action_information(transaction_uid: str, references: Sequence[Reference]) -> bytes:
    """Return the data set of a request, Implicit VR Little Endian (PS3.4 Table J.3-1)."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = [_item(reference) for reference in references]
    encoded = encode(information, is_implicit_vr=True, is_little_endian=True)
    assert encoded is not None
    return encoded


def _item(reference: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    return item


def read_report(encoded: EncodedReport) -> Report:
    """Read a report (PS3.4 Table J.3-2).

    Raises
    ------
    ReportFault
        It is not about storage commitment, or its data set cannot be read.
    """
    if encoded.sop_class_uid != STORAGE_COMMITMENT:
        raise ReportFault(EventStatus.NO_SUCH_SOP_CLASS)
    if encoded.sop_instance_uid != WELL_KNOWN_INSTANCE:
        raise ReportFault(EventStatus.NO_SUCH_SOP_INSTANCE)
    if encoded.event_type not in {_ALL_KEPT, _SOME_FAILED}:
        raise ReportFault(EventStatus.NO_SUCH_EVENT_TYPE)
    try:
        return _report(encoded)
    except Exception:  # noqa: BLE001  whatever pydicom makes of a damaged data set: nothing of it counts
        raise ReportFault(EventStatus.PROCESSING_FAILURE) from None


def _report(encoded: EncodedReport) -> Report:
    is_implicit = encoded.transfer_syntax == ImplicitVRLittleEndian
    information = read_dataset(BytesIO(encoded.information), is_implicit_VR=is_implicit, is_little_endian=True)
    transaction_uid = str(information.TransactionUID)
    if not is_valid_uid(transaction_uid):
        raise ValueError("no transaction UID")
    failed = dict(_failures(information))
    kept = frozenset(_references(information, "ReferencedSOPSequence")) - failed.keys()
    return Report(transaction_uid=transaction_uid, kept=kept, failed=failed)


def _references(information: Dataset, keyword: str) -> Iterator[Reference]:
    for item in information.get(keyword) or ():
        yield _reference(item)


def _reference(item: Dataset) -> Reference:
    return Reference(sop_class_uid=str(item.ReferencedSOPClassUID), sop_instance_uid=str(item.ReferencedSOPInstanceUID))


def _failures(information: Dataset) -> Iterator[tuple[Reference, int | None]]:
    for item in information.get("FailedSOPSequence") or ():
        reason = item.get("FailureReason")
        yield _reference(item), reason if isinstance(reason, int) else None
