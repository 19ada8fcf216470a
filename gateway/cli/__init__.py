"""The command line: commands, arguments, exit codes; no logic.

Exit codes: 0 done, 1 something was held or failed, 2 usage or configuration. A command is a function that is given
its parser, adds its arguments and sets `run`, which takes the parsed arguments and returns the exit code. Only the
module of the command that was typed is imported: `sonoveil status` must not wait for models.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from config.problems import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, HELD_OR_FAILED, USAGE = 0, 1, 2

COMMANDS = {
    "serve": ("gateway.cli.serve:serve", "run the node until SIGTERM, drain, exit 0"),
    "keygen": ("gateway.cli.keys:keygen", "write a new key file (32 random bytes, mode 0600)"),
    "check": ("gateway.cli.check:check", "validate configuration, models and disk, and C-ECHO every node"),
    "deid": ("gateway.cli.deid:deid", "the same pipeline on files and folders"),
    "profile": ("gateway.cli.profiles:profile", "profiles: ls, show, diff, import from CTP or pydicom/deid"),
    "pull": ("gateway.cli.pull:pull", "fetch studies from a PACS: C-FIND, C-MOVE or C-GET, resumable lists"),
    "status": ("gateway.cli.accounts:status", "what is where: counts per state, per target, disk"),
    "reconcile": ("gateway.cli.reconciling:account", "prove that nothing acknowledged is lost; exit 1 otherwise"),
    "audit": ("gateway.cli.audit:audit", "who did what: verify the chain, export as DICOM Audit Messages"),
    "held": ("gateway.cli.review:held", "the review queue: ls, show, release, reject"),
    "retry": ("gateway.cli.review:retry", "try again now: the pipeline of a held instance, or deliveries"),
    "withdraw": ("gateway.cli.withdraw:withdraw", "consent withdrawn: cancel, delete, list what was sent"),
    "crosswalk": ("gateway.cli.crosswalk:crosswalk", "re-identification: export, lookup; needs the key, audited"),
    "statement": ("gateway.cli.statement:statement", "print the DICOM conformance statement and the AE worksheet"),
    "models": ("gateway.cli.models:models", "the model catalogue: ls, verify, bench, export"),
}
"""Name to (module:function, one line of help)."""


class UsageError(Exception):
    """The command cannot be carried out as written; the text says what to write instead."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.umask(0o077)
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(chosen=next((word for word in arguments if not word.startswith("-")), None)).parse_args(arguments)
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


def parser(*, chosen: str | None) -> argparse.ArgumentParser:
    """Return the parser; only the chosen command has its arguments."""
    whole = argparse.ArgumentParser(
        prog="sonoveil",
        description="A DICOM node that de-identifies what passes through it.",
        epilog="Exit codes: 0 done, 1 something was held or failed, 2 usage or configuration.",
    )
    whole.add_argument("--version", action="version", version=version("sonoveil"))
    subparsers = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (place, text) in COMMANDS.items():
        command = subparsers.add_parser(name, help=text, description=text)
        if name == chosen:
            module, _, function = place.partition(":")
            getattr(import_module(module), function)(command)
    return whole
