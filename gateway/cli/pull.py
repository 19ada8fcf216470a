"""`sonoveil pull`: fetch studies from a PACS, one or a list, and prove that all of them came."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway import log
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import actor, add_configuration, add_json, complain, print_json, say
from gateway.cli.identity import STDIN, given, open_identity

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from gateway.ask import Ask
    from gateway.cli.identity import IdentityNode
    from gateway.database import Database
    from gateway.pull_list import Progress
    from gateway.retrieve import Getting, Moving, Pulled, Retrieval

_DOWN_IN_A_ROW = 3
"""After so many rows that found the PACS down the rest is left for another run."""
_MOST_BY_QUERY = 1000
_FAILED_WORDS = {
    "not_found": "the PACS knows no such study",
    "missing": "instances that the PACS lists did not come",
    "counts_differ": "the PACS counts more instances than it lists",
    "keys_ignored": "the PACS does not match by one of these keys; nothing was fetched",
    "too_many": "more studies match than --most allows; nothing was fetched",
    "not_served": "the PACS does not accept this service (study root) from us",
    "refused": "the PACS refused",
    "unknown_destination": "the PACS does not know our AE title as a destination",
    "unreachable": "nobody listens there",
    "tls_failed": "no TLS handshake",
    "association_rejected": "the PACS rejects our association",
    "aborted": "the association was aborted",
    "timeout": "the PACS did not answer in time",
    "bad_answer": "the PACS answered something else",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What became of one row, or of what the arguments name (then `row` is None)."""

    row: int | None
    outcome: str
    asked: str | None
    pulled: Pulled | None

    @property
    def is_complete(self) -> bool:
        return self.outcome in ("complete", "complete_before")


