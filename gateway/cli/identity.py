"""What the commands about identity share: the node's ledger together with the key that opens what is sealed in it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from config.load import read_key
from gateway.cli import UsageError
from gateway.cli.common import actor, open_ledger

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from config.schema import GatewayConfig
    from gateway.crosswalk import Crosswalk
    from gateway.database import Database
    from gateway.spool import Spool
    from gateway.subjects import Subjects

STDIN = "- reads it from standard input, so that it stands neither in the list of processes nor in the shell's history"


def given(value: str | None) -> str | None:
    """Return an argument, from standard input where it is `-`."""
    if value is None:
        return None
    value = (sys.stdin.readline() if value == "-" else value).strip(" \t\r\n\0")
    if not value:
        raise UsageError("an empty ID or UID is nobody's")
    return value


class IdentityNode:
    """Ledger, spool and key of the node that the arguments name."""

    def __init__(
        self, config: GatewayConfig, database: Database, spool: Spool, *, subjects: Subjects, key: bytes
    ) -> None:
        self.config = config
        self.database = database
        self.spool = spool
        self.subjects = subjects
        self._key = key

    def crosswalk(self) -> Crosswalk:
        """Return the way into the node's crosswalk."""
        from gateway.crosswalk import Crosswalk  # noqa: PLC0415  as above

        return Crosswalk(self.database, self.subjects, key=self._key, actor=actor())


@contextmanager
def open_identity(options: argparse.Namespace) -> Iterator[IdentityNode]:
    """Give the node that the arguments name, once its key is known to be the ledger's."""
    from gateway.crosswalk import OtherKeyError  # noqa: PLC0415  as above
    from gateway.ledger import Ledger  # noqa: PLC0415  as above
    from gateway.sealing import SealBrokenError, Sealer  # noqa: PLC0415  as above
    from gateway.subjects import Subjects  # noqa: PLC0415  as above

    with open_ledger(options) as (config, database, spool):
        key = read_key(config.secrets.key_file)
        sealer = Sealer(key)
        newest = Ledger(database, replace_duplicates=False).newest_seal()
        try:
            if newest is not None:
                sealer.unseal(newest[1], token=newest[0])
            yield IdentityNode(config, database, spool, subjects=Subjects.of(config, sealer), key=key)
        except (SealBrokenError, OtherKeyError):
            raise UsageError("secrets.key_file is not the key that sealed this ledger: bring that key back") from None
