"""Seconds and memory of a whole object, spool to spool, beside the floor: decoding and encoding of the same frames.

    python -m benchmarks.clip [--only jpeg,native,cr,ct] [--folder /tmp] [--ct-bytes 2000000000] [--easyocr PYTHON]

Objects are drawn: a 60-frame clip of 800 x 600 screens as JPEG, native and in lossless syntaxes, a radiograph of
3000 x 3000, and an enhanced CT. Every job runs in a process of its own, models open before the clock starts, as in a
worker. For each object:

- floor: every frame decoded and encoded again, once; of native data the file is read and written, synced;
- redaction: given the plan, the object is written, read again and every sample is compared;
- without models: the whole job, the answers of the models being known;
- whole: the whole job.

Seconds are the processor's, in times of the floor; memory is the peak of the process in MB, and the part
of it that workers share, because it is the libraries' files. A detector pass is one
frame's worth of pixels at the detector. With `--easyocr` EasyOCR's defaults (torch, one thread) read three frames of
the clip under the Python that is named, and the time for all frames is set beside ours.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import imagecodecs
import numpy as np

from benchmarks import _clip_objects as objects
from config.load import load_profile
from config.schema import ModelsConfig
from models.catalog import open_models
from models.heap import keep_heap_small
from pipeline.deidentify import Deidentifier
from pipeline.frames.read import open_instance
from pipeline.plan import NO_CONE, ConeArea, Redaction, RedactionPlan, grid_of, uncropped_plan, unpacked_mask
from pipeline.reasons import Held
from pipeline.records import ReceivedInstance
from pipeline.redact import choose_output, write_redacted
from pipeline.text_search import KeepRule
from pipeline.verify import verify_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from pipeline.frames.description import PixelDescription
    from pipeline.records import DeidentifiedInstance

_COPY_BYTES = 1 << 22
_EASYOCR_FRAMES = 3
_AS_INSTALLED = (
    "import runpy, sys; sys.modules['gdcm'] = None; runpy.run_module('benchmarks.clip', run_name='__main__')"
)
"""Runs this file without GDCM, which only developers have: pydicom would load it, 25 MB."""
_NOTHING_KEPT = KeepRule(words=frozenset(), identifies=lambda _text: False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One object to be measured.

    Parameters
    ----------
    is_long
        Its jobs run once, not several times.
    """

    save: Callable[..., None]
    count: int
    syntax_uid: str
    profile: str = "research"
    is_long: bool = False


