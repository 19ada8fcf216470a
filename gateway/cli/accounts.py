"""`sonoveil status`: what is where."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateway.cli import DONE
from gateway.cli.common import add_configuration, add_json, open_ledger, print_json, say
from gateway.counts import count

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def status(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_configuration(parser)
    add_json(parser)
    parser.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> int:
    with open_ledger(options) as (config, database, spool):
        with database.snapshot() as connection:
            counts = count(connection, now=database.clock())
        free = spool.free_bytes()
    served = {target for rule in config.rules for target in rule.target}
    if options.json:
        print_json({**_as_json(counts), "storage_free_bytes": free})
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
    say(f"free where the spool lies: {free / 1e9:.1f} GB")
    return DONE


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
