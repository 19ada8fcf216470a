"""The contract between the network and the store: what a receiver hands over, and what it may answer afterwards.

Rule of the file: types only. The receiver writes bytes into an `IncomingFile`, then commits it with an `Arrival`;
0x0000 is answered only after `commit` returned. Intake methods are called from many threads at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class OutOfResources(Exception):
    """Space, inodes or a queue limit do not allow another object now: the sender is told to try again (0xA700)."""


class IntakeFailed(Exception):
    """The object could not be made durable for another reason: answered with a failure, never with success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One complete object, as the network knows it.

    Parameters
    ----------
    node_name
        The configured name of the sender, or `unknown` where unknown sources are allowed.
    calling_aet, called_aet
        The association's AE titles, without padding.
    sop_class_uid, sop_instance_uid
        Of the command; they equal the data set's wherever the data set could be read.
    series_instance_uid, study_instance_uid, patient_id
        Of the data set, None where they were not found in its head. Patient data: for the ledger's sealed columns only.
    transfer_syntax_uid
        Of the presentation context, and so of the data set.
    size_bytes
        The Part 10 file's size, preamble and file meta information included.
    content_sha256
        Of the data set as it came over the wire, without file meta information; hexadecimal.
    readable
        False when the head of the data set does not name its class and instance: the worker holds it as unreadable.
    """

    node_name: str
    calling_aet: str
    called_aet: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str | None
    study_instance_uid: str | None
    patient_id: str | None
    transfer_syntax_uid: str
    size_bytes: int
    content_sha256: str
    readable: bool


class IncomingFile(Protocol):
    """A part file in the spool, open for writing."""

    def write(self, chunk: bytes | memoryview, /) -> object:
        """Append bytes; all of them or an error.

        Raises
        ------
        OutOfResources, OSError
            Nothing more can be written; the receiver abandons the file.
        """


class Intake(Protocol):
    """Where objects go. Every opened file is either committed or abandoned, exactly once."""

    def open(self) -> IncomingFile:
        """Create a part file under a name of our own.

        Raises
        ------
        OutOfResources
            The disk reserve or a limit is reached.
        IntakeFailed, OSError
            It cannot be created.
        """

    def commit(self, file: IncomingFile, arrival: Arrival, /) -> None:
        """Make bytes, name, receipt and ledger row durable, in that order.

        When it raises, the receiver calls `abandon` for the same file.

        Raises
        ------
        OutOfResources
            As above.
        IntakeFailed
            Anything else that kept it from being durable.
        """

    def abandon(self, file: IncomingFile, /) -> None:
        """Close and remove the part file; never raises."""
