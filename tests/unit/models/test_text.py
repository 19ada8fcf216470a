"""Finding and reading burned-in text with the models that are shipped."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from models.errors import ModelFailed
from models.geometry import Box
from models.ppocr import FIRST_LOOK, STRICT_LOOK, PpocrDetector, scaling_for
from models.recognise import NOTHING_READ, Reading
from models.text import FIRST_GATE, STRICT_GATE, TextReader


def read_words(reader, image, *, strict=False):
    """What is read, region by region, without spaces."""
    return [region.text.replace(" ", "") for region in reader.read(image, strict=strict)]


def ink_left(image, regions):
    """Bright pixels that no region covers."""
    rest = image.max(axis=2) > 100
    for one in regions:
        rest[one.top : one.bottom, one.left : one.right] = False
    return int(rest.sum())


def test_a_name_and_a_date_are_found_and_read(ppocr, frame):
    """Regions lie over all of the ink, in the frame's own pixels, and say what stands there."""
    image = frame(("SMITH ANNA", 20, 40), ("1970-02-01", 400, 460))

    regions = ppocr.text.read(image, strict=False)

    assert [one.text for one in regions] == ["SMITH ANNA", "1970-02-01"]
    assert ink_left(image, regions) == 0
    assert all(one.confidence > 0.8 and one.detector == "ppocr" for one in regions)


@pytest.mark.parametrize("colour", [(255, 40, 40), (40, 255, 40), (60, 60, 255), (255, 255, 0)])
def test_coloured_text_is_found_and_read(ppocr, frame, colour):
    """Colour is no obstacle."""
    assert read_words(ppocr.text, frame(("BED 42 XRAY", 60, 200), colour=colour)) == ["BED42XRAY"]


def test_grey_and_colour_give_the_same(ppocr, frame):
    """A grey frame is the colour frame with three equal samples."""
    image = frame(("MEIER PETER", 60, 200))

    assert ppocr.text.read(image[:, :, 0], strict=False) == ppocr.text.read(image, strict=False)


def test_reading_leaves_the_frame_alone(ppocr, frame):
    """The frame is an input."""
    image = frame(("MEIER PETER", 60, 200))
    before = image.copy()

    ppocr.text.read(image, strict=True)

    assert np.array_equal(image, before)


@pytest.mark.parametrize("strict", [False, True])
def test_a_frame_without_text_gives_nothing(ppocr, frame, strict):
    """Speckle and a bright arc are not text."""
    image = frame()
    cv2.ellipse(image, (320, 100), (200, 150), 0, 20, 160, (180, 180, 180), 6)

    assert ppocr.text.read(image, strict=strict) == ()


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (64, 64), (33, 1000)])
def test_small_and_odd_shapes_are_read_without_an_error(ppocr, shape):
    """No shape is too small or too flat."""
    assert ppocr.text.read(np.zeros(shape, dtype=np.uint8), strict=False) == ()


def test_text_across_the_seam_of_two_tiles_is_one_region(ppocr, frame):
    """A frame of several tiles is looked at without seams."""
    image = frame(("THE LONG NAME OF A HOSPITAL IN A TOWN", 200, 700), rows=1300, columns=1300, scale=1.2)

    assert read_words(ppocr.text, image) == ["THELONGNAMEOFAHOSPITALINATOWN"]


def test_text_stood_up_is_read_in_both_directions(ppocr, frame):
    """A label along the side of a screen is text, too."""
    image = frame(("DEPTH 160 MM", 120, 60), rows=100, columns=480)

    for turn in (1, 3):
        assert read_words(ppocr.text, np.ascontiguousarray(np.rot90(image, turn))) == ["DEPTH160MM"]


def test_text_in_a_small_frame_is_found(ppocr, frame):
    """A small frame is enlarged before it is looked at."""
    image = frame(("JONES 1962", 4, 40), rows=64, columns=128, scale=0.6)

    regions = ppocr.text.read(image, strict=False)

    assert ink_left(image, regions) == 0


def test_the_strict_look_finds_what_a_mask_left_over(ppocr, frame):
    """Half of a name is still a name."""
    image = frame(("SMITH ANNA", 20, 40), ("1970-02-01", 400, 460))
    image[:100, :100] = 0

    assert "1970-02-01" in read_words(ppocr.text, image, strict=True)


def test_the_strict_look_finds_nothing_where_everything_is_masked(ppocr, frame):
    """The black rectangles themselves are not text."""
    image = frame(("SMITH ANNA", 20, 40), ("1970-02-01", 400, 460), ("11 cm", 300, 240))
    for one in ppocr.text.read(image, strict=False):
        image[one.top : one.bottom, one.left : one.right] = 0

    assert ppocr.text.read(image, strict=True) == ()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), dtype=np.uint16),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((0, 4), dtype=np.uint8),
        np.zeros((2, 4, 4, 3), dtype=np.uint8),
    ],
)
def test_another_type_or_shape_is_refused(ppocr, image):
    """Nothing is guessed about axes or ranges."""
    with pytest.raises(ValueError, match="image"):
        ppocr.text.read(image, strict=False)


