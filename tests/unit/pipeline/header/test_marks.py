"""What an object says about its own de-identification."""

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from config.schema import Option
from pipeline.header.marks import product_version
from tests.factories.headers import minimal, scrubbed
from tests.factories.profiles import STRICT, with_options


def equipment(purpose, **attributes):
    """Return an item of Contributing Equipment."""
    code, item = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = purpose, "DCM", "some step"
    item.PurposeOfReferenceCodeSequence = Sequence([code])
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def test_our_step_is_written_as_contributing_equipment():
    """Purpose, maker and version (PS3.3 C.12.1.1.5); no site, no operator, no time."""
    (item,) = scrubbed(minimal(), STRICT).dataset.ContributingEquipmentSequence

    (purpose,) = item.PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109104", "DCM")
    assert purpose.CodeMeaning == "De-identifying Equipment"
    assert (item.Manufacturer, item.SoftwareVersions) == ("Sonoveil", product_version())
    assert set(item.dir()) == {"Manufacturer", "PurposeOfReferenceCodeSequence", "SoftwareVersions"}


def test_other_equipment_stays_and_an_earlier_step_of_this_kind_goes():
    """Whoever de-identified before cannot be vouched for; two passes leave one item."""
    scanner = equipment("109101", Manufacturer="ACME", InstitutionName="Vorzib Hospital")
    earlier = equipment("109104", Manufacturer="Vorzib Cleaner")

    once = scrubbed(minimal(ContributingEquipmentSequence=Sequence([scanner, earlier])), STRICT).dataset
    twice = scrubbed(once, STRICT).dataset

    for result in (once, twice):
        codes = [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in result.ContributingEquipmentSequence]
        assert codes == ["109101", "109104"]
    assert "Vorzib" not in str(once)


def test_every_option_of_a_profile_has_its_code():
    """PS3.16 CID 7050, the Basic Profile first."""
    profile = with_options(Option.RETAIN_UIDS, Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES)

    result = scrubbed(minimal(), profile).dataset

    codes = [code.CodeValue for code in result.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113102", "113110"]
    assert all(len(text) <= 64 for text in pydicom.multival.MultiValue(str, result.DeidentificationMethod))
