"""`sonoveil deid`: the node's pipeline on files and folders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from config.load import load_gateway, load_profile, read_key
from config.schema import ModelsConfig
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import add_json, complain, print_json, say

if TYPE_CHECKING:
    import argparse

    from pipeline.bulk import BulkJob, BulkResult

_DESCRIPTION = """De-identify files, folders, a DICOMDIR or a zip. Writes OUT/objects (the only folder that may be
handed on), OUT/text.csv (text that was found, beside new UIDs: confidential), OUT/report.json (confidential: source
paths), OUT/held (records of what was held, never pixels or originals) and, with --key-file, OUT/crosswalk.enc (source
identities, encrypted: see `sonoveil crosswalk export --from`). Run it again to go on where it stopped."""


def deid(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = _DESCRIPTION
    parser.add_argument("inputs", type=Path, nargs="+", metavar="INPUT", help="file, folder, DICOMDIR or zip")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    parser.add_argument("--profile", default="research", metavar="NAME|FILE", help="default: research")
    parser.add_argument("--key-file", type=Path, metavar="F", help="without it, pseudonyms will not repeat")
    parser.add_argument("--project", default="files", metavar="NAME", help="identities differ between projects")
    parser.add_argument("--patient-domain", metavar="NAME", help="whose patient IDs these are")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="gateway.yaml, for its `models` section")
    add_json(parser)
    parser.set_defaults(run=_deid)


def _deid(options: argparse.Namespace) -> int:
    from pipeline.bulk import BulkJob, OtherRunError  # noqa: PLC0415  seconds that other commands need not pay
    from pipeline.inputs import UnusableInputError  # noqa: PLC0415
    from pipeline.reasons import Held  # noqa: PLC0415

    if options.workers < 1:
        raise UsageError("--workers is at least 1")
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
    """Run the job, with a bar on a terminal and plain lines elsewhere."""
    from rich.console import Console  # noqa: PLC0415  only this command draws
    from rich.progress import Progress as Bar  # noqa: PLC0415

    from pipeline.bulk import Progress, run_bulk  # noqa: PLC0415

    if quiet:
        return run_bulk(job, lambda _progress: None)
    if not sys.stderr.isatty():
        return run_bulk(job, _plain_line)
    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task("de-identifying", total=None)

        def draw(progress: Progress) -> None:
            bar.update(
                task,
                total=progress.total,
                completed=progress.done,
                description=f"de-identifying ({progress.held} held)",
            )

        return run_bulk(job, draw)


def _plain_line(progress: object) -> None:
    from pipeline.bulk import Progress  # noqa: PLC0415

    assert isinstance(progress, Progress)
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
