"""Coded entries leave with the scheme's own words, or with words that were cleaned; never with somebody's."""

import io
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes as pydicom_codes

from config.schema import Option, Profile, TagRule
from pipeline.header.schemes import PUBLIC_SCHEMES, is_loinc, is_snomed_concept, standard_concept
from pipeline.header.units import is_unit
from tests.factories.headers import minimal, reread, scrubbed, written
from tests.factories.planted import find_planted
from tests.factories.profiles import STRICT, with_options

NAME = "Vorzibmurlek"


def code(value=None, scheme=None, meaning=None, **attributes):
    """Return a coded entry with these parts."""
    item = Dataset()
    for keyword, text in (("CodeValue", value), ("CodingSchemeDesignator", scheme), ("CodeMeaning", meaning)):
        if text is not None:
            setattr(item, keyword, text)
    for keyword, text in attributes.items():
        setattr(item, keyword, text)
    return item


def coded(*items, patient=f"{NAME}^Jo", profile=STRICT):
    """Return what becomes of coded entries, read from a file on both sides."""
    source = minimal(PatientName=patient, ViewCodeSequence=Sequence(items))
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    source.SpecificCharacterSet = "ISO_IR 192"
    result = scrubbed(reread(source), profile).dataset
    return pydicom.dcmread(io.BytesIO(written(result))).ViewCodeSequence


def parts(item):
    """Return value, scheme and meaning."""
    return item.get("CodeValue"), item.get("CodingSchemeDesignator"), item.get("CodeMeaning")


@pytest.mark.parametrize(
    ("value", "scheme", "meaning"),
    [
        ("113100", "DCM", "Basic Application Confidentiality Profile"),
        ("80891009", "SCT", "Heart"),
        ("80891009", "SCT", "heart structure  (body structure)"),
        ("T-04000", "SRT", "Breast"),
        ("T-04000", "SNM3", "BREAST"),
        ("mm", "UCUM", "mm"),
        ("cm/s", "UCUM", "centimeter/second"),
        ("11951-1", "LN", "Fetus ID"),
    ],
)
def test_a_code_of_the_standard_stays_as_it_is(value, scheme, meaning):
    """Case, blanks and punctuation of its meaning do not matter."""
    assert parts(coded(code(value, scheme, meaning))[0]) == (value, scheme, meaning)


@pytest.mark.parametrize("meaning", [NAME, "Herz", "heart of Mrs Quatyn", "Heart\x1b", ""])
def test_another_meaning_becomes_the_standards_own(meaning):
    """Text beside a known code is nobody's message."""
    assert parts(coded(code("80891009", "SCT", meaning))[0]) == ("80891009", "SCT", "Heart")


@pytest.mark.parametrize("attribute", ["LongCodeValue", "URNCodeValue"])
def test_what_stands_in_a_second_code_value_goes(attribute):
    """A known code does not vouch for its neighbours."""
    entry = coded(code("80891009", "SCT", "Heart", **{attribute: f"urn:{NAME}"}))[0]

    assert attribute not in entry
    assert parts(entry) == ("80891009", "SCT", "Heart")


def test_a_code_that_the_tables_do_not_list_keeps_its_value_and_loses_names():
    """SNOMED CT has a third of a million concepts; PS3.16 names eleven thousand of them."""
    entry = coded(code("10200004", "SCT", "Liver"), code("181268008", "SCT", f"for {NAME}"))

    assert parts(entry[0])[:2] == ("10200004", "SCT")
    assert parts(entry[1])[:2] == ("181268008", "SCT")
    assert NAME not in entry[1].CodeMeaning
    assert entry[1].CodeMeaning != ""


@pytest.mark.parametrize(
    ("value", "scheme"),
    [
        ("471104711", "SCT"),
        (NAME, "SCT"),
        (NAME, "DCM"),
        ("4711-A", "LN"),
        (NAME, "UCUM"),
        (f"{{{NAME}}}", "UCUM"),
        (f"mm{{{NAME}}}", "UCUM"),
        (f"T-{NAME}", "SRT"),
        ("987654321", "99LOCAL"),
        (NAME.upper(), "99LOCAL"),
        ("98-76-54321", "L"),
        (NAME, None),
    ],
)
def test_a_value_that_is_no_code_of_its_scheme_goes(value, scheme):
    """A number that claims to be a code may be the patient's."""
    assert parts(coded(code(value, scheme, "Chest"))[0]) == ("ANONYMIZED", "99SONOVEIL", "Chest")


@pytest.mark.parametrize("value", ["CT1", "12", "4712"])
def test_a_short_local_code_stays(value):
    """Procedures and views have codes of their own in every hospital."""
    assert parts(coded(code(value, "99GEMS", "Chest"), patient="Jo")[0])[1:] == ("99GEMS", "Chest")


