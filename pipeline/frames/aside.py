"""Decoded frames, put aside in a file without a name: every stage looks at them, and each is decoded once.

A clip is read by the cone, by the search for text, by the painter and by the verification; its frames decoded would
not fit into memory, and decoding them each time costs more than everything else that is done to them. Rule of the
file: it only ever saves time. What was not put aside, or cannot be read back whole, is decoded again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.frames.decode import DecodedFrame
    from pipeline.frames.description import PixelDescription
    from pipeline.frames.stream import Frames

MOST_BYTES = 1 << 30
"""What the frames of one object may take on the disk; those beyond are decoded again."""
_SHARE_OF_FREE = 16
"""And no more than this part of what is free: receiving stops where the disk is full."""


class Aside:
    """Room for decoded frames of one object.

    Parameters
    ----------
    folder
        Where the file without a name is made. It is gone when it is closed, and when the process ends.
    """

    def __init__(self, folder: Path, description: PixelDescription) -> None:
        self._shape, self._dtype = description.shape, description.dtype
        self._frame_bytes = int(np.prod(self._shape)) * self._dtype.itemsize
        self._room = min(MOST_BYTES, shutil.disk_usage(folder).free // _SHARE_OF_FREE) // self._frame_bytes
        self._places: dict[int, tuple[int, str]] = {}
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  closed by `close`

    def put(self, index: int, frame: DecodedFrame) -> None:
        """Put frame `index` aside while there is room."""
        if len(self._places) >= self._room:
            return
        place = len(self._places) * self._frame_bytes
        data = np.ascontiguousarray(frame.samples).reshape(-1).view(np.uint8)
        try:
            is_whole = os.pwrite(self._file.fileno(), data.data, place) == self._frame_bytes
        except OSError:  # the disk is full: there is no more room
            is_whole = False
        if is_whole:
            self._places[index] = (place, frame.photometric)
        else:
            self._room = 0

    def get(self, index: int) -> tuple[np.ndarray[Any, Any], str] | None:
        """Return samples and photometric interpretation of frame `index`; None where it is not here."""
        if index not in self._places:
            return None
        place, photometric = self._places[index]
        samples = np.empty(self._shape, dtype=self._dtype)
        if os.preadv(self._file.fileno(), [samples.reshape(-1).view(np.uint8).data], place) != self._frame_bytes:
            return None
        return samples, photometric

    def close(self) -> None:
        """Give the room back."""
        self._file.close()


@contextmanager
def decoded_once(frames: Frames | None, folder: Path) -> Iterator[None]:
    """Let the frames of an object be decoded once while this lasts; native ones lie in their file as they are."""
    aside = None if frames is None or not frames.syntax.encapsulated else _room(folder, frames.description)
    if frames is None or aside is None:
        yield
        return
    frames.aside = aside
    try:
        yield
    finally:
        frames.aside = None
        aside.close()


def _room(folder: Path, description: PixelDescription) -> Aside | None:
    try:
        return Aside(folder, description)
    except OSError:  # no more files, or a full disk: writing the output will say so, if it matters there
        return None
