"""The look at the head of a data set: right on everything real, calm on everything else."""

from __future__ import annotations

import random
import warnings
import zlib
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.peek import HEAD_BYTES, Peeked, peek
from tests.peers.raw import explicit, small_object

EXPLICIT, IMPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2", ".1.99"))
CT = "1.2.840.10008.5.1.4.1.1.2"


def _part10_files() -> list[str]:
    found = []
    for path in (Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm"):
        with path.open("rb") as file:
            start = file.read(140)
        if start[128:132] == b"DICM" and start[132:138] == b"\2\0\0\0UL":
            found.append(str(path))
    assert len(found) > 50
    return sorted(found)


@pytest.mark.parametrize("name", _part10_files(), ids=lambda name: Path(name).name)
def test_pydicoms_files_are_seen_as_pydicom_sees_them(name):
    """Class, instance, study, series and patient of every test file with a file meta information."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pydicom.dcmread(name, stop_before_pixels=True)
        wanted = [
            str(expected.get(keyword) or "") or None
            for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID")
        ]
        syntax = str(expected.file_meta.get("TransferSyntaxUID", IMPLICIT))
    content = Path(name).read_bytes()
    data_set = content[144 + int.from_bytes(content[140:144], "little") :]

    seen = peek(data_set[:HEAD_BYTES], syntax)

    assert [
        seen.sop_class_uid,
        seen.sop_instance_uid,
        seen.study_instance_uid,
        seen.series_instance_uid,
        seen.patient_id,
    ] == wanted
    assert seen.readable is (wanted[0] is not None and wanted[1] is not None)


def test_sequences_of_undefined_length_are_stepped_over_however_deep():
    """Items and sequences without length, one in the other, and an unknown one that is implicit inside."""
    item, item_end = b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x0d\xe0\0\0\0\0"
    end = b"\xfe\xff\xdd\xe0\0\0\0\0"
    open_sequence = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
    nested = open_sequence + item + open_sequence + item + explicit(8, 0x1155, "UI", b"9.9") + item_end + end
    nested += item_end + b"\xfe\xff\x00\xe0\x0c\0\0\0" + explicit(8, 0x1155, "UI", b"9.9") + end
    unknown = b"\x09\x00\x10\x10UN\0\0\xff\xff\xff\xff" + item + b"\x08\0\x16\0\x04\0\0\x009.9\0" + item_end + end
    data_set = small_object(CT, "1.2.3")
    at = data_set.index(explicit(0x0010, 0x0010, "PN", b"Planted^Name"))

    seen = peek(data_set[:at] + nested + unknown + data_set[at:], EXPLICIT)

    assert seen == Peeked(
        readable=True,
        sop_class_uid=CT,
        sop_instance_uid="1.2.3",
        study_instance_uid="1.2.3.4.5",
        series_instance_uid="1.2.3.4.5.6",
        patient_id="PLANTED-ID",
    )


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, "1.2.3.4.5"], ids=["right", "implicit", "big", "private"])
def test_a_wrongly_declared_little_endian_data_set_is_still_read(syntax):
    """Careless senders and private syntaxes: both little-endian encodings are tried."""
    assert peek(small_object(CT, "1.2.3"), syntax).sop_instance_uid == "1.2.3"


def test_a_deflated_data_set_is_inflated_and_a_bomb_is_not():
    """Only the head's worth is inflated."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    data_set = small_object(CT, "1.2.3") + explicit(0x7FE1, 0x0010, "OB", bytes(50_000_000))
    bomb = compress.compress(data_set) + compress.flush()

    seen = peek(bomb, DEFLATED)

    assert seen.patient_id == "PLANTED-ID"
    assert not peek(b"\xff\xff\xff", DEFLATED).readable


def test_the_patient_id_is_decoded_as_declared():
    """A Japanese ID is not mangled into another one."""
    data_set = explicit(0x0008, 0x0005, "CS", b"ISO_IR 192") + explicit(0x0010, 0x0020, "LO", "患者1".encode())

    assert peek(data_set, EXPLICIT).patient_id == "患者1"


@given(st.binary(max_size=400), st.sampled_from([EXPLICIT, IMPLICIT, BIG, DEFLATED, "1.2.3"]))
def test_no_bytes_raise(content, syntax):
    """Whatever comes is looked at in peace."""
    peek(content, syntax)


def test_no_damage_to_a_real_data_set_raises():
    """Ten thousand random changes to a real head."""
    content = small_object(CT, "1.2.3")
    chance = random.Random(3)
    for _ in range(10_000):
        damaged = bytearray(content)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        peek(damaged[: chance.randrange(len(damaged))], EXPLICIT)
