"""The plan: what is blanked where, and how much; regions moved along; findings joined over frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from pipeline.clip_text import SeenText
from pipeline.painting import black_of_colour, black_of_monochrome, black_of_palette, crop, paint
from pipeline.plan import (
    NO_CONE,
    ConeArea,
    Redaction,
    RedactionPlan,
    clipped,
    masking,
    packed_mask,
    unpacked_mask,
)
from pipeline.reasons import Held, Reason
from pipeline.records import ConeFinding, ConeOutcome, TextAction, TextFinding, TextPlace
from pipeline.regions import move_regions, read_regions
from pipeline.text_search import merged


def plan(*redactions, **changes):
    """Return a plan for ten frames of 20 x 30."""
    settings = {
        "rows": 20,
        "columns": 30,
        "frames": 10,
        "grid": (1, 1),
        "cone": NO_CONE,
        "redactions": redactions,
        "text": (),
    }
    return RedactionPlan(**{**settings, **changes})


def redaction(first, last, box):
    """Return a redaction."""
    return Redaction(frame_first=first, frame_last=last, box=box, rule="text")


def test_the_mask_of_a_frame_is_its_own_whatever_was_asked_before():
    """One mask is remembered: not beyond another frame, another grid or another redaction, and nobody can change it."""
    first, second = redaction(0, 4, (3, 3, 9, 7)), redaction(3, 9, (20, 10, 26, 16))
    whole = plan(first, second)
    wanted = {frame: np.zeros((20, 30), bool) for frame in range(10)}
    for frame, mask in wanted.items():
        mask[3:7, 3:9] |= frame <= 4
        mask[10:16, 20:26] |= frame >= 3

    for frame in (0, 1, 3, 4, 9, 0, 5, 3):
        assert np.array_equal(whole.blanked(frame), wanted[frame])
    with pytest.raises(ValueError, match="read-only"):
        whole.blanked(3)[0, 0] = True
    assert whole.on_grid((8, 8)).blanked(0)[:8, :16].all()
    assert whole.with_more([redaction(0, 9, (0, 0, 1, 1))], []).blanked(3)[0, 0]
    assert not whole.blanked(3)[0, 0]


def finding(frame, text="A", box=(5, 5, 15, 10), action=TextAction.MASKED):
    """Return a finding on one frame."""
    return TextFinding(
        frame_first=frame,
        frame_last=frame,
        left=box[0],
        top=box[1],
        right=box[2],
        bottom=box[3],
        text=text,
        confidence=0.5,
        place=TextPlace.IMAGE,
        action=action,
        rule="text",
    )


def region(box, kind=1, **attributes):
    """Return an item of (0018,6011); `box` is left, top, right, bottom as the standard writes them."""
    item = Dataset()
    item.RegionSpatialFormat = kind
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def test_a_redaction_is_on_its_frames_and_its_rectangle_only():
    """First and last frame inclusive; right and bottom exclusive."""
    made = plan(redaction(2, 4, (3, 5, 8, 9)))

    assert [made.blanked(frame).sum() for frame in (1, 2, 4, 5)] == [0, 20, 20, 0]
    assert made.blanked(3)[5:9, 3:8].all()
    assert made.findings().redacted_fraction == pytest.approx(3 * 20 / 6000)


def test_a_plan_without_anything_changes_nothing():
    """And says so."""
    assert not plan().changes_pixels
    assert plan().findings().redacted_fraction == 0


def test_what_is_cropped_away_counts_as_redacted():
    """Half of the frame stays."""
    kept = np.zeros((20, 30), bool)
    kept[:, :15] = True
    area = ConeArea(
        kept=kept,
        crop=(0, 0, 15, 20),
        finding=ConeFinding(outcome=ConeOutcome.CROPPED, confidence=1.0, box=(0, 0, 15, 20)),
        in_doubt=False,
    )
    assert plan(cone=area).findings().redacted_fraction == pytest.approx(0.5)


def test_where_pixels_share_their_colour_areas_grow_to_even_columns():
    """Outward on both sides."""
    mask = plan(redaction(0, 0, (3, 5, 8, 9)), grid=(1, 2)).blanked(0)
    assert np.flatnonzero(mask.any(axis=0)).tolist() == list(range(2, 8))


def test_kept_text_is_not_blanked_and_masked_text_has_a_margin_inside_the_frame():
    """At least two pixels."""
    made = masking([finding(0), finding(1, action=TextAction.KEPT), finding(2, box=(0, 0, 30, 20))], 20, 30)
    assert [one.box for one in made] == [(3, 3, 17, 12), (0, 0, 30, 20)]


@given(st.tuples(*[st.integers(-50, 80)] * 4))
def test_clipping_leaves_a_box_inside_or_nothing(box):
    """Never an empty or inverted one."""
    inside = clipped(box, 20, 30)
    if inside is not None:
        assert 0 <= inside[0] < inside[2] <= 30
        assert 0 <= inside[1] < inside[3] <= 20


def test_findings_are_joined_over_consecutive_frames_of_the_same_text_only():
    """A gap or another text starts a new row."""
    rows = merged([finding(0), finding(1), finding(2, "B"), finding(3), finding(5), finding(4, box=(6, 5, 16, 10))])
    assert [(row.text, row.frame_first, row.frame_last) for row in rows] == [("A", 0, 1), ("B", 2, 2), ("A", 3, 5)]
    assert rows[2].right == 16


def test_black_values():
    """Per photometric interpretation, signedness and padding."""
    mono = {"bits_stored": 12, "padding": None}
    assert black_of_monochrome(**mono, signed=False, low_is_white=False) == 0
    assert black_of_monochrome(**mono, signed=False, low_is_white=True) == 4095
    assert black_of_monochrome(**mono, signed=True, low_is_white=False) == -2048
    assert black_of_monochrome(**mono, signed=True, low_is_white=True) == 2047
    assert black_of_monochrome(bits_stored=12, signed=True, low_is_white=False, padding=-2000) == -2000
    assert black_of_monochrome(bits_stored=12, signed=True, low_is_white=False, padding=2000) == -2048
    assert black_of_colour("RGB", 8) == (0, 0, 0)
    assert black_of_colour("YBR_FULL", 8) == (0, 128, 128)
    assert black_of_palette(np.array([[9, 9, 9], [0, 0, 1], [255, 255, 255]], np.uint8)) == 1


def test_painting_changes_a_copy_and_nothing_outside_the_mask():
    """Grey and colour."""
    for shape in ((6, 8), (6, 8, 3)):
        samples = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
        mask = np.zeros((6, 8), bool)
        mask[2:4, 3:5] = True
        before = samples.copy()

        painted = paint(samples, mask, -7)

        assert np.array_equal(samples, before)
        assert (painted[mask] == -7).all()
        assert np.array_equal(painted[~mask], samples[~mask])
        assert np.array_equal(crop(samples, (3, 2, 5, 4)), samples[2:4, 3:5])


def test_a_finding_and_what_was_seen_say_their_place_alike():
    """One order of edges."""
    seen = SeenText(left=5, top=6, right=15, bottom=10, text="A", confidence=0.9, frame_first=0, frame_last=0)
    assert finding(0, box=seen.box).box == seen.box == (5, 6, 15, 10)


def test_regions_outside_the_image_or_of_unknown_kind_are_not_believed():
    """Cut at the edges; nothing where nothing lies inside."""
    header = Dataset()
    header.SequenceOfUltrasoundRegions = [
        region((10, 10, 500, 400)),
        region((900, 10, 950, 40)),
        region((10, 10, 60, 60), kind=9),
        region((60, 60, 10, 10)),
        region((0, 0, 1, 1)),
        Dataset(),
    ]
    assert [one.box for one in read_regions(header, 100, 200)] == [(10, 10, 200, 100)]


def test_a_reference_pixel_moves_only_where_cutting_moved_its_corner():
    """It is relative to the region's own corner."""
    header = Dataset()
    header.SequenceOfUltrasoundRegions = [
        region((50, 40, 99, 89), ReferencePixelX0=20, ReferencePixelY0=-3),
        region((10, 20, 99, 89), ReferencePixelX0=20, ReferencePixelY0=30),
        region((0, 0, 20, 10)),
    ]

    move_regions(header, (30, 25, 90, 95))

    first, second = header.SequenceOfUltrasoundRegions
    assert (first.RegionLocationMinX0, first.RegionLocationMinY0) == (20, 15)
    assert (first.RegionLocationMaxX1, first.RegionLocationMaxY1) == (59, 64)
    assert (first.ReferencePixelX0, first.ReferencePixelY0) == (20, -3)
    assert (second.RegionLocationMinX0, second.RegionLocationMinY0) == (0, 0)
    assert (second.ReferencePixelX0, second.ReferencePixelY0) == (0, 25)


