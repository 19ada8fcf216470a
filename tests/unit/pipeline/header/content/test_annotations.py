"""Presentation states, annotations and labels: drawings stay, words are cleaned, what must be filled is filled."""

import pytest
from pydicom.dataset import Dataset

from config.schema import Option
from tests.factories.content import reference
from tests.factories.headers import IDENTITIES, minimal, scrubbed
from tests.factories.profiles import CLEANING, STRICT, with_options

GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def an(**attributes):
    """Return an item."""
    result = Dataset()
    for keyword, value in attributes.items():
        setattr(result, keyword, value)
    return result


def presentation_state(text="Quatynvor, see arrow", layer="NOTES"):
    """Return a presentation state with one text, one drawing and one layer."""
    words = an(UnformattedTextValue=text, AnchorPoint=[1.0, 2.0], AnchorPointVisibility="Y")
    drawing = an(GraphicType="POLYLINE", GraphicData=[1.0, 2.0, 3.0, 4.0], GraphicFilled="N")
    annotation = an(GraphicLayer=layer, TextObjectSequence=[words], GraphicObjectSequence=[drawing])
    annotation.ReferencedImageSequence = [reference("1.2.3.9")]
    return minimal(
        SOPClassUID=GSPS,
        PatientName="Quatynvor^Lek",
        ContentLabel="QUATYNVOR",
        ContentDescription="for Quatynvor",
        ContentCreatorName="Vorzib^Q",
        PresentationCreationDate="20230417",
        PresentationCreationTime="101530",
        GraphicAnnotationSequence=[annotation],
        GraphicLayerSequence=[an(GraphicLayer=layer, GraphicLayerOrder="1", GraphicLayerDescription="Quatynvor")],
    )


def test_annotations_stay_with_the_option_and_their_words_are_cleaned():
    """A text that must go reads ANONYMIZED; a drawing is untouched."""
    state = scrubbed(presentation_state(), CLEANING).dataset
    (annotation,) = state.GraphicAnnotationSequence

    assert "QUATYN" not in annotation.TextObjectSequence[0].UnformattedTextValue.upper()
    assert annotation.TextObjectSequence[0].UnformattedTextValue
    assert annotation.GraphicObjectSequence[0].GraphicData == [1.0, 2.0, 3.0, 4.0]
    assert annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID == IDENTITIES.public_uid("1.2.3.9")


def test_words_without_an_identifier_stay_only_where_descriptors_are_cleaned():
    """Unformatted Text Value is D, and C under Clean Descriptors."""
    source = presentation_state("see mass in liver")

    kept = scrubbed(source, CLEANING).dataset.GraphicAnnotationSequence[0].TextObjectSequence[0]
    dummy = scrubbed(source, with_options(Option.CLEAN_GRAPHICS)).dataset.GraphicAnnotationSequence[0]

    assert kept.UnformattedTextValue == "see mass in liver"
    assert dummy.TextObjectSequence[0].UnformattedTextValue == "ANONYMIZED"


def test_without_the_option_annotations_go_and_the_state_stays_one():
    """Graphic Annotation is conditional; creation date and time are not."""
    state = scrubbed(presentation_state(), STRICT).dataset

    assert "GraphicAnnotationSequence" not in state
    assert (state.PresentationCreationDate, state.PresentationCreationTime) == ("19000101", "000000")
    assert state.ContentLabel.startswith("LAYER ")
    assert "QUATYN" not in state.ContentDescription.upper()


def test_layers_keep_naming_each_other():
    """The same word instead of the same word; harmless ones stay."""
    state = scrubbed(presentation_state(layer="QUATYNVOR"), CLEANING).dataset
    layer = state.GraphicLayerSequence[0]

    assert layer.GraphicLayer == state.GraphicAnnotationSequence[0].GraphicLayer != "QUATYNVOR"
    assert len(layer.GraphicLayer) <= 16
    assert layer.GraphicLayerDescription == ""
    assert scrubbed(presentation_state(), CLEANING).dataset.GraphicLayerSequence[0].GraphicLayer == "NOTES"


