"""`private_tags` of a profile: how an attribute is written, and what goes with the option."""

import pytest

from config.load import ConfigurationError, load_profile
from config.schema import PrivateTag, profile_sha256

OPTIONS = "options: [clean_pixel_data, retain_safe_private]\n"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('(0019,"SIEMENS MR HEADER",0C)', ("0019", "SIEMENS MR HEADER", "0C", None)),
        ('(0019,"SIEMENS MR HEADER",0c) IS', ("0019", "SIEMENS MR HEADER", "0C", "IS")),
        ("0019, SIEMENS MR HEADER, 0C", ("0019", "SIEMENS MR HEADER", "0C", None)),
        ('(7e01,"HOLOGIC, Inc.",01)', ("7E01", "HOLOGIC, Inc.", "01", None)),
    ],
)
def test_a_private_attribute_is_written_as_group_creator_element(profile_file, written, read):
    """The form that other tools and knowledge bases use, with quotes where a creator has a comma."""
    group, creator, element, vr = read

    profile = load_profile(profile_file(f"options: [clean_pixel_data]\nprivate_tags: {{extra: ['{written}']}}\n"))

    assert profile.private_tags.extra == (PrivateTag(group=group, creator=creator, element=element, vr=vr),)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("(0019,100C)", "write group, creator and the last two digits"),
        ('(0019,"SIEMENS MR HEADER",100C)', 'write the last two digits: (0019,"SIEMENS MR HEADER",0C)'),
        ('(0019,"SIEMENS MR HEADER",xx0C)', 'write the last two digits: (0019,"SIEMENS MR HEADER",0C)'),
        ('(0018,"SIEMENS MR HEADER",0C)', "0018 is no group of private attributes"),
        ('(0007,"SIEMENS MR HEADER",0C)', "0007 is no group of private attributes"),
        ('(0019,"",0C)', "a creator has 1 to 64"),
        ('(0019,"A\\B",0C)', "a creator has 1 to 64"),
        ('(0029,"SIEMENS CSA HEADER",10) OB', "nobody can judge what a value of VR OB holds"),
        ('(0019,"SIEMENS MR HEADER",0C) XX', "write one of AT, CS"),
        ("SIEMENS MR HEADER", "is no private attribute"),
    ],
)
def test_what_is_no_private_attribute_is_an_error_that_says_what_to_write(profile_file, written, said):
    """With the line it stands in."""
    text = f"options: [clean_pixel_data]\nprivate_tags:\n  extra:\n    - '{written}'\n"

    with pytest.raises(ConfigurationError) as caught:
        load_profile(profile_file(text))

    assert [problem.line for problem in caught.value.problems if said in problem.message] == [4], str(caught.value)


def test_an_attribute_is_named_once(profile_file):
    """Whatever VR stands behind it."""
    text = "private_tags: {extra: ['(0019,\"A\",0C)', '(0019,A,0C) IS']}"

    with pytest.raises(ConfigurationError, match="stands twice in this list"):
        load_profile(profile_file(f"options: [clean_pixel_data]\n{text}\n"))


def test_the_option_and_its_setting_go_together(profile_file):
    """Neither claims what is not done, nor does what is not claimed."""
    assert load_profile(profile_file(f"{OPTIONS}private_tags: {{keep_safe: true}}\n")).private_tags.keep_safe
    with pytest.raises(ConfigurationError, match=r"own\.yaml:1: .*write `private_tags: {keep_safe: true}`"):
        load_profile(profile_file(OPTIONS))
    with pytest.raises(ConfigurationError, match=r"own\.yaml:2: .*add retain_safe_private to `options`"):
        load_profile(profile_file("options: [clean_pixel_data]\nprivate_tags: {keep_safe: true}\n"))


def test_what_a_profile_does_is_another_thing_with_another_attribute(profile_file):
    """Its hash, by which runs are told apart."""
    hashes = {
        profile_sha256(load_profile(profile_file(f"options: [clean_pixel_data]\nprivate_tags: {{extra: [{extra}]}}\n")))
        for extra in ("", "'(0019,A,0C)'", "'(0019,A,0C) IS'", "'(0019,B,0C)'")
    }

    assert len(hashes) == 4
