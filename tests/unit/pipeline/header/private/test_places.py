"""Private numbers that may be places in the image do not survive its crop."""

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from config.schema import Cone, Pixels, PrivateTags
from pipeline.coordinates import move_coordinates
from pipeline.header.private.characteristics import private_characteristics
from pipeline.header.private.places import _SETTINGS, drop_places
from pipeline.header.private.safe import PrivateAction, safe_attributes
from tests.factories.pixels import BlindReader, FixedCone, deidentifier, moving_within, received, save_image
from tests.factories.profiles import RESEARCH

S2000, OTHER = "SIEMENS MED SMS USG S2000", "Acme US 60"


def scrubbed(*elements, creator=OTHER, group=0x0019):
    """Return a header with private elements of one creator, and what it says about them."""
    header = Dataset()
    header.add_new((group << 16) | 0x0010, "LO", creator)
    for element, vr, value in elements:
        header.add_new((group << 16) | 0x1000 | element, vr, value)
    said = private_characteristics(header)
    assert said is not None
    header[0x00080300] = said
    return header


@pytest.mark.parametrize("vr", ["US", "SS", "UL", "SL", "FL", "FD", "DS", "IS"])
def test_numbers_of_which_nobody_knows_what_they_are_go_with_their_creator(vr):
    """One or several; nothing is left that (0008,0300) could name."""
    for value in (5, [0, 0, 99, 99]):
        header = scrubbed((0x01, vr, value))
        drop_places(header)
        assert not header.keys()


def test_texts_codes_uids_and_settings_stay_and_the_object_says_so():
    """Another block of the same group keeps its creator too."""
    header = scrubbed((0x01, "LO", "GENERAL"), (0x02, "US", 7), (0x03, "CS", "ON"), (0x04, "UI", "2.25.1"))
    header.add_new(0x00190011, "LO", S2000)
    header.add_new(0x00191103, "FD", 41.5)
    drop_places(header)
    assert sorted(int(tag) for tag in header.keys()) == [  # noqa: SIM118  a data set iterates elements
        0x00080300,
        0x00190010,
        0x00190011,
        0x00191001,
        0x00191003,
        0x00191004,
        0x00191103,
    ]
    said = header[0x00080300].value
    assert [(item[0x00080302].value, item[0x00080304].value) for item in said] == [(OTHER, [1, 3, 4]), (S2000, 3)]


def test_private_numbers_in_sequences_go_too():
    """Private sequences whole; of public ones what is private in their items."""
    inner = scrubbed((0x01, "FL", [1.0, 2.0]))
    header = scrubbed((0x05, "SQ", Sequence([Dataset()])))
    header.DerivationCodeSequence = [inner]
    drop_places(header)
    assert list(header.keys()) == [0x00089215]
    assert not [tag for tag in inner.keys() if tag.is_private]  # noqa: SIM118


def test_a_crop_to_the_right_and_the_bottom_moves_no_place():
    """All counts from the corner that stays."""
    header = scrubbed((0x01, "US", [0, 0, 99, 99]))
    move_coordinates(header, (0, 0, 50, 60), rows=100, columns=120)
    assert header[0x00191001].value == [0, 0, 99, 99]
    move_coordinates(header, (0, 1, 50, 60), rows=100, columns=120)
    assert 0x00191001 not in header


def test_what_is_called_a_setting_is_a_number_of_the_table():
    """No key is misspelt."""
    for key in _SETTINGS:
        assert safe_attributes()[key].action is PrivateAction.NUMBER


def test_a_cropped_clip_keeps_no_private_place_though_the_profile_keeps_it(tmp_path):
    """Through the whole pipeline; uncropped it stays."""
    mask = np.zeros((160, 240), bool)
    mask[23:140, 41:200] = True
    cone = FixedCone(mask=mask, confidence=0.9)
    path = save_image(tmp_path / "in.dcm", moving_within(mask, 3))
    source = pydicom.dcmread(path)
    source.add_new(0x200D0010, "LO", OTHER)
    source.add_new(0x200D1001, "US", [0, 0, 99, 99])
    source.save_as(path)
    kept = {}
    for crop in (True, False):
        profile = RESEARCH.model_copy(
            update={
                "pixels": Pixels(cone=Cone(crop=crop)),
                "private_tags": PrivateTags(extra=(f'(200D,"{OTHER}",01) US',)),
            }
        )
        subject = deidentifier(reader=BlindReader(), cone=cone, profile=profile)
        result = subject.run(received(path), tmp_path / "out.dcm")
        kept[crop] = 0x200D1001 in pydicom.dcmread(result.path)
    assert kept == {True: False, False: True}
