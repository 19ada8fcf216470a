"""Where a clip moves, and what that says about a cone."""

import numpy as np
import pytest

from pipeline.frames.read import open_instance
from pipeline.motion import Opinion, find_motion, motion_of
from tests.factories.pixels import burn, moving_within, save_image

NOTHING = np.zeros((240, 320), bool)


def fan(middle=160):
    """Return the area of a fan."""
    y, x = np.mgrid[:240, :320]
    radius, angle = np.hypot(x - middle, y + 10), np.arctan2(x - middle, y + 10)
    return (radius > 40) & (radius < 230) & (np.abs(angle) < 0.5)


def test_what_moves_is_found_and_a_banner_is_not():
    """At a fraction of the size, however bright the banner is."""
    clip = moving_within(fan(), 6)
    for frame in clip:
        burn(frame, "NAME 1970", 4, 20)

    motion = motion_of(clip)

    assert motion.moving.shape == (120, 160)
    wanted = fan()[::2, ::2]
    assert np.count_nonzero(motion.moving & wanted) > 0.7 * np.count_nonzero(wanted)
    assert np.count_nonzero(motion.moving & ~wanted) < 0.05 * np.count_nonzero(wanted)
    assert motion.opinion(fan(), NOTHING) is Opinion.AGREES


@pytest.mark.parametrize("wrong", ["another place", "a part", "the banner"])
def test_a_mask_beside_which_the_clip_moves_is_contradicted(wrong):
    """Another fan, a quarter of it, or a box that stands still."""
    y, x = np.mgrid[:240, :320]
    mask = {"another place": fan(60), "a part": fan() & (x < 140) & (y < 150), "the banner": y < 30}[wrong]
    assert motion_of(moving_within(fan(), 6)).opinion(mask, NOTHING) is Opinion.DISAGREES


def test_what_the_header_explains_may_move():
    """A strip that scrolls beside the cone is no contradiction."""
    strip = np.zeros((240, 320), bool)
    strip[150:235, 10:310] = True
    cone = fan() & ~strip
    motion = motion_of(moving_within(cone | strip, 6))
    assert motion.opinion(cone, strip) is Opinion.AGREES
    assert motion.opinion(cone, NOTHING) is Opinion.DISAGREES


def test_a_timer_and_a_trace_are_too_small_to_contradict():
    """They change in every frame of nearly every clip."""
    clip = moving_within(fan(), 6)
    for index, frame in enumerate(clip):
        burn(frame, f"00:{index:02}", 250, 20)
        frame[225 + index % 4, 4 : 20 + 50 * index] = 255
    assert motion_of(clip).opinion(fan(), NOTHING) is Opinion.AGREES


def test_a_still_clip_says_nothing():
    """A frozen image, stored as a clip."""
    still = np.repeat(moving_within(fan(), 1), 5, axis=0)
    assert motion_of(still).opinion(fan(60), NOTHING) is Opinion.NONE


def test_a_clip_is_looked_at_in_one_pass_with_few_decodings(tmp_path):
    """However long it is; and two frames are too few."""
    with open_instance(save_image(tmp_path / "in.dcm", np.repeat(moving_within(fan(), 5), 20, axis=0))) as opened:
        seen = _Counting(opened.frames)
        assert find_motion(seen) is not None
    assert seen.shown == sorted(set(seen.shown))
    assert (len(seen.shown), seen.shown[0], seen.shown[-1]) == (48, 0, 99)
    with open_instance(save_image(tmp_path / "two.dcm", moving_within(fan(), 2))) as opened:
        assert find_motion(opened.frames) is None
    deep = moving_within(fan(), 5).astype(np.uint16) * 16
    with open_instance(save_image(tmp_path / "deep.dcm", deep)) as opened:
        assert find_motion(opened.frames) is None


class _Counting:
    """Frames that remember which of them were shown."""

    def __init__(self, frames):
        self.frames = frames
        self.description = frames.description
        self.shown = []

    def __len__(self):
        return len(self.frames)

    def displayed(self, index):
        """Show one."""
        self.shown.append(index)
        return self.frames.displayed(index)


def test_a_clip_in_colour_moves_where_its_grey_moves():
    """Grey is the mean of red, green and blue: also of colours that add up to more than a byte."""
    colour = np.random.default_rng(4).integers(0, 256, (6, 240, 320, 3), dtype=np.uint8)
    colour[:, ~fan()] = colour[0, ~fan()]

    motion = motion_of(colour)

    assert np.array_equal(motion.moving, motion_of(colour.mean(axis=3)).moving)
    assert motion.opinion(fan(), NOTHING) is Opinion.AGREES
