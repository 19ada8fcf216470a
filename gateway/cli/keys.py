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
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist yet")
    parser.set_defaults(run=_keygen)


def _keygen(options: argparse.Namespace) -> int:
    write_key(options.file)
    say(f"wrote {options.file}; keep a copy in a safe place, for it is what makes pseudonyms repeat")
    return DONE
