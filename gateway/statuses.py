"""Every DIMSE status and association rejection that this node answers, and what it makes of those of others.

Rule of the file: a status is never written as a number anywhere else in `gateway`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Status(IntEnum):
    """What we answer to a C-STORE (PS3.4 B.2.3, PS3.7 9.1.1.1.9 and Annex C)."""

    SUCCESS = 0x0000
    """PS3.7 C.1.1: the object and its ledger row are durable."""
    INVALID_SOP_INSTANCE = 0x0117
    """PS3.7 C.5.7: a UID of the command violates the rules of UIDs (PS3.5 9.1)."""
    OUT_OF_RESOURCES = 0xA700
    """PS3.4 B.2.3: nothing was kept, and the same send may succeed later: disk reserve, full disk, a fault of ours."""
    DATA_SET_DOES_NOT_MATCH = 0xA900
    """PS3.4 B.2.3: the data set's SOP class or instance UID differs from the command's."""
    CANNOT_UNDERSTAND = 0xC000
    """PS3.4 B.2.3: the command lacks what a C-STORE needs, or uses a context that is not for storage."""


class EventStatus(IntEnum):
    """What we answer to an N-EVENT-REPORT about our storage commitment requests (PS3.7 10.1.1.1.8 and Annex C)."""

    SUCCESS = 0x0000
    """The report is durable in the ledger, or was known already."""
    PROCESSING_FAILURE = 0x0110
    """PS3.7 C.5.15: the report cannot be read, or could not be written down; it may be sent again."""
    NO_SUCH_SOP_INSTANCE = 0x0112
    """PS3.7 C.5.13: not the well-known instance of storage commitment."""
    NO_SUCH_EVENT_TYPE = 0x0113
    """PS3.7 C.5.10: neither success (1) nor failures (2)."""
    INVALID_ARGUMENT_VALUE = 0x0115
    """PS3.7 C.5.4: no request of ours to this node has this Transaction UID; nothing was changed."""
    NO_SUCH_SOP_CLASS = 0x0118
    """PS3.7 C.5.14: not the Storage Commitment Push Model."""


NO_SUCH_OBJECT_INSTANCE = 0x0112
"""Failure Reason (0008,1197) of a target that does not have what it is asked to keep (PS3.3 C.14.1.1).

It is the only one that sending again mends. Processing failure (0110), class and instance in conflict (0119), class not
supported (0122), resource limitation (0213) and any other are for a person.
"""


REFERENCED_SYNTAX_NOT_SUPPORTED = 0xC122
"""Failure Reason (0008,1197) of a STOW-RS answer: the transfer syntax is not taken (PS3.18 Table I.2-2)."""


class Rejection(StrEnum):
    """Why an association is refused (PS3.8 Table 9-21)."""

    CALLED_AET = "called_aet_not_recognised"
    CALLING_AET = "calling_aet_not_recognised"
    LOCAL_LIMIT = "local_limit_exceeded"
    OUT_OF_RESOURCES = "out_of_resources"
    """No room for objects now (`gateway.room`): the caller may try again."""
    CONGESTION = "temporary_congestion"
    """A fault of ours while deciding: the caller may try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionCode:
    """The three fields of an A-ASSOCIATE-RJ (PS3.8 9.3.4).

    Parameters
    ----------
    result
        1 permanent, 2 transient.
    source
        1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    reason
        Its meaning depends on the source.
    """

    result: int
    source: int
    reason: int


REJECTION_CODES = {
    Rejection.CALLED_AET: RejectionCode(result=1, source=1, reason=7),
    Rejection.CALLING_AET: RejectionCode(result=1, source=1, reason=3),
    Rejection.LOCAL_LIMIT: RejectionCode(result=2, source=3, reason=2),
    Rejection.OUT_OF_RESOURCES: RejectionCode(result=2, source=3, reason=1),
    Rejection.CONGESTION: RejectionCode(result=2, source=3, reason=1),
}


class RetrieveStatus(IntEnum):
    """What a peer answers to C-FIND, C-MOVE and C-GET (PS3.4 C.4), as far as we tell it apart."""

    SUCCESS = 0x0000
    PENDING = 0xFF00
    """PS3.4 C.4.1.1.4: a match, or sub-operations go on."""
    PENDING_KEYS_IGNORED = 0xFF01
    """PS3.4 C.4.1.1.4: a match, but a key that was asked for was not matched: there may be more than was wanted."""
    SOME_FAILED = 0xB000
    """PS3.4 C.4.2.1.5: sub-operations are complete, with failures or warnings."""
    UNKNOWN_DESTINATION = 0xA801
    """PS3.4 C.4.2.1.5: the peer knows no address for the AE title that the objects should go to."""


PENDING = frozenset({RetrieveStatus.PENDING, RetrieveStatus.PENDING_KEYS_IGNORED})
"""More answers follow."""


class Answer(StrEnum):
    """What a peer's C-STORE status means for a delivery."""

    SENT = "sent"
    SENT_WITH_WARNING = "sent_with_warning"
    LATER = "later"
    REFUSED = "refused"


_WARNING_CLASS = 0xB
_WARNINGS_OUTSIDE_B = frozenset({0x0001, 0x0107, 0x0116})
"""PS3.7 C.4: warning, attribute list error, attribute value out of range."""


def answer_of(status: int) -> Answer:
    """Sort a peer's C-STORE status.

    Success with a warning (0xBxxx: coercion B000, elements discarded B006, data set does not match class B007; PS3.4
    B.2.3) is a delivery with a note. Out of resources (0xA7xx) is tried again. Everything else, known or not, is a
    refusal that somebody must look at.
    """
    if status == Status.SUCCESS:
        return Answer.SENT
    if status >> 12 == _WARNING_CLASS or status in _WARNINGS_OUTSIDE_B:
        return Answer.SENT_WITH_WARNING
    if status >> 8 == Status.OUT_OF_RESOURCES >> 8:
        return Answer.LATER
    return Answer.REFUSED
