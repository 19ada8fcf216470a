"""A data set is encoded as pydicom would encode it, and what may be written as it stands is."""

import io

import pydicom
import pytest
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from pipeline.header.encoding import encode_dataset
from tests.factories.planted import planted_object


def by_pydicom(dataset, *, implicit_vr):
    """Return the bytes that pydicom writes for every element decoded."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit_vr
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def encoded(dataset, *, implicit_vr=False):
    """Return our bytes."""
    return b"".join(encode_dataset(dataset, implicit_vr=implicit_vr))


def raw(tag, vr, value):
    """Return an element as it would be read from an explicit little-endian file."""
    return RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


@pytest.mark.parametrize("implicit_vr", [False, True])
@pytest.mark.parametrize("kind", ["US", "CT", "MR", "CR", "SC"])
def test_every_value_is_encoded_as_pydicom_does(kind, implicit_vr):
    """Nested sequences, other alphabets, numbers, opaque bytes."""
    dataset = planted_object(kind, seed=5).dataset
    del dataset.PixelData

    assert encoded(dataset, implicit_vr=implicit_vr) == by_pydicom(dataset, implicit_vr=implicit_vr)


def test_an_item_has_the_character_set_of_what_it_stands_in():
    """Unless it names its own."""
    inner, own = Dataset(), Dataset()
    inner.InstitutionName = "Ждщ"
    own.SpecificCharacterSet, own.InstitutionName = "ISO_IR 144", "Ждщ"
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SourceImageSequence = Sequence([inner, own])

    assert encoded(dataset).count("Ждщ".encode()) == 1
    assert encoded(dataset).count("Ждщ".encode("iso8859_5")) == 1


def test_raw_bytes_are_written_as_they_stand_and_padded():
    """Text with a blank, UIDs and opaque bytes with a NUL."""
    dataset = Dataset(
        {element.tag: element for element in (raw(0x00080070, "LO", b"ACM"), raw(0x00080018, "UI", b"1.2.3"))}
    )

    assert encoded(dataset) == b"\x08\0\x18\0UI\6\x001.2.3\0" + b"\x08\0\x70\0LO\4\0ACM "


def test_raw_text_of_another_alphabet_is_encoded_anew():
    """Its bytes mean nothing in the character set that is written."""
    source = Dataset()
    source.SpecificCharacterSet = "ISO_IR 100"
    buffer = io.BytesIO(by_pydicom(source, implicit_vr=False) + b"\x08\0\x80\0LO\4\0M\xfcl ")
    read = pydicom.filereader.read_dataset(buffer, is_implicit_VR=False, is_little_endian=True)
    assert isinstance(read.get_item("InstitutionName"), RawDataElement)
    read.SpecificCharacterSet = "ISO_IR 192"

    assert "Mül".encode() in encoded(read)


def test_group_lengths_are_not_written():
    """Retired, and wrong as soon as anything changes (PS3.5 7.2)."""
    dataset = Dataset()
    dataset.add_new(0x00080000, "UL", 12)
    dataset.Modality = "CT"

    assert encoded(dataset) == b"\x08\0\x60\0CS\2\0CT"


def test_a_value_too_long_for_its_length_field_is_sent_as_un():
    """PS3.5 6.2.2; nothing is cut."""
    value = b"1\\" * 40_000 + b"1 "
    dataset = Dataset({Tag(0x00181063): raw(0x00181063, "DS", value)})

    assert encoded(dataset) == b"\x18\0\x63\x10UN\0\0" + len(value).to_bytes(4, "little") + value


def test_an_ambiguous_vr_is_settled_by_the_data_set():
    """US or SS by Pixel Representation."""
    dataset = Dataset()
    dataset.PixelRepresentation = 1
    dataset.add(DataElement(0x00280106, "US or SS", b"\xff\xff", already_converted=True))

    assert b"\x28\0\6\1SS\2\0\xff\xff" in encoded(dataset)
