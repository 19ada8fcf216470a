"""`sonoveil reconcile`: whether anything is lost, and the repair of what is safe to repair."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import actor, add_configuration, add_json, complain, open_ledger, print_json, say
from gateway.cli.identity import STDIN, given, open_identity
from gateway.reconcile import reconcile

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from config.schema import GatewayConfig
    from gateway.database import Database
    from gateway.find_check import Findings
    from gateway.reconcile import Account
    from gateway.repair import Repaired
    from gateway.spool import Spool
    from gateway.study_accounts import StudyAccount
    from gateway.subjects import Subjects


def account(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Compare receipts, rows, files and the audit; the node may be running. Exit 0: balanced; exit 1: every "
        "discrepancy is named, by numbers and names of our own."
    )
    add_configuration(parser)
    add_json(parser)
    parser.add_argument("--hash", action="store_true", help="also read every output and compare its SHA-256")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--by-study", action="store_true", help="the equation of every study as well")
    which.add_argument(
        "--study", metavar="UID", help=f"the equation of one study alone: its UID, the new one or the source's; {STDIN}"
    )
    parser.add_argument(
        "--find", action="store_true", help="also ask the PACSs on both sides by C-FIND; with --study, about that study"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="repair what is safe, deleting nothing: orphans and part files to quarantine/, rows whose files are whole",
    )
    parser.set_defaults(run=_reconcile)


def _reconcile(options: argparse.Namespace) -> int:
    if options.repair and options.study is not None:
        raise UsageError("--repair goes over the whole node: write it without --study")
    with _node(options) as (config, database, spool, subjects):
        indexes = _wanted(options, database, subjects)
        found = reconcile(database, spool, hash_outputs=options.hash)
        repaired: Sequence[Repaired] = ()
        if options.repair and not found.balanced:
            repaired = _repair(config, database, spool, found)
            found = reconcile(database, spool, hash_outputs=options.hash) if repaired else found
        studies = _studies(options, database, found, indexes)
        findings = _find(config, database, subjects, indexes) if options.find and subjects is not None else None
    beyond = () if findings is None else findings.discrepancies
    told = found.discrepancies if options.study is None else tuple(d for one in studies for d in one.discrepancies)
    balanced = found.balanced if options.study is None else all(one.balanced for one in studies)
    if options.json:
        _print_json(options, found, studies, findings, repaired, balanced=balanced and not beyond)
    else:
        _say(options, found, studies, findings, balanced=balanced and not beyond)
    for one in () if options.json else repaired:
        say(f"repaired {one.kind}: {one.subject}: {one.how}")
    for discrepancy in (*told, *beyond):
        complain(f"{discrepancy.kind}: {discrepancy.subject}")
    return DONE if balanced and not beyond else HELD_OR_FAILED


@contextmanager
def _node(options: argparse.Namespace) -> Iterator[tuple[GatewayConfig, Database, Spool, Subjects | None]]:
    """Give the node; its key only where a source's UID has to be found or asked with."""
    if options.find or options.study is not None:
        with open_identity(options) as node:
            yield node.config, node.database, node.spool, node.subjects
    else:
        with open_ledger(options) as (config, database, spool):
            yield config, database, spool, None


def _wanted(options: argparse.Namespace, database: Database, subjects: Subjects | None) -> tuple[bytes, ...] | None:
    from gateway.study_accounts import indexes_of  # noqa: PLC0415  only where it is asked for

    uid = given(options.study)
    if uid is None or subjects is None:
        return None
    indexes = indexes_of(database, uid, subjects.study(uid))
    if not indexes:
        raise UsageError("nothing of such a study was acknowledged")
    return indexes


def _studies(
    options: argparse.Namespace, database: Database, found: Account, indexes: tuple[bytes, ...] | None
) -> Sequence[StudyAccount]:
    from gateway.study_accounts import by_study  # noqa: PLC0415  as above

    return by_study(database, found, only=indexes) if options.by_study or indexes is not None else ()


def _find(config: GatewayConfig, database: Database, subjects: Subjects, indexes: tuple[bytes, ...] | None) -> Findings:
    from gateway import log  # noqa: PLC0415  as above
    from gateway.find_check import FindCheck  # noqa: PLC0415  pynetdicom
    from gateway.tls import TlsFilesError  # noqa: PLC0415  as above

    log.silence_others()
    try:
        return FindCheck(database, subjects.sealer, config).compare(only=indexes)
    except TlsFilesError as error:
        raise UsageError(str(error)) from None


def _repair(config: GatewayConfig, database: Database, spool: Spool, found: Account) -> Sequence[Repaired]:
    from gateway.priority import Priority  # noqa: PLC0415  as above
    from gateway.repair import Repairs  # noqa: PLC0415  as above

    targets = {rule.name: rule.target for rule in config.rules}
    priorities = {rule.name: Priority.of(rule) for rule in config.rules}
    return Repairs(database, spool, targets=targets, priorities=priorities, actor=actor()).repair(found)


def _print_json(
    options: argparse.Namespace,
    found: Account,
    studies: Sequence[StudyAccount],
    findings: Findings | None,
    repaired: Sequence[Repaired],
    *,
    balanced: bool,
) -> None:
    shown: dict[str, object] = {"balanced": balanced}
    if options.study is None:
        shown |= {
            "acknowledged": found.counts.acknowledged,
            "states": found.counts.states,
            "identical_resends": found.counts.states["suppressed"],
            "discrepancies": found.discrepancies,
        }
    if options.by_study or options.study is not None:
        shown["studies"] = studies
    if findings is not None:
        shown["find"] = findings
    if options.repair:
        shown["repaired"] = repaired
    print_json(shown)


def _say(
    options: argparse.Namespace,
    found: Account,
    studies: Sequence[StudyAccount],
    findings: Findings | None,
    *,
    balanced: bool,
) -> None:
    for one in studies:
        uids = f" ({', '.join(one.public_study_uids)})" if one.public_study_uids else ""
        files = f"{one.originals} originals, {one.outputs} outputs here"
        fault = "" if one.balanced else "; NOT balanced"
        equation = _equation(one.acknowledged, one.states, zeros=False)
        say(f"study of instance {one.first_instance}{uids}: {equation}; {files}{fault}")
    for line in () if findings is None else findings.compared:
        has = "was sent" if line.is_target else "sent"
        say(
            f"study of instance {line.first_instance}: {line.node} lists {line.listed} instances and {has} "
            f"{line.expected}"
        )
    if options.study is None:
        say(_equation(found.counts.acknowledged, found.counts.states, zeros=True))
        say(f"identical re-sends, for information: {found.counts.states['suppressed']}")
    say("balanced" if balanced else "NOT balanced")


def _equation(acknowledged: int, states: Mapping[str, int], *, zeros: bool) -> str:
    terms = [f"{number} {state}" for state, number in states.items() if number or zeros]
    return f"{acknowledged} acknowledged = {' + '.join(terms) or 0}"
