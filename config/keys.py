"""The site's key: 32 random bytes in a file that only its owner can read.

Rule of the file: a key is read when it is needed, is never part of the configuration, and is never overwritten.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from config.private_files import PrivateFileError, open_private
from config.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32


class KeyUnusableError(ValueError):
    """Why a key file cannot be used; the text never holds any of the key."""


def read_key(path: Path) -> bytes:
    """Return the 32 bytes of a key file.

    Raises
    ------
    ConfigurationError
        It is missing, not readable, readable by group or others, or not 32 bytes long.
    """
    try:
        return checked_key(path)
    except KeyUnusableError as error:
        raise ConfigurationError((Problem(file=path, line=0, message=str(error)),)) from None


def checked_key(path: Path) -> bytes:
    """Return the 32 bytes of a key file.

    Raises
    ------
    KeyUnusableError
        As `read_key`, for callers who know a better place to report.
    """
    try:
        descriptor = open_private(path, what="the key file")
    except FileNotFoundError:
        raise KeyUnusableError(f"the key file does not exist; make one with `sonoveil keygen {path}`") from None
    except PrivateFileError as error:
        raise KeyUnusableError(str(error)) from None
    try:
        return _content(descriptor)
    finally:
        os.close(descriptor)


def write_key(path: Path) -> None:
    """Write a new key: 32 random bytes, mode 0600, durable when this returns.

    Raises
    ------
    ConfigurationError
        The file exists, or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        message = "exists already, and a key is never overwritten: every pseudonym would change"
        raise ConfigurationError((Problem(file=path, line=0, message=message),)) from None
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        _fill(descriptor)
        _sync_folder(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unwritten(path, error) from None


def _fill(descriptor: int) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(secrets.token_bytes(KEY_BYTES))
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritten(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError((Problem(file=path, line=0, message=f"cannot be written: {error.strerror}"),))


def _content(descriptor: int) -> bytes:
    content = os.read(descriptor, KEY_BYTES + 1)
    size = os.fstat(descriptor).st_size
    if len(content) != KEY_BYTES or size != KEY_BYTES:
        raise KeyUnusableError(
            f"the key file holds {size} bytes instead of {KEY_BYTES} raw bytes; make a new file with `sonoveil keygen`"
        )
    return content
