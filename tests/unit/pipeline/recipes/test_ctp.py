"""CTP's scripts: what each function means, what is refused, and where the lines are."""

import pytest

from pipeline.recipes.ctp import read_properties, read_xml
from pipeline.recipes.ctp_functions import meaning
from pipeline.recipes.ctp_pixels import read_pixels
from pipeline.recipes.wishes import Intent, UnreadableRecipeError

PARAMETERS = {"SITE": "77", "DAYS": "-90"}

FUNCTIONS = {
    "": (Intent.REMOVE, ""),
    "@keep()": (Intent.KEEP, ""),
    " @keep( ) ": (Intent.KEEP, ""),
    "@remove()": (Intent.REMOVE, ""),
    "@empty()": (Intent.EMPTY, ""),
    "@blank(8)": (Intent.EMPTY, ""),
    "@require()": (Intent.KEEP, ""),
    "@process()": (Intent.INSIDE, ""),
    "@hash(this,8)": (Intent.PSEUDONYM, ""),
    "@hashname(this,6,2)": (Intent.PSEUDONYM, ""),
    "@hashptid(@SITE,this,9)": (Intent.PSEUDONYM, ""),
    "@hashuid(1.2.3,this)": (Intent.MAP_UID, ""),
    "@hashuid(1.2.3,Thing)": (Intent.MAP_UID, ""),
    "@incrementdate(this,@DAYS)": (Intent.SHIFT, ""),
    "@hashdate(this,PatientID)": (Intent.SHIFT, ""),
    "plain words": (Intent.REPLACE, "plain words"),
    "@param(@SITE)": (Intent.REPLACE, "77"),
    "site @param(@SITE)": (Intent.REPLACE, "site 77"),
    "@always()YES": (Intent.REPLACE, "YES"),
    "X-@hash(this,9)": (Intent.PSEUDONYM, "X-"),
    "@param(@SITE)@hash(this,9)": (Intent.PSEUDONYM, "77"),
    "@select(){@empty()}{@empty()}": (Intent.EMPTY, ""),
    "@select(){@keep()}{@remove()}": (Intent.UNKNOWN, ""),
    "@param(@NOBODY)": (Intent.UNKNOWN, ""),
    "@hash(OtherThing,8)": (Intent.UNKNOWN, ""),
    "@incrementdate(OtherDate,4)": (Intent.UNKNOWN, ""),
    '@if(Modality,equals,"US"){@remove()}{@keep()}': (Intent.UNKNOWN, ""),
    "@contents(StudyID)": (Intent.UNKNOWN, ""),
    "@lookup(this,ptid)": (Intent.UNKNOWN, ""),
    "@initials(this)": (Intent.UNKNOWN, ""),
    "@date()": (Intent.UNKNOWN, ""),
    "@time()": (Intent.UNKNOWN, ""),
    "@round(this,5)": (Intent.UNKNOWN, ""),
    "@modifydate(this,*,1,1)": (Intent.UNKNOWN, ""),
    "@truncate(this,4)": (Intent.UNKNOWN, ""),
    "@append(){more}": (Intent.UNKNOWN, ""),
    '@require(StudyID,"x")': (Intent.UNKNOWN, ""),
    '@encrypt(this,"k")': (Intent.UNKNOWN, ""),
    "@call(plugin,this)": (Intent.UNKNOWN, ""),
    "@quarantine()": (Intent.UNKNOWN, ""),
    "@skip()": (Intent.UNKNOWN, ""),
    "@nonsense(1)": (Intent.UNKNOWN, ""),
    "@keep()@remove()": (Intent.UNKNOWN, ""),
    "@keep() and words": (Intent.UNKNOWN, ""),
    "@hash(this": (Intent.PSEUDONYM, ""),
}


@pytest.mark.parametrize("script", FUNCTIONS)
def test_a_value_script_means(script):
    """Every function of the language, and what is not understood whole."""
    found = meaning(script, "Thing", PARAMETERS)

    assert (found.intent, found.value) == FUNCTIONS[script]
    assert bool(found.why) == bool(found.instead) == (found.intent is Intent.UNKNOWN)


SCRIPT = """<?xml version="1.0"?>
<script>
 <p t="SITE">77</p>
 <e en="T" t="00080050" n="AccessionNumber">@empty()</e>
 <e en="F" t="00100040" n="PatientSex">@remove()</e>
 <e en="T" t="0008103e" n="SeriesDescription">&lt;@param(@SITE)&gt;</e>
 <k en="T" t="0018">Keep group 18</k>
 <k en="F" t="0020">Keep group 20</k>
 <r en="T" t="curves">Remove curves</r>
 <r en="T" t="unspecifiedelements">Remove unchecked elements</r>
</script>
"""
PROPERTIES = """param.SITE=77
set.[0008,0050]AccessionNumber=@empty()
#set.[0010,0040]PatientSex=@remove()
set.[0008,103e]SeriesDescription=<@param(@SITE)>
keep.group18=
#keep.group20=
remove.curves=
remove.unspecifiedelements=
"""


@pytest.mark.parametrize(("read", "text", "first"), [(read_xml, SCRIPT, 4), (read_properties, PROPERTIES, 2)])
def test_both_forms_of_a_script_say_the_same(read, text, first):
    """Switched-off lines ask for nothing; groups and the rest are listed with their lines."""
    recipe = read(text)

    wishes = [(wish.line, wish.tag, wish.intent, wish.value) for wish in recipe.wishes]
    assert wishes == [
        (first, 0x00080050, Intent.EMPTY, ""),
        (first + 2, 0x0008103E, Intent.REPLACE, "<77>"),
    ]
    assert [(one.line, "group" in one.why or "does not name" in one.why) for one in recipe.missing] == [
        (first + 3, True),
        (first + 6, True),
    ]


def test_the_last_line_of_an_attribute_counts():
    """As in the tool, where a line replaces an earlier one."""
    line = '<e en="T" t="00080050" n="A">{}</e>'
    recipe = read_xml(f"<script>{line.format('@keep()')}{line.format('@remove()')}</script>")

    assert [wish.intent for wish in recipe.wishes] == [Intent.REMOVE]


HOSTILE = {
    "an external entity": '<!DOCTYPE script [<!ENTITY x SYSTEM "file:///etc/x">]><script><p t="A">&x;</p></script>',
    "entities that grow": '<!DOCTYPE script [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><script><p t="A">&b;</p></script>',
    "a document type alone": '<!DOCTYPE script SYSTEM "http://192.0.2.1/x.dtd"><script/>',
    "no end": "<script><p>",
    "another root": "<html/>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_xml_that_could_fetch_or_expand_is_refused(text):
    """Before anything is read from elsewhere."""
    with pytest.raises(UnreadableRecipeError):
        read_xml(text)


PIXELS = """Library of regions
  { [0008,1090].containsIgnoreCase("iX9") * [0028,0010].equals("600") * [0028,0011].equals("800") }
  (0,0,800,59) (-100,10,100,20)

 another
  { Modality.equals("US") + Manufacturer.contains("ACME") }
  (0,0,10,10)
"""


def test_pixel_rules_are_read_with_their_conditions():
    """Alternatives are not understood, and say so by having no condition."""
    first, second = read_pixels(PIXELS).masks

    assert (first.line, second.line) == (2, 6)
    assert first.conditions == (
        ("ManufacturerModelName", "contains", "iX9"),
        ("Rows", "equals", "600"),
        ("Columns", "equals", "800"),
    )
    assert first.rectangles == ((0, 0, 800, 59), (-100, 10, 100, 20))
    assert second.conditions == ()
