"""`sonoveil statement`: what this node says of itself to other people's systems."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from config.load import load_gateway
from gateway.cli import DONE
from gateway.cli.common import add_configuration, say

if TYPE_CHECKING:
    import argparse


def statement(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_configuration(parser)
    parser.set_defaults(run=_statement)


def _statement(options: argparse.Namespace) -> int:
    from gateway.statement import statement as written  # noqa: PLC0415  pynetdicom

    say(written(load_gateway(options.config), version("sonoveil")).rstrip())
    return DONE
