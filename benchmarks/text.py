"""How well burned-in text is found, what is masked needlessly, and what it costs.

    python benchmarks/text.py [FOLDER] [--detector ppocr|craft|union] [--frames N] [--no-mends]

FOLDER (or the environment variable SONOVEIL_DATA) holds `text/frames/*.png` with `text/boxes.json`, and `cone/frames`
with `cone/index.csv` and `cone/clips_labelled`, whose frames without chrome and text are the text-free ones. Without it
only memory is measured, on a generated frame.

What the columns say
--------------------
recall            share of labelled boxes of whose ink at least 95 % is masked; ink: what differs from the box's
                  background by more than half of the largest difference
2+ / 1            the same for labels of two or more characters, and of at most one
false             share of the frame that is masked further than 8 pixels from any labelled box
text-free masked  share of text-free frames in which anything is masked
mends             strict look on the masked frame: frames that were clean at once, after one mend, after two; the rest
                  would be held
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from config.schema import ModelsConfig
from models.catalog import open_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.text import TextReader, TextRegion

_One = TypeVar("_One")
_NEAR_PX = 8
_MENDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A labelled text: left, top, right, bottom, and what a recogniser read there."""

    box: tuple[int, int, int, int]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one frame gave; `clean_after` is the number of mends, or one more than allowed."""

    found: list[tuple[Label, bool]]
    false_share: float
    masked: bool
    readable_left: int
    clean_after: int
    seconds: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", default=os.environ.get("SONOVEIL_DATA"))
    parser.add_argument("--detector", choices=("ppocr", "craft", "union"), default="ppocr")
    parser.add_argument("--frames", type=int, default=None, help="at most so many frames of each kind")
    parser.add_argument("--no-mends", action="store_true", help="leave out the strict look, which costs the most")
    parser.add_argument("--verbose", action="store_true", help="what each frame lost")
    given = parser.parse_args()
    reader = open_models(ModelsConfig(device="cpu"), text=given.detector, cone=False).text
    print_memory(reader, (608, 800))
    if given.folder is None:
        print("no folder of labelled frames given: recall and false masks are not measured")
    else:
        judge = Judge(reader=reader, look_again=not given.no_mends, verbose=given.verbose)
        print_scores(judge, Path(given.folder), given.frames)
    print_memory(reader, (3000, 3000))
    return 0


def print_memory(reader: TextReader, shape: tuple[int, int]) -> None:
    """Read one generated frame of this size, and print the process' peak so far."""
    frame = np.random.default_rng(1).integers(0, 40, shape, dtype=np.uint8)
    cv2.putText(frame, "SAMPLE^TEXT 01.02.1970", (40, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 220, 2)
    started = time.process_time()
    regions = reader.read(frame, strict=False)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{shape[0]}x{shape[1]}: {len(regions)} regions, {seconds:.2f} CPU-s, peak so far {peak:.0f} MiB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What is measured, and how far."""

    reader: TextReader
    look_again: bool
    verbose: bool


def print_scores(judge: Judge, folder: Path, most: int | None) -> None:
    """Measure the labelled and the text-free frames."""
    labelled = [score(judge, frame, labels, name) for name, frame, labels in texts(folder, most)]
    free = [score(judge, frame, [], name) for name, frame in text_free(folder, most)]
    found = [pair for one in labelled for pair in one.found]
    print(f"labelled frames {len(labelled)}, boxes {len(found)}; text-free frames {len(free)}")
    print(f"recall           {share(found):.3f}")
    print(f"  2+ characters  {share([pair for pair in found if letters(pair[0]) > 1]):.3f}")
    print(f"  1 character    {share([pair for pair in found if letters(pair[0]) <= 1]):.3f}")
    print(f"false, %         {100 * float(np.mean([one.false_share for one in labelled])):.3f}")
    print(f"text-free masked {np.mean([one.masked for one in free]):.3f}")
    print(f"CPU-s a frame    {np.mean([one.seconds for one in labelled]):.2f} (detect and read, one thread)")
    if not judge.look_again:
        return
    print(f"strings that the strict look reads on masked frames {sum(one.readable_left for one in labelled)}")
    for kind, scores in (("labelled", labelled), ("text-free", free)):
        counts = Counter(one.clean_after for one in scores)
        held = counts[_MENDS + 1] / len(scores)
        print(f"mends, {kind}: {[counts[number] for number in range(_MENDS + 1)]}, held {100 * held:.1f} %")


def score(judge: Judge, frame: NDArray[np.uint8], labels: Sequence[Label], name: str) -> Score:
    """Detect, mask, look again, as the pipeline does."""
    started = time.process_time()
    regions = judge.reader.read(frame, strict=False)
    seconds = time.process_time() - started
    mask = painted(frame.shape[:2], regions)
    found = [(label, covered(frame, label.box, mask)) for label in labels]
    near = np.zeros(mask.shape, dtype=bool)
    for label in labels:
        left, top, right, bottom = label.box
        near[max(0, top - _NEAR_PX) : bottom + _NEAR_PX, max(0, left - _NEAR_PX) : right + _NEAR_PX] = True
    if judge.verbose:
        print(name, frame.shape, f"{seconds:.2f}s", "missed", [label for label, hit in found if not hit])
        for one in regions:
            if not near[one.top : one.bottom, one.left : one.right].all() and not labels:
                print("   false", one)
    readable_left, clean_after = mends(judge, frame, mask) if judge.look_again else (0, 0)
    return Score(
        found=found,
        false_share=float((mask & ~near).mean()),
        masked=bool(mask.any()),
        readable_left=readable_left,
        clean_after=clean_after,
        seconds=seconds,
    )


def mends(judge: Judge, frame: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Give what the first strict look read, and how often the mask had to grow until a strict look read nothing."""
    mask = mask.copy()
    readable_left = 0
    for number in range(_MENDS + 1):
        masked = np.where(mask[:, :, np.newaxis], 0, frame).astype(np.uint8)
        again = judge.reader.read(masked, strict=True)
        if not again:
            return readable_left, number
        if judge.verbose:
            for one in again:
                print("   strict look", number, one)
        readable_left = readable_left if number else len(again)
        mask |= painted(mask.shape, again)
    return readable_left, _MENDS + 1


def painted(shape: tuple[int, ...], regions: Sequence[TextRegion]) -> NDArray[np.bool_]:
    """Mark the pixels that are blanked."""
    mask = np.zeros(shape, dtype=bool)
    for one in regions:
        mask[one.top : one.bottom, one.left : one.right] = True
    return mask


def covered(frame: NDArray[np.uint8], box: tuple[int, int, int, int], mask: NDArray[np.bool_]) -> bool:
    """Whether at least 95 % of the box's ink is masked."""
    left, top, right, bottom = box
    crop = frame[top:bottom, left:right].astype(np.int16)
    border = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    difference = np.abs(crop - np.median(border, axis=0)).max(axis=2)
    ink = difference > difference.max() / 2
    return bool((ink & mask[top:bottom, left:right]).sum() >= 0.95 * ink.sum())


def texts(folder: Path, most: int | None) -> Iterator[tuple[str, NDArray[np.uint8], list[Label]]]:
    """Frames with labelled text."""
    boxes = json.loads((folder / "text" / "boxes.json").read_text(encoding="utf-8"))
    for name in spread(sorted(boxes), most):
        labels = [Label(box=tuple(one["box"]), text=one["text"]) for one in boxes[name]["boxes"]]
        if labels:
            yield name, read_rgb(folder / "text" / "frames" / name), labels


def text_free(folder: Path, most: int | None) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Frames without text: those without labels, and the cone frames without chrome, with four of each clip."""
    boxes = json.loads((folder / "text" / "boxes.json").read_text(encoding="utf-8"))
    paths = [folder / "text" / "frames" / name for name in sorted(boxes) if not boxes[name]["boxes"]]
    with (folder / "cone" / "index.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["has_chrome"] == "0" and row["text_inside_fov"] == "0":
                paths.append(folder / "cone" / "frames" / f"{row['id']}.png")
                paths.extend(sorted((folder / "cone" / "clips_labelled" / row["id"]).glob("*.png"))[::4])
    for path in spread(paths, most):
        yield f"{path.parent.name}/{path.name}", read_rgb(path)


def spread(everything: Sequence[_One], most: int | None) -> Sequence[_One]:
    """Give at most so many, from all over the sequence."""
    return everything if most is None else everything[:: -(-len(everything) // most)]


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a PNG as uint8 (rows, columns, 3), RGB."""
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1], dtype=np.uint8)


def letters(label: Label) -> int:
    """Count a label's characters; one that no recogniser could read counts as one."""
    return len(label.text.replace(" ", ""))


def share(found: Sequence[tuple[Label, bool]]) -> float:
    """Share of labels that are covered."""
    return float(np.mean([hit for _, hit in found])) if found else float("nan")


if __name__ == "__main__":
    sys.exit(main())
