"""`sonoveil deid --dry-run`: what would become of each attribute, on a terminal, as plain lines, or as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.load import load_profile, read_key
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import complain, print_json, say
from gateway.cli.deid import shown_progress
from pipeline.dry_run.run import DryRunJob, run_dry
from pipeline.inputs import UnusableInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_STYLES = {"kept": "green", "removed": "dim", "emptied": "dim", "was empty": "dim"}
_LOUD = "!" * 100


def dry_run(options: argparse.Namespace) -> int:
    """Carry out `deid --dry-run`."""
    job = DryRunJob(
        inputs=tuple(options.inputs),
        out=options.output,
        profile=load_profile(options.profile),
        key=read_key(options.key_file) if options.key_file else None,
        project=options.project,
        patient_domain=options.patient_domain,
        with_values=options.diff,
    )
    try:
        with shown_progress("looking", quiet=options.json) as show:
            content = run_dry(job, show)
    except UnusableInputError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{options.output}: {error.strerror}") from None
    if options.json:
        print_json(content)
    else:
        _tell(content, options)
    return HELD_OR_FAILED if content["counts"]["would_be_held"] or content["counts"]["refused"] else DONE


def _tell(content: Mapping[str, Any], options: argparse.Namespace) -> None:
    terminal = Console() if sys.stdout.isatty() else None
    _warn(content)
    say(f"dry run of the profile {content['profile']}: nothing was de-identified")
    for line in content["pixels"]:
        say(f"  {line}")
    for one in content["classes"]:
        say()
        say(f"{one['name']} ({one['sop_class_uid']}): objects: {one['objects']}, with pixels: {one['with_pixels']}")
        if terminal is None:
            _lines(one)
        else:
            terminal.print(_table(one, with_values=content["has_values"]))
        if one["attributes_not_listed"]:
            say(f"and {one['attributes_not_listed']} elements that are not listed")
    say()
    say(", ".join(f"{number} {name.replace('_', ' ')}" for name, number in content["counts"].items()))
    if options.output is not None:
        say(f"the same is in {options.output}/dry-run.json and, to read and filter, {options.output}/dry-run.html")
    if options.key_file is None and content["has_values"]:
        say("without --key-file, pseudonyms, UIDs and days are made for this dry run: a real run has others")
    for state, listed in (("would be held", content["held"]), ("refused", content["refused"])):
        for one in listed:
            complain(f"{state}: {one['source']}: {one['reason']}: {one['note']}")
    _warn(content)


def _warn(content: Mapping[str, Any]) -> None:
    if content["has_values"]:
        say(f"{_LOUD}\n{content['notice']}\n{_LOUD}")


def _lines(one: Mapping[str, Any]) -> None:
    """Print a line per attribute, columns parted by tabs, values and doubts on lines of their own below it."""
    for row in one["attributes"]:
        count = f"{row['objects']} of {one['objects']}"
        say("\t".join((f"  {row['outcome']}", row["attribute"], row["tag"], row["vr"], count, row["rule"])))
        for doubt in row["doubts"]:
            say(f"      {_doubt(doubt)}")
        for pair in row.get("values", ()):
            say(f"      [{pair['before']}] -> [{pair['after']}]")
            for reason in pair["cleaned"]:
                say(f"        {reason}")


def _table(one: Mapping[str, Any], *, with_values: bool) -> Table:
    table = Table(show_lines=with_values)
    values = ("Before", "After") if with_values else ()
    for name in ("Outcome", "Attribute", "VR", "Objects", *values, "Rule"):
        table.add_column(name, overflow="fold", justify="right" if name == "Objects" else "left")
    for row in one["attributes"]:
        rule = Text(row["rule"])
        for doubt in row["doubts"]:
            rule.append(f"\n{_doubt(doubt)}", style="yellow")
        cells: list[Text] = []
        if with_values:
            cells.append(Text("\n".join(pair["before"] for pair in row["values"])))
            cells.append(Text("\n".join("\n".join((pair["after"], *pair["cleaned"])) for pair in row["values"])))
        table.add_row(
            Text(row["outcome"], style=_STYLES.get(row["outcome"], "cyan")),
            Text(f"{row['attribute']} {row['tag']}"),
            Text(row["vr"]),
            Text(str(row["objects"])),
            *cells,
            rule,
        )
    return table


def _doubt(doubt: Mapping[str, Any]) -> str:
    return f"in doubt ({doubt['elements']}): {doubt['why']}; for example {', '.join(doubt['examples'])}"
