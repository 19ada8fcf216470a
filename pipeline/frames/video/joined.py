"""The fragments of one stream as one file that can be read and sought, whatever else reads the object.

The rule of this file: nothing is kept but a position.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.frames.fragments import Fragment


class JoinedFragments:
    """A file that consists of fragments of another one.

    Parameters
    ----------
    stream
        The object's file; it is sought before every read, so that several may read it by turns.
    """

    def __init__(self, stream: BinaryIO, fragments: Sequence[Fragment]) -> None:
        self._stream = stream
        self._fragments = fragments
        self._starts = [0, *accumulate(fragment.length for fragment in fragments)]
        self._position = 0

    @property
    def length(self) -> int:
        """In bytes."""
        return self._starts[-1]

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes from the position on; fewer only at the end."""
        left = self.length - self._position
        wanted = left if size < 0 else min(size, left)
        parts = []
        while wanted > 0:
            at = bisect_right(self._starts, self._position) - 1
            offset = self._position - self._starts[at]
            count = min(wanted, self._fragments[at].length - offset)
            self._stream.seek(self._fragments[at].offset + offset)
            part = self._stream.read(count)
            if not part:
                break
            parts.append(part)
            self._position += len(part)
            wanted -= len(part)
        return b"".join(parts)
