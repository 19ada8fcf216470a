"""Safe private attributes with any bytes as values: never an error, never an identifier, the same twice."""

import io

import pydicom
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from pipeline.header.decoding import silent_decoding
from pipeline.header.private.safe import safe_attributes
from tests.factories.headers import minimal, scrubbed, written
from tests.factories.private import SAFE, private_of
from tests.factories.search import find_planted

NAME = "QUAVORZIBLEK"
NUMBER = "483920175"
SECRETS = [f" {text} ".encode(codec) for text in (NAME, NUMBER) for codec in ("ascii", "utf-16-le", "utf-16-be")]
"""Between blanks: in bytes only a whole token counts."""
KEYS = sorted(safe_attributes())
VRS = [None, "UN", "OB", "OW", "LO", "SH", "LT", "CS", "DS", "IS", "FL", "FD", "US", "SS", "UL", "SL", "UI", "SQ", "PN"]


@st.composite
def values(draw):
    """Draw bytes that often hold a secret, a number, or the start of an item."""
    part = st.one_of(
        st.binary(max_size=6),  # shorter than a secret: hypothesis draws from a module's constants too
        st.sampled_from(
            [*SECRETS, b"\\", b"1.5", b"\xfe\xff\x00\xe0\x08\0\0\0", b"\x10\0\x10\0\x04\0\0\0", b" ", b"^"]
        ),
    )
    return b"".join(draw(st.lists(part, min_size=1, max_size=4)))


@st.composite
def objects(draw):
    """Draw an object with up to five elements of known creators, as they come raw from a file."""
    dataset = minimal(PatientName=f"{NAME}^ANNA", PatientID=NUMBER)
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=5, unique_by=lambda key: key.group)):
        dataset.add_new((key.group, 0x10), "LO", key.creator)
        tag, value, vr = BaseTag(key.group << 16 | 0x1000 | key.element), draw(values()), draw(st.sampled_from(VRS))
        little = vr is None or draw(st.booleans())
        dataset._dict[tag] = RawDataElement(
            tag, vr, len(value), value, 0, vr is None, little
        )  # as a file is read: nothing decodes it
    return dataset


@settings(max_examples=300, deadline=None)
@given(source=objects())
def test_any_bytes_are_scrubbed_without_an_error_and_hold_no_identifier(source):
    """Whatever VR they come with, in either byte order; the result is readable, and scrubbed again the same."""
    result = scrubbed(source, SAFE)

    with silent_decoding():
        raw = written(result.dataset)
        assert not find_planted(raw, (NAME, NUMBER))
        again = pydicom.dcmread(io.BytesIO(raw))
        assert result.identifiers.in_dataset(again) == ()
        once = {key: (vr, str(value)) for key, (vr, value) in private_of(result.dataset).items() if vr != "UI"}
        twice = private_of(scrubbed(again, SAFE).dataset)
        assert {key: (vr, str(value)) for key, (vr, value) in twice.items() if vr != "UI"} == once