def test_a_local_code_that_is_the_patients_number_goes():
    """However short it is."""
    entry = coded(code("A4711-77", "99GEMS", "Chest"), profile=STRICT, patient="A4711-77")[0]

    assert parts(entry) == ("ANONYMIZED", "99SONOVEIL", "Chest")


@pytest.mark.parametrize("scheme", [f"99{NAME[:14].upper()}", NAME, "HOSPITAL VORZIB", f"99 {NAME[:8]}"])
def test_a_scheme_that_names_somebody_becomes_a_local_one(scheme):
    """The designator is a free text of 16 characters."""
    assert parts(coded(code("CT1", scheme, "Chest"))[0]) == ("CT1", "99LOCAL", "Chest")


def test_a_meaning_of_which_nothing_is_left_is_not_empty():
    """Code Meaning is Type 1."""
    entry = coded(code("CT1", "99LOCAL", NAME))[0]

    assert entry.CodeMeaning not in ("", None)
    assert NAME not in entry.CodeMeaning


def test_text_around_a_code_goes():
    """Versions, context groups, mapping resources: only what has their shape."""
    names = dict.fromkeys(
        ("CodingSchemeVersion", "MappingResource", "ContextIdentifier", "MappingResourceName"), NAME.upper()
    )
    good = {"CodingSchemeVersion": "20020904", "MappingResource": "DCMR", "ContextIdentifier": "4030"}

    entry = coded(
        code("80891009", "SCT", "Heart", **names, ContextGroupVersion="20250101"),
        code("80891009", "SCT", "Heart", **good, ContextGroupVersion="20250101"),
    )

    assert find_planted(written(wrapped(entry)), [NAME]) == []
    parts_left = {element.keyword for element in entry[0]} - {"ContextGroupVersion"}  # a date, and treated as one
    assert parts_left == {"CodeValue", "CodingSchemeDesignator", "CodeMeaning"}
    assert (entry[1].CodingSchemeVersion, entry[1].ContextIdentifier) == ("20020904", "4030")


def wrapped(sequence):
    """Return a data set that can be written around items."""
    return minimal(ViewCodeSequence=Sequence(sequence))


def test_a_birth_date_is_no_version():
    """Eight digits that are the patient's."""
    source = minimal(PatientBirthDate="19560304")
    source.ViewCodeSequence = Sequence(
        [code("80891009", "SCT", "Heart", CodingSchemeVersion="19560304", MappingResource="DCMR")]
    )
    source.ViewCodeSequence[0].ContextIdentifier, source.ViewCodeSequence[0].ContextGroupVersion = "1", "19560304"

    assert find_planted(written(scrubbed(source).dataset), ["19560304"]) == []


@pytest.mark.parametrize(
    ("urn", "stays"),
    [
        ("http://snomed.info/id/80891009", True),
        ("http://loinc.org/11951-1", True),
        ("http://snomed.info/id/80891008", False),
        (f"urn:oid:{NAME}", False),
        (f"http://{NAME}.example/1", False),
    ],
)
def test_a_urn_stays_where_it_names_a_code(urn, stays):
    """URN Code Value may be any URL."""
    item = Dataset()
    item.URNCodeValue, item.CodeMeaning, item.CodingSchemeDesignator = urn, "Heart", NAME

    entry = coded(item)[0]

    assert entry.get("URNCodeValue") == (urn if stays else None)
    assert parts(entry)[1] in (None, "99SONOVEIL")
    assert find_planted(written(wrapped([entry])), [NAME]) == []


def test_what_is_said_about_a_private_scheme_goes():
    """Coding Scheme Identification: the hospital that made it."""
    private, public = Dataset(), Dataset()
    private.CodingSchemeDesignator, public.CodingSchemeDesignator = f"99{NAME[:10]}", "SCT"
    private.CodingSchemeName = private.CodingSchemeResponsibleOrganization = f"{NAME} Hospital"
    private.CodingSchemeUID, public.CodingSchemeUID = "1.2.3.4711", "2.16.840.1.113883.6.96"
    public.CodingSchemeName = "SNOMED CT"
    source = minimal(CodingSchemeIdentificationSequence=Sequence([private, public]), PatientName=NAME)

    result = scrubbed(source).dataset

    assert find_planted(written(result), [NAME, NAME[:10]]) == []
    assert result.CodingSchemeIdentificationSequence[1].CodingSchemeDesignator == "SCT"
    assert "CodingSchemeName" not in result.CodingSchemeIdentificationSequence[0]


