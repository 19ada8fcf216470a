"""Source identifiers in the ledger: keyed hashes to find them by, and authenticated ciphertext to read them back.

Subkeys come from the site's key by HKDF (RFC 5869), so the ledger's are of no use to anything else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONCE_BYTES = 12


class SealBrokenError(Exception):
    """The ciphertext was altered, or another key sealed it."""


def _subkey(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sonoveil ledger " + purpose.encode()).derive(key)


class Sealer:
    """Hides and finds source identifiers of one site.

    Parameters
    ----------
    key
        The site's key, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._index_key = _subkey(key, "index")
        self._cipher = AESGCM(_subkey(key, "seal"))

    def index(self, kind: str, value: str) -> bytes:
        """Return the 32-byte keyed hash under which a value of that kind is found again."""
        return hmac.digest(self._index_key, f"{kind}\0{value}".encode(), hashlib.sha256)

    def seal(self, identifiers: Mapping[str, Any], *, token: str) -> bytes:
        """Return nonce and AES-GCM ciphertext of the identifiers, bound to the row's token."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(dict(identifiers)).encode(), token.encode())

    def unseal(self, sealed: bytes, *, token: str) -> dict[str, Any]:
        """Return the identifiers.

        Raises
        ------
        SealBrokenError
            When the bytes or the token were altered, or the key is another one.
        """
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], token.encode())
        except InvalidTag:
            raise SealBrokenError("sealed identifiers do not open with this key") from None
        identifiers: dict[str, Any] = json.loads(plain)
        return identifiers
