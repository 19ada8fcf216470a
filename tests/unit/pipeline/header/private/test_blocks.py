"""Safe private attributes of whole objects: what stays, exactly, and what never does."""

import io

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from pipeline.header.private.safe import PrivateAction, PrivateKey, safe_attributes
from tests.factories.headers import IDENTITIES, minimal, scrubbed, written
from tests.factories.private import (
    NUMBERS,
    PHILIPS,
    PHILIPS_MR,
    SAFE,
    SC2000,
    SIEMENS_MR,
    add_private,
    all_numbers,
    extra,
    item,
    private_of,
    rows,
    sequence,
    with_private,
)
from tests.factories.profiles import RESEARCH
from tests.factories.search import find_planted

ENCODINGS = {
    "explicit": {"implicit_vr": False, "little_endian": True},
    "implicit": {"implicit_vr": True, "little_endian": True},
    "big": {"implicit_vr": False, "little_endian": False},
}
SYNTAXES = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "big": "1.2.840.10008.1.2.2",
}
NAME = "QUAVORZIBLEK"
NUMBER = "483920175"


def sent(dataset, encoding):
    """Return a data set as it comes from a file of this encoding."""
    source = Dataset(dataset)
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = SYNTAXES[encoding]
    source.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    source.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, source, enforce_file_format=True, **ENCODINGS[encoding])
    buffer.seek(0)
    return pydicom.dcmread(buffer)


def kept(source, profile=SAFE):
    """Return the private elements of the root that stay."""
    return private_of(scrubbed(source, profile).dataset)


def patient(*elements):
    """Return an object of a patient whose name and ID are planted, with private elements."""
    return with_private(*elements, dataset=minimal(PatientName=f"{NAME}^ANNA", PatientID=NUMBER))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_number_of_the_table_survives_exactly(encoding):
    """All that are numbers, in one object, from any encoding."""
    source = all_numbers()

    assert kept(sent(source, encoding)) == private_of(source)


def test_what_readers_of_implicit_vr_would_fail_at_goes():
    """The standard has DS, pydicom's dictionary FD: four characters are no FD."""
    source = with_private((0x01F1, "ELSCINT1", 0x26, "DS", "0.1"), (0x01F1, "ELSCINT1", 0x07, "DS", "0.1"))

    assert len(kept(sent(source, "explicit"))) == 2
    assert list(kept(sent(source, "implicit"))) == [(0x01F1, "ELSCINT1", 0x07)]


@pytest.mark.parametrize("encoding", ["explicit", "implicit"])
def test_the_result_passes_our_own_second_look(encoding):
    """Every element of what was written can be decoded again, and holds no identifier."""
    result = scrubbed(sent(all_numbers(), encoding), SAFE)

    again = pydicom.dcmread(io.BytesIO(written(result.dataset, SYNTAXES[encoding])))

    assert result.identifiers.in_dataset(again) == ()


@pytest.mark.parametrize("output", ["explicit", "implicit"])
def test_numbers_are_still_there_when_the_result_is_read_again(output):
    """Their VR is written, so that both encodings of the result hold the same bytes."""
    source = with_private(
        (0x0019, SIEMENS_MR, 0x0C, "IS", "1000"),
        (0x0019, SIEMENS_MR, 0x0E, "FD", [0.5, -0.25, 1 / 3]),
        (0x2005, PHILIPS_MR, 0x0E, "FL", 0.0078125),
    )

    again = pydicom.dcmread(io.BytesIO(written(scrubbed(source, SAFE).dataset, SYNTAXES[output])))

    assert private_of(again) == private_of(source)


def test_without_the_option_nothing_private_stays():
    """As ever."""
    source = with_private((0x0019, SIEMENS_MR, 0x0C, "IS", "1000"))

    assert not [tag for tag in scrubbed(source, RESEARCH).dataset.keys() if tag.is_private]  # noqa: SIM118


@pytest.mark.parametrize(("key", "row"), rows(PrivateAction.CLEAN, PrivateAction.CODE))
def test_no_text_of_a_safe_attribute_holds_an_identifier(key, row):
    """The patient's name, in every row that is a text."""
    source = patient((*key, row.vrs[0], NAME), (0x0019, SIEMENS_MR, 0x0C, "IS", "1000"))

    result = scrubbed(source, SAFE)

    assert not find_planted(written(result.dataset), (NAME, NUMBER))
    assert (0x0019, SIEMENS_MR, 0x0C) in private_of(result.dataset)


