"""`sonoveil withdraw`: consent that was withdrawn, and a withdrawal that is lifted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import actor, add_configuration, add_json, print_json, say
from gateway.cli.identity import STDIN, given, open_identity

if TYPE_CHECKING:
    import argparse

    from gateway.withdrawals import SentObject


def withdraw(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Withdraw consent for a patient or a study: cancel what waits, delete every local copy, list what was sent "
        "already, and hold what arrives later. The node may be running. What the targets have must be deleted there."
    )
    add_configuration(parser)
    add_json(parser)
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--patient", metavar="P", help=f"the source's Patient ID; {STDIN}")
    whose.add_argument("--study", metavar="UID", help=f"Study Instance UID, the source's or the new one; {STDIN}")
    parser.add_argument("--domain", metavar="D", help="with --patient: whose ID it is; without it, in every domain")
    parser.add_argument("--lift", action="store_true", help="take a withdrawal back: what arrives from now on may pass")
    parser.set_defaults(run=_withdraw)


def _withdraw(options: argparse.Namespace) -> int:
    from gateway.withdrawals import Whose, Withdrawals  # noqa: PLC0415  as above

    if options.domain is not None and options.patient is None:
        raise UsageError("--domain goes with --patient")
    whose = Whose(patient_id=given(options.patient), domain=options.domain, study_uid=given(options.study))
    with open_identity(options) as node:
        withdrawals = Withdrawals(node.database, node.spool, node.subjects, node.config, actor=actor())
        if options.lift:
            lifted = withdrawals.lift(whose)
            if options.json:
                print_json({"lifted": lifted})
            else:
                say("lifted: what arrives from now on may pass" if lifted else "no such withdrawal stands")
            return DONE if lifted else HELD_OR_FAILED
        done = withdrawals.withdraw(whose)
    if options.json:
        print_json(done)
        return DONE
    say(f"{done.instances} instances: {done.rejected} withdrawn now, {done.cancelled} deliveries cancelled")
    kind = "patient" if options.patient else "study"
    say(f"{done.deleted_files} files deleted; what arrives later of this {kind} is held")
    for sent in done.sent:
        say(_sent_line(sent))
    if done.sent:
        say(f"{len(done.sent)} sent: they must be deleted at the targets, by these UIDs")
    return DONE


def _sent_line(sent: SentObject) -> str:
    when = "at this moment" if sent.at is None else datetime.fromtimestamp(sent.at, UTC).isoformat(timespec="seconds")
    return f"sent to {sent.target} {when}: study {sent.study_instance_uid}, instance {sent.sop_instance_uid}"
