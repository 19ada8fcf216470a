"""Every frame of a clip is looked at, and what it shows is read once."""

import numpy as np
import pytest

from config.schema import ModelsConfig
from models.catalog import open_models
from pipeline.clip_text import FEW_FRAMES, Scanner, read_clip
from tests.factories.pixels import WhiteReader, burn, speckle

ROWS, COLUMNS = 240, 320


@pytest.fixture(scope="module")
def reader():
    """Return the shipped text reader."""
    return open_models(ModelsConfig(device="cpu"), text="ppocr", cone=False).text


def seen_in(frames, reader, *, strict=False):
    """Read a clip; return what was seen and how many whole frames' worth of pixels were read for it."""
    scanner = Scanner(reader, strict=strict)
    seen = list(read_clip(((frame,) for frame in frames), len(frames), scanner))
    return seen, scanner.pixels / (ROWS * COLUMNS)


def covered(seen, frame, ink):
    """Tell whether what was seen on a frame covers its ink, bool (rows, columns)."""
    left = ink.copy()
    for text in seen:
        if text.frame_first <= frame <= text.frame_last:
            left[text.top : text.bottom, text.left : text.right] = False
    return not left.any()


def frames_covered(seen, letters, count):
    """Return the frames of a clip on which these letters, or where they would stand, were seen."""
    return {frame for frame in range(count) if covered(seen, frame, letters)}


def letters_of(text, left, bottom):
    """Return where a text has ink."""
    page = np.zeros((ROWS, COLUMNS), np.uint8)
    burn(page, text, left, bottom)
    return page >= 250


def test_a_name_on_frame_41_of_120_over_moving_tissue_is_found_for_less_than_a_pass_in_five_frames(reader):
    """With the shipped models: one frame of two minutes' speckle has letters."""
    frames = speckle(120, ROWS, COLUMNS, seed=3)
    burn(frames[41], "QUAVORZIB", 90, 130, value=255)

    seen, passes = seen_in(frames, reader)

    assert covered(seen, 41, letters_of("QUAVORZIB", 90, 130))
    assert passes < 120 / 5


def test_a_label_that_stands_on_all_frames_is_one_finding(reader):
    """It is followed by its ink, not read again."""
    frames = speckle(40, ROWS, COLUMNS, seed=4) // 3
    for frame in frames:
        burn(frame, "VORZIB 4711", 20, 30)

    seen, _ = seen_in(frames, reader)

    assert frames_covered(seen, letters_of("VORZIB 4711", 20, 30), 40) == set(range(40))
    assert any((text.frame_first, text.frame_last) == (0, 39) for text in seen)


def test_a_timer_that_changes_in_every_frame_is_found_in_every_frame():
    """Its place was read once with other digits; each change is read again."""
    frames = np.zeros((30, ROWS, COLUMNS), np.uint8)
    for index, frame in enumerate(frames):
        burn(frame, f"{37 * index % 100:02d}:{73 * index % 100:02d}", 200, 220)

    seen, _ = seen_in(frames, WhiteReader())

    assert all(covered(seen, index, frame >= 250) for index, frame in enumerate(frames))


def test_a_measurement_that_is_added_at_the_freeze_is_found():
    """Moving tissue, then frames that stand still and get a text."""
    moving = speckle(20, ROWS, COLUMNS, seed=5)
    frozen = np.repeat(moving[-1:], 10, axis=0)
    for frame in frozen[4:]:
        burn(frame, "4.7 cm", 150, 120)

    seen, _ = seen_in(np.concatenate([moving, frozen]), WhiteReader())

    assert frames_covered(seen, letters_of("4.7 cm", 150, 120), 30) == set(range(24, 30))


def test_every_page_of_a_document_of_pages_is_read():
    """Frames that have nothing to do with each other, as in a multi-frame secondary capture."""
    pages = np.zeros((24, ROWS, COLUMNS), np.uint8)
    for index, page in enumerate(pages):
        for line in range(5):
            burn(
                page, "ABCDEFGHKLMNOPRS"[(index + line) % 9 :], 10 + 17 * (index % 4), 30 + 40 * line + 7 * (index % 5)
            )

    seen, _ = seen_in(pages, WhiteReader())

    assert [index for index, page in enumerate(pages) if not covered(seen, index, page >= 250)] == []


def test_a_still_clip_is_read_once():
    """First frame, darker of the first two where there are strokes, last, darkest: all the same image."""
    frame = speckle(1, ROWS, COLUMNS)[0]
    burn(frame, "VORZIB", 30, 60)
    reader = WhiteReader()

    seen, passes = seen_in(np.repeat(frame[np.newaxis], 50, axis=0), reader)

    assert frames_covered(seen, letters_of("VORZIB", 30, 60), 50) == set(range(50))
    assert passes < 2


