"""`sonoveil held …` and `sonoveil retry`: decisions from the shell. No command sends original bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import actor, add_configuration, add_json, complain, open_ledger, print_json, say
from gateway.decisions import Decisions, NotPossibleError
from gateway.priority import Priority
from gateway.spool import Shelf

if TYPE_CHECKING:
    import argparse

    from config.schema import GatewayConfig


def held(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("ls", help="what waits for a decision")
    add_configuration(listing)
    add_json(listing)
    listing.set_defaults(run=_ls)
    show = actions.add_parser("show", help="all that is known about one instance, identifiers left out")
    add_configuration(show)
    show.add_argument("id", type=int)
    show.set_defaults(run=_show)
    release = actions.add_parser(
        "release",
        help="send the scrubbed result",
        description="Send the scrubbed, redacted result of an instance held as residual_text or cone_uncertain. "
        "Every other reason can only be retried or rejected. Original bytes are never sent.",
    )
    _decision(release)
    release.set_defaults(run=_release)
    reject = actions.add_parser("reject", help="say that it must not leave")
    _decision(reject)
    reject.set_defaults(run=_reject)


def _decision(parser: argparse.ArgumentParser) -> None:
    add_configuration(parser)
    parser.add_argument("id", type=int, nargs="+")
    parser.add_argument("--reason", required=True, help="why; written into the audit: name no patient")


def retry(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_configuration(parser)
    parser.add_argument("id", type=int, nargs="*")
    parser.add_argument("--target", metavar="NAME", help="everything that waits for this node or failed there")
    parser.add_argument("--resend", action="store_true", help="send again, byte for byte, what was sent already")
    parser.set_defaults(run=_retry)


def _ls(options: argparse.Namespace) -> int:
    with open_ledger(options) as (_, database, _spool):
        rows = Decisions(database, actor=actor()).held()
    if options.json:
        print_json({"held": rows})
        return DONE
    for row in rows:
        release = "  (release, retry or reject)" if row.releasable else ""
        say(f"{row.instance_id:>8}  {row.reason:<24} from {row.node}, rule {row.rule or '-'}: {row.note}{release}")
    say(f"{len(rows)} held")
    return DONE


def _show(options: argparse.Namespace) -> int:
    with open_ledger(options) as (_, database, _spool):
        try:
            print_json(Decisions(database, actor=actor()).show(options.id))
        except NotPossibleError as error:
            raise UsageError(str(error)) from None
    return DONE


def _release(options: argparse.Namespace) -> int:
    failed = False
    with open_ledger(options) as (config, database, _spool):
        decisions = Decisions(database, actor=actor())
        for instance_id in options.id:
            try:
                rule = decisions.show(instance_id)["rule"]
                decisions.release(
                    instance_id,
                    targets=_targets(config, rule),
                    reason=options.reason,
                    priority=Priority.named(config.rules, rule),
                )
                say(f"{instance_id} released")
            except NotPossibleError as error:
                complain(str(error))
                failed = True
    return HELD_OR_FAILED if failed else DONE


def _targets(config: GatewayConfig, name: str | None) -> tuple[str, ...]:
    return next((rule.target for rule in config.rules if rule.name == name), ())


def _reject(options: argparse.Namespace) -> int:
    failed = False
    with open_ledger(options) as (_, database, _spool):
        decisions = Decisions(database, actor=actor())
        for instance_id in options.id:
            try:
                decisions.reject(instance_id, reason=options.reason)
                say(f"{instance_id} rejected")
            except NotPossibleError as error:
                complain(str(error))
                failed = True
    return HELD_OR_FAILED if failed else DONE


def _retry(options: argparse.Namespace) -> int:
    if bool(options.id) == bool(options.target):
        raise UsageError("write the numbers of instances, or --target NAME")
    failed = False
    with open_ledger(options) as (config, database, spool):
        decisions = Decisions(database, actor=actor())
        if options.target:
            if options.target not in config.nodes:
                raise UsageError(f"there is no node {options.target}; there are {', '.join(sorted(config.nodes))}")
            say(f"{decisions.retry_target(options.target, resend=options.resend)} deliveries are due now")
            return DONE
        for instance_id in options.id:
            try:
                if options.resend:
                    decisions.resend(instance_id)
                elif unneeded := decisions.retry(instance_id):
                    spool.remove(Shelf.OUTPUTS, unneeded)
                say(f"{instance_id} is due now")
            except NotPossibleError as error:
                complain(str(error))
                failed = True
    return HELD_OR_FAILED if failed else DONE
