"""Every class of the standard has a kind; what a profile cannot scrub is held under its own reason."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID_dictionary

from pipeline.header.classes import check_class
from pipeline.header.kinds import KINDS, Kind
from pipeline.reasons import Held, Reason
from tests.factories.planted import planted_object
from tests.factories.profiles import CLEANING, RESEARCH, STRICT

STORAGE = "1.2.840.10008.5.1.4.1.1."


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


def reason_for(dataset, profile=CLEANING):
    """Return why the object is held."""
    with pytest.raises(Held) as held:
        check_class(dataset, profile)
    return held.value.reason


def test_every_storage_class_of_the_standard_has_a_kind():
    """None is forgotten, and none is there that the standard does not know."""
    storage = {
        uid
        for uid, (name, type_, *_) in UID_dictionary.items()
        if type_ == "SOP Class" and "Storage" in name and "Commitment" not in name
    }

    assert set(KINDS) == storage


@pytest.mark.parametrize("kind", ["US", "US1", "CT", "MR", "CR", "SC"])
def test_images_are_let_through(kind):
    """What a PACS mostly sends, under any profile."""
    assert check_class(planted_object(kind, seed=1).dataset, STRICT) is Kind.IMAGE


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("3", Kind.IMAGE),
        ("77.1.5.1", Kind.IMAGE),
        ("481.1", Kind.IMAGE),
        ("11.1", Kind.PRESENTATION),
        ("9.1.1", Kind.WAVEFORM),
        ("481.3", Kind.RADIOTHERAPY),
        ("481.2", Kind.GRID),
        ("66.4", Kind.GRID),
        ("66.1", Kind.MEASUREMENT),
        ("4.2", Kind.MEASUREMENT),
    ],
)
@pytest.mark.parametrize("profile", [STRICT, CLEANING])
def test_all_that_is_not_content_is_let_through_under_any_profile(ending, kind, profile):
    """Presentation states, waveforms, radiotherapy, segmentations, registrations."""
    assert check_class(of_class(STORAGE + ending), profile) is kind


@pytest.mark.parametrize("kind", ["SR", "KOS"])
def test_reports_are_let_through_where_the_profile_cleans_their_content(kind):
    """And held where it does not."""
    source = planted_object(kind, seed=1).dataset

    assert check_class(source, CLEANING) is Kind.REPORT
    assert reason_for(source, RESEARCH) is Reason.STRUCTURED_CONTENT


@pytest.mark.parametrize("profile", [STRICT, CLEANING])
def test_documents_are_held_under_any_profile(profile):
    """Nobody looks into a PDF."""
    assert reason_for(planted_object("PDF", seed=1).dataset, profile) is Reason.ENCAPSULATED_DOCUMENT


@pytest.mark.parametrize("code", ["113001", "113037", "113038", "113039"])
def test_rejection_notes_are_held_as_corrections(code):
    """A key object that takes images back is not a report."""
    assert reason_for(of_class(f"{STORAGE}88.59", title=(code, "DCM"))) is Reason.CORRECTION
    assert check_class(of_class(f"{STORAGE}88.59", title=(code, "X")), CLEANING) is Kind.REPORT


@pytest.mark.parametrize("ending", ["9.4.1", "9.4.2", "66", "131", "200.2", "999"])
def test_sound_raw_data_and_unknown_classes_are_held(ending):
    """Even when they look like images."""
    assert reason_for(of_class(STORAGE + ending, image=True)) is Reason.UNSUPPORTED_CLASS


def test_content_or_a_document_in_an_object_of_another_class_is_held():
    """A private class, or an image class that is none."""
    content = of_class(f"{STORAGE}7")
    content.ContentSequence = Sequence([Dataset()])
    document = of_class("1.2.3.4", image=True)
    document.EncapsulatedDocument = b"%PDF"

    assert reason_for(content, RESEARCH) is Reason.STRUCTURED_CONTENT
    assert check_class(content, CLEANING) is Kind.IMAGE
    assert reason_for(document) is Reason.ENCAPSULATED_DOCUMENT


def test_a_private_class_is_let_through_only_as_an_image():
    """By its attributes, because nobody knows its name."""
    assert check_class(of_class("1.3.46.670589.11.0.0.12.1", image=True), STRICT) is Kind.IMAGE

    assert reason_for(of_class("1.3.46.670589.11.0.0.12.2")) is Reason.UNSUPPORTED_CLASS


def test_an_object_without_class_is_held():
    """Nobody can say what it is."""
    assert reason_for(Dataset()) is Reason.UNREADABLE
