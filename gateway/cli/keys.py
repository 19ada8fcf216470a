"""`sonoveil keygen`: write a new key file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from config.load import write_key
from gateway.cli import DONE
from gateway.cli.common import say

if TYPE_CHECKING:
    import argparse


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("keygen", help="write a new key file (32 random bytes, mode 0600)")
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist yet")
    parser.set_defaults(run=_keygen)


def _keygen(options: argparse.Namespace) -> int:
    write_key(options.file)
    say(f"wrote {options.file}; keep a copy in a safe place, for it is what makes pseudonyms repeat")
    return DONE
