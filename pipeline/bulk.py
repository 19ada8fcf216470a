"""The same pipeline over many files: `sonoveil deid`. Resumable, in worker processes, everything accounted for.

    OUT/objects/STUDY/SERIES/INSTANCE.dcm   what may be handed on
    OUT/text.csv, report.json, held/        confidential
    OUT/crosswalk.enc                       source identities, sealed; only of runs whose key is kept
    OUT/.run/                               what a resumed run must know: fingerprint, journal, a temporary key

The rule of this file: one line of the journal per file, written durably after the file's output is in its place, so
that a run that was cut off does that file again and no other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from config.schema import profile_sha256
from pipeline import report, sidecar
from pipeline.crew import Outcome, Work, run_crew
from pipeline.crosswalk import FILENAME, CrosswalkSeal, write_crosswalk
from pipeline.deidentify import Deidentifier
from pipeline.header.identity import KEY_BYTES, Identities
from pipeline.inputs import Source, list_sources
from pipeline.reasons import Reason
from pipeline.report import HELD, WRITTEN, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from config.schema import ModelsConfig, Profile
    from pipeline.records import FrameCrop

_CONFIDENTIAL_FOLDER = 0o700
_OWNER_ONLY = 0o600
_MAY_PASS = frozenset(
    {
        Reason.RESOURCE_LIMIT.value,
        Reason.MODEL_UNAVAILABLE.value,
        Reason.WORKER_CRASHED.value,
        Reason.INTERNAL_ERROR.value,
    }
)
"""A full disk, a missing model, a killed process: what is repeated does these files again."""


class OtherRunError(ValueError):
    """The output folder belongs to a run with another key, profile, project or model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkJob:
    """One run.

    Parameters
    ----------
    inputs
        Files, folders, DICOMDIR, zip.
    out
        The output folder; made where it is missing.
    key
        None: a key is made, kept in `OUT/.run/key` until the run is complete, then erased.
    workers
        Number of processes.
    """

    inputs: tuple[Path, ...]
    out: Path
    profile: Profile
    key: bytes | None
    project: str
    patient_domain: str | None
    workers: int
    models_config: ModelsConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is: files done (earlier runs included), of how many, and how many of them are held."""

    done: int
    total: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What a run ended with.

    Parameters
    ----------
    report
        The content of `report.json`.
    key_was_temporary
        The key was made for this run and is erased: its pseudonyms will not repeat.
    """

    report: dict[str, Any]
    key_was_temporary: bool

    @property
    def complete(self) -> bool:
        """Whether every object was written; a DICOMDIR is none."""
        counts = self.report["counts"]
        return bool(counts["written"] == counts["read"] - counts["skipped"])


def run_bulk(job: BulkJob, progress: Callable[[Progress], None]) -> BulkResult:
    """De-identify everything that the inputs hold.

    Parameters
    ----------
    progress
        Called at the start and after every file.

    Raises
    ------
    OtherRunError
        `out` holds a run with another key, profile, project or model, or one that is going on now.
    pipeline.inputs.UnusableInputError
        An input is missing or cannot be listed.
    Held
        `MODEL_UNAVAILABLE`: a model that the profile needs cannot be opened.
    """
    sources = list_sources(job.inputs, leave_out=job.out)
    folders = _Folders.make(job.out)
    with folders.locked():
        return _run(job, sources, folders, progress)


def _run(
    job: BulkJob, sources: Sequence[Source], folders: _Folders, progress: Callable[[Progress], None]
) -> BulkResult:
    key = job.key or folders.temporary_key()
    models = dict(
        Deidentifier(profile=job.profile, key=key, project=job.project, models_config=job.models_config).open()
    )
    folders.claim(_fingerprint(job, key, models))
    done = {outcome.source.identity: outcome for outcome in folders.read_journal()}
    finished = [done[source.identity] for source in sources if source.identity in done]
    held = sum(outcome.state == HELD for outcome in finished)
    progress(Progress(done=len(finished), total=len(sources), held=held))
    work = Work(
        profile=job.profile,
        key=key,
        project=job.project,
        patient_domain=job.patient_domain,
        models_config=job.models_config,
        scratch=folders.run,
        objects=folders.objects,
        keep_crosswalk=job.key is not None,
        crops={},
    )

    todo = [source for source in sources if source.identity not in done]
    for outcome in run_crew(work, todo, max(1, job.workers)):
        folders.note(outcome)
        finished.append(outcome)
        held += outcome.state == HELD
        progress(Progress(done=len(finished), total=len(sources), held=held))
    refer = [outcome for outcome in finished if outcome.reason == Reason.REFERENCES_CROPPED.value]
    crops = _crops(finished) if refer else {}
    if crops:  # when all images are through, it is known how those were cropped that others refer to
        finished = [outcome for outcome in finished if outcome.reason != Reason.REFERENCES_CROPPED.value]
        held -= len(refer)
        for outcome in run_crew(replace(work, crops=crops), [one.source for one in refer], max(1, job.workers)):
            folders.note(outcome)
            finished.append(outcome)
            held += outcome.state == HELD
            progress(Progress(done=len(sources), total=len(sources), held=held))
    return BulkResult(
        report=_finish(job, folders, models, finished), key_was_temporary=folders.forget_temporary_key(job.key)
    )


