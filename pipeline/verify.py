"""The written object is read again and looked at again. Doubt holds; text that is found is handed back to be mended.

Compared: every sample of every frame with what was planned, the identity with what was made, and the identifiers of
the original with the header, the coded bytes and the recognised text. The rule of this file: it trusts the file and
nothing that was in memory while the file was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.clip_text import read_clip
from pipeline.frames.read import open_instance
from pipeline.reasons import Held, Reason
from pipeline.text_search import as_findings, merged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom import Dataset

    from pipeline.clip_text import Scanner, SeenText
    from pipeline.frames.decode import DecodedFrame
    from pipeline.frames.read import OpenInstance
    from pipeline.frames.stream import Frames
    from pipeline.header.identifiers import Identifiers
    from pipeline.plan import RedactionPlan
    from pipeline.records import TextFinding
    from pipeline.redact import Output
    from pipeline.text_search import KeepRule
    from pipeline.video import VideoOutput

_IDENTITY = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "PatientIdentityRemoved",
)
_READ_BYTES = 1 << 20
_LONGEST_IDENTIFIER_BYTES = 1024


def verify_identity(path: Path, header: Dataset, identifiers: Identifiers, *, pixels_follow: bool) -> None:
    """Check the written header against the scrubbed one and against the identifiers of the original.

    Parameters
    ----------
    pixels_follow
        The object has pixel data; its native samples are compared by `verify_pixels`, its coded bytes here.

    Raises
    ------
    Held
        `VERIFICATION_FAILED` or `RESIDUAL_IDENTIFIER`.
    """
    with open_instance(path) as written:
        if (written.frames is not None) != pixels_follow:
            raise Held(Reason.VERIFICATION_FAILED, "the written object has lost or gained its pixel data")
        for keyword in _IDENTITY:
            if str(written.header.get(keyword, "")) != str(header.get(keyword, "")):
                raise Held(Reason.VERIFICATION_FAILED, "the written object has another identity than was made for it")
        if written.header.file_meta.MediaStorageSOPInstanceUID != written.header.SOPInstanceUID:
            raise Held(Reason.VERIFICATION_FAILED, "the written file meta names another instance")
        found = identifiers.in_dataset(written.header)
        if found:
            raise Held(Reason.RESIDUAL_IDENTIFIER, f"{len(found)} elements hold an identifier of the original")
        _search_bytes(path, written, identifiers)


def _search_bytes(path: Path, written: OpenInstance, identifiers: Identifiers) -> None:
    """Look at the file's bytes, except native samples: each of those is compared with a planned one."""
    frames = written.frames
    stop = None
    if frames is not None and not frames.syntax.encapsulated and not frames.syntax.deflated:
        stop = frames.element.offset
    with path.open("rb") as file:
        tail = b""
        while chunk := file.read(_READ_BYTES if stop is None else min(_READ_BYTES, stop - file.tell())):
            if identifiers.in_bytes(tail + chunk):
                raise Held(Reason.RESIDUAL_IDENTIFIER, "the bytes of the object hold an identifier of the original")
            tail = chunk[-_LONGEST_IDENTIFIER_BYTES:]


def verify_pixels(
    path: Path, output: Output | VideoOutput, scanner: Scanner | None, keep: KeepRule
) -> tuple[TextFinding, ...]:
    """Compare every frame with the plan, and look for text that is left.

    Parameters
    ----------
    scanner
        A strict one; None where the profile does not look for text.

    Returns
    -------
    tuple
        Text that is left and is not on the keep list, in coordinates of the original frames.

    Raises
    ------
    Held
        `VERIFICATION_FAILED` where a sample is not the planned one.
    """
    with open_instance(path) as written:
        frames = written.frames
        if frames is None or frames.description != output.description:
            raise Held(Reason.VERIFICATION_FAILED, "the written pixels are described otherwise than planned")
        compared = _compared(frames, output)
        if scanner is None:
            for _ in compared:
                pass
            return ()
        views = (frames.show(decoded, index) for index, decoded in enumerate(compared))
        left, top = output.plan.crop[:2]
        readable = [
            text
            for text in read_clip(views, len(frames), scanner)
            if not keep.keeps(text.text) and not _is_black(text, output.plan)
        ]
        return merged(as_findings(readable, output.plan.cone, keep, rule="verify", offset=(left, top)))


def _compared(frames: Frames, output: Output | VideoOutput) -> Iterator[DecodedFrame]:
    """Yield each written frame, once its samples have been found as planned."""
    for index in range(len(frames)):
        decoded = frames.decoded(index)
        if not output.is_as_planned(index, decoded.samples):
            raise Held(Reason.VERIFICATION_FAILED, "a written frame differs from the planned one")
        yield decoded


def _is_black(text: SeenText, plan: RedactionPlan) -> bool:
    """Whether a text lies in what is blanked already on the frames that show it: then there is nothing to read."""
    left, top, _, _ = plan.crop
    rows = slice(max(0, text.top) + top, text.bottom + top)
    columns = slice(max(0, text.left) + left, text.right + left)
    return all(bool(plan.blanked(frame)[rows, columns].all()) for frame in range(text.frame_first, text.frame_last + 1))
