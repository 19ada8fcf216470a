"""The command line: commands, arguments, exit codes; no logic.

Exit codes: 0 done, 1 something was held or failed, 2 usage or configuration. Each command is a module here with
`add(subparsers)` and a function that takes the parsed arguments and returns the exit code. Modules are imported as
commands need them: `sonoveil status` must not wait for models to be imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from config.load import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, HELD_OR_FAILED, USAGE = 0, 1, 2

_COMMANDS = (
    "gateway.cli.serve",
    "gateway.cli.keys",
    "gateway.cli.check",
    "gateway.cli.accounts",
    "gateway.cli.review",
    "gateway.cli.models",
)


class UsageError(Exception):
    """The command cannot be carried out as written; the text says what to write instead."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.umask(0o077)
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
    except UsageError as error:
        sys.stderr.write(f"sonoveil: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("sonoveil: interrupted\n")
        return HELD_OR_FAILED
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sonoveil",
        description="A DICOM node that de-identifies what passes through it.",
        epilog="Exit codes: 0 done, 1 something was held or failed, 2 usage or configuration.",
    )
    parser.add_argument("--version", action="version", version=version("sonoveil"))
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in _COMMANDS:
        import_module(name).add(subparsers)
    return parser
