"""Bytes that are judged as they stand get the same answer as the values that they mean."""

import contextlib
import io
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from config.schema import Option
from pipeline.header.classes import check_class
from pipeline.header.decoding import silent_decoding
from pipeline.reasons import Held
from tests.factories.headers import minimal, scrubbed, written
from tests.factories.planted import planted_object
from tests.factories.profiles import RESEARCH, STRICT, with_options

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
LARGEST_BYTES = 300_000
FULL = with_options(
    Option.RETAIN_LONGITUDINAL_FULL_DATES,
    Option.RETAIN_UIDS,
    Option.RETAIN_DEVICE_IDENTITY,
    Option.RETAIN_INSTITUTION_IDENTITY,
    Option.RETAIN_PATIENT_CHARACTERISTICS,
    Option.CLEAN_DESCRIPTORS,
)
PROFILES = pytest.mark.parametrize("profile", [STRICT, RESEARCH, FULL], ids=["strict", "research", "full"])


def both_ways(raw, profile):
    """Scrub an object as it is read, and again with every value decoded beforehand."""
    as_bytes, as_values = pydicom.dcmread(io.BytesIO(raw)), pydicom.dcmread(io.BytesIO(raw))
    for _element in as_values.iterall():
        pass
    return scrubbed(as_bytes, profile).dataset, scrubbed(as_values, profile).dataset


def values_of(dataset):
    """Return tag, VR and value of every element, at any depth, without the blanks that pad values."""
    listed = []
    for element in dataset:
        if element.VR == "SQ":
            content = [values_of(item) for item in element.value]
        elif element.VR in ("DS", "IS") and not element.is_empty:
            parts = element.value if element.VM > 1 else [element.value]
            content = [float(part) for part in parts]
        elif isinstance(element.value, str):
            content = element.value.strip(" ")
        else:
            content = element.value
        listed.append((int(element.tag), element.VR, content))
    return listed


@PROFILES
@pytest.mark.parametrize("kind", ["US", "CT", "MR", "SC"])
def test_a_planted_object_comes_out_the_same_both_ways(kind, profile):
    """Explicit VR, everything planted that the generator knows."""
    first, second = both_ways(written(planted_object(kind, seed=3).dataset), profile)

    assert values_of(first) == values_of(second)


@PROFILES
def test_real_objects_come_out_the_same_both_ways(profile):
    """The files that come with pydicom: implicit and explicit, both byte orders, many makers."""
    seen = 0
    for path in sorted(PYDICOM_FILES.glob("*.dcm")):
        if path.stat().st_size > LARGEST_BYTES:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                check_class(pydicom.dcmread(path), profile)
                first, second = both_ways(path.read_bytes(), profile)
            except (Held, pydicom.errors.InvalidDicomError, AttributeError, NotImplementedError, ValueError):
                continue  # held, or damaged so that not everything can be decoded
            assert values_of(first) == values_of(second), path.name
        seen += 1

    assert seen >= 25


TAGS = {
    "CS": 0x00180022,
    "DS": 0x00180050,
    "IS": 0x00200013,
    "LO": 0x00080070,
    "SH": 0x00180024,
    "DA": 0x00080020,
    "TM": 0x00080030,
    "DT": 0x0008002A,
    "UI": 0x00081155,
    "AS": 0x00101010,
    "US": 0x00280010,
    "FD": 0x00189306,
}
LEGAL = {
    "CS": [b"FS", b"FS\\PFP ", b" FS", b"MILLER", b"\\FS", b"fs"],
    "DS": [b"1.5 ", b" 1", b"1\\2 ", b"123456", b"+1e3", b"1,5 ", b""],
    "IS": [b"7 ", b"-7", b"123456", b"7.0 ", b"99999999999 "],
    "LO": [b"ACME", b" ACME ", b"MILLER", b"A\\B ", b"ACME\0\0"],
    "SH": [b"fl3d", b"*tse", b"Miller"],
    "DA": [b"20230417", b"2023.04.17", b"2023", b"20231399"],
    "TM": [b"101530", b"10:15", b"101530.5", b"2515"],
    "DT": [b"20230417101530", b"202304"],
    "UI": [b"1.2.3.1\0", b"1.2.840.10008.1.2\0", b"1.2.3.2", b"1.2.3.1 ", b"1.2\\1.3 "],
    "AS": [b"054Y", b"099Y", b"054y", b"54Y "],
    "US": [b"\1\0", b"\1\0\2\0", b"\1"],
    "FD": [bytes(8), b"Millerxy", bytes(16), b"123"],
}