@pytest.mark.parametrize(("key", "row"), rows(PrivateAction.UID))
def test_a_uid_of_a_safe_attribute_is_mapped(key, row):
    """To the UID that stands for it everywhere; what is no UID goes."""
    assert kept(with_private((*key, "UI", "1.2.3.2")))[key] == ("UI", IDENTITIES.public_uid("1.2.3.2"))
    assert key not in kept(with_private((*key, "LO", NAME)))


@pytest.mark.parametrize(("key", "row"), rows(PrivateAction.REMOVE))
def test_bytes_that_nobody_can_read_go(key, row):
    """Volumes, meshes, application states: whatever they hold."""
    assert not kept(with_private((*key, row.vrs[-1], b"\1\2\3\4")))


@pytest.mark.parametrize(("key", "row"), rows(PrivateAction.ITEMS))
def test_a_sequence_is_scrubbed_inside(key, row):
    """Public and private children each by their own rule, and the name is nowhere."""
    inside = item((0x0019, SIEMENS_MR, 0x0C, "IS", "700"), (0x0019, "QUAVOR PRIVATE", 0x01, "LO", NAME))
    inside.PatientName = f"{NAME}^ANNA"
    inside.Rows = 7
    inside.ReferencedSOPInstanceUID = "1.2.3.4.5"
    result = scrubbed(patient((*key, "SQ", sequence(inside))), SAFE)

    (found,) = private_of(result.dataset)[key][1]

    assert private_of(found) == {(0x0019, SIEMENS_MR, 0x0C): ("IS", 700)}
    assert found.Rows == 7
    assert found.ReferencedSOPInstanceUID == IDENTITIES.public_uid("1.2.3.4.5")
    assert not find_planted(written(result.dataset), (NAME, NUMBER, "1.2.3.4.5"))


def test_a_sequence_that_only_tcia_knows_carries_safe_private_attributes_and_nothing_else():
    """Its keep counts for numbers."""
    inside = item((0x0021, "SIEMENS MR SDI 02", 0x04, "DS", "12.5"))
    inside.Rows = 7
    source = with_private((0x0021, "SIEMENS MR SDI 02", 0xFE, "SQ", sequence(inside)))

    ((_, (found,)),) = kept(source).values()

    assert private_of(found) == {(0x0021, "SIEMENS MR SDI 02", 0x04): ("DS", 12.5)}
    assert "Rows" not in found


def test_a_sequence_of_which_nothing_stays_goes():
    """And its creator with it."""
    inside = item((0x0019, "QUAVOR", 0x01, "LO", "X"))
    result = scrubbed(with_private((0x2001, PHILIPS, 0x5F, "SQ", sequence(inside))), SAFE).dataset

    assert not [tag for tag in result.keys() if tag.is_private]  # noqa: SIM118  iterating gives elements


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_private_attributes_of_items_are_kept_by_their_own_creators(encoding):
    """In a public sequence, in a private one, two deep; the same in every encoding."""
    deep = item((0x2005, PHILIPS_MR, 0x0E, "FL", 0.5))
    stack = item((0x2001, PHILIPS, 0x32, "FL", 1.5), (0x2001, PHILIPS, 0x5F, "SQ", sequence(deep)))
    source = with_private((0x2001, PHILIPS, 0x5F, "SQ", sequence(stack)))
    source.SharedFunctionalGroupsSequence = [item((0x0019, SIEMENS_MR, 0x0C, "IS", "800"))]

    result = scrubbed(sent(source, encoding), SAFE).dataset

    (found,) = private_of(result)[0x2001, PHILIPS, 0x5F][1]
    assert private_of(found)[0x2001, PHILIPS, 0x32] == ("FL", 1.5)
    (deeper,) = private_of(found)[0x2001, PHILIPS, 0x5F][1]
    assert private_of(deeper) == {(0x2005, PHILIPS_MR, 0x0E): ("FL", 0.5)}
    assert private_of(result.SharedFunctionalGroupsSequence[0]) == {(0x0019, SIEMENS_MR, 0x0C): ("IS", 800)}


