"""C-FIND and C-MOVE SCU over one association, study root (PS3.4 Annex C).

Rule of the file: answers are read as bytes, UIDs and counts only; what a peer says is never in an error.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom.dataelem import RawDataElement
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE
from pynetdicom.dsutils import decode

from gateway.connection import Connection
from gateway.requestor import Failure, Lost, Wanted
from gateway.statuses import PENDING, RetrieveStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FIND = Wanted(abstract_syntax="1.2.840.10008.5.1.4.1.2.2.1", transfer_syntax=str(ImplicitVRLittleEndian))
MOVE = Wanted(abstract_syntax="1.2.840.10008.5.1.4.1.2.2.2", transfer_syntax=str(ImplicitVRLittleEndian))
GET = Wanted(abstract_syntax="1.2.840.10008.5.1.4.1.2.2.3", transfer_syntax=str(ImplicitVRLittleEndian))
"""Study Root Query/Retrieve Information Model."""

_LONGEST_VALUE = 64

Question = C_FIND | C_MOVE | C_GET
"""A request or an answer of these services."""
Match = dict[int, str]
"""Tags that were asked for and their values, empty where the peer has none."""


class TooManyError(Exception):
    """There are more matches than were to be taken; the association is gone."""


class NotServedError(Exception):
    """The peer does not accept the presentation context of this service from us."""


class RefusedError(Exception):
    """The peer answered with a failure.

    Parameters
    ----------
    status
        Its status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"status 0x{status:04X}")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answers to one C-FIND.

    Parameters
    ----------
    keys_ignored
        Whether the peer said of any match that it did not match all keys.
    """

    matches: tuple[Match, ...]
    keys_ignored: bool


class QueryConnection(Connection):
    """An association on which a peer is asked what it has, and to send it."""

    def find(self, request: bytes, wanted: Sequence[int], *, most: int) -> Found:
        """Ask what matches.

        Parameters
        ----------
        request
            The identifier.
        wanted
            Tags to return of each match.
        most
            How many matches are taken.

        Raises
        ------
        Lost
            No answer; the association is gone.
        RefusedError, NotServedError
            A failure was answered, or this is no service of the peer's.
        TooManyError
            There are more.
        """
        asked = C_FIND()
        asked.AffectedSOPClassUID, asked.Identifier = FIND.abstract_syntax, BytesIO(request)
        matches: list[Match] = []
        ignored = False
        with self._asking(asked, FIND):
            while True:
                answer = self._reply_to(asked, self._next(lambda: False)[1])
                status = int(answer.Status or 0)
                if status not in PENDING:
                    break
                ignored = ignored or status == RetrieveStatus.PENDING_KEYS_IGNORED
                if len(matches) >= most:
                    raise TooManyError
                matches.append(_read(answer.Identifier, wanted))
        if status != RetrieveStatus.SUCCESS:
            raise RefusedError(status)
        return Found(matches=tuple(matches), keys_ignored=ignored)

    def move(self, request: bytes, *, destination: str, goes_on: Callable[[], bool]) -> int:
        """Have what matches sent to an AE title; return how many sub-operations failed, as the peer counts.

        Parameters
        ----------
        goes_on
            Asked when the peer has been silent for the node's timeout: objects may be on their way nevertheless.

        Raises
        ------
        Lost, RefusedError, NotServedError
            As in `find`.
        """
        asked = C_MOVE()
        asked.AffectedSOPClassUID, asked.Identifier = MOVE.abstract_syntax, BytesIO(request)
        asked.MoveDestination = destination
        with self._asking(asked, MOVE):
            while int((answer := self._reply_to(asked, self._next(goes_on)[1])).Status or 0) in PENDING:
                pass
        return failures_of(answer)

    @contextmanager
    def _asking(self, asked: Question, model: Wanted) -> Iterator[None]:
        """Send a request and keep the association's own thread away while it is answered; abort where it is not."""
        context_id = self._contexts.get(model)
        if context_id is None:
            raise NotServedError
        asked.MessageID, asked.Priority = self._next_message(), 0
        try:
            with self._assoc.paused():
                self._assoc.dimse.send_msg(asked, context_id)
                yield
        except BaseException:
            self.abort()
            raise

    def _next(self, goes_on: Callable[[], bool]) -> tuple[int, object]:
        """Return the presentation context and the next message of the peer."""
        while True:
            context_id, message = self._assoc.dimse.get_msg(block=True)
            if context_id is not None and message is not None:
                return context_id, message
            if self._assoc.acse.is_aborted() or not self._assoc.is_established or not self._assoc.dul.is_alive():
                raise Lost(Failure.ABORTED)
            if not goes_on():
                raise Lost(Failure.TIMEOUT)

    def _reply_to(self, asked: Question, message: object) -> Question:
        if not isinstance(message, C_FIND | C_MOVE | C_GET) or type(message) is not type(asked):
            raise Lost(Failure.BAD_ANSWER)
        if message.MessageIDBeingRespondedTo != asked.MessageID or message.Status is None:
            raise Lost(Failure.BAD_ANSWER)
        return message


def failures_of(answer: Question) -> int:
    """Return how many sub-operations a final answer says have failed.

    Raises
    ------
    RefusedError
        The whole was refused, or somebody cancelled it.
    """
    status = int(answer.Status or 0)
    if status not in (RetrieveStatus.SUCCESS, RetrieveStatus.SOME_FAILED):
        raise RefusedError(status)
    return int(getattr(answer, "NumberOfFailedSuboperations", None) or 0)


def _read(encoded: BytesIO | None, wanted: Sequence[int]) -> Match:
    try:
        dataset = decode(encoded or BytesIO(), True, True)
        found = {tag: dataset.get_item(tag) for tag in wanted}
    except Exception:  # noqa: BLE001  whatever cannot be read of a peer's bytes is no answer
        raise Lost(Failure.BAD_ANSWER) from None
    return {tag: _text(item) for tag, item in found.items()}


def _text(item: object) -> str:
    value = item.value if isinstance(item, RawDataElement) else None
    return (value or b"")[:_LONGEST_VALUE].decode("utf-8", "replace").strip(" \0")
