"""`python -m benchmarks.cone [--data FOLDER]`: the cone model on real frames and clips.

The folder holds `cone/index.csv`, `cone/frames`, `cone/masks`, `cone/clips_labelled` and, where there is text to look
at, `text/index.csv`, `text/boxes.json`, `text/frames`; without an argument it is that of the environment variable
SONOVEIL_DATA. Files are only read. The printed figures are those of `models/cards/cone.md`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.holds import film
from models.cone import ACCEPTED_CONFIDENCE, ConeMask, ConeSegmenter
from models.cone.contract import CONTRACT
from models.session import Session
from pipeline.cone_checks import has_impossible_shape
from pipeline.motion import motion_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SHIPPED = Path(__file__).parents[1] / "models" / "weights" / "cone.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One image or clip, measured."""

    name: str
    dice: float
    accuracy: float
    outside: float
    confidence: float
    cpu_ms: float
    shapes: str


def _score(name: str, found: ConeMask, wanted: NDArray[np.bool_], cpu_ms: float) -> Score:
    shared = float((found.mask & wanted).sum())
    return Score(
        name=name,
        dice=2 * shared / float(found.mask.sum() + wanted.sum()),
        accuracy=float((found.mask == wanted).mean()),
        outside=float((found.mask & ~wanted).sum() / max(1, (~wanted).sum())),
        confidence=found.confidence,
        cpu_ms=cpu_ms,
        shapes="+".join(shape.kind.value for shape in found.shapes) or "as found",
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _image(path: Path) -> NDArray[np.uint8]:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def _wanted(data: Path, name: str) -> NDArray[np.bool_]:
    return np.asarray(cv2.imread(str(data / "cone/masks" / f"{name}.png"), cv2.IMREAD_GRAYSCALE) > 127)


def _timed(segmenter: ConeSegmenter, frames: Sequence[NDArray[np.uint8]]) -> tuple[ConeMask, float]:
    began = time.process_time()
    found = segmenter.segment_clip(frames)
    return found, (time.process_time() - began) * 1000


def _frames(segmenter: ConeSegmenter, data: Path, names: list[str]) -> list[Score]:
    scores = []
    for name in names:
        found, cpu_ms = _timed(segmenter, [_image(data / "cone/frames" / f"{name}.png")])
        scores.append(_score(name, found, _wanted(data, name), cpu_ms))
    return scores


def _clips(segmenter: ConeSegmenter, data: Path) -> list[Score]:
    scores = []
    for folder in sorted((data / "cone/clips_labelled").iterdir()):
        frames = [_image(path) for path in sorted(folder.glob("*.png"))]
        wanted = _wanted(data, folder.name)
        if not frames or frames[0].shape[:2] != wanted.shape:
            continue
        found, cpu_ms = _timed(segmenter, frames)
        scores.append(_score(folder.name, found, wanted, cpu_ms))
    return scores


def _report(title: str, scores: list[Score], *, each: bool) -> None:
    dice = np.array([score.dice for score in scores])
    confidence = np.array([score.confidence for score in scores])
    held = confidence < ACCEPTED_CONFIDENCE
    print(f"\n{title} (n = {len(scores)})")
    print(f"  Dice mean {dice.mean():.4f}  median {np.median(dice):.4f}  min {dice.min():.4f}")
    print(f"  Dice mean of the accepted {dice[~held].mean():.4f}  min {dice[~held].min():.4f}")
    print(f"  pixel accuracy mean {np.mean([score.accuracy for score in scores]):.4f}")
    print(f"  share of the outside kept, mean {np.mean([score.outside for score in scores]):.4f}")
    tenth, half = np.quantile(confidence, [0.1, 0.5])
    print(f"  confidence min {confidence.min():.3f}  10 % {tenth:.3f}  median {half:.3f}")
    print(f"  uncertain below {ACCEPTED_CONFIDENCE}: {int(held.sum())} ({held.mean():.1%})")
    print(f"  CPU-ms median {np.median([score.cpu_ms for score in scores]):.0f}")
    for score in sorted(scores, key=lambda one: one.dice) if each else ():
        print(
            f"    {score.name[:52]:52s} Dice {score.dice:.4f} accuracy {score.accuracy:.4f} outside {score.outside:.4f}"
            f" confidence {score.confidence:.3f} {score.cpu_ms:5.0f} ms {score.shapes}"
        )


def _films(data: Path) -> list[tuple[str, list[NDArray[np.uint8]]]]:
    """All clips that the folder holds, labelled or not, up to 16 frames of each."""
    clips = [
        (folder.name, [_image(path) for path in sorted(folder.glob("*.png"))])
        for folder in sorted((data / "cone/clips_labelled").iterdir())
    ]
    if (data / "cone/clips").is_dir():
        clips += [(path.name, list(film(path, 16))) for path in sorted((data / "cone/clips").iterdir())]
    return [(name, frames) for name, frames in clips if len(frames) > 2]


def _second_opinion(segmenter: ConeSegmenter, data: Path) -> None:
    """Print what movement and shape say of the mask that is found, and of masks that are wrong."""
    said: dict[str, Counter[str]] = defaultdict(Counter)
    spent = 0.0
    films = _films(data)
    for _, frames in films:
        found = segmenter.segment_clip(frames).mask
        rows, columns = found.shape
        began = time.process_time()
        motion = motion_of(frames)
        spent += time.process_time() - began
        wrong = {
            "as found": found,
            "its left half": found & (np.arange(columns) < columns / 2)[None, :],
            "its upper half": found & (np.arange(rows) < rows / 2)[:, None],
            "a third of the frame aside": np.roll(found, columns // 3, axis=1),
        }
        for name, mask in wrong.items():
            shape = has_impossible_shape(mask)
            said[name]["impossible shape" if shape else motion.opinion(mask, np.zeros_like(mask)).value] += 1
    print(f"\nSecond opinion on the masks of {len(films)} clips, {1000 * spent / len(films):.0f} CPU-ms a clip")
    for name, counts in said.items():
        print(f"  {name}: {', '.join(f'{word} {count}' for word, count in sorted(counts.items()))}")


def _same_name(first: str, second: str) -> bool:
    first, second = (re.sub("[^a-z0-9]", "", name.lower()) for name in (first, second))
    return first in second or second in first


def _labelled(data: Path, image: NDArray[np.uint8], source_file: str) -> NDArray[np.bool_] | None:
    """Find the mask of the same frame among the cone's, by source name and size."""
    for row in _rows(data / "cone/index.csv"):
        size = (int(row["height"]), int(row["width"]))
        named = _same_name(row["id"].split("_", 1)[1], source_file) or _same_name(Path(row["source"]).name, source_file)
        if named and size == image.shape[:2]:
            return _wanted(data, row["id"])
    return None


def _text(segmenter: ConeSegmenter, data: Path) -> None:
    """How many text boxes outside the labelled cone would stay visible, wholly or in part."""
    boxes = json.loads((data / "text/boxes.json").read_text(encoding="utf-8"))
    frames, outside, touched, kept = 0, 0, 0, 0
    for row in _rows(data / "text/index.csv"):
        image = _image(data / "text/frames" / row["image"])
        wanted = _labelled(data, image, row["source_file"])
        if wanted is None:
            continue
        frames += 1
        mask = segmenter.segment(image).mask
        for found in boxes[row["image"]]["boxes"]:
            left, top, right, bottom = (round(side) for side in found["box"])
            if wanted[top:bottom, left:right].mean() > 0:
                continue
            share = mask[top:bottom, left:right].mean()
            outside, touched, kept = outside + 1, touched + bool(share > 0), kept + bool(share > 0.5)
    print(f"\nText boxes wholly outside the labelled cone, {frames} frames: {outside}")
    print(f"  more than half within the found mask: {kept}; touched by it: {touched}")


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("SONOVEIL_DATA"))
    parser.add_argument("--weights", type=Path, default=_SHIPPED)
    parser.add_argument("--each", action="store_true", help="also print every image")
    wanted = parser.parse_args()
    if wanted.data is None:
        parser.error("name a folder with --data or SONOVEIL_DATA")
    data = Path(wanted.data)
    digest = hashlib.sha256(wanted.weights.read_bytes()).hexdigest()
    session = Session(wanted.weights, name="cone", sha256=digest, contract=CONTRACT, device="cpu", threads=1)
    names = [row["id"] for row in _rows(data / "cone/index.csv")]
    segmenter, raw = ConeSegmenter(session), ConeSegmenter(session, fit=False)
    segmenter.segment(np.zeros((8, 8), dtype=np.uint8))
    _report("Frames, shapes fitted", _frames(segmenter, data, names), each=wanted.each)
    _report("Frames, the network's mask", _frames(raw, data, names), each=False)
    _report("Clips, shapes fitted", _clips(segmenter, data), each=wanted.each)
    _report("Clips, the network's mask", _clips(raw, data), each=False)
    _second_opinion(segmenter, data)
    if (data / "text/index.csv").is_file():
        _text(segmenter, data)


if __name__ == "__main__":
    main()
