"""Worker processes of a bulk run: each holds a `Deidentifier` and does one file at a time.

A worker that dies takes its file with it (held, `worker_crashed`) and is replaced. Processes are spawned, not forked:
open models do not survive a fork. The rule of this file: every file that goes in comes out with an outcome.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from pipeline import report, sidecar
from pipeline.crosswalk import CrosswalkSeal
from pipeline.deidentify import Deidentifier
from pipeline.inputs import Source, UnusableInputError, is_directory, readable
from pipeline.reasons import Held, Reason, TryLater
from pipeline.records import ReceivedInstance
from pipeline.report import HELD, REFUSED, SKIPPED, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    from config.schema import ModelsConfig, Profile
    from pipeline.header.identity import Identities
    from pipeline.records import DeidentifiedInstance, FrameCrop

NODE_NAME = "files"
_PREFIX_AT, _PREFIX = 128, b"DICM"
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
"""Group 0002 or 0008, the latter in either byte order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every worker of a run is told once.

    Parameters
    ----------
    crops
        What was left of images that this run has written, by their new SOP Instance UID.
    """

    profile: Profile
    key: bytes
    project: str
    patient_domain: str | None
    models_config: ModelsConfig
    scratch: Path
    objects: Path
    keep_crosswalk: bool
    crops: Mapping[str, FrameCrop]


@dataclass(frozen=True, slots=True)
class _Crops:
    """Answers by source UIDs what is known by new ones (`pipeline.references.KnownCrops`)."""

    identities: Identities
    crops: Mapping[str, FrameCrop]

    def get(self, source_uid: str, /) -> FrameCrop | None:
        """Return what was left of an image; its UID may have been kept."""
        return self.crops.get(self.identities.public_uid(source_uid)) or self.crops.get(source_uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one source.

    Parameters
    ----------
    output
        Relative to the folder of the objects; None unless written.
    rows
        Of the sidecar.
    crosswalk
        The sealed line of the crosswalk: it goes into the journal, which must hold no source identity in clear.
        None unless written, and where no key was given.
    """

    source: Source
    state: str
    output: str | None
    reason: str | None
    note: str | None
    seconds: float
    record: dict[str, Any]
    rows: tuple[sidecar.Row, ...]
    crosswalk: str | None


@dataclass(slots=True)
class _Member:
    process: SpawnProcess
    line: Connection
    source: Source | None


def run_crew(work: Work, sources: Sequence[Source], workers: int) -> Iterator[Outcome]:
    """Do every source in one of `workers` processes, in whatever order they finish."""
    waiting = list(reversed(sources))
    crew = [_hire(work, number) for number in range(min(workers, len(waiting)))]
    try:
        for member in crew:
            _hand_out(member, waiting)
        while any(member.source is not None for member in crew):
            ready = wait([member.line for member in crew if member.source is not None])
            for number in [number for number, member in enumerate(crew) if member.line in ready]:
                outcome = _collect(crew[number])
                if outcome is None:
                    outcome = _crashed(crew[number])
                    _dismiss(crew[number])
                    crew[number] = _hire(work, number)
                _hand_out(crew[number], waiting)
                yield outcome
    finally:
        for member in crew:
            _dismiss(member)


