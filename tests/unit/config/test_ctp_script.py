"""CTP's DicomPixelAnonymizer script: read as it is, whole, or refused with the line."""

import pickle

import pytest

from config.ctp_condition import ConditionError
from config.ctp_script import EMPTY_SCRIPT, parse_script
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
  { true. }  (0,0,0,0)
"""
VALUES = {0x00080070: "Vital Images", 0x0008103E: "aaa stent", 0x00280010: "1041"}


def value_of(tag):
    """Return the text of an attribute."""
    return VALUES.get(tag, "")


def test_a_script_is_read_with_comments_alternatives_and_rules_that_blank_nothing():
    """The first rule that holds counts."""
    script = parse_script(SCRIPT)
    assert [(rule.line, rule.rectangles) for rule in script.rules] == [
        (4, ((0, 0, 512, 200),)),
        (8, ((0, 0, 795, 150), (-24, 10, 20, 30))),
        (13, ((0, 0, 0, 0),)),
    ]
    found = script.rule_for(value_of)
    other = script.rule_for(lambda _tag: "")
    assert found is not None
    assert other is not None
    assert (found.line, other.line) == (8, 13)
    assert EMPTY_SCRIPT.rule_for(value_of) is None


@pytest.mark.parametrize(
    "written",
    [
        "(0,0,800,60.5)",
        "(0;0;800;60)",
        "(0 0 800 60)",
        "(0,0,+800,60)",
        "(0,0,800,-60)",
        "(0,0,800px,60px)",
        "(0,0,8OO,6O)",
        "(left 0, top 0, width 800, height 60)",
        "(0, 0, 800)",
        "(800,60)",
        "(0,0,800,60,1)",
        "(0,0,9999999,60)",
        "(0,25,0,247)",
        "(10,20,30,0)",
        "((0,0,800,60))",
        "(0,0,800,60",
        "0,0,800,60)",
        "[0,0,800,60]",
        "<0, 0, 800, 60>",
        "0,0,800,60",
        "0 0 800 60",
        "0x0+800+60",
        "(0x0x800x60)",
        "(0.0.800.60)",
        "[0:0:800:60]",
        "<0-0-800-60>",
        "\uff080\uff0c0\uff0c800\uff0c60\uff09",
        "0\u00a00\u00a0800\u00a060",
    ],
)
@pytest.mark.parametrize("beside", ["", "(0,0,9,9) "])
def test_a_rectangle_that_is_not_understood_is_an_error_with_its_line(written, beside):
    """CTP skips it, or takes it for another; then the first rule that holds would blank too little."""
    text = '{ Modality.equals("US") }\n' + beside + written + "\n{ true. } (0,0,800,600)"
    with pytest.raises(ConditionError, match="line 2: "):
        parse_script(text)


def test_a_rule_without_a_rectangle_is_an_error():
    """It would hold, and the rules after it would not be asked."""
    with pytest.raises(ConditionError, match="line 2: a rule without rectangles"):
        parse_script('\n{ Modality.equals("US") }\n{ true. } (0,0,800,600)')


def test_rectangles_without_a_rule_are_an_error():
    """The file may be written the other way round."""
    with pytest.raises(ConditionError, match="line 1: a rectangle before"):
        parse_script("(0,0,800,60) { true. } (0,0,0,0)")


def test_a_rule_does_not_swallow_the_next_one():
    """Two quotation marks, each forgotten in its own rule, are no pair."""
    script = '{ Modality.equals("US) } (0,0,800,60)\n{ Modality.equals(CT") } (0,0,9,9)'
    with pytest.raises(ConditionError, match="line 1"):
        parse_script(script)
    assert len(parse_script('{ Modality.matches("[A-Z]{2}") } (0,0,9,9)').rules) == 1


COMMENTED = """Regions of our scanners, compiled 2014-05-12 10:30 (see the wiki, pages 3, 4, 5 and 6)

**************
     CT / PET
**************
 512 x 512 screen captures - vessels (GE, Siemens)
  { [0028,0010].containsIgnoreCase("512") }
   (350,0,162,30) (390,80,122,15)

 // DX-07 maker (software 3.1), 1024 x 768, checked 2018-12-30 20:45
 wider than any frame (512 x 512), and [0008,1090] of (S1000, S2000, S3000) at 10.1.1.7 [2018-12-30]
{ Manufacturer.containsIgnoreCase("ACME, Inc.")
  * !(ImageType.contains("SECONDARY") + ImageType.contains("DERIVED"))

}  ( 0,25,12,247)
(0, 0, 10000, 104)

"""


def test_comments_as_they_stand_in_scripts_are_no_rectangles():
    """Frame sizes, dates, versions and tags between rules; what is wider than the frame."""
    assert [rule.rectangles for rule in parse_script(COMMENTED).rules] == [
        ((350, 0, 162, 30), (390, 80, 122, 15)),
        ((0, 25, 12, 247), (0, 0, 10000, 104)),
    ]


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
