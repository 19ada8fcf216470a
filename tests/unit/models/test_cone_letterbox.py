"""The cone network's resize, there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cone.letterbox import SIDE_PX, Letterbox

_sides = st.integers(1, 900)


@given(rows=_sides, columns=_sides)
def test_every_image_size_fills_one_side_of_the_square(rows, columns):
    """The inner box is within the square, touches two of its sides and keeps the aspect to a pixel."""
    left, top, right, bottom = Letterbox(rows=rows, columns=columns).inner

    assert 0 <= left < right <= SIDE_PX
    assert 0 <= top < bottom <= SIDE_PX
    assert max(right - left, bottom - top) == SIDE_PX
    assert abs((bottom - top) - max(1, SIDE_PX * rows / max(rows, columns))) <= 0.5


@settings(max_examples=40)
@given(rows=st.integers(40, 700), columns=st.integers(40, 700), seed=st.integers(0, 1000))
def test_a_rectangle_comes_back_to_its_place(rows, columns, seed):
    """A mask sent to the square and back differs by no more than its border's width there."""
    rng = np.random.default_rng(seed)
    top, bottom = sorted(rng.choice(rows, 2, replace=False))
    left, right = sorted(rng.choice(columns, 2, replace=False))
    mask = np.zeros((rows, columns), dtype=np.uint8)
    mask[top:bottom, left:right] = 255
    box = Letterbox(rows=rows, columns=columns)

    back = box.to_image(box.to_network(mask)) > 0.5

    border_px = 1 + max(rows, columns) / SIDE_PX
    assert (back != (mask > 0)).sum() <= 2 * ((bottom - top) + (right - left) + 2 * border_px) * border_px


def test_points_and_pixels_move_alike():
    """A lone bright pixel lands where the point of its centre is said to land."""
    box = Letterbox(rows=512, columns=768)
    image = np.zeros((512, 768), dtype=np.uint8)
    image[300:303, 600:603] = 255
    square = box.to_network(image)
    row, column = np.unravel_index(square.argmax(), square.shape)

    x, y = box.points_to_image(np.array([[float(column), float(row)]]))[0]

    assert (x, y) == pytest.approx((601, 301), abs=2.0)


def test_colour_and_grey_of_the_same_picture_are_the_same_input():
    """An RGB image with three equal channels reads like its grey one."""
    grey = np.random.default_rng(1).integers(0, 256, (120, 200), dtype=np.uint8)
    box = Letterbox(rows=120, columns=200)

    difference = np.abs(box.to_network(grey) - box.to_network(np.stack([grey] * 3, axis=-1)))

    assert difference.max() <= 1.5 / 255


def test_an_image_of_another_size_is_refused():
    """A letterbox belongs to one image size."""
    with pytest.raises(ValueError, match="size"):
        Letterbox(rows=10, columns=20).to_network(np.zeros((20, 10), dtype=np.uint8))


def test_an_empty_image_has_no_letterbox():
    """Zero rows are refused."""
    with pytest.raises(ValueError, match="at least one"):
        Letterbox(rows=0, columns=20)