POSITIONS = [
    ("DopplerSampleVolumeXPosition", 0),
    ("TMLinePositionX0", 0),
    ("TMLinePositionX1", 0),
    ("TMLinePositionX0Retired", 0),
    ("DopplerSampleVolumeYPosition", 1),
    ("TMLinePositionY0", 1),
    ("TMLinePositionY1", 1),
    ("DopplerSampleVolumeYPositionRetired", 1),
]


@pytest.mark.parametrize(("keyword", "axis"), POSITIONS)
@pytest.mark.parametrize("corner", [10, 40])
def test_a_displacement_follows_its_reference_pixel_or_holds_without_one(keyword, axis, corner):
    """Whether the region was cut or not: what it counts from is nowhere said."""
    header = Dataset()
    reference = ("ReferencePixelX0", "ReferencePixelY0")[axis]
    box = (corner, corner, 99, 89)
    header.SequenceOfUltrasoundRegions = [region(box, **{keyword: 7, reference: 20})]
    move_regions(header, (30, 25, 90, 95))
    (moved,) = header.SequenceOfUltrasoundRegions
    offset = (30, 25)[axis]
    origin = moved.get(("RegionLocationMinX0", "RegionLocationMinY0")[axis])
    assert origin + moved.get(reference) + moved.get(keyword) == corner + 20 + 7 - offset

    header.SequenceOfUltrasoundRegions = [region(box, **{keyword: 7})]
    with pytest.raises(Held) as raised:
        move_regions(header, (30, 25, 90, 95))
    assert raised.value.reason is Reason.REFERENCES_CROPPED
    header.SequenceOfUltrasoundRegions = [region(box, **{keyword: 7})]
    move_regions(header, (0, 0, 90, 95))
    assert header.SequenceOfUltrasoundRegions[0].get(keyword) == 7


