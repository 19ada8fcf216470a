"""Values that an action keeps stay only if they are what they claim to be, decoded whole, and nobody's name."""

import io

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian

from config.schema import Option
from tests.factories.headers import minimal, reread, scrubbed, written
from tests.factories.planted import find_planted
from tests.factories.profiles import with_options


def test_words_of_a_big_endian_object_are_turned_around():
    """A lookup table keeps its values, not its bytes."""
    source = minimal(RedPaletteColorLookupTableData=b"\x01\x02\x03\x04", Rows=258)
    source.add_new(0x00281101, "US", [2, 0, 16])
    buffer = io.BytesIO()
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    source.save_as(buffer, implicit_vr=False, little_endian=False, enforce_file_format=True)
    buffer.seek(0)

    result = scrubbed(pydicom.dcmread(buffer)).dataset

    assert result.RedPaletteColorLookupTableData == b"\x02\x01\x04\x03"
    assert result.Rows == 258


@pytest.mark.parametrize("partial", ["2023", "202304", "MILLER"])
def test_a_partial_or_illegal_date_is_not_passed_on(partial):
    """It is emptied, or replaced where it may not be empty."""
    source = minimal()
    source.add(pydicom.DataElement(0x00080020, "DA", partial, validation_mode=pydicom.config.IGNORE))
    source.add(pydicom.DataElement(0x00080023, "DA", partial, validation_mode=pydicom.config.IGNORE))
    source.add(pydicom.DataElement(0x00400002, "DA", partial, validation_mode=pydicom.config.IGNORE))

    result = scrubbed(source).dataset

    assert result.StudyDate == ""
    assert result.ContentDate == "19000101"
    assert 0x00400002 not in result


def test_damaged_values_leave_no_trace_in_logs_or_warnings(caplog, recwarn):
    """Libraries quote the values that they complain about."""
    source = minimal(PatientName="Vorzib^Jo")
    source.add(pydicom.DataElement(0x00080020, "DA", "Vorzib", validation_mode=pydicom.config.IGNORE))
    source.add(pydicom.DataElement(0x00200013, "LO", "Vorzib"))
    raw = written(source).replace(b"LO\6\0Vorzib", b"IS\6\0Vorzib")

    result = scrubbed(pydicom.dcmread(io.BytesIO(raw))).dataset

    assert result.InstanceNumber is None
    assert (caplog.records, list(recwarn)) == ([], [])


@pytest.mark.parametrize("vr", ["IS", "DS", "FD", "FL", "US", "SL", "AT", "DA", "TM", "UI", "CS", "AS"])
@pytest.mark.parametrize("tag", [0x00200013, 0x00181063, 0x00280010, 0x00081150, 0x00080008, 0x00180050])
def test_a_value_that_is_not_what_its_vr_says_does_not_stay(vr, tag):
    """A reader that finds text where a number should be hands over the text."""
    source = minimal()
    source.add(pydicom.DataElement(tag, "LO", "Vorzibmurlek"))
    raw = written(source).replace(b"LO\x0c\0Vorzib", vr.encode() + b"\x0c\0Vorzib")

    result = scrubbed(pydicom.dcmread(io.BytesIO(raw))).dataset

    if vr != "CS":  # a code string of legal characters stays unless it repeats an identifier
        assert find_planted(written(result), ["Vorzibmurlek"]) == []


def test_numbers_that_spell_an_identifier_go():
    """A vector of numbers is bytes to whoever looks at the file."""
    source = minimal(PatientName="Vorzibmurlek^Jo", FrameTimeVector=["1", "2"])
    source.add_new(0x00209116, "SQ", Sequence([Dataset()]))
    source.add_new(0x00281101, "US", [256, 0, 8])
    source.add_new(0x00189306, "FD", 1.5)
    source.add_new(0x00281203, "OW", b"\0\1 vorzibmurlek ")
    source.add_new(0x00281407, "US", [int.from_bytes(b"Vorzibmurlek"[at : at + 2], "little") for at in range(0, 12, 2)])

    result = scrubbed(source).dataset

    assert 0x00281407 not in result
    assert 0x00281203 not in result
    assert list(result[0x00281101].value) == [256, 0, 8]


