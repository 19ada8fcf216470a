"""Files per CPU-second of the header stage, beside pydicom's own read and write of the same files.

    python -m benchmarks.headers [FOLDER]

Without a folder: the DICOM files that come with pydicom. Both sides read the file and write it with its pixel data as
it is; one scrubs in between, the other decodes every element. Files that the scrubber holds are left out on both sides.
Both sides of a pair run one after the other in each round, so that what else the machine does weighs on both.

Then large objects, drawn here: a header job streams their pixel data from file to file, pydicom reads and writes
them. CPU time is of the process, system included; memory is the peak of a process of its own.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from pydicom.data import get_testdata_files
from pydicom.errors import InvalidDicomError

from config.schema import ModelsConfig, Option, Pixels, Profile
from pipeline.copy_pixels import copy_pixels
from pipeline.deidentify import Deidentifier
from pipeline.frames.read import open_instance
from pipeline.frames.syntaxes import EXPLICIT_LITTLE, SYNTAXES
from pipeline.frames.write import NativePixels, write_instance
from pipeline.header.classes import check_class
from pipeline.header.container import write_part10_to
from pipeline.header.decoding import silent_decoding
from pipeline.header.identity import Identities
from pipeline.header.scrub import scrub_header
from pipeline.plan import NO_CONE, RedactionPlan
from pipeline.reasons import Held
from pipeline.records import ReceivedInstance

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 9
LARGEST_BYTES = 2_000_000
"""Larger files measure the disk and the copying of pixels."""
PIXEL_GROUP = slice(0x7FE00000, 0x7FE10000)
LARGE_MEGABYTES = 256
LARGE_ROUNDS = 5
HEADERS = Profile(name="headers", pixels=Pixels(text=None, cone=None))
IDENTITIES = Identities(bytes(range(32)), "benchmark")
PROFILES = {
    "strict": Profile(name="strict", options=(Option.CLEAN_PIXEL_DATA,)),
    "research": Profile(
        name="research",
        options=(
            Option.CLEAN_PIXEL_DATA,
            Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,
            Option.RETAIN_PATIENT_CHARACTERISTICS,
        ),
    ),
}


def copy_with_pydicom(path: Path) -> None:
    """Read, decode every element, write."""
    dataset = pydicom.dcmread(path)
    for _element in dataset.iterall():
        pass
    dataset.save_as(io.BytesIO())


def scrub_with(profile: Profile) -> Callable[[Path], None]:
    """Return a function that reads, scrubs and writes a file, pixel data as they are."""

    def scrub(path: Path) -> None:
        source = pydicom.dcmread(path)
        check_class(source, profile)
        scrubbed = scrub_header(
            source, profile=profile, identities=IDENTITIES, patient_domain="benchmark", node_name="files"
        )
        for element in source[PIXEL_GROUP]:
            scrubbed.dataset[element.tag] = element
        write_part10_to(io.BytesIO(), scrubbed.dataset, source.file_meta.TransferSyntaxUID)

    return scrub


def usable_files(folder: Path | None) -> list[Path]:
    """Return the files that both sides can handle."""
    found = sorted(folder.rglob("*")) if folder else [Path(name) for name in get_testdata_files("*.dcm")]
    usable = []
    for path in found:
        if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
            continue
        try:
            copy_with_pydicom(path)
            scrub_with(PROFILES["strict"])(path)
        except (Held, InvalidDicomError, AttributeError, ValueError, TypeError, KeyError, NotImplementedError, OSError):
            continue  # damaged on purpose, or a class that is held
        usable.append(path)
    return usable


def cpu_seconds(work: Callable[[], None]) -> float:
    """Return the CPU time of one call, user and system."""
    started = time.process_time()
    work()
    return time.process_time() - started


def over(work: Callable[[Path], None], files: list[Path]) -> Callable[[], None]:
    """Return a function that does the work for every file."""

    def all_of_them() -> None:
        for path in files:
            work(path)

    return all_of_them


def compare(label: str, ours: Callable[[], None], plain: Callable[[], None], rounds: int, count: int) -> None:
    """Print how often per CPU-second each side does its work, and how many times faster ours is."""
    pairs = [(cpu_seconds(plain), cpu_seconds(ours)) for _round in range(rounds)]
    best = min(pair[0] for pair in pairs) / min(pair[1] for pair in pairs)
    median = statistics.median(pair[0] / pair[1] for pair in pairs)
    rates = " / ".join(f"{count / min(pair[side] for pair in pairs):.4g}" for side in (1, 0))
    print(f"{label:42} {rates:>15} a CPU-second; {best:.2f} times pydicom at best, median {median:.2f}")


def peak_of(work: Callable[[], None]) -> float:
    """Return the peak of what Python allocates during one call, in MiB."""
    tracemalloc.start()
    work()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


def small(folder: Path | None) -> None:
    """Compare on small files."""
    with silent_decoding():
        files = usable_files(folder)
        print(f"{len(files)} files of at most {LARGEST_BYTES} bytes, {ROUNDS} rounds, ours / pydicom's")
        plain = over(copy_with_pydicom, files)
        for name, profile in PROFILES.items():
            compare(f"read, scrub ({name}), write", over(scrub_with(profile), files), plain, ROUNDS, len(files))
        peaks = peak_of(over(scrub_with(PROFILES["strict"]), files)), peak_of(plain)
        print("allocated at most, MiB: ours {:.1f}, pydicom {:.1f}".format(*peaks))


def draw(path: Path, kind: str, megabytes: int) -> None:
    """Write a made-up clip or stack of about this size; every frame differs."""
    side, wide = 1024, kind == "stack"
    frame_bytes = side * side * (2 if wide else 3)
    count = max(1, megabytes * 2**20 // frame_bytes)
    header = pydicom.Dataset()
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1." + ("2.1" if wide else "3.1")
    header.SOPInstanceUID, header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    header.PatientID, header.PatientName = "MADE-UP-17", "Made^Up"
    header.Modality, header.ImageType = ("CT" if wide else "US"), ["ORIGINAL", "PRIMARY"]
    header.Rows = header.Columns = side
    header.NumberOfFrames = count
    header.SamplesPerPixel = 1 if wide else 3
    header.PhotometricInterpretation = "MONOCHROME2" if wide else "RGB"
    if not wide:
        header.PlanarConfiguration = 0
    header.BitsAllocated, header.BitsStored, header.HighBit = (16, 12, 11) if wide else (8, 8, 7)
    header.PixelRepresentation = 0
    noise = np.random.default_rng(17).integers(0, 4096 if wide else 256, frame_bytes // (2 if wide else 1))
    frame = noise.astype("<u2" if wide else "u1")
    pixels = NativePixels(
        keyword="PixelData",
        vr="OW" if wide else "OB",
        length=frame_bytes * count,
        chunks=(np.roll(frame, index).tobytes() for index in range(count)),
    )
    write_instance(path, header, SYNTAXES[EXPLICIT_LITTLE], pixels)


def stream(source: Path, output: Path) -> None:
    """Do the header stage and copy the pixel data."""
    with open_instance(source) as opened:
        frames = opened.frames
        assert frames is not None, "drawn with pixels"
        scrubbed = scrub_header(
            opened.header, profile=HEADERS, identities=IDENTITIES, patient_domain="benchmark", node_name="files"
        )
        d = frames.description
        plan = RedactionPlan(
            rows=d.rows, columns=d.columns, frames=d.frames, grid=(1, 1), cone=NO_CONE, redactions=(), text=()
        )
        copy_pixels(output, scrubbed.dataset, frames, plan, text_is_gone=False)


def whole_job(source: Path, output: Path) -> None:
    """Run the product's header job: class, header, copy, verification of every byte, hash of the result."""
    job = Deidentifier(profile=HEADERS, key=bytes(range(32)), project="benchmark", models_config=ModelsConfig())
    size = source.stat().st_size
    job.run(ReceivedInstance(path=source, patient_domain="benchmark", node_name="files", size_bytes=size), output)


