"""Radiotherapy, segmentations, registrations, waveforms and raw data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

from tests.factories.corpus.elements import code, fill, item, sct
from tests.factories.corpus.kind import STORAGE, Kind, acquired, frames_of, lossless
from tests.factories.corpus.patient import image_reference
from tests.factories.corpus.pixels import Pixels
from tests.factories.corpus.plants import Place

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from tests.factories.corpus.patient import Shared
    from tests.factories.corpus.plants import Plants

_IDENTITY = ["1", "0", "0", "0", "0", "1", "0", "0", "0", "0", "1", "0", "0", "0", "0", "1"]


def _structures(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    frame = plants.planted(shared.study.frame_of_reference, Place.UID, "Referenced Frame of Reference Sequence")
    series = item(
        SeriesInstanceUID=shared.study.series("CT"),
        ContourImageSequence=[image_reference(shared, plants, "Contour Image Sequence")],
    )
    study = item(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=shared.study.uid,
        RTReferencedSeriesSequence=[series],
    )
    contour = item(ContourGeometricType="POINT", NumberOfContourPoints="1", ContourData=["0", "0", "0"])
    fill(
        dataset,
        StructureSetLabel=plants.in_table("Structure Set Label"),
        StructureSetName=f"of {plants.in_table('Structure Set Name')}",
        StructureSetDescription=f"by {plants.in_table('Structure Set Description')}",
        StructureSetDate="20190311",
        StructureSetTime="101010",
        ReferencedFrameOfReferenceSequence=[item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study])],
        StructureSetROISequence=[
            item(
                ROINumber="1",
                ReferencedFrameOfReferenceUID=frame,
                ROIName=f"GTV {plants.in_table('ROI Name')}",
                ROIDescription=f"by {plants.in_table('ROI Description')}",
                ROIGenerationAlgorithm="MANUAL",
            )
        ],
        ROIContourSequence=[
            item(ReferencedROINumber="1", ROIDisplayColor=["255", "0", "0"], ContourSequence=[contour])
        ],
        RTROIObservationsSequence=[
            item(
                ObservationNumber="1",
                ReferencedROINumber="1",
                RTROIInterpretedType="GTV",
                ROIInterpreter=f"{plants.in_table('ROI Interpreter')}^I",
                ROIObservationLabel=plants.in_table("ROI Observation Label"),
                ROIObservationDescription=f"on {plants.in_table('ROI Observation Description')}",
            )
        ],
        ApprovalStatus="APPROVED",
        ReviewDate="20190311",
        ReviewTime="101010",
        ReviewerName=f"{plants.in_table('Reviewer Name')}^R",
    )


def _plan(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    structures = item(ReferencedSOPClassUID=f"{STORAGE}481.3")
    structures.ReferencedSOPInstanceUID = plants.planted(
        shared.study.instance("RTSTRUCT"), Place.UID, "Referenced Structure Set Sequence"
    )
    fill(
        dataset,
        RTPlanLabel=plants.in_table("RT Plan Label"),
        RTPlanName=f"of {plants.in_table('RT Plan Name')}",
        RTPlanDescription=f"for {plants.in_table('RT Plan Description')}",
        RTPlanDate="20190311",
        RTPlanTime="101010",
        RTPlanGeometry="PATIENT",
        PrescriptionDescription=f"by {plants.in_table('Prescription Description')}",
        ReferencedStructureSetSequence=[structures],
        DoseReferenceSequence=[
            item(
                DoseReferenceNumber="1",
                DoseReferenceUID=plants.instance_uid("Dose Reference UID"),
                DoseReferenceStructureType="SITE",
                DoseReferenceDescription=f"in {plants.in_table('Dose Reference Description')}",
                DoseReferenceType="TARGET",
            )
        ],
        FractionGroupSequence=[
            item(
                FractionGroupNumber="1",
                NumberOfFractionsPlanned="5",
                NumberOfBeams="0",
                NumberOfBrachyApplicationSetups="0",
                FractionGroupDescription=f"with {plants.in_table('Fraction Group Description')}",
            )
        ],
        PatientSetupSequence=[
            item(
                PatientSetupNumber="1",
                PatientPosition="HFS",
                SetupTechniqueDescription=f"as {plants.in_table('Setup Technique Description')}",
            )
        ],
        ApprovalStatus="UNAPPROVED",
    )


def _dose(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    plan = item(ReferencedSOPClassUID=f"{STORAGE}481.5")
    plan.ReferencedSOPInstanceUID = plants.planted(
        shared.study.instance("RTPLAN"), Place.UID, "Referenced RT Plan Sequence"
    )
    fill(
        dataset,
        NumberOfFrames="2",
        FrameIncrementPointer=0x3004000C,
        GridFrameOffsetVector=["0", "2"],
        DoseUnits="GY",
        DoseType="PHYSICAL",
        DoseSummationType="PLAN",
        DoseGridScaling="0.001",
        DoseComment=f"by {plants.outside('Dose Comment')}",
        PixelSpacing=["2", "2"],
        ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
        ImagePositionPatient=["0", "0", "0"],
        SliceThickness="2",
        ReferencedRTPlanSequence=[plan],
        ContentDate="20190311",
        ContentTime="101010",
    )


def _segmentation(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    acquired(dataset, "DERIVED", "PRIMARY")
    lossless(dataset)
    del dataset.PatientOrientation
    uid = plants.instance_uid("Dimension Organization UID")
    fill(
        dataset,
        NumberOfFrames="2",
        ContentLabel=plants.outside("CS: Content Label").upper(),
        ContentDescription=f"of {plants.outside('Content Description')}",
        ContentCreatorName=f"{plants.in_table('Content Creator Name')}^C",
        SegmentationType="BINARY",
        ReferencedSeriesSequence=[
            item(
                SeriesInstanceUID=shared.study.series("CT"),
                ReferencedInstanceSequence=[image_reference(shared, plants, "Referenced Instance Sequence")],
            )
        ],
        SegmentSequence=[
            item(
                SegmentNumber=1,
                SegmentLabel=f"liver of {plants.outside('Segment Label')}",
                SegmentDescription=f"drawn for {plants.outside('Segment Description')}",
                SegmentAlgorithmType="SEMIAUTOMATIC",
                SegmentAlgorithmName=f"tool of {plants.outside('Segment Algorithm Name')}",
                SegmentedPropertyCategoryCodeSequence=sct("123037004", "Anatomical Structure"),
                SegmentedPropertyTypeCodeSequence=sct("10200004", "Liver"),
                TrackingID=f"lesion of {plants.outside('Tracking ID')}",
                TrackingUID=plants.instance_uid("Tracking UID"),
            )
        ],
        DimensionOrganizationSequence=[item(DimensionOrganizationUID=uid)],
        DimensionIndexSequence=[
            item(DimensionOrganizationUID=uid, DimensionIndexPointer=0x0062000B, FunctionalGroupPointer=0x0062000A)
        ],
    )
    everywhere = item(
        PixelMeasuresSequence=[item(PixelSpacing=["0.5", "0.5"], SliceThickness="1")],
        PlaneOrientationSequence=[item(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])],
    )
    frames = [
        item(
            FrameContentSequence=[item(DimensionIndexValues=[1])],
            PlanePositionSequence=[item(ImagePositionPatient=["0", "0", str(number)])],
            SegmentIdentificationSequence=[item(ReferencedSegmentNumber=1)],
        )
        for number in range(2)
    ]
    frames_of(dataset, [everywhere], frames)


def _registration(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    matrix = item(FrameOfReferenceTransformationMatrixType="RIGID", FrameOfReferenceTransformationMatrix=_IDENTITY)
    matrix.FrameOfReferenceTransformationComment = f"by {plants.outside('transformation comment')}"
    moved = item(
        FrameOfReferenceUID=shared.study.frame_of_reference,
        ReferencedImageSequence=[image_reference(shared, plants, "Registration Sequence")],
    )
    moved.MatrixRegistrationSequence = [item(MatrixSequence=[matrix], RegistrationTypeCodeSequence=[])]
    fill(
        dataset,
        ContentDate="20190311",
        ContentTime="101010",
        ContentLabel=plants.outside("CS: Content Label").upper(),
        ContentDescription=f"of {plants.outside('Content Description')}",
        ContentCreatorName=f"{plants.in_table('Content Creator Name')}^C",
        RegistrationSequence=[moved],
        ReferencedSeriesSequence=[
            item(
                SeriesInstanceUID=shared.study.series("CT"),
                ReferencedInstanceSequence=[image_reference(shared, plants, "Referenced Instance Sequence")],
            )
        ],
    )


def _raw(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    fill(
        dataset,
        ContentDate="20190311",
        ContentTime="101010",
        ContentLabel=plants.outside("CS: Content Label").upper(),
        AcquisitionContextSequence=[],
        CreatorVersionUID=plants.instance_uid("Creator-Version UID"),
        ReferencedInstanceSequence=[image_reference(shared, plants, "Referenced Instance Sequence")],
    )
    block = dataset.private_block(0x0077, "RAW MAKER", create=True)
    block.add_new(0x01, "OB", plants.private("raw data").encode().ljust(64, b"\0"))


def _electrocardiogram(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    leads = 12 if dataset.SOPClassUID.endswith("9.1.1") else 1
    group = item(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=leads,
        NumberOfWaveformSamples=50,
        SamplingFrequency="500",
        MultiplexGroupLabel=plants.in_table("Multiplex Group Label"),
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        ChannelDefinitionSequence=[_channel(plants, number) for number in range(leads)],
    )
    group.add(DataElement(0x54001010, "OW", bytes(leads * 50 * 2)))
    note = item(
        UnformattedTextValue=f"seen by {plants.in_table('waveform annotation')}", ReferencedWaveformChannels=[1, 1]
    )
    fill(
        dataset,
        AcquisitionDateTime="20190311101600",
        ContentDate="20190311",
        ContentTime="101610",
        AcquisitionContextSequence=[],
        WaveformSequence=[group],
        WaveformAnnotationSequence=[note],
    )


def _channel(plants: Plants, number: int) -> Dataset:
    return item(
        ChannelSourceSequence=[code(f"2:{number + 1}", "MDC", "Lead")],
        ChannelLabel=plants.in_table("Channel Label"),
        ChannelSensitivity="1",
        ChannelSensitivityUnitsSequence=[code("uV", "UCUM", "microvolt")],
        ChannelSensitivityCorrectionFactor="1",
        ChannelBaseline="0",
        ChannelSampleSkew="0",
        WaveformBitsStored=16,
        FilterLowFrequency="0.05",
        FilterHighFrequency="300",
    )


_TWO_BITS = Pixels(bits=1, stored=1, frames=2)
THERAPY = (
    Kind(name="RTSTRUCT", ending="481.3", modality="RTSTRUCT", write=_structures),
    Kind(name="RTPLAN", ending="481.5", modality="RTPLAN", write=_plan),
    Kind(name="RTDOSE", ending="481.2", modality="RTDOSE", write=_dose, pixels=Pixels(stored=16, frames=2)),
    Kind(name="SEG", ending="66.4", modality="SEG", write=_segmentation, pixels=_TWO_BITS),
    Kind(name="REG", ending="66.1", modality="REG", write=_registration),
    Kind(name="RAW", ending="66", modality="MR", write=_raw),
    Kind(name="ECG-12", ending="9.1.1", modality="ECG", write=_electrocardiogram, in_space=False),
    Kind(name="ECG", ending="9.1.2", modality="ECG", write=_electrocardiogram, in_space=False),
)