def subjects(frames: int, ct_bytes: int) -> dict[str, Subject]:
    """Return everything that can be measured, by name."""
    few = max(2, frames // 5)
    slices = max(2, ct_bytes // (2 * objects.SLICE_PX**2))
    rle, jpeg_ls, jpeg_2000 = objects.PLUGINS
    native = objects.EXPLICIT_LITTLE
    jpeg = partial(objects.save_screens, syntax_uid=objects.JPEG)
    clips = {
        name: Subject(save=partial(objects.save_screens, syntax_uid=uid), count=few, syntax_uid=uid)
        for name, uid in (("rle", rle), ("jpeg-ls", jpeg_ls), ("jpeg-2000", jpeg_2000))
    }
    plain = partial(objects.save_screens, syntax_uid=native)
    return {
        "jpeg": Subject(save=jpeg, count=frames, syntax_uid=objects.JPEG),
        "jpeg-cone": Subject(save=jpeg, count=frames, syntax_uid=objects.JPEG, profile="ultrasound"),
        "native": Subject(save=plain, count=frames, syntax_uid=native),
        **clips,
        "cr": Subject(save=objects.save_exposure, count=1, syntax_uid=native),
        "ct": Subject(save=objects.save_slices, count=slices, syntax_uid=native, is_long=True),
    }


class Recorder:
    """A model that notes its answers, or, given notes, gives them again without looking."""

    def __init__(self, model: Any, notes: list[Any] | None) -> None:
        self._model = model
        self._known = None if notes is None else iter(notes)
        self.notes: list[Any] = []
        self.passes = {False: 0.0, True: 0.0}
        self.calls = {False: 0, True: 0}

    def read(self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int] | None = None) -> Any:
        """Read, as a text reader does."""
        whole = frame or image.shape[:2]
        self.passes[strict] += image.shape[0] * image.shape[1] / (whole[0] * whole[1])
        self.calls[strict] += 1
        return self._answer(lambda: self._model.read(image, strict=strict, frame=frame))

    def segment(self, image: NDArray[np.uint8]) -> Any:
        """Segment, as the cone's model does."""
        return self._answer(lambda: self._model.segment(image))

    def _answer(self, look: Callable[[], Any]) -> Any:
        answer = look() if self._known is None else next(self._known)
        if self._known is None:
            self.notes.append(answer)
        return answer


class _NoCone:
    """A cone that nobody is sure of."""

    mask = np.zeros((objects.ROWS, objects.COLUMNS), dtype=np.bool_)
    confidence = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """Opened models."""

    text: Any
    cone: Any
    sha256: dict[str, str]


def job(way: str, source: Path, subject: Subject, notes: Path) -> dict[str, Any]:
    """Run one way in this process, and return its figures."""
    keep_heap_small()  # as in every process that opened models
    cv2.setNumThreads(1)
    models = _models(subject) if way == "whole" else None
    _prepared(way, source.with_suffix(".few"), subject, None, models)[0]()  # warms up
    work, after = _prepared(way, source, subject, notes, models)
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall = time.perf_counter() - wall
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": wall, **_memory(), **after()}


def _memory() -> dict[str, float]:
    """Return the most memory that this process had, and how much of what it has now are pages of libraries' files.

    Workers share those; getrusage would also count the parent that a process was forked from.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak, shared = (int(status.partition(f"{name}:")[2].split()[0]) / 1000 for name in ("VmHWM", "RssFile"))
    return {"peak_mb": peak, "shared_mb": shared}


def _models(subject: Subject) -> Any:
    """Open what the profile needs, once, as a worker does."""
    wants_cone = load_profile(subject.profile).pixels.cone is not None
    return open_models(ModelsConfig(device="cpu"), text="ppocr", cone=wants_cone)


def _prepared(
    way: str, source: Path, subject: Subject, notes: Path | None, models: Any
) -> tuple[Callable[[], Any], Callable[[], dict[str, Any]]]:
    """Return the work, and what gives its further figures; without notes it warms up on a smaller object."""
    if way == "floor":
        return partial(_floor, source, subject), dict
    if way == "redaction":
        return partial(_redact, source, None if notes is None else _noted(notes)["findings"]), dict
    if way == "without models":
        return _whole(
            source, subject, None, _noted(notes) if notes else {"text": repeat(()), "cone": repeat(_NoCone())}, None
        )
    return _whole(source, subject, notes, None, models)


def _noted(notes: Path) -> dict[str, Any]:
    with notes.open("rb") as file:
        noted: dict[str, Any] = pickle.load(file)  # noqa: S301  our own, of a minute ago
    return noted


def _whole(
    source: Path, subject: Subject, notes: Path | None, known: dict[str, Any] | None, models: Any
) -> tuple[Callable[[], Any], Callable[[], dict[str, Any]]]:
    text = Recorder(models and models.text, known and known["text"])
    cone = Recorder(models and models.cone, known and known["cone"])
    eyes = Eyes(text=text, cone=cone, sha256={})
    deidentifier = Deidentifier(
        profile=load_profile(subject.profile),
        key=bytes(32),
        project="bench",
        models_config=ModelsConfig(),
        opener=lambda _config, **_what: eyes,
    )
    deidentifier.open()
    received = ReceivedInstance(path=source, patient_domain=None, node_name="bench", size_bytes=source.stat().st_size)
    outcomes: list[tuple[DeidentifiedInstance | None, str]] = []

    def work() -> None:
        try:
            outcomes.append((deidentifier.run(received, source.with_suffix(".out")), "written"))
        except Held as held:
            outcomes.append((held.result, f"held {held.reason.value}"))

    def after() -> dict[str, Any]:
        result, outcome = outcomes[0]
        if notes is not None and result is not None:
            with notes.open("wb") as file:
                pickle.dump({"text": text.notes, "cone": cone.notes, "findings": result.findings}, file)
        said = {"first": text.passes[False], "strict": text.passes[True]}
        calls = {"first_calls": text.calls[False], "strict_calls": text.calls[True]}
        return {"outcome": outcome, "places": len(result.findings.text) if result else 0, **said, **calls}

    return work, after


def _floor(source: Path, subject: Subject) -> None:
    if subject.syntax_uid == objects.EXPLICIT_LITTLE:
        with source.open("rb") as file, source.with_suffix(".out").open("wb") as copy:
            while piece := file.read(_COPY_BYTES):
                copy.write(piece)
            copy.flush()
            os.fsync(copy.fileno())
        return
    with open_instance(source) as opened:
        assert opened.frames is not None
        for index in range(len(opened.frames)):
            if subject.syntax_uid == objects.JPEG:
                objects.jpeg_of(imagecodecs.jpeg_decode(opened.frames.codestream(index)))
            else:
                objects.coded(opened.frames.decoded(index).samples, subject.syntax_uid)


def _redact(source: Path, findings: Any) -> None:
    with open_instance(source) as opened:
        frames = opened.frames
        assert frames is not None
        output = choose_output(frames, _plan(findings, frames.description))
        target = source.with_suffix(".out")
        verify_pixels(target, write_redacted(target, opened.header, output, text_is_gone=True), None, _NOTHING_KEPT)


def _plan(findings: Any, description: PixelDescription) -> RedactionPlan:
    if findings is None:
        corner = Redaction(frame_first=0, frame_last=description.frames - 1, box=(0, 0, 64, 64), rule="text")
        return uncropped_plan(description).with_more([corner], [])
    plan = findings.plan
    area = NO_CONE
    if plan.kept is not None:
        kept = unpacked_mask(plan.kept, plan.rows, plan.columns)
        area = ConeArea(kept=kept, crop=plan.crop, finding=findings.cone, in_doubt=False)
    redactions = tuple(
        Redaction(frame_first=one.frame_first, frame_last=one.frame_last, box=one.box, rule=one.rule)
        for one in plan.blanked
    )
    size = {"rows": plan.rows, "columns": plan.columns, "frames": findings.frames}
    return RedactionPlan(**size, grid=grid_of(description), cone=area, redactions=redactions, text=())


def measure(name: str, subject: Subject, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Make an object, run every way in processes of their own and print the lines; return the figures of the whole."""
    source, notes = folder / f"{name}.dcm", folder / f"{name}.notes"
    subject.save(source, count=subject.count)
    subject.save(source.with_suffix(".few"), count=min(subject.count, 3))
    count = subject.count
    print(f"\n{name}: {count} frames, {source.stat().st_size / 1e6:.0f} MB, profile {subject.profile}", flush=True)
    run = partial(_child, name, source, notes, options)
    rounds = 1 if subject.is_long else options.rounds
    whole = _middle([run("whole") for _ in range(1 if subject.is_long else min(2, rounds))])
    floor = _middle([run("floor") for _ in range(rounds)])
    figures = {way: _middle([run(way) for _ in range(rounds)]) for way in ("redaction", "without models")}
    for way, figure in {"floor": floor, **figures, "whole": whole}.items():
        print(
            f"  {way:15s} {figure['cpu']:8.2f} CPU-s {1000 * figure['cpu'] / count:7.1f} ms a frame"
            f" {figure['cpu'] / floor['cpu']:6.1f} x floor {figure['peak_mb']:5.0f} MB,"
            f" {figure['shared_mb']:.0f} of libraries  ({figure['wall']:.2f} s)"
        )
    print(
        f"  detector passes: first look {whole['first']:.1f} in {whole['first_calls']} calls,"
        f" strict look {whole['strict']:.1f} in {whole['strict_calls']} calls; {whole['places']} texts;"
        f" {whole['outcome']}",
        flush=True,
    )
    for path in (source, notes, source.with_suffix(".few"), source.with_suffix(".out")):
        path.unlink(missing_ok=True)
    return {"frames": count, **whole}


def _middle(figures: list[dict[str, Any]]) -> dict[str, Any]:
    middle = {key: statistics.median(figure[key] for figure in figures) for key in ("cpu", "wall")}
    return {**figures[0], **middle, "peak_mb": max(figure["peak_mb"] for figure in figures)}


def _child(name: str, source: Path, notes: Path, options: argparse.Namespace, way: str) -> dict[str, Any]:
    command = [sys.executable, "-c", _AS_INSTALLED, "--job", way, name, str(source), str(notes)]
    sizes = ["--frames", str(options.frames), "--ct-bytes", str(options.ct_bytes)]
    done = subprocess.run([*command, *sizes], check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _easyocr(python: str, folder: Path, whole: dict[str, Any] | None) -> None:
    """Read three frames as PyLogik does, and set the time for the clip beside ours."""
    path = folder / "frames.npy"
    np.save(path, np.stack(list(objects.screen_frames(_EASYOCR_FRAMES))))
    done = subprocess.run(
        [python, "-m", "benchmarks._easyocr", str(path)], check=True, stdout=subprocess.PIPE, text=True
    )
    said = json.loads(done.stdout.splitlines()[-1])
    each = statistics.median(said["seconds"])
    print(
        f"\nEasyOCR {said['versions'][0]}, torch {said['versions'][1]}: {each:.2f} CPU-s a frame, {said['found']} texts"
    )
    if whole is not None:
        ratio = each * whole["frames"] / whole["cpu"]
        print(f"  {each * whole['frames']:.0f} CPU-s for the clip, {ratio:.0f} times the whole job above")


def main(arguments: Iterable[str] | None = None) -> None:
    """Measure, or run one job of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="names of objects, with commas between them")
    parser.add_argument("--folder", type=Path, help="where the objects are written, instead of the system's folder")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--ct-bytes", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--easyocr", metavar="PYTHON", help="an interpreter that has easyocr, torch and the weights")
    parser.add_argument("--job", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(None if arguments is None else list(arguments))
    known = subjects(options.frames, options.ct_bytes)
    if options.job:
        way, name, source, notes = options.job
        print(json.dumps(job(way, Path(source), known[name], Path(notes))))
        return
    wanted = options.only.split(",") if options.only else list(known)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        figures = {one: measure(one, known[one], options, Path(name)) for one in wanted}
        if options.easyocr:
            _easyocr(options.easyocr, Path(name), figures.get("jpeg"))


if __name__ == "__main__":
    main()
