"""`sonoveil deid`: the node's pipeline on files and folders."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config.load import load_gateway, load_profile, read_key
from config.schema import ModelsConfig
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import add_json, complain, print_json, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.bulk import BulkJob, BulkResult, Progress

_DESCRIPTION = """De-identify files, folders, a DICOMDIR or a zip. Writes OUT/objects (the only folder that may be
handed on), OUT/text.csv (text that was found, beside new UIDs: confidential), OUT/report.json (confidential: source
paths), OUT/held (records of what was held, never pixels or originals) and, with --key-file, OUT/crosswalk.enc (source
identities, encrypted: see `sonoveil crosswalk export --from`). Run it again to go on where it stopped.

With --dry-run nothing is de-identified: it prints, per SOP class, what would leave, change or stay and by which rule,
without values, and writes the same to OUT/dry-run.json and OUT/dry-run.html if OUT is given. Pixels are not looked at.
Exit code 1 if an object would be held. --diff adds the values: then screen and files are confidential."""


def deid(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = _DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("inputs", type=Path, nargs="+", metavar="INPUT", help="file, folder, DICOMDIR or zip")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="needed unless --dry-run")
    parser.add_argument("--profile", default="research", metavar="NAME|FILE", help="default: research")
    parser.add_argument("--key-file", type=Path, metavar="F", help="without it, pseudonyms will not repeat")
    parser.add_argument("--project", default="files", metavar="NAME", help="identities differ between projects")
    parser.add_argument("--patient-domain", metavar="NAME", help="whose patient IDs these are")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="gateway.yaml, for its `models` section")
    parser.add_argument("--dry-run", action="store_true", help="de-identify nothing; tell what would be done")
    parser.add_argument(
        "--diff", action="store_true", help="with --dry-run: show values before and after; CONFIDENTIAL"
    )
    add_json(parser)
    parser.set_defaults(run=_deid)


def _deid(options: argparse.Namespace) -> int:
    from pipeline.bulk import BulkJob, OtherRunError  # noqa: PLC0415  seconds that other commands need not pay
    from pipeline.inputs import UnusableInputError  # noqa: PLC0415
    from pipeline.reasons import Held  # noqa: PLC0415

    if options.workers < 1:
        raise UsageError("--workers is at least 1")
    if options.dry_run:
        from gateway.cli.dry_run import dry_run  # noqa: PLC0415  as above

        return dry_run(options)
    if options.diff:
        raise UsageError("--diff shows values in a dry run: write --dry-run --diff")
    if options.output is None:
        raise UsageError("write -o OUT, or --dry-run to see what would be done")
    job = BulkJob(
        inputs=tuple(options.inputs),
        out=options.output,
        profile=load_profile(options.profile),
        key=read_key(options.key_file) if options.key_file else None,
        project=options.project,
        patient_domain=options.patient_domain,
        models_config=load_gateway(options.config).models if options.config else ModelsConfig(),
        workers=options.workers,
    )
    try:
        result = _run(job, quiet=options.json)
    except (OtherRunError, UnusableInputError) as error:
        raise UsageError(str(error)) from None
    except Held as held:
        complain(f"sonoveil: {held}")
        return HELD_OR_FAILED
    except OSError as error:
        raise UsageError(f"{options.output}: {error.strerror}") from None
    _tell(result, options)
    return DONE if result.complete else HELD_OR_FAILED


def _run(job: BulkJob, *, quiet: bool) -> BulkResult:
    from pipeline.bulk import run_bulk  # noqa: PLC0415  as above

    with shown_progress("de-identifying", quiet=quiet) as show:
        return run_bulk(job, show)


@contextmanager
def shown_progress(doing: str, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Give what draws a bar on a terminal and plain lines elsewhere."""
    from rich.console import Console  # noqa: PLC0415  only this command draws
    from rich.progress import Progress as Bar  # noqa: PLC0415

    if quiet or not sys.stderr.isatty():
        yield (lambda _progress: None) if quiet else _plain_line
        return
    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task(doing, total=None)

        def draw(progress: Progress) -> None:
            bar.update(
                task,
                total=progress.total,
                completed=progress.done,
                description=f"{doing} ({progress.held} held)",
            )

        yield draw


def _plain_line(progress: Progress) -> None:
    step = max(1, progress.total // 20)
    if progress.done % step == 0 or progress.done == progress.total:
        complain(f"{progress.done} of {progress.total} done, {progress.held} held")


def _tell(result: BulkResult, options: argparse.Namespace) -> None:
    if options.json:
        print_json(result.report)
    else:
        counts = result.report["counts"]
        say(", ".join(f"{number} {name}" for name, number in counts.items()))
        say(f"{options.output}/objects may be handed on; everything else there is confidential")
        if result.key_was_temporary:
            say("the key was made for this run and is erased: its pseudonyms will not repeat")
    for line in result.report["instances"]:
        if line["state"] != "written":
            complain(f"{line['state']}: {line['source']}: {line['reason']}: {line['note']}")
