"""Synthetic screens: deterministic, labelled, varied."""

import numpy as np
import pytest

from models.training.screen_shapes import Fan, draw_fan, draw_quadrilateral, fan_extent
from models.training.screens import render_screen
from models.training.screens_sheet import contact_sheet


def test_a_seed_is_a_screen():
    """The same seed gives the same bytes, another seed others."""
    first, again, other = render_screen((5, 1)), render_screen((5, 1)), render_screen((5, 2))

    assert first.image.tobytes() == again.image.tobytes()
    assert first.mask.tobytes() == again.mask.tobytes()
    assert first.image.tobytes() != other.image.tobytes()


@pytest.mark.parametrize("run", range(2))
def test_screens_are_images_with_masks(run):
    """Every screen of forty is uint8 RGB with a bool mask of its size."""
    for index in range(20):
        screen = render_screen((run, index))

        assert screen.image.dtype == np.uint8
        assert screen.mask.dtype == bool
        assert screen.image.shape == (*screen.mask.shape, 3)


def test_some_screens_have_no_cone_and_most_have_one():
    """A few in a hundred teach that there may be nothing."""
    shares = np.array([render_screen((9, index)).mask.mean() for index in range(90)])

    assert 0.02 < (shares == 0).mean() < 0.2
    assert (shares > 0.05).mean() > 0.75


def test_something_shows_within_every_cone():
    """A cone of which nothing shows could not be labelled by anyone."""
    for index in range(40):
        screen = render_screen((10, index))
        if screen.mask.any():
            assert (screen.image[screen.mask].max(axis=-1) > 12).mean() > 0.01


def test_chrome_is_drawn_outside_the_mask():
    """Bright pixels outside the cone are common: the model cannot learn that bright means cone."""
    shares = []
    for index in range(40):
        screen = render_screen((12, index))
        shares.append(((screen.image.max(axis=-1) > 120) & ~screen.mask).mean())

    assert np.mean(np.array(shares) > 0.005) > 0.4


@pytest.mark.parametrize("flat_near", [False, True])
def test_a_fan_lies_within_its_extent(flat_near):
    """The computed bounding box is that of the pixels."""
    fan = Fan(
        apex=(150.0, 20.0),
        inner_px=40.0,
        outer_px=180.0,
        axis_rad=0.2,
        half_rad=0.6,
        flat_near=flat_near,
        flat_far_px=np.inf,
    )
    rows, columns = np.nonzero(draw_fan(300, 400, fan).mask)

    left, top, right, bottom = fan_extent(fan)

    assert (columns.min(), rows.min()) == pytest.approx((left, top), abs=2)
    assert (columns.max(), rows.max()) == pytest.approx((right, bottom), abs=2)


def test_beams_of_a_window_run_from_its_near_to_its_far_side():
    """Depth is 0 at the near side and 1 at the far one, lateral likewise."""
    corners = np.array([[20, 10], [80, 10], [80, 90], [20, 90]], dtype=np.float32)

    cone = draw_quadrilateral(100, 100, corners)

    assert cone.depth[10, 50] == pytest.approx(0, abs=1e-5)
    assert cone.depth[90, 50] == pytest.approx(1, abs=1e-5)
    assert cone.lateral[50, 20] == pytest.approx(0, abs=1e-5)
    assert cone.mask.sum() == pytest.approx(60 * 80, rel=0.03)


def test_a_contact_sheet_shows_all_screens():
    """Three screens in rows of two: two rows of tiles, outlines in green."""
    screens = [render_screen((1, index)) for index in range(3)]

    sheet = contact_sheet(screens, segmenter=None, across=2, tile_px=100)

    assert sheet.shape == (200, 200, 3)
    assert sheet.dtype == np.uint8
