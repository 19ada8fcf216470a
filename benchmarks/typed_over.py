"""Measures what is missed of text that somebody typed over moving tissue, on some frames of a clip.

    python -m benchmarks.typed_over [--clips 16] [--frames 24]

Each clip is drawn speckle that moves; made-up words stand on a run of its frames, in one of several sizes and
brightnesses. A frame is missed when more than a tenth of its letters' ink is outside what would be blanked. Prints the
share of missed frames, of clips with a missed frame, the blanked share of frames without text, how often a whole
frame's worth of pixels was read for a clip, and CPU seconds.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from config.schema import ModelsConfig
from models.catalog import open_models
from pipeline.frames.read import open_instance
from pipeline.plan import NO_CONE
from pipeline.text_search import KeepRule, find_text
from tests.factories.pixels import save_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.detectors import FoundText, TextReader
    from pipeline.records import TextFinding

_ROWS, _COLUMNS = 480, 640
_WORDS = ("TRAUTWEIN", "LIVER SAG", "RT KIDNEY", "OKONKWO A", "GB LONG", "48213377", "POST VOID", "LEFT LOBE")
_INK = 40
_MISSED = 0.1


def main() -> None:
    """Draw the clips, look at them and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--frames", type=int, default=24)
    options = parser.parse_args()
    reader = _Counting(open_models(ModelsConfig(device="cpu"), text="ppocr", cone=False).text)
    keep = KeepRule(words=frozenset(), identifies=lambda _text: False)
    missed = shown = clips_missed = 0
    blanked = []
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.clips):
            frames, ink = drawn_clip(number, options.frames)
            with open_instance(save_image(Path(folder) / f"{number}.dcm", frames)) as opened:
                assert opened.frames is not None
                findings = find_text(opened.frames, reader, NO_CONE, keep)
            covered = [_covered(findings, index) for index in range(options.frames)]
            left = [
                index
                for index, letters in enumerate(ink)
                if letters.any() and (letters & ~covered[index]).sum() > _MISSED * letters.sum()
            ]
            missed += len(left)
            shown += sum(letters.any() for letters in ink)
            clips_missed += bool(left)
            blanked += [covered[i].mean() for i, letters in enumerate(ink) if not letters.any()]
    seconds = time.process_time() - begun
    print(
        f"{options.clips} clips, {shown} frames with text: missed on {missed / shown:.1%} of them, in "
        f"{clips_missed / options.clips:.1%} of the clips; frames without text blanked {np.mean(blanked or [0]):.2%}; "
        f"{reader.pixels / (_ROWS * _COLUMNS) / options.clips:.1f} detector passes per clip; "
        f"{seconds / options.clips / options.frames:.3f} CPU-s per frame"
    )


class _Counting:
    """Counts the pixels that are read."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self.pixels = 0

    def read(
        self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int] | None = None
    ) -> Sequence[FoundText]:
        self.pixels += image.shape[0] * image.shape[1]
        return self._reader.read(image, strict=strict, frame=frame)


def drawn_clip(seed: int, count: int) -> tuple[NDArray[np.uint8], list[NDArray[np.bool_]]]:
    """Draw frames (count, rows, columns), and say where letters stand in each."""
    dice = random.Random(seed)  # noqa: S311  drawings, no secrets
    noise = np.random.default_rng(seed)
    tissue = noise.gamma(2.0, 1.0, (_ROWS + 3 * count, _COLUMNS + 2 * count))
    tissue = cv2.GaussianBlur(tissue, (0, 0), dice.uniform(0.8, 1.8))
    first = dice.randrange(count - 2)
    last = min(count - 1, first + dice.randrange(5))
    text, place = dice.choice(_WORDS), (dice.randrange(30, 400), dice.randrange(60, 440))
    size, level, gain = dice.uniform(0.45, 0.8), dice.choice((180, 210, 255)), dice.uniform(25, 75)
    letters = np.zeros((_ROWS, _COLUMNS), np.uint8)
    cv2.putText(letters, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    frames, ink = [], []
    for index in range(count):
        moved = tissue[3 * index : 3 * index + _ROWS, 2 * index : 2 * index + _COLUMNS]
        grain = cv2.GaussianBlur(noise.gamma(2.0, 1.0, moved.shape), (0, 0), 1.0)
        frame = np.clip(gain * (0.6 * moved + 0.4 * grain), 0, 255)
        stands = first <= index <= last
        if stands:
            frame = frame + (level - frame) * (letters / 255.0)
        frames.append(frame.astype(np.uint8))
        ink.append(letters > _INK if stands else np.zeros_like(letters, dtype=np.bool_))
    return np.stack(frames), ink


def _covered(findings: tuple[TextFinding, ...], frame: int) -> NDArray[np.bool_]:
    mask = np.zeros((_ROWS, _COLUMNS), np.bool_)
    for found in findings:
        if found.frame_first <= frame <= found.frame_last:
            mask[found.top : found.bottom, found.left : found.right] = True
    return mask


if __name__ == "__main__":
    main()
