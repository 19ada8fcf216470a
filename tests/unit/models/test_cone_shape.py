"""Distances and corners of the cone's shapes."""

import numpy as np
import pytest

from models.cone.shape import corners_of, fan_distance, sides_distance, sides_of, window_distance

_FAN = np.array([100.0, 10.0, 0.0, np.radians(40), 30.0, 120.0])


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(100, 100, 30), (100, 50, 10), (100, 135, -5), (100, 35, -5), (190, 20, None), (100, 85, 45)],
)
def test_a_fan_is_positive_inside_and_its_distances_are_pixels(x, y, expected):
    """On the axis the nearest border is an arc; beside the fan the distance is negative."""
    distance = float(fan_distance(_FAN, np.float64(x), np.float64(y), flat_near=False))

    if expected is None:
        assert distance < 0
    else:
        assert distance == pytest.approx(expected)


def test_a_turned_fan_is_the_same_fan_turned():
    """Turning axis and point together by a quarter changes nothing; positive turns towards the right."""
    turned = _FAN.copy()
    turned[2] = np.pi / 2
    ahead = fan_distance(_FAN, np.float64(115), np.float64(90), flat_near=False)

    beside = fan_distance(turned, np.float64(100 + 80), np.float64(10 - 15), flat_near=False)

    assert float(beside) == pytest.approx(float(ahead))


def test_a_flat_near_side_is_the_chord():
    """The point between chord and arc is inside only when the near side is flat."""
    chord_y = 10 + 30 * np.cos(np.radians(40))
    between = np.float64((chord_y + 40) / 2)

    assert fan_distance(_FAN, np.float64(100), between, flat_near=True) > 0
    assert fan_distance(_FAN, np.float64(100), between, flat_near=False) < 0


def test_a_fan_wider_than_a_half_circle_keeps_its_flanks():
    """Beyond 180 degrees of opening the two flanks are joined, not intersected."""
    wide = np.array([0.0, 0.0, 0.0, np.radians(120), 5.0, 50.0])

    assert fan_distance(wide, np.float64(30), np.float64(-5), flat_near=False) > 0
    assert fan_distance(wide, np.float64(0), np.float64(-30), flat_near=False) < 0


def test_corners_and_sides_are_inverse():
    """A trapezoid's corners come back from its sides, in order."""
    corners = np.array([[20.0, 10.0], [80.0, 12.0], [95.0, 90.0], [5.0, 88.0]])

    assert corners_of(sides_of(corners)) == pytest.approx(corners)


def test_a_polygon_is_positive_inside():
    """The centre of a square is half its side from the border, a point beside it negative."""
    square = sides_of(np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]]))

    assert float(sides_distance(square, np.float64(5), np.float64(5))) == pytest.approx(5)
    assert float(sides_distance(square, np.float64(12), np.float64(5))) == pytest.approx(-2)


def test_an_infinite_window_cuts_nothing():
    """Every point is infinitely far inside a window without sides."""
    endless = (-np.inf, -np.inf, np.inf, np.inf)

    assert np.isposinf(window_distance(endless, np.float64(3), np.float64(4)))