def pull(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Fetch studies from a PACS. What it has is asked by C-FIND; what is not here yet comes by C-MOVE to this node, "
        "or by C-GET; what was acknowledged is then compared with what the PACS lists. Repeat it until it ends with 0."
    )
    add_configuration(parser)
    add_json(parser)
    parser.add_argument("--from", dest="node", required=True, metavar="NODE", help="a node of the configuration")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--study", metavar="UID", help=f"Study Instance UID; {STDIN}")
    what.add_argument("--accession", metavar="A", help=f"accession number; {STDIN}")
    what.add_argument("--query", nargs="+", metavar="KEY=VALUE", help="all studies that match, such as StudyDate=…")
    what.add_argument(
        "--list", type=Path, metavar="FILE.csv", help="one study a row: a column AccessionNumber or StudyInstanceUID"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--move", action="store_true", help="by C-MOVE; the node must run (default while it does)")
    way.add_argument("--get", action="store_true", help="by C-GET into this command (default while no node runs)")
    parser.add_argument("--to", metavar="AE", help="with --move: which of our AE titles (default: the first)")
    parser.add_argument("--rate", metavar="N/min", help="so many studies a minute, or N/h, N/s (default: no limit)")
    parser.add_argument("--between", metavar="HH:MM-HH:MM", help="begin studies only then, local time: 20:00-06:00")
    parser.add_argument(
        "--most", type=int, default=_MOST_BY_QUERY, metavar="N", help="studies one question may match (default: 1000)"
    )
    parser.add_argument("--again", action="store_true", help="ask also for rows that an earlier run completed")
    parser.add_argument("--show", action="store_true", help="show what was asked for; without it, row numbers only")
    parser.set_defaults(run=_pull)


def _pull(options: argparse.Namespace) -> int:
    log.silence_others()
    log.leave_out("received", "not_stored", "store_refused")
    rows = _asked(options)
    with open_identity(options) as node, _progress(options, node) as progress:
        lines = _run(options, node, rows, progress)
    if options.json:
        _print_json(options, lines)
    elif options.list is not None:
        done = sum(line.is_complete for line in lines)
        before = sum(line.outcome == "complete_before" for line in lines)
        say(f"{len(lines)} rows: {done} complete, {before} of them by an earlier run; {len(lines) - done} not complete")
    return DONE if all(line.is_complete for line in lines) else HELD_OR_FAILED


def _asked(options: argparse.Namespace) -> Sequence[tuple[int | None, Ask]]:
    """Return what is asked for, each with its row where it is of a list."""
    from gateway.ask import AskError, by_accession, by_query, by_study  # noqa: PLC0415  pynetdicom: not for --help
    from gateway.pull_list import ListError, read_list  # noqa: PLC0415  same

    try:
        if options.list is not None:
            return [(row.number, row.ask) for row in read_list(options.list)]
        if options.query is not None:
            return [(None, by_query(options.query))]
        if options.study is not None:
            return [(None, by_study(given(options.study) or ""))]
        return [(None, by_accession(given(options.accession) or ""))]
    except (AskError, ListError) as error:
        raise UsageError(str(error)) from None


@contextmanager
def _progress(options: argparse.Namespace, node: IdentityNode) -> Iterator[Progress | None]:
    from gateway.pull_list import BusyError, Progress  # noqa: PLC0415  as above

    if options.list is None:
        yield None
        return
    folder = node.spool.root / "pulls"
    progress = Progress(folder, node.subjects.sealer, node_name=options.node, list_path=options.list)
    try:
        with progress:
            yield progress
    except BusyError:
        raise UsageError("another pull of this list is running") from None


def _run(
    options: argparse.Namespace, node: IdentityNode, rows: Sequence[tuple[int | None, Ask]], progress: Progress | None
) -> list[_Line]:
    from gateway.retrieve import DOWN  # noqa: PLC0415  as above

    retrieval, way = _retrieval(options, node)
    lines: list[_Line] = []
    down = 0
    for row, ask in rows:
        shown = ask.shown if options.show else None
        if progress is not None and progress.is_complete(ask) and not options.again:
            line = _Line(row=row, outcome="complete_before", asked=shown, pulled=None)
        elif down >= _DOWN_IN_A_ROW:
            line = _Line(row=row, outcome="not_tried", asked=shown, pulled=None)
        else:
            pulled = retrieval.pull(ask)
            _audit(node.database, options.node, way, row, pulled)
            down = down + 1 if pulled.why in DOWN else 0
            if pulled.is_complete and progress is not None:
                progress.complete(ask, instances=pulled.listed)
            line = _Line(row=row, outcome=_outcome(pulled), asked=shown, pulled=pulled)
        lines.append(line)
        if not options.json:
            _tell(line)
    return lines


def _outcome(pulled: Pulled) -> str:
    return "complete" if pulled.is_complete else str(pulled.why)


def _retrieval(options: argparse.Namespace, node: IdentityNode) -> tuple[Retrieval, str]:
    from gateway.forward import target_of  # noqa: PLC0415  as above
    from gateway.pacing import Pace, parse_rate, parse_window  # noqa: PLC0415  as above
    from gateway.retrieve import Acknowledged, Retrieval  # noqa: PLC0415  as above
    from gateway.tls import TlsFilesError  # noqa: PLC0415  as above

    config, name = node.config, options.node
    if name not in config.nodes:
        raise UsageError(f"--from names a node of the configuration: {', '.join(sorted(config.nodes))}")
    if config.nodes[name].port is None:
        raise UsageError(f"nodes.{name} has no `port`, so it cannot be called")
    if options.most < 1:
        raise UsageError("--most is at least 1")
    by, way = _way(options, node)
    try:
        target = target_of(
            config.nodes[name], calling_ae_title=config.calling_ae_title(name), tls=config.tls_towards(name)
        )
        pace = Pace(
            interval_s=parse_rate(options.rate) if options.rate else 0.0,
            window=parse_window(options.between) if options.between else None,
            announce=complain,
        )
    except (TlsFilesError, ValueError) as error:
        raise UsageError(str(error)) from None
    acknowledged = Acknowledged(node.database, node.subjects.sealer)
    retrieval = Retrieval(target, by=by, acknowledged=acknowledged, before_fetch=pace.wait, most_studies=options.most)
    return retrieval, way


def _way(options: argparse.Namespace, node: IdentityNode) -> tuple[Moving | Getting, str]:
    """Decide how objects come: by C-MOVE where a node runs that receives them, else by C-GET."""
    from gateway.admission import Caller  # noqa: PLC0415  as above
    from gateway.arrivals import SharedIntake  # noqa: PLC0415  as above
    from gateway.held_limit import HeldLimit  # noqa: PLC0415  as above
    from gateway.ledger import Ledger  # noqa: PLC0415  as above
    from gateway.retrieve import Getting, Moving  # noqa: PLC0415  as above

    config, name = node.config, options.node
    titles = config.listener.ae_titles
    if options.to is not None and options.to not in titles:
        raise UsageError(f"--to names an AE title of `listener.ae_titles`: {', '.join(titles)}")
    is_served = node.spool.is_served()
    if options.move or (is_served and not options.get):
        if not is_served:
            raise UsageError("a C-MOVE needs the running node, which receives: start it, or use --get")
        if not config.nodes[name].allow_store:
            raise UsageError(f"nodes.{name} may not store here, so a C-MOVE brings nothing: allow_store, or use --get")
        return Moving(destination=options.to or titles[0]), "move"
    if options.to is not None:
        raise UsageError("--to goes with --move")
    ledger = Ledger(node.database, replace_duplicates=config.storage.duplicates == "replace")
    intake = SharedIntake(
        node.spool,
        ledger,
        node.subjects.sealer,
        reserve_bytes=config.storage.reserve_space,
        held_limit=HeldLimit(node.database, node.spool, config),
    )
    caller = Caller(
        node_name=name,
        calling_aet=config.nodes[name].ae_title,
        called_aet=config.calling_ae_title(name),
        may_store=True,
        may_echo=False,
        may_report=False,
    )
    return Getting(intake=intake, caller=caller), "get"


def _audit(database: Database, node: str, way: str, row: int | None, pulled: Pulled) -> None:
    detail: dict[str, str | int | float | None] = {"node": node, "by": way, "row": row, "outcome": _outcome(pulled)}
    for name in ("studies", "listed", "fetched", "missing", "failed"):
        detail[name] = getattr(pulled, name)
    with database.write() as connection:
        database.append_audit(connection, actor=actor(), action="pull", instance_id=None, detail=detail)


def _tell(line: _Line) -> None:
    subject = "" if line.row is None else f"row {line.row}: "
    if line.asked is not None:
        subject += f"{line.asked}: "
    pulled = line.pulled
    if pulled is None:
        if line.is_complete:
            say(f"{subject}complete by an earlier run")
        else:
            complain(f"{subject}not tried: the PACS could not be used {_DOWN_IN_A_ROW} times in a row")
        return
    numbers = f"{_count(pulled.studies, 'study', 'studies')}, {_count(pulled.listed, 'instance', 'instances')}"
    numbers += f", {pulled.fetched} fetched now"
    if line.is_complete:
        say(f"{subject}complete: {numbers}")
        return
    status = "" if pulled.status is None else f" (status 0x{pulled.status:04X})"
    lost = f", {pulled.missing} missing" if pulled.missing else ""
    complain(f"{subject}NOT complete: {_FAILED_WORDS.get(line.outcome, line.outcome)}{status}; {numbers}{lost}")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _print_json(options: argparse.Namespace, lines: Sequence[_Line]) -> None:
    rows: list[dict[str, Any]] = []
    for line in lines:
        row: dict[str, Any] = {"row": line.row, "outcome": line.outcome}
        if line.asked is not None:
            row["asked"] = line.asked
        rows.append(row | (dataclasses.asdict(line.pulled) if line.pulled is not None else {}))
    complete = sum(line.is_complete for line in lines)
    print_json({"complete": complete == len(lines), "from": options.node, "rows": rows, "complete_rows": complete})