def test_a_sequence_sent_as_un_is_read_and_scrubbed():
    """PS3.5 6.2.2: implicit and little-endian inside, whatever the object is."""
    inside = item((0x2001, PHILIPS, 0x32, "FL", 1.5))
    inside.PatientName = f"{NAME}^ANNA"
    holder = sent(with_private((0x2001, PHILIPS, 0x5F, "SQ", sequence(inside))), "implicit")
    raw = holder.get_item(0x2001105F)
    value = raw.value if hasattr(raw, "is_implicit_VR") else _encoded(raw)
    source = patient((0x2001, PHILIPS, 0x5F, "UN", value))

    result = scrubbed(sent(source, "explicit"), SAFE)

    (found,) = private_of(result.dataset)[0x2001, PHILIPS, 0x5F][1]
    assert private_of(found) == {(0x2001, PHILIPS, 0x32): ("FL", 1.5)}
    assert not find_planted(written(result.dataset), (NAME,))


def _encoded(element):
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, True
    pydicom.filewriter.write_sequence(buffer, element, [])
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("element", "vr", "raw", "expected"),
    [
        (0x0C, "UN", b"1000", ("IS", 1000)),
        (0x0E, "UN", bytes(24), ("FD", [0.0, 0.0, 0.0])),
        (0x0E, "OB", bytes(24), ("FD", [0.0, 0.0, 0.0])),
        (0x0D, "UN", b"DIRECTIONAL ", ("CS", "DIRECTIONAL")),
    ],
)
def test_un_is_read_as_the_table_says(element, vr, raw, expected):
    """What a PACS wrote that did not know the attribute."""
    source = with_private((0x0019, SIEMENS_MR, element, vr, raw))

    assert kept(sent(source, "explicit"))[0x0019, SIEMENS_MR, element] == expected


@pytest.mark.parametrize(
    ("element", "vr", "value"),
    [
        (0x0C, "LO", "NOT A NUMBER"),  # IS in the table
        (0x0C, "UN", b"\1\2\3\4"),
        (0x0E, "UN", bytes(20)),  # FD: 8 bytes each
        (0x0E, "LO", "QUAVORZI"),  # 8 letters are no number
        (0x0E, "OB", b"QUAVOR ZIBLEK IS HERE ON"),  # three FD by their length, a text by their bytes
        (0x0E, "FD", [0.5, 0.5]),  # VM 3
        (0x0D, "LO", "Quavor"),  # no defined term by its form
        (0x0C, "PN", "QUAVOR^ZIBLEK"),
        (0x0C, "SQ", sequence(Dataset())),
    ],
)
def test_a_wrong_vr_stays_only_where_the_bytes_are_right(element, vr, value):
    """A number is one by what it is, not by what a sender calls it."""
    assert not kept(with_private((0x0019, SIEMENS_MR, element, vr, value)))


@pytest.mark.parametrize("term", ["TRANSVERSAL", "FH", "FFE", "Y", "NO", "BVEC", "MAGNITUDE", "T1"])
def test_terms_of_makers_stay(term):
    """Vendors' own, directions as they abbreviate them."""
    assert kept(patient((0x2001, PHILIPS, 0x04, "CS", term)))[0x2001, PHILIPS, 0x04] == ("CS", term)


@pytest.mark.parametrize("text", ["ROSSIGNOL MARTHE", "KOWALCZYK", "0176 4482913"])
def test_what_is_smuggled_in_as_a_code_goes(text):
    """People whom the headers do not name."""
    assert not kept(patient((0x2001, PHILIPS, 0x04, "CS", text)))


def test_a_number_sent_as_text_or_with_another_sign_stays():
    """LO with digits where the table has IS, US where it has SS."""
    found = kept(with_private((0x0019, SIEMENS_MR, 0x0C, "LO", "800"), (0x0045, "GEMS_HELIOS_01", 0x01, "US", 64)))

    assert found[0x0019, SIEMENS_MR, 0x0C] == ("IS", 800)
    assert found[0x0045, "GEMS_HELIOS_01", 0x01] == ("US", 64)


def test_numbers_of_unknown_byte_order_go():
    """UN in a big-endian file: nobody says which end came first. Digits read the same either way."""
    source = with_private((0x0019, SIEMENS_MR, 0x0E, "UN", bytes(24)), (0x0019, SIEMENS_MR, 0x0C, "UN", b"1000"))

    assert set(kept(sent(source, "big"))) == {(0x0019, SIEMENS_MR, 0x0C)}


