"""`python -m benchmarks.devices [FOLDER] [--text ppocr|craft|union] [--frames N]`: the GPU against the CPU, in one run.

Two questions. Do both find the same? For each model the largest difference of its raw outputs; for whole frames the
regions of text that only one of the two finds, how far the sides of the others are apart, how many are read
differently, and the Dice of the cones. What does it gain? Seconds per look at a frame of one size, of frames whose size
changes each time, and per 24-frame clip with text typed in, on one CPU thread, on all of them, and on the GPU; and the
memory that one worker takes of the card.

FOLDER (or the environment variable SONOVEIL_DATA) holds `text/frames/*.png`; without it only generated frames are
looked at. Without a GPU that onnxruntime can use, only the CPU's figures are printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from benchmarks.text import read_rgb, spread
from benchmarks.typed_over import drawn_clip
from config.schema import ModelsConfig
from models.catalog import find, open_models
from models.session import Session, offered_devices
from pipeline.frames.read import open_instance
from pipeline.plan import NO_CONE
from pipeline.text_search import KeepRule, find_text
from tests.factories.pixels import save_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.catalog import Models, TextModels
    from models.text import TextRegion

    Image = NDArray[np.uint8]

_PARTS = {"ppocr": ("ppocr-detector", "ppocr-recogniser"), "craft": ("craft", "english_g2")}
_SHAPES = {
    "ppocr-detector": ((1, 3, 736, 992), (1, 3, 608, 800), (1, 3, 1024, 1024)),
    "ppocr-recogniser": ((8, 3, 48, 320), (1, 3, 48, 96)),
    "craft": ((1, 3, 608, 800),),
    "english_g2": ((4, 1, 64, 320),),
    "cone": ((1, 1, 256, 256), (8, 1, 256, 256)),
}
_ROUNDS = 20
_CLIPS = 4
_CLIP_FRAMES = 24
_Item = TypeVar("_Item")


def main() -> None:
    """Compare what this machine has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=os.environ.get("SONOVEIL_DATA"))
    parser.add_argument("--text", choices=("ppocr", "craft", "union"), default="ppocr")
    parser.add_argument("--frames", type=int, default=40, help="at most so many frames of the folder")
    given = parser.parse_args()
    frames = list(_frames(given.folder and Path(given.folder), given.frames))
    cpu = _opened("cpu", given.text, threads=1)
    gpu = _gpu(given.text)
    if gpu is None:
        print("no GPU that onnxruntime can use: the CPU alone")
    else:
        _compare_outputs(given.text)
        _compare_results(cpu, gpu, frames)
    cores = os.cpu_count() or 1
    _print_speed(
        {"CPU, 1 thread": cpu, f"CPU, {cores} threads": _opened("cpu", given.text, threads=cores)}
        | ({} if gpu is None else {"GPU": gpu}),
        frames,
    )


def _opened(device: str, text: TextModels, *, threads: int) -> Models:
    return open_models(ModelsConfig(device=device), text=text, cone=True, threads=threads)


def _gpu(text: TextModels) -> Models | None:
    return _opened("cuda", text, threads=1) if "cuda" in offered_devices() else None


def _frames(folder: Path | None, most: int) -> Sequence[Image]:
    if folder is None:
        return [drawn_clip(seed, 3)[0][0] for seed in range(8)]
    return [read_rgb(path) for path in spread(sorted((folder / "text" / "frames").glob("*.png")), most)]


def _compare_outputs(text: TextModels) -> None:
    print("raw outputs, largest difference between GPU and CPU (outputs are scores of 0 to 1, or a recogniser's)")
    names = [name for kind, both in _PARTS.items() if text in {kind, "union"} for name in both]
    dice = np.random.default_rng(1)
    for name in (*names, "cone"):
        weights, path = find(name, ModelsConfig())
        on_cpu, on_gpu = (
            Session(path, name=name, sha256=weights.sha256, contract=weights.contract, device=device)
            for device in ("cpu", "cuda")
        )
        for shape in _SHAPES[name]:
            batch = dice.uniform(0.0, 1.0, shape).astype(np.float32)
            apart = max(
                float(np.abs(one - other).max())
                for one, other in zip(on_cpu.run(batch), on_gpu.run(batch), strict=True)
            )
            print(f"  {name:17} {'x'.join(map(str, shape)):13} {apart:.2e}")


