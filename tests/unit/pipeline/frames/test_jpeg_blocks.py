"""JPEG blanked in its coefficients: everything else as it was, by a library that reads coefficients on its own."""

import cv2
import imagecodecs
import jpeglib
import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array

from config.schema import Option, Profile
from pipeline.frames import jpeg_blocks, turbojpeg
from pipeline.frames.jpeg_blocks import CannotBlankError, blank_blocks, block_grid, is_blanked
from pipeline.frames.silence import quiet_libraries
from pipeline.frames.syntaxes import EXPLICIT_LITTLE
from pipeline.reasons import Held, Reason
from tests.factories.pixels import JPEG_BASELINE, BlindReader, Seen, deidentifier, encapsulated, received, save_image

SAMPLINGS = ("444", "422", "420", None)
ROWS, COLUMNS = 150, 204
"""No multiple of any minimum coded unit."""


def picture():
    """Return a smooth colour picture, uint8 (rows, columns, 3)."""
    noise = np.random.default_rng(7).integers(0, 255, (ROWS, COLUMNS, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def jpeg(sampling, **more):
    """Return a JPEG with a comment, subsampled so; None for grey."""
    if sampling is None:
        return imagecodecs.jpeg_encode(np.ascontiguousarray(picture()[..., 0]), level=90, **more)
    return imagecodecs.jpeg_encode(
        picture(), level=90, subsampling=sampling, colorspace="RGB", outcolorspace="YCBCR", **more
    )


def samples(codestream, sampling):
    """Return the samples as they are coded."""
    coded = None if sampling is None else "YCBCR"
    return imagecodecs.jpeg_decode(codestream, colorspace=coded, outcolorspace=coded)


def coefficients(codestream, path):
    """Return the coefficients of every component, (rows of blocks, columns of blocks, 8, 8), by another library."""
    path.write_bytes(codestream)
    image = jpeglib.read_dct(str(path))
    return [plane for plane in (image.Y, image.Cb, image.Cr) if plane is not None]


def on_grid(grid, *boxes):
    """Return a mask of whole minimum coded units that covers the boxes (left, top, right, bottom)."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    for left, top, right, bottom in boxes:
        rows = slice(top // grid.rows * grid.rows, -(-bottom // grid.rows) * grid.rows)
        mask[rows, left // grid.columns * grid.columns : -(-right // grid.columns) * grid.columns] = True
    return mask


def black(grid):
    """Return black in luminance and chrominance."""
    return (0, 128, 128)[: len(grid.components)]


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_every_coefficient_outside_the_blanked_blocks_is_the_same(sampling, tmp_path):
    """And inside, nothing is left but the DC of black."""
    source = jpeg(sampling)
    grid = block_grid(source)
    mask = on_grid(grid, (0, 0, 50, 20), (100, 90, 204, 150))

    made = blank_blocks(source, grid, mask=mask, crop=(0, 0, COLUMNS, ROWS), black=black(grid))

    before, after = coefficients(source, tmp_path / "a.jpg"), coefficients(made, tmp_path / "b.jpg")
    for component, old, new in zip(grid.components, before, after, strict=True):
        rows, columns = grid.rows // component.vertical, grid.columns // component.horizontal
        blocks = mask[::rows, ::columns][: old.shape[0], : old.shape[1]]
        known = blocks.shape
        assert np.array_equal(old[: known[0], : known[1]][~blocks], new[: known[0], : known[1]][~blocks])
        assert not new[: known[0], : known[1]][blocks].reshape(-1, 64)[:, 1:].any()


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("crop", [(0, 0, COLUMNS, ROWS), (32, 16, 171, 133)])
def test_decoded_it_is_the_original_outside_and_black_inside(sampling, crop):
    """By the check of the verification itself, which one wrong sample on either side fails."""
    source = jpeg(sampling)
    grid = block_grid(source)
    mask = on_grid(grid, (40, 30, 90, 60))
    left, top, right, bottom = crop

    made = samples(blank_blocks(source, grid, mask=mask, crop=crop, black=black(grid)), sampling)

    old, cut = samples(source, sampling)[top:bottom, left:right], mask[top:bottom, left:right]
    cropped = crop != (0, 0, COLUMNS, ROWS)

    def agrees(written):
        return is_blanked(written, old, cut, grid, black=black(grid), is_cropped=cropped)

    assert agrees(made)
    for row, column in ((5, 100), (bottom - top - 5, 5), (48 - top, 64 - left)):
        wrong = made.copy()
        wrong[row, column] ^= 1
        assert not agrees(wrong)
    assert not agrees(made[:-1])


def test_luminance_beside_an_edge_may_not_differ():
    """Only what is subsampled is smeared by decoders."""
    source = jpeg("420")
    grid = block_grid(source)
    mask = on_grid(grid, (32, 32, 64, 64))
    made = samples(blank_blocks(source, grid, mask=mask, crop=(0, 0, COLUMNS, ROWS), black=black(grid)), "420")
    made[31, 40, 0] ^= 1

    assert not is_blanked(made, samples(source, "420"), mask, grid, black=black(grid), is_cropped=False)


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("level", [30, 75, 90, 100])
def test_black_and_white_are_met_exactly_at_any_quantization(value, level):
    """MONOCHROME1 is blanked with the highest value."""
    source = imagecodecs.jpeg_encode(np.ascontiguousarray(picture()[..., 0]), level=level)
    grid = block_grid(source)
    mask = on_grid(grid, (8, 8, 64, 64))

    made = samples(blank_blocks(source, grid, mask=mask, crop=(0, 0, COLUMNS, ROWS), black=(value,)), None)

    assert (made[mask] == value).all()


def test_progressive_damaged_and_foreign_codestreams_are_refused():
    """The caller then writes samples instead."""
    progressive = cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    twelve = imagecodecs.jpeg_encode(picture().astype(np.uint16) * 8, level=90, bitspersample=12)
    for codestream in (b"", b"\xff\xd8\xff", jpeg("420")[:300], progressive, twelve, b"\xff\xd8\xff\xd9"):
        with pytest.raises(CannotBlankError):
            block_grid(codestream)


def test_a_codestream_that_ends_in_its_scan_is_refused_by_the_transform():
    """Its rest would be grey."""
    source = jpeg("420")
    cut = source[: len(source) * 2 // 3]

    with pytest.raises(CannotBlankError):
        blank_blocks(
            cut, block_grid(cut), mask=np.zeros((ROWS, COLUMNS), bool), crop=(0, 0, COLUMNS, ROWS), black=(0, 128, 128)
        )


def test_comments_and_application_data_do_not_come_along():
    """What decides how colour is read stays as the source has it."""
    source = jpeg("422")
    planted = source[:2] + b"\xff\xfe\x00\x0cQUAVORZIBE" + b"\xff\xe1\x00\x0cQUAVORZIBE" + source[2:]
    grid = block_grid(planted)

    made = blank_blocks(
        planted, grid, mask=on_grid(grid, (0, 0, 20, 20)), crop=(0, 0, COLUMNS, ROWS), black=black(grid)
    )

    assert b"QUAVOR" not in made
    assert (b"JFIF" in made) == (b"JFIF" in source)
    assert (b"Adobe" in made) == (b"Adobe" in source)


class OneBox:
    """Sees text in one fixed box at the first look."""

    def read(self, image, *, strict, frame=None):
        """Return the box."""
        if strict or image.shape[:2] != frame:
            return ()
        return (Seen(left=40, top=30, right=90, bottom=44, text="NAME", confidence=0.9),)


def clip(path, codestreams):
    """Write a JPEG clip of the pictures and return its path."""
    save_image(path, np.stack([picture()] * len(codestreams)), photometric="YBR_FULL_422", syntax=JPEG_BASELINE)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulated(codestreams)
    dataset.save_as(path)
    return path


def test_a_redacted_clip_stays_jpeg_and_grows_not(tmp_path):
    """Frames decoded by GDCM, which is neither the decoder nor the library that wrote them."""
    source = clip(tmp_path / "in.dcm", [jpeg("422"), jpeg("422")])

    result = deidentifier(reader=OneBox()).run(received(source), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == JPEG_BASELINE
    assert len(pydicom.dcmread(result.path).PixelData) <= len(pydicom.dcmread(source).PixelData)
    with quiet_libraries():
        old, new = (
            pixel_array(pydicom.dcmread(path), raw=True, decoding_plugin="gdcm") for path in (source, result.path)
        )
    changed = (old != new).any(axis=(0, 3))
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max()) == (24, 47)
    assert columns.min() >= 31
    assert columns.max() <= 96
    assert not new[:, 24:48, 32:96, 0].any()


def test_frames_of_another_sampling_make_the_object_native(tmp_path):
    """One object, one way to write: what cannot be blanked in blocks is painted and written without loss."""
    source = clip(tmp_path / "in.dcm", [jpeg("422"), jpeg("444")])

    result = deidentifier(reader=OneBox()).run(received(source), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == EXPLICIT_LITTLE


def test_without_the_library_redacted_jpeg_is_written_without_loss(tmp_path, monkeypatch):
    """It is a library of the system and may be missing."""
    monkeypatch.setattr(turbojpeg, "load", lambda: None)
    assert jpeg_blocks.turbojpeg.load() is None
    source = clip(tmp_path / "in.dcm", [jpeg("422")])

    result = deidentifier(reader=OneBox()).run(received(source), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == EXPLICIT_LITTLE


@pytest.mark.parametrize("damaged", [b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xc0\0", b"\0\0\0\0"])
def test_a_damaged_frame_behind_a_sound_one_is_undecodable(damaged, tmp_path):
    """A fault of the object, not of ours, also where rectangles are blanked without a look at the frames."""
    source = clip(tmp_path / "in.dcm", [jpeg("422"), damaged])
    masks = [{"columns": COLUMNS, "rows": ROWS, "rectangles": [[0, 0, 40, 20]], "manufacturer_model": "M"}]
    dataset = pydicom.dcmread(source)
    dataset.ManufacturerModelName = "M"
    dataset.save_as(source)
    profile = Profile(name="m", options=(Option.CLEAN_PIXEL_DATA,), pixels={"text": None, "cone": None, "masks": masks})

    with pytest.raises(Held) as raised:
        deidentifier(reader=BlindReader(), profile=profile).run(received(source), tmp_path / "out.dcm")

    assert raised.value.reason is Reason.UNDECODABLE
