"""A planted data set → a file: preamble, file meta information, byte order, and what stands behind the data set.

Rule of the file: what stands in the container is planted here, whatever the kind of object.
"""

from __future__ import annotations

import copy
import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import UID

from tests.factories.corpus.pixels import BIG_ENDIAN, IMPLICIT
from tests.factories.planted import UID_ROOT

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from tests.factories.corpus.plants import Plants

_WORDS = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}


def file_of(dataset: Dataset, syntax: str, plants: Plants) -> bytes:
    """Return a Part 10 file with plants in preamble, file meta information and behind the data set."""
    dataset.file_meta = _file_meta(dataset, syntax, plants)
    dataset.preamble = f"II*\0 {plants.container('preamble')}".encode().ljust(128, b"\0")
    buffer = io.BytesIO()
    dcmwrite(buffer, _in_byte_order(dataset, syntax), enforce_file_format=True)
    if syntax.endswith(".99"):
        return buffer.getvalue()  # whatever followed would be part of the deflated stream
    return buffer.getvalue() + _behind(syntax, plants)


def bare_data_set(dataset: Dataset, syntax: str) -> bytes:
    """Return the data set alone, without preamble and file meta information, as old archives have it."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = syntax == IMPLICIT, syntax != BIG_ENDIAN
    write_dataset(buffer, _in_byte_order(dataset, syntax))
    return buffer.getvalue()


def _file_meta(dataset: Dataset, syntax: str, plants: Plants) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = f"{UID_ROOT}.1"
    meta.ImplementationVersionName = plants.container("Implementation Version Name")
    meta.SourceApplicationEntityTitle = plants.container("Source Application Entity Title").upper()
    meta.SendingApplicationEntityTitle = plants.container("Sending Application Entity Title").upper()
    meta.ReceivingApplicationEntityTitle = plants.container("Receiving Application Entity Title").upper()
    meta.PrivateInformationCreatorUID = plants.instance_uid("Private Information Creator UID")
    meta.PrivateInformation = plants.container("Private Information").encode().ljust(16)
    return meta


def _in_byte_order(dataset: Dataset, syntax: str) -> Dataset:
    """Return the data set with the words of binary values in the order of the syntax; pydicom does not turn them."""
    if syntax != BIG_ENDIAN:
        return dataset
    swapped = copy.deepcopy(dataset)
    for element in swapped.iterall():
        size = _WORDS.get(element.VR)
        if size and isinstance(element.value, bytes) and len(element.value) % size == 0:
            element.value = np.frombuffer(element.value, dtype=f"u{size}").byteswap().tobytes()
    return swapped


def _behind(syntax: str, plants: Plants) -> bytes:
    """Return Data Set Trailing Padding (FFFC,FFFC) and bytes that belong to no element."""
    padding = plants.in_table("Data Set Trailing Padding").encode().ljust(32, b"\0")
    order = ">" if syntax == BIG_ENDIAN else "<"
    if syntax == IMPLICIT:
        header = struct.pack("<HHL", 0xFFFC, 0xFFFC, len(padding))
    else:
        header = struct.pack(f"{order}HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, len(padding))
    return header + padding
