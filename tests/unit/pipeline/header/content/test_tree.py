"""Structured content: each item kept, removed, replaced or cleaned by its concept, and the tree stays one."""

import io
import warnings

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from config.schema import Option
from pipeline.header.identity import Identities
from pipeline.reasons import Held, Reason
from tests.factories.content import by_reference, code, item, report
from tests.factories.headers import IDENTITIES, scrubbed, written
from tests.factories.planted import planted_object
from tests.factories.profiles import CLEANING, STRICT, with_options
from tests.factories.search import find_planted

DATES = Option.RETAIN_LONGITUDINAL_FULL_DATES
SR = Option.CLEAN_STRUCTURED_CONTENT


def cleaned(*items, profile=CLEANING, **attributes):
    """Return the items that stay below the root."""
    result = scrubbed(report(*items, **attributes), profile).dataset
    return list(result.get("ContentSequence", ()))


def values(items, keyword):
    """Return one attribute of each item."""
    return [each.get(keyword) for each in items]


def test_names_in_a_report_are_replaced_and_stay_names():
    """Person Observer Name is D: the item is mandatory where it stands."""
    (observer,) = cleaned(item("PNAME", ("121008", "DCM"), "Vorzib^Quatyn"))

    assert str(observer.PersonName) == "ANONYMOUS"


def test_a_name_under_a_concept_that_nobody_knows_is_replaced_too():
    """By value type."""
    (person,) = cleaned(item("PNAME", ("4711", "99LOCAL"), "Vorzib^Quatyn"))

    assert str(person.PersonName) == "ANONYMOUS"


def test_items_that_the_table_removes_are_gone_with_all_below_them():
    """Accession Number is X whatever the options; what hangs on it goes as well."""
    below = item("TEXT", ("121071", "DCM"), "mass", relationship="HAS PROPERTIES")

    assert cleaned(item("TEXT", ("121022", "DCM"), "ACC 471199", children=[below])) == []


@pytest.mark.parametrize("value_type", ["NUM", "UIDREF", "CODE"])
def test_what_no_option_keeps_goes_under_other_value_types_too(value_type):
    """An accession number is one as a number, as a code and as a UID."""
    value = {"NUM": ("471199", "1"), "UIDREF": "1.2.3.4.5", "CODE": code("471199", "99X", "acc")}[value_type]

    assert cleaned(item(value_type, ("121022", "DCM"), value)) == []


def test_free_text_loses_the_patient_and_keeps_the_finding():
    """An item whose text must go wholly keeps a text, which is Type 1."""
    kept, emptied = cleaned(
        item("TEXT", ("121071", "DCM"), "mass in the liver"),
        item("TEXT", ("121071", "DCM"), "Quatynvor"),
        PatientName="Quatynvor^Lek",
    )

    assert kept.TextValue == "mass in the liver"
    assert emptied.TextValue == "ANONYMIZED"


def test_text_that_the_table_knows_goes_unless_descriptors_are_cleaned():
    """Comment is X, Finding X/D, and C only under Clean Descriptors; a concept of nobody's table is like Finding."""
    items = cleaned(
        item("TEXT", ("121106", "DCM"), "comment"),
        item("TEXT", ("121071", "DCM"), "finding"),
        item("TEXT", ("4711", "99LOCAL"), "vendor text"),
        profile=with_options(SR),
    )

    assert values(items, "TextValue") == ["ANONYMIZED", "ANONYMIZED"]


def test_dates_of_items_are_shifted_like_all_dates_of_the_patient():
    """The same days as in the header; a time stays; a partial date goes with its item."""
    items = cleaned(
        item("DATE", ("111060", "DCM"), "20230417"),
        item("TIME", ("111061", "DCM"), "101530"),
        item("DATETIME", ("4711", "99LOCAL"), "20230417101530"),
        item("DATETIME", ("4711", "99LOCAL"), "2023"),
        StudyDate="20230417",
    )
    shifted = scrubbed(report(StudyDate="20230417"), CLEANING).dataset.StudyDate

    assert items[0].Date == shifted != "20230417"
    assert items[1].Time == "101530"
    assert items[2].DateTime == f"{shifted}101530"
    assert len(items) == 3


