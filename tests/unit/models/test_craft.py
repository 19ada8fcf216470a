"""CRAFT's maps become boxes, without CRAFT."""

import numpy as np
import pytest

from models.craft import TUNED, CraftDetector, normalised, word_boxes
from models.errors import ModelFailed
from models.geometry import Scaling

SAME = Scaling(rows=100, columns=200, factor=1)


def maps(*words):
    """Character and affinity maps, half the frame's size, with these scored rectangles (left, top, right, bottom)."""
    characters = np.zeros((50, 100), dtype=np.uint8)
    for (left, top, right, bottom), score in words:
        characters[top:bottom, left:right] = score
    return characters, np.zeros((50, 100), dtype=np.uint8)


def test_a_word_is_a_box_in_the_frames_own_pixels():
    """Maps have half the frame's size, and scores fade before the ink ends."""
    (box,) = word_boxes(*maps(((10, 10, 30, 16), 200)), TUNED, SAME)

    assert (box.left, box.top, box.right, box.bottom) == (14, 14, 66, 38)
    assert box.score == pytest.approx(200 / 255)


def test_what_never_reaches_the_text_score_is_no_word():
    """Low scores extend words and make none."""
    assert word_boxes(*maps(((10, 10, 30, 16), 110)), TUNED, SAME) == ()


def test_specks_are_no_words():
    """Fewer than ten map pixels are noise."""
    assert word_boxes(*maps(((10, 10, 13, 13), 250)), TUNED, SAME) == ()


def test_affinity_joins_characters_and_is_no_ink():
    """Two characters with affinity between are one box; affinity beyond them does not lengthen it."""
    characters, links = maps(((10, 10, 16, 16), 220), ((24, 10, 30, 16), 220))
    links[12:14, 14:50] = 200

    (box,) = word_boxes(characters, links, TUNED, SAME)

    assert (box.left < 20, 60 < box.right < 80) == (True, True)


def test_a_box_at_the_edge_is_cut_at_the_edge():
    """Nothing lies outside of the frame."""
    (box,) = word_boxes(*maps(((0, 0, 100, 6), 200)), TUNED, SAME)

    assert (box.left, box.top, box.right) == (0, 0, 200)


class Session:
    """A session that gives the same scores everywhere."""

    name = "craft"

    def __init__(self, fill, channels=2):
        self.fill = fill
        self.channels = channels

    def run(self, batch):
        """Give them."""
        rows, columns = batch.shape[2] // 2, batch.shape[3] // 2
        return [np.full((1, rows, columns, self.channels), self.fill, dtype=np.float32)]


@pytest.mark.parametrize("session", [Session(np.nan), Session(0.0, channels=1)])
def test_a_broken_model_is_a_failure_and_not_a_clean_frame(session):
    """NaN or another shape never reads as "no text here"."""
    with pytest.raises(ModelFailed):
        CraftDetector(session).detect(np.zeros((64, 64, 3), dtype=np.uint8), strict=False, frame=(64, 64))


@pytest.mark.parametrize("strict", [False, True])
def test_scores_above_one_are_one(strict):
    """CRAFT's scores are not bounded; a map of bytes must not wrap around."""
    (box,) = CraftDetector(Session(1.2)).detect(np.zeros((70, 90, 3), dtype=np.uint8), strict=strict, frame=(70, 90))

    assert (box.left, box.top, box.right, box.bottom, box.score) == (0, 0, 90, 70, 1.0)


def test_the_input_is_red_first_with_imagenets_mean_and_spread():
    """As EasyOCR prepares it."""
    red = np.zeros((2, 2, 3), dtype=np.uint8)
    red[:, :, 0] = 255

    batch = normalised(red)

    assert batch.shape == (1, 3, 2, 2)
    assert batch[0, :, 0, 0] == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], abs=1e-5)
