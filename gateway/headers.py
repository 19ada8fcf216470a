"""The header of a received file, as rules ask about it.

Rule of the file: reads; what cannot be read is held by whoever asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydicom
from pydicom.multival import MultiValue

from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_header(path: Path) -> pydicom.Dataset:
    """Read everything before the pixels.

    Raises
    ------
    pipeline.reasons.Held
        The bytes cannot be read as DICOM.
    OSError
        The disk does not give them.
    """
    try:
        return pydicom.dcmread(path, stop_before_pixels=True)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a parser makes of damaged bytes, the answer is the same
        raise Held(Reason.UNREADABLE, f"the header cannot be read ({type(error).__name__})") from None


def values(header: pydicom.Dataset, keyword: str) -> Sequence[str]:
    """Return the values of an element at the top level, as text; empty where it is absent.

    Raises
    ------
    pipeline.reasons.Held
        The element cannot be decoded: pydicom does so when it is asked for.
    """
    try:
        value = header.get(keyword)
    except Exception as error:  # noqa: BLE001  as above
        raise Held(Reason.UNREADABLE, f"the header cannot be read ({type(error).__name__})") from None
    if value is None:
        return ()
    if isinstance(value, MultiValue | list | tuple):
        return tuple(str(item) for item in value)
    return (str(value),)


def text(header: pydicom.Dataset, keyword: str) -> str:
    """Return an element as one text, without padding."""
    return "\\".join(values(header, keyword)).strip(" \0")
