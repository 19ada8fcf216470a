"""A dry run over many files: `sonoveil deid --dry-run`. One process, one account.

Rule of the file: nothing of a patient is written. An object inside an archive is unpacked into a folder of this process
alone, which goes with the run; the key of a run without key file lives in memory.
"""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.schema import ModelsConfig
from pipeline import report
from pipeline.bulk import Progress
from pipeline.crew import NODE_NAME, failed, looks_like_dicom
from pipeline.deidentify import Deidentifier
from pipeline.dry_run.account import Account
from pipeline.dry_run.look import look_at
from pipeline.dry_run.page import page
from pipeline.header.identity import KEY_BYTES
from pipeline.inputs import Source, is_directory, list_sources, readable
from pipeline.reasons import Reason
from pipeline.records import ReceivedInstance

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.schema import Profile

_CONFIDENTIAL_FOLDER = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunJob:
    """One dry run.

    Parameters
    ----------
    inputs
        Files, folders, DICOMDIR, zip.
    out
        Where `dry-run.json` and `dry-run.html` are written; None: nowhere.
    key
        None: a key that nobody keeps.
    with_values
        The account shows values before and after, and is confidential.
    """

    inputs: tuple[Path, ...]
    out: Path | None
    profile: Profile
    key: bytes | None
    project: str
    patient_domain: str | None
    with_values: bool


def run_dry(job: DryRunJob, progress: Callable[[Progress], None]) -> dict[str, Any]:
    """Return, and write, what would become of everything that the inputs hold.

    Parameters
    ----------
    progress
        Called at the start and after every file.

    Returns
    -------
    dict
        The content of `dry-run.json`.

    Raises
    ------
    pipeline.inputs.UnusableInputError
        An input is missing or cannot be listed.
    OSError
        `out` cannot be written.
    """
    deidentifier = Deidentifier(
        profile=job.profile,
        key=job.key or secrets.token_bytes(KEY_BYTES),
        project=job.project,
        models_config=ModelsConfig(),
    )
    account = Account(with_values=job.with_values)
    with tempfile.TemporaryDirectory(prefix="sonoveil-dry-run-") as scratch:
        sources = list_sources(job.inputs, leave_out=job.out or Path(scratch))
        if job.out is not None:
            job.out.mkdir(parents=True, exist_ok=True, mode=_CONFIDENTIAL_FOLDER)
        progress(Progress(done=0, total=len(sources), held=0))
        for source in sources:
            _look(job, deidentifier, source, Path(scratch) / "member", account)
            progress(Progress(done=account.done, total=len(sources), held=account.held))
    content = account.content(job.profile)
    if job.out is not None:
        report.write_json(job.out / "dry-run.json", content)
        report.write_text(job.out / "dry-run.html", page(content))
    return content


def _look(job: DryRunJob, deidentifier: Deidentifier, source: Source, scratch: Path, account: Account) -> None:
    try:
        with readable(source, scratch) as path:
            if is_directory(path):
                account.skip()
                return
            if not looks_like_dicom(path):
                account.refuse(source.label, Reason.UNREADABLE.value, "not a DICOM file")
                return
            received = ReceivedInstance(
                path=path, patient_domain=job.patient_domain, node_name=NODE_NAME, size_bytes=source.size_bytes
            )
            account.add(look_at(received, deidentifier, with_values=job.with_values), source.label)
    except Exception as error:  # noqa: BLE001  as in a real run: whatever broke is this file's outcome
        outcome = failed(source, error)
        account.hold(source.label, str(outcome.reason), str(outcome.note))
