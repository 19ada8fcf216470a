"""A modality that knows what it was answered, and small reports for it to send.

Rule of the file: reports have no pixels, so that the pipeline's part is small and its result always the same.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.factories.planted import planted_object
from tests.peers.raw import EXPLICIT_LITTLE, ConnectionEnded, RawRequestor, raw_requestor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REPORT = "1.2.840.10008.5.1.4.1.1.88.11"
CONTEXTS = [(REPORT, [EXPLICIT_LITTLE])]
_PIECE_BYTES = 700
"""So that a report takes several PDUs."""
_GIVE_UP_S = 120
_META_BYTES = 144
"""Where the group length of the file meta information counts from."""


class Seen(StrEnum):
    """What a sender is told."""

    SUCCESS = "0x0000"
    OUT_OF_RESOURCES = "0xA700 (out of resources)"
    MISMATCH = "0xA900 (data set does not match)"
    NO_ANSWER = "no answer: the association ends"
    REJECTED = "association rejected: limit reached, transient"
    CONGESTED = "association rejected: temporary congestion"
    HELD_OFF = "nothing yet: it waits, then 0x0000"


_REJECTIONS = {(2, 3, 2): Seen.REJECTED, (2, 3, 1): Seen.CONGESTED}
_STATUSES = {0x0000: Seen.SUCCESS, 0xA700: Seen.OUT_OF_RESOURCES, 0xA900: Seen.MISMATCH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One object to send.

    Parameters
    ----------
    data_set
        Explicit VR Little Endian, without file meta information.
    """

    sop_instance_uid: str
    data_set: bytes

    @property
    def sha256(self) -> str:
        """The hash of the data set."""
        return hashlib.sha256(self.data_set).hexdigest()


def reports(folder: Path) -> Iterator[Report]:
    """Yield ever new reports, three to a patient.

    Parameters
    ----------
    folder
        For a file that is written and read again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        number += 1
        made = planted_object("SR", seed=number // 3, instance=number)
        part10 = made.save(folder / "report.dcm").read_bytes()
        data_set = part10[_META_BYTES + int.from_bytes(part10[140:144], "little") :]
        yield Report(sop_instance_uid=str(made.dataset.SOPInstanceUID), data_set=data_set)


class Modality:
    """Sends to one port as CLINICAL.

    Parameters
    ----------
    port
        Of the node; it stays when the node is started again.
    most_associations
        What the node allows.

    Attributes
    ----------
    patience_s
        How long it waits for an answer.
    others_open
        How many associations others have open, as far as is known.
    sent_instead
        What was sent in place of a report, by its SOP Instance UID.
    """

    def __init__(self, port: int, *, most_associations: int = 0) -> None:
        self.port = port
        self.most_associations = most_associations
        self.patience_s = 20.0
        self.others_open = 0
        self.sent_instead: dict[str, Report] = {}

    def what_was_sent(self, report: Report) -> Report:
        """Return the report as it was sent."""
        return self.sent_instead.get(report.sop_instance_uid, report)

    def send(self, report: Report) -> Seen:
        """Send one report over an association of its own."""
        return self.talk(lambda peer: store(peer, report))

    def send_until_success(self, report: Report) -> int:
        """Send it again and again, as modalities do; return how often."""
        deadline = time.monotonic() + _GIVE_UP_S
        tries = 1
        while self.send(report) is not Seen.SUCCESS:
            if time.monotonic() > deadline:
                raise AssertionError("the node never took the object")
            time.sleep(0.05)
            tries += 1
        return tries

    def talk(self, say: Callable[[RawRequestor], Seen]) -> Seen:
        """Open an association for reports, say something in it, and tell how that ended."""
        try:
            with raw_requestor(self.port) as peer:
                peer.socket.settimeout(self.patience_s)
                rejection = peer.associate(CONTEXTS).rejection
                if rejection is not None:
                    return _REJECTIONS[rejection]
                seen = say(peer)
                peer.release()
                return seen
        except (ConnectionEnded, OSError):
            return Seen.NO_ANSWER


def store(peer: RawRequestor, report: Report, *, message_id: int = 1) -> Seen:
    """Send one report over an open association."""
    status = peer.store(
        report.data_set,
        sop_class_uid=REPORT,
        sop_instance_uid=report.sop_instance_uid,
        message_id=message_id,
        fragment_bytes=_PIECE_BYTES,
    )
    return _STATUSES[status]
