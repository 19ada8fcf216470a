"""What the text reader is shown: stray samples and blanked areas must not hide what a person could make visible."""

import numpy as np
import pytest
from pydicom.pixels.processing import convert_color_space

from pipeline.frames.decode import colour_to_rgb
from pipeline.frames.display import _shown_rgb
from pipeline.frames.read import open_instance
from tests.factories.pixels import CT_IMAGE, save_image


def _views(path):
    with open_instance(path) as opened:
        return opened.frames.renderings(0)


def _tissue(dtype, low, high):
    return np.random.default_rng(3).integers(low, high, size=(1, 64, 96)).astype(dtype)


def _contrast(view, letters, background):
    return abs(float(view[letters].mean()) - float(view[background].mean()))


@pytest.mark.parametrize(("dtype", "stray"), [(np.uint16, 65_000), (np.int16, -30_000), (np.int16, 30_000)])
def test_one_stray_sample_does_not_hide_text(tmp_path, dtype, stray):
    """A dead pixel takes the whole range; letters among ordinary values are shown all the same."""
    frames = _tissue(dtype, 100, 160)
    letters, background = np.s_[20:30, 20:22], np.s_[20:30, 40:60]
    frames[0][letters] = 400
    frames[0, 2, 2] = stray

    views = _views(save_image(tmp_path / "x.dcm", frames, sop_class=CT_IMAGE, Modality="MR"))

    assert max(_contrast(view, letters, background) for view in views) > 60


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_what_was_blanked_does_not_hide_what_is_left(tmp_path, dtype):
    """Black is the lowest value that can be stored, far below any tissue; verification must still see letters."""
    frames = _tissue(dtype, 1000, 1060)
    letters, background = np.s_[20:30, 20:22], np.s_[20:30, 40:60]
    frames[0][letters] = 1300
    frames[0, 40:, :] = np.iinfo(dtype).min

    views = _views(save_image(tmp_path / "x.dcm", frames, sop_class=CT_IMAGE, Modality="MR"))

    assert max(_contrast(view, letters, background) for view in views) > 60
    assert not views[0][40:].any(), "black stays black"


def test_an_ordinary_frame_is_looked_at_once(tmp_path):
    """A further view costs a detector's run: only frames with stray samples pay."""
    frames = _tissue(np.uint16, 0, 4000)

    assert len(_views(save_image(tmp_path / "x.dcm", frames, sop_class=CT_IMAGE, Modality="MR"))) == 1


def _stated(frame, centre, width):
    """PS3.3, C.11.2.1.2.1, sample by sample."""
    scaled = (frame.astype(np.float64) - (centre - 0.5)) / (width - 1) + 0.5
    return np.rint(np.clip(scaled, 0, 1) * 255)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int16, np.int32])
def test_a_window_shows_every_sample_as_the_standard_says(tmp_path, dtype):
    """Values are worked out once each: the whole range of the type is among them, so that differences wrap."""
    ends = np.iinfo(np.int16 if dtype == np.int32 else dtype)
    frames = np.random.default_rng(5).integers(ends.min, ends.max, (1, 300, 70), endpoint=True).astype(dtype)
    frames[0, 0, :2] = ends.min, ends.max
    path = save_image(tmp_path / "x.dcm", frames, sop_class=CT_IMAGE, WindowCenter="40", WindowWidth="90")

    shown = _views(path)[0].astype(int)

    assert np.abs(shown - _stated(frames[0], 40, 90)).max() <= 1
    assert set(shown[frames[0] < -10]) <= {0}
    assert set(shown[frames[0] > 90]) == {255}


@pytest.mark.parametrize("coloured_rows", [(), (3,), (0, 47), tuple(range(48))])
def test_luminance_and_chrominance_are_shown_in_their_colours(coloured_rows):
    """Rows without a colour are not worked out, and look the same as if they were."""
    samples = np.random.default_rng(6).integers(0, 256, (48, 40, 3), dtype=np.uint8)
    grey = [row for row in range(48) if row not in coloured_rows]
    samples[grey, :, 1:] = 128

    exact = convert_color_space(samples, "YBR_FULL", "RGB")
    assert np.array_equal(colour_to_rgb(samples, "YBR_FULL"), exact)
    shown = _shown_rgb(samples)
    assert np.abs(shown.astype(int) - exact).max() <= 1


def test_every_luminance_and_chrominance_is_shown_within_a_level():
    """A faster conversion than the one for samples that are written, and no other colours."""
    blue, red = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for luminance in range(0, 256, 15):
        samples = np.dstack([np.full_like(blue, luminance), blue, red])
        exact = convert_color_space(samples, "YBR_FULL", "RGB")
        assert np.abs(_shown_rgb(samples).astype(int) - exact).max() <= 1
