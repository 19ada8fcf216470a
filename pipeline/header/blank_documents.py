"""Blank documents that stand where an encapsulated one was: PDF, CDA and model files (PS3.3 A.45, A.85, A.104).

A profile that says `documents: strip` lets the object go on with its scrubbed header, so that a study keeps its place
for the document, but nothing of the document does. Rule of the file: constants only; nothing is read from the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom.dataset import Dataset

_TITLE, _DOCUMENT, _MIME_TYPE, _LENGTH, _BURNED_IN = 0x00420010, 0x00420011, 0x00420012, 0x00420015, 0x00280301
_HL7_INSTANCE_IDENTIFIER = 0x0040E001
_S = "1.2.840.10008.5.1.4.1.1.104."
_CDA = _S + "2"


def _pdf() -> bytes:
    """Return an empty page of A4 as PDF 1.4 (ISO 32000-1, 7.5)."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    )
    content, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj%b endobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    table = b"xref\n0 4\n0000000000 65535 f \n" + rows
    return content + table + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blank:
    mime_type: str
    content: bytes


_BLANKS: Mapping[str, _Blank] = MappingProxyType(
    {
        _S + "1": _Blank(mime_type="application/pdf", content=_pdf()),
        _CDA: _Blank(mime_type="text/XML", content=b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>\n'),
        _S + "3": _Blank(mime_type="model/stl", content=bytes(84)),  # binary STL: a header of 80 bytes, no triangle
        _S + "4": _Blank(mime_type="model/obj", content=b"# empty\n"),
        _S + "5": _Blank(mime_type="model/mtl", content=b"# empty\n"),
    }
)


def has_blank(sop_class_uid: str) -> bool:
    """Tell whether there is a blank document for a class; a new class of documents is held."""
    return sop_class_uid in _BLANKS


def put_blank_document(result: Dataset, sop_class_uid: str) -> None:
    """Write the blank document of a class into a scrubbed header, over the dummy that stands there."""
    blank = _BLANKS.get(sop_class_uid)
    if blank is None or _DOCUMENT not in result:
        return
    result.add_new(_DOCUMENT, "OB", blank.content + b"\0" * (len(blank.content) % 2))
    result.add_new(_MIME_TYPE, "LO", blank.mime_type)
    if _TITLE not in result:
        result.add_new(_TITLE, "ST", "")  # Type 2: prose of the original, which no option cleans, is gone
    if sop_class_uid == _CDA:
        result.add_new(
            _HL7_INSTANCE_IDENTIFIER, "ST", str(result.SOPInstanceUID)
        )  # Type 1C; an OID is one (PS3.3 C.24.2)
    result.add_new(_LENGTH, "UL", len(blank.content))
    if _BURNED_IN in result:
        result.add_new(_BURNED_IN, "CS", "NO")
