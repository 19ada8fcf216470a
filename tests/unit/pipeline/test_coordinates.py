"""Places in the image, said again about the cropped image; what cannot be moved holds the object."""

import pydicom
import pytest
from pydicom import Dataset

from config.schema import Cone, Pixels
from pipeline.coordinates import move_coordinates
from pipeline.pixel_header import DERIVATION, DERIVATION_CODE
from pipeline.reasons import Held, Reason
from tests.factories.pixels import (
    JPEG_BASELINE,
    BlindReader,
    FixedCone,
    deidentifier,
    moving_within,
    received,
    save_image,
)
from tests.factories.profiles import RESEARCH

CROP = (30, 20, 90, 70)
ROWS, COLUMNS = 100, 120


def item(**attributes):
    """Return a data set with some attributes."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def moved(header, crop=CROP):
    """Move the places of a header, and return it."""
    move_coordinates(header, crop, rows=ROWS, columns=COLUMNS)
    return header


def test_a_rectangular_shutter_moves_and_ends_at_the_image():
    """An edge that was outside the crop cuts nothing off any more."""
    header = moved(
        item(
            ShutterShape="RECTANGULAR",
            ShutterLeftVerticalEdge=40,
            ShutterRightVerticalEdge=115,
            ShutterUpperHorizontalEdge=5,
            ShutterLowerHorizontalEdge=60,
        )
    )
    assert (header.ShutterLeftVerticalEdge, header.ShutterRightVerticalEdge) == (10, 61)
    assert (header.ShutterUpperHorizontalEdge, header.ShutterLowerHorizontalEdge) == (0, 40)


def test_round_and_polygonal_shutters_move_row_before_column():
    """A radius is a size and stays; places may lie outside the image."""
    header = moved(
        item(
            CenterOfCircularShutter=[50, 60], RadiusOfCircularShutter=25, VerticesOfThePolygonalShutter=[21, 31, 5, 100]
        )
    )
    assert list(header.CenterOfCircularShutter) == [30, 30]
    assert header.RadiusOfCircularShutter == 25
    assert list(header.VerticesOfThePolygonalShutter) == [1, 1, -15, 70]


def test_an_overlay_s_origin_moves():
    """Row and column, counted from 1; each plane for itself."""
    header = Dataset()
    header.add_new(0x60000050, "SS", [1, 1])
    header.add_new(0x60020050, "SS", [41, 61])
    moved(header)
    assert list(header[0x60000050].value) == [-19, -29]
    assert list(header[0x60020050].value) == [21, 31]


def test_the_position_in_the_patient_follows_rows_and_columns():
    """Columns run along the first direction, by the second spacing; spacing and aspect stay."""
    header = moved(
        item(
            ImagePositionPatient=[1, 2, 3],
            ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
            PixelSpacing=[0.5, 0.25],
            PixelAspectRatio=[2, 1],
        )
    )
    assert [float(value) for value in header.ImagePositionPatient] == [1, 2 + 30 * 0.25, 3 - 20 * 0.5]
    assert list(header.PixelSpacing) == [0.5, 0.25]
    assert list(header.PixelAspectRatio) == [2, 1]


def test_plane_positions_in_functional_groups_move_by_their_own_or_shared_orientation():
    """Frame by frame; a shutter of a frame moves too."""
    header = item(
        SharedFunctionalGroupsSequence=[
            item(
                PixelMeasuresSequence=[item(PixelSpacing=[1, 2])],
                PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            )
        ],
        PerFrameFunctionalGroupsSequence=[
            item(
                PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 5])],
                FrameDisplayShutterSequence=[item(CenterOfCircularShutter=[50, 60])],
            ),
            item(
                PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 6])],
                PlaneOrientationSequence=[item(ImageOrientationPatient=[0, 1, 0, 1, 0, 0])],
                PlanePositionVolumeSequence=[item(ImagePositionVolume=[1.0, 1.0, 1.0])],
                PlaneOrientationVolumeSequence=[item(ImageOrientationVolume=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])],
            ),
        ],
    )
    first, second = moved(header).PerFrameFunctionalGroupsSequence
    assert list(first.PlanePositionSequence[0].ImagePositionPatient) == [60, 20, 5]
    assert list(second.PlanePositionSequence[0].ImagePositionPatient) == [20, 60, 6]
    assert list(second.PlanePositionVolumeSequence[0].ImagePositionVolume) == [61, 21, 1]
    assert list(first.FrameDisplayShutterSequence[0].CenterOfCircularShutter) == [30, 30]


UNMOVABLE = {
    "a collimator": item(CollimatorLeftVerticalEdge=3),
    "a place in a larger image": item(TotalPixelMatrixOriginSequence=[item()]),
    "an annotation in an item": item(ReferencedImageSequence=[item(GraphicAnnotationSequence=[item()])]),
    "a position without an orientation": item(ImagePositionPatient=[0, 0, 0], PixelSpacing=[1, 1]),
    "a position without a spacing": item(ImagePositionPatient=[0, 0, 0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    "half a position": item(
        ImagePositionPatient=[0, 0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1]
    ),
    "half a vertex": item(VerticesOfThePolygonalShutter=[1, 2, 3]),
    "a position of all frames with spacings of their own": item(
        SharedFunctionalGroupsSequence=[
            item(
                PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 0])],
                PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
                PixelMeasuresSequence=[item(PixelSpacing=[1, 1])],
            )
        ],
        PerFrameFunctionalGroupsSequence=[item(PixelMeasuresSequence=[item(PixelSpacing=[2, 2])])],
    ),
}


@pytest.mark.parametrize("header", UNMOVABLE.values(), ids=UNMOVABLE)
def test_what_cannot_be_moved_holds(header):
    """And nothing holds where nothing is cropped."""
    move_coordinates(header, (0, 0, COLUMNS, ROWS), rows=ROWS, columns=COLUMNS)
    with pytest.raises(Held) as raised:
        moved(header)
    assert raised.value.reason is Reason.REFERENCES_CROPPED


def test_curves_hold_too():
    """Whichever group they stand in."""
    header = Dataset()
    header.add_new(0x50020005, "US", 1)
    with pytest.raises(Held):
        moved(header)


def test_a_crop_to_the_left_and_the_top_moves_no_position():
    """The first pixel stays the first."""
    header = moved(item(ImagePositionPatient=[1, 2, 3], CenterOfCircularShutter=[5, 6]), (0, 0, 50, 60))
    assert list(header.ImagePositionPatient) == [1, 2, 3]
    assert list(header.CenterOfCircularShutter) == [5, 6]


def cropped(tmp_path, *, syntax="1.2.840.10008.1.2.1", **attributes):
    """De-identify a clip whose cone begins at column 41, row 23, and read it again."""
    cone = FixedCone(mask=_cone(), confidence=0.9)
    path = save_image(tmp_path / "in.dcm", moving_within(cone.mask, 3), syntax=syntax, **attributes)
    profile = RESEARCH.model_copy(update={"pixels": Pixels(cone=Cone(crop=True))})
    result = deidentifier(reader=BlindReader(), cone=cone, profile=profile).run(received(path), tmp_path / "out.dcm")
    return result, pydicom.dcmread(result.path)


def _cone():
    import numpy as np

    mask = np.zeros((160, 240), bool)
    mask[23:140, 41:200] = True
    return mask


def test_a_whole_object_says_what_its_crop_means(tmp_path):
    """Size, region, shutter, and that it is derived; not that it is derived from itself."""
    region = item(
        RegionSpatialFormat=1,
        RegionLocationMinX0=30,
        RegionLocationMinY0=30,
        RegionLocationMaxX1=220,
        RegionLocationMaxY1=130,
        ReferencePixelX0=70,
        ReferencePixelY0=4,
        TMLinePositionX0=9,
    )
    result, written = cropped(
        tmp_path,
        SequenceOfUltrasoundRegions=[region],
        ShutterLeftVerticalEdge=51,
        PixelSpacing=[0.3, 0.3],
        DerivationDescription="SCAN CONVERSION",
    )
    assert (written.Rows, written.Columns) == (117, 159)
    moved_region = written.SequenceOfUltrasoundRegions[0]
    assert (moved_region.RegionLocationMinX0, moved_region.RegionLocationMaxX1) == (0, 158)
    assert (moved_region.RegionLocationMinY0, moved_region.RegionLocationMaxY1) == (7, 107)
    assert (moved_region.ReferencePixelX0, moved_region.ReferencePixelY0) == (70 - 11, 4)
    assert moved_region.TMLinePositionX0 == 9
    assert written.ShutterLeftVerticalEdge == 10
    assert list(written.PixelSpacing) == [0.3, 0.3]
    assert written.ImageType[0] == "DERIVED"
    assert written.DerivationDescription.endswith(DERIVATION)
    code = written.DerivationCodeSequence[-1]
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == DERIVATION_CODE
    assert "SourceImageSequence" not in written
    plan = result.findings.plan
    assert plan is not None
    assert plan.crop == (41, 23, 200, 140)


def test_a_jpeg_crop_begins_on_a_block_and_its_margin_is_black(tmp_path):
    """Left and top move outward to whole coded units, and everything moves by that."""
    result, written = cropped(tmp_path, syntax=JPEG_BASELINE, ShutterLeftVerticalEdge=51)
    plan = result.findings.plan
    assert plan is not None
    assert written.file_meta.TransferSyntaxUID == JPEG_BASELINE
    assert plan.grid == (8, 8)
    assert plan.crop == (40, 16, 200, 140)
    assert (written.Rows, written.Columns) == (124, 160)
    assert written.ShutterLeftVerticalEdge == 11
    pixels = written.pixel_array
    assert not pixels[:, :7].any()
    assert not pixels[:, :, :1].any()
    assert pixels[:, 8:, 8:].any()


def test_an_image_whose_places_cannot_be_moved_is_held(tmp_path):
    """With nothing that could be released."""
    with pytest.raises(Held) as raised:
        cropped(tmp_path, CollimatorLeftVerticalEdge=3)
    assert raised.value.reason is Reason.REFERENCES_CROPPED
    assert raised.value.result is None
    assert not (tmp_path / "out.dcm").exists()
