"""Why an object is held, and the three errors of the product.

    PipelineError
    ├── NotAccepted   tell the sender: the object is not ours
    ├── Held          somebody, or a recovered model, decides
    └── TryLater      the same call may succeed later

Errors say what happens next, not what Python did. Their text is safe to log: a note is written by us from
constants, class names and numbers, never from a header value, a file name or recognised text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.records import DeidentifiedInstance


class Reason(StrEnum):
    """Why an instance is held: one list for the ledger, the metric label, the review and the report."""

    NO_RULE = "no_rule"
    """The fallback rule says hold."""
    UNREADABLE = "unreadable"
    """The bytes are not a DICOM data set, or end too early."""
    UNSUPPORTED_CLASS = "unsupported_class"
    """This SOP class cannot be scrubbed by this version."""
    STRUCTURED_CONTENT = "structured_content"
    """A structured report or key object, and the profile does not name Clean Structured Content."""
    ENCAPSULATED_DOCUMENT = "encapsulated_document"
    """A PDF, CDA or model file inside the object, which nobody has looked at."""
    VISUAL_FEATURES = "visual_features"
    """A face may be recognised in the image, and the profile wants it cleaned, which no version does by itself."""
    UNDECODABLE = "undecodable"
    """The pixel data cannot be decoded: unknown syntax, damaged or cut frames."""
    NO_PATIENT_ID = "no_patient_id"
    """Patient ID is empty, all zeros or a placeholder: a pseudonym would mix patients."""
    UNKNOWN_PATIENT = "unknown_patient"
    """The steward's pseudonym table does not have this patient."""
    PSEUDONYM_COLLISION = "pseudonym_collision"
    """Two patients would get the same pseudonym."""
    RESIDUAL_TEXT = "residual_text"
    """Text was still found after the redaction was mended twice."""
    RESIDUAL_IDENTIFIER = "residual_identifier"
    """An identifier of the original stands in the written object."""
    CONE_UNCERTAIN = "cone_uncertain"
    """The ultrasound cone was not found with confidence."""
    REFERENCES_CROPPED = "references_cropped"
    """Coordinates in pixels of images that the profile crops."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """A model that the profile needs is missing, altered or broken."""
    VERIFICATION_FAILED = "verification_failed"
    """What was written, read again, is not what was planned."""
    RESOURCE_LIMIT = "resource_limit"
    """Decoding would take more memory or time than is allowed."""
    CORRECTION = "correction"
    """Same UID with other bytes, a rejection note, or a patient ID that changed for a known study."""
    DELIVERY_FAILED = "delivery_failed"
    """A target refused the object for good."""
    NOT_ACCEPTED_BY_TARGET = "not_accepted_by_target"
    """A target takes neither the object's syntax nor a lossless substitute."""
    WITHDRAWN = "withdrawn"
    """Consent was withdrawn for this patient or study."""
    WORKER_CRASHED = "worker_crashed"
    """The object ended its worker process several times."""
    INTERNAL_ERROR = "internal_error"
    """A fault of this program; the log has the class of the error."""


class PipelineError(Exception):
    """Base of the errors that decide what happens to an instance next."""


class NotAccepted(PipelineError):
    """The sender is told that the object is refused."""


class TryLater(PipelineError):
    """The same call may succeed later (disk full, model being replaced)."""


class Held(PipelineError):
    """The instance waits for a decision; nothing of it leaves.

    Parameters
    ----------
    reason
        Why, from the closed list.
    note
        One sentence for an administrator, free of header values and recognised text.
    result
        The scrubbed and redacted object, where one exists: only with `RESIDUAL_TEXT` and `CONE_UNCERTAIN`
        may it be released, and then exactly this.
    """

    def __init__(self, reason: Reason, note: str, *, result: DeidentifiedInstance | None = None) -> None:
        super().__init__(f"{reason}: {note}")
        self.reason = reason
        self.note = note
        self.result = result

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way between processes, keyword argument included."""
        return (_rebuild_held, (self.reason, self.note, self.result))


def _rebuild_held(reason: Reason, note: str, result: DeidentifiedInstance | None) -> Held:
    return Held(reason, note, result=result)
