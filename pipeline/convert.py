"""An output of the pipeline → the same object as Explicit VR Little Endian, for a target that refuses its syntax.

Nothing is lost: every frame is decoded, written as samples, read again and compared. What lost information long ago
is decoded, never coded with loss again. The same input gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset

from pipeline.frames.read import open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.frames.syntaxes import EXPLICIT_LITTLE, SYNTAXES
from pipeline.frames.write import with_swapped_words, write_instance
from pipeline.plan import uncropped_plan
from pipeline.reasons import Held, Reason
from pipeline.redact import as_explicit_little, native_pixels

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.frames.read import OpenInstance
    from pipeline.redact import Output


def to_explicit_little_endian(source: Path, output: Path) -> None:
    """Convert a finished object; its header, identity and shown pixels stay.

    Parameters
    ----------
    source
        A file that the pipeline wrote; it is only read.
    output
        Written over what may be there; nothing is there afterwards if this raises.

    Raises
    ------
    Held
        `UNDECODABLE`, `RESOURCE_LIMIT`, or `VERIFICATION_FAILED` where the written frames are not the read ones.
    """
    try:
        with quiet_libraries(), open_instance(source) as opened:
            converted = _convert(opened, output)
            if converted is not None:
                _compare(output, converted)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def _convert(opened: OpenInstance, output: Path) -> Output | None:
    header = Dataset()
    header.update(opened.header)
    if opened.source_syntax_uid in SYNTAXES and not SYNTAXES[opened.source_syntax_uid].little_endian:
        header = with_swapped_words(header)
    if opened.frames is None:
        write_instance(output, header, SYNTAXES[EXPLICIT_LITTLE], None)
        return None
    converted = as_explicit_little(opened.frames, uncropped_plan(opened.frames.description))
    header.PhotometricInterpretation = converted.description.photometric
    if converted.description.samples > 1:
        header.PlanarConfiguration = converted.description.planar
    write_instance(output, header, converted.syntax, native_pixels(converted))
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