def _crops(finished: Iterable[Outcome]) -> dict[str, FrameCrop]:
    """Return what was left of the images that were written, by their new SOP Instance UID."""
    written = ((outcome.output, report.crop_of(outcome.record)) for outcome in finished if outcome.state == WRITTEN)
    return {PurePosixPath(name).stem: crop for name, crop in written if name is not None and crop is not None}


def _finish(job: BulkJob, folders: _Folders, models: Mapping[str, str], finished: list[Outcome]) -> dict[str, Any]:
    finished = sorted(finished, key=lambda outcome: outcome.source.label)
    content = report.report(profile=job.profile.name, models=models, entries=[_entry(one) for one in finished])
    if job.profile.sidecar.csv:
        sidecar.write(folders.out / "text.csv", [row for outcome in finished for row in outcome.rows])
    if job.key is not None:
        seal = CrosswalkSeal(Identities(job.key, job.project))
        lines = [outcome.crosswalk for outcome in finished if outcome.crosswalk is not None]
        write_crosswalk(folders.out / FILENAME, project=job.project, seal=seal, lines=lines)
    for outcome in finished:
        place = folders.held / f"{hashlib.sha256(outcome.source.label.encode()).hexdigest()[:16]}.json"
        if outcome.state == HELD:
            report.write_json(place, asdict(_entry(outcome)))
        else:
            place.unlink(missing_ok=True)  # it was held in an earlier run
    report.write_json(folders.out / "report.json", content)
    return content


def _entry(outcome: Outcome) -> Entry:
    return Entry(
        source=outcome.source.label,
        output=None if outcome.output is None else f"objects/{outcome.output}",
        state=outcome.state,
        reason=outcome.reason,
        note=outcome.note,
        seconds=outcome.seconds,
        record=outcome.record,
    )


def _fingerprint(job: BulkJob, key: bytes, models: Mapping[str, str]) -> dict[str, Any]:
    """Return what must be equal for a run to be resumed; of the key only a derived value."""
    return {
        "key": Identities(key, job.project).subkey("run fingerprint").hex(),
        "profile": profile_sha256(job.profile),
        "models": dict(sorted(models.items())),
        "patient_domain": job.patient_domain,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folders:
    """The output folder's parts."""

    out: Path
    objects: Path
    held: Path
    run: Path

    @classmethod
    def make(cls, out: Path) -> _Folders:
        folders = cls(out=out, objects=out / "objects", held=out / "held", run=out / ".run")
        out.mkdir(parents=True, exist_ok=True, mode=_CONFIDENTIAL_FOLDER)
        folders.objects.mkdir(exist_ok=True)
        for folder in (folders.held, folders.run):
            folder.mkdir(exist_ok=True, mode=_CONFIDENTIAL_FOLDER)
        return folders

    @property
    def _journal(self) -> Path:
        return self.run / "journal.jsonl"

    @property
    def _key(self) -> Path:
        return self.run / "key"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out; the lock goes with the process, however that ends."""
        with (self.run / "lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OtherRunError("another run is writing into the output folder now") from None
            yield

    def temporary_key(self) -> bytes:
        """Return the key of an unfinished run, or make one."""
        if not self._key.exists():
            _append(self._key, secrets.token_bytes(KEY_BYTES))
        return self._key.read_bytes()

    def forget_temporary_key(self, given: bytes | None) -> bool:
        """Erase a key that was made for this run, and the journal that only it could continue; say whether it was."""
        if given is not None:
            return False
        shutil.rmtree(self.run)
        return True

    def claim(self, fingerprint: dict[str, Any]) -> None:
        """Make this run's mark, or compare it with the one that stands."""
        mark = self.run / "run.json"
        if mark.exists():
            if json.loads(mark.read_text(encoding="utf-8")) != fingerprint:
                raise OtherRunError("the output folder holds a run with another key, profile, project or model")
            return
        if any(self.objects.iterdir()):
            raise OtherRunError("the output folder holds objects of a run that is complete or unknown")
        report.write_json(mark, fingerprint)

    def note(self, outcome: Outcome) -> None:
        """Write an outcome into the journal, durably."""
        line = json.dumps(asdict(outcome), ensure_ascii=False, default=str)
        _append(self._journal, f"{line}\n".encode())

    def read_journal(self) -> list[Outcome]:
        """Return the outcomes of earlier runs; half a last line, left by a crash, does not count."""
        if not self._journal.exists():
            return []
        content = self._journal.read_bytes()
        whole = content.rfind(b"\n") + 1
        os.truncate(self._journal, whole)
        lines = content[:whole].split(b"\n")
        outcomes = [_outcome(json.loads(line)) for line in lines if line.strip()]
        return [one for one in outcomes if self._stands(one)]

    def _stands(self, outcome: Outcome) -> bool:
        """Tell whether an earlier outcome still holds: a written one has its file, a held one its own fault."""
        if outcome.state == WRITTEN:
            return (self.objects / str(outcome.output)).is_file()
        return outcome.reason not in _MAY_PASS


def _outcome(fields: dict[str, Any]) -> Outcome:
    source = fields["source"]
    return Outcome(
        **{
            **fields,
            "source": Source(**{**source, "path": Path(source["path"])}),
            "rows": tuple(tuple(row) for row in fields["rows"]),
        }
    )


def _append(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
