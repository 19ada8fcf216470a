"""Native pixel data: bytes of one frame ⇄ array of samples (PS3.5, section 8.1 and annex D).

Pure NumPy. Arrays are (rows, columns) or (rows, columns, 3) in the machine's byte order; both directions stand
side by side, because one must undo the other exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.frames.description import PixelDescription


def frame_from_bytes(data: bytes, description: PixelDescription, *, little_endian: bool) -> NDArray[Any]:
    """Turn the bytes of one frame into samples, unused bits untouched.

    Parameters
    ----------
    data
        Exactly one frame. One-bit frames are given as one byte per sample (see `unpack_bits`).

    Returns
    -------
    array
        Shape and dtype of `description`. Subsampled colour is repeated to full width.
    """
    d = description
    wire = d.dtype.newbyteorder("<" if little_endian else ">")
    flat = np.frombuffer(data, dtype=wire).astype(d.dtype, copy=False)
    if d.is_subsampled:
        return _expand_422(flat.reshape(d.rows, d.columns // 2, 4))
    if d.samples == 1:
        return flat.reshape(d.rows, d.columns)
    if d.planar:
        return np.ascontiguousarray(np.moveaxis(flat.reshape(d.samples, d.rows, d.columns), 0, -1))
    return flat.reshape(d.rows, d.columns, d.samples)


def frame_to_bytes(frame: NDArray[Any], description: PixelDescription, *, little_endian: bool) -> bytes:
    """Undo `frame_from_bytes`.

    Parameters
    ----------
    frame
        As `frame_from_bytes` returned it; of subsampled colour the left pixel of each pair gives the colour.
    """
    d = description
    if d.is_subsampled:
        frame = _join_422(frame)
    elif d.samples > 1 and d.planar:
        frame = np.moveaxis(frame, -1, 0)
    wire = d.dtype.newbyteorder("<" if little_endian else ">")
    return np.ascontiguousarray(frame).astype(wire, copy=False).tobytes()


def _expand_422(packed: NDArray[Any]) -> NDArray[Any]:
    rows, pairs, _ = packed.shape
    frame = np.empty((rows, pairs * 2, 3), dtype=packed.dtype)
    frame[:, 0::2, 0] = packed[:, :, 0]
    frame[:, 1::2, 0] = packed[:, :, 1]
    frame[:, :, 1] = np.repeat(packed[:, :, 2], 2, axis=1)
    frame[:, :, 2] = np.repeat(packed[:, :, 3], 2, axis=1)
    return frame


def _join_422(frame: NDArray[Any]) -> NDArray[Any]:
    rows, columns, _ = frame.shape
    packed = np.empty((rows, columns // 2, 4), dtype=frame.dtype)
    packed[:, :, 0] = frame[:, 0::2, 0]
    packed[:, :, 1] = frame[:, 1::2, 0]
    packed[:, :, 2:] = frame[:, 0::2, 1:]
    return packed


def without_unused_bits(frame: NDArray[Any], description: PixelDescription) -> NDArray[Any]:
    """Return samples with the bits above the stored ones cleared, or filled with the sign.

    What stands there is no sample: old objects keep overlay graphics in them (PS3.5, 8.1.1).
    """
    shift = description.dtype.itemsize * 8 - description.bits_stored
    if description.is_float or shift == 0:
        return frame
    low = -(1 << (description.bits_stored - 1)) if description.signed else 0
    if frame.size and low <= frame.min() and frame.max() < low + (1 << description.bits_stored):
        return frame  # nothing stands there: most frames, looked through in a tenth of the time of a copy
    return (frame << shift) >> shift


def hides_bits(frame: NDArray[Any], description: PixelDescription) -> bool:
    """Whether the unused bits carry anything but zeros or the sign of every sample."""
    clean = without_unused_bits(frame, description)
    if clean is frame or np.array_equal(clean, frame):
        return False
    if not description.signed:
        return True
    return not np.array_equal(clean & ((1 << description.bits_stored) - 1), frame)


def unpack_bits(data: bytes, first_bit: int, count: int) -> bytes:
    """One byte (0 or 1) for each of `count` bits from `first_bit` on, lowest bit first (PS3.5, 8.1.1)."""
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little")
    return bits[first_bit : first_bit + count].tobytes()


def pack_bits(samples: NDArray[np.uint8]) -> bytes:
    """Undo `unpack_bits`; the last byte is filled up with zeros."""
    return np.packbits(samples, bitorder="little").tobytes()


def swap_words(data: bytes) -> bytes:
    """Bytes of an even number with each pair exchanged: 8-bit samples sent as big endian words."""
    return np.frombuffer(data, dtype=np.uint16).byteswap().tobytes()
