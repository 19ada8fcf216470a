"""`sonoveil keygen`: write a new key file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from config.keys import write_key
from gateway.cli import DONE
from gateway.cli.common import say

if TYPE_CHECKING:
    import argparse


def keygen(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Write a new key: 32 random bytes, mode 0600. An existing file is never overwritten: with another key every "
        "pseudonym, UID and date is another one, and a ledger's sealed columns do not open."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist yet")
    parser.set_defaults(run=_keygen)


def _keygen(options: argparse.Namespace) -> int:
    write_key(options.file)
    say(f"wrote {options.file}; keep a copy in a safe place, for it is what makes pseudonyms repeat")
    say(
        "a new key in the place of an old one changes every pseudonym and UID; see `A new key` in docs/administrator.md"
    )
    return DONE
