"""Into how many parts a JPEG 2000 codestream says that it is cut: a few bytes can say millions.

A decoder keeps a record of each tile, precinct and code-block, whether anything is coded there or not, and some of
these take more than a kilobyte. Rule of the file: numbers only, from the segments of ISO/IEC 15444-1, annex A.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MOST_TILES, MOST_PRECINCTS, MOST_BLOCKS = 8192, 100_000, 1_000_000
"""More than a frame of half a gigabyte has by any encoder's defaults; each stands for some 150 MB of records."""
_COD, _COC = 0xFF52, 0xFF53
_LONGEST_WITH_BYTE = 256
"""Up to so many components, COC names one by a byte, else by two."""
_LARGEST = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What the size segment says.

    Parameters
    ----------
    samples
        Of all components together.
    tiles
        How many there are.
    """

    samples: int
    components: int
    tiles: int


def image_of(size: bytes) -> Image:
    """Read a size segment, from its length on."""
    columns, rows, left, top, wide, high, first, upper = struct.unpack_from(">8L", size, 4)
    (components,) = struct.unpack_from(">H", size, 36)
    across, down = -(-(columns - first) // max(1, wide)), -(-(rows - upper) // max(1, high))
    return Image(samples=(columns - left) * (rows - top) * components, components=components, tiles=across * down)


def has_too_many_tiles(image: Image) -> bool:
    """Tell whether a picture has more tiles than is allowed."""
    return image.tiles > MOST_TILES


def has_too_many_parts(image: Image, marker: int, segment: bytes) -> bool:
    """Tell whether a coding style would cut the picture into too many precincts or code-blocks.

    It is judged as if it held for every component and tile. The one precinct that each of those has at least is not
    counted: there are not too many tiles.

    Parameters
    ----------
    segment
        From its length on; those other than COD and COC say nothing about parts.
    """
    if marker not in (_COD, _COC):
        return False
    at = 7 if marker == _COD else 4 if image.components <= _LONGEST_WITH_BYTE else 5
    has_precincts = segment[2 if marker == _COD else at - 1] & 1
    levels, wide, high = segment[at], segment[at + 1] + 2, segment[at + 2] + 2
    sizes = segment[at + 5 : at + 6 + levels] if has_precincts else bytes([_LARGEST << 4 | _LARGEST]) * (levels + 1)
    precincts = blocks = 0
    for level, size in enumerate(sizes):
        samples = image.samples >> 2 * (levels - level)
        across, down = size & 15, size >> 4
        precincts += samples >> across + down
        inner = level > 0  # its precincts are cut in the bands, of half the size
        blocks += samples >> max(0, min(wide, across - inner)) + max(0, min(high, down - inner))
    return precincts > MOST_PRECINCTS or blocks > MOST_BLOCKS
