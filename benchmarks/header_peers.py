"""The header stage of other de-identifiers beside ours: leaks, refusals, files per CPU-second and memory.

    python -m benchmarks.header_peers [OBJECTS]

Each tool gets its own virtual environment under `.venv-peers`, made on the first run, and works through the same files
in one process of its own, its fullest profile on, imports not counted. `header` is our header stage alone, as the
tools do it, pixel data as they are; `sonoveil` is the whole pipeline on disk, which also cleans what surrounds pixels,
reads every object again and makes it durable. The files are every OBJECTS-th of the made
corpus (3 where it is not said) and of pydicom's files with planted identifiers. Ratios are to pydicom reading the
files, decoding every element and writing them, in the same run; a file counts for a tool when something came out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.header_leaks import HEADINGS, row
from tests.factories.corpus.made import combinations, make
from tests.factories.corpus.real import planted_real_files
from tests.factories.corpus.tally import Tally

if TYPE_CHECKING:
    from tests.factories.corpus.made import Made

FOLDER = Path(__file__).parents[1] / ".venv-peers"
PEERS = {
    "dicom-anonymizer": "2.1.0",
    "deid": "0.4.13",
    "dicognito": "0.19.0",
    "dentdeid": "0.1.0",
}
LONGEST_S = 120
"""A tool that needs longer for all files is cut off and counts as having refused them."""

WORKER = r"""
import json, logging, re, sys, time, warnings
from collections import Counter
from pathlib import Path

tool, source, output, report = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import pydicom

if tool == "pydicom":
    def work(path, to):
        dataset = pydicom.dcmread(path)
        for element in dataset.iterall():
            pass
        dataset.save_as(to)
elif tool == "dicom-anonymizer":
    from dicomanonymizer.simpledicomanonymizer import anonymize_dicom_file
    def work(path, to):
        anonymize_dicom_file(str(path), str(to), delete_private_tags=True)
elif tool == "deid":
    from deid.config import DeidRecipe
    from deid.dicom import replace_identifiers
    recipe = DeidRecipe()
    def work(path, to):
        replace_identifiers([str(path)], deid=recipe, save=True, overwrite=True, output_folder=str(to.parent),
                            remove_private=True)  # strip_sequences with it fails on private sequences
elif tool == "dicognito":
    from dicognito.anonymizer import Anonymizer
    anonymizer = Anonymizer(seed="benchmark")
    def work(path, to):
        dataset = pydicom.dcmread(path)
        anonymizer.anonymize(dataset)
        dataset.save_as(to)
elif tool == "dentdeid":
    from dentdeid import Pseudonymizer, deidentify_dataset, get_profile
    from dentdeid.dicom.meta import replace_file_meta
    from dentdeid.pipeline import _save
    settings, names = get_profile("basic").meta, Pseudonymizer(bytes(range(32)))
    def work(path, to):
        dataset = pydicom.dcmread(path, force=True)
        deidentify_dataset(dataset, settings, names)
        replace_file_meta(dataset, str(dataset.file_meta.get("TransferSyntaxUID", "")) or None)
        _save(dataset, to)
elif tool.startswith("header "):
    from benchmarks.headers import PIXEL_GROUP, IDENTITIES
    from pipeline.header.classes import check_class
    from pipeline.header.container import write_part10_to
    from pipeline.header.scrub import scrub_header
    from tests.factories.corpus.runner import header_profile
    profile = header_profile(tool.split()[1])
    def work(path, to):
        source = pydicom.dcmread(path)
        check_class(source, profile)
        scrubbed = scrub_header(
            source, profile=profile, identities=IDENTITIES, patient_domain="benchmark", node_name="files"
        )
        for element in source[PIXEL_GROUP]:
            scrubbed.dataset[element.tag] = element
        with to.open("wb") as file:
            write_part10_to(file, scrubbed.dataset, source.file_meta.TransferSyntaxUID)
else:
    from tests.factories.corpus.runner import HeaderRunner, header_profile
    (output / "work").mkdir()
    runner = HeaderRunner(header_profile(tool.split()[1]), output / "work")
    def work(path, to):
        to.write_bytes(runner.run(path.read_bytes()))

done, errors, seconds = [], Counter(), 0.0
for path in sorted(source.iterdir()):
    started = time.process_time()
    try:
        work(path, output / path.name)
        done.append(path.name)
    except Exception as error:
        errors[type(error).__name__] += 1
        (output / path.name).unlink(missing_ok=True)
    seconds += time.process_time() - started
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]
report.write_text(json.dumps({"seconds": seconds, "done": done, "errors": errors, "peak_kb": int(peak)}))
"""


def interpreter(tool: str) -> Path:
    """Return a Python that has the tool, made where there is none."""
    if tool not in PEERS:
        return Path(sys.executable)
    home = FOLDER / f"{tool}-{PEERS[tool]}"
    python = home / "bin" / "python"
    if not (home / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"{tool}=={PEERS[tool]}"], check=True)
        (home / "installed").touch()
    return python


def run_tool(tool: str, source: Path, folder: Path) -> dict[str, Any]:
    """Work through a folder of files with one tool; return what its worker reported."""
    output, report = folder / f"out-{tool.replace(' ', '-')}", folder / f"{tool.replace(' ', '-')}.json"
    output.mkdir()
    command = [interpreter(tool), "-c", WORKER, tool, source, output, report]
    here = Path(__file__).parents[1] if tool not in PEERS else folder
    try:
        ended = subprocess.run(command, cwd=here, capture_output=True, check=False, timeout=LONGEST_S)
        ending = "" if ended.returncode == 0 else ended.stderr.decode("utf-8", "replace")[-300:]
    except subprocess.TimeoutExpired:
        ending = f"cut off after {LONGEST_S} s"
    found = (
        json.loads(report.read_text()) if report.exists() else {"seconds": 0.0, "done": [], "errors": {}, "peak_kb": 0}
    )
    return {**found, "output": output, "ending": ending}


def counted(corpus: dict[str, Made], result: dict[str, Any]) -> Tally:
    """Count the leaks of one tool."""
    tally = Tally()
    for name, made in corpus.items():
        path = result["output"] / name
        came_out = name in result["done"] and path.exists()
        tally.add(made, path.read_bytes() if came_out else None)
    return tally


def main() -> None:
    """Print the table, one line a tool."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    objects = [make(kind, syntax) for kind, syntax in list(combinations())[::every]]
    objects += list(planted_real_files())[::every]
    corpus = {f"{number:04d}.dcm": made for number, made in enumerate(objects)}
    tools = ["pydicom", "header strict", "header research", "sonoveil strict", "sonoveil research", *PEERS]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = folder / "in"
        source.mkdir()
        for name, made in corpus.items():
            (source / name).write_bytes(made.raw)
        for tool in tools:
            interpreter(tool)
        started = time.monotonic()
        results = {tool: run_tool(tool, source, folder) for tool in tools}
        plain = len(results["pydicom"]["done"]) / max(results["pydicom"]["seconds"], 1e-9)
        print(HEADINGS)
        for tool, result in results.items():
            print(row(tool, counted(corpus, result), result["seconds"], "not judged"), flush=True)
        print()
        for tool, result in results.items():
            rate = len(result["done"]) / max(result["seconds"], 1e-9)
            memory = f"{result['peak_kb'] / 1024:.0f} MiB peak"
            print(
                f"{tool:18} {rate:6.0f} files per CPU-s, {rate / plain:.2f} of pydicom's, {memory} {result['ending']}"
            )
        print(f"{len(corpus)} files, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