def test_codes_are_judged_at_any_depth_and_outside_sequences():
    """Modifiers of modifiers, equivalent codes, and a meaning that stands alone at the top."""
    deepest = code("80891009", "SCT", NAME)
    middle = code("CT1", "99LOCAL", "Chest", EquivalentCodeSequence=Sequence([deepest]))
    source = minimal(AnatomicRegionSequence=Sequence([code("80891009", "SCT", "Heart")]), CodeMeaning=NAME)
    source.PatientName = NAME
    source.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = Sequence([middle])

    result = scrubbed(source).dataset

    assert find_planted(written(result), [NAME]) == []
    inner = result.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].EquivalentCodeSequence[0]
    assert parts(inner) == ("80891009", "SCT", "Heart")


def test_a_standard_meaning_that_holds_the_patients_name_does_not_hold_the_object():
    """A patient called like an eponym: the code says the same to those who look it up, the bytes name nobody."""
    value, meaning = "86299006", "Tetralogy of Fallot"

    assert parts(coded(code(value, "SCT", meaning))[0]) == (value, "SCT", meaning)

    entry = coded(code(value, "SCT", meaning), patient="Fallot^Jo")[0]
    assert parts(entry)[:2] == (value, "SCT")
    assert find_planted(written(wrapped([entry])), ["Fallot"]) == []


def test_a_rule_of_the_profile_is_the_stewards_decision():
    """Nothing overrules it."""
    profile = Profile(name="own", rules=(TagRule(tag="00080104", action="replace", value="Region"),))

    assert coded(code("80891009", "SCT", "Heart"), profile=profile)[0].CodeMeaning == "Region"


def test_scrubbing_a_code_twice_is_scrubbing_it_once():
    """Whatever became of it."""
    items = [
        code("80891009", "SCT", NAME),
        code(NAME, "99LOCAL", NAME),
        code("CT1", NAME, "Chest"),
        code("181268008", "SCT", "Somewhere"),
        code("{x}", "UCUM", "x"),
    ]
    once = coded(*items)

    assert coded(*once) == once


def test_an_institution_that_the_profile_keeps_keeps_its_code():
    """Retain Institution Identity is about exactly that."""
    source = minimal(InstitutionCodeSequence=Sequence([code("987654", "99VORKUTA", "Vorkuta Clinic")]))

    kept = scrubbed(source, with_options(Option.RETAIN_INSTITUTION_IDENTITY)).dataset
    removed = scrubbed(source, STRICT).dataset

    assert parts(kept.InstitutionCodeSequence[0]) == ("987654", "99VORKUTA", "Vorkuta Clinic")
    assert find_planted(written(removed), ["987654", "Vorkuta"]) == []


def test_the_tables_agree_with_pydicoms():
    """What was generated is what pydicom says, every code of two schemes."""
    for scheme in ("DCM", "SCT"):
        for concept in getattr(pydicom_codes, scheme).concepts.values():
            known = standard_concept(scheme, concept.value)
            assert known is not None
            assert len(known.meaning) <= 64
    assert pydicom_codes.SCT.Heart.value == "80891009"


def test_codes_are_looked_up_without_pydicoms_tables():
    """They take 100 MB of memory in every worker."""
    program = (
        "import sys; from pipeline.header.schemes import standard_concept; "
        "assert standard_concept('SCT', '80891009'); assert 'pydicom.sr._concepts_dict' not in sys.modules"
    )
    root = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)


def test_check_digits_tell_numbers_from_codes():
    """One of a hundred random numbers passes for a SNOMED CT concept, one of ten for a LOINC code, and no more."""
    assert sum(is_snomed_concept(str(number)) for number in range(471_100_000, 471_110_000)) == 20
    assert sum(is_loinc(f"4711{number // 10}-{number % 10}") for number in range(100, 1000)) == 90
    assert (is_snomed_concept("80891009"), is_snomed_concept("80891019")) == (True, False)
    assert (is_loinc("11951-1"), is_loinc("11951-2")) == (True, False)


@pytest.mark.parametrize(
    "unit", ["mm", "cm/s", "g/ml{SUVbw}", "ml/min/{1.73_m2}", "10*3/ul", "[in_i]", "kg/m2", "m/s2"]
)
def test_units_of_ucum_are_recognised(unit):
    """Prefixes, atoms, exponents, annotations that are known."""
    assert is_unit(unit)


@pytest.mark.parametrize(
    "word", ["Vorzib", "{Vorzib}", "mm{Vorzib}", "Smith", "1/Miller", "m.Jones", "", "[Vorzib]", "4711471"]
)
def test_words_are_no_units(word):
    """Whatever their letters are."""
    assert not is_unit(word)


def test_every_shape_refuses_a_name_of_twelve_letters_and_a_number_of_nine_digits():
    """No public scheme is a hiding place."""
    for scheme, has_shape in PUBLIC_SCHEMES.items():
        assert not has_shape(NAME), scheme
        assert not has_shape(NAME.upper()), scheme
        assert not has_shape("471147114"), scheme
