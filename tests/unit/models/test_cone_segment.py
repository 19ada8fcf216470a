"""The segmenter around a stand-in network: what it does with whatever probabilities come."""

import numpy as np
import pytest

from models.cone import ACCEPTED_CONFIDENCE, ConeSegmenter, ShapeKind
from models.cone.shape import fan_distance
from models.errors import ModelFailed


class _Given:
    """A network that answers with one map, or with the brightness of its input, and counts its calls."""

    def __init__(self, probability=None):
        self.probability = probability
        self.calls = 0

    def run(self, batch):
        self.calls += 1
        assert batch.shape == (1, 1, 256, 256)
        assert batch.dtype == np.float32
        return [batch if self.probability is None else self.probability[None, None].astype(np.float32)]


def _disc_sector(rows, columns, fan):
    x, y = np.arange(float(columns))[None, :], np.arange(float(rows))[:, None]
    return fan_distance(np.array(fan), x, y, flat_near=False) >= 0


def _dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_a_bright_sector_is_found_on_the_image_it_came_from():
    """Mask, shape and apex are in pixels of the image, not of the network's square."""
    wanted = _disc_sector(600, 800, [400, 40, 0, 0.7, 0, 500])
    image = np.where(wanted, 255, 0).astype(np.uint8)

    found = ConeSegmenter(_Given()).segment(image)

    assert found.mask.shape == (600, 800)
    assert found.mask.dtype == bool
    assert _dice(found.mask, wanted) > 0.985
    assert [shape.kind for shape in found.shapes] == [ShapeKind.SECTOR]
    assert found.shapes[0].apex == pytest.approx((400, 40), abs=6)
    assert found.shapes[0].outer_px == pytest.approx(500, rel=0.03)
    assert found.confidence > ACCEPTED_CONFIDENCE


def test_two_panes_are_both_kept_and_a_speck_is_not():
    """Two panes give two shapes; a bright spot beside them is not part of the mask."""
    image = np.zeros((400, 800), dtype=np.uint8)
    image[50:350, 40:380] = image[50:350, 420:760] = 255
    image[380:395, 10:30] = 255

    found = ConeSegmenter(_Given()).segment(image)

    assert len(found.shapes) == 2
    assert found.mask[200, 200]
    assert found.mask[200, 600]
    assert not found.mask[385:].any()
    assert not found.mask[200, 395:405].any()


def test_holes_are_filled():
    """A dark cyst or a dark label within a pane belongs to the pane."""
    image = np.zeros((300, 300), dtype=np.uint8)
    image[40:260, 40:260] = 255
    image[100:180, 100:180] = 0

    assert ConeSegmenter(_Given(), fit=False).segment(image).mask[140, 140]


@pytest.mark.parametrize("level", [0, 40])
def test_nothing_found_is_an_empty_mask_without_confidence(level):
    """A dark image yields no cone; that is a result, not an error."""
    found = ConeSegmenter(_Given()).segment(np.full((200, 300, 3), level, dtype=np.uint8))

    assert not found.mask.any()
    assert found.confidence == 0.0
    assert found.shapes == ()


def test_an_undecided_network_gives_low_confidence():
    """The same mask from probabilities near one half is not to be trusted."""
    sector = _disc_sector(256, 256, [128, 10, 0, 0.7, 0, 220])
    doubtful = np.where(sector, 0.62, 0.35)

    found = ConeSegmenter(_Given(doubtful)).segment(np.zeros((256, 256), dtype=np.uint8))

    assert found.mask.any()
    assert found.confidence < ACCEPTED_CONFIDENCE


def test_a_mask_no_shape_explains_stays_as_found_and_is_doubted():
    """A cross is returned as it is, without a shape, below the accepted confidence."""
    cross = np.zeros((256, 256))
    cross[20:236, 108:148] = cross[108:148, 20:236] = 1.0

    found = ConeSegmenter(_Given(cross)).segment(np.zeros((256, 256), dtype=np.uint8))

    assert found.shapes == ()
    assert found.confidence < ACCEPTED_CONFIDENCE
    assert _dice(found.mask, cross > 0.5) > 0.98


def test_a_tiny_cone_is_implausible():
    """Two percent of the image is less than a cone takes."""
    tiny = np.zeros((256, 256))
    tiny[100:136, 100:136] = 1.0

    assert ConeSegmenter(_Given(tiny)).segment(np.zeros((256, 256), dtype=np.uint8)).confidence < ACCEPTED_CONFIDENCE


def test_a_shape_reaches_only_a_narrow_rim_beyond_the_network():
    """A corner that the network denied by far is not won back by the fit."""
    bitten = np.zeros((256, 256))
    bitten[30:220, 30:220] = 1.0
    bitten[30:55, 30:55] = 0.0

    found = ConeSegmenter(_Given(bitten)).segment(np.zeros((256, 256), dtype=np.uint8))

    assert len(found.shapes) == 1
    assert found.mask[60:210, 60:210].all()
    assert not found.mask[30:44, 30:44].any()


def test_grey_and_colour_of_one_frame_agree():
    """Three equal channels or one: the same mask."""
    grey = np.where(_disc_sector(300, 400, [200, 20, 0, 0.7, 0, 250]), 230, 0).astype(np.uint8)
    segmenter = ConeSegmenter(_Given())

    first, second = segmenter.segment(grey), segmenter.segment(np.stack([grey] * 3, axis=-1))

    assert (first.mask == second.mask).all()


def test_a_clip_sees_what_no_single_frame_shows_whole():
    """Two halves lit in turn make one cone, from nine looks however long the clip is."""
    network, frames = _Given(), np.zeros((200, 256, 256), dtype=np.uint8)
    frames[0::2, 30:220, 30:130] = 255
    frames[1::2, 30:220, 120:220] = 255

    found = ConeSegmenter(network).segment_clip(frames)

    assert network.calls == 9
    assert _dice(found.mask, frames.max(axis=0) > 0) > 0.97


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [np.zeros((20, 20), dtype=np.uint16)],
        [np.zeros((20, 20, 4), dtype=np.uint8)],
        [np.zeros((0, 20), dtype=np.uint8)],
        [np.zeros((20, 20), dtype=np.uint8), np.zeros((20, 21), dtype=np.uint8)],
    ],
    ids=["none", "sixteen bits", "four channels", "empty", "two sizes"],
)
def test_what_is_no_clip_is_refused(frames):
    """An error, never an empty mask."""
    with pytest.raises(ValueError, match="frame"):
        ConeSegmenter(_Given()).segment_clip(frames)


def test_a_network_that_broke_is_an_error():
    """ModelFailed passes through: no mask is made of nothing."""

    class _Broken:
        def run(self, batch):
            raise ModelFailed("cone", "onnxruntime raised Fail")

    with pytest.raises(ModelFailed):
        ConeSegmenter(_Broken()).segment(np.zeros((64, 64), dtype=np.uint8))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_probabilities_that_are_no_numbers_are_a_failure(value):
    """A network that computes nonsense has no result."""
    broken = np.full((256, 256), value)

    with pytest.raises(ModelFailed):
        ConeSegmenter(_Given(broken)).segment(np.zeros((64, 64), dtype=np.uint8))
