"""Files per CPU-second of the header stage, beside pydicom's own read and write of the same files.

    python -m benchmarks.headers [FOLDER]

Without a folder: the DICOM files that come with pydicom. Both sides read the file and write it with its pixel data as
it is; one scrubs in between, the other decodes every element. Files that the scrubber holds are left out on both sides.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from pydicom.data import get_testdata_files
from pydicom.errors import InvalidDicomError

from config.schema import Option, Profile
from pipeline.header.classes import check_class
from pipeline.header.container import write_part10_to
from pipeline.header.decoding import silent_decoding
from pipeline.header.identity import Identities
from pipeline.header.scrub import scrub_header
from pipeline.reasons import Held

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
LARGEST_BYTES = 2_000_000
"""Larger files measure the disk and the copying of pixels."""
PIXEL_GROUP = slice(0x7FE00000, 0x7FE10000)
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


def files_per_cpu_second(work: Callable[[Path], None], files: list[Path]) -> float:
    """Return the best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for path in files:
            work(path)
        best = min(best, time.process_time() - started)
    return len(files) / best


def main() -> None:
    """Print one line per side."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with silent_decoding():
        files = usable_files(folder)
        plain = files_per_cpu_second(copy_with_pydicom, files)
        print(f"{len(files)} files of at most {LARGEST_BYTES} bytes, best of {ROUNDS} rounds")
        print(f"pydicom read, decode all, write  {plain:8.0f} files per CPU-second")
        for name, profile in PROFILES.items():
            rate = files_per_cpu_second(scrub_with(profile), files)
            print(f"sonoveil {name:9} read to write {rate:8.0f} files per CPU-second ({rate / plain:.2f} of pydicom's)")


if __name__ == "__main__":
    main()
