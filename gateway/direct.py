"""A C-STORE as bytes: the request's PDUs from a file as it stands, and the one kind of response that is expected.

Rule of the file: no threads and no association; what is not exactly the expected answer is left to pynetdicom.
"""

from __future__ import annotations

import io
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.commands import C_STORE_RSP, CommandFault, parse_response
from gateway.part10 import NotPart10Error, data_set_offset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PDV_HEADER_BYTES = 6
_PDU_HEADER = struct.Struct(">BxL")
_PDV_HEADER = struct.Struct(">LBB")
_P_DATA_TF = 4
_COMMAND_LAST, _DATA, _DATA_LAST = 3, 0, 2
_WINDOW_BYTES = 1 << 20
"""A file passes through memory in windows of this size."""
_FIRST_BYTES = 1 << 14
"""Read to find the data set; a small object is whole in it."""
_MOST_FRAGMENTS = 256
"""In one call; the system takes 1024 pieces, two for each."""


class Window:
    """Memory through which files pass, one at a time; kept, because fresh memory costs more than copying into it."""

    def __init__(self) -> None:
        self._bytes = bytearray(_FIRST_BYTES)

    def of(self, size: int) -> memoryview:
        """Return memory of this size, its content arbitrary; what was returned before is given up."""
        if len(self._bytes) < size:
            self._bytes = bytearray(size)
        return memoryview(self._bytes)[:size]


class FileFault(Exception):
    """Our own file could not be read as Part 10, or became shorter while it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The data set of an open file.

    Parameters
    ----------
    descriptor
        Of the file.
    offset, size
        Where it begins and how long it is, in bytes.
    content
        The data set itself where the whole file is small and has been read, else empty.
    """

    descriptor: int
    offset: int
    size: int
    content: memoryview


@contextmanager
def data_set_of(path: Path) -> Iterator[DataSet]:
    """Open a Part 10 file.

    Raises
    ------
    FileFault
        It is none, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise FileFault from None
    try:
        yield _located(descriptor)
    finally:
        os.close(descriptor)


def _located(descriptor: int) -> DataSet:
    try:
        head = os.pread(descriptor, _FIRST_BYTES, 0)
        # Each call lets another association's thread in, and waits for it: a small file takes one.
        is_whole = len(head) < _FIRST_BYTES
        size = len(head) if is_whole else os.fstat(descriptor).st_size
        offset = data_set_offset(io.BytesIO(head))
        if offset + 8 > len(head) and not is_whole:  # it may go on behind what was read
            with os.fdopen(os.dup(descriptor), "rb") as file:
                offset = data_set_offset(file)
    except (OSError, NotPart10Error):
        raise FileFault from None
    if offset > size:
        raise FileFault
    content = memoryview(head)[offset:] if is_whole else memoryview(b"")
    return DataSet(descriptor=descriptor, offset=offset, size=size - offset, content=content)


def request_pdus(
    command: bytes, data_set: DataSet, *, context_id: int, pdu_bytes: int, padding: bytes, window: Window
) -> Iterator[list[bytes | memoryview]]:
    """Yield the pieces of a request's PDUs, in lists for one call each; a list is valid until the next one.

    One fragment a PDU, the command set first.

    Parameters
    ----------
    command
        The command set.
    pdu_bytes
        The longest PDU that the peer takes, its header not counted.
    padding
        Put behind a data set of odd length.

    Raises
    ------
    FileFault
        The file became shorter, or cannot be read.
    """
    most = max((pdu_bytes - PDV_HEADER_BYTES) // 2 * 2, 2)  # fragments have even lengths (PS3.8 Annex E)
    pieces: list[bytes | memoryview] = list(_command_pieces(command, context_id, most))
    if data_set.size == 0:
        yield [*pieces, heading(context_id, _DATA_LAST, 0)]
        return
    in_window = min(max(_WINDOW_BYTES // most, 1), _MOST_FRAGMENTS) * most
    whole = heading(context_id, _DATA, most)
    for start in range(0, data_set.size, in_window):
        size = min(in_window, data_set.size - start)
        view = data_set.content[start : start + size]
        if not view:
            view = window.of(size)
            _fill(view, data_set.descriptor, data_set.offset + start)
        is_last = start + size == data_set.size
        for begin in range(0, size, most):
            end = min(begin + most, size)
            if is_last and end == size:
                pad = padding * (data_set.size % 2)
                pieces += (heading(context_id, _DATA_LAST, end - begin + len(pad)), view[begin:end], pad)
            else:
                pieces += (whole, view[begin:end])
        yield pieces
        pieces = []


def _command_pieces(command: bytes, context_id: int, most: int) -> Iterator[bytes]:
    for begin in range(0, len(command), most):
        piece = command[begin : begin + most]
        is_last = begin + most >= len(command)
        yield heading(context_id, _COMMAND_LAST if is_last else 1, len(piece))
        yield piece


def heading(context_id: int, control: int, length: int) -> bytes:
    """Return what stands before a fragment that is alone in its P-DATA-TF, control header included (PS3.8 E.2)."""
    return _PDU_HEADER.pack(_P_DATA_TF, length + PDV_HEADER_BYTES) + _PDV_HEADER.pack(length + 2, context_id, control)


def _fill(view: memoryview, descriptor: int, offset: int) -> None:
    count = 0
    while count < len(view):
        try:
            read = os.preadv(descriptor, [view[count:]], offset + count)
        except OSError:
            raise FileFault from None
        if not read:
            raise FileFault
        count += read


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAnswer:
    """The response to a C-STORE."""

    message_id: int
    status: int


def store_answer(pdu: bytes, context_ids: frozenset[int]) -> StoreAnswer | None:
    """Read a C-STORE response that is alone and whole in its P-DATA-TF; None for whatever else it is.

    Parameters
    ----------
    context_ids
        Those on which one is waited for.
    """
    header = _PDU_HEADER.size + PDV_HEADER_BYTES
    if len(pdu) < header or pdu[0] != _P_DATA_TF:
        return None
    length, context_id, control = _PDV_HEADER.unpack_from(pdu, _PDU_HEADER.size)
    if length != len(pdu) - _PDU_HEADER.size - 4 or control & 3 != _COMMAND_LAST or context_id not in context_ids:
        return None
    try:
        response = parse_response(pdu[header:])
    except CommandFault:
        return None
    if response.field != C_STORE_RSP or response.has_data_set:
        return None
    if response.responded_id is None or response.status is None:
        return None
    return StoreAnswer(message_id=response.responded_id, status=response.status)
