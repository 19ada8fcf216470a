"""The cone of a clip: one area for all frames, who may contradict it, what stays beside it, and the fall-backs."""

import numpy as np
import pytest
from pydicom import Dataset

from config.schema import Cone, ModelsConfig
from models.catalog import open_models
from models.cone import ACCEPTED_CONFIDENCE
from pipeline.cone_area import find_cone_area
from pipeline.cone_checks import has_impossible_shape
from pipeline.frames.read import open_instance
from pipeline.reasons import Held, Reason
from pipeline.records import ConeOutcome
from tests.factories.pixels import FixedCone, moving_within, save_image
from tools.demo.screens import ABDOMEN, HEART, ultrasound_clip

KEPT = ("m_mode", "spectral", "waveform", "second_pane")


def region(box, kind=1):
    """Return an item of (0018,6011); `box` is left, top, right, bottom as the standard writes them."""
    item = Dataset()
    item.RegionSpatialFormat = kind
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box
    return item


class Sequence:
    """Gives one cone after another."""

    def __init__(self, *cones):
        self.cones = list(cones)

    def segment(self, image):
        """Return the next, the last one for ever."""
        return self.cones.pop(0) if len(self.cones) > 1 else self.cones[0]


def square(left, right, confidence=0.9):
    """Return a cone of some columns."""
    mask = np.zeros((160, 240), bool)
    mask[20:140, left:right] = True
    return FixedCone(mask=mask, confidence=confidence)


def area(tmp_path, segmenter, *, frames=5, masks_fit=False, regions=(), moving=(40, 200), **settings):
    """Decide the cone of a clip that moves in some columns."""
    attributes = {"SequenceOfUltrasoundRegions": list(regions)} if regions else {}
    path = save_image(tmp_path / "in.dcm", moving_within(square(*moving).mask, frames), **attributes)
    cone = Cone(**{"fallback": ("hold",), **settings})
    with open_instance(path) as opened:
        assert opened.frames is not None
        return find_cone_area(opened.frames, opened.header, cone, segmenter, masks_fit=masks_fit)


def test_one_cone_for_the_clip_is_what_most_frames_agree_on(tmp_path):
    """One frame that is off does not decide."""
    found = area(tmp_path, Sequence(*[square(40, 200)] * 2, square(0, 40), square(40, 200)))
    assert found.finding.box == (40, 20, 200, 140)
    assert not found.in_doubt


@pytest.mark.parametrize(
    "cones",
    [
        [square(40, 200, ACCEPTED_CONFIDENCE - 0.1)] * 5,
        [square(40, 42)] * 5,
        [square(0, 0)] * 5,
        [square(0, 60), square(60, 120), square(120, 180), square(180, 240), square(90, 150)],
    ],
)
def test_unsure_tiny_empty_or_contradicting_cones_are_in_doubt(cones, tmp_path):
    """Nothing is blanked on such a ground."""
    found = area(tmp_path, Sequence(*cones))
    assert found.in_doubt
    assert found.kept is None
    assert found.finding.outcome is ConeOutcome.UNCERTAIN


def test_the_header_s_own_regions_are_a_fall_back(tmp_path):
    """What it calls tissue stays, and what the profile keeps beside it."""
    header = [region((40, 20, 150, 139)), region((160, 30, 199, 99), kind=3)]
    unsure = Sequence(*[square(0, 0)] * 5)
    alone = area(tmp_path, unsure, regions=header, fallback=("regions", "hold"), keep_regions=(), moving=(40, 150))
    both = area(tmp_path, unsure, regions=header, fallback=("regions", "hold"), keep_regions=KEPT, moving=(40, 150))
    assert (alone.rule, alone.in_doubt, alone.finding.box) == ("cone:regions", False, (40, 20, 151, 140))
    assert both.finding.box == (40, 20, 200, 140)
    assert both.doubt == "the ultrasound cone was not found with confidence"


@pytest.mark.parametrize(
    "regions",
    [
        [],
        [region((0, 0, 239, 159))],  # nearly everything
        [region((150, 90, 1000, 900))],  # written for another size
        [region((120, 20, 40, 139))],  # turned round
        [region((205, 20, 234, 139))],  # where nothing moves
    ],
)
def test_regions_that_cannot_be_right_are_no_fall_back(regions, tmp_path):
    """Then a person decides."""
    found = area(tmp_path, Sequence(*[square(0, 0)] * 5), regions=regions, fallback=("regions", "hold"))
    assert found.in_doubt
    assert found.kept is None


