"""Text filled in from its surroundings: only inside the mask, said of the object, and black where it cannot be."""

import csv
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from config.schema import Cone, Pixels, Text
from pipeline import sidecar
from pipeline.inpainting import can_fill, fill_in
from pipeline.pixel_header import FILLED_IN
from pipeline.plan import NO_CONE, Redaction, RedactionPlan
from pipeline.records import TextAction
from tests.factories.pixels import (
    JPEG_BASELINE,
    FixedCone,
    WhiteReader,
    burn,
    deidentifier,
    received,
    save_image,
)
from tests.factories.profiles import RESEARCH

FILLING = RESEARCH.model_copy(update={"pixels": Pixels(text=Text(fill="inpaint"))})


def ramp(dtype="uint8", low=40, high=160, shape=(2, 120, 160)):
    """Return frames that get brighter from left to right."""
    line = np.linspace(low, high, shape[2]).astype(dtype)
    return np.broadcast_to(line, shape).copy()


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("uint8", 40, 160), ("uint16", 100, 4095), ("int16", -1000, 3000), ("int8", -90, 90)]
)
def test_a_hole_in_a_ramp_is_filled_with_the_ramp_and_nothing_else_changes(dtype, low, high):
    """Grey of 8 to 16 bits, with and without sign."""
    whole = ramp(dtype, low, high)[0]
    mask = np.zeros(whole.shape, bool)
    mask[40:52, 60:100] = mask[0:5, 150:] = True
    holed = np.where(mask, np.iinfo(dtype).max, whole).astype(dtype)
    before = holed.copy()

    filled = fill_in(holed, mask, mask)

    assert np.array_equal(holed, before)
    assert filled.dtype == whole.dtype
    assert np.array_equal(filled[~mask], whole[~mask])
    assert np.abs(filled.astype(int) - whole)[40:52, 60:100].max() < (high - low) / 6
    assert filled[mask].min() >= low
    assert filled[mask].max() <= high


def test_colour_is_filled_channel_by_channel():
    """And a frame that is all mask, or not at all, is left as it is."""
    whole = np.stack([ramp()[0], 200 - ramp()[0], np.full((120, 160), 7, np.uint8)], axis=2)
    mask = np.zeros((120, 160), bool)
    mask[40:52, 60:100] = True
    filled = fill_in(np.where(mask[..., None], 255, whole).astype(np.uint8), mask, mask)
    assert np.array_equal(filled[~mask], whole[~mask])
    assert np.abs(filled.astype(int) - whole).max() < 20
    for nothing in (np.zeros_like(mask), np.ones_like(mask)):
        assert np.array_equal(fill_in(whole, nothing, nothing), whole)


def test_nothing_is_filled_from_what_is_blanked_itself():
    """Black beside a label would flow into it."""
    whole = ramp()[0]
    label, black = np.zeros(whole.shape, bool), np.zeros(whole.shape, bool)
    label[40:52, 60:100], black[30:70, :60] = True, True
    painted = np.where(label | black, 0, whole).astype(np.uint8)
    filled = fill_in(painted, label, label | black)
    assert np.abs(filled.astype(int) - whole)[label].max() < 30
    assert not filled[black].any()


def test_what_has_no_mean_is_not_filled_in():
    """Indexes, colour of more than 8 bits, neighbours that share their colour, floating point."""
    plain = {"samples": 1, "has_palette": False, "is_subsampled": False}
    assert can_fill(np.dtype("uint16"), **plain)
    assert can_fill(np.dtype("uint8"), **plain | {"samples": 3})
    assert not can_fill(np.dtype("uint8"), **plain | {"has_palette": True})
    assert not can_fill(np.dtype("uint16"), **plain | {"samples": 3})
    assert not can_fill(np.dtype("uint8"), **plain | {"samples": 3, "is_subsampled": True})
    assert not can_fill(np.dtype("uint32"), **plain)
    assert not can_fill(np.dtype("float32"), **plain)


def labelled(tmp_path, **settings):
    """Write a clip with a name on both frames, and return its path and what it was without."""
    frames = ramp()
    written = frames.copy()
    for frame in written:
        burn(frame, "NAME", 30, 60)
    return save_image(tmp_path / "in.dcm", written, **settings), frames


def run(path, tmp_path, *, profile=FILLING, **settings):
    """De-identify under a profile that fills in, and read the result."""
    subject = deidentifier(reader=settings.pop("reader", WhiteReader()), profile=profile, **settings)
    result = subject.run(received(path), tmp_path / "out.dcm")
    return result, pydicom.dcmread(result.path)


