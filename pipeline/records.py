"""What flows through the house. Behaviour lives elsewhere; no field here has a default value.

`ReceivedInstance` → `DeidentifiedInstance` → `Delivery` (the last one is the gateway's).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class TextPlace(StrEnum):
    """Where a text region lies, as the sidecar's `region` column says it."""

    OUTSIDE_CONE = "outside_cone"
    IMAGE = "image"


class TextAction(StrEnum):
    """What was done to a text region, as the sidecar's `action` column says it."""

    MASKED = "masked"
    INPAINTED = "inpainted"
    KEPT = "kept"


class ConeOutcome(StrEnum):
    """What the cone stage decided for an instance."""

    NOT_APPLICABLE = "not_applicable"
    """Not an ultrasound image, or the profile does not ask for it."""
    BLANKED = "blanked"
    """Everything outside the cone was blanked."""
    CROPPED = "cropped"
    """Blanked outside, and cropped to the cone's bounding box."""
    UNCERTAIN = "uncertain"
    """No cone was accepted; a fall-back of the profile was used or the object is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedInstance:
    """One object as it came in, on disk.

    Parameters
    ----------
    path
        The Part 10 file. It is read, never written.
    patient_domain
        `nodes.NAME.patient_domain` as configured, or None. The patient's domain is this, else the data set's
        Issuer of Patient ID, else `node_name`.
    node_name
        The configured name of the sender (for files: `files`).
    size_bytes
        The file's size.
    """

    path: Path
    patient_domain: str | None
    node_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFinding:
    """One region of burned-in text.

    Parameters
    ----------
    frame_first, frame_last
        First and last frame, zero-based, both inclusive.
    left, top, right, bottom
        Pixels of the *original* frame, origin top left; right and bottom exclusive.
    text
        What the recogniser read. Confidential: goes to the sidecar only.
    confidence
        0 to 1.
    rule
        Which part of the profile decided (`text`, `verify`, `mask:NAME`, `keep_words`).
    """

    frame_first: int
    frame_last: int
    left: int
    top: int
    right: int
    bottom: int
    text: str
    confidence: float
    place: TextPlace
    action: TextAction
    rule: str

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return (self.left, self.top, self.right, self.bottom)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCrop:
    """What was left of the frames of an image that left before: one area for all of them.

    Parameters
    ----------
    rows, columns
        Of the original frame.
    box
        left, top, right, bottom in pixels of the original frame, right and bottom exclusive; the whole frame where
        nothing was cut.
    """

    rows: int
    columns: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConeFinding:
    """The cone of an instance.

    Parameters
    ----------
    confidence
        0 to 1; 0 where not applicable.
    box
        left, top, right, bottom of the kept area in pixels of the original frame, right and bottom exclusive;
        None where there is no cone.
    """

    outcome: ConeOutcome
    confidence: float
    box: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlankedBox:
    """One rectangle that was blanked, as it was written.

    Parameters
    ----------
    frame_first, frame_last
        Zero-based, both inclusive.
    box
        left, top, right, bottom in pixels of the original frame, right and bottom exclusive, rounded outward to what
        can be blanked in the stored data.
    rule
        Why: `text`, `verify`, `mask:NAME`, or `mask:ctp:LINE`.
    """

    frame_first: int
    frame_last: int
    box: tuple[int, int, int, int]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPlan:
    """The plan by which an object's frames were painted: what a reviewer sees is what was done.

    Parameters
    ----------
    rows, columns
        Of the original frame.
    grid
        Rows and columns of the smallest area that could be blanked.
    crop
        The part of the original frame that the output consists of.
    kept
        Outside it every frame is black: a mask of the original frame as zlib-packed bits in base64, rows first, highest
        bit first; None where nothing is blanked around a cone.
    kept_rule
        Why that stays: `cone`, `cone:regions`, or `cone:masks` (then only the rectangles of masks are blanked); empty
        where there is no cone.
    doubt
        Why the model's cone was not taken; empty where it was.
    dropped
        What of a video was not written, beside its pictures: `audio`, `data`, `subtitle`.
    """

    rows: int
    columns: int
    grid: tuple[int, int]
    crop: tuple[int, int, int, int]
    kept: str | None
    kept_rule: str
    doubt: str
    blanked: tuple[BlankedBox, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found and done in the pixels.

    Parameters
    ----------
    redacted_fraction
        Share of the original's pixels, over all frames, that were blanked or cropped away.
    plan
        None where there are no pixels.
    """

    frames: int
    redacted_fraction: float
    cone: ConeFinding
    text: tuple[TextFinding, ...]
    plan: WrittenPlan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrosswalkEntry:
    """What stood in one source object, beside what stands in its place. Confidential as nothing else is.

    It is kept only as ciphertext (`pipeline.crosswalk`, `gateway.sealing`), and nothing of a source is in its `repr`.

    Parameters
    ----------
    patient_domain
        Who issued the Patient ID.
    patient_id, normal_patient_id
        As it stands in the source, and as it counts.
    accession_number, study_id
        Source and output; empty where there was none, or where the profile empties it.
    study_uid, series_uid, instance_uid
        Source and output.
    other_uids
        The same for every further UID that was replaced: frames of reference, referenced objects.
    """

    patient_domain: str = field(repr=False)
    patient_id: str = field(repr=False)
    normal_patient_id: str = field(repr=False)
    pseudonym: str
    accession_number: tuple[str, str] = field(repr=False)
    study_id: tuple[str, str] = field(repr=False)
    study_uid: tuple[str, str] = field(repr=False)
    series_uid: tuple[str, str] = field(repr=False)
    instance_uid: tuple[str, str] = field(repr=False)
    other_uids: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentifiedInstance:
    """One written and verified object.

    Parameters
    ----------
    path
        The Part 10 file that was written.
    sha256
        Of that file, hexadecimal: what a re-send must repeat.
    patient_id
        The pseudonym.
    crosswalk
        What stood in the source. Confidential.
    """

    path: Path
    size_bytes: int
    sha256: str
    sop_class_uid: str
    transfer_syntax_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    findings: Findings
    profile_sha256: str
    model_sha256: Mapping[str, str]
    crosswalk: CrosswalkEntry = field(repr=False)
