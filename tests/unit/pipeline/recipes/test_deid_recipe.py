"""pydicom/deid recipes: actions, expressions over names, precedence, groups and filters."""

import pytest

from pipeline.recipes.deid import read_deid
from pipeline.recipes.wishes import Intent, UnreadableRecipeError

HEADER = "FORMAT dicom\n%header\n"


def wishes(text):
    """Return keyword's tag -> intent of a header section."""
    return {wish.tag: wish.intent for wish in read_deid(HEADER + text).wishes}


LINES = {
    "KEEP Modality": (0x00080060, Intent.KEEP),
    "BLANK StudyID": (0x00200010, Intent.EMPTY),
    "REMOVE StudyID # gone": (0x00200010, Intent.REMOVE),
    "remove studyid": (0x00200010, Intent.REMOVE),
    "REMOVE (0020,0010)": (0x00200010, Intent.REMOVE),
    "REMOVE 00200010": (0x00200010, Intent.REMOVE),
    "ADD StudyID 5": (0x00200010, Intent.REPLACE),
    "REPLACE StudyID 5": (0x00200010, Intent.REPLACE),
    "REPLACE StudyID var:number": (0x00200010, Intent.UNKNOWN),
    "REPLACE PatientID var:id": (0x00100020, Intent.PSEUDONYM),
    "REPLACE StudyInstanceUID func:uid": (0x0020000D, Intent.MAP_UID),
    "REPLACE StudyDate deid_func:jitter days=3": (0x00080020, Intent.SHIFT),
    "JITTER StudyDate 31": (0x00080020, Intent.SHIFT),
    "JITTER StudyDate var:days": (0x00080020, Intent.SHIFT),
    "REMOVE StudyID func:is_bad": (0x00200010, Intent.UNKNOWN),
    "REMOVE RequestAttributesSequence__StudyID": (0x00200010, Intent.REMOVE),
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_asks_for(line):
    """Each action, with each kind of value and of field."""
    tag, intent = LINES[line]

    assert wishes(line) == {tag: intent}


EXPRESSIONS = {
    "startswith:PatientBirth": {0x00100030, 0x00100032, 0x00101005},
    "endswith:BirthName": {0x00101005, 0x00101060},
    "contains:BirthTime|BirthDate$": {0x00100032, 0x00100030},
    "select:VR:AS": {0x00101010},
    "fields:births": {0x00100030, 0x00100032, 0x00101005, 0x00200010},
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_expanded_over_the_dictionary(expression):
    """As the tool expands it over the names in an object, in any case of letters."""
    groups = "FORMAT dicom\n%fields births\nFIELD startswith:PatientBirth\nFIELD StudyID\n%header\n"
    found = read_deid(f"{groups}BLANK {expression}\n").wishes

    assert EXPRESSIONS[expression] <= {wish.tag for wish in found}
    if "VR" not in expression:
        assert len(found) < 12


ORDER = [
    "KEEP StudyID",
    "ADD StudyID 1",
    "REPLACE StudyID var:x",
    "JITTER StudyID 1",
    "REMOVE StudyID",
    "BLANK StudyID",
]


@pytest.mark.parametrize("place", range(len(ORDER) - 1))
def test_of_two_actions_the_documented_one_counts(place):
    """In whatever order they are written."""
    higher, lower = ORDER[place], ORDER[place + 1]

    assert wishes(f"{higher}\n{lower}\n") == wishes(f"{lower}\n{higher}\n") == wishes(higher)


LISTED = {
    "REMOVE ALL": "not named",
    "BLANK except:Modality": "not named",
    "REMOVE values:names": "repeats values",
    "KEEP fields:nobody": "no %fields section",
    "REMOVE fields:nobody": "no %fields section",
    "REMOVE contains:(": "no regular expression",
    "REMOVE unheardof:Name": "no such expression",
    "KEEP contains:0019": "names no attribute",
    "FROBNICATE StudyID": "not understood",
    "KEEP": "not understood",
}


@pytest.mark.parametrize("line", LISTED)
def test_what_cannot_be_expanded_is_listed_with_its_line(line):
    """Never dropped in silence."""
    recipe = read_deid(f"{HEADER}{line}\n")

    assert recipe.wishes == ()
    assert [(one.line, LISTED[line] in one.why) for one in recipe.missing] == [(3, True)]


def test_private_attributes_that_are_removed_need_no_line():
    """They all go."""
    recipe = read_deid(f"{HEADER}REMOVE contains:0019\n")

    assert (recipe.wishes, recipe.missing) == ((), ())


FILTER = """FORMAT dicom
%filter graylist
LABEL Console # (somebody)
  contains ManufacturerModelName iX9
  + equals Rows 600
  + equals Columns 800
  coordinates 10,20,110,70
  ctpcoordinates 0,0,800,59
LABEL Either
  contains Modality US || contains Modality IVUS
  coordinates 0,0,10,10
LABEL Flag only
  contains SeriesDescription Dose
"""


def test_labels_with_coordinates_are_masks_and_others_are_listed():
    """`coordinates` name edges, `ctpcoordinates` a size."""
    recipe = read_deid(FILTER)

    first, second = recipe.masks
    assert first.rectangles == ((10, 20, 100, 50), (0, 0, 800, 59))
    assert ("Rows", "equals", "600") in first.conditions
    assert second.conditions == ()
    assert [(one.line, one.what) for one in recipe.missing] == [(12, "LABEL Flag only")]


def test_an_unknown_section_is_an_error_with_its_line():
    """It might have said what must go."""
    with pytest.raises(UnreadableRecipeError, match="line 2: %secrets"):
        read_deid("FORMAT dicom\n%secrets\n")
