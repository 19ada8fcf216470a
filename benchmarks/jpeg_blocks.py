"""A redacted JPEG clip: CPU-seconds and size of blanking coefficients, beside the floor and beside painting samples.

    python -m benchmarks.jpeg_blocks [--frames 60]

The clip is drawn: moving speckle of 600 x 800 in 4:2:2 with a line of text, which a fixed plan blanks; no model looks.
The floor decodes and encodes the same frames and writes nothing. The two ways redact, write, read again and compare,
as the pipeline does; a way's frames are decoded more than once. Rounds alternate; the medians are printed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

from pipeline.frames import turbojpeg
from pipeline.frames.read import open_instance
from pipeline.plan import Redaction, uncropped_plan
from pipeline.redact import as_explicit_little, choose_output, write_redacted
from pipeline.text_search import KeepRule
from pipeline.verify import verify_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.frames.stream import Frames
    from pipeline.plan import RedactionPlan
    from pipeline.redact import Output

ROWS, COLUMNS, LEVEL, ROUNDS = 600, 800, 90, 5
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
NOTHING_KEPT = KeepRule(words=frozenset(), identifies=lambda _text: False)


def drawn_frames(count: int) -> list[np.ndarray]:
    """Return colour frames of moving speckle with a line of text."""
    noise = np.random.default_rng(1)
    frames = []
    for _ in range(count):
        grey = np.clip(cv2.GaussianBlur(noise.gamma(2.0, 25.0, (ROWS, COLUMNS)), (0, 0), 1.5), 0, 255).astype(np.uint8)
        frame = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        cv2.putText(frame, "MADE UP 19500101", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
        frames.append(frame)
    return frames


def encoded(frame: np.ndarray) -> bytes:
    """Return a frame as JPEG Baseline, 4:2:2."""
    return bytes(
        imagecodecs.jpeg_encode(frame, level=LEVEL, colorspace="RGB", outcolorspace="YCBCR", subsampling="422")
    )


def save_clip(path: Path, codestreams: list[bytes]) -> None:
    """Write an ultrasound clip."""
    ds = pydicom.Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.3.1", "2.25.1"
    ds.Modality, ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = "US", 3, "YBR_FULL_422", 0
    ds.NumberOfFrames, ds.Rows, ds.Columns = len(codestreams), ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = encapsulate(codestreams)
    ds["PixelData"].VR = "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.UID(JPEG_BASELINE)
    ds.save_as(path, enforce_file_format=True)


def floor(codestreams: list[bytes]) -> None:
    """Decode and encode every frame."""
    for codestream in codestreams:
        encoded(imagecodecs.jpeg_decode(codestream))


def redact(choose: Callable[[Frames, RedactionPlan], Output], source: Path, result: Path) -> None:
    """Blank the line of text, write, read again and compare."""
    with open_instance(source) as opened:
        assert opened.frames is not None
        last = len(opened.frames) - 1
        line = Redaction(frame_first=0, frame_last=last, box=(16, 12, 320, 50), rule="text")
        plan = uncropped_plan(opened.frames.description).with_more([line], [])
        output = choose(opened.frames, plan)
        written = write_redacted(result, opened.header, output, text_is_gone=True)
        verify_pixels(result, written, None, NOTHING_KEPT)


def main() -> None:
    """Print one line for the floor and one for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60)
    codestreams = [encoded(frame) for frame in drawn_frames(parser.parse_args().frames)]
    print(f"{len(codestreams)} frames of {ROWS} x {COLUMNS}; libturbojpeg {'found' if turbojpeg.load() else 'missing'}")
    with tempfile.TemporaryDirectory() as name:
        source, blocks, samples = (Path(name) / f"{part}.dcm" for part in ("source", "blocks", "samples"))
        save_clip(source, codestreams)
        works: dict[str, Callable[[], None]] = {
            "floor: decode and encode": lambda: floor(codestreams),
            "coefficients blanked": lambda: redact(choose_output, source, blocks),
            "samples painted": lambda: redact(as_explicit_little, source, samples),
        }
        seconds: dict[str, list[float]] = {work: [] for work in works}
        for _ in range(ROUNDS):
            for work, run in works.items():
                started = time.process_time()
                run()
                seconds[work].append(time.process_time() - started)
        base = statistics.median(seconds["floor: decode and encode"])
        for work, path in zip(works, (source, blocks, samples), strict=True):
            spent = statistics.median(seconds[work])
            size = path.stat().st_size / source.stat().st_size
            print(
                f"{work:26} {1000 * spent / len(codestreams):6.1f} CPU-ms a frame, {spent / base:5.2f} of the floor, "
                f"{size:5.2f} of the source's size"
            )


if __name__ == "__main__":
    main()