def test_dates_of_items_go_or_are_dummies_without_an_option_and_stay_with_the_other():
    """Study Date is X/D, Acquisition Date is X, Subject Birth Date is never kept."""
    dates = [item("DATE", (number, "DCM"), "20230417") for number in ("111060", "126201", "121031")]

    assert values(cleaned(*dates, profile=with_options(SR)), "Date") == ["19000101"]
    assert values(cleaned(*dates, profile=with_options(SR, DATES)), "Date") == ["20230417", "20230417"]


def test_references_of_items_are_mapped_like_every_uid():
    """A UID item, an image, and the image's frame of reference."""
    uid_item, image = cleaned(
        item("UIDREF", ("112040", "DCM"), "1.2.3.77"), item("IMAGE", ("121112", "DCM"), "1.2.3.78")
    )

    assert IDENTITIES.public_uid("1.2.3.77") == uid_item.UID
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == IDENTITIES.public_uid("1.2.3.78")


def test_uids_of_items_stay_where_uids_are_retained():
    """And are then no identifiers."""
    result = scrubbed(report(item("UIDREF", ("112040", "DCM"), "1.2.3.77")), with_options(SR, Option.RETAIN_UIDS))

    assert result.dataset.ContentSequence[0].UID == "1.2.3.77"
    assert result.identifiers.in_dataset(result.dataset) == ()


def test_numbers_and_codes_stay():
    """Measurements are what a report is kept for."""
    number, finding = cleaned(
        item("NUM", ("410668003", "SCT"), ("12.5", "mm")),
        item("CODE", ("121071", "DCM"), code("4147007", "SCT", "Mass")),
    )

    assert number.MeasuredValueSequence[0].NumericValue == 12.5
    assert number.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert finding.ConceptCodeSequence[0].CodeValue == "4147007"


@pytest.mark.parametrize(
    ("age", "unit", "expected"),
    [
        ("89", "a", 89),
        ("90", "a", 90),
        ("101", "a", 90),
        ("1200", "mo", 1080),
        ("90", "mo", 90),
        ("200", "lustrum", 90),
    ],
)
@pytest.mark.parametrize("concept", [("121033", "DCM"), ("397669002", "SCT"), ("424144002", "SCT")])
def test_ages_over_89_become_90_in_reports_too(concept, age, unit, expected):
    """In years, in months, and where nobody knows the unit."""
    (kept,) = cleaned(item("NUM", concept, (age, unit)))

    assert kept.MeasuredValueSequence[0].NumericValue == expected


def test_a_floating_point_age_says_no_more_than_the_other():
    """The same number stands in up to three attributes."""
    age = item("NUM", ("121033", "DCM"), ("94", "a"))
    age.MeasuredValueSequence[0].FloatingPointValue = 94.3

    (kept,) = cleaned(age)

    assert "FloatingPointValue" not in kept.MeasuredValueSequence[0]


def test_age_and_sex_go_without_the_option_that_keeps_them():
    """Retain Patient Characteristics decides."""
    items = [
        item("NUM", ("424144002", "SCT"), ("54", "a")),
        item("CODE", ("121032", "DCM"), code("F", "DCM", "Female")),
    ]

    assert cleaned(*items, profile=with_options(SR)) == []
    assert len(cleaned(*items)) == 2


def test_the_subject_id_is_the_pseudonym_where_it_is_this_patients():
    """Another one is replaced by a text that says nothing."""
    mine, others = cleaned(item("TEXT", ("121030", "DCM"), "4711"), item("TEXT", ("121030", "DCM"), "4712"))

    assert mine.TextValue.startswith("SV-")
    assert others.TextValue == "ANONYMIZED"


def test_devices_and_institutions_stay_only_with_their_options():
    """Device Observer Serial Number, Person Observer's Organization Name."""
    items = [item("TEXT", ("121016", "DCM"), "SN 4711"), item("TEXT", ("121009", "DCM"), "Clinic")]

    assert cleaned(*items) == []
    kept = cleaned(*items, profile=with_options(SR, Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_INSTITUTION_IDENTITY))
    assert values(kept, "TextValue") == ["SN 4711", "Clinic"]


@pytest.mark.parametrize("scheme", ["SRT", "SNM3", "99SDM"])
def test_older_codes_of_a_concept_are_known(scheme):
    """Social History is X as 160476009 of SNOMED CT and as F-02455 before."""
    assert cleaned(item("TEXT", ("F-02455", scheme), "smoker"), profile=with_options(SR)) == []


