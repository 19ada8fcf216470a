"""Bearer tokens in files of their owner: of DICOMweb services that we call, and of those who call ours (RFC 6750).

Rule of the file: a token is never part of the configuration, of an error or of a log; it is read where it is compared
or shown.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any

from config.private_files import PrivateFileError, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from config.problems import Place

_LONGEST = 8_000
"""Longer ones do not fit into the head of a request everywhere."""
_SHORTEST_OF_CALLERS = 32
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


class TokenUnusableError(ValueError):
    """Why a token's file cannot be used; the text never holds any of it."""


def read_token(path: Path) -> str:
    """Return the token in a file that only its owner may read; white space around it does not count.

    Raises
    ------
    TokenUnusableError
        There is none, others can read it, or it holds no token.
    """
    try:
        descriptor = open_private(path, what="the token file")
    except FileNotFoundError:
        raise TokenUnusableError(
            f"there is no file {path}; make a token with `(umask 077; openssl rand -hex 32 >FILE)`, or write down the "
            "one that you were given"
        ) from None
    except PrivateFileError as error:
        raise TokenUnusableError(str(error)) from None
    try:
        content = os.read(descriptor, _LONGEST + 1)
    finally:
        os.close(descriptor)
    token = content.decode("ascii", "replace").strip()
    if len(content) > _LONGEST or not _TOKEN.fullmatch(token):
        raise TokenUnusableError(
            "the file holds no bearer token; write one line of A-Z a-z 0-9 . _ ~ + / - and = at its end"
        )
    return token


def check_token_files(raw: Mapping[str, Any], folder: Path) -> Iterator[tuple[Place, str]]:
    """Yield the place and wording of every token file that cannot be used.

    Parameters
    ----------
    raw
        The values of `gateway.yaml`; what has the wrong type is reported by the models.
    folder
        Where relative paths lie.
    """
    nodes = raw.get("nodes")
    shown: dict[bytes, str] = {}
    for name, node in nodes.items() if isinstance(nodes, dict) else ():
        for key in ("token_file", "caller_token_file"):
            written = node.get(key) if isinstance(node, dict) else None
            if not isinstance(written, str) or not written.strip() or re.match(r"~|[a-z0-9+]+://", written):
                continue
            place = ("nodes", name, key)
            try:
                token = read_token(folder / written)
            except (TokenUnusableError, ValueError, OSError) as error:
                yield place, str(error) if isinstance(error, TokenUnusableError) else "it cannot be read"
                continue
            if key == "caller_token_file":
                yield from _faults_of_caller(place, token, name, shown)


def _faults_of_caller(place: Place, token: str, name: str, shown: dict[bytes, str]) -> Iterator[tuple[Place, str]]:
    if len(token) < _SHORTEST_OF_CALLERS:
        yield place, f"a token of fewer than {_SHORTEST_OF_CALLERS} characters can be guessed; make a longer one"
    other = shown.setdefault(hashlib.sha256(token.encode()).digest(), name)
    if other != name:
        yield place, f"node `{other}` shows the same token, so a caller cannot be told apart"
