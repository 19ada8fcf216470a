"""`sonoveil audit`: verify the chain, and write the audit out as DICOM Audit Messages."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gateway.audit_chain import verify
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import actor, add_configuration, add_json, complain, open_ledger, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from config.schema import GatewayConfig
    from gateway.database import Database

_SHA256_BYTES = 32


def audit(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    commands = parser.add_subparsers(required=True, metavar="verify|export")
    verifying = commands.add_parser(
        "verify",
        help="verify the hash chain; exit 1 and the first broken row where it does not hold",
        description="Note the last row's number and hash elsewhere: a chain that was written anew does not have them.",
    )
    add_configuration(verifying)
    add_json(verifying)
    verifying.add_argument("--noted", type=_noted, metavar="N:SHA256", help="what an earlier `verify` printed as last")
    verifying.set_defaults(run=_verify)
    export = commands.add_parser(
        "export",
        help="write DICOM Audit Messages (PS3.15 A.5), one a line, to a new file",
        description="One XML message a line, UTF-8, oldest first. What they tell of patients: `audit.participants`.",
    )
    add_configuration(export)
    add_json(export)
    export.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="a new file, mode 0600; - is the terminal"
    )
    export.add_argument(
        "--after", type=int, default=0, metavar="N", help="only rows with a greater number (default: 0)"
    )
    export.set_defaults(run=_export)


def _noted(written: str) -> tuple[int, bytes]:
    number, _, digest = written.partition(":")
    try:
        noted = int(number), bytes.fromhex(digest)
    except ValueError:
        noted = 0, b""
    if noted[0] < 1 or len(noted[1]) != _SHA256_BYTES:
        raise argparse.ArgumentTypeError("write a row's number, a colon and its SHA-256, as `verify` prints them")
    return noted


def _verify(options: argparse.Namespace) -> int:
    with open_ledger(options) as (_, database, _spool):
        chain = verify(database, noted=options.noted)
    last = f"{chain.last_id}:{chain.last_sha256.hex()}"
    if options.json:
        print_json({"holds": chain.holds, "rows": chain.rows, "last": last, "broken": chain.broken_id})
    else:
        say(f"{chain.rows} rows hold; the last is {last}")
    if chain.broken_id is not None:
        complain(f"audit_chain_broken: audit {chain.broken_id}")
    return DONE if chain.holds else HELD_OR_FAILED


def _export(options: argparse.Namespace) -> int:
    if options.json and options.output == "-":
        raise UsageError("--json and the messages cannot both go to the terminal: write -o FILE")
    with open_ledger(options) as (config, database, _):
        # Before anything is written: who is cut off has looked as well.
        with database.write() as connection:
            detail = {"first": options.after + 1}
            database.append_audit(connection, actor=actor(), action="audit_export", instance_id=None, detail=detail)
        try:
            with _opened(options.output) as file:
                count, last = _write(config, database, file, after=options.after)
        except OSError as error:
            raise UsageError(f"{options.output}: {error.strerror}") from None
    if options.json:
        print_json({"messages": count, "last": last})
    elif options.output != "-":
        say(f"{count} messages in {options.output}; the last is of audit row {last}")
    return DONE


def _write(config: GatewayConfig, database: Database, file: BinaryIO, *, after: int) -> tuple[int, int]:
    from gateway.audit_messages import Messages  # noqa: PLC0415  only where it is asked for

    count, last = 0, after
    for message in Messages(config, hostname=socket.gethostname()).after(database, after):
        file.write(message.xml + b"\n")
        count, last = count + 1, message.row_id
    return count, last


def _opened(output: str) -> AbstractContextManager[BinaryIO]:
    if output == "-":
        return _terminal()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(Path(output), flags, 0o600), "wb")


@contextmanager
def _terminal() -> Iterator[BinaryIO]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