def test_device_masks_are_a_fall_back_where_they_fit(tmp_path):
    """Else the object is in doubt."""
    fitting = area(tmp_path, Sequence(*[square(0, 0)] * 5), fallback=("masks", "hold"), masks_fit=True)
    assert not fitting.in_doubt
    assert area(tmp_path, Sequence(*[square(0, 0)] * 5), fallback=("masks", "hold")).in_doubt


@pytest.mark.parametrize(("kind", "name"), [(2, "m_mode"), (3, "spectral"), (4, "waveform")])
def test_regions_beside_the_cone_stay_where_the_profile_keeps_them(kind, name, tmp_path):
    """M-mode, Doppler and waveforms are diagnostic."""
    beside = [region((205, 30, 234, 99), kind=kind)]
    kept = area(tmp_path, Sequence(*[square(40, 200)] * 5), regions=beside, keep_regions=(name,), moving=(40, 235))
    gone = area(tmp_path, Sequence(*[square(40, 200)] * 5), regions=beside, keep_regions=(), moving=(40, 235))
    assert kept.kept is not None
    assert gone.kept is not None
    assert kept.kept[50, 220]
    assert not gone.kept[50, 220]


def test_a_second_pane_stays_where_the_profile_keeps_it(tmp_path):
    """A tissue region that the cone does not touch."""
    beside = [region((40, 20, 199, 139)), region((205, 30, 234, 99))]
    kept = area(tmp_path, Sequence(*[square(40, 200)] * 5), regions=beside, keep_regions=("second_pane",))
    assert kept.kept is not None
    assert kept.kept[50, 220]


def test_a_strip_that_the_model_took_for_a_pane_goes_with_the_cone_alone(tmp_path):
    """The header calls it M-mode; where nothing else was found, that is a contradiction."""
    header = [region((40, 20, 149, 139)), region((150, 20, 199, 139), kind=2)]
    cones = Sequence(*[square(40, 200)] * 5)
    assert area(tmp_path, cones, regions=header, keep_regions=()).finding.box == (40, 20, 150, 140)
    assert area(tmp_path, cones, regions=header, keep_regions=KEPT).finding.box == (40, 20, 200, 140)
    only_strip = area(tmp_path, cones, regions=[region((40, 20, 199, 139), kind=2)], keep_regions=())
    assert only_strip.in_doubt
    assert "header" in only_strip.doubt


def test_a_waveform_over_the_cone_does_not_cut_it(tmp_path):
    """An ECG trace runs over its lower part."""
    found = area(
        tmp_path, Sequence(*[square(40, 200)] * 5), regions=[region((40, 110, 199, 139), kind=4)], keep_regions=()
    )
    assert found.finding.box == (40, 20, 200, 140)


def test_a_region_that_takes_in_most_of_the_cone_adds_nothing(tmp_path):
    """It is not beside the cone: what it calls M-mode would keep a whole screen, banner included."""
    found = area(tmp_path, Sequence(*[square(40, 200)] * 5), regions=[region((0, 0, 239, 159), kind=2)])
    assert found.finding.box == (40, 20, 200, 140)


def test_graphics_never_stay(tmp_path):
    """A region of kind 5 is what the machine drew."""
    found = area(tmp_path, Sequence(*[square(40, 200)] * 5), regions=[region((205, 30, 234, 99), kind=5)])
    assert found.finding.box == (40, 20, 200, 140)


def test_a_cone_beside_what_the_header_calls_tissue_is_in_doubt(tmp_path):
    """Two opinions, and nobody knows which is right."""
    found = area(tmp_path, Sequence(*[square(40, 100)] * 5), regions=[region((110, 20, 230, 139))], moving=(40, 235))
    assert found.in_doubt
    assert "header" in found.doubt


