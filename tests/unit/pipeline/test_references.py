"""Coordinates in images that were cropped before: moved by what is known of the image, else held."""

import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from config.schema import Cone, Option, Pixels
from pipeline.header.kinds import KINDS, Kind
from pipeline.reasons import Held, Reason
from pipeline.records import FrameCrop
from pipeline.references import NO_CROPS, crop_of_frames, with_moved_places
from tests.factories.content import by_reference, item, reference, report
from tests.factories.corpus.judge import new_faults
from tests.factories.corpus.made import make
from tests.factories.headers import minimal
from tests.factories.pixels import BlindReader, deidentifier, received, save_image
from tests.factories.profiles import CLEANING, with_options

STORAGE = "1.2.840.10008.5.1.4.1.1."
ULTRASOUND, CT = f"{STORAGE}6.1", f"{STORAGE}2"
SEGMENTATION = f"{STORAGE}66.4"
CROPPING = CLEANING.model_copy(update={"pixels": Pixels(cone=Cone(crop=True))})
SHOWN = FrameCrop(rows=100, columns=120, box=(30, 20, 90, 70))
WHOLE = FrameCrop(rows=100, columns=120, box=(0, 0, 120, 100))
CROPS = {"1.2.3.9": SHOWN, "1.2.3.8": WHOLE, "1.2.3.7": SHOWN}


def scoord(points, *uids, sop_class=ULTRASOUND, value_type="SCOORD"):
    """Return coordinates selected from images."""
    images = []
    for uid in uids:
        image = item("IMAGE", None, uid, relationship="SELECTED FROM")
        image.ReferencedSOPSequence = Sequence([reference(uid, sop_class)])
        images.append(image)
    found = item(value_type, ("111030", "DCM"), children=images, GraphicType="POLYLINE")
    found.GraphicData = points
    return found


def state(sop_class=f"{STORAGE}11.1", uids=("1.2.3.9",), **attributes):
    """Return a presentation state of ultrasound images."""
    series = Dataset()
    series.ReferencedImageSequence = Sequence([reference(uid, ULTRASOUND) for uid in uids])
    return minimal(SOPClassUID=sop_class, ReferencedSeriesSequence=Sequence([series]), **attributes)


def data(**attributes):
    """Return a data set."""
    result = Dataset()
    for keyword, value in attributes.items():
        setattr(result, keyword, value)
    return result


def drawn(units, *, images=()):
    """Return an annotation with everything that may be drawn."""
    annotation = data(
        TextObjectSequence=[
            data(
                BoundingBoxAnnotationUnits=units,
                BoundingBoxTopLeftHandCorner=[40.5, 30.0],
                BoundingBoxBottomRightHandCorner=[60.0, 40.0],
                AnchorPointAnnotationUnits=units,
                AnchorPoint=[45.0, 50.0],
            )
        ],
        GraphicObjectSequence=[data(GraphicAnnotationUnits=units, GraphicData=[31.0, 21.0, 90.0, 70.0])],
        CompoundGraphicSequence=[
            data(CompoundGraphicUnits=units, GraphicData=[50.0, 60.0], RotationPoint=[50.0, 61.0])
        ],
    )
    if images:
        annotation.ReferencedImageSequence = [reference(uid, ULTRASOUND) for uid in images]
    return annotation


def moved(dataset, crops=CROPS, profile=CROPPING):
    """Return the object with its places moved; the source must not have changed."""
    before = dataset.to_json()
    result = with_moved_places(dataset, KINDS[dataset.SOPClassUID], profile, crops)
    assert dataset.to_json() == before
    return result


def held(dataset, crops=CROPS):
    """Return that the object is held, and why."""
    with pytest.raises(Held) as raised:
        moved(dataset, crops)
    assert raised.value.reason is Reason.REFERENCES_CROPPED
    return raised.value.note