def test_a_reference_pixel_that_is_no_number_holds():
    """It cannot be moved."""
    header = Dataset()
    header.SequenceOfUltrasoundRegions = [region((10, 20, 99, 89), ReferencePixelX0=[1, 2])]
    with pytest.raises(Held):
        move_regions(header, (30, 25, 90, 95))


def test_the_sequence_goes_with_its_last_region():
    """An empty one would be invalid."""
    header = Dataset()
    header.SequenceOfUltrasoundRegions = [region((0, 0, 20, 10))]
    move_regions(header, (30, 25, 90, 95))
    assert "SequenceOfUltrasoundRegions" not in header


def test_the_written_plan_is_the_plan():
    """Boxes grow to what can be blanked, each stands once, and the mask can be unpacked again."""
    kept = np.zeros((20, 30), bool)
    kept[3:17, 5:21] = True
    area = ConeArea(
        kept=kept,
        crop=(5, 3, 21, 17),
        finding=ConeFinding(outcome=ConeOutcome.CROPPED, confidence=1.0, box=(5, 3, 21, 17)),
        in_doubt=False,
    )
    made = plan(redaction(2, 4, (9, 5, 13, 9)), redaction(2, 4, (9, 5, 13, 9)), cone=area, grid=(8, 8))

    written = made.findings().plan

    assert written is not None
    assert written.crop == made.crop == (0, 0, 21, 17)
    assert written.kept is not None
    assert np.array_equal(unpacked_mask(written.kept, 20, 30), kept)
    assert packed_mask(kept) == written.kept
    assert [(one.frame_first, one.frame_last, one.box, one.rule) for one in written.blanked] == [
        (2, 4, (8, 0, 16, 16), "text")
    ]
    assert made.blanked(3)[:16, 8:16].all()
    assert (written.kept_rule, written.doubt) == ("cone", "")


def test_regions_say_whether_they_were_written_for_this_frame():
    """More than half of a region outside the frame means another size; each region counts once."""
    header = Dataset()
    header.SequenceOfUltrasoundRegions = [
        region((100, 10, 260, 90)),
        region((10, 10, 500, 400)),
        region((100, 10, 260, 90)),
    ]
    assert [(one.box, one.believed) for one in read_regions(header, 100, 200)] == [
        ((100, 10, 200, 91), True),
        ((10, 10, 200, 100), False),
    ]