def copy_large_with_pydicom(source: Path, output: Path) -> None:
    """Read, decode every element, write to a file."""
    dataset = pydicom.dcmread(source)
    for _element in dataset.iterall():
        pass
    dataset.save_as(output)


LARGE_WORK = {"stream": stream, "job": whole_job, "pydicom": copy_large_with_pydicom}


def peak_of_process(work: str, source: Path, output: Path) -> float:
    """Return the peak resident memory of a new process that does nothing else, in MB.

    Modules are compiled beforehand, as in an installation: compiling pydicom's dictionaries takes 20 MB by itself.
    """
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(source.parent / "bytecode")}
    subprocess.run([sys.executable, "-c", "import benchmarks.headers"], check=True, env=environment)
    command = [sys.executable, "-m", "benchmarks.headers", "--only", work, str(source), str(output)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(ended.stdout)


def own_peak() -> float:
    """Return the peak resident memory of this process in MB; that of `getrusage` counts the parent's too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def large() -> None:
    """Compare on large objects."""
    with tempfile.TemporaryDirectory() as folder, silent_decoding():
        source, output = Path(folder) / "in.dcm", Path(folder) / "out.dcm"
        for kind in ("clip", "stack"):
            draw(source, kind, LARGE_MEGABYTES)
            for name, work in (("header stage, streamed", stream), ("whole job, verified, hashed", whole_job)):
                compare(
                    f"{kind} of {LARGE_MEGABYTES} MiB: {name}",
                    lambda work=work: work(source, output),
                    lambda: copy_large_with_pydicom(source, output),
                    LARGE_ROUNDS,
                    1,
                )
        draw(source, "clip", 1024)
        for work in LARGE_WORK:
            peak = peak_of_process(work, source, output)
            print(f"object of {source.stat().st_size / 1e9:.2f} GB, {work}: at most {peak:.0f} MB of memory")


def main() -> None:
    """Print one line per comparison."""
    if sys.argv[1:2] == ["--only"]:
        with silent_decoding():
            LARGE_WORK[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4]))
        print(own_peak())
        return
    small(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    large()


if __name__ == "__main__":
    main()
