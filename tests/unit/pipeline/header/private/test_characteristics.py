"""(0008,0300): what is said about the private attributes that stayed."""

import io

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factories.headers import minimal, scrubbed, written
from tests.factories.private import PHILIPS, PHILIPS_MR, SAFE, SIEMENS_MR, item, sequence, with_private


def claims(dataset):
    """Return what (0008,0300) says: group, creator, status, elements."""
    return [
        (
            claim.PrivateGroupReference,
            claim.PrivateCreatorReference,
            claim.BlockIdentifyingInformationStatus,
            list(claim.NonidentifyingPrivateElements)
            if isinstance(claim.NonidentifyingPrivateElements, list | pydicom.multival.MultiValue)
            else [claim.NonidentifyingPrivateElements],
        )
        for claim in dataset.get("PrivateDataElementCharacteristicsSequence", [])
    ]


def test_every_block_that_stayed_is_named_with_its_elements():
    """At any depth, each creator once, in order, and the code of the option stands beside it."""
    stack = item((0x2001, PHILIPS, 0x32, "FL", 1.5))
    source = with_private(
        (0x2005, PHILIPS_MR, 0x0E, "FL", 0.5),
        (0x2001, PHILIPS, 0x5F, "SQ", sequence(stack)),
        (0x2001, PHILIPS, 0x03, "FL", 700.0),
        (0x0011, "QUAVOR", 0x01, "LO", "X"),
    )
    result = scrubbed(source, SAFE).dataset
    again = pydicom.dcmread(io.BytesIO(written(result)))

    assert claims(again) == [
        (0x2001, PHILIPS, "MIXED", [0x03, 0x32, 0x5F]),
        (0x2005, PHILIPS_MR, "MIXED", [0x0E]),
    ]
    assert "113111" in [code.CodeValue for code in again.DeidentificationMethodCodeSequence]


def test_what_the_source_says_about_itself_is_not_believed():
    """Neither kept nor followed: a block that is called SAFE goes like any other."""
    claim = Dataset()
    claim.PrivateGroupReference = 0x0011
    claim.PrivateCreatorReference = "QUAVOR"
    claim.BlockIdentifyingInformationStatus = "SAFE"
    source = with_private((0x0011, "QUAVOR", 0x01, "DS", "1"), (0x0019, SIEMENS_MR, 0x0C, "IS", "1000"))
    source.PrivateDataElementCharacteristicsSequence = Sequence([claim])
    source.ReferencedImageSequence = Sequence([Dataset()])
    source.ReferencedImageSequence[0].PrivateDataElementCharacteristicsSequence = Sequence([claim])

    result = scrubbed(source, SAFE).dataset

    assert claims(result) == [(0x0019, SIEMENS_MR, "MIXED", [0x0C])]
    assert "PrivateDataElementCharacteristicsSequence" not in result.ReferencedImageSequence[0]


def test_nothing_is_said_where_nothing_stayed():
    """An object without safe private attributes."""
    assert claims(scrubbed(with_private((0x0011, "QUAVOR", 0x01, "DS", "1")), SAFE).dataset) == []
    assert claims(scrubbed(minimal(), SAFE).dataset) == []
