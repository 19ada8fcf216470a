"""A foreign recipe as a profile: it loads, it gives away no more, and what it lacks is listed."""

import pytest

from config.load import load_profile
from config.schema import Option
from pipeline.header.explain import listed_tags, ruling
from pipeline.header.table import Action
from pipeline.recipes.convert import UnreadableRecipeError, convert
from tests.factories.profiles import with_options

GIVES = {
    Action.REMOVE: 0, Action.EMPTY: 0, Action.DUMMY: 0, Action.REPLACE: 0, Action.UID: 1, Action.SHIFT: 1,
    Action.KEYED: 1, Action.CLEAN: 2, Action.KEEP: 3,
}  # fmt: skip
"""How much of a value leaves."""


def script(*lines):
    """Return a CTP script of `(tag, name, value)`."""
    inside = "\n".join(f'<e en="T" t="{tag}" n="{name}">{value}</e>' for tag, name, value in lines)
    return f"<script>\n{inside}\n</script>\n"


def made(tmp_path, text, *, name="x.script", form=None, accept_keeps=False):
    """Convert a text; return what was made and the profile that loads from it."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    converted = convert(tmp_path / name, form=form, accept_keeps=accept_keeps)
    (tmp_path / "made.yaml").write_text(converted.text, encoding="utf-8")
    return converted, load_profile(tmp_path / "made.yaml")


def rules_of(profile):
    """Return tag -> (action, value)."""
    return {rule.tag: (rule.action, rule.value) for rule in profile.rules}


GRANTED = {
    "removing what the table removes": (("00081030", "StudyDescription", "@remove()"), {}),
    "emptying what the table removes": (("00081030", "StudyDescription", "@empty()"), {}),
    "removing what stays": (("00180015", "BodyPartExamined", "@remove()"), {"00180015": ("remove", None)}),
    "emptying what stays": (("00180015", "BodyPartExamined", "@empty()"), {"00180015": ("empty", None)}),
    "a text": (("00081030", "StudyDescription", "ECHO: # 1"), {"00081030": ("replace", "ECHO: # 1")}),
    "a UID": (("00080018", "SOPInstanceUID", "@hashuid(1.2,this)"), {}),
    "a reference": (("00081155", "RefSOPInstanceUID", "@hashuid(1.2,this)"), {}),
    "the patient's name removed": (("00100010", "PatientName", "@remove()"), {"00100010": ("empty", None)}),
    "keeping what stays": (("00280010", "Rows", "@keep()"), {}),
    "keeping the class": (("00080016", "SOPClassUID", "@keep()"), {}),
    "a private attribute removed": (("00091001", "Secret", "@remove()"), {}),
    "file meta": (("00020010", "TransferSyntaxUID", "@keep()"), {}),
    "pixel data": (("7fe00010", "PixelData", "@keep()"), {}),
    "the marks": (("00120062", "PatientIdentityRemoved", "YES"), {}),
    "the patient's ID": (("00100020", "PatientID", "@hash(this,9)"), {}),
    "the inside of a sequence that stays": (("00082218", "AnatomicRegionSeq", "@process()"), {}),
}


@pytest.mark.parametrize("case", GRANTED)
def test_a_wish_is_granted(tmp_path, case):
    """By the profile as it is, or by a rule; nothing is listed."""
    line, rules = GRANTED[case]

    converted, profile = made(tmp_path, script(line))

    assert converted.missing == ()
    assert rules_of(profile) == rules


NOT_GRANTED = {
    "keeping what the table removes": (("00081030", "StudyDescription", "@keep()"), {}, "--accept-keeps"),
    "keeping an age": (("00101010", "PatientAge", "@keep()"), {}, "retain_patient_characteristics"),
    "keeping UIDs": (("0020000D", "StudyInstanceUID", "@keep()"), {}, "retain_uids"),
    "keeping a private attribute": (("00091001", "Secret", "@keep()"), {}, "private_tags"),
    "keeping an overlay": (("60003000", "OverlayData", "@keep()"), {}, "nothing can be done"),
    "a text for numbers": (("00280010", "Rows", "many"), {"00280010": ("empty", None)}, "a rule `empty`"),
    "an illegal text": (("00080020", "StudyDate", "soon"), {}, "legal value"),
    "a condition on what stays": (
        ("00180015", "BodyPartExamined", '@if(Modality,equals,"US"){@empty()}{@keep()}'),
        {"00180015": ("empty", None)},
        "gateway.yaml",
    ),
    "a lookup": (("00100020", "PatientID", "@lookup(this,ptid)"), {}, "patient_id"),
    "an ID emptied": (("00100020", "PatientID", "@empty()"), {}, "patient_id"),
    "a birth date moved": (("00100030", "PatientBirthDate", "@incrementdate(this,1)"), {}, "replace"),
}


@pytest.mark.parametrize("case", NOT_GRANTED)
def test_a_wish_that_is_not_granted_is_listed_and_nothing_more_leaves(tmp_path, case):
    """With its line, the reason and what to do instead, in the result and as a comment of the profile."""
    line, rules, instead = NOT_GRANTED[case]

    converted, profile = made(tmp_path, script(line))

    (missing,) = converted.missing
    assert missing.line == 2
    assert missing.why
    assert instead in missing.instead
    assert rules_of(profile) == rules
    assert f"# - {' '.join(str(missing).split())}" in converted.text


def test_a_keep_becomes_a_rule_only_when_a_person_says_so(tmp_path):
    """But never for an age, and never for a date beside dates that move."""
    lines = [
        ("00081030", "StudyDescription", "@keep()"),
        ("00101010", "PatientAge", "@keep()"),
        ("00080020", "StudyDate", "@incrementdate(this,-9)"),
        ("00080021", "SeriesDate", "@keep()"),
    ]

    converted, profile = made(tmp_path, script(*lines), accept_keeps=True)

    assert rules_of(profile) == {"00081030": ("keep", None)}
    assert [one.line for one in converted.missing] == [3, 5]
    assert "shift away" in converted.missing[1].why


def test_safe_private_attributes_stay_only_when_a_person_says_so(tmp_path):
    """By the option of the standard, which knows which these are."""
    text = '<script>\n<k en="T" t="safeprivateelements">safe</k>\n</script>'

    converted, profile = made(tmp_path, text)
    accepted, keeping = made(tmp_path, text, accept_keeps=True)

    assert [one.line for one in converted.missing] == [2]
    assert not profile.private_tags.keep_safe
    assert accepted.missing == ()
    assert keeping.private_tags.keep_safe
    assert Option.RETAIN_SAFE_PRIVATE in keeping.options


def test_an_accession_number_that_is_hashed_is_keyed_and_one_that_goes_is_empty(tmp_path):
    """What leaves is another number than the other tool's."""
    hashed, _profile = made(tmp_path, script(("00080050", "AccessionNumber", "@hash(this,16)")))
    _converted, removing = made(tmp_path, script(("00080050", "AccessionNumber", "@remove()")))

    assert (hashed.missing, len(hashed.remarks)) == ((), 1)
    assert rules_of(removing) == {"00080050": ("empty", None)}


