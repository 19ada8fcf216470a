"""Siemens CSA headers: they go, and a few numbers in them stay as attributes that are known to be safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.header.private import csa
from tests.factories.headers import minimal, scrubbed, written
from tests.factories.private import SAFE, SIEMENS_MR, add_private, csa_header, extra, private_of, with_private
from tests.factories.search import find_planted

CSA = "SIEMENS CSA HEADER"
SDI = "SIEMENS MR SDI 02"
NAME = "QUAVORZIBLEK"
VALUES = {
    "NumberOfImagesInMosaic": ["36"],
    "SliceMeasurementDuration": ["62500.00000000"],
    "B_value": ["1000"],
    "DiffusionDirectionality": ["DIRECTIONAL"],
    "DiffusionGradientDirection": ["0.57735027", "-0.57735027", "0.57735027"],
    "B_matrix": ["333.1", "-333", "333", "333", "-333", "333"],
    "BandwidthPerPixelPhaseEncode": ["21.186"],
    "MosaicRefAcqTimes": ["0.00000000", "1247.50000000", "62.5"],
    "PhaseEncodingDirectionPositive": ["1"],
    "PatientName": [NAME],
    "UsedChannelString": ["XXXX"],
}
EXPECTED = {
    (0x0019, SIEMENS_MR, 0x0A): ("US", 36),
    (0x0019, SIEMENS_MR, 0x0B): ("DS", 62500.0),
    (0x0019, SIEMENS_MR, 0x0C): ("IS", 1000),
    (0x0019, SIEMENS_MR, 0x0D): ("CS", "DIRECTIONAL"),
    (0x0019, SIEMENS_MR, 0x0E): ("FD", [0.57735027, -0.57735027, 0.57735027]),
    (0x0019, SIEMENS_MR, 0x27): ("FD", [333.1, -333.0, 333.0, 333.0, -333.0, 333.0]),
    (0x0019, SIEMENS_MR, 0x28): ("FD", 21.186),
    (0x0019, SIEMENS_MR, 0x29): ("FD", [0.0, 1247.5, 62.5]),
    (0x0021, SDI, 0x1C): ("IS", 1),
}


def source(*elements, vr="OB", **values):
    """Return an object of a patient whose name is planted, with a CSA header and other private elements."""
    dataset = minimal(PatientName=f"{NAME}^ANNA")
    return with_private((0x0029, CSA, 0x10, vr, csa_header(**(values or VALUES))), *elements, dataset=dataset)


@pytest.mark.parametrize("vr", ["OB", "UN"])
def test_what_research_needs_is_taken_out_and_the_header_goes(vr):
    """Nine values of one header; no byte of the rest."""
    result = scrubbed(source(vr=vr), SAFE).dataset

    assert private_of(result) == EXPECTED
    assert not find_planted(written(result), (NAME, "UsedChannelString", "SV10"))
    assert {claim.PrivateCreatorReference for claim in result.PrivateDataElementCharacteristicsSequence} == {
        SIEMENS_MR,
        SDI,
    }


def test_an_attribute_that_is_there_itself_is_not_replaced():
    """The data set's own b-value counts, and the others join its block."""
    own = source((0x0019, "QUAVOR", 0x01, "DS", "1"))
    add_private(own, 0x0019, SIEMENS_MR, 0x0C, "IS", "800", block=0x12)

    result = scrubbed(own, SAFE).dataset

    assert result[0x0019120C].value == 800
    assert result[0x0019120A].value == 36
    assert [tag for tag in result.keys() if tag.group == 0x0019 and tag.is_private_creator] == [0x00190012]  # noqa: SIM118


def test_a_new_block_is_the_one_behind_all_others():
    """No number of somebody else is taken, whether or not that block stays."""
    result = scrubbed(source((0x0019, "QUAVOR", 0x01, "DS", "1")), SAFE).dataset

    assert result[0x00190011].value == SIEMENS_MR
    assert result[0x0019110C].value == 1000


def test_without_a_free_block_nothing_is_taken_out():
    """The last block of the group is somebody else's."""
    own = source()
    add_private(own, 0x0019, "QUAVOR", 0x01, "DS", "1", block=0xFF)

    assert list(private_of(scrubbed(own, SAFE).dataset)) == [(0x0021, SDI, 0x1C)]


def test_a_profile_takes_out_what_it_keeps():
    """One attribute named: that one."""
    assert private_of(scrubbed(source(), extra("0019", SIEMENS_MR, "0C")).dataset) == {
        (0x0019, SIEMENS_MR, 0x0C): ("IS", 1000)
    }


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("B_value", [NAME]),
        ("B_value", ["19560317"]),
        ("B_value", ["1000", "2000"]),
        ("DiffusionDirectionality", [NAME]),
        ("DiffusionGradientDirection", ["0.1", "0.2"]),
        ("DiffusionGradientDirection", ["0.1", "0.2", NAME]),
        ("MosaicRefAcqTimes", ["nan"]),
        ("PhaseEncodingDirectionPositive", ["2"]),
        ("NumberOfImagesInMosaic", ["-1"]),
        ("SomethingElse", ["1"]),
    ],
)
def test_a_value_that_is_not_what_it_should_be_stays_inside(name, texts):
    """And goes with the header."""
    assert not csa.taken_out(csa_header(**{name: texts}))


def test_a_damaged_header_gives_nothing():
    """Cut anywhere, of the older format, too large, or with absurd counts."""
    header = csa_header(**VALUES)

    assert len(csa.taken_out(header)) == 9
    assert not any(csa.taken_out(header[:length]) for length in range(0, len(header) - 200, 7))
    assert not csa.taken_out(header[8:])
    assert not csa.taken_out(header + bytes(1 << 20))
    assert not csa.taken_out(header[:8] + b"\xff\xff\xff\x7f" + header[12:])


@given(st.binary(max_size=300), st.integers(0, 2000))
def test_any_bytes_are_read_without_an_error(raw, position):
    """Into a good header, at any place."""
    header = csa_header(**VALUES)

    csa.taken_out(header[:position] + raw + header[position + len(raw) :])
