"""What the person at the terminal sees: progress while it runs, a table when it is over.

Rule of the file: rich on a terminal, plain lines elsewhere; the same numbers on both.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from tools.demo.node import command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.demo.account import Verdict
    from tools.demo.node import Place

_STAGES = ("sent", "de-identified", "arrived", "held")


class Screen:
    """Progress of the objects; use it with `with`."""

    def __init__(self, objects: int) -> None:
        self._objects = objects
        self._numbers = dict.fromkeys(_STAGES, 0)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        if sys.stdout.isatty():
            self._progress = Progress(
                TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
            )

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._tasks = {stage: self._progress.add_task(stage, total=self._objects) for stage in _STAGES}
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self, numbers: Mapping[str, int]) -> None:
        """Show new numbers; a plain line is printed only where one has changed."""
        if all(self._numbers[stage] == number for stage, number in numbers.items()):
            return
        self._numbers.update(numbers)
        if self._progress is None:
            say(", ".join(f"{number} {stage}" for stage, number in self._numbers.items()))
            return
        for stage, number in numbers.items():
            self._progress.update(self._tasks[stage], completed=number)


def say(line: str = "") -> None:
    """Print a line now."""
    print(line, flush=True)


def summary(verdict: Verdict) -> None:
    """Print the before/after summary."""
    rows = _rows(verdict)
    if sys.stdout.isatty():
        table = Table("", "before (sent)", "after (research side)", title="Summary")
        for row in rows:
            table.add_row(*row)
        Console().print(table)
    else:
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        say("\nSummary: before (sent) -> after (research side)")
        for what, before, after in rows:
            say(f"  {what:<{widths[0]}}  {before:<{widths[1]}}  {after}")
    for leak in verdict.leaks:
        say(f"FOUND: a planted identifier in {leak.file}, {leak.where}")
    for problem in verdict.problems:
        say(f"PROBLEM: {problem}")


def _rows(verdict: Verdict) -> list[tuple[str, str, str]]:
    held = ", ".join(f"{number} {reason}" for reason, number in sorted(verdict.held.items())) or "none"
    return [
        ("objects", f"{verdict.sent} sent", f"{verdict.received} received; held: {held}"),
        (
            "identifiers in files, log, metrics",
            f"{verdict.planted_headers} planted in headers",
            f"{len(verdict.leaks)} found",
        ),
        ("lines burned into pixels", f"{verdict.planted_lines} planted", f"{verdict.legible_lines} survive"),
        ("lines the recogniser reads", f"{verdict.lines_read_sent} read", f"{verdict.lines_read_received} read"),
        ("pixels altered otherwise", "", str(verdict.altered_pixels)),
        ("patients, counted per project", str(verdict.patients), f"{verdict.pseudonyms} pseudonyms"),
        ("sonoveil reconcile", "", "balanced" if verdict.balanced else "NOT BALANCED"),
        ("identifiers found on the research side", "", str(verdict.identifiers_found)),
    ]


def where_to_look(place: Place, output: Path, page: Path) -> None:
    """Print where everything lies."""
    sonoveil = " ".join(command())
    sidecar = place.folder / "storage" / "sidecar"
    for what, where in (
        ("pictures before/after", page.as_uri()),
        ("research PACS (output)", output / "received"),
        ("what was sent", output / "sent"),
        ("sidecar CSV, confidential", sidecar),
        ("metrics", place.metrics_url),
        ("log of the gateway", place.log),
        ("held objects", f"{sonoveil} held ls -c {place.configuration}"),
        ("what is where", f"{sonoveil} status -c {place.configuration}"),
    ):
        say(f"  {what:<26} {where}")
