"""Profiles: the shipped ones, one's own, and what is wrong in them."""

import pytest

from config.load import ConfigurationError, load_profile, shipped_profiles
from config.schema import AVAILABLE_OPTIONS, Option, Profile, TagRule, profile_sha256


@pytest.mark.parametrize("name", ["research", "strict", "ultrasound"])
def test_a_shipped_profile_is_known_by_name_and_claims_only_what_works(name):
    """Its pixels are cleaned and searched again, and doubt is held."""
    profile = load_profile(name)

    assert profile.name == name
    assert set(profile.options) <= AVAILABLE_OPTIONS
    assert Option.CLEAN_PIXEL_DATA in profile.options
    assert profile.pixels.text is not None
    assert profile.pixels.verify
    assert set(profile.pixels.review.hold_when) == {"residual_text", "cone_uncertain"}


def test_these_profiles_are_shipped():
    """And no other file lies beside them."""
    assert sorted(shipped_profiles()) == ["research", "strict", "ultrasound"]


def test_research_keeps_what_a_study_needs_and_crops_nothing():
    """Dates move, sex and age stay; what people wrote is cleaned; private attributes that are safe stay."""
    profile = load_profile("research")

    assert profile.private_tags.keep_safe
    assert set(profile.options) == {
        Option.CLEAN_PIXEL_DATA,
        Option.CLEAN_GRAPHICS,
        Option.CLEAN_STRUCTURED_CONTENT,
        Option.CLEAN_DESCRIPTORS,
        Option.RETAIN_SAFE_PRIVATE,
        Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        Option.RETAIN_PATIENT_CHARACTERISTICS,
    }
    assert profile.pixels.cone is None


def test_ultrasound_is_research_with_a_cone():
    """Nothing but the cone differs."""
    research, ultrasound = load_profile("research"), load_profile("ultrasound")

    cone = ultrasound.pixels.cone
    assert (cone.apply_to, cone.blank_outside, cone.crop, cone.fallback) == (("US",), True, True, ("hold",))
    without = ultrasound.pixels.model_copy(update={"cone": None})
    assert ultrasound.model_copy(update={"name": "research", "pixels": without}) == research


def test_strict_retains_nothing():
    """The Basic Profile, with pixels cleaned."""
    assert load_profile("strict").options == (Option.CLEAN_PIXEL_DATA,)


def test_an_almost_empty_profile_is_the_safe_one(profile_file):
    """Text is blanked everywhere unless the steward says otherwise."""
    profile = load_profile(profile_file("options: [clean_pixel_data]\n"))

    assert profile.name == "own"
    assert profile.pixels.text.where == "everywhere"
    assert profile.private_tags.keep_safe is False


def test_text_in_pixels_stays_only_when_that_is_written_down(profile_file):
    """The Basic Profile alone takes one more line."""
    assert load_profile(profile_file("pixels: {text: null}\n")).pixels.text is None

    with pytest.raises(ConfigurationError, match="add clean_pixel_data"):
        load_profile(profile_file("options: []\n"))


def test_tags_are_read_in_three_spellings(profile_file):
    """Keyword, with parentheses, eight digits."""
    profile = load_profile(
        profile_file(
            "options: [clean_pixel_data]\n"
            "rules:\n"
            "  - {tag: StudyDescription, action: replace, value: ECHO}\n"
            "  - {tag: '(0008,103E)', action: keep}\n"
            "  - {tag: 00081090, action: empty}\n"
        )
    )

    assert profile.rules == (
        TagRule(tag="00081030", action="replace", value="ECHO"),
        TagRule(tag="0008103E", action="keep"),
        TagRule(tag="00081090", action="empty"),
    )


