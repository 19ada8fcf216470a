"""`sonoveil status`: what is where."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.cli import DONE, UsageError
from gateway.cli.common import add_configuration, add_json, open_ledger, print_json, say
from gateway.counts import count
from gateway.held_limit import allowed_bytes, held_bytes
from gateway.states import SHOWN_STATES
from gateway.studies import Studies, StudyCounts, StudyRecord, count_studies

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def status(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_configuration(parser)
    add_json(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--studies", type=int, metavar="N", help="the N studies that were received last, instead")
    which.add_argument("--study", metavar="UID", help="one study, by its new UID or our number, instead")
    parser.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> int:
    if options.studies is not None or options.study is not None:
        return _studies(options)
    with open_ledger(options) as (config, database, spool):
        with database.snapshot() as connection:
            counts = count(connection, now=database.clock())
            studies = count_studies(connection)
            held = held_bytes(connection)
        free, allowed = spool.free_bytes(), allowed_bytes(config, spool)
    served = {target for rule in config.rules for target in rule.target}
    stopped = sorted(rule for rule, size in held.items() if size >= allowed)
    if options.json:
        limits = {"held_bytes": held, "held_limit_bytes": allowed, "stopped_rules": stopped}
        print_json({**_as_json(counts), "studies": studies, **limits, "storage_free_bytes": free})
        return DONE
    say(f"acknowledged  {counts.acknowledged}")
    for state, number in counts.states.items():
        age = counts.oldest_waiting_s.get(state)
        say(f"  {state:<11} {number}" + (f"   oldest {_duration(age)}" if age and number else ""))
    for reason, number in sorted(counts.held.items()):
        say(f"  held because of {reason}: {number}")
    for name, target in sorted(counts.targets.items()):
        oldest = f", oldest waiting {_duration(target.oldest_waiting_s)}" if target.oldest_waiting_s else ""
        confirmed = f", {target.confirmed} confirmed" if target.confirmed or target.unconfirmed else ""
        say(f"target {name}: {target.waiting} waiting, {target.sent} sent{confirmed}, {target.failed} failed{oldest}")
        if target.unconfirmed:
            since = _duration(target.oldest_unconfirmed_s)
            say(f"  {target.unconfirmed} of them not yet confirmed, the oldest sent {since} ago")
    for name, target in sorted(counts.targets.items()):
        if target.waiting and name not in served:
            say(f"no rule sends to {name} any more: its {target.waiting} deliveries wait until one does")
    say(_studies_line(studies))
    for rule in stopped:
        say(
            f"rule {rule} is stopped: its held objects take {held[rule] / 1e9:.3f} GB of {allowed / 1e9:.3f} GB "
            "(storage.held_limit); its senders get 0xA700 until enough are decided"
        )
    say(f"free where the spool lies: {free / 1e9:.1f} GB")
    return DONE


def _studies_line(studies: StudyCounts) -> str:
    return (
        f"studies: {studies.receiving} being received, {studies.complete} complete; of these "
        f"{studies.waiting} with instances on their way, {studies.held} with held ones"
    )


def _studies(options: argparse.Namespace) -> int:
    with open_ledger(options) as (_, database, _spool):
        if options.study is None:
            found = list(Studies(database).newest(max(0, options.studies)))
        else:
            one = Studies(database).find(options.study)
            if one is None:
                raise UsageError("there is no such study: --study takes the new Study Instance UID, or our number")
            found = [one]
    if options.json:
        print_json({"studies": [{**dataclasses.asdict(one), "held": one.held, "sent": one.sent} for one in found]})
        return DONE
    for one in found:
        say(_study_line(one))
    return DONE


def _study_line(one: StudyRecord) -> str:
    when = "being received" if one.completed_at is None else f"complete since {_time(one.completed_at)}"
    late = f" ({one.late} late)" if one.late else ""
    states = ", ".join(f"{one.states[state]} {state}" for state in SHOWN_STATES if one.states.get(state))
    named = one.study_instance_uid or "(nothing de-identified yet)"
    return f"{one.study:>6}  {named}  {when}, rule {one.rule or '-'}: {one.instances} instances{late}: {states}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _as_json(counts: object) -> Mapping[str, object]:

    assert dataclasses.is_dataclass(counts)
    assert not isinstance(counts, type)
    return dataclasses.asdict(counts)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
