"""Documents inside objects: held, or a blank one of the same kind goes in their place."""

import re
from xml.etree import ElementTree as ET

import pydicom
import pytest

from pipeline.header.classes import check_class
from pipeline.reasons import Held, Reason
from tests.factories.corpus.judge import new_faults
from tests.factories.corpus.made import make
from tests.factories.pixels import BlindReader, deidentifier, received
from tests.factories.profiles import RESEARCH

STRIPPING = RESEARCH.model_copy(update={"documents": "strip"})
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"


@pytest.fixture(params=["PDF", "CDA", "STL"])
def stripped(request, tmp_path):
    """Return a planted document, and the bytes and the object that came out."""
    made = make(request.param, EXPLICIT_LITTLE, seed=5)
    source = tmp_path / "in.dcm"
    source.write_bytes(made.raw)
    result = deidentifier(reader=BlindReader(), profile=STRIPPING).run(received(source), tmp_path / "out.dcm")
    return made, result.path.read_bytes(), pydicom.dcmread(result.path)


def test_nothing_of_the_document_leaves_and_the_object_stays_valid(stripped, tmp_path):
    """Neither in the document's bytes nor in what the header says about it."""
    made, raw, dataset = stripped

    assert [str(plant) for plant in made.leaks(raw)] == []
    assert new_faults(made.raw, raw, tmp_path / "judged.dcm") == {}
    assert len(dataset.EncapsulatedDocument) - dataset.EncapsulatedDocumentLength in (0, 1)


def test_the_blank_document_is_one_of_its_kind(stripped):
    """A PDF whose table finds its objects, well-formed XML, a mesh without triangles."""
    made, _raw, dataset = stripped
    content = dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength]

    if made.kind == "PDF":
        assert dataset.MIMETypeOfEncapsulatedDocument == "application/pdf"
        rows = re.findall(rb"^(\d{10}) 00000 n $", content, re.MULTILINE)
        assert [content[int(row) :].split(b" ", 1)[0] for row in rows] == [b"1", b"2", b"3"]
        assert content[int(re.search(rb"startxref\n(\d+)", content)[1]) :].startswith(b"xref\n0 4\n")
    elif made.kind == "CDA":
        assert dataset.MIMETypeOfEncapsulatedDocument == "text/XML"
        assert ET.fromstring(content).tag == "{urn:hl7-org:v3}ClinicalDocument"
    else:
        assert dataset.MIMETypeOfEncapsulatedDocument == "model/stl"
        assert int.from_bytes(content[80:84], "little") == 0


@pytest.mark.parametrize("profile", [RESEARCH, STRIPPING], ids=["hold", "strip"])
def test_a_document_in_an_object_of_another_class_is_always_held(profile):
    """Nobody can say of what kind it is."""
    dataset = make("CT", EXPLICIT_LITTLE).dataset
    dataset.add_new(0x00420011, "OB", b"%PDF")

    with pytest.raises(Held) as raised:
        check_class(dataset, profile)

    assert raised.value.reason is Reason.ENCAPSULATED_DOCUMENT
