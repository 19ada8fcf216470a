"""Secondary captures and images in visible light: photographs, endoscopy, microscopy, the eye, OCT, whole slides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories.corpus.elements import fill, item, sct
from tests.factories.corpus.kind import Kind, acquired, frames_of, lossless
from tests.factories.corpus.pixels import COLOUR, GRAY_8, Pixels

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from tests.factories.corpus.patient import Shared
    from tests.factories.corpus.plants import Plants


def _capture(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    acquired(dataset, "DERIVED", "SECONDARY")
    fill(dataset, ConversionType="WSD", DateOfSecondaryCapture="20190311", TimeOfSecondaryCapture="090000")
    dataset.SecondaryCaptureDeviceID = plants.in_table("Secondary Capture Device ID")
    dataset.SecondaryCaptureDeviceManufacturerModelName = f"Grabber {plants.outside('capture device model')}"


def _many_captures(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _capture(dataset, shared, plants)
    fill(dataset, NumberOfFrames="2", FrameTime="100", FrameIncrementPointer=0x00181063)
    if dataset.BitsAllocated > 1:
        fill(dataset, RescaleIntercept="0", RescaleSlope="1", RescaleType="US", PresentationLUTShape="IDENTITY")


def _many_colour_captures(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _capture(dataset, shared, plants)
    fill(dataset, NumberOfFrames="2", FrameTime="100", FrameIncrementPointer=0x00181063)


def _visible_light(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY")
    lossless(dataset)
    fill(dataset, AcquisitionContextSequence=[_context(plants)], AnatomicRegionSequence=sct("39937001", "Skin"))
    if dataset.Modality == "GM":
        _specimen(dataset, plants)


def _context(plants: Plants) -> Dataset:
    return item(
        ValueType="TEXT",
        ConceptNameCodeSequence=sct("370819000", "Establish living donor identity"),
        TextValue=f"heard from {plants.in_table('Acquisition Context Sequence')}",
    )


def _specimen(dataset: Dataset, plants: Plants) -> None:
    fill(
        dataset,
        ContainerIdentifier=plants.in_table("Container Identifier"),
        IssuerOfTheContainerIdentifierSequence=[],
        ContainerTypeCodeSequence=sct("433466003", "Microscope slide"),
        SpecimenDescriptionSequence=[
            item(
                SpecimenIdentifier=plants.in_table("Specimen Identifier"),
                SpecimenUID=plants.instance_uid("Specimen UID"),
                IssuerOfTheSpecimenIdentifierSequence=[],
                SpecimenPreparationSequence=[],
                SpecimenShortDescription=f"from {plants.in_table('Specimen Short Description')}",
                SpecimenDetailedDescription=f"cut by {plants.in_table('Specimen Detailed Description')}",
            )
        ],
    )


def _ophthalmic(dataset: Dataset, _shared: Shared, _plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY")
    lossless(dataset)
    fill(
        dataset,
        NumberOfFrames="1",
        FrameIncrementPointer=0x00181063,
        FrameTime="0",
        AcquisitionContextSequence=[],
        AnatomicRegionSequence=sct("81745001", "Eye"),
        ImageLaterality="R",
        PatientEyeMovementCommanded="",
        RefractiveStateSequence=[],
        EmmetropicMagnification=1.0,
        HorizontalFieldOfView=30.0,
        IntraOcularPressure=None,
        PupilDilated="",
        DetectorType="CCD",
        IlluminationTypeCodeSequence=[],
        LightPathFilterTypeStackCodeSequence=[],
        AcquisitionDeviceTypeCodeSequence=sct("409898007", "Fundus Camera"),
        PixelSpacing=["0.01", "0.01"],
    )
    if dataset.SamplesPerPixel == 1:
        dataset.PresentationLUTShape = "IDENTITY"


def _tomography_of_the_eye(dataset: Dataset, _shared: Shared, _plants: Plants) -> None:
    _frames(dataset, "ORIGINAL", "PRIMARY")
    fill(
        dataset,
        AnatomicRegionSequence=sct("5665001", "Retina"),
        ImageLaterality="R",
        AcquisitionDeviceTypeCodeSequence=sct("392012008", "Optical Coherence Tomography Scanner"),
        LightPathFilterTypeStackCodeSequence=[],
        DetectorType="CCD",
        AxialLengthOfTheEye=24.0,
        HorizontalFieldOfView=30.0,
        RefractiveStateSequence=[],
        EmmetropicMagnification=1.0,
        IntraOcularPressure=15.0,
        PupilDilated="NO",
        PatientEyeMovementCommanded="NO",
        OphthalmicAxialMeasurementsDeviceType="OPTICAL",
        IlluminationWaveLength=840.0,
        IlluminationPower=1.0,
        IlluminationBandwidth=50.0,
        DepthSpatialResolution=5.0,
        MaximumDepthDistortion=1.0,
        AlongScanSpatialResolution=10.0,
        MaximumAlongScanDistortion=1.0,
        AcrossScanSpatialResolution=10.0,
        MaximumAcrossScanDistortion=1.0,
        AcquisitionNumber="1",
        AcquisitionDuration=1.0,
    )


def _frames(dataset: Dataset, *image_type: str) -> None:
    acquired(dataset, *image_type)
    lossless(dataset)
    fill(dataset, NumberOfFrames=str(dataset.get("NumberOfFrames", 2)), AcquisitionContextSequence=[])
    if dataset.SamplesPerPixel == 1:
        dataset.PresentationLUTShape = "IDENTITY"
    frames_of(dataset)


def _vessel(dataset: Dataset, _shared: Shared, _plants: Plants) -> None:
    _frames(dataset, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")
    fill(
        dataset,
        PresentationIntentType="FOR PRESENTATION",
        OCTFocalDistance=2.0,
        BeamSpotSize=20.0,
        EffectiveRefractiveIndex=1.4,
        OCTAcquisitionDomain="FREQUENCY DOMAIN",
        OCTOpticalCenterWavelength=1300.0,
        AxialResolution=15.0,
        RangingDepth=5.0,
        ALineRate=50000.0,
        ALinesPerFrame=16,
        CatheterRotationalRate=100.0,
        CatheterDirectionOfRotation="CW",
        AcquisitionDuration=1.0,
        ContentQualification="PRODUCT",
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
    )


def _slide(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    _frames(dataset, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")
    _specimen(dataset, plants)
    fill(
        dataset,
        NumberOfFrames="1",
        VolumetricProperties="VOLUME",
        ImagedVolumeWidth=10.0,
        ImagedVolumeHeight=10.0,
        ImagedVolumeDepth=1.0,
        TotalPixelMatrixColumns=16,
        TotalPixelMatrixRows=16,
        TotalPixelMatrixFocalPlanes=1,
        TotalPixelMatrixOriginSequence=[item(XOffsetInSlideCoordinateSystem="0", YOffsetInSlideCoordinateSystem="0")],
        ImageOrientationSlide=["0", "-1", "0", "-1", "0", "0"],
        FocusMethod="AUTO",
        ExtendedDepthOfField="NO",
        NumberOfOpticalPaths=1,
        DimensionOrganizationType="TILED_FULL",
        PositionReferenceIndicator="SLIDE_CORNER",
        LabelText=f"slide of {plants.in_table('Label Text')}",
        BarcodeValue=plants.in_table("Barcode Value"),
        OpticalPathSequence=[
            item(
                OpticalPathIdentifier="1",
                OpticalPathDescription=f"by {plants.outside('Optical Path Description')}",
                IlluminationTypeCodeSequence=[
                    fill(
                        item(), CodeValue="111744", CodingSchemeDesignator="DCM", CodeMeaning="Brightfield illumination"
                    )
                ],
                IlluminationColorCodeSequence=sct("371251000", "White"),
            )
        ],
    )
    frames_of(dataset)


_TWO_BITS = Pixels(bits=1, stored=1, frames=2)
_TWO_8, _TWO_16 = Pixels(bits=8, stored=8, frames=2), Pixels(stored=16, frames=2)
_TWO_COLOUR = Pixels(photometric="RGB", bits=8, stored=8, samples=3, frames=2)
VISIBLE = (
    Kind(name="SC", ending="7", modality="OT", write=_capture, pixels=GRAY_8, in_space=False),
    Kind(name="SC-BITS", ending="7.1", modality="OT", write=_many_captures, pixels=_TWO_BITS, in_space=False),
    Kind(name="SC-BYTES", ending="7.2", modality="OT", write=_many_captures, pixels=_TWO_8, in_space=False),
    Kind(name="SC-WORDS", ending="7.3", modality="OT", write=_many_captures, pixels=_TWO_16, in_space=False),
    Kind(
        name="SC-COLOUR", ending="7.4", modality="OT", write=_many_colour_captures, pixels=_TWO_COLOUR, in_space=False
    ),
    Kind(name="ENDOSCOPY", ending="77.1.1", modality="ES", write=_visible_light, pixels=COLOUR, in_space=False),
    Kind(name="MICROSCOPY", ending="77.1.2", modality="GM", write=_visible_light, pixels=COLOUR, in_space=False),
    Kind(name="PHOTOGRAPH", ending="77.1.4", modality="XC", write=_visible_light, pixels=COLOUR, in_space=False),
    Kind(name="DERMOSCOPY", ending="77.1.7", modality="DMS", write=_visible_light, pixels=COLOUR, in_space=False),
    Kind(name="FUNDUS", ending="77.1.5.1", modality="OP", write=_ophthalmic, pixels=COLOUR, in_space=False),
    Kind(name="OCT", ending="77.1.5.4", modality="OPT", write=_tomography_of_the_eye, pixels=_TWO_8),
    Kind(name="IVOCT", ending="14.1", modality="IVOCT", write=_vessel, pixels=_TWO_16, in_space=True),
    Kind(name="SLIDE", ending="77.1.6", modality="SM", write=_slide, pixels=COLOUR),
)
