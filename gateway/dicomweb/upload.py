"""The body of one STOW-RS request: its parts, one after the other, into the intake.

Rule of the file: called from the threads that do the disk's work, one call at a time. A part that is not complete is
abandoned, whatever the length of the body says.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gateway import log
from gateway.dicomweb.multipart import Event, MultipartFault, MultipartReader, PartBegins, PartBytes
from gateway.dicomweb.part import IncomingPart, PartOutcome
from gateway.statuses import Status

if TYPE_CHECKING:
    from gateway.admission import Caller
    from gateway.intake import Intake

MOST_PARTS = 10_000
"""In one request; its answer has an item for each."""


class Upload:
    """One request's body.

    Parameters
    ----------
    intake
        Where objects go.
    caller
        Who sends them.
    boundary
        Of the request's Content-Type.
    study_instance_uid
        Of the request's URL; None where it names no study.
    """

    def __init__(self, intake: Intake, caller: Caller, *, boundary: bytes, study_instance_uid: str | None) -> None:
        self._intake = intake
        self._caller = caller
        self._study_instance_uid = study_instance_uid
        self._reader = MultipartReader(boundary)
        self._part: IncomingPart | None = None
        self._outcomes: list[PartOutcome] = []
        self._lock = threading.Lock()
        self._is_over = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body; after a fault or the end they are dropped."""
        with self._lock:
            if self._is_over:
                return
            try:
                for event in self._reader.feed(chunk):
                    self._take(event)
            except MultipartFault:
                self._break_off()

    def _take(self, event: Event) -> None:
        if isinstance(event, PartBegins):
            if len(self._outcomes) >= MOST_PARTS:
                raise MultipartFault("too many parts")
            self._part = IncomingPart(self._intake, event.headers, study_instance_uid=self._study_instance_uid)
            return
        part = self._part
        assert part is not None
        if isinstance(event, PartBytes):
            part.write(event.content)
            return
        self._part = None
        self._note(part.finish(self._caller))

    def _note(self, outcome: PartOutcome) -> None:
        self._outcomes.append(outcome)
        if outcome.status is not Status.SUCCESS:
            log.event("store_refused", node=self._caller.node_name, status=f"{outcome.status:04X}")

    def _break_off(self) -> None:
        """End at what cannot be followed: what was complete stays stored, the rest counts as one failed part."""
        self._is_over = True
        part, self._part = self._part, None
        if part is None:
            self._note(PartOutcome(sop_class_uid=None, sop_instance_uid=None, status=Status.CANNOT_UNDERSTAND))
            return
        outcome = part.outcome(Status.CANNOT_UNDERSTAND)
        part.abandon()
        self._note(outcome)

    def end(self) -> list[PartOutcome]:
        """Return what became of each part, now that the body has ended."""
        with self._lock:
            if not self._is_over and not self._reader.is_complete:
                self._break_off()
            self._is_over = True
            return list(self._outcomes)

    def abandon(self) -> None:
        """Drop the part that is not complete; nothing is taken afterwards."""
        with self._lock:
            self._is_over = True
            part, self._part = self._part, None
            if part is not None:
                part.abandon()