WRONG = {
    "an unknown option": ("options: [clean_pixeldata]", "did you mean `clean_pixel_data`?"),
    "an option twice": ("options: [clean_pixel_data, clean_pixel_data]", "stands twice"),
    "two ways with dates": (
        "options: [clean_pixel_data,\n  retain_longitudinal_modified_dates, retain_longitudinal_full_dates]",
        "exclude each other",
        2,
    ),
    "cleaning claimed but not done": ("pixels:\n  text: null", "write `text: {where: everywhere}`", 3),
    "an unknown key": ("pixels:\n  text:\n    wher: everywhere", "did you mean `where`?", 4),
    "a name": ("name: x", "`name` is not written here"),
    "a long prefix": ("patient_id: {prefix: ABCDEFGHIJKLMNOPQ}", "is no prefix"),
    "no day to shift by": ("date_shift: {range_days: 0}", "write at least 1"),
    "days with a unit": ("date_shift: {range_days: 365d}", "write a whole number, not `365d`"),
    "a crop without blanking": ("pixels: {cone: {crop: true, blank_outside: false}}", "needs `blank_outside: true`"),
    "a keep word that could be a name": ("pixels: {text: {keep_words: [Meyer]}}", "cannot be a word to keep"),
    "another fill": ("pixels: {text: {fill: white}}", "`white` is not known here"),
    "a mask for every device": (
        "pixels:\n  masks:\n    - {columns: 9, rows: 9, rectangles: [[0, 0, 9, 9]]}",
        "needs `station_name`",
        4,
    ),
    "a rectangle beyond the frame": (
        "pixels: {masks: [{station_name: A, columns: 9, rows: 9, rectangles: [[0, 0, 10, 9]]}]}",
        "does not lie in 9 columns x 9 rows",
    ),
    "a rectangle of three": (
        "pixels: {masks: [{station_name: A, columns: 9, rows: 9, rectangles: [[0, 0, 9]]}]}",
        "an entry is missing",
    ),
    "a rectangle of nothing": (
        "pixels: {masks: [{station_name: A, columns: 9, rows: 9, rectangles: [[3, 3, 3, 9]]}]}",
        "does not lie in",
    ),
    "a tag that is none": ("rules: [{tag: StudyDesc, action: keep}]", "is no DICOM attribute; did you mean"),
    "a private tag": ("rules: [{tag: '(0009,1001)', action: keep}]", "`private_tags` decides"),
    "an identity": ("rules: [{tag: PatientID, action: keep}]", "is set by the product"),
    "the pixels": ("rules: [{tag: PixelData, action: keep}]", "is pixel data"),
    "the file meta": ("rules: [{tag: '00020010', action: keep}]", "is file meta"),
    "a replacement by nothing": ("rules: [{tag: StudyDescription, action: replace}]", "needs a `value`"),
    "a value for nothing": ("rules: [{tag: StudyDescription, action: keep, value: x}]", "needs a `value`"),
    "two rules for one tag": (
        "rules:\n  - {tag: StudyDescription, action: keep}\n  - {tag: '00081030', action: empty}",
        "another rule is for this attribute",
        4,
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_in_a_profile_is_named_with_its_line(profile_file, case):
    """One spoiled part under a good first line, and a problem at exactly its line."""
    text, said, *line = case
    first = "" if text.startswith("options") else "options: [clean_pixel_data]\n"

    with pytest.raises(ConfigurationError) as caught:
        load_profile(profile_file(f"{first}{text}\n"))

    found = [problem.line for problem in caught.value.problems if said in problem.message]
    assert found == [line[0] if line else 1 + bool(first)], str(caught.value)


UNAVAILABLE = [
    *(f"options: [{option}]" for option in Option if option not in AVAILABLE_OPTIONS),
    "pixels: {verify: false}",
    "pixels: {review: {hold_when: []}}",
    "pixels: {review: {hold_when: [residual_text]}}",
]


@pytest.mark.parametrize("text", UNAVAILABLE)
def test_what_does_not_work_yet_is_an_error_that_says_so(profile_file, text):
    """An option that is not fully implemented can never be claimed."""
    with pytest.raises(ConfigurationError, match=r"own\.yaml:1: .*not available in this version"):
        load_profile(profile_file(f"{text}\n"))


OPTION = "options: [clean_pixel_data]\n"


def test_a_rule_may_clean_an_attribute(profile_file):
    """Its text is cleaned, whatever the options say of the others."""
    profile = load_profile(profile_file(f"{OPTION}rules: [{{tag: StudyDescription, action: clean}}]\n"))

    assert profile.rules == (TagRule(tag="StudyDescription", action="clean"),)


def test_an_absent_profile_names_the_shipped_ones():
    """A name that is none of them is taken for a file."""
    with pytest.raises(ConfigurationError, match="research, strict, ultrasound"):
        load_profile("reserch")


def test_the_hash_is_of_what_a_profile_does(profile_file):
    """Comments, order and name do not count; every setting does."""
    one = load_profile(profile_file("options: [retain_uids, clean_pixel_data]\n"))
    same = load_profile(profile_file("# other words\npixels: {}\noptions: [clean_pixel_data, retain_uids]\n"))
    other = load_profile(profile_file("options: [retain_uids, clean_pixel_data]\nsidecar: {csv: false}\n"))

    assert profile_sha256(one) == profile_sha256(same)
    assert profile_sha256(one) == profile_sha256(one.model_copy(update={"name": "x"}))
    assert profile_sha256(one) != profile_sha256(other)
    assert len(profile_sha256(one)) == 64


def test_the_hash_is_the_same_in_every_process():
    """It is compared between runs, so it is pinned here: a change of meaning must change this test."""
    assert profile_sha256(Profile(name="x")) == "ba3d4f0120776d7cad2ebfcbed3d25d92dc722e2d8a43dbb1ac22eafcf4d6931"


@pytest.mark.parametrize("text", ["- a\n", "text\n", "3\n"])
def test_a_file_that_is_no_mapping_says_where_to_begin(profile_file, text):
    """Not a traceback."""
    with pytest.raises(ConfigurationError, match="as in the shipped profiles"):
        load_profile(profile_file(text))


def test_a_file_with_a_name_that_cannot_be_a_label_gets_one_that_can(profile_file):
    """The name of a profile is written into objects."""
    file = profile_file("options: [clean_pixel_data]\n")
    file = file.rename(file.with_name("my own (2).yaml"))

    assert load_profile(file).name == "my-own-2"