@dataclass(slots=True)
class _Difference:
    """What the two devices did not agree on, summed over frames."""

    both: int = 0
    one_only: int = 0
    furthest: int = 0
    read_otherwise: int = 0


def _compare_results(cpu: Models, gpu: Models, frames: Sequence[Image]) -> None:
    for strict in (False, True):
        sums = _Difference()
        for frame in frames:
            _compare_regions(cpu.text.read(frame, strict=strict), gpu.text.read(frame, strict=strict), sums)
        print(
            f"{'strict' if strict else 'first'} look at {len(frames)} frames: {sums.both} regions on both, "
            f"{sums.one_only} on one only, sides at most {sums.furthest} px apart, {sums.read_otherwise} read otherwise"
        )
    assert cpu.cone is not None
    assert gpu.cone is not None
    dices, apart = [], 0.0
    for frame in frames:
        one, other = cpu.cone.segment(frame), gpu.cone.segment(frame)
        whole = float(one.mask.sum() + other.mask.sum())
        dices.append(2 * float((one.mask & other.mask).sum()) / whole if whole else 1.0)
        apart = max(apart, abs(one.confidence - other.confidence))
    print(f"cone of {len(frames)} frames: Dice at least {min(dices):.5f}, confidence at most {apart:.1e} apart")


def _compare_regions(cpu: Sequence[TextRegion], gpu: Sequence[TextRegion], sums: _Difference) -> None:
    rest = list(gpu)
    for one in cpu:
        partner = min(rest, key=lambda other: _apart(one, other), default=None)
        if partner is None or _apart(one, partner) > one.bottom - one.top:
            sums.one_only += 1
            continue
        rest.remove(partner)
        sums.both += 1
        sums.furthest = max(sums.furthest, _apart(one, partner))
        sums.read_otherwise += one.text != partner.text
    sums.one_only += len(rest)


def _apart(one: TextRegion, other: TextRegion) -> int:
    return max(
        abs(one.left - other.left),
        abs(one.top - other.top),
        abs(one.right - other.right),
        abs(one.bottom - other.bottom),
    )


def _print_speed(opened: dict[str, Models], frames: Sequence[Image]) -> None:
    clips = [drawn_clip(seed, _CLIP_FRAMES)[0] for seed in range(_CLIPS)]
    same = [clips[0][0]] * _ROUNDS
    changing = [clips[0][0][: 300 + 9 * step, : 400 + 12 * step] for step in range(_ROUNDS)]
    print("milliseconds per look         480x640   size changes   real frames   strict   cone of 8   24-frame clip")
    for name, models in opened.items():
        before = _card_mib()
        models.text.read(clips[1][0], strict=False)
        cone = models.cone
        assert cone is not None
        figures = (
            _per_item(lambda frame, models=models: models.text.read(frame, strict=False), same),
            _per_item(lambda frame, models=models: models.text.read(frame, strict=False), changing),
            _per_item(lambda frame, models=models: models.text.read(frame, strict=False), frames),
            _per_item(lambda frame, models=models: models.text.read(frame, strict=True), frames),
            _per_item(cone.segment_clip, [list(clip[:8]) for clip in clips]),
            _per_item(lambda clip, models=models: _look_through(models, clip), clips),
        )
        widths = (9, 14, 13, 8, 11, 15)
        print(f"  {name:26}" + "".join(f"{1000 * one:{width}.1f}" for one, width in zip(figures, widths, strict=True)))
        if before is not None and models.device == "cuda":
            print(f"  memory of the card: {_card_mib()} MiB in all")


def _look_through(models: Models, clip: Image) -> None:
    keep = KeepRule(words=frozenset(), identifies=lambda _text: False)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_instance(save_image(Path(folder) / "clip.dcm", clip)) as instance,
    ):
        assert instance.frames is not None
        find_text(instance.frames, models.text, NO_CONE, keep)


def _per_item(work: Callable[[_Item], object], items: Sequence[_Item]) -> float:
    begun = time.perf_counter()
    for item in items:
        work(item)
    return (time.perf_counter() - begun) / len(items)


def _card_mib() -> int | None:
    try:
        said = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
            capture_output=True,
            check=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return int(said.stdout.split()[0])


if __name__ == "__main__":
    main()
