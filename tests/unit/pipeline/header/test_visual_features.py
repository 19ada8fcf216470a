"""Objects that may show a face are held where the profile wants faces cleaned, and only there."""

import pytest

from config.schema import Option
from pipeline.header.visual_features import check_visual_features
from pipeline.reasons import Held, Reason
from tests.factories.headers import minimal
from tests.factories.profiles import STRICT, with_options

FACES = with_options(Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES)
STORAGE = "1.2.840.10008.5.1.4.1.1."


def an_object(ending, body_part=None):
    """Return a header of a class, with this Body Part Examined."""
    return minimal(SOPClassUID=STORAGE + ending, **({} if body_part is None else {"BodyPartExamined": body_part}))


@pytest.mark.parametrize(
    ("ending", "body_part"),
    [
        ("2", "HEAD"),
        ("4", "BRAIN"),
        ("2", None),
        ("2", ""),
        ("2", "NECK"),
        ("2", "WHOLEBODY"),
        ("2", ["CHEST", "HEAD"]),
        ("1.1", "SKULL"),
        ("77.1.4", "CHEST"),  # a photograph, whatever it is said to show
        ("77.1.1", "COLON"),  # an endoscope sees the room before it sees the patient
        ("7", "CHEST"),
        ("6.2", "ABDOMEN"),
    ],
)
def test_what_may_show_a_face_is_held(ending, body_part):
    """Also where nobody says what is shown."""
    with pytest.raises(Held) as held:
        check_visual_features(an_object(ending, body_part), FACES)

    assert held.value.reason is Reason.VISUAL_FEATURES


@pytest.mark.parametrize(
    ("ending", "body_part"), [("2", "CHEST"), ("4", "KNEE "), ("1.2", None), ("6.1", None), ("77.1.6", None)]
)
def test_what_shows_none_passes(ending, body_part):
    """By its class, or by its class and the part of the body."""
    check_visual_features(an_object(ending, body_part), FACES)


def test_other_profiles_do_not_ask():
    """The option is the steward's choice."""
    check_visual_features(an_object("2", "HEAD"), STRICT)
