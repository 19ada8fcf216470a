"""An archive of our own for tests: stores, and answers storage commitment requests as it is told.

Rule of the file: independent of `gateway`; built on stock pynetdicom.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel

from tests.peers.programs import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pynetdicom.association import Association

WELL_KNOWN = "1.2.840.10008.1.20.1.1"


class Way(StrEnum):
    """How it answers."""

    SAME_ASSOCIATION = "same"
    NEW_ASSOCIATION = "new"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came."""

    transaction_uid: str
    references: tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class Archive:
    """What a committing SCP saw, and how it behaves; may be changed while it runs.

    Parameters
    ----------
    way
        Where its report goes.
    call_back
        The port that it calls on `NEW_ASSOCIATION`.
    fail
        Called with a SOP Instance UID; returns a Failure Reason, or None where it commits.
    action_status
        What it answers to the request itself.
    """

    ae_title: str
    port: int = 0
    way: Way
    call_back: int
    fail: Callable[[str], int | None] = lambda _uid: None
    action_status: int = 0x0000
    asked: list[Asked] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    hashes: dict[str, set[str]] = field(default_factory=dict)
    """Per SOP Instance UID, the distinct SHA-256 of the data sets that arrived."""
    refused: int = 0
    answers: list[int | None] = field(default_factory=list)
    """The statuses with which its reports were answered; None where a context was refused."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for_requests(self, count: int, *, seconds: float = 60) -> None:
        """Wait until it was asked so often."""
        wait_until(lambda: len(self.asked) >= count, what=f"{count} storage commitment requests", seconds=seconds)

    def answer(self, asked: Asked) -> None:
        """Report on a request now, on an association of its own."""
        failed = {uid: reason for _, uid in asked.references if (reason := self.fail(uid)) is not None}
        event_type, information = report(asked.transaction_uid, asked.references, failed)
        self.answers.append(tell(self.call_back, event_type, information, calling=self.ae_title))


def report(
    transaction_uid: str, references: Sequence[tuple[str, str]], failed: Mapping[str, int]
) -> tuple[int, Dataset]:
    """Return event type and information of a report (PS3.4 Table J.3-2)."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = [_item(*one) for one in references if one[1] not in failed]
    if failed:
        information.FailedSOPSequence = [_item(*one) for one in references if one[1] in failed]
        for item in information.FailedSOPSequence:
            item.FailureReason = failed[item.ReferencedSOPInstanceUID]
    return (2 if failed else 1), information


def _item(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item


def tell(
    port: int,
    event_type: int,
    information: Dataset,
    *,
    calling: str = "RESEARCH",
    called: str = "SONOVEIL",
    instance_uid: str = WELL_KNOWN,
    with_role: bool = True,
) -> int | None:
    """Open an association as SCP of the class, report, and return the status; None where the context was refused."""
    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
    entity.add_requested_context(StorageCommitmentPushModel)
    roles = [build_role(StorageCommitmentPushModel, scp_role=True)] if with_role else []
    association = entity.associate("127.0.0.1", port, ae_title=called, ext_neg=roles)
    if not association.is_established:
        return None
    try:
        status, _ = association.send_n_event_report(information, event_type, StorageCommitmentPushModel, instance_uid)
        return int(status.Status) if "Status" in status else -1
    finally:
        association.release()


@contextmanager
def committing_scp(*, way: Way, call_back: int = 0, ae_title: str = "RESEARCH", port: int = 0) -> Iterator[Archive]:
    """Run an archive on loopback until the block ends.

    Parameters
    ----------
    port
        0 for a free one; `Archive.port` says which.
    way, call_back
        See `Archive`.
    """
    archive = Archive(ae_title=ae_title, way=way, call_back=call_back)
    entity = AE(ae_title)
    entity.supported_contexts = AllStoragePresentationContexts[:120]
    entity.add_supported_context(StorageCommitmentPushModel)
    handlers = [(evt.EVT_C_STORE, _store, [archive]), (evt.EVT_N_ACTION, _act, [archive])]
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    archive.port = int(server.server_address[1])
    try:
        yield archive
    finally:
        server.shutdown()


def _store(event: evt.Event, archive: Archive) -> int:
    uid = str(event.request.AffectedSOPInstanceUID)
    digest = hashlib.sha256(event.request.DataSet.getvalue()).hexdigest()
    with archive.lock:
        archive.stored.append(uid)
        archive.hashes.setdefault(uid, set()).add(digest)
    return 0x0000


def _act(event: evt.Event, archive: Archive) -> tuple[int, Dataset | None]:
    if archive.action_status:
        archive.refused += 1
        return archive.action_status, None
    information = event.action_information
    asked = Asked(
        transaction_uid=str(information.TransactionUID),
        references=tuple(
            (str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
            for item in information.ReferencedSOPSequence
        ),
    )
    with archive.lock:
        archive.asked.append(asked)
    if archive.way is Way.NEW_ASSOCIATION:
        threading.Thread(target=archive.answer, args=(asked,), daemon=True).start()
    elif archive.way is Way.SAME_ASSOCIATION:
        threading.Thread(target=_answer_here, args=(event.assoc, archive, asked), daemon=True).start()
    return 0x0000, None


def _answer_here(association: Association, archive: Archive, asked: Asked) -> None:
    failed = {uid: reason for _, uid in asked.references if (reason := archive.fail(uid)) is not None}
    event_type, information = report(asked.transaction_uid, asked.references, failed)
    status, _ = association.send_n_event_report(information, event_type, StorageCommitmentPushModel, WELL_KNOWN)
    archive.answers.append(int(status.Status) if "Status" in status else -1)
