"""The shipped weights, on screens no training run has seen."""

from pathlib import Path

import numpy as np
import pytest

from models.cone import ACCEPTED_CONFIDENCE, ConeSegmenter
from models.manifest import read_manifest
from models.session import Session
from models.training.screens import render_screen

_WEIGHTS = Path(__file__).parents[3] / "models" / "weights"


@pytest.fixture(scope="module")
def segmenter():
    """The shipped network on the CPU, opened as the catalogue opens it."""
    pinned = read_manifest(_WEIGHTS, name="cone")
    session = Session(
        _WEIGHTS / pinned.file,
        name="cone",
        sha256=pinned.sha256,
        contract=pinned.contract,
        device="cpu",
    )
    return ConeSegmenter(session)


def test_the_file_is_small():
    """It is shipped in the package: under three megabytes."""
    assert (_WEIGHTS / "cone.onnx").stat().st_size < 3_000_000


def test_unseen_screens_are_segmented(segmenter):
    """Mean Dice over accepted screens, and most screens with a cone are accepted."""
    scores, accepted = [], []
    for index in range(60):
        screen = render_screen((770_077, index))
        if screen.mask.mean() < 0.03:
            continue
        found = segmenter.segment(screen.image)
        accepted.append(found.confidence >= ACCEPTED_CONFIDENCE)
        if accepted[-1]:
            scores.append(2 * (found.mask & screen.mask).sum() / (found.mask.sum() + screen.mask.sum()))

    assert np.mean(accepted) > 0.75
    assert np.mean(scores) > 0.93


def test_what_holds_no_cone_is_not_accepted(segmenter):
    """Blank, white, noise, and a gradient: no confident cone in any."""
    rng = np.random.default_rng(1)
    ramp = np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1))
    pictures = [
        np.zeros((300, 400), dtype=np.uint8),
        np.full((300, 400, 3), 255, dtype=np.uint8),
        rng.integers(0, 256, (300, 400), dtype=np.uint8),
        ramp,
    ]

    assert [segmenter.segment(picture).confidence < ACCEPTED_CONFIDENCE for picture in pictures] == [True] * 4


def test_the_same_frame_gives_the_same_mask(segmenter):
    """Nothing random, nothing kept from the frame before."""
    image = render_screen((770_078, 4)).image
    first = segmenter.segment(image)
    segmenter.segment(render_screen((770_078, 5)).image)

    again = segmenter.segment(image)

    assert (first.mask == again.mask).all()
    assert first.confidence == again.confidence