def test_ages_over_89_become_090y():
    """Wherever an age is kept, at any depth."""
    item = Dataset()
    item.PatientAge = "101Y"

    result = scrubbed(minimal(PatientAge="093Y", SourceImageSequence=Sequence([item]))).dataset

    assert (result.PatientAge, result.SourceImageSequence[0].PatientAge) == ("090Y", "090Y")


def test_public_elements_sent_as_un_are_typed_by_the_dictionary_or_removed():
    """UN hides nothing: a name is a name, and what is in no dictionary goes."""
    source = minimal(ReferringPhysicianName="Miller^Jo ", Rows=258)
    source.add_new(0x00080203, "UN", b"Miller^Jo ")
    raw = written(source)
    raw = raw.replace(b"\x08\0\x90\0PN\x0a\0", b"\x08\0\x90\0UN\0\0\x0a\0\0\0")
    raw = raw.replace(b"\x28\0\x10\0US\2\0", b"\x28\0\x10\0UN\0\0\2\0\0\0")
    source = pydicom.dcmread(io.BytesIO(raw))
    assert source.get_item("Rows").VR == source.get_item("ReferringPhysicianName").VR == "UN"

    result = scrubbed(source).dataset

    assert result.ReferringPhysicianName == ""
    assert result.Rows == 258
    assert 0x00080203 not in result


def test_text_smuggled_into_attributes_of_no_table_goes():
    """Prose and opaque bytes always, short texts and code strings when they repeat an identifier or are no codes."""
    source = minimal(
        PatientName="Vorzib^Jo",
        LUTExplanation="for Vorzib",
        ScanOptions="VORZIB",
        PartialViewDescription="prose",
        ImageType=["ORIGINAL", "PRIMARY", "VORZIB"],
        ConvolutionKernel="B30f",
        ICCProfile=b"\0\0desc Vorzib Jo Vorzib^Jo",
    )
    sentence = pydicom.DataElement(0x00180015, "CS", "this is a whole sentence", validation_mode=pydicom.config.IGNORE)
    source.add(sentence)

    result = scrubbed(source).dataset

    assert "vorzib" not in str(result).lower()
    assert (result.ScanOptions, result.BodyPartExamined) == ("", "")
    assert "PartialViewDescription" not in result
    assert "ICCProfile" not in result
    assert list(result.ImageType) == ["ORIGINAL", "PRIMARY", "UNKNOWN"]
    assert result.ConvolutionKernel == "B30f"


@pytest.mark.parametrize(
    ("charset", "name"),
    [("ISO_IR 100", "Gerät"), ("ISO_IR 144", "Ждщ"), ("ISO_IR 192", "機器"), (["", "ISO 2022 IR 87"], "機器 A")],
)
def test_text_that_stays_is_written_in_unicode(charset, name):
    """Whatever character set it came in, multi-valued ones included."""
    source = minimal(SpecificCharacterSet=charset, InstitutionName=name, PatientName="Vorzib^Jo")
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"

    kept = scrubbed(reread(source), with_options(Option.RETAIN_INSTITUTION_IDENTITY))
    result = pydicom.dcmread(io.BytesIO(written(kept.dataset)))

    assert result.InstitutionName == name
    assert result.SpecificCharacterSet == "ISO_IR 192"


def test_a_header_of_ascii_names_no_character_set():
    """(0008,0005) is for what is written, not for what was read."""
    result = scrubbed(minimal(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Änne")).dataset

    assert "SpecificCharacterSet" not in result


def test_text_in_a_character_set_that_cannot_be_decoded_does_not_stay():
    """What was not understood was not compared either."""
    source = minimal(SpecificCharacterSet="ISO_IR 192", PatientName="Jo")
    source.file_meta = pydicom.dataset.FileMetaDataset()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    raw = bytearray()
    buffer = io.BytesIO()
    source.ManufacturerModelName = source.AcquisitionProtocolName = "abcdefgh"
    source.save_as(buffer, enforce_file_format=True)
    raw[:] = buffer.getvalue().replace(b"abcdefgh", b"M\xfcller\xff ")

    result = scrubbed(pydicom.dcmread(io.BytesIO(bytes(raw)))).dataset

    assert result.AcquisitionProtocolName == ""
    assert result.ManufacturerModelName == "ANONYMIZED"  # Type 1 in the enhanced classes
