"""The coefficients of a JPEG, changed in place by libjpeg-turbo's lossless transform (`tjTransform`), through ctypes.

libturbojpeg is a library of the system (Debian: libturbojpeg0), not of Python; where it is missing `load` says so and
redacted JPEG is written without loss instead. Errors of the library are translated here.
Rule of the file: it knows blocks and rows of blocks, nothing of DICOM and nothing of what is blanked.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

BLOCK = 8
"""Rows and columns of a block of coefficients."""
_COEFFICIENTS = BLOCK * BLOCK
_CROP, _COPY_NONE = 4, 64
_SONAMES = ("libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.dylib")


class TransformFailedError(Exception):
    """libjpeg-turbo could not transform the codestream: damaged, or a process or sampling that it does not know."""


class _Region(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int), ("w", ctypes.c_int), ("h", ctypes.c_int))


_Filter = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, _Region, _Region, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


class _Transform(ctypes.Structure):
    _fields_ = (
        ("r", _Region),
        ("op", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("customFilter", _Filter),
    )


@lru_cache(maxsize=1)
def load() -> ctypes.CDLL | None:
    """Return libturbojpeg with its functions declared; None where the system does not have it."""
    for name in (*_SONAMES, ctypes.util.find_library("turbojpeg")):
        if name is None:
            continue
        try:
            library = ctypes.CDLL(name)
            _declare(library)
        except (OSError, AttributeError):
            continue
        return library
    return None


def _declare(library: ctypes.CDLL) -> None:
    library.tjInitTransform.restype = ctypes.c_void_p
    library.tjDestroy.argtypes = (ctypes.c_void_p,)
    library.tjFree.argtypes = (ctypes.c_void_p,)
    library.tjTransform.argtypes = (
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_ulong,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_void_p),
        ctypes.POINTER(ctypes.c_ulong),
        ctypes.POINTER(_Transform),
        ctypes.c_int,
    )


def transform(
    codestream: bytes,
    crop: tuple[int, int, int, int],
    change: Callable[[int, int, NDArray[np.int16]], None],
    touched: Sequence[Sequence[bool]],
) -> bytes:
    """Return the same JPEG cropped, with some coefficients changed and all others as they are.

    Parameters
    ----------
    codestream
        Sequential, Huffman coded, 8 bits.
    crop
        left, top, right, bottom in pixels; left and top lie on the grid of minimum coded units.
    change
        Called for rows of blocks with the component's number, the number of the row in the cropped component, and the
        coefficients, int16 (blocks, 64), in natural order, DC first; it changes them there.
    touched
        For which rows of each component it is called.

    Raises
    ------
    TransformFailedError
        Whatever the library says, warnings about damage included.
    """
    library = load()
    if library is None:
        raise TransformFailedError("libturbojpeg is missing")
    failures: list[Exception] = []
    left, top, right, bottom = crop
    step = _Transform(
        r=_Region(left, top, right - left, bottom - top),
        op=0,
        options=_CROP | _COPY_NONE,
        data=None,
        customFilter=_Filter(_row_filter(change, touched, failures)),
    )
    handle = library.tjInitTransform()
    if not handle:
        raise TransformFailedError("no transformer")
    made, size = ctypes.c_void_p(), ctypes.c_ulong()
    try:
        status = library.tjTransform(
            handle, codestream, len(codestream), 1, ctypes.byref(made), ctypes.byref(size), ctypes.byref(step), 0
        )
        if failures:
            raise failures[0]
        if status != 0 or not made.value:
            raise TransformFailedError("the transform was refused")
        return ctypes.string_at(made.value, size.value)
    finally:
        if made.value:
            library.tjFree(made)
        library.tjDestroy(handle)


def _row_filter(
    change: Callable[[int, int, NDArray[np.int16]], None],
    touched: Sequence[Sequence[bool]],
    failures: list[Exception],
) -> Callable[..., int]:
    def row_filter(address: int, row: _Region, _plane: _Region, component: int, _number: int, _transform: Any) -> int:
        try:
            if not touched[component][row.y // BLOCK]:
                return 0
            values = (ctypes.c_short * (row.w * BLOCK)).from_address(address)
            coefficients = np.frombuffer(values, dtype=np.int16).reshape(-1, _COEFFICIENTS)
            change(component, row.y // BLOCK, coefficients)
        except Exception as error:  # noqa: BLE001  an exception cannot cross the C library; it is raised behind it
            failures.append(error)
            return -1
        return 0

    return row_filter