@settings(max_examples=300, deadline=None)
@given(
    vr=st.sampled_from(sorted(TAGS)),
    value=st.one_of(
        st.sampled_from(sorted({value for values in LEGAL.values() for value in values})), st.binary(max_size=16)
    ),
    profile=st.sampled_from([STRICT, RESEARCH, FULL]),
)
def test_any_bytes_are_judged_as_what_they_mean(vr, value, profile):
    """Legal or not, whatever VR they were sent under."""
    value += b" " * (len(value) % 2)
    outcome = []
    for is_decoded in (False, True):
        source = _read(minimal(PatientName="Miller^Jo", AccessionNumber="123456"))
        raw = RawDataElement(Tag(TAGS[vr]), vr, len(value), value, 0, False, True)
        source._dict[raw.tag] = raw
        if is_decoded:
            with silent_decoding(), contextlib.suppress(Exception):  # what cannot be decoded stays as it is
                source[raw.tag]
        outcome.append(values_of(scrubbed(source, profile).dataset))

    assert outcome[0] == outcome[1]


def test_bytes_that_stay_are_written_as_they_were():
    """A number keeps its spelling."""
    source = minimal()
    source.add_new(0x00180050, "DS", "1.50")

    result = written(scrubbed(_read(source, "1.2.840.10008.1.2"), STRICT).dataset)

    assert b"DS\4\0001.50" in result


def test_an_unknown_sequence_is_read_as_implicit_little_endian():
    """A node that did not know an attribute sends its items as UN; names in it are names."""
    item = Dataset()
    item.PatientName, item.ReferencedSOPInstanceUID = "Vorzib^Jo", "1.2.3.99"
    item.ReferencedFrameNumber = "7"
    inner = io.BytesIO()
    holder = Dataset()
    holder.ReferencedImageSequence = [item]
    pydicom.filewriter.write_dataset(_implicit(inner), holder)
    value = inner.getvalue()[8:]
    source = _read(minimal())
    source._dict[Tag(0x00081140)] = RawDataElement(Tag(0x00081140), "UN", len(value), value, 0, False, True)

    result = scrubbed(source, STRICT).dataset

    (scrubbed_item,) = result.ReferencedImageSequence
    assert scrubbed_item.PatientName in ("", "ANONYMOUS")
    assert scrubbed_item.ReferencedSOPInstanceUID.startswith("2.25.")
    assert scrubbed_item.ReferencedFrameNumber == 7


def test_unknown_bytes_that_are_no_value_of_the_dictionary_go():
    """UN hides nothing: three bytes are no number, and text is none either."""
    source = _read(minimal())
    for tag, value in ((0x00280010, b"Vorzib"), (0x00280011, b"\1\2\0\0\0\0"), (0x00180050, b"Vorzib")):
        source._dict[Tag(tag)] = RawDataElement(Tag(tag), "UN", len(value), value, 0, False, True)

    result = scrubbed(source, STRICT).dataset

    assert "Rows" not in result
    assert "Columns" not in result
    assert result.get("SliceThickness") in (None, "")


def _read(dataset, syntax="1.2.840.10008.1.2.1"):
    return pydicom.dcmread(io.BytesIO(written(dataset, syntax)))


def _implicit(buffer):
    file = pydicom.filebase.DicomFileLike(buffer)
    file.is_implicit_VR, file.is_little_endian = True, True
    return file
