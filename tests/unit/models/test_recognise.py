"""Readers: decoding, batches, and a broken reader."""

import cv2
import numpy as np
import pytest

from models.errors import ModelFailed
from models.recognise import Lines, PpocrRecogniser, Reading, Remembering, decode

ALPHABET = ("", "A", "B", " ")


def reader_of(models):
    """The reader under the one that remembers."""
    return models.text._detectors[0][1]._reader


def steps(*best, sure=0.8):
    """Probabilities with these best characters."""
    table = np.full((len(best), len(ALPHABET)), 0.01, dtype=np.float32)
    table[np.arange(len(best)), best] = sure
    return table


@pytest.mark.parametrize(
    ("best", "text"),
    [((1, 1, 0, 1, 2), "AAB"), ((0, 0), ""), ((1, 3, 3, 2, 2), "A B"), ((), ""), ((0, 2, 0, 0, 2), "BB")],
)
def test_repeats_are_joined_and_blanks_dropped(best, text):
    """A character stands twice only with a blank between."""
    reading = decode(steps(*best), ALPHABET, name="reader")

    assert reading.text == text
    assert reading.confidence == pytest.approx(0.8 if text else 0.0)


@pytest.mark.parametrize(
    "output", [np.zeros((3, 7), np.float32), np.zeros((3,), np.float32), np.full((3, 4), np.nan, np.float32)]
)
def test_an_output_that_does_not_fit_is_a_failure(output):
    """A broken reader reads nothing at all, instead of an empty text."""
    with pytest.raises(ModelFailed):
        decode(output, ALPHABET, name="reader")


def test_batches_hold_every_crop_once_within_the_limit():
    """Crops of like width go together, and memory is bounded."""
    random = np.random.default_rng(3)
    crops = [np.zeros((20, int(width), 3), np.uint8) for width in random.integers(1, 900, 60)]
    lines = Lines(rows=48, narrowest=96, widest=1600, batch_columns=960)

    batches = list(lines.batches(crops))

    assert sorted(member for members, _ in batches for member in members) == list(range(60))
    assert all(len(members) == 1 or len(members) * width <= 960 for members, width in batches)
    assert all(lines.columns(crops[member]) <= width for members, width in batches for member in members)


def test_a_reading_does_not_depend_on_its_neighbours(ppocr):
    """A crop is read alike alone and in a batch, and the order is the callers'."""
    reader = reader_of(ppocr)
    crops = []
    for text in ("P", "MEIER PETER", "72"):
        crop = np.zeros((40, 30 + 20 * len(text), 3), np.uint8)
        cv2.putText(crop, text, (8, 29), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (230, 230, 230), 2, cv2.LINE_AA)
        crops.append(crop)

    together = [one.text for one in reader.read(crops)]

    assert together == [reader.read([crop])[0].text for crop in crops] == ["P", "MEIER PETER", "72"]


def test_a_reader_for_a_gpu_sees_few_shapes_and_answers_every_crop(ppocr):
    """Lines are padded to few widths and calls to one number of lines each; empty lines answer nothing."""
    random = np.random.default_rng(3)
    crops = [np.zeros((20, int(width), 3), np.uint8) for width in random.integers(1, 900, 60)]
    recording = Recording(reader_of(ppocr)._session)

    readings = PpocrRecogniser(recording, few_shapes=True).read(crops)

    assert len(readings) == len(crops)
    assert len({shape[3] for shape in recording.shapes}) == len(set(recording.shapes)) < 20


class Recording:
    """A reader's session that keeps the shapes it was called with."""

    def __init__(self, session):
        self._session = session
        self.name, self.metadata = session.name, session.metadata
        self.shapes = []

    def run(self, batch):
        """Answer with blanks, a step for eight columns."""
        self.shapes.append(batch.shape)
        output = np.zeros((batch.shape[0], batch.shape[3] // 8, 18710), np.float32)
        output[:, :, 0] = 1
        return [output]


def test_no_crops_are_no_call(ppocr):
    """Nothing to read is nothing to run."""
    assert reader_of(ppocr).read([]) == []


def test_the_alphabet_has_every_character_of_the_model(ppocr):
    """Blank, the characters of the model's metadata, and the space."""
    reader = reader_of(ppocr)

    assert isinstance(reader, PpocrRecogniser)
    assert len(reader._characters) == 18710
    assert (reader._characters[0], reader._characters[1], reader._characters[-1]) == ("", "!", " ")


class Counting:
    """A reader that says how wide a crop is, and counts."""

    def __init__(self):
        self.crops = 0

    def read(self, crops):
        """Read widths."""
        self.crops += len(crops)
        return [Reading(text=str(crop.shape[1]), confidence=0.9) for crop in crops]


def test_the_same_crop_is_read_once():
    """In a clip the labels stand on every frame."""
    counting = Counting()
    reader = Remembering(counting)
    wide, narrow = np.zeros((5, 9, 3), np.uint8), np.zeros((5, 7, 3), np.uint8)

    first = [one.text for one in reader.read([wide, narrow, wide])]
    second = [one.text for one in reader.read([narrow, wide])]

    assert (first, second) == (["9", "7", "9"], ["7", "9"])
    assert counting.crops == 2


def test_crops_of_the_same_bytes_and_another_shape_are_not_the_same():
    """A line stood up is another line."""
    lying, standing = np.zeros((5, 9, 3), np.uint8), np.zeros((9, 5, 3), np.uint8)

    assert [one.text for one in Remembering(Counting()).read([lying, standing])] == ["9", "5"]


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first():
    """A worker runs for months."""
    counting = Counting()
    reader = Remembering(counting, most=3)
    crops = [np.zeros((5, width, 3), np.uint8) for width in range(1, 6)]

    for crop in (*crops, crops[4]):
        reader.read([crop])
    assert (len(reader._known), counting.crops) == (3, 5)

    reader.read([crops[0]])
    assert counting.crops == 6
