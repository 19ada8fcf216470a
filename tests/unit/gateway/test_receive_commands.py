"""Command sets and Part 10 heads: what pynetdicom and pydicom read is what was meant."""

from __future__ import annotations

import io
import struct

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from gateway import part10
from gateway.commands import Command, CommandFault, parse_command, store_request, store_response
from gateway.statuses import Status

CT = "1.2.840.10008.5.1.4.1.1.2"


def _decoded(command: bytes) -> pydicom.Dataset:
    return read_dataset(io.BytesIO(command), is_implicit_VR=True, is_little_endian=True)


def test_a_request_is_what_the_standard_asks_for():
    """PS3.7 Table 9.3-1, read back by another implementation."""
    decoded = _decoded(store_request(message_id=7, sop_class_uid=CT, sop_instance_uid="1.2.3"))

    assert (decoded.AffectedSOPClassUID, decoded.AffectedSOPInstanceUID) == (CT, "1.2.3")
    assert (decoded.CommandField, decoded.MessageID, decoded.Priority, decoded.CommandDataSetType) == (1, 7, 0, 1)
    assert (
        decoded.CommandGroupLength == len(store_request(message_id=7, sop_class_uid=CT, sop_instance_uid="1.2.3")) - 12
    )


@pytest.mark.parametrize("comment", ["", "odd", "even", "x" * 100])
def test_a_response_is_what_the_standard_asks_for(comment):
    """PS3.7 Table 9.3-2; an Error Comment has at most 64 characters."""
    encoded = store_response(
        message_id=9, sop_class_uid=CT, sop_instance_uid=None, status=Status.OUT_OF_RESOURCES, comment=comment
    )
    decoded = _decoded(encoded)

    assert (decoded.CommandField, decoded.MessageIDBeingRespondedTo, decoded.Status) == (0x8001, 9, 0xA700)
    assert decoded.CommandDataSetType == 0x0101
    assert "AffectedSOPInstanceUID" not in decoded
    assert decoded.get("ErrorComment", "") == comment[:64]
    assert len(encoded) % 2 == 0


def test_a_request_is_read_back():
    """What we write we understand."""
    command = parse_command(store_request(message_id=65_535, sop_class_uid=CT, sop_instance_uid="1.2.34"))

    assert command == Command(
        field=1, message_id=65_535, sop_class_uid=CT, sop_instance_uid="1.2.34", has_data_set=True, event_type=None
    )


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\0\0\0",
        struct.pack("<HHL", 0, 0x0100, 2),
        struct.pack("<HHLH", 8, 0x0016, 2, 1),
        struct.pack("<HHLL", 0, 0x0100, 4, 1),
    ],
    ids=["nothing", "cut", "value missing", "other group", "field of four bytes"],
)
def test_what_is_no_command_is_a_fault(encoded):
    """Bytes that cannot be followed are named so."""
    with pytest.raises(CommandFault):
        parse_command(encoded)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(encoded):
    """A command or a `CommandFault`."""
    try:
        parse_command(encoded)
    except CommandFault:
        return


def test_a_head_is_part_10_and_its_end_is_found_again():
    """Pydicom reads it, and the data set begins where it ends; the peer's AE title is not in it."""
    head = part10.head(sop_class_uid=CT, sop_instance_uid="1.2.345", transfer_syntax_uid="1.2.840.10008.1.2.1")
    data_set = b"\x08\x00\x60\x00CS\x02\x00CT"

    read = pydicom.dcmread(io.BytesIO(head + data_set))

    assert head[:128] == bytes(128)
    assert read.Modality == "CT"
    assert read.file_meta.MediaStorageSOPClassUID == CT
    assert read.file_meta.MediaStorageSOPInstanceUID == "1.2.345"
    assert "SourceApplicationEntityTitle" not in read.file_meta
    assert part10.data_set_offset(io.BytesIO(head + data_set)) == len(head)


def test_a_data_set_is_found_without_a_group_length_and_behind_long_elements():
    """Foreign files: private information in the meta group, no (0002,0000)."""
    meta = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0" + b"\x02\x00\x02\x01OB\0\0\x06\0\0\0secret"
    content = bytes(128) + b"DICM" + meta + b"\x08\x00\x60\x00CS\x02\x00CT"

    assert content[part10.data_set_offset(io.BytesIO(content)) :] == b"\x08\x00\x60\x00CS\x02\x00CT"


@pytest.mark.parametrize(
    "content",
    [b"", b"DICM", bytes(132), bytes(128) + b"DICM" + b"\x02\x00\x02\x01OB\0\0\xff\xff\xff\xff"],
    ids=["empty", "short", "no prefix", "endless element"],
)
def test_what_is_no_part_10_is_named_so(content):
    """No guess about where a data set might begin."""
    with pytest.raises(part10.NotPart10Error):
        part10.data_set_offset(io.BytesIO(content))
