"""The written object is read again and looked at again. Doubt holds; text that is found is handed back to be mended.

Compared: every sample of every frame with what was planned, the identity with what was made, and the identifiers of
the original with the header, the coded bytes and the recognised text. The rule of this file: it trusts the file and
nothing that was in memory while the file was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.frames.read import open_instance
from pipeline.reasons import Held, Reason
from pipeline.text_search import as_findings, merged

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from pydicom import Dataset

    from pipeline.detectors import FoundText
    from pipeline.frames.read import OpenInstance
    from pipeline.header.identifiers import Identifiers
    from pipeline.records import TextFinding
    from pipeline.redact import Output
    from pipeline.text_search import KeepRule, Scanner

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


def verify_pixels(path: Path, output: Output, scanner: Scanner | None, keep: KeepRule) -> tuple[TextFinding, ...]:
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
    residual: list[TextFinding] = []
    with open_instance(path) as written:
        frames = written.frames
        if frames is None or frames.description != output.description:
            raise Held(Reason.VERIFICATION_FAILED, "the written pixels are described otherwise than planned")
        for index in range(len(frames)):
            decoded = frames.decoded(index)
            if not output.is_as_planned(index, decoded.samples):
                raise Held(Reason.VERIFICATION_FAILED, "a written frame differs from the planned one")
            if scanner is not None:
                regions = scanner.read(frames.show(decoded, index))
                residual.extend(_left_over(regions, index, output, keep))
    return merged(residual)


def _left_over(regions: tuple[FoundText, ...], frame: int, output: Output, keep: KeepRule) -> list[TextFinding]:
    left, top, right, bottom = output.plan.crop
    blanked = output.plan.blanked(frame)[top:bottom, left:right]
    readable = [region for region in regions if not keep.keeps(region.text) and not _is_black(region, blanked)]
    return as_findings(readable, frame, output.plan.cone, keep, rule="verify", offset=(left, top))


def _is_black(region: FoundText, blanked: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> bool:
    """Whether a region lies in what is blanked already: then there is nothing in it to read."""
    part = blanked[max(0, region.top) : region.bottom, max(0, region.left) : region.right]
    return bool(part.all())