def test_text_is_filled_in_and_the_object_says_where(tmp_path):
    """On every frame; bit for bit the same elsewhere; the sidecar calls it inpainted."""
    path, frames = labelled(tmp_path)
    result, written = run(path, tmp_path)
    plan = result.findings.plan
    assert plan is not None
    (left, top, right, bottom) = plan.blanked[0].box
    inside = np.zeros(frames.shape, bool)
    inside[:, top:bottom, left:right] = True
    pixels, source = written.pixel_array, pydicom.dcmread(path).pixel_array
    assert np.array_equal(pixels[~inside], source[~inside])
    assert np.abs(pixels.astype(int) - frames)[inside].max() < 30
    assert written.ImageType[0] == "DERIVED"
    assert written.DerivationDescription == (
        f"{FILLED_IN}; frames 1-2: columns {left + 1}-{right}, rows {top + 1}-{bottom}"
    )
    assert written.BurnedInAnnotation == "NO"
    assert [found.action for found in result.findings.text] == [TextAction.INPAINTED]
    sidecar.write(
        tmp_path / "text.csv",
        sidecar.rows(result, "x.dcm", rules=FILLING.sidecar, identities=deidentifier(reader=None).identities),
    )
    with (tmp_path / "text.csv").open(encoding="utf-8", newline="") as file:
        assert [row["action"] for row in csv.DictReader(file)] == ["inpainted"]


def test_a_jpeg_that_is_filled_in_is_written_without_loss(tmp_path):
    """Its coefficients cannot be filled in."""
    path, frames = labelled(tmp_path, syntax=JPEG_BASELINE)
    _, written = run(path, tmp_path)
    assert written.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert written.LossyImageCompression == "01"
    assert np.abs(written.pixel_array.astype(int) - frames).max() < 60


def test_what_is_still_read_becomes_black(tmp_path):
    """The verification's findings are never filled in."""
    path, _ = labelled(tmp_path)
    result, written = run(path, tmp_path, reader=WhiteReader(strict_level=150))
    assert {found.rule for found in result.findings.text} == {"text", "verify"}
    assert (written.pixel_array == 0).any()


def test_a_palette_s_text_becomes_black_and_is_called_masked(tmp_path):
    """As without the setting."""
    entries = np.arange(256, dtype=np.uint16)
    table = (entries << 8).tobytes()
    settings = {
        f"{colour}PaletteColorLookupTable{what}": value
        for colour in ("Red", "Green", "Blue")
        for what, value in (("Data", table), ("Descriptor", [256, 0, 16]))
    }
    path, _ = labelled(tmp_path, photometric="PALETTE COLOR", **settings)
    result, written = run(path, tmp_path)
    assert [found.action for found in result.findings.text] == [TextAction.MASKED]
    assert FILLED_IN not in str(written.get("DerivationDescription"))
    assert (written.pixel_array == 0).any()


def test_around_the_cone_it_stays_black(tmp_path):
    """Only what is blanked for text alone is filled in; places count in the cropped frame."""
    mask = np.zeros((120, 160), bool)
    mask[20:110, 40:150] = True
    path, _ = labelled(tmp_path)
    profile = FILLING.model_copy(update={"pixels": Pixels(text=Text(fill="inpaint"), cone=Cone(crop=False))})
    _, written = run(path, tmp_path, profile=profile, cone=FixedCone(mask=mask, confidence=0.9))
    pixels = written.pixel_array
    assert not pixels[:, ~mask].any()
    assert pixels[:, mask].all()
    cropping = profile.model_copy(update={"pixels": Pixels(text=Text(fill="inpaint"), cone=Cone(crop=True))})
    _, cropped = run(path, tmp_path, profile=cropping, cone=FixedCone(mask=mask, confidence=0.9))
    assert "columns 1-" in cropped.DerivationDescription
    assert (cropped.Rows, cropped.Columns) == (90, 110)
    assert np.array_equal(cropped.pixel_array, pixels[:, 20:110, 40:150])


@pytest.mark.parametrize("order", [1, -1])
def test_what_a_mask_or_the_verification_blanks_is_black_where_text_is_too(order):
    """Whichever was planned first; and on no other frame."""
    redactions = [
        Redaction(frame_first=0, frame_last=1, box=(10, 10, 30, 20), rule="text"),
        Redaction(frame_first=0, frame_last=0, box=(0, 0, 15, 20), rule="mask:ACME"),
        Redaction(frame_first=1, frame_last=1, box=(25, 0, 40, 20), rule="verify"),
    ]
    plan = RedactionPlan(
        rows=40,
        columns=60,
        frames=3,
        grid=(1, 1),
        cone=NO_CONE,
        redactions=tuple(redactions[::order]),
        text=(),
        fills_in=True,
    )
    expected = np.zeros((3, 40, 60), bool)
    expected[0, 10:20, 15:30] = expected[1, 10:20, 10:25] = True
    assert np.array_equal([plan.filled(frame) for frame in range(3)], expected)
    assert not replace(plan, fills_in=False).filled(0).any()
