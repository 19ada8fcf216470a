"""`make demo` from outside, and proof that its own checks can fail.

The demonstration is run as a process of its own; the checks are fed with what the research side must never have.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tools.demo.account import Pair, judge
from tools.demo.header import new_object, plant
from tools.demo.patients import PATIENTS, planted_in_headers
from tools.demo.peers import Received
from tools.demo.pixels import ComparisonError, compare, frames_of
from tools.demo.search import in_bytes, search_file
from tools.demo.worklist import OBJECTS, Sent, worklist

ROOT = Path(__file__).resolve().parents[2]
BALANCED = {"balanced": True, "acknowledged": 1}


def _start(output: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.demo", "--output", str(output)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def heart_clip() -> Sent:
    """The first object: a real clip with text burned into it."""
    return next(iter(worklist()))


def _received(sent: Sent, folder: Path) -> tuple[Pair, Received]:
    """Let an object arrive exactly as it was sent."""
    path = folder / "received.dcm"
    sent.dataset.save_as(path, enforce_file_format=True)
    frames = frames_of(sent.dataset)
    pair = Pair(sent=sent, received=sent.dataset, project="demo", comparison=compare(frames, frames, sent.burned))
    return pair, Received(path=path, sop_instance_uid=str(sent.dataset.SOPInstanceUID))


@pytest.mark.timeout(1200)
def test_the_demo_ends_with_nothing_found_and_everything_in_its_place(tmp_path):
    """One whole run: exit 0, zero identifiers, every object arrived or held, files where they are said to be."""
    output = tmp_path / "demo-out"

    process = _start(output, DEMO_ONCE="1")
    said, _ = process.communicate()

    assert process.returncode == 0, said
    summary = json.loads((output / "summary.json").read_text())
    assert (summary["identifiers_found"], summary["problems"], summary["altered_pixels"]) == (0, [], 0)
    assert summary["sent"] == OBJECTS
    assert summary["held"] == {"encapsulated_document": 1, "no_patient_id": 1}
    assert summary["received"] == OBJECTS - 2 == len(list((output / "received").iterdir()))
    assert summary["planted_headers"] > 60
    assert summary["lines_read_sent"] > summary["planted_lines"] * 0.8
    assert summary["balanced"] is True
    assert summary["patients"] == summary["pseudonyms"] == 5
    assert len(list((output / "pictures").glob("*.png"))) == OBJECTS - 3  # the report is shown as text
    page = (output / "pictures" / "index.html").read_text()
    assert "Mild mitral regurgitation, no pericardial effusion" in page.partition("received</th>")[2]
    assert all(picture.name in page for picture in (output / "pictures").glob("*.png"))
    assert list((output / "gateway" / "storage" / "sidecar").glob("*.csv"))
    assert "identifiers found on the research side" in said
    assert '"stopped"' in (output / "gateway" / "gateway.log").read_text()


@pytest.mark.timeout(600)
def test_an_interrupted_demo_drains_the_gateway_and_ends_with_0(tmp_path):
    """Ctrl-C while the gateway starts or works: nothing is left running, the status is 0."""
    output = tmp_path / "demo-out"
    process = _start(output, DEMO_ONCE="0")
    log = output / "gateway" / "gateway.log"
    deadline = time.monotonic() + 240
    while not (log.exists() and "DICOM on port" in log.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        _wait_a_moment(process)

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()

    assert process.returncode == 0, said
    assert '"stopped"' in log.read_text()


def _wait_a_moment(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(0.1)
    except subprocess.TimeoutExpired:
        return


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    """Only a folder that the demonstration made is made anew."""
    (tmp_path / "thesis.txt").write_text("years of work")

    process = _start(tmp_path, DEMO_ONCE="1")
    said, _ = process.communicate()

    assert process.returncode == 2
    assert "was not made by the demonstration" in said
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_search_finds_every_identifier_of_an_object_that_was_not_scrubbed(tmp_path):
    """The search can fail: in an original it finds every planted string, as bytes and in the header."""
    patient = PATIENTS[3]
    dataset = new_object("1.2.840.10008.5.1.4.1.1.7", "OT")
    plant(dataset, patient, series=1, instance=1)
    path = tmp_path / "original.dcm"
    dataset.save_as(path, enforce_file_format=True)

    leaks = search_file(path, planted_in_headers(patient))

    assert {leak.planted for leak in leaks if leak.where == "bytes"} == set(planted_in_headers(patient))
    assert {leak.planted for leak in leaks if leak.where != "bytes"} == set(planted_in_headers(patient))


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16-be", "shift_jis"])
def test_the_search_finds_a_name_in_any_character_set_and_case(charset):
    """One name in the middle of other bytes."""
    raw = b"\x00\xff" * 100 + "HAYASHIBARA".encode(charset) + b"\x01" * 100

    assert in_bytes(raw, ["Hayashibara", "Okonkwo"]) == ("Hayashibara",)


def test_the_verdict_on_an_object_that_arrives_as_it_was_sent_is_bad(heart_clip, tmp_path):
    """Header strings, every burned line and every reading are counted."""
    pair, received = _received(heart_clip, tmp_path)

    verdict = judge([pair], [received], {}, held={}, reconciled=BALANCED)

    assert not verdict.good
    assert verdict.legible_lines == len(heart_clip.burned)
    assert verdict.lines_read_received == verdict.lines_read_sent >= 3
    assert {leak.planted for leak in verdict.leaks} == set(planted_in_headers(heart_clip.patient))


def test_the_verdict_names_what_is_missing_or_in_the_wrong_place(heart_clip):
    """A lost object, an unexpected hold, an unbalanced ledger and a word in the log are all seen."""
    lost = Pair(sent=heart_clip, received=None, project=None, comparison=None)

    verdict = judge(
        [lost],
        [],
        {"the gateway's log": b"received Okonkwo"},
        held={"cone_uncertain": 1},
        reconciled={"balanced": False, "acknowledged": 3},
    )

    assert not verdict.good
    assert [leak.file for leak in verdict.leaks] == ["the gateway's log"]
    problems = " ".join(verdict.problems)
    for sign in ("heart-clip did not arrive", "1 cone_uncertain", "does not balance", "another number of objects"):
        assert sign in problems


def test_text_that_survives_on_a_single_frame_is_seen(heart_clip):
    """All frames of a clip are blanked but one."""
    sent = frames_of(heart_clip.dataset)
    line = heart_clip.burned[0]
    left, top, right, bottom = line.box
    received = sent.copy()
    received[:, top - 2 : bottom + 2, left - 2 : right + 2] = 0
    clean = compare(sent, received, [line])
    received[17] = sent[17]

    assert (clean.legible_lines, clean.altered_pixels) == (0, 0)
    assert compare(sent, received, [line]).legible_lines == 1


def test_a_cropped_frame_is_found_in_the_sent_one_and_altered_pixels_are_counted(heart_clip):
    """Where the cut-out lies, and three pixels that nobody was allowed to touch."""
    sent = frames_of(heart_clip.dataset)
    received = sent[:, 30:200, 50:280].copy()
    received[:, :40, :60] = 0
    received[5, 100, 100:103] += 1

    comparison = compare(sent, received, heart_clip.burned)

    assert (comparison.left, comparison.top, comparison.altered_pixels) == (50, 30, 3)


def test_an_image_that_is_no_part_of_the_sent_one_cannot_be_compared(heart_clip):
    """Another number of frames is an error, not a clean bill."""
    sent = frames_of(heart_clip.dataset)

    with pytest.raises(ComparisonError):
        compare(sent, sent[:5], heart_clip.burned)


def test_the_worklist_is_the_same_every_time():
    """Drawn pixels and planted words do not change from run to run."""
    first, again = (list(islice(worklist(), 2)) for _ in range(2))

    for one, other in zip(first, again, strict=True):
        assert np.array_equal(frames_of(one.dataset), frames_of(other.dataset))
        assert dataclasses.astuple(one.patient) == dataclasses.astuple(other.patient)