def test_coordinates_of_a_report_move_with_the_image_that_they_are_selected_from():
    """Column before row, parts of pixels kept; in a CT, and in an image that lost nothing, they stay."""
    source = report(
        scoord([40.5, 30.25, 90.0, 70.0], "1.2.3.9"),
        scoord([1.0, 2.0], "1.2.3.8"),
        scoord([3.0, 4.0], "1.2.3.1", sop_class=CT),
        item("CONTAINER", children=[scoord([30.0, 20.0], "1.2.3.9", "1.2.3.7")]),
        scoord([1.0, 2.0, 3.0], value_type="SCOORD3D"),
    )
    content = moved(source).ContentSequence
    assert list(content[0].GraphicData) == [10.5, 10.25, 60.0, 50.0]
    assert list(content[1].GraphicData) == [1.0, 2.0]
    assert list(content[2].GraphicData) == [3.0, 4.0]
    assert list(content[3].ContentSequence[0].GraphicData) == [0.0, 0.0]
    assert list(content[4].GraphicData) == [1.0, 2.0, 3.0]
    assert content[0].ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.9"


def test_an_image_may_be_named_by_its_place_in_the_tree():
    """Positions from 1, the root first."""
    image = item("IMAGE", ("121112", "DCM"), "1.2.3.9")
    image.ReferencedSOPSequence = Sequence([reference("1.2.3.9", ULTRASOUND)])
    pointed = scoord([40.0, 30.0])
    pointed.ContentSequence = Sequence([by_reference(1, 1)])
    assert list(moved(report(image, pointed)).ContentSequence[1].GraphicData) == [10.0, 10.0]
    pointed.ContentSequence = Sequence([by_reference(1, 7)])
    assert "not there" in held(report(image, pointed))


REPORTS = {
    "an image that is not known": report(scoord([40.0, 30.0], "1.2.3.5")),
    "Secondary Capture that is not known": report(scoord([40.0, 30.0], "1.2.3.5", sop_class=f"{STORAGE}7")),
    "no image at all": report(scoord([40.0, 30.0]), scoord([40.0, 30.0], "1.2.3.9")),
    "images cropped otherwise": report(scoord([40.0, 30.0], "1.2.3.9", "1.2.3.8")),
    "a point above the crop": report(scoord([40.0, 19.5], "1.2.3.9")),
    "a point left of the crop": report(scoord([29.0, 30.0, 40.0, 30.0], "1.2.3.9")),
    "a point right of the crop": report(scoord([40.0, 30.0, 90.5, 30.0], "1.2.3.9")),
    "a point below the crop": report(scoord([40.0, 70.25], "1.2.3.9")),
    "half a point": report(scoord([40.0, 30.0, 41.0], "1.2.3.9")),
}


@pytest.mark.parametrize("source", REPORTS.values(), ids=REPORTS)
def test_coordinates_that_cannot_be_moved_for_certain_hold(source):
    """Whatever else is known."""
    assert held(source)


def test_coordinates_in_a_larger_image_hold():
    """They count from elsewhere."""
    point = scoord([40.0, 30.0], "1.2.3.9")
    point.PixelOriginInterpretation = "VOLUME"
    assert "larger image" in held(report(point))
    point.PixelOriginInterpretation = "FRAME"
    assert list(moved(report(point)).ContentSequence[0].GraphicData) == [10.0, 10.0]


@pytest.mark.parametrize("profile", [CLEANING, CROPPING])
def test_what_needs_no_move_is_the_object_itself(profile):
    """Without a crop, without ultrasound, without coordinates."""
    text = report(item("TEXT", ("121106", "DCM"), "clear"))
    sources = [report(scoord([3.0, 4.0], "1.2.3.1", sop_class=CT)), text]
    if profile is CLEANING:
        sources.append(report(scoord([1.0, 2.0], "1.2.3.5")))
    for source in sources:
        assert moved(source, NO_CROPS, profile) is source


