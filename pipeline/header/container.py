"""Write a scrubbed data set as a Part 10 file whose preamble and file meta information are our own.

Rule of the file: nothing of the source's container is copied, so nothing can hide in it: the preamble is zero, the
meta group names the class, the instance, the syntax and this product (PS3.10 7.1), and nothing follows the data set.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO

from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from pipeline.header.decoding import silent_decoding
from pipeline.header.encoding import encode_dataset
from pipeline.header.marks import product_version

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

IMPLEMENTATION_CLASS_UID = "2.25.204276652994048428985906809905250473006"
"""Of Sonoveil, all versions; a random UUID (PS3.5 B.2)."""
_LONGEST_VERSION_NAME = 16
_LAST_META_GROUP = 0x0002
_OWNER_ONLY = 0o600


def write_part10(dataset: Dataset, path: Path, transfer_syntax_uid: str) -> None:
    """Write a new Part 10 file and make its bytes durable; the folder entry is the caller's to sync.

    Sequences and items get explicit lengths; whatever byte order or compression the data set was read from does not
    matter, its values are encoded anew. Pixel data must already be in `transfer_syntax_uid`.

    Parameters
    ----------
    path
        Must not exist; is created with mode 0600 and removed again if writing fails.
    transfer_syntax_uid
        Of the result.

    Raises
    ------
    FileExistsError
        `path` exists.
    OSError
        The disk is full or broken.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write_part10_to(file, dataset, transfer_syntax_uid)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)  # half an object must not be taken for one
        raise


def write_part10_to(file: BinaryIO, dataset: Dataset, transfer_syntax_uid: str) -> None:
    """Write the same to an open binary file, which stays open and is not synced."""
    class_uid, instance_uid = str(dataset.SOPClassUID), str(dataset.SOPInstanceUID)
    if not class_uid or not instance_uid:
        raise ValueError("the data set names no SOP class or instance")
    if any(tag.group <= _LAST_META_GROUP for tag in dataset.keys()):  # noqa: SIM118  iterating a Dataset decodes
        raise ValueError("the data set holds elements of a command or of the file meta information")
    syntax = UID(transfer_syntax_uid)
    with silent_decoding():  # pydicom's warnings quote values
        content = _encoded(dataset, syntax)
    file.write(bytes(128) + b"DICM" + _meta(class_uid, instance_uid, str(syntax)))
    file.writelines(content)


def _encoded(dataset: Dataset, syntax: UID) -> list[bytes]:
    if syntax == ExplicitVRBigEndian:
        return [_big_endian(dataset)]
    pieces = encode_dataset(dataset, implicit_vr=syntax == ImplicitVRLittleEndian)
    return [_deflated(pieces)] if syntax == DeflatedExplicitVRLittleEndian else pieces


def _big_endian(dataset: Dataset) -> bytes:
    for _element in dataset.iterall():
        pass  # what still stands as little-endian bytes is decoded, so that it is encoded anew
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = False, False
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def _deflated(pieces: list[bytes]) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = b"".join([*(compressor.compress(piece) for piece in pieces), compressor.flush()])
    return content + b"\0" * (len(content) % 2)


def _meta(class_uid: str, instance_uid: str, syntax_uid: str) -> bytes:
    elements = b"".join(
        (
            struct.pack("<HH2sHL", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1",
            _meta_text(0x0002, "UI", class_uid),
            _meta_text(0x0003, "UI", instance_uid),
            _meta_text(0x0010, "UI", syntax_uid),
            _meta_text(0x0012, "UI", IMPLEMENTATION_CLASS_UID),
            _meta_text(0x0013, "SH", f"SONOVEIL_{product_version()}"[:_LONGEST_VERSION_NAME]),
        )
    )
    return struct.pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(elements)) + elements


def _meta_text(element: int, vr: str, text: str) -> bytes:
    value = text.encode("ascii")
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, element, vr.encode("ascii"), len(value)) + value