@pytest.mark.parametrize("count", [1, 2, FEW_FRAMES, FEW_FRAMES + 1])
def test_text_on_the_last_frame_alone_is_found(count):
    """However many frames there are."""
    frames = speckle(count, ROWS, COLUMNS)
    burn(frames[-1], "VORZIB", 30, 60)

    seen, _ = seen_in(frames, WhiteReader())

    assert frames_covered(seen, letters_of("VORZIB", 30, 60), count) == {count - 1}


def test_colour_counts_as_new():
    """Blue letters on black have hardly any grey."""
    frames = np.zeros((12, ROWS, COLUMNS, 3), np.uint8)
    frames[7, ..., 2] = 255 * letters_of("VORZIB", 50, 120)

    class BlueReader(WhiteReader):
        """Sees blue."""

        def read(self, image, *, strict, frame=None):
            """Find the blobs."""
            return super().read(image[..., 2], strict=strict, frame=frame)

    seen, _ = seen_in(frames, BlueReader())

    assert frames_covered(seen, letters_of("VORZIB", 50, 120), 12) == {7}


def test_a_reader_that_fails_is_heard():
    """No text is never the answer to a failure."""

    class Breaking(WhiteReader):
        """Breaks at its third look."""

        def read(self, image, *, strict, frame=None):
            """Find the blobs, or break."""
            if self.looks == 2:
                raise RuntimeError
            return super().read(image, strict=strict, frame=frame)

    with pytest.raises(RuntimeError):
        seen_in(speckle(20, ROWS, COLUMNS), Breaking())


@pytest.mark.parametrize("start", [3, 8, 12, 40])
@pytest.mark.parametrize("gap", [0, 1, 2, 5])
@pytest.mark.parametrize("lasts", [1, 2, 5])
def test_a_text_where_another_stood_a_moment_ago_is_found(start, gap, lasts):
    """However soon it comes and however short it stands: nothing that was read there before uses up its reading."""
    frames = np.zeros((60, ROWS, COLUMNS), np.uint8)
    frames[:, 100:, :200] = speckle(60, ROWS - 100, 200) // 2
    name = range(start + 3 + gap, start + 3 + gap + lasts)
    for index in range(start, start + 3):
        burn(frames[index], "FREEZE", 210, 60)
    for index in name:
        burn(frames[index], "VORZIB", 210, 60)

    seen, _ = seen_in(frames, WhiteReader())

    assert all(covered(seen, index, frames[index] >= 250) for index in name)


def test_labels_that_take_turns_do_not_hide_the_next():
    """Six texts at one place within twenty frames."""
    frames = np.zeros((40, ROWS, COLUMNS), np.uint8)
    for turn, text in enumerate(("LOADING", "FREEZE", "SAVING", "FREEZE", "LOADING", "VORZIB")):
        for index in (5 + 3 * turn, 6 + 3 * turn):
            burn(frames[index], text, 100, 60)

    seen, _ = seen_in(frames, WhiteReader())

    assert all(covered(seen, index, frame >= 250) for index, frame in enumerate(frames))


def test_a_film_that_shows_each_picture_twice_is_not_read_twice_as_often():
    """A frame that repeats the one before tells nothing of its places."""
    pictures = speckle(24, ROWS, COLUMNS, seed=6) // 2

    _, once = seen_in(pictures, WhiteReader())
    _, twice = seen_in(np.repeat(pictures, 2, axis=0), WhiteReader())

    assert twice < 1.5 * once + 2


def test_a_view_that_some_frames_lack_is_read_to_its_end():
    """Its last frame whole and what stands on all of its frames, though the clip goes on without it."""
    frames = np.zeros((20, ROWS, COLUMNS), np.uint8)
    second = speckle(8, ROWS, COLUMNS, seed=7) // 2
    views = [(frame, second[index]) if index < len(second) else (frame,) for index, frame in enumerate(frames)]

    class Keeping(WhiteReader):
        """Keeps what it is shown."""

        def __init__(self):
            super().__init__()
            self.shown = []

        def read(self, image, *, strict, frame=None):
            """Find the blobs."""
            self.shown.append(image.copy())
            return super().read(image, strict=strict, frame=frame)

    reader = Keeping()

    list(read_clip(views, len(frames), Scanner(reader, strict=False)))

    for wanted in (second[-1], second.min(axis=0)):
        assert any(np.array_equal(shown, wanted) for shown in reader.shown)