def test_references_within_the_tree_follow_what_was_removed():
    """The target moves up by one where the item before it goes; one whose target is gone goes itself."""
    first = item("TEXT", ("121022", "DCM"), "ACC")
    image = item("IMAGE", ("121112", "DCM"), "1.2.3.78")
    pointing = item("SCOORD", ("111030", "DCM"), children=[by_reference(1, 2)], GraphicType="POINT")
    pointing.GraphicData = [1.0, 2.0]
    dangling = item(
        "NUM", ("410668003", "SCT"), ("1", "mm"), children=[by_reference(1, 1, relationship="INFERRED FROM")]
    )

    kept_image, kept_pointing, kept_number = cleaned(first, image, pointing, dangling)

    assert kept_image.ValueType == "IMAGE"
    assert kept_pointing.ContentSequence[0].ReferencedContentItemIdentifier == [1, 1]
    assert kept_pointing.GraphicData == [1.0, 2.0]
    assert "ContentSequence" not in kept_number


def test_coordinates_keep_the_image_that_they_lie_in():
    """Best illustration of finding is X, but not where a SCOORD is selected from it."""
    illustration = item("IMAGE", ("121080", "DCM"), "1.2.3.78", relationship="SELECTED FROM")
    scoord = item("SCOORD", ("111030", "DCM"), children=[illustration], GraphicType="POINT")
    scoord.GraphicData = [1.0, 2.0]

    kept, *others = cleaned(scoord, item("IMAGE", ("121080", "DCM"), "1.2.3.78"))

    assert kept.ContentSequence[0].ValueType == "IMAGE"
    assert others == []


def test_a_value_that_does_not_belong_to_the_value_type_is_gone():
    """A name beside a number, a text beside a code."""
    number = item("NUM", ("410668003", "SCT"), ("1", "mm"), TextValue="Vorzib", PersonName="Vorzib")
    finding = item("CODE", ("121071", "DCM"), code("4147007", "SCT", "Mass"), TextValue="Vorzib", Date="20200101")

    for kept in cleaned(number, finding):
        assert {"TextValue", "PersonName", "Date"}.isdisjoint(kept.dir())


def test_an_item_of_no_known_value_type_goes():
    """Nobody knows what it says."""
    assert cleaned(item("PARAGRAPH", ("121071", "DCM"), TextValue="Vorzib")) == []


def test_text_of_any_script_is_written_as_it_should():
    """A cleaned text that is not ASCII makes the object Unicode."""
    result = scrubbed(report(item("TEXT", ("121071", "DCM"), "größer")), CLEANING).dataset

    assert result.SpecificCharacterSet == "ISO_IR 192"
    assert pydicom.dcmread(io.BytesIO(written(result))).ContentSequence[0].TextValue == "größer"


def test_text_in_the_sources_character_set_is_understood():
    """Latin-1 in a file, names and text below the root included."""
    finding = item("TEXT", ("121071", "DCM"), "größer als Müllers")
    source = report(finding, SpecificCharacterSet="ISO_IR 100", PatientName="Müllers^Änne")
    source.ContentSequence[0].ContentSequence = [item("PNAME", ("121008", "DCM"), "Änne^Ö")]
    raw = written(source)
    assert "größer".encode("latin-1") in raw

    result = scrubbed(pydicom.dcmread(io.BytesIO(raw)), CLEANING).dataset

    again = pydicom.dcmread(io.BytesIO(written(result)))
    assert "größer" in again.ContentSequence[0].TextValue
    assert find_planted(written(result), ["Müllers", "Änne"]) == []


@pytest.mark.parametrize(
    ("resource", "template", "stays"), [("DCMR", "1500", True), ("DCMR", "4711471", False), ("99LOCAL", "1500", False)]
)
def test_the_template_of_a_report_stays_where_it_is_the_standards(resource, template, stays):
    """Its identifier is required in its sequence, so that another's goes with it."""
    source = report(item("NUM", ("410668003", "SCT"), ("1", "mm")))
    named = Dataset()
    named.MappingResource, named.TemplateIdentifier = resource, template
    source.ContentTemplateSequence = [named]

    result = scrubbed(source, CLEANING).dataset

    assert ("ContentTemplateSequence" in result) is stays
    if stays:
        assert result.ContentTemplateSequence[0].TemplateIdentifier == template


