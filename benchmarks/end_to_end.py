"""Measures the whole way: a modality (storescu) → the node → a PACS (storescp), against storescu → storescp alone.

    python -m benchmarks.end_to_end [--instances 60] [--workers 2]

Prints instances and frames per second, CPU seconds, peak memory and where the time goes, per kind of object, all from
one run on one machine. The floor is the same files from storescu straight to storescp, which neither syncs nor looks.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tests.acceptance.node import RunningNode, running_node
from tests.factories.planted import planted_object
from tests.factories.study import write_study
from tests.peers.dcmtk import storescp, storescu

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICKS_PER_S = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One kind of object and how many frames it has."""

    name: str
    files: tuple[Path, ...]
    frames: int


def main() -> None:
    """Measure every load and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sonoveil-bench-") as name:
        folder = Path(name)
        for load in (
            _ct(folder / "ct", options.instances),
            _screens(folder / "us", options.instances // 3),
            _clip(folder),
        ):
            _measure(load, folder / f"node-{load.name}", options.workers)


def _ct(folder: Path, count: int) -> Load:
    folder.mkdir()
    files = tuple(
        planted_object("CT", seed=1, instance=number, rows=512, columns=512).save(folder / f"{number}.dcm")
        for number in range(1, count + 1)
    )
    return Load(name="ct-512", files=files, frames=count)


def _screens(folder: Path, count: int) -> Load:
    folder.mkdir()
    files = []
    for number in range(1, count + 1):
        made = planted_object("US1", seed=2, instance=number, rows=608, columns=800)
        made.dataset.PixelData = _screen(number).tobytes()
        files.append(made.save(folder / f"{number}.dcm"))
    return Load(name="us-608x800", files=tuple(files), frames=count)


def _screen(number: int) -> np.ndarray:
    """Draw a curvilinear cone with speckle and a patient banner."""
    noise = np.random.default_rng(number).integers(0, 255, (608, 800), dtype=np.uint8)
    cone = np.zeros_like(noise)
    cv2.ellipse(cone, (400, 20), (540, 540), 90, -35, 35, 255, -1)
    cv2.circle(cone, (400, 20), 90, 0, -1)
    frame = cv2.cvtColor(cv2.GaussianBlur(np.where(cone > 0, noise, 0), (5, 3), 0), cv2.COLOR_GRAY2RGB)
    for line, text in enumerate(("BENCHMARK PATIENT", "ID 20261121", f"FRAME {number}", "MI 1.1  TIS 0.4")):
        cv2.putText(frame, text, (8, 22 + 20 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA)
    return frame


def _clip(folder: Path) -> Load:
    clip = write_study(folder / "clip", seed=3).clip
    return Load(name="clip-30x240x320", files=(clip,), frames=30)


def _measure(load: Load, folder: Path, workers: int) -> None:
    with storescp(folder / "floor") as floor:
        begun = time.perf_counter()
        _send(floor.port, load.files, called="RESEARCH")
        floor_s = time.perf_counter() - begun
    with (
        storescp(folder / "research") as research,
        running_node(folder / "node", research_port=research.port, processing={"workers": workers}) as node,
    ):
        _warm_up(node, folder)
        before = _cpu_s(node)
        begun = time.perf_counter()
        _send(node.port, load.files, called="SONOVEIL")
        received_s = time.perf_counter() - begun
        status = node.settled(acknowledged=len(load.files) + workers, seconds=1800)
        seconds = time.perf_counter() - begun
        cpu = _cpu_s(node) - before
        print(
            f"{load.name}: {len(load.files)} instances, {load.frames} frames, {workers} workers: "
            f"{len(load.files) / seconds:.2f} instances/s, {load.frames / seconds:.2f} frames/s, "
            f"{cpu / load.frames:.3f} CPU-s/frame, largest process {_peak_mb(node)} MB, "
            f"{status['states']['held']} held; receiving at {floor_s / received_s:.2f} x the speed of storescp; "
            f"of the pipeline's time: {_stages(node)}",
            flush=True,
        )


def _send(port: int, files: Sequence[Path], *, called: str) -> None:
    done = storescu(port, files, calling="CLINICAL", called=called)
    if done.returncode != 0:
        raise SystemExit(done.output)


def _warm_up(node: RunningNode, folder: Path) -> None:
    """Let every worker open its models before the clock runs."""
    count = int(node.config["processing"]["workers"])
    files = [
        planted_object("MR", seed=90, instance=n, rows=48, columns=64).save(folder / f"warm-{n}.dcm")
        for n in range(1, count + 1)
    ]
    _send(node.port, files, called="SONOVEIL")
    node.settled(acknowledged=count)


def _cpu_s(node: RunningNode) -> float:
    assert node.process is not None
    total = 0
    for pid in (node.process.pid, *node.children()):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS_PER_S


def _peak_mb(node: RunningNode) -> int:
    """Return the largest resident set of any of the node's processes so far."""
    assert node.process is not None
    peaks = []
    for pid in (node.process.pid, *node.children()):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        peaks.append(int(found[1]) if found else 0)
    return max(peaks) // 1024


def _stages(node: RunningNode) -> str:
    """Return how much of the pipeline's time the models took, from the node's own metrics."""
    text = node.get("/metrics")[1]
    whole = _sum(text, 'sonoveil_stage_seconds_sum{stage="pipeline"}')
    parts = {name: _sum(text, f'sonoveil_model_seconds_sum{{model="{name}"}}') for name in ("text", "cone")}
    return ", ".join(f"{name} model {seconds / whole:.0%}" for name, seconds in parts.items() if whole)


def _sum(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    main()