@pytest.mark.parametrize("creator", [None, "", "QUAVOR", "siemens mr header", "SIEMENS\\MR HEADER", " \0"])
def test_a_block_without_a_known_creator_goes(creator):
    """No creator, an empty one, somebody else's, another spelling."""
    source = minimal()
    if creator is not None:
        source.add_new(0x00190010, "LO", creator)
    source.add_new(0x0019100C, "IS", "1000")

    assert not [tag for tag in scrubbed(source, SAFE).dataset.keys() if tag.is_private]  # noqa: SIM118


def test_a_creator_is_written_as_the_table_spells_it():
    """Blanks and NULs around it do not count, and do not stay."""
    source = minimal()
    source.add_new(0x00190010, "UN", b"  SIEMENS MR HEADER \0")
    source.add_new(0x0019100C, "IS", "1000")

    result = scrubbed(source, SAFE).dataset

    assert (result[0x00190010].VR, result[0x00190010].value) == ("LO", SIEMENS_MR)
    assert result[0x0019100C].value == 1000


def test_two_blocks_of_one_creator_are_both_kept():
    """Each where it was, whatever its number."""
    source = minimal()
    add_private(source, 0x0019, SIEMENS_MR, 0x0C, "IS", "1000", block=0x11)
    add_private(source, 0x0019, SIEMENS_MR, 0x0C, "IS", "2000", block=0xA0)
    add_private(source, 0x0019, "QUAVOR", 0x0C, "LO", "X", block=0x12)

    result = scrubbed(source, SAFE).dataset

    assert (result[0x0019110C].value, result[0x0019A00C].value) == (1000, 2000)
    assert 0x00190012 not in result


def test_a_creator_that_is_the_patient_goes():
    """Even where the table knows it."""
    source = with_private((0x0903, "GEIIS PACS", 0x10, "US", 1), dataset=minimal(PatientID="GEIIS-PACS"))

    assert not [tag for tag in scrubbed(source, SAFE).dataset.keys() if tag.is_private]  # noqa: SIM118


@pytest.mark.parametrize(
    ("vr", "value"), [("IS", NUMBER), ("UL", int(NUMBER)), ("DS", f"{NUMBER}.0"), ("IS", "20240229"), ("UL", 19560317)]
)
def test_a_number_that_is_an_identifier_or_a_date_goes(vr, value):
    """A date that did not move gives away how far the others did."""
    source = patient((0x0019, "GEMS_ACQU_01", 0x24, vr, value))
    attribute = safe_attributes()[PrivateKey(0x0019, "GEMS_ACQU_01", 0x24)]

    assert attribute.vrs == ("DS",)
    assert not kept(source) or value == f"{NUMBER}.0"
    assert not kept(patient((0x0011, "QUAVOR", 0x01, vr, value)), extra("0011", "QUAVOR", "01", vr)) or "." in str(
        value
    )


def test_identifiers_spelled_by_numbers_go():
    """An ID as the bytes of an array."""
    letters = [int.from_bytes(NAME[i : i + 2].encode(), "little") for i in range(0, len(NAME), 2)]

    assert not kept(patient((0x0019, "QUAVOR", 0x01, "US", letters)), extra("0019", "QUAVOR", "01"))


def test_an_identifier_that_changes_its_byte_order_on_the_way_goes():
    """Letters in the order of a big-endian file; ours would swap them."""
    source = sent(patient((0x0009, "FDMS 1.0", 0x08, "UL", 1)), "big")
    raw = source.get_item(0x00091008)
    value = NAME.encode()
    source._dict[raw.tag] = raw._replace(value=value, length=len(value))

    assert not kept(source)


def test_a_text_that_is_another_encoding_goes():
    """UTF-16 in an LO: no word of it is a word to anybody who compares."""
    value = f" {NAME}".encode("utf-16-le")
    source = sent(patient((0x2001, PHILIPS, 0x80, "UN", value)), "explicit")

    assert not find_planted(written(scrubbed(source, SAFE).dataset), (NAME,))


def test_dates_of_the_profiles_own_attributes_move():
    """As many days as all others of this patient; what is no date goes."""
    profile = extra("0011", "QUAVOR", "01", "DA")
    source = with_private((0x0011, "QUAVOR", 0x01, "DA", "20240110"), dataset=minimal(StudyDate="20240110"))

    result = scrubbed(source, profile).dataset

    assert private_of(result)[0x0011, "QUAVOR", 0x01] == ("DA", result.StudyDate)
    assert result.StudyDate != "20240110"
    assert not kept(with_private((0x0011, "QUAVOR", 0x01, "LO", NAME)), profile)