def test_cells_of_a_table_are_judged_one_by_one():
    """Names and dates in cells are dummies or shifted, numbers stay."""
    cells = []
    for vr, keyword, value in (("PN", "SelectorPNValue", "Vorzib^Q"), ("DS", "SelectorDSValue", "1.5")):
        cell = item("TABLE")
        cell.clear()
        cell.TableRowNumber = cell.TableColumnNumber = 1
        cell.SelectorAttributeVR = vr
        setattr(cell, keyword, value)
        cells.append(cell)
    tabulated = item("TABLE")
    tabulated.clear()
    tabulated.NumberOfTableRows = tabulated.NumberOfTableColumns = 1
    tabulated.CellValuesSequence = cells

    (table,) = cleaned(item("TABLE", ("121071", "DCM"), TabulatedValuesSequence=[tabulated]))

    name, number = table.TabulatedValuesSequence[0].CellValuesSequence
    assert str(name.SelectorPNValue) == "ANONYMOUS"
    assert number.SelectorDSValue == 1.5


def test_acquisition_context_and_specimens_get_the_same_treatment():
    """The macro is the same; without the option the sequences are emptied."""
    context = item("TEXT", ("121106", "DCM"), "Vorzib")
    del context.RelationshipType
    preparation = item("TEXT")
    preparation.clear()
    preparation.SpecimenPreparationStepContentItemSequence = [item("PNAME", ("121008", "DCM"), "Vorzib^Q")]
    image = report(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", PatientName="Vorzib^Quatyn")
    del image.ContentSequence
    image.AcquisitionContextSequence = [context]
    image.SpecimenPreparationSequence = [preparation]

    kept = scrubbed(image, CLEANING).dataset

    assert kept.AcquisitionContextSequence[0].TextValue == "ANONYMIZED"
    step = kept.SpecimenPreparationSequence[0].SpecimenPreparationStepContentItemSequence[0]
    assert str(step.PersonName) == "ANONYMOUS"
    assert len(scrubbed(image, STRICT).dataset.AcquisitionContextSequence) == 0


def test_observers_at_the_root_are_dummies_or_gone():
    """Verifying Observer is D, Author Observer, Participant and Custodial Organization are X."""
    person = report().ConceptNameCodeSequence[0]
    person.clear()
    person.VerifyingObserverName, person.VerifyingOrganization = "Vorzib^Q", "Zibmur"
    person.VerificationDateTime = "20230417101530"
    person.VerifyingObserverIdentificationCodeSequence = [code("4711", "99LOCAL", "Vorzib")]
    root = report(item("TEXT", ("121071", "DCM"), "mass"))
    root.VerifyingObserverSequence = [person]
    root.AuthorObserverSequence = root.ParticipantSequence = root.CustodialOrganizationSequence = [person]

    result = scrubbed(root, with_options(SR)).dataset

    (verifying,) = result.VerifyingObserverSequence
    assert str(verifying.VerifyingObserverName) == "ANONYMOUS"
    assert verifying.VerificationDateTime == "19000101000000"
    assert len(verifying.VerifyingObserverIdentificationCodeSequence) == 0
    assert {"AuthorObserverSequence", "ParticipantSequence", "CustodialOrganizationSequence"}.isdisjoint(result.dir())


def test_nesting_without_end_is_refused_before_it_ends_the_process():
    """As for every other sequence."""
    deepest = item("CONTAINER", ("121071", "DCM"))
    for _ in range(60):
        deepest = item("CONTAINER", ("121071", "DCM"), children=[deepest])

    with pytest.raises(Held) as held:
        scrubbed(report(deepest), CLEANING)

    assert held.value.reason is Reason.RESOURCE_LIMIT


@pytest.mark.parametrize("kind", ["SR", "KOS"])
def test_nothing_planted_in_a_report_comes_out(kind):
    """Searched for as bytes."""
    planted = planted_object(kind, seed=5)

    result = scrubbed(planted.dataset, with_options(SR))

    assert find_planted(written(result.dataset), planted.planted) == []


def test_a_real_report_keeps_its_measurements_and_loses_nothing_else():
    """DCMTK's example: as many items as before, and every text that is nobody's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = pydicom.dcmread(get_testdata_file("test-SR.dcm"))
        source.PatientID = "4711"
        before = [each.ValueType for each in source.ContentSequence]

        result = scrubbed(source, CLEANING, identities=Identities(bytes(32), "p")).dataset

    assert [each.ValueType for each in result.ContentSequence] == before
