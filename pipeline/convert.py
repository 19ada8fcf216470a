"""An output of the pipeline → the same object in a syntax that a target takes, for one that refuses its own.

Nothing is lost: every frame is decoded, written in the other syntax, read again and compared. What lost information
long ago is decoded, never coded with loss again. The same input gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset

from pipeline.frames.decode import CannotEncodeError
from pipeline.frames.read import open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.frames.syntaxes import SYNTAXES
from pipeline.frames.write import with_swapped_words, write_instance
from pipeline.plan import uncropped_plan
from pipeline.reasons import Held, Reason
from pipeline.redact import in_syntax, pixels_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.frames.read import OpenInstance
    from pipeline.frames.syntaxes import Syntax
    from pipeline.redact import Output

WRITTEN_WITHOUT_LOSS = frozenset(uid for uid, syntax in SYNTAXES.items() if syntax.rewritten_uid == uid)
"""The syntaxes in which an object can be written anew."""


def convert_losslessly(source: Path, output: Path, accepted: Sequence[str]) -> str:
    """Convert a finished object; its header, identity and shown pixels stay.

    Parameters
    ----------
    source
        A file that the pipeline wrote; it is only read.
    output
        Written over what may be there; nothing is there afterwards if this raises.
    accepted
        Transfer syntax UIDs that the target takes, the preferred first.

    Returns
    -------
    str
        The one it is written in: the first that this object can be written in without loss.

    Raises
    ------
    Held
        `NOT_ACCEPTED_BY_TARGET` where it can be written in none of them; `UNDECODABLE`, `RESOURCE_LIMIT`, or
        `VERIFICATION_FAILED` where the written frames are not the read ones.
    """
    try:
        return _converted_to_first(source, output, accepted)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def _converted_to_first(source: Path, output: Path, accepted: Sequence[str]) -> str:
    with quiet_libraries(), open_instance(source) as opened:
        for uid in accepted:
            if uid in WRITTEN_WITHOUT_LOSS and _is_written(opened, output, SYNTAXES[uid]):
                return uid
    raise Held(Reason.NOT_ACCEPTED_BY_TARGET, "it can be written without loss in no syntax that the target takes")


def _is_written(opened: OpenInstance, output: Path, syntax: Syntax) -> bool:
    """Write and compare; False where the syntax cannot hold such an object or its encoder such samples."""
    if syntax.encapsulated and (opened.frames is None or opened.frames.description.is_float):
        return False
    if opened.frames is not None and opened.frames.syntax.is_video:
        return False  # a hundred times larger, and in colours of which no native syntax has four pixels share one
    try:
        converted = _convert(opened, output, syntax)
    except CannotEncodeError:
        return False
    if converted is not None:
        _compare(output, converted)
    return True


def _convert(opened: OpenInstance, output: Path, syntax: Syntax) -> Output | None:
    header = Dataset()
    header.update(opened.header)
    if opened.source_syntax_uid in SYNTAXES and not SYNTAXES[opened.source_syntax_uid].little_endian:
        header = with_swapped_words(header)
    if opened.frames is None:
        write_instance(output, header, syntax, None)
        return None
    converted = in_syntax(opened.frames, uncropped_plan(opened.frames.description), syntax)
    header.PhotometricInterpretation = converted.description.photometric
    if converted.description.samples > 1:
        header.PlanarConfiguration = converted.description.planar
    write_instance(output, header, converted.syntax, pixels_of(converted))
    return converted


def _compare(output: Path, converted: Output) -> None:
    with open_instance(output) as written:
        frames = written.frames
        if frames is None or frames.description != converted.description:
            raise Held(Reason.VERIFICATION_FAILED, "the converted pixels are described otherwise than planned")
        for index in range(len(frames)):
            expected = converted.samples(index)
            if not np.array_equal(frames.decoded(index).samples, expected, equal_nan=converted.description.is_float):
                raise Held(Reason.VERIFICATION_FAILED, "a converted frame differs from the original one")
