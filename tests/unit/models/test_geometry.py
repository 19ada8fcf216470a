"""Boxes there and back, and tiles without seams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.geometry import FEW_SHAPES, Box, Scaling, stitched

sides = st.integers(min_value=1, max_value=3000)


@given(rows=sides, columns=sides, factor=st.floats(0.3, 4), shares=st.tuples(*[st.floats(0, 1)] * 4))
def test_a_box_mapped_there_and_back_covers_itself(rows, columns, factor, shares):
    """Rounding goes outwards, never past the frame, and by little."""
    scaling = Scaling(rows=rows, columns=columns, factor=factor)
    left, right = sorted(round(share * columns) for share in shares[:2])
    top, bottom = sorted(round(share * rows) for share in shares[2:])
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    across, down = scaling.scaled_columns / columns, scaling.scaled_rows / rows

    box = scaling.back(left * across, top * down, right * across, bottom * down, score=0.5)

    if left >= columns or top >= rows:
        assert box is None
        return
    assert 0 <= box.left <= left < min(right, columns) <= box.right <= columns
    assert 0 <= box.top <= top < min(bottom, rows) <= box.bottom <= rows
    assert box.width <= right - left + 1
    assert box.height <= bottom - top + 1


def test_a_box_outside_the_frame_is_none():
    """Padding is no part of the frame."""
    scaling = Scaling(rows=10, columns=10, factor=1)

    assert scaling.back(12, 0, 15, 5, score=1) is None


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_a_resize_keeps_the_axes(shape):
    """Grey stays grey, colour stays colour, and a factor of one costs nothing."""
    image = np.zeros(shape, dtype=np.uint8)

    assert Scaling(rows=5, columns=7, factor=2).apply(image).shape == (10, 14, *shape[2:])
    assert Scaling(rows=5, columns=7, factor=1).apply(image) is image


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (100, 37), (600, 800), (33, 2100), (1217, 601)])
@pytest.mark.parametrize("limit", [20_000, 300_000])
@pytest.mark.parametrize("multiple", [32, FEW_SHAPES])
def test_tiles_put_together_are_the_whole(shape, stride, limit, multiple):
    """Every pixel comes from exactly the right place, and no call is larger than allowed."""
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    largest = 0

    def network(tile):
        nonlocal largest
        largest = max(largest, tile.shape[0] * tile.shape[1])
        assert tile.shape[0] % multiple == tile.shape[1] % multiple == 0
        return tile[::stride, ::stride].transpose(2, 0, 1)

    maps = stitched(image, network, limit_px=limit, margin_px=32, stride=stride, multiple=multiple)

    assert np.array_equal(maps, image[::stride, ::stride].transpose(2, 0, 1))
    assert largest <= max(limit, 128 * 128) * (1 if multiple == 32 else 4)


def test_what_a_tile_sees_at_its_inner_edges_is_not_used():
    """A network that is blind near the edges of what it is given leaves no seam."""
    image = np.full((500, 700, 2), 9, dtype=np.uint8)

    def network(tile):
        seen = tile.transpose(2, 0, 1).copy()
        seen[:, :16] = seen[:, -16:] = seen[:, :, :16] = seen[:, :, -16:] = 0
        return seen

    maps = stitched(image, network, limit_px=60_000, margin_px=64)

    assert (maps[0, 16:480, 16:680] == 9).all()


def test_covering_counts_area():
    """Half covered is half."""
    wide = Box(left=0, top=0, right=10, bottom=10, score=1)
    right_half = Box(left=5, top=0, right=15, bottom=10, score=1)

    assert wide.covers(right_half, 0.5)
    assert not wide.covers(right_half, 0.51)
