"""Files that only their owner may read: the key, and the steward's table of pseudonyms.

Rule of the file: looked at through one descriptor, so that what was checked is what is read; no content in any error.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class PrivateFileError(ValueError):
    """Why a confidential file cannot be used; the text never holds any of it."""


def open_private(path: Path, *, what: str) -> int:
    """Return a descriptor of a regular file that group and others cannot use; the caller closes it.

    Parameters
    ----------
    what
        How the errors call the file, such as `the key file`.

    Raises
    ------
    FileNotFoundError
        There is none.
    PrivateFileError
        It cannot be read, is no regular file, or others can use it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PrivateFileError(f"{what} cannot be read: {error.strerror}") from None
    try:
        _check(os.fstat(descriptor), path, what)
    except PrivateFileError:
        os.close(descriptor)
        raise
    return descriptor


def _check(status: os.stat_result, path: Path, what: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise PrivateFileError(f"{what} is no file")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(status.st_mode)
        raise PrivateFileError(f"others can use {what} (mode {mode:04o}); run `chmod 600 {path}`")
