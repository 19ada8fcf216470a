"""Projection images: CR, DX, mammography, intra-oral, tomosynthesis, angiography, fluoroscopy, RT images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories.corpus.elements import fill, item, sct
from tests.factories.corpus.kind import Kind, acquired, frames_of, lossless
from tests.factories.corpus.patient import image_reference
from tests.factories.corpus.pixels import GRAY_8, GRAY_16, Pixels

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from tests.factories.corpus.patient import Shared
    from tests.factories.corpus.plants import Plants


def _computed(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY")
    fill(dataset, BodyPartExamined="CHEST", ViewPosition="AP", KVP="", PlateID=plants.in_table("Plate ID"))
    fill(dataset, CassetteID="", ImagerPixelSpacing=["0.2", "0.2"])


def _digital(dataset: Dataset, _shared: Shared, plants: Plants, *, intent: str = "FOR PRESENTATION") -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "")
    lossless(dataset)
    fill(
        dataset,
        BodyPartExamined="CHEST",
        PresentationIntentType=intent,
        PixelIntensityRelationship="LIN",
        PixelIntensityRelationshipSign=1,
        RescaleIntercept="0",
        RescaleSlope="1",
        RescaleType="US",
        PresentationLUTShape="IDENTITY",
        ImageLaterality="U",
        PositionerType="",
        AnatomicRegionSequence=sct("51185008", "Chest"),
        DetectorType="DIRECT",
        ImagerPixelSpacing=["0.2", "0.2"],
        AcquisitionContextSequence=[],
        ViewCodeSequence=sct("399348003", "antero-posterior"),
        DetectorID=plants.in_table("Detector ID"),
    )
    if intent == "FOR PRESENTATION":
        explained = item(LUTDescriptor=[2, 0, 16], LUTData=b"\0\0\xff\xff")
        explained.LUTExplanation = f"of {plants.outside('LUT Explanation')}"
        dataset.VOILUTSequence = [explained]


def _for_processing(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _digital(dataset, shared, plants, intent="FOR PROCESSING")


def _mammogram(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _digital(dataset, shared, plants)
    fill(
        dataset,
        BodyPartExamined="BREAST",
        ImageLaterality="R",
        OrganExposed="BREAST",
        AnatomicRegionSequence=sct("76752008", "Breast"),
        PositionerType="MAMMOGRAPHIC",
        ViewCodeSequence=[item(ViewModifierCodeSequence=[])],
        PartialView="NO",
        BreastImplantPresent="NO",
    )
    fill(dataset.ViewCodeSequence[0], CodeValue="399162004", CodingSchemeDesignator="SCT", CodeMeaning="cranio-caudal")


def _intra_oral(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _digital(dataset, shared, plants)
    fill(dataset, BodyPartExamined="JAW", PositionerType="NONE", ImageLaterality="B")
    fill(
        dataset,
        PrimaryAnatomicStructureSequence=sct("38199008", "Tooth"),
        AnatomicRegionSequence=sct("38199008", "Tooth"),
    )


def _angiogram(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "SINGLE PLANE")
    lossless(dataset)
    fill(
        dataset,
        PixelIntensityRelationship="LIN",
        KVP="80",
        XRayTubeCurrent="10",
        ExposureTime="5",
        RadiationSetting="GR",
        PositionerPrimaryAngle="0",
        PositionerSecondaryAngle="0",
        PositionerMotion="STATIC",
        TableMotion="STATIC",
        ContrastBolusAgent=f"for {plants.in_table('Contrast/Bolus Agent', 0x00180010)}",
    )


def _fluoroscopy(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _angiogram(dataset, shared, plants)
    del dataset.PositionerMotion


def _enhanced_angiogram(dataset: Dataset, _shared: Shared, _plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "SINGLE PLANE", "NONE")
    lossless(dataset)
    fill(
        dataset,
        NumberOfFrames="2",
        ContentQualification="RESEARCH",
        AcquisitionContextSequence=[],
        PixelIntensityRelationship="LIN",
        PresentationLUTShape="IDENTITY",
        PlanesInAcquisition="SINGLE PLANE",
        PositionerType="CARM",
        KVP="80",
        RadiationSetting="GR",
        CArmPositionerTabletopRelationship="YES",
        IsocenterReferenceSystemSequence=[],
    )
    frames_of(dataset)


def _tomosynthesis(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    acquired(dataset, "DERIVED", "PRIMARY", "TOMOSYNTHESIS", "NONE")
    lossless(dataset)
    fill(
        dataset,
        NumberOfFrames="2",
        BodyPartExamined="BREAST",
        ContentQualification="PRODUCT",
        AcquisitionContextSequence=[],
        PresentationLUTShape="IDENTITY",
        PresentationIntentType="FOR PRESENTATION",
        BreastImplantPresent="NO",
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="TOMOSYNTHESIS",
        ContrastBolusAgent=f"for {plants.in_table('Contrast/Bolus Agent', 0x00180010)}",
    )
    frames_of(dataset)


def _portal(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    acquired(dataset, "ORIGINAL", "PRIMARY", "PORTAL")
    fill(
        dataset,
        ConversionType="DI",
        RTImageLabel=plants.outside("RT Image Label"),
        RTImageName=f"field of {plants.outside('RT Image Name')}",
        RTImageDescription=f"as {plants.outside('RT Image Description')} said",
        RTImagePlane="NORMAL",
        RTImageOrientation=["1", "0", "0", "0", "1", "0"],
        ImagePlanePixelSpacing=["0.4", "0.4"],
        RTImagePosition=["0", "0"],
        RTImageSID="1500",
        RadiationMachineName=plants.outside("Radiation Machine Name"),
        RadiationMachineSAD="1000",
        ReferencedImageSequence=[image_reference(shared, plants, "Referenced Image Sequence")],
        XRayImageReceptorAngle="0",
        PrimaryDosimeterUnit="MU",
        ReportedValuesOrigin="OPERATOR",
    )


_TWO = Pixels(frames=2)
RADIOGRAPHS = (
    Kind(name="CR", ending="1", modality="CR", write=_computed, pixels=GRAY_16, in_space=False),
    Kind(name="DX", ending="1.1", modality="DX", write=_digital, pixels=GRAY_16, in_space=False),
    Kind(name="DX-PROCESSING", ending="1.1.1", modality="DX", write=_for_processing, pixels=GRAY_16, in_space=False),
    Kind(name="MG", ending="1.2", modality="MG", write=_mammogram, pixels=GRAY_16, in_space=False),
    Kind(name="IO", ending="1.3", modality="IO", write=_intra_oral, pixels=GRAY_16, in_space=False),
    Kind(name="XA", ending="12.1", modality="XA", write=_angiogram, pixels=GRAY_8, in_space=False),
    Kind(name="RF", ending="12.2", modality="RF", write=_fluoroscopy, pixels=GRAY_8, in_space=False),
    Kind(name="XA-ENHANCED", ending="12.1.1", modality="XA", write=_enhanced_angiogram, pixels=_TWO),
    Kind(name="BTO", ending="13.1.3", modality="MG", write=_tomosynthesis, pixels=_TWO),
    Kind(name="RTIMAGE", ending="481.1", modality="RTIMAGE", write=_portal, pixels=GRAY_16),
)
