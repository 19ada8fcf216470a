"""Content items for tests of structured content: the macro of PS3.3 C.17.3, one item at a time."""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factories.headers import minimal

VALUES = {
    "DATE": "Date",
    "DATETIME": "DateTime",
    "PNAME": "PersonName",
    "TEXT": "TextValue",
    "TIME": "Time",
    "UIDREF": "UID",
}
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"


def code(value, scheme="DCM", meaning="Meaning"):
    """Return a coded entry."""
    entry = Dataset()
    entry.CodeValue, entry.CodingSchemeDesignator, entry.CodeMeaning = value, scheme, meaning
    return entry


def item(value_type, concept=None, value=None, *, relationship="CONTAINS", children=(), **attributes):
    """Return a content item.

    Parameters
    ----------
    concept
        Code value and scheme, or None.
    value
        Of the value type: a text, a number (NUM: with its unit), a coded entry, a list of references.
    """
    result = Dataset()
    result.RelationshipType, result.ValueType = relationship, value_type
    if concept is not None:
        result.ConceptNameCodeSequence = Sequence([code(*concept)])
    if value_type in VALUES:
        setattr(result, VALUES[value_type], value)
    elif value_type == "NUM":
        measured = Dataset()
        measured.NumericValue, unit = value
        measured.MeasurementUnitsCodeSequence = Sequence([code(unit, "UCUM", unit)])
        result.MeasuredValueSequence = Sequence([measured])
    elif value_type == "CODE":
        result.ConceptCodeSequence = Sequence([value])
    elif value_type in ("COMPOSITE", "IMAGE", "WAVEFORM"):
        result.ReferencedSOPSequence = Sequence([reference(value)])
    if children:
        result.ContentSequence = Sequence(list(children))
    for keyword, attribute in attributes.items():
        setattr(result, keyword, attribute)
    return result


def reference(uid, sop_class="1.2.840.10008.5.1.4.1.1.2"):
    """Return a reference to an instance."""
    result = Dataset()
    result.ReferencedSOPClassUID, result.ReferencedSOPInstanceUID = sop_class, uid
    return result


def by_reference(*place, relationship="SELECTED FROM"):
    """Return an item that stands for the one at a place in the tree."""
    result = Dataset()
    result.RelationshipType, result.ReferencedContentItemIdentifier = relationship, list(place)
    return result


def report(*items, **attributes):
    """Return the smallest report with these items below its root."""
    attributes.setdefault("SOPClassUID", COMPREHENSIVE_SR)
    result = minimal(ValueType="CONTAINER", ContinuityOfContent="SEPARATE", **attributes)
    result.ConceptNameCodeSequence = Sequence([code("126000", "DCM", "Imaging Measurement Report")])
    result.ContentSequence = Sequence(list(items))
    return result
