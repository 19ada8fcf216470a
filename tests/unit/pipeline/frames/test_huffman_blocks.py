"""JPEG of 12 bits blanked and cropped as bits: everything else as it was, and what is not understood is refused."""

import struct
from itertools import product

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frames import huffman_blocks
from pipeline.frames.huffman_blocks import BlocksRefusedError, blank_twelve_bits
from pipeline.frames.jpeg_blocks import CannotBlankError, blank_blocks, block_grid
from pipeline.frames.syntaxes import EXPLICIT_LITTLE, JPEG_EXTENDED
from tests.factories.jpeg_by_hand import jpeg_of_12_bits
from tests.factories.pixels import Seen, deidentifier, received, save_image
from tests.peers.codecs import with_codestreams

ROWS, COLUMNS = 61, 83
DOWN, ACROSS = 8, 11
WHOLE = (0, 0, COLUMNS, ROWS)
rng = np.random.default_rng(11)
PICTURE = (2048 + 900 * np.sin(np.arange(ROWS)[:, None] / 5) * np.cos(np.arange(COLUMNS) / 7)).astype(np.uint16)
PICTURE += rng.integers(0, 200, PICTURE.shape, dtype=np.uint16)


def mask_of(*boxes, rows=ROWS, columns=COLUMNS):
    """Return a mask of the frame, True in boxes (left, top, right, bottom) of blocks."""
    mask = np.zeros((rows, columns), bool)
    for left, top, right, bottom in boxes:
        mask[8 * top : 8 * bottom, 8 * left : 8 * right] = True
    return mask


MASKS = {
    "nothing": mask_of(),
    "the first block": mask_of((0, 0, 1, 1)),
    "the last block": mask_of((10, 7, 11, 8)),
    "a box and a row": mask_of((3, 2, 6, 4), (0, 5, 11, 6)),
    "all": mask_of((0, 0, 11, 8)),
}


@pytest.mark.parametrize("crop", [WHOLE, (16, 8, 75, 60), (8, 0, 83, 61)])
@pytest.mark.parametrize(("interval", "name"), list(product((0, 1, 7, 11), MASKS)))
def test_decoded_it_is_the_original_outside_and_the_very_black_inside(interval, name, crop):
    """With and without restart intervals, which stay."""
    source = jpeg_of_12_bits(PICTURE, interval=interval)
    left, top, right, bottom = crop
    before = imagecodecs.jpeg8_decode(source)
    assert np.abs(before.astype(int) - PICTURE).max() < 60

    for black in (0, 4095):
        made = blank_blocks(source, block_grid(source), mask=MASKS[name], crop=crop, black=(black,))
        after = imagecodecs.jpeg8_decode(made)
        mask = MASKS[name][top:bottom, left:right]
        assert after.shape == mask.shape
        assert (after[mask] == black).all()
        assert np.array_equal(after[~mask], before[top:bottom, left:right][~mask])
        assert (b"\xff\xd0" in made) == bool(interval)


def test_what_is_not_blanked_keeps_its_bits():
    """Blanking nothing gives the same bytes; so does blanking what is black already."""
    source = jpeg_of_12_bits(PICTURE, interval=7)
    grid = block_grid(source)
    assert blank_blocks(source, grid, mask=MASKS["nothing"], crop=WHOLE, black=(0,)) == source

    once = blank_blocks(source, grid, mask=MASKS["a box and a row"], crop=WHOLE, black=(0,))

    assert once != source
    assert blank_blocks(once, grid, mask=MASKS["a box and a row"], crop=WHOLE, black=(0,)) == once


