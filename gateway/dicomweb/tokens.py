"""Bearer tokens in memory: read again when their files change, compared in constant time.

Rule of the file: a token is returned only to be shown to the service that it is for; no error and no log holds one.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from typing import TYPE_CHECKING

from config.tokens import TokenUnusableError, read_token
from gateway import log

if TYPE_CHECKING:
    from pathlib import Path

_SCHEME = "bearer "


class TokenFile:
    """A token that follows its file. For several threads.

    Parameters
    ----------
    path
        The file. One that cannot be used any more leaves the token that was read last in force.

    Raises
    ------
    config.tokens.TokenUnusableError
        It cannot be used now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp = self._stamped()
        self._token = read_token(path)

    def current(self) -> str:
        """Return the token."""
        with self._lock:
            stamp = self._stamped()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._token = read_token(self._path)
                except TokenUnusableError:
                    log.event("token_unusable")
                else:
                    log.event("token_renewed")
            return self._token

    def is_shown_by(self, authorization: str | None) -> bool:
        """Tell whether an Authorization header shows the token, in a time that does not depend on how much of it."""
        scheme, shown = (authorization or "")[: len(_SCHEME)], (authorization or "")[len(_SCHEME) :].strip()
        same = hmac.compare_digest(_digest(shown), _digest(self.current()))
        return same and scheme.lower() == _SCHEME

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return (status.st_ino, status.st_mtime_ns, status.st_size)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("latin-1", "replace")).digest()
