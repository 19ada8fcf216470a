"""Images are let through; everything that this version cannot clean is held under its own reason."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.classes import check_class
from pipeline.reasons import Held, Reason
from tests.factories.planted import planted_object


def of_class(uid, *, image=False, title=None):
    """Return a data set of a class."""
    dataset = Dataset()
    dataset.SOPClassUID = uid
    if image:
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.Rows, dataset.Columns, dataset.BitsAllocated = 4, 4, 8
    if title:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = title
        dataset.ConceptNameCodeSequence = Sequence([code])
    return dataset


def reason_for(dataset):
    """Return why the object is held."""
    with pytest.raises(Held) as held:
        check_class(dataset)
    return held.value.reason


@pytest.mark.parametrize("kind", ["US", "US1", "CT", "MR", "CR", "SC"])
def test_images_are_let_through(kind):
    """What a PACS mostly sends."""
    check_class(planted_object(kind, seed=1).dataset)


@pytest.mark.parametrize("ending", ["3", "6", "6.2", "77.1.5.1", "12.1", "20", "13.1.3"])
def test_retired_and_rare_image_classes_are_let_through(ending):
    """Old ultrasound, ophthalmology, angiography, nuclear medicine, tomosynthesis."""
    check_class(of_class(f"1.2.840.10008.5.1.4.1.1.{ending}"))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("SR", Reason.STRUCTURED_CONTENT),
        ("KOS", Reason.STRUCTURED_CONTENT),
        ("PDF", Reason.ENCAPSULATED_DOCUMENT),
    ],
)
def test_reports_and_documents_are_held(kind, reason):
    """Until their content can be cleaned."""
    assert reason_for(planted_object(kind, seed=1).dataset) is reason


@pytest.mark.parametrize("code", ["113001", "113037", "113038", "113039"])
def test_rejection_notes_are_held_as_corrections(code):
    """A key object that takes images back is not a report."""
    assert reason_for(of_class("1.2.840.10008.5.1.4.1.1.88.59", title=(code, "DCM"))) is Reason.CORRECTION
    assert reason_for(of_class("1.2.840.10008.5.1.4.1.1.88.59", title=(code, "X"))) is Reason.STRUCTURED_CONTENT


@pytest.mark.parametrize("ending", ["11.1", "9.1.1", "481.3", "66.4", "66", "30", "128.2", "999"])
def test_what_is_no_image_or_unknown_is_held(ending):
    """Presentation states, waveforms, radiotherapy, segmentations, raw data, classes of tomorrow."""
    assert reason_for(of_class(f"1.2.840.10008.5.1.4.1.1.{ending}", image=True)) is Reason.UNSUPPORTED_CLASS


def test_content_or_a_document_in_an_object_of_another_class_is_held():
    """A private class, or an image class that is none."""
    content = of_class("1.2.840.10008.5.1.4.1.1.7")
    content.ContentSequence = Sequence([Dataset()])
    document = of_class("1.2.3.4", image=True)
    document.EncapsulatedDocument = b"%PDF"

    assert reason_for(content) is Reason.STRUCTURED_CONTENT
    assert reason_for(document) is Reason.ENCAPSULATED_DOCUMENT


def test_a_private_class_is_let_through_only_as_an_image():
    """By its attributes, because nobody knows its name."""
    check_class(of_class("1.3.46.670589.11.0.0.12.1", image=True))

    assert reason_for(of_class("1.3.46.670589.11.0.0.12.2")) is Reason.UNSUPPORTED_CLASS


def test_an_object_without_class_is_held():
    """Nobody can say what it is."""
    assert reason_for(Dataset()) is Reason.UNREADABLE