def test_moving_a_date_is_the_option_of_the_standard(tmp_path):
    """Times then stay; that the number of days is another is remarked."""
    text = script(("00080020", "StudyDate", "@incrementdate(this,-9)"), ("00080030", "StudyTime", "@keep()"))

    converted, profile = made(tmp_path, text)

    assert Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in profile.options
    assert converted.missing == ()
    assert any("secret number of days" in one.text for one in converted.remarks)


def test_a_prefix_of_the_patient_id_is_the_profile_s(tmp_path):
    """One that cannot be written is listed."""
    assert made(tmp_path, script(("00100020", "P", "SITE-@hash(this,9)")))[1].patient_id.prefix == "SITE-"
    converted, profile = made(tmp_path, script(("00100020", "P", "no prefix @hash(this,9)")))

    assert profile.patient_id.prefix == "SV-"
    assert len(converted.missing) == 1


@pytest.mark.parametrize(
    "value", ["@remove()", "@empty()", "@hash(this,9)", "@round(this,5)", "x", "@keep()", "@date()"]
)
def test_whatever_a_script_says_the_import_gives_away_no_more_than_the_basic_profile_or_the_script(tmp_path, value):
    """Attributes from all over the dictionary, one line each."""
    basic = with_options(Option.CLEAN_PIXEL_DATA)
    tags = [tag for tag in listed_tags(basic, every=True) if tag >> 16 >= 8][::17]

    _converted, profile = made(tmp_path, script(*((f"{tag:08X}", "Thing", value) for tag in tags)))

    for tag in tags:
        assert GIVES[ruling(tag, profile).action] <= GIVES[ruling(tag, basic).action], f"{tag:08X}"