@pytest.mark.parametrize("ending", ["11.1", "11.2", "11.3"])
def test_a_presentation_state_shows_the_same_and_draws_at_the_same_places(ending):
    """Pixels move, parts of the displayed area do not; a displayed area may reach beyond the image."""
    source = state(
        STORAGE + ending,
        DisplayedAreaSelectionSequence=[
            data(DisplayedAreaTopLeftHandCorner=[1, 1], DisplayedAreaBottomRightHandCorner=[120, 100])
        ],
        GraphicAnnotationSequence=[drawn("PIXEL"), drawn("DISPLAY")],
        ShutterShape="RECTANGULAR",
        ShutterLeftVerticalEdge=40,
        ShutterRightVerticalEdge=115,
        ShutterUpperHorizontalEdge=5,
        ShutterLowerHorizontalEdge=60,
    )
    result = moved(source)
    area = result.DisplayedAreaSelectionSequence[0]
    assert list(area.DisplayedAreaTopLeftHandCorner) == [-29, -19]
    assert list(area.DisplayedAreaBottomRightHandCorner) == [90, 80]
    pixels, parts = result.GraphicAnnotationSequence
    text = pixels.TextObjectSequence[0]
    assert list(text.BoundingBoxTopLeftHandCorner) == [10.5, 10.0]
    assert list(text.BoundingBoxBottomRightHandCorner) == [30.0, 20.0]
    assert list(text.AnchorPoint) == [15.0, 30.0]
    assert list(pixels.GraphicObjectSequence[0].GraphicData) == [1.0, 1.0, 60.0, 50.0]
    assert list(pixels.CompoundGraphicSequence[0].GraphicData) == [20.0, 40.0]
    assert list(pixels.CompoundGraphicSequence[0].RotationPoint) == [20.0, 41.0]
    assert parts.to_json() == drawn("DISPLAY").to_json()
    assert (result.ShutterLeftVerticalEdge, result.ShutterRightVerticalEdge) == (10, 61)
    assert (result.ShutterUpperHorizontalEdge, result.ShutterLowerHorizontalEdge) == (0, 40)


def test_each_annotation_moves_with_the_images_that_it_names():
    """Two images of one state, of which one lost nothing."""
    source = state(
        uids=("1.2.3.9", "1.2.3.8"),
        GraphicAnnotationSequence=[drawn("PIXEL", images=["1.2.3.9"]), drawn("PIXEL", images=["1.2.3.8"])],
    )
    first, second = moved(source).GraphicAnnotationSequence
    assert list(first.GraphicObjectSequence[0].GraphicData) == [1.0, 1.0, 60.0, 50.0]
    assert list(second.GraphicObjectSequence[0].GraphicData) == [31.0, 21.0, 90.0, 70.0]


STATES = {
    "an image that is not known": state(uids=("1.2.3.5",), GraphicAnnotationSequence=[drawn("PIXEL")]),
    "images cropped otherwise": state(uids=("1.2.3.9", "1.2.3.8"), GraphicAnnotationSequence=[drawn("PIXEL")]),
    "a shutter of images cropped otherwise": state(
        uids=("1.2.3.9", "1.2.3.8"),
        ShutterLeftVerticalEdge=3,
        GraphicAnnotationSequence=[drawn("PIXEL", images=["1.2.3.9"])],
    ),
    "units of a larger image": state(GraphicAnnotationSequence=[drawn("MATRIX")]),
    "no units": state(GraphicAnnotationSequence=[data(GraphicObjectSequence=[data(GraphicData=[40.0, 30.0])])]),
    "a mark that was cut away": state(
        GraphicAnnotationSequence=[
            data(GraphicObjectSequence=[data(GraphicAnnotationUnits="PIXEL", GraphicData=[1.0, 1.0])])
        ]
    ),
    "a volume's presentation": state(f"{STORAGE}11.6", GraphicAnnotationSequence=[drawn("PIXEL")]),
}


@pytest.mark.parametrize("source", STATES.values(), ids=STATES)
def test_a_presentation_that_cannot_be_moved_for_certain_holds(source):
    """Whatever else is known."""
    assert held(source)


def test_fiducials_move_with_the_image_that_each_names():
    """And those that name none hold."""
    point = data(GraphicData=[40.0, 30.0], ReferencedImageSequence=[reference("1.2.3.9", ULTRASOUND)])
    fiducial = data(GraphicCoordinatesDataSequence=[point])
    source = minimal(SOPClassUID=f"{STORAGE}66.2", FiducialSetSequence=[data(FiducialSequence=[fiducial])])
    result = moved(source).FiducialSetSequence[0].FiducialSequence[0].GraphicCoordinatesDataSequence[0]
    assert list(result.GraphicData) == [10.0, 10.0]
    source.FiducialSetSequence[0].FiducialSequence.append(
        data(GraphicCoordinatesDataSequence=[data(GraphicData=[40.0, 30.0])])
    )
    assert "do not say in which image" in held(source)


