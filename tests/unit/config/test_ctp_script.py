"""CTP's DicomPixelAnonymizer script: read as it is, whole, or refused with the line."""

import pickle

import pytest

from config.ctp_script import EMPTY_SCRIPT, ConditionError, parse_condition, parse_script
from config.load import ConfigurationError, load_profile
from config.schema import profile_sha256

SCRIPT = """Burned-in Annotation Library (2012)

 CT Dose Series
  { [0008,0104].containsIgnoreCase("IEC Body Dosimetry Phantom") }
  (0,0,512,200)

 Worksheet
  { [0008,0070].containsIgnoreCase("VITAL") *   // the maker
    ( [0008103e].containsIgnoreCase("AAA") + SeriesDescription.contains("Report") ) *
    !Rows.isLessThan("1041") }
  (0,0,795,150)   ( -24, 10, 20, 30 )
 Nothing to blank
  { true. }
"""
VALUES = {0x00080070: "Vital Images", 0x0008103E: "aaa stent", 0x00280010: "1041"}


def value_of(tag):
    """Return the text of an attribute."""
    return VALUES.get(tag, "")


def test_a_script_is_read_with_comments_alternatives_and_rules_without_rectangles():
    """The first rule that holds counts."""
    script = parse_script(SCRIPT)
    assert [(rule.line, rule.rectangles) for rule in script.rules] == [
        (4, ((0, 0, 512, 200),)),
        (8, ((0, 0, 795, 150), (-24, 10, 20, 30))),
        (13, ()),
    ]
    found = script.rule_for(value_of)
    other = script.rule_for(lambda _tag: "")
    assert found is not None
    assert other is not None
    assert (found.line, other.line) == (8, 13)
    assert EMPTY_SCRIPT.rule_for(value_of) is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('Manufacturer.equals("Vital Images")', True),
        ('Manufacturer.equals("vital images")', False),
        ('Manufacturer.equalsIgnoreCase("vital images")', True),
        ('Manufacturer.startsWith("Vital")', True),
        ('Manufacturer.endsWithIgnoreCase("IMAGES")', True),
        ('Manufacturer.contains("l I")', True),
        ('Manufacturer.matches("V.*s")', True),
        ('Manufacturer.matches("Vital")', False),
        ('Manufacturer.matchesIgnoreCase("vital [a-z]{6}")', True),
        ('Rows.isLessThan("1042")', True),
        ('Rows.isGreaterThan("1041")', False),
        ('Manufacturer.isLessThan("9")', False),
        ('StationName.equals("")', True),
        ("false. + true. * false.", False),
        ("true. + true. * false.", True),
        ("!false. * true.", True),
        ("!(true. + false.)", False),
        ('( ( [0028,0010].equals("1041") ) )', True),
    ],
)
def test_comparisons_and_how_they_are_joined(condition, holds):
    """Not binds closer than and, and closer than or."""
    assert parse_condition(condition).holds(value_of) is holds


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "true",
        'Manufacturer.resembles("x")',
        'NoSuchKeyword.equals("x")',
        '[0019[ACME]01].equals("x")',
        'Rows.isLessThanIgnoreCase("x")',
        'Manufacturer.matches("[")',
        'Manufacturer.equals("x"',
        'Manufacturer.equals("x") Rows.equals("y")',
        'Manufacturer.equals("x") * ',
        "(true.",
        "!" * 200 + "true.",
    ],
)
def test_a_condition_that_is_not_understood_is_an_error(condition):
    """A rule that were skipped would leave its rectangles unblanked."""
    with pytest.raises(ConditionError):
        parse_condition(condition)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing here", "holds no rule"),
        ("\n{ true. }\n(0,0,5)", "line 3"),
        ("\n\n{ true. } (0,0,5,5)\n{ true.", "line 4: a brace without its partner"),
        ("\n{ Rows.is(5) } (0,0,5,5)", "line 2: the condition is not understood"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, said):
    """And nothing of the script is used."""
    with pytest.raises(ConditionError, match=said):
        parse_script(text)


PROFILE = "options: [clean_pixel_data]\npixels:\n  ctp_script: device.script\n"


def test_a_profile_names_its_script_and_the_script_is_part_of_its_hash(profile_file):
    """It lies beside the profile, and goes to worker processes."""
    file = profile_file(PROFILE)
    (file.parent / "device.script").write_text(SCRIPT)
    one = load_profile(file)
    (file.parent / "device.script").write_text(SCRIPT.replace("795", "800"))
    other = load_profile(file)
    assert one.pixels.ctp_script == parse_script(SCRIPT)
    assert pickle.loads(pickle.dumps(one)) == one
    assert profile_sha256(one) != profile_sha256(other)


@pytest.mark.parametrize(
    ("script", "profile", "said"),
    [
        (None, PROFILE, "cannot be read"),
        (b"\xff\xfe", PROFILE, "is not UTF-8"),
        (b"{ x } (0,0,1,1)", PROFILE, "device.script: line 1: the condition is not understood"),
        (b"", PROFILE, "holds no rule"),
        (b"", PROFILE.replace("device.script", "https://x/y"), "write the path of a local script"),
        (b"", PROFILE.replace("device.script", "3"), "pixels.ctp_script"),
        (
            SCRIPT.encode(),
            "pixels:\n  text: null\n  ctp_script: device.script\n",
            "pixels are cleaned, so add clean_pixel_data",
        ),
    ],
)
def test_a_script_with_a_problem_gives_no_profile(script, profile, said, profile_file):
    """The profile's line, the script's name and its line are said."""
    file = profile_file(profile)
    if script is not None:
        (file.parent / "device.script").write_bytes(script)
    with pytest.raises(ConfigurationError, match="own") as caught:
        load_profile(file)
    assert said in str(caught.value)
