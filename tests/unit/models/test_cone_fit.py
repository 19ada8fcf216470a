"""Masks of known shapes → the shapes."""

import numpy as np
import pytest

from models.cone.fit import fit_shape
from models.cone.shape import ShapeKind, corners_of, fan_distance, sides_distance, sides_of

_X, _Y = np.arange(256.0)[None, :], np.arange(256.0)[:, None]
_WHOLE = (0, 0, 256, 256)


def _soft(distance):
    """Probabilities as a good network gives them: 0.5 on the border, a pixel wide."""
    return np.clip(distance + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("fan", "flat"),
    [
        ([128, 20, 0, 42, 0, 200], False),
        ([128, -20, 0, 33, 60, 240], False),
        ([120, 0, 0.2, 40, 30, 190], False),
        ([128, 240, np.pi, 40, 40, 200], False),
        ([20, 128, np.pi / 2, 35, 30, 200], False),
        ([128, 60, 0, 75, 20, 115], False),
        ([128, -60, 0, 20, 90, 290], True),
    ],
)
def test_a_fan_is_recovered(fan, flat):
    """Apex, radii and angles come back to within pixels and a degree; the area to within a percent."""
    wanted = np.array([*fan[:3], np.radians(fan[3]), *fan[4:]])
    drawn = fan_distance(wanted, _X, _Y, flat_near=flat)

    fit = fit_shape(_soft(drawn), threshold=0.5, image=_WHOLE)

    assert fit is not None
    assert fit.agreement > 0.985
    assert fit.kind in {ShapeKind.SECTOR, ShapeKind.CURVILINEAR}
    assert fit.solution[5] + fit.solution[1] == pytest.approx(wanted[5] + wanted[1], abs=3)
    turn = np.angle(np.exp(1j * (fit.solution[2] - wanted[2])))
    assert np.degrees(turn) == pytest.approx(0, abs=1.5)
    assert np.degrees(fit.solution[3] - wanted[3]) == pytest.approx(0, abs=2)


@pytest.mark.parametrize(
    ("corners", "kind"),
    [
        ([[39.5, 29.5], [200.5, 29.5], [200.5, 220.5], [39.5, 220.5]], ShapeKind.LINEAR),
        ([[70, 30], [180, 30], [230, 220], [20, 220]], None),
        ([[20, 60], [160, 60], [220, 200], [80, 200]], ShapeKind.QUADRILATERAL),
    ],
)
def test_a_four_sided_window_is_recovered(corners, kind):
    """Rectangle, trapezoid (which a flat fan may explain too) and steered window."""
    drawn = sides_distance(sides_of(np.array(corners, dtype=float)), _X, _Y)

    fit = fit_shape(_soft(drawn), threshold=0.5, image=_WHOLE)

    assert fit is not None
    assert fit.agreement > 0.985
    if kind is not None:
        assert fit.kind is kind
        assert corners_of(fit.solution) == pytest.approx(np.array(corners, dtype=float), abs=1.5)


def test_a_fan_cut_by_the_image_is_recovered_beyond_the_cut():
    """Flanks and probe's end outside the picture: the arc is found and the cut is no side of the shape."""
    wanted = np.array([128.0, -90.0, 0.0, np.radians(35), 60.0, 330.0])
    drawn = fan_distance(wanted, _X, _Y, flat_near=False)

    fit = fit_shape(_soft(drawn), threshold=0.5, image=_WHOLE)

    assert fit is not None
    assert fit.agreement > 0.985
    assert fit.solution[5] == pytest.approx(330, abs=10)


def test_bites_in_the_outline_are_healed():
    """A mask with dents and a bump yields the shape without them."""
    wanted = np.array([128.0, 20.0, 0.0, np.radians(42), 0.0, 200.0])
    drawn = fan_distance(wanted, _X, _Y, flat_near=False)
    dented = _soft(drawn)
    dented[120:140, 20:80] = 0
    dented[205:, 120:135] = 0

    fit = fit_shape(dented, threshold=0.5, image=_WHOLE)

    assert fit is not None
    healed, whole = fit.distance(_X, _Y) >= 0, drawn >= 0
    assert (healed & whole).sum() / (healed | whole).sum() > 0.97


def test_a_blob_agrees_with_nothing():
    """A shape that is neither fan nor four-sided is reported with low agreement."""
    blob = np.minimum(np.abs(_X - 128) + 0 * _Y < 20, np.abs(_Y - 128) < 120) | (
        (np.abs(_Y - 128) < 20) & (np.abs(_X - 128) < 120)
    )

    fit = fit_shape(blob.astype(np.float32), threshold=0.5, image=_WHOLE)

    assert fit is not None
    assert fit.agreement < 0.8


def test_a_speck_has_no_shape():
    """Too few points on the outline: no fit."""
    speck = np.zeros((256, 256), dtype=np.float32)
    speck[100:102, 100:102] = 1

    assert fit_shape(speck, threshold=0.5, image=_WHOLE) is None