def _hire(work: Work, number: int) -> _Member:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_labour, args=(work, number, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Member(process=process, line=ours, source=None)


def _hand_out(member: _Member, waiting: list[Source]) -> None:
    member.source = waiting.pop() if waiting else None
    if member.source is not None:
        try:
            member.line.send(member.source)
        except OSError:
            return  # it died between two files: `_collect` sees the closed line and says so


def _collect(member: _Member) -> Outcome | None:
    try:
        received = member.line.recv()
    except (EOFError, OSError):
        return None
    assert isinstance(received, Outcome), "a worker sends nothing else"
    return received


def _dismiss(member: _Member) -> None:
    member.line.close()
    member.process.terminate()
    member.process.join()


def _crashed(member: _Member) -> Outcome:
    assert member.source is not None, "only members with a source are waited for"
    return _not_written(member.source, Reason.WORKER_CRASHED, "the worker process ended")


def _labour(work: Work, number: int, line: Connection) -> None:
    """Do what is sent until the line closes; the body of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the run itself ends its workers
    deidentifier = Deidentifier(
        profile=work.profile, key=work.key, project=work.project, models_config=work.models_config
    )
    while True:
        try:
            source: Source = line.recv()
        except EOFError:
            return
        line.send(_do(work, deidentifier, source, work.scratch / str(number)))


def _do(work: Work, deidentifier: Deidentifier, source: Source, scratch: Path) -> Outcome:
    begun = time.perf_counter()
    result = scratch.with_suffix(".out")
    try:
        with readable(source, scratch.with_suffix(".in")) as path:
            if is_directory(path):
                note = "a DICOMDIR: it lists files and is no object"
                return replace(_not_written(source, Reason.UNSUPPORTED_CLASS, note), state=SKIPPED)
            if not looks_like_dicom(path):
                return replace(_not_written(source, Reason.UNREADABLE, "not a DICOM file"), state=REFUSED)
            received = ReceivedInstance(
                path=path,
                patient_domain=work.patient_domain,
                node_name=NODE_NAME,
                size_bytes=source.size_bytes,
            )
            instance = deidentifier.run(received, result, crops=_Crops(deidentifier.identities, work.crops))
        name = _shelve(instance, work.objects)
    except Exception as error:  # noqa: BLE001  whatever broke is recorded as this file's outcome, and the run goes on
        result.unlink(missing_ok=True)  # a run over files keeps no result that is in doubt
        return replace(failed(source, error), seconds=time.perf_counter() - begun)
    return Outcome(
        source=source,
        state=WRITTEN,
        output=name,
        reason=None,
        note=None,
        seconds=time.perf_counter() - begun,
        record=report.record(instance),
        rows=sidecar.rows(instance, name, rules=work.profile.sidecar, identities=deidentifier.identities),
        crosswalk=CrosswalkSeal(deidentifier.identities).seal(instance.crosswalk) if work.keep_crosswalk else None,
    )


def _shelve(instance: DeidentifiedInstance, objects: Path) -> str:
    """Give the output its place, made of new UIDs alone; another object of the same UID is never overwritten."""
    name = f"{instance.study_instance_uid}/{instance.series_instance_uid}/{instance.sop_instance_uid}.dcm"
    place = objects / name
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        _link(instance.path, place)
    except FileExistsError as error:
        if place.read_bytes() != instance.path.read_bytes():
            raise Held(Reason.CORRECTION, "another object has the same instance UID") from error
    finally:
        instance.path.unlink(missing_ok=True)
    return name


def _link(path: Path, place: Path) -> None:
    """Give a file another name, unless that is taken."""
    try:
        place.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if place.exists():
            raise FileExistsError from None
        path.rename(place)


def failed(source: Source, error: Exception) -> Outcome:
    """Return the outcome of a source whose processing raised: held, with the reason that the error carries."""
    if isinstance(error, Held):
        record = report.held_record(error)["result"] or {}
        return replace(_not_written(source, error.reason, error.note), record=record)
    if isinstance(error, TryLater):
        return _not_written(source, Reason.RESOURCE_LIMIT, str(error))
    if isinstance(error, UnusableInputError):
        return _not_written(source, Reason.UNREADABLE, str(error))
    return _not_written(source, Reason.INTERNAL_ERROR, type(error).__name__)


def _not_written(source: Source, reason: Reason, note: str) -> Outcome:
    return Outcome(
        source=source,
        state=HELD,
        output=None,
        reason=reason.value,
        note=note,
        seconds=0.0,
        record={},
        rows=(),
        crosswalk=None,
    )


def looks_like_dicom(path: Path) -> bool:
    """Tell whether it has the prefix of PS3.10 7.1, or starts with an element of a low group as old files do."""
    with path.open("rb") as file:
        start = file.read(_PREFIX_AT + len(_PREFIX))
    return start[_PREFIX_AT:] == _PREFIX or start[:2] in _FIRST_GROUPS