def test_a_table_without_the_code_that_black_needs_gets_it():
    """And the codes that it had stay as they were."""
    source = jpeg_of_12_bits(PICTURE // 4 + 1500, dc_sizes=9)
    mask = MASKS["a box and a row"]

    made = blank_blocks(source, block_grid(source), mask=mask, crop=WHOLE, black=(0,))

    assert made.count(b"\xff\xc4") == source.count(b"\xff\xc4") + 1
    after = imagecodecs.jpeg8_decode(made)
    assert not after[mask].any()
    assert np.array_equal(after[~mask], imagecodecs.jpeg8_decode(source)[~mask])


def test_a_table_without_room_is_refused():
    """Sixteen bits are the longest code, and all but the last of them are taken."""
    full = bytes([1] * 16) + bytes(range(16))
    with pytest.raises(BlocksRefusedError):
        huffman_blocks._with_symbols(full[:16] + bytes(range(1, 17)), [0])


def test_black_that_no_coefficient_gives_is_refused():
    """A padding value, or the highest of fewer bits, would come out as another one."""
    source = jpeg_of_12_bits(PICTURE)
    with pytest.raises(CannotBlankError):
        blank_blocks(source, block_grid(source), mask=MASKS["all"], crop=WHOLE, black=(1002,))


def test_a_component_alone_is_coded_block_by_block_whatever_its_sampling_says():
    """ISO/IEC 10918-1, A.2.2."""
    source = jpeg_of_12_bits(PICTURE, sampling=0x22)
    grid = block_grid(source)
    assert (grid.rows, grid.columns) == (8, 8)

    made = blank_blocks(source, grid, mask=MASKS["a box and a row"], crop=WHOLE, black=(0,))

    assert made == blank_blocks(
        jpeg_of_12_bits(PICTURE), grid, mask=MASKS["a box and a row"], crop=WHOLE, black=(0,)
    ).replace(b"\x01\x01\x11\x00", b"\x01\x01\x22\x00", 1)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 2))
def test_a_damaged_codestream_is_refused_or_keeps_its_size(damage, cut):
    """Never another error, and no block is taken for another."""
    stream = bytearray(jpeg_of_12_bits(PICTURE[:24, :40], interval=4))
    for at, value in damage:
        stream[at % len(stream)] = value
    damaged = bytes(stream)[: len(stream) - cut * 40]
    try:
        grid = block_grid(damaged)
        made = blank_blocks(
            damaged, grid, mask=mask_of((1, 1, 3, 2), rows=24, columns=40), crop=(0, 0, 40, 24), black=(0,)
        )
    except CannotBlankError:
        return
    assert struct.pack(">HH", 24, 40) in made
    assert len(made) < 2 * len(stream)


def test_what_is_longer_than_memory_allows_is_refused(monkeypatch):
    """It is then painted, and written without loss."""
    source = jpeg_of_12_bits(PICTURE)
    monkeypatch.setattr(huffman_blocks, "_MOST_BYTES", len(source) - 1)
    with pytest.raises(BlocksRefusedError):
        blank_twelve_bits(source, mask=np.zeros((DOWN, ACROSS), bool), crop=WHOLE, black_dc=0)


class OneBox:
    """Sees text in one fixed box at the first look."""

    def read(self, image, *, strict, frame=None):
        """Return the box."""
        if strict or image.shape[:2] != frame:
            return ()
        return (Seen(left=20, top=18, right=50, bottom=30, text="NAME", confidence=0.9),)


def clip(folder, codestreams, bits=12, **attributes):
    """Write frames of 12 bits and return the path."""
    frames = np.stack([PICTURE] * len(codestreams))
    native = save_image(folder / "native", frames, BitsStored=bits, HighBit=bits - 1, **attributes)
    return with_codestreams(pydicom.dcmread(native), folder / "in.dcm", JPEG_EXTENDED, codestreams)


def test_frames_of_8_bits_among_those_of_12_are_written_without_loss(tmp_path):
    """One object, one way to write."""
    eight = imagecodecs.jpeg8_encode((PICTURE >> 4).astype(np.uint8), level=90)
    source = clip(tmp_path, [jpeg_of_12_bits(PICTURE), eight])

    assert deidentifier(reader=OneBox()).run(received(source), tmp_path / "out.dcm").transfer_syntax_uid == (
        EXPLICIT_LITTLE
    )


@pytest.mark.parametrize(("bits", "level", "written"), [(10, 3, JPEG_EXTENDED), (10, 0, EXPLICIT_LITTLE)])
def test_graphics_above_the_stored_bits_do_not_stay_in_coefficients(bits, level, written, tmp_path):
    """Where a frame has something there, it is painted and written without loss instead."""
    stream = jpeg_of_12_bits(PICTURE >> level)

    result = deidentifier(reader=OneBox()).run(received(clip(tmp_path, [stream], bits)), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == written