MASK = """{ [0008,1090].equals("iX9") * [0028,0010].equals("600") * [0028,0011].equals("800") }
(0,0,900,59) (-100,-20,100,20)
{ [0008,1090].containsIgnoreCase("iX") * [0028,0010].equals("600") * [0028,0011].equals("800") } (0,0,800,9)
{ [0008,0070].equals("ACME") * [0028,0010].equals("600") * [0028,0011].equals("800") } (0,0,800,9)
{ [0008,1090].equals("iX7") * [0028,0010].equals("600") } (0,0,800,9)
{ [0008,1090].equals("iX8") * [0028,0010].equals("60") * [0028,0011].equals("80") } (90,0,8,9)
"""


def test_rectangles_become_device_masks_as_far_as_these_can_say_it(tmp_path):
    """Cut to the frame; counted from the right and the bottom; what fits fewer images is made and listed."""
    converted, profile = made(tmp_path, MASK)

    first, second = profile.pixels.masks
    assert (first.manufacturer_model, first.columns, first.rows) == ("iX9", 800, 600)
    assert first.rectangles == ((0, 0, 800, 59), (700, 580, 800, 600))
    assert second.manufacturer_model == "iX"
    assert [one.line for one in converted.missing] == [3, 4, 5, 6]
    assert "contain" in converted.missing[0].why


@pytest.mark.parametrize("text", ["'", '"', "#", "\\", "a: b", "{x}", "é漢😀", "\x7f\x85", "- x", "null"])
def test_any_text_of_a_recipe_is_a_text_of_the_profile(tmp_path, text):
    """Quoted, whatever YAML makes of such letters elsewhere."""
    converted, profile = made(tmp_path, f"FORMAT dicom\n%header\nREPLACE StudyComments x{text}x\n", name="deid.x")

    value = f"x{text}x".split("#", maxsplit=1)[0]
    assert converted.missing == () or "not legal" in converted.missing[0].why
    assert rules_of(profile) in ({"00324000": ("replace", value)}, {})


def test_what_one_line_lacks_for_one_reason_is_listed_once(tmp_path):
    """With the names of the first few attributes."""
    converted, _profile = made(tmp_path, "FORMAT dicom\n%header\nKEEP startswith:Patient\n", name="deid.x")

    assert len(converted.missing) < 12
    assert any("and" in one.what and "more" in one.what for one in converted.missing)


UNREADABLE = {
    "prose": "Dear colleague",
    "nothing": "",
    "another root": "<html/>",
    "bytes": "\udcff",
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_recipe_is_an_error(tmp_path, case):
    """Not an empty profile."""
    (tmp_path / "x").write_text(UNREADABLE[case], encoding="utf-8", errors="surrogateescape")

    with pytest.raises(UnreadableRecipeError):
        convert(tmp_path / "x", form=None, accept_keeps=False)
    with pytest.raises(UnreadableRecipeError):
        convert(tmp_path / "x", form="deid", accept_keeps=False)