@pytest.mark.parametrize("profile", [STRICT, CLEANING], ids=["strict", "cleaning"])
def test_a_tracking_uid_keeps_its_tracking_id(profile):
    """Each is required beside the other, though one is prose by its VR."""
    source = minimal(SOPClassUID=SEGMENTATION, PatientName="Quatynvor^Lek")
    source.SegmentSequence = [an(TrackingID="Quatynvor 1", TrackingUID="1.2.3.4.9")]

    (segment,) = scrubbed(source, profile).dataset.SegmentSequence

    assert segment.TrackingID
    assert "QUATYN" not in segment.TrackingID.upper()
    assert segment.TrackingUID == IDENTITIES.public_uid("1.2.3.4.9")


@pytest.mark.parametrize("profile", [STRICT, CLEANING], ids=["strict", "cleaning"])
def test_labels_of_segments_are_never_empty(profile):
    """Segment Label is Type 1."""
    source = minimal(SOPClassUID=SEGMENTATION, PatientName="Quatynvor^Lek")
    source.SegmentSequence = [an(SegmentNumber=1, SegmentLabel="Quatynvor"), an(SegmentNumber=2, SegmentLabel="Liver")]

    segments = scrubbed(source, profile).dataset.SegmentSequence

    assert [segment.SegmentLabel for segment in segments] == ["ANONYMIZED", "Liver"]


def test_names_of_structures_are_cleaned_with_the_option_and_emptied_without():
    """ROI Name is Z; Structure Set Label is D and must stay filled when nothing of it may stay."""
    source = minimal(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", PatientName="Quatynvor^Lek", StructureSetLabel="Quatynvor"
    )
    source.StructureSetROISequence = [an(ROINumber="1", ROIName="Liver"), an(ROINumber="2", ROIName="Quatynvor")]

    kept, strict = scrubbed(source, CLEANING).dataset, scrubbed(source, STRICT).dataset

    assert [roi.ROIName for roi in kept.StructureSetROISequence] == ["Liver", ""]
    assert [roi.ROIName for roi in strict.StructureSetROISequence] == ["", ""]
    assert kept.StructureSetLabel == strict.StructureSetLabel == "ANONYMIZED"


def test_waveform_annotations_are_cleaned_or_gone():
    """With Clean Structured Content the words are cleaned and the positions stay."""
    note = an(UnformattedTextValue="Quatynvor moved", ReferencedWaveformChannels=[1, 0], AnnotationGroupNumber=1)
    source = minimal(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.9.1.1", PatientName="Quatynvor^Lek", WaveformAnnotationSequence=[note]
    )

    (kept,) = scrubbed(source, CLEANING).dataset.WaveformAnnotationSequence

    assert "QUATYN" not in kept.UnformattedTextValue.upper()
    assert kept.ReferencedWaveformChannels == [1, 0]
    assert "WaveformAnnotationSequence" not in scrubbed(source, STRICT).dataset


def test_references_to_documents_of_other_systems_go():
    """HL7 instance identifiers are nobody's UIDs of DICOM."""
    source = presentation_state()
    source.HL7StructuredDocumentReferenceSequence = [an(HL7InstanceIdentifier="2.16.840^4711")]

    assert "HL7StructuredDocumentReferenceSequence" not in scrubbed(source, CLEANING).dataset


def test_an_optional_sequence_of_studies_is_not_left_empty():
    """Referenced Study Sequence is Type 3 in a request's attributes and Type 2 in the request that a report answers."""
    study = [reference("1.2.3.8", "1.2.840.10008.3.1.2.3.1")]
    source = presentation_state()
    source.ReferencedStudySequence = study
    source.RequestAttributesSequence = [an(RequestedProcedureID="1", ReferencedStudySequence=study)]
    source.ReferencedRequestSequence = [an(FillerOrderNumberImagingServiceRequest="2", ReferencedStudySequence=study)]

    result = scrubbed(source, CLEANING).dataset

    assert "ReferencedStudySequence" not in result
    assert "ReferencedStudySequence" not in result.RequestAttributesSequence[0]
    assert len(result.ReferencedRequestSequence[0].ReferencedStudySequence) == 0