def test_a_cone_beside_which_a_pane_moves_is_in_doubt(tmp_path):
    """The model has missed a pane, or taken something else for the cone."""
    found = area(tmp_path, Sequence(*[square(40, 90)] * 5), moving=(40, 200))
    assert found.in_doubt
    assert "moves" in found.doubt
    assert found.finding.outcome is ConeOutcome.UNCERTAIN


def test_two_frames_have_no_second_opinion(tmp_path):
    """Nothing can be told from one difference."""
    assert not area(tmp_path, Sequence(*[square(40, 90)] * 5), frames=2).in_doubt


def test_a_contradicted_cone_goes_to_the_fall_backs_too(tmp_path):
    """The header knows the pane that the model missed."""
    found = area(
        tmp_path,
        Sequence(*[square(40, 90)] * 5),
        regions=[region((40, 20, 89, 139)), region((140, 20, 199, 139))],
        fallback=("regions", "hold"),
        keep_regions=(),
        moving=(0, 240),
    )
    assert found.in_doubt  # the clip moves beside these regions too
    found = area(
        tmp_path,
        Sequence(*[FixedCone(mask=_comb(), confidence=0.9)] * 5),
        regions=[region((40, 20, 199, 139))],
        fallback=("regions", "hold"),
    )
    assert (found.rule, found.finding.box) == ("cone:regions", (40, 20, 200, 140))
    assert "impossible shape" in found.doubt


def _comb():
    """Return a mask that no cone has: a back with teeth."""
    mask = np.zeros((160, 240), bool)
    mask[20:30, 40:200] = True
    mask[30:140, 40:200:10] = mask[30:140, 41:200:10] = mask[30:140, 42:200:10] = True
    return mask


def test_shapes_of_cones_and_of_no_cones():
    """A fan, a box and two panes are possible; six pieces, a comb and nothing are not."""
    y, x = np.mgrid[:160, :240]
    radius, angle = np.hypot(x - 120, y + 20), np.arctan2(x - 120, y + 20)
    fan = (radius > 40) & (radius < 170) & (np.abs(angle) < 0.6)
    pieces = np.zeros((160, 240), bool)
    for left in range(0, 240, 40):
        pieces[40:100, left : left + 20] = True
    assert not has_impossible_shape(fan)
    assert not has_impossible_shape(square(40, 200).mask)
    assert not has_impossible_shape(square(0, 100).mask | square(120, 240).mask)
    assert has_impossible_shape(pieces)
    assert has_impossible_shape(_comb())
    assert has_impossible_shape(np.zeros((160, 240), bool))


def test_a_missing_cone_model_holds(tmp_path):
    """The profile needs one."""
    with pytest.raises(Held) as raised:
        area(tmp_path, None)
    assert raised.value.reason is Reason.MODEL_UNAVAILABLE


@pytest.fixture(scope="module")
def shipped():
    """Open the shipped cone model."""
    opened = open_models(ModelsConfig(device="cpu"), text="ppocr", cone=True).cone
    assert opened is not None
    return opened


class _HalfBlind:
    """Sees the left half of the cone that the shipped model sees."""

    def __init__(self, segmenter):
        self.segmenter = segmenter

    def segment(self, image):
        """Segment, and forget the right half."""
        found = self.segmenter.segment(image)
        mask = found.mask.copy()
        mask[:, mask.shape[1] // 2 :] = False
        return FixedCone(mask=mask, confidence=found.confidence)


@pytest.mark.parametrize("style", [HEART, ABDOMEN], ids=["heart with an ECG", "abdomen"])
def test_on_a_drawn_screen_nobody_contradicts_the_cone_and_half_of_it_is_contradicted(style, shipped, tmp_path):
    """With the shipped model, settings, scales and a trace that runs."""
    clip = ultrasound_clip(style, 8)
    path = save_image(tmp_path / "in.dcm", clip, photometric="RGB")
    with open_instance(path) as opened:
        assert opened.frames is not None
        whole = find_cone_area(opened.frames, opened.header, Cone(crop=True), shipped, masks_fit=False)
        half = find_cone_area(opened.frames, opened.header, Cone(crop=True), _HalfBlind(shipped), masks_fit=False)
    assert (whole.doubt, whole.finding.outcome) == ("", ConeOutcome.CROPPED)
    assert half.in_doubt
    assert "moves" in half.doubt