@pytest.mark.parametrize("vr", ["OB", "OW", "UN", "PN", "AE"])
def test_the_profile_cannot_keep_what_nobody_can_judge(vr):
    """A named attribute whose value is bytes or a person's name."""
    value = b"\1\2\3\4" if vr in {"OB", "OW", "UN"} else "SOMEBODY"

    assert not kept(with_private((0x0011, "QUAVOR", 0x01, vr, value)), extra("0011", "QUAVOR", "01"))


def test_the_profiles_own_attributes_are_judged_too():
    """And marked as the profile's, without the code of the option."""
    profile = extra("0011", "QUAVOR", "01")
    result = scrubbed(patient((0x0011, "QUAVOR", 0x01, "LO", "COIL 8")), profile).dataset

    assert private_of(result) == {(0x0011, "QUAVOR", 0x01): ("LO", "COIL 8")}
    named = patient((0x0011, "QUAVOR", 0x01, "LO", f"COIL OF {NAME}"))
    assert not find_planted(written(scrubbed(named, profile).dataset), (NAME,))
    assert "113111" not in [code.CodeValue for code in result.DeidentificationMethodCodeSequence]
    assert result.DeidentificationMethod[-1] == "with private attributes of the profile's own"


def test_a_text_that_is_not_ascii_sets_the_character_set():
    """Written as UTF-8, like every other."""
    result = scrubbed(
        with_private((0x2001, PHILIPS, 0x50, "LO", "größer"), dataset=minimal(SpecificCharacterSet="ISO_IR 100")),
        SAFE,
    ).dataset

    assert result.SpecificCharacterSet == "ISO_IR 192"
    assert private_of(pydicom.dcmread(io.BytesIO(written(result))))[0x2001, PHILIPS, 0x50][1] == "größer"


def test_scrubbing_twice_is_scrubbing_once():
    """All numbers, a sequence, a code and a text; UIDs are mapped anew each time and left out here."""
    source = all_numbers()
    add_private(source, 0x2001, PHILIPS, 0x5F, "SQ", sequence(item((0x2001, PHILIPS, 0x32, "FL", 1.5))))
    add_private(source, 0x0019, SIEMENS_MR, 0x0D, "CS", "DIRECTIONAL")

    once = scrubbed(source, SAFE).dataset
    twice = scrubbed(once, SAFE).dataset

    assert private_of(twice) == private_of(once)
    assert twice[0x00080300] == once[0x00080300]


def test_the_source_is_only_read():
    """Its bytes are the same afterwards."""
    source = all_numbers()
    add_private(source, 0x2001, PHILIPS, 0x5F, "SQ", sequence(item((0x2001, PHILIPS, 0x32, "FL", 1.5))))
    before = written(Dataset(source))

    scrubbed(source, SAFE)

    assert written(Dataset(source)) == before


def test_numbers_without_a_vr_in_the_table_stay_as_sent():
    """Five rows: a vector is one by its VR in the file, and in implicit VR nobody knows."""
    source = with_private(
        (0x0129, SC2000, 0x03, "FD", 0.5), (0x0129, SC2000, 0x04, "LO", "0.5"), (0x0119, SC2000, 0x11, "FL", 2.0)
    )

    assert kept(source) == {(0x0129, SC2000, 0x03): ("FD", 0.5), (0x0119, SC2000, 0x11): ("FL", 2.0)}
    assert not kept(sent(source, "implicit"))


def test_elements_below_a_block_go():
    """(gggg,0001) to (gggg,000F) and (gggg,0100) to (gggg,0FFF) belong to nobody (PS3.5 7.8.1)."""
    source = with_private((0x0019, SIEMENS_MR, 0x0C, "IS", "1000"))
    for element in (0x00190001, 0x0019010C, 0x00190F0C):
        source.add(DataElement(element, "IS", "5"))

    assert list(kept(source)) == [(0x0019, SIEMENS_MR, 0x0C)]


def test_values_of_every_vr_are_tried():
    """The list of made-up numbers covers the table."""
    assert {vr for _, row in rows(PrivateAction.NUMBER) for vr in row.vrs[:1]} <= set(NUMBERS)