def segmentation(tmp_path, uids=("1.2.3.9",), **changes):
    """Write a segmentation of two frames on ultrasound frames of 100 x 120."""
    shape = np.zeros((2, 100, 120), np.uint8)
    shape[0, 25:60, 35:70], shape[1, 30:40, 80:89] = 1, 1
    plane = data(ImagePositionPatient=[1, 2, 3])
    shared = data(
        PixelMeasuresSequence=[data(PixelSpacing=[0.5, 0.25])],
        PlaneOrientationSequence=[data(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
    )
    series = data(SeriesInstanceUID="1.2.3.4", ReferencedInstanceSequence=[reference(uid, ULTRASOUND) for uid in uids])
    attributes = {
        "BitsAllocated": 1,
        "BitsStored": 1,
        "HighBit": 0,
        "ImageType": ["DERIVED", "PRIMARY"],
        "Modality": "SEG",
        "SegmentationType": "BINARY",
        "ReferencedSeriesSequence": [series],
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": [data(PlanePositionSequence=[plane]) for _ in range(2)],
    }
    path = save_image(
        tmp_path / "in.dcm",
        shape,
        sop_class=SEGMENTATION,
        pixel_bytes=np.packbits(shape.reshape(-1), bitorder="little").tobytes(),
        **(attributes | changes),
    )
    return path, shape


def run(path, tmp_path, crops):
    """De-identify with what is known of other images."""
    subject = deidentifier(reader=BlindReader(), profile=CROPPING)
    result = subject.run(received(path), tmp_path / "out.dcm", crops=crops)
    return result, pydicom.dcmread(result.path)


def test_frames_of_a_segmentation_are_cropped_like_the_frames_that_they_lie_on(tmp_path):
    """Voxel for voxel, its planes moved along; nothing is said about text."""
    path, shape = segmentation(tmp_path)
    result, written = run(path, tmp_path, CROPS)
    assert (written.Rows, written.Columns, written.NumberOfFrames) == (50, 60, 2)
    assert np.array_equal(written.pixel_array, shape[:, 20:70, 30:90])
    position = written.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient
    assert [float(value) for value in position] == [1 + 30 * 0.25, 2 + 20 * 0.5, 3]
    assert list(written.ImageType) == ["DERIVED", "PRIMARY"]
    assert "DerivationDescription" not in written
    plan = result.findings.plan
    assert plan is not None
    assert plan.crop == SHOWN.box


def test_a_segmentation_of_a_whole_image_is_copied(tmp_path):
    """Bit for bit."""
    path, shape = segmentation(tmp_path, uids=("1.2.3.8",))
    _, written = run(path, tmp_path, CROPS)
    assert np.array_equal(written.pixel_array, shape)


@pytest.mark.parametrize(
    ("uids", "crops"),
    [
        (("1.2.3.9",), NO_CROPS),
        (("1.2.3.5",), CROPS),
        (("1.2.3.9", "1.2.3.8"), CROPS),
        (("1.2.3.9",), {"1.2.3.9": FrameCrop(rows=100, columns=121, box=(30, 20, 90, 70))}),
    ],
)
def test_a_segmentation_that_cannot_be_cropped_for_certain_is_held(uids, crops, tmp_path):
    """Of images that are not known, were not cropped alike, or have other frames."""
    path, _ = segmentation(tmp_path, uids=uids)
    with pytest.raises(Held) as raised:
        run(path, tmp_path, crops)
    assert raised.value.reason is Reason.REFERENCES_CROPPED
    assert not (tmp_path / "out.dcm").exists()


def test_a_dose_on_ultrasound_frames_is_held():
    """It is not cropped along."""
    source = minimal(SOPClassUID=f"{STORAGE}481.2", ReferencedImageSequence=[reference("1.2.3.9", ULTRASOUND)])
    with pytest.raises(Held):
        crop_of_frames(source, Kind.GRID, CROPPING, CROPS, rows=100, columns=120)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_a_whole_report_leaves_with_moved_coordinates(syntax, tmp_path):
    """From file to verified file, with and without VRs; everything else as without a crop."""
    source = report(item("TEXT", ("121106", "DCM"), "clear"), scoord([40.5, 30.25], "1.2.3.9"), PatientID="PID-4711")
    source.file_meta = FileMetaDataset()
    source.file_meta.TransferSyntaxUID = syntax
    source.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    _, written = run(tmp_path / "in.dcm", tmp_path, CROPS)
    assert list(written.ContentSequence[1].GraphicData) == [10.5, 10.25]
    uncropped = deidentifier(reader=BlindReader(), profile=CLEANING)
    other = pydicom.dcmread(uncropped.run(received(tmp_path / "in.dcm"), tmp_path / "other.dcm").path)
    assert list(other.ContentSequence[1].GraphicData) == [40.5, 30.25]
    other.ContentSequence[1].GraphicData = [10.5, 10.25]
    assert other.ContentSequence == written.ContentSequence


def test_a_whole_presentation_state_leaves_with_moved_drawings(tmp_path):
    """Under a profile that keeps drawings."""
    source = state(
        DisplayedAreaSelectionSequence=[
            data(DisplayedAreaTopLeftHandCorner=[1, 1], DisplayedAreaBottomRightHandCorner=[120, 100])
        ],
        GraphicAnnotationSequence=[drawn("PIXEL")],
        PatientID="PID-4711",
    )
    source.file_meta = FileMetaDataset()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    source.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    profile = with_options(Option.CLEAN_PIXEL_DATA, Option.CLEAN_GRAPHICS).model_copy(
        update={"pixels": Pixels(cone=Cone(crop=True))}
    )
    subject = deidentifier(reader=BlindReader(), profile=profile)
    result = subject.run(received(tmp_path / "in.dcm"), tmp_path / "out.dcm", crops=CROPS)
    written = pydicom.dcmread(result.path)
    graphic = written.GraphicAnnotationSequence[0].GraphicObjectSequence[0]
    assert list(graphic.GraphicData) == [1.0, 1.0, 60.0, 50.0]
    assert list(written.DisplayedAreaSelectionSequence[0].DisplayedAreaTopLeftHandCorner) == [-29, -19]


def of_ultrasound(kind):
    """Return an object of the corpus as if it were about ultrasound images, and the images that it names."""
    source = pydicom.dcmread(io.BytesIO(make(kind, "1.2.840.10008.1.2.1", planted=False).raw))
    named = set()
    for element in source.iterall():
        if element.keyword == "ReferencedSOPClassUID" and element.value == CT:
            element.value = ULTRASOUND
    for parent in [source, *(one for element in source.iterall() if element.VR == "SQ" for one in element.value)]:
        if parent.get("ReferencedSOPClassUID") == ULTRASOUND:
            named.add(str(parent.ReferencedSOPInstanceUID))
    if kind.startswith("SR"):
        named.add("1.2.3.9")
        source.ContentSequence.append(scoord([5.0, 5.0, 9.0, 7.5], "1.2.3.9"))
        source.ContentSequence[-1].RelationshipType = "CONTAINS"
    return source, named


@pytest.mark.parametrize("kind", ["SEG", "GSPS", "CSPS", "SR-COMPREHENSIVE"])
def test_whole_objects_whose_places_moved_are_no_less_valid(kind, tmp_path):
    """Judged by dciodvfy, beside the same object on a crop that takes nothing away."""
    source, named = of_ultrasound(kind)
    source.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    profile = with_options(
        Option.CLEAN_PIXEL_DATA, Option.CLEAN_GRAPHICS, Option.CLEAN_STRUCTURED_CONTENT, Option.CLEAN_DESCRIPTORS
    ).model_copy(update={"pixels": Pixels(cone=Cone(crop=True))})
    written = []
    for box in ((1, 1, 12, 10), (0, 0, 16, 16)):
        crops = dict.fromkeys(named, FrameCrop(rows=16, columns=16, box=box))
        path = tmp_path / f"out{box[0]}.dcm"
        deidentifier(reader=BlindReader(), profile=profile).run(received(tmp_path / "in.dcm"), path, crops=crops)
        written.append(path)

    cropped, whole = map(pydicom.dcmread, written)

    assert named
    assert cropped.to_json() != whole.to_json()
    assert not new_faults((tmp_path / "in.dcm").read_bytes(), written[0].read_bytes(), tmp_path / "judged.dcm")
    if kind == "SEG":
        assert np.array_equal(cropped.pixel_array, whole.pixel_array[..., 1:10, 1:12])
