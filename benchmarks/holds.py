"""How many clean objects are held, and beside it how much text is left: one figure is worth nothing without the other.

    python -m benchmarks.holds /path/to/data          (or the environment variable SONOVEIL_DATA)

The folder holds `text/frames/*.png` with `text/boxes.json`, `cone/frames/*.png`, `cone/clips_labelled/*/NN.png` and
`cone/clips/*`. Every picture becomes an ultrasound object, every clip a multi-frame one, and goes through the whole
pipeline with the shipped models. Printed: held objects by reason (frames, frames without text, clips), the share of
labelled text whose ink is blanked, and processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from config.load import load_profile
from config.schema import ModelsConfig
from pipeline.deidentify import Deidentifier
from pipeline.reasons import Held
from pipeline.records import ReceivedInstance

CLIP_CLASS = "1.2.840.10008.5.1.4.1.1.3.1"
IMAGE_CLASS = "1.2.840.10008.5.1.4.1.1.6.1"
INK_CONTRAST = 48
COVERED = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One object to be made: RGB (frames, rows, columns, 3), and its labelled text or None where nobody labelled."""

    name: str
    frames: np.ndarray
    boxes: list[list[int]] | None


def save(path: Path, sample: Sample) -> None:
    """Write a sample as an uncompressed ultrasound object."""
    ds = Dataset()
    ds.SOPClassUID = CLIP_CLASS if len(sample.frames) > 1 else IMAGE_CLASS
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.4.1", "1.2.3.4.2", "1.2.3.4.3"
    ds.PatientID, ds.PatientName, ds.Modality = "BENCH-4711", "Bench^Mark", "US"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.Rows, ds.Columns = sample.frames.shape[1:3]
    ds.NumberOfFrames = len(sample.frames)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    data = sample.frames.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)


def picture(path: Path) -> np.ndarray:
    """Read a picture as (1, rows, columns, 3) RGB."""
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)[np.newaxis]


def film(path: Path, count: int) -> np.ndarray:
    """Read `count` frames, evenly spaced, of a film."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        more, frame = capture.read()
        if not more:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    chosen = sorted({round(at) for at in np.linspace(0, len(frames) - 1, num=min(count, len(frames)))})
    return np.stack([frames[index] for index in chosen])


def samples(data: Path, clip_frames: int) -> dict[str, list[Sample]]:
    """Collect everything the folder holds, by kind."""
    boxes = json.loads((data / "text" / "boxes.json").read_text(encoding="utf-8"))
    labelled = [
        Sample(
            name=path.name,
            frames=picture(path),
            boxes=[box["box"] for box in boxes[path.name]["boxes"]],
        )
        for path in sorted((data / "text" / "frames").glob("*.png"))
    ]
    cone = [
        Sample(name=path.name, frames=picture(path), boxes=None)
        for path in sorted((data / "cone" / "frames").glob("*.png"))
    ]
    folders = [folder for folder in sorted((data / "cone" / "clips_labelled").iterdir()) if folder.is_dir()]
    clips = [
        Sample(
            name=folder.name,
            frames=np.concatenate([picture(path) for path in sorted(folder.glob("*.png"))[:clip_frames]]),
            boxes=None,
        )
        for folder in folders
    ]
    films = [
        Sample(name=path.name, frames=film(path, clip_frames), boxes=None)
        for path in sorted((data / "cone" / "clips").iterdir())
    ]
    return {
        "frames with text": [sample for sample in labelled if sample.boxes],
        "frames without text": [sample for sample in labelled if not sample.boxes],
        "frames of the cone set": cone,
        "clips": clips + films,
    }


def covered_boxes(sample: Sample, written: np.ndarray) -> int:
    """Count labelled boxes of which nearly all ink is black afterwards."""
    grey = sample.frames[0].mean(axis=2)
    black = written.reshape(*written.shape[:2], -1).max(axis=2) == 0
    count = 0
    for left, top, right, bottom in sample.boxes or []:
        part = grey[top:bottom, left:right]
        ink = np.abs(part - np.median(part)) > INK_CONTRAST
        if not ink.any():
            ink = np.ones_like(ink)
        count += bool(black[top:bottom, left:right][ink].mean() >= COVERED)
    return count


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description="Hold rate and leak, measured together.")
    parser.add_argument("data", nargs="?", default=os.environ.get("SONOVEIL_DATA"))
    parser.add_argument("--profile", default="research")
    parser.add_argument("--clip-frames", type=int, default=8)
    parser.add_argument("--only", help="a part of the name of the kinds to run")
    arguments = parser.parse_args()
    if not arguments.data:
        parser.error("name the data folder, or set SONOVEIL_DATA")
    deidentifier = Deidentifier(
        profile=load_profile(arguments.profile), key=bytes(32), project="bench", models_config=ModelsConfig()
    )
    deidentifier.open()
    with tempfile.TemporaryDirectory() as folder:
        for kind, members in samples(Path(arguments.data), arguments.clip_frames).items():
            if not arguments.only or arguments.only in kind:
                measure(kind, members, deidentifier, Path(folder))
    return 0


def measure(kind: str, members: list[Sample], deidentifier: Deidentifier, folder: Path) -> None:
    """Run every sample of a kind and print its line."""
    reasons: Counter[str] = Counter()
    boxes = covered = 0
    blanked = []
    seconds = 0.0
    for sample in members:
        source = folder / "in.dcm"
        save(source, sample)
        begun = time.process_time()
        try:
            result = deidentifier.run(
                ReceivedInstance(path=source, patient_domain=None, node_name="bench", size_bytes=0), folder / "out.dcm"
            )
        except Held as held:
            reasons[held.reason.value] += 1
            print(f"    held {held.reason.value}: {sample.name}", file=sys.stderr)
        else:
            blanked.append(result.findings.redacted_fraction)
            if sample.boxes and deidentifier.profile.pixels.cone is None:
                boxes += len(sample.boxes)
                covered += covered_boxes(sample, pydicom.dcmread(result.path).pixel_array)
        seconds += time.process_time() - begun
    frames = sum(len(sample.frames) for sample in members)
    share = 100 * sum(reasons.values()) / max(1, len(members))
    print(f"{kind}: {len(members)} objects, {frames} frames, held {share:.1f} % {dict(reasons)}", end="")
    print(f", blanked on average {100 * float(np.mean(blanked or [0])):.2f} %", end="")
    if boxes:
        print(f", text covered {covered}/{boxes} = {covered / boxes:.3f}", end="")
    print(f", {seconds / max(1, frames):.2f} CPU-s per frame", flush=True)


if __name__ == "__main__":
    sys.exit(main())
