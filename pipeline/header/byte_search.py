"""Many byte strings looked for at once in bytes of any size, ASCII letters in any case.

Rule of the file: no clip is too large to be looked at. A regular expression of two hundred alternatives reads a few
megabytes a second; here pairs of bytes are looked up in tables, and only where three pairs in a row fit is anything
compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

SHORTEST = 8
_CHUNK_BYTES = 1 << 21
_LOWER = bytes(range(256)).lower()
_FEW_BYTES = 256
_PAIRS = 1 << 16
_WORD_BYTES = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteSearch:
    """Lower-case patterns of at least 8 bytes.

    Parameters
    ----------
    whole
        Count only where neither neighbour is an ASCII letter or digit.
    anywhere
        Count wherever they stand (UTF-16, where neighbours are not characters).
    """

    whole: frozenset[bytes] = field(repr=False)
    anywhere: frozenset[bytes] = field(repr=False)

    def finds(self, raw: bytes | bytearray | memoryview) -> bool:
        """Tell whether a pattern stands in `raw`."""
        by_head, longest = _heads(self.whole, self.anywhere)
        if not by_head:
            return False
        if len(raw) <= _FEW_BYTES:
            small = bytes(raw).translate(_LOWER)
            return self._finds_at(small, range(len(small) - SHORTEST + 1), by_head)
        tables = _tables(self.whole, self.anywhere)
        return any(
            self._finds_at(chunk, (at for at in _candidates(chunk, tables) if at in own), by_head)
            for chunk, own in _chunks(raw, longest)
        )

    def _finds_at(self, chunk: bytes, positions: Iterable[int], by_head: Mapping[bytes, list[bytes]]) -> bool:
        return any(
            self._stands_at(chunk, position, pattern)
            for position in positions
            for pattern in by_head.get(chunk[position : position + SHORTEST], ())
        )

    def _stands_at(self, chunk: bytes, position: int, pattern: bytes) -> bool:
        if not chunk.startswith(pattern, position):
            return False
        end = position + len(pattern)
        alone = chunk[max(position - 1, 0) : position] + chunk[end : end + 1]
        return pattern in self.anywhere or _WORD_BYTES.isdisjoint(alone)


@lru_cache(maxsize=2)
def _heads(whole: frozenset[bytes], anywhere: frozenset[bytes]) -> tuple[Mapping[bytes, list[bytes]], int]:
    """Return the patterns by their first 8 bytes, and the length of the longest."""
    by_head: dict[bytes, list[bytes]] = {}
    for pattern in whole | anywhere:
        by_head.setdefault(pattern[:SHORTEST], []).append(pattern)
    return by_head, max(map(len, whole | anywhere), default=0)


@lru_cache(maxsize=2)
def _tables(whole: frozenset[bytes], anywhere: frozenset[bytes]) -> list[NDArray[np.bool_]]:
    by_head, _longest = _heads(whole, anywhere)
    return [_pairs_at(by_head, offset) for offset in (0, 2, 4)]


def _pairs_at(heads: Mapping[bytes, list[bytes]], offset: int) -> NDArray[np.bool_]:
    table = np.zeros(_PAIRS, dtype=np.bool_)
    table[[int.from_bytes(head[offset : offset + 2], "little") for head in heads]] = True
    return table


def _chunks(raw: bytes | bytearray | memoryview, longest: int) -> Iterator[tuple[bytes, range]]:
    """Yield pieces of `raw` in lower case and which positions in them are theirs.

    Pieces overlap by the longest pattern and a neighbour on each side, so that every pattern that starts at one of a
    piece's own positions lies in it whole, neighbours included.
    """
    view = memoryview(raw).cast("B")
    for start in range(0, len(view), _CHUNK_BYTES):
        before = min(start, 1)
        piece = bytes(view[start - before : start + _CHUNK_BYTES + longest + 1]).translate(_LOWER)
        yield piece, range(before, before + _CHUNK_BYTES)


def _candidates(chunk: bytes, tables: list[NDArray[np.bool_]]) -> Iterator[int]:
    """Yield where three pairs of bytes in a row are those of a pattern's head."""
    first, second, third = tables
    for offset in (0, 1):
        pairs = np.frombuffer(chunk, dtype="<u2", offset=offset, count=max(len(chunk) - offset, 0) // 2)
        found = np.flatnonzero(first[pairs[:-3]])
        found = found[second[pairs[found + 1]]]
        found = found[third[pairs[found + 2]]]
        yield from (found * 2 + offset).tolist()
