"""Sections and volumes: CT, MR, PET, nuclear medicine, ultrasound, classic and enhanced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories.corpus.elements import fill, item, sct
from tests.factories.corpus.kind import Kind, acquired, frames_of, lossless, plane
from tests.factories.corpus.patient import image_reference
from tests.factories.corpus.pixels import COLOUR, GRAY_16, Pixels

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from tests.factories.corpus.patient import Shared
    from tests.factories.corpus.plants import Plants


def _computed_tomography(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "AXIAL")
    plane(dataset)
    fill(dataset, KVP="120", RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU")
    dataset.ProtocolName = f"{plants.in_table('Protocol Name', 0x00181030)} routine"
    dataset.ImageComments = f"{plants.in_table('Image Comments', 0x00204000)}, see report"
    dataset.ScanOptions = plants.outside("CS: Scan Options").upper()
    source = image_reference(shared, plants, "Source Image Sequence")
    source.PurposeOfReferenceCodeSequence = [
        fill(item(), CodeValue="121322", CodingSchemeDesignator="DCM", CodeMeaning="Source of image processing")
    ]
    dataset.SourceImageSequence = [source]


def _magnetic_resonance(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "OTHER")
    plane(dataset)
    fill(dataset, ScanningSequence="SE", SequenceVariant="NONE", ScanOptions="", MRAcquisitionType="2D")
    fill(dataset, EchoTime="12", RepetitionTime="500", EchoTrainLength="1")
    dataset.SequenceName = plants.outside("SH: Sequence Name")


def _emission(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY")
    plane(dataset)
    fill(
        dataset,
        Units="BQML",
        CountsSource="EMISSION",
        SeriesType=["STATIC", "IMAGE"],
        NumberOfSlices=1,
        CorrectedImage=["DECY"],
        DecayCorrection="START",
        CollimatorType="NONE",
        RescaleIntercept="0",
        RescaleSlope="1",
        FrameReferenceTime="0",
        ActualFrameDuration="1000",
        ImageIndex=1,
        DoseCalibrationFactor="1",
        RadiopharmaceuticalInformationSequence=[
            item(
                RadionuclideCodeSequence=sct("77004003", "^18^Fluorine"),
                Radiopharmaceutical=f"for {plants.outside('Radiopharmaceutical')}",
            )
        ],
        PatientOrientationCodeSequence=[_recumbent()],
        PatientGantryRelationshipCodeSequence=sct("102540001", "headfirst"),
    )
    del dataset.PatientOrientation


def _recumbent() -> Dataset:
    position = sct("102538003", "recumbent")[0]
    position.PatientOrientationModifierCodeSequence = sct("40199007", "supine")
    return position


def _nuclear(dataset: Dataset, _shared: Shared, _plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "STATIC", "EMISSION")
    fill(
        dataset,
        NumberOfFrames="1",
        FrameIncrementPointer=[0x00540010, 0x00540020],
        PixelSpacing=["4", "4"],
        EnergyWindowVector=[1],
        NumberOfEnergyWindows=1,
        DetectorVector=[1],
        NumberOfDetectors=1,
        CountsAccumulated="1000",
        ActualFrameDuration="1000",
        EnergyWindowInformationSequence=[item()],
        RadiopharmaceuticalInformationSequence=[item(RadionuclideCodeSequence=[])],
        DetectorInformationSequence=[
            item(
                CollimatorType="PARA",
                ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
                ImagePositionPatient=["0", "0", "0"],
            )
        ],
        PatientOrientationCodeSequence=[_recumbent()],
        PatientGantryRelationshipCodeSequence=sct("102540001", "headfirst"),
    )


def _ultrasound(dataset: Dataset, _shared: Shared, _plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "ABDOMINAL", "0001")
    lossless(dataset)
    dataset.UltrasoundColorDataPresent = 1
    region = item(RegionSpatialFormat=1, RegionDataType=1, RegionFlags=2)
    fill(region, RegionLocationMinX0=1, RegionLocationMinY0=1, RegionLocationMaxX1=14, RegionLocationMaxY1=14)
    fill(region, PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3, PhysicalDeltaX=0.01, PhysicalDeltaY=0.01)
    dataset.SequenceOfUltrasoundRegions = [region]


def _clip(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _ultrasound(dataset, shared, plants)
    fill(dataset, NumberOfFrames="2", FrameTime="33.3", FrameIncrementPointer=0x00181063)


def _enhanced(dataset: Dataset, *image_type: str) -> None:
    acquired(dataset, *image_type)
    lossless(dataset)
    fill(
        dataset,
        NumberOfFrames="2",
        ContentQualification="RESEARCH",
        AcquisitionContextSequence=[],
        PresentationLUTShape="IDENTITY",
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        AcquisitionDuration=1.0,
    )


def _groups(dataset: Dataset, plants: Plants) -> None:
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=["0.5", "0.5"], SliceThickness="1")],
        PlaneOrientationSequence=[item(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])],
        FrameAnatomySequence=[item(FrameLaterality="U", AnatomicRegionSequence=sct("51185008", "Chest"))],
        FrameVOILUTSequence=[item(WindowCenter="40", WindowWidth="400")],
    )
    explained = shared.FrameVOILUTSequence[0]
    explained.WindowCenterWidthExplanation = f"as {plants.outside('window explanation in a functional group')} likes"
    frames = [
        item(
            FrameContentSequence=[
                item(
                    FrameComments=f"of {plants.in_table('Frame Comments', 0x00209158)}",
                    FrameLabel=plants.outside("Frame Label"),
                    StackID="1",
                    InStackPositionNumber=number + 1,
                    DimensionIndexValues=[1, number + 1],
                    FrameAcquisitionDateTime="20190311101600",
                    FrameReferenceDateTime="20190311101600",
                    FrameAcquisitionDuration=1.0,
                )
            ],
            PlanePositionSequence=[item(ImagePositionPatient=["0", "0", str(number)])],
        )
        for number in range(2)
    ]
    frames_of(dataset, [shared], frames)
    uid = plants.instance_uid("Dimension Organization UID")
    dataset.DimensionOrganizationSequence = [item(DimensionOrganizationUID=uid)]
    dataset.DimensionIndexSequence = [
        item(DimensionOrganizationUID=uid, DimensionIndexPointer=pointer, FunctionalGroupPointer=0x00209111)
        for pointer in (0x00209056, 0x00209057)
    ]


def _enhanced_image(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    _enhanced(dataset, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")
    _groups(dataset, plants)
    if dataset.Modality == "MR":
        fill(dataset, ResonantNucleus="1H", KSpaceFiltering="NONE", MagneticFieldStrength=1.5)
        fill(
            dataset,
            ApplicableSafetyStandardAgency="IEC",
            ApplicableSafetyStandardDescription="",
            ComplexImageComponent="MAGNITUDE",
            AcquisitionContrast="T1",
        )


def _ultrasound_volume(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    _enhanced(dataset, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")
    _groups(dataset, plants)
    fill(
        dataset,
        DimensionOrganizationType="3D",
        UltrasoundAcquisitionGeometry="APEX",
        ApexPosition=[0.0, 0.0, 0.0],
        PatientFrameOfReferenceSource="TABLE",
        VolumeFrameOfReferenceUID=plants.instance_uid("Volume Frame of Reference UID"),
        VolumeToTransducerMappingMatrix=[1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0],
        VolumeToTableMappingMatrix=[1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0],
        PositionMeasuringDeviceUsed="RIGID",
        TransducerScanPatternCodeSequence=[],
        TransducerGeometryCodeSequence=[],
        TransducerBeamSteeringCodeSequence=[],
        TransducerApplicationCodeSequence=[],
        DepthsOfFocus=[10.0],
        DepthOfScanField=100,
        ProcessingFunction="",
        MechanicalIndex=["1"],
        BoneThermalIndex="1",
        CranialThermalIndex="1",
        SoftTissueThermalIndex="1",
    )


_TWO, _TWO_8 = Pixels(frames=2), Pixels(bits=8, stored=8, frames=2)
_TWO_COLOUR = Pixels(photometric="RGB", bits=8, stored=8, samples=3, frames=2)
SECTIONS = (
    Kind(name="CT", ending="2", modality="CT", write=_computed_tomography, pixels=GRAY_16),
    Kind(name="CT-ENHANCED", ending="2.1", modality="CT", write=_enhanced_image, pixels=_TWO),
    Kind(name="MR", ending="4", modality="MR", write=_magnetic_resonance, pixels=GRAY_16),
    Kind(name="MR-ENHANCED", ending="4.1", modality="MR", write=_enhanced_image, pixels=_TWO),
    Kind(name="MR-COLOUR", ending="4.3", modality="MR", write=_enhanced_image, pixels=_TWO_COLOUR),
    Kind(name="PET", ending="128", modality="PT", write=_emission, pixels=Pixels(stored=16)),
    Kind(name="PET-ENHANCED", ending="130", modality="PT", write=_enhanced_image, pixels=_TWO),
    Kind(name="NM", ending="20", modality="NM", write=_nuclear, pixels=Pixels(stored=16)),
    Kind(name="US", ending="6.1", modality="US", write=_ultrasound, pixels=COLOUR, in_space=False),
    Kind(name="US-CLIP", ending="3.1", modality="US", write=_clip, pixels=_TWO_COLOUR, in_space=False),
    Kind(name="US-VOLUME", ending="6.2", modality="US", write=_ultrasound_volume, pixels=_TWO_8),
)
