"""What several commands share: the configuration argument, the running node's ledger, one JSON object on request."""

from __future__ import annotations

import dataclasses
import getpass
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.load import load_gateway
from gateway.cli import UsageError
from gateway.database import Database, LedgerError
from gateway.spool import Spool

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from config.schema import GatewayConfig

DEFAULT_CONFIGURATION = Path("/etc/sonoveil/gateway.yaml")


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add `-c FILE`."""
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        default=DEFAULT_CONFIGURATION,
        metavar="FILE",
        help=f"gateway.yaml (default: {DEFAULT_CONFIGURATION})",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


@contextmanager
def open_ledger(options: argparse.Namespace) -> Iterator[tuple[GatewayConfig, Database, Spool]]:
    """Give configuration, ledger and spool of the node that the arguments name; it may be running."""
    config = load_gateway(options.config)
    spool = Spool(config.storage.path)
    try:
        database = Database.open(spool.ledger_path)
    except LedgerError as error:
        raise UsageError(str(error)) from None
    try:
        yield config, database, spool
    finally:
        database.close()


def actor() -> str:
    """Return who types: the login name, for the audit."""
    return f"user:{getpass.getuser()}"[:64]


def print_json(value: Any) -> None:
    """Print one JSON object."""
    json.dump(value, sys.stdout, indent=2, default=_plain)
    sys.stdout.write("\n")


def say(line: str = "") -> None:
    """Print a line for a person."""
    sys.stdout.write(f"{line}\n")


def complain(line: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"{line}\n")


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)
