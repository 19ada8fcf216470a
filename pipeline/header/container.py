"""Write a scrubbed data set as a Part 10 file whose preamble and file meta information are our own.

Rule of the file: nothing of the source's container is copied, so nothing can hide in it: the preamble is zero, the
meta group names the class, the instance, the syntax and this product (PS3.10 7.1), and nothing follows the data set.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from pipeline.header.decoding import silent_decoding
from pipeline.header.marks import product_version

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

IMPLEMENTATION_CLASS_UID = "2.25.204276652994048428985906809905250473006"
"""Of Sonoveil, all versions; a random UUID (PS3.5 B.2)."""
_LONGEST_VERSION_NAME = 16
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
    """Write the same to an open binary file, which stays open and is not synced; `dataset.file_meta` is replaced."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = f"SONOVEIL_{product_version()}"[:_LONGEST_VERSION_NAME]
    dataset.file_meta = meta
    dataset.preamble = bytes(128)
    with silent_decoding():  # pydicom's warnings quote values
        dcmwrite(file, dataset, enforce_file_format=True)