@pytest.mark.parametrize(
    ("box", "reading", "passes"),
    [
        ((10, 10, 90, 40), NOTHING_READ, True),
        ((10, 10, 90, 60), NOTHING_READ, False),
        ((10, 10, 500, 45), NOTHING_READ, False),
        ((10, 10, 90, 60), Reading(text="TITLE", confidence=0.9), True),
        ((10, 10, 90, 60), Reading(text="TITLE", confidence=0.5), False),
        ((10, 10, 90, 60), Reading(text="-|T.", confidence=0.9), False),
        ((0, 0, 418, 470), Reading(text="II", confidence=0.67), False),
        ((0, 0, 300, 120), Reading(text="13", confidence=0.99), False),
        ((0, 0, 600, 120), Reading(text="JONES", confidence=0.97), True),
    ],
)
def test_large_boxes_stay_only_when_they_can_be_read(box, reading, passes):
    """Small boxes are masked unread; a large one must be a title to be masked."""
    left, top, right, bottom = box
    found = Box(left=left, top=top, right=right, bottom=bottom, score=0.5)

    assert FIRST_GATE.passes(found, reading, rows=480, columns=640) is passes


def test_the_strict_gate_believes_the_reader_alone():
    """A small box that nobody can read does not hold a clean frame."""
    small = Box(left=0, top=0, right=5, bottom=5, score=0.9)

    assert not STRICT_GATE.passes(small, NOTHING_READ, rows=480, columns=640)
    assert STRICT_GATE.passes(small, Reading(text="AB", confidence=0.7), rows=480, columns=640)


def test_a_black_box_that_reads_like_two_letters_does_not_blank_half_the_frame():
    """What is as thick as an organ must be read as a word, and surely."""
    page = Box(left=0, top=0, right=418, bottom=520, score=0.5)

    assert not STRICT_GATE.passes(page, Reading(text="II", confidence=0.67), rows=640, columns=640)


class Boxes:
    """A detector that finds what it is told to."""

    name = "told"

    def __init__(self, *boxes):
        self.boxes = tuple(Box(left=b[0], top=b[1], right=b[2], bottom=b[3], score=1) for b in boxes)

    def detect(self, image, *, strict, frame):
        """Give the boxes."""
        return self.boxes


class Says:
    """A reader that reads the same everywhere."""

    def __init__(self, text):
        self.text = text

    def read(self, crops):
        """Read all crops alike."""
        return [Reading(text=self.text, confidence=0.9) for _ in crops]


def test_a_small_box_in_a_large_one_that_is_no_text_stays():
    """What the gate drops hides nothing."""
    reader = TextReader([(Boxes((0, 0, 600, 400), (10, 10, 40, 25)), Says("."))])

    regions = reader.read(np.zeros((480, 640), dtype=np.uint8), strict=False)

    assert [(one.left, one.right) for one in regions] == [(10, 40)]


def test_a_union_finds_what_either_finds():
    """A region of one detector inside one of the other is reported once."""
    one = (Boxes((10, 10, 90, 40), (200, 10, 230, 30)), Says("A"))
    other = (Boxes((12, 12, 88, 38), (300, 10, 330, 30)), Says("B"))

    regions = TextReader([one, other]).read(np.zeros((480, 640), dtype=np.uint8), strict=False)

    assert [region.left for region in regions] == [10, 200, 300]


def test_the_detector_gets_blue_first_from_minus_one_to_one():
    """OpenCV's channel order and the range it was trained with."""
    seen = []

    class Listening(Broken):
        def run(self, batch):
            seen.append(batch)
            return super().run(batch)

    red = np.zeros((736, 736, 3), dtype=np.uint8)
    red[:, :, 0] = 255

    PpocrDetector(Listening(0.0), tile_px=10**6).detect(red, strict=False, frame=red.shape[:2])

    assert seen[0].shape == (1, 3, 736, 736)
    assert seen[0].dtype == np.float32
    assert [float(plane.mean()) for plane in seen[0][0]] == pytest.approx([-1, -1, 1])


class Broken:
    """A session whose model gives no probabilities."""

    name = "ppocr-detector"

    def __init__(self, fill, shape=None):
        self.fill = fill
        self.shape = shape

    def run(self, batch):
        """Give the same everywhere."""
        return [np.full(self.shape or (1, 1, *batch.shape[2:]), self.fill, dtype=np.float32)]


@pytest.mark.parametrize("session", [Broken(np.nan), Broken(0.0, (1, 1, 8, 8))])
def test_a_broken_model_is_a_failure_and_not_a_clean_frame(session):
    """NaN or another shape never reads as "no text here"."""
    with pytest.raises(ModelFailed):
        PpocrDetector(session).detect(np.zeros((64, 64, 3), dtype=np.uint8), strict=False, frame=(64, 64))


@pytest.mark.parametrize(
    ("rows", "columns", "look", "factor"),
    [
        (600, 800, FIRST_LOOK, 736 / 600),
        (100, 100, FIRST_LOOK, 4),
        (1000, 1000, FIRST_LOOK, 1),
        (3000, 3000, FIRST_LOOK, 1),
        (600, 800, STRICT_LOOK, 1.5),
        (3000, 3000, STRICT_LOOK, 1),
    ],
)
def test_frames_are_enlarged_within_limits(rows, columns, look, factor):
    """Small text grows, memory does not."""
    assert scaling_for(rows, columns, look).factor == pytest.approx(factor)


def test_memory_is_bounded_by_tiles_and_not_by_the_frame():
    """A frame of four megapixels is read in less than 400 MiB, interpreter and libraries included."""
    code = (
        "import pathlib, re, numpy as np\n"
        "from config.schema import ModelsConfig\n"
        "from models.catalog import open_models\n"
        "reader = open_models(ModelsConfig(device='cpu'), text='ppocr', cone=False).text\n"
        "reader.read(np.zeros((2000, 2000), np.uint8), strict=False)\n"
        # not ru_maxrss: that begins with what the parent had
        "print(int(re.search('VmHWM:\\\\s+(\\\\d+)', pathlib.Path('/proc/self/status').read_text())[1]) // 1024)\n"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert 50 < int(printed) < 400
