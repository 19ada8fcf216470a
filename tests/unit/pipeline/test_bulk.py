"""Many files in worker processes: everything accounted for, resumable, nothing confidential open to others."""

import csv
import json
import os
import signal
import zipfile

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.fileset import FileSet

from config.schema import ModelsConfig, PatientIds, Pixels, Profile
from pipeline import crew
from pipeline.bulk import BulkJob, OtherRunError, run_bulk
from pipeline.crosswalk import FILENAME, CrosswalkSeal, read_crosswalk
from pipeline.header.identity import Identities
from pipeline.inputs import UnusableInputError, list_sources
from tests.factories.pixels import KEY, PATIENT_ID, burn, save_image, speckle
from tests.factories.profiles import RESEARCH
from tests.factories.search import find_planted

NO_MODELS = Profile(name="headers", options=(), pixels=Pixels(text=None))


def job(tmp_path, *inputs, **changes):
    """Return a job that needs no models, so that its processes start fast."""
    settings = {
        "inputs": inputs,
        "out": tmp_path / "out",
        "profile": NO_MODELS,
        "key": KEY,
        "project": "p",
        "patient_domain": "HOSPITAL",
        "workers": 1,
        "models_config": ModelsConfig(),
    }
    return BulkJob(**{**settings, **changes})


def run(made):
    """Run a job, and return its result and every progress that was told."""
    told = []
    return run_bulk(made, told.append), told


def study(folder, count=4):
    """Write images of one study into `folder`, and beside them a file of garbage and one that is no DICOM at all."""
    folder.mkdir()
    for number in range(count):
        save_image(folder / f"{number}.dcm", speckle(2, seed=number), SOPInstanceUID=f"1.2.826.0.1.55.{number + 1}")
    (folder / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"garbage" * 40)
    (folder / "notes.txt").write_text("not an image", encoding="ascii")
    return folder


def states(result):
    """Return source -> (state, reason)."""
    return {one["source"]: (one["state"], one["reason"]) for one in result.report["instances"]}


def test_every_file_has_one_outcome_and_the_counts_add_up(tmp_path):
    """Four images, one broken object, one that is no DICOM."""
    result, told = run(job(tmp_path, study(tmp_path / "in"), workers=2))

    assert result.report["counts"] == {"read": 6, "written": 4, "held": 1, "refused": 1, "skipped": 0}
    assert states(result)["broken.dcm"] == ("held", "unreadable")
    assert states(result)["notes.txt"] == ("refused", "unreadable")
    assert not result.complete
    assert (told[0].done, told[-1].done, told[-1].total, told[-1].held) == (0, 6, 6, 1)
    for one in result.report["instances"]:
        if one["state"] == "written":
            assert pydicom.dcmread(tmp_path / "out" / one["output"]).PatientID.startswith("SV-")


def test_only_objects_are_for_others(tmp_path):
    """Folders 0700, confidential files 0600, held folders without pixels, no identifier in a file name."""
    run(job(tmp_path, study(tmp_path / "in")))
    out = tmp_path / "out"

    for name in (".", "held", ".run"):
        assert (out / name).stat().st_mode & 0o777 == 0o700
    for name in ("report.json", "text.csv", ".run/journal.jsonl"):
        assert (out / name).stat().st_mode & 0o777 == 0o600
    assert [path.suffix for path in (out / "held").iterdir()] == [".json"]
    names = " ".join(str(path) for path in out.rglob("*"))
    assert "Vorzib" not in names
    assert PATIENT_ID not in names
    assert "1.2.826" not in names


def test_a_run_that_is_repeated_does_nothing_again(tmp_path, monkeypatch):
    """The journal knows every file; the report is the same."""
    made = job(tmp_path, study(tmp_path / "in"))
    first, _ = run(made)

    monkeypatch.setattr(crew, "_hire", None)
    second, told = run(made)

    assert second.report["counts"] == first.report["counts"]
    assert told[0].done == 6


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(tmp_path):
    """Half of the journal and half a line: the rest is done, nothing twice, and the result is the same."""
    made = job(tmp_path, study(tmp_path / "in"))
    whole, _ = run(made)
    journal = tmp_path / "out" / ".run" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:20])

    again, told = run(made)

    assert told[0].done == 3
    assert states(again) == states(whole)
    assert [one["sha256"] for one in again.report["instances"]] == [one["sha256"] for one in whole.report["instances"]]
    assert len(journal.read_bytes().splitlines()) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"key": bytes(32)},
        {"project": "other"},
        {"patient_domain": "OTHER"},
        {"profile": NO_MODELS.model_copy(update={"patient_id": PatientIds(prefix="X-")})},
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path, change):
    """Another key, project, domain or profile would mix pseudonyms."""
    folder = study(tmp_path / "in", count=1)
    run(job(tmp_path, folder))

    with pytest.raises(OtherRunError):
        run(job(tmp_path, folder, **change))


def test_a_temporary_key_is_erased_when_the_run_is_complete(tmp_path):
    """And then the folder belongs to a complete run."""
    folder = study(tmp_path / "in", count=1)
    made = job(tmp_path, folder, key=None)

    result, _ = run(made)

    assert result.key_was_temporary
    assert not (tmp_path / "out" / ".run").exists()
    with pytest.raises(OtherRunError):
        run(made)


def test_a_killed_worker_holds_its_file_and_the_rest_goes_on(tmp_path, monkeypatch):
    """The process that has the first file is ended by SIGKILL."""
    killed = []
    hand_out = crew._hand_out

    def kill_first(member, waiting):
        hand_out(member, waiting)
        if not killed:
            killed.append(member.source.label)
            os.kill(member.process.pid, signal.SIGKILL)

    monkeypatch.setattr(crew, "_hand_out", kill_first)

    result, _ = run(job(tmp_path, study(tmp_path / "in")))

    assert states(result)[killed[0]] == ("held", "worker_crashed")
    assert result.report["counts"]["read"] == 6
    assert sum(state == "written" for state, _ in states(result).values()) >= 3


def test_what_a_passing_trouble_held_is_done_when_the_run_is_repeated(tmp_path, monkeypatch):
    """The disk was full, a process was killed: the object is not at fault, and repeating the run does it."""
    source = study(tmp_path / "in")
    with monkeypatch.context() as trouble:
        trouble.setattr(crew, "_hand_out", _killing_first())
        first, _ = run(job(tmp_path, source))
    assert first.report["counts"]["written"] == 3

    again, _ = run(job(tmp_path, source))

    assert again.report["counts"]["written"] == 4
    assert again.report["counts"]["held"] == first.report["counts"]["held"] - 1, "what is damaged stays held"


def _killing_first():
    hand_out, killed = crew._hand_out, []

    def give(member, waiting):
        hand_out(member, waiting)
        if not killed:
            killed.append(member.process.pid)
            os.kill(member.process.pid, signal.SIGKILL)

    return give


def test_two_runs_never_write_into_one_folder(tmp_path):
    """They would use the same scratch files, and one's result could get the other's name."""
    source = study(tmp_path / "in")
    refused = []

    def second(_progress):
        if not refused:
            with pytest.raises(OtherRunError, match="another run"):
                run_bulk(job(tmp_path, source), lambda _: None)
            refused.append(True)

    result = run_bulk(job(tmp_path, source), second)

    assert refused
    assert result.report["counts"]["written"] == 4


def test_another_object_of_the_same_uid_is_held_not_overwritten(tmp_path):
    """The same bytes again are fine."""
    folder = tmp_path / "in"
    folder.mkdir()
    save_image(folder / "a.dcm", speckle(1, seed=1))
    save_image(folder / "b.dcm", speckle(1, seed=1))
    save_image(folder / "c.dcm", speckle(1, seed=2))

    result, _ = run(job(tmp_path, folder, workers=1))

    assert states(result) == {
        "a.dcm": ("written", None),
        "b.dcm": ("written", None),
        "c.dcm": ("held", "correction"),
    }
    assert len(list((tmp_path / "out" / "objects").rglob("*.dcm"))) == 1


def test_zip_and_dicomdir_are_read_and_labelled_relative_to_the_input(tmp_path):
    """Members of an archive; files that a DICOMDIR names."""
    folder = study(tmp_path / "in", count=2)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(folder / "0.dcm", "sub/0.dcm")
    media = FileSet()
    made = pydicom.dcmread(folder / "1.dcm")
    made.StudyDate, made.StudyTime, made.StudyID, made.SeriesNumber, made.InstanceNumber = "20240101", "10", "1", 1, 1
    media.add(made)
    media.write(tmp_path / "media")
    media._stage["t"].cleanup()  # pydicom leaves it to the garbage collector, which warns

    result, _ = run(job(tmp_path, tmp_path / "all.zip", tmp_path / "media" / "DICOMDIR"))

    labels = list(states(result))
    assert "all.zip/sub/0.dcm" in labels
    assert len(labels) == 2
    assert result.complete


def test_a_dicomdir_among_the_files_is_counted_and_nothing_of_it_leaves(tmp_path):
    """Under its own name, under another one, and in an archive; the run is complete all the same."""
    folder = study(tmp_path / "in", count=1)
    (folder / "broken.dcm").unlink()
    (folder / "notes.txt").unlink()
    directory = pydicom.dcmread(get_testdata_file("DICOMDIR"))
    directory.FileSetID = "VORZIBMURDAX"
    for name in ("DICOMDIR", "OLDINDEX"):
        directory.save_as(folder / name)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(folder / "DICOMDIR", "disc/DICOMDIR")

    result, _ = run(job(tmp_path, folder, tmp_path / "all.zip"))

    assert result.report["counts"] == {"read": 4, "written": 1, "held": 0, "refused": 0, "skipped": 3}
    assert result.complete
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or find_planted(path, ["VORZIBMURDAX", "Doe^Peter", "Doe^Archibald"]) == []


def test_an_object_that_is_called_dicomdir_is_an_object(tmp_path):
    """What a file is stands in it, not in its name."""
    folder = tmp_path / "in"
    folder.mkdir()
    save_image(folder / "DICOMDIR", speckle(1))

    assert run(job(tmp_path, folder))[0].report["counts"]["written"] == 1


@pytest.mark.parametrize("order", ["little", "big"])
def test_an_object_without_preamble_and_meta_is_not_taken_for_something_else(order, tmp_path):
    """Old files start with group 0008."""
    dataset = pydicom.dcmread(save_image(tmp_path / "x.dcm", speckle(1)))
    del dataset.file_meta
    (tmp_path / "in").mkdir()
    pydicom.dcmwrite(tmp_path / "in" / "x", dataset, implicit_vr=False, little_endian=order == "little")

    assert run(job(tmp_path, tmp_path / "in"))[0].report["counts"]["written"] == 1


def test_the_output_folder_inside_an_input_is_not_read(tmp_path):
    """Nor is a file of the same name in two inputs lost."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        save_image(folder / "x.dcm", speckle(1))
    (first / "out" / "objects").mkdir(parents=True)
    save_image(first / "out" / "objects" / "y.dcm", speckle(1))

    found = list_sources((first / "x.dcm", second / "x.dcm", first), leave_out=first / "out")

    assert [source.label for source in found] == ["x.dcm", "x.dcm~2"]


def test_a_missing_input_is_named_as_unusable_without_its_path(tmp_path):
    """The path may hold a name."""
    with pytest.raises(UnusableInputError) as raised:
        list_sources((tmp_path / "Vorzibmurdax",), leave_out=tmp_path / "out")

    assert "Vorzib" not in str(raised.value)


def test_the_shipped_models_redact_and_list_what_they_read(tmp_path):
    """One frame with a burned-in name through the default profile, real models, one worker."""
    frames = np.repeat(speckle(1, rows=240, columns=320), 2, axis=0)
    for frame in frames:
        burn(frame, "VORZIB QUATYN", 40, 60, scale=0.7)
    folder = tmp_path / "in"
    folder.mkdir()
    save_image(folder / "a.dcm", frames)
    result, _ = run(job(tmp_path, folder, profile=RESEARCH, workers=1))

    assert result.complete, json.dumps(result.report)
    written = pydicom.dcmread(tmp_path / "out" / result.report["instances"][0]["output"]).pixel_array
    assert written.max() <= 125
    with (tmp_path / "out" / "text.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert "VORZIB" in " ".join(row["text"] for row in rows).upper()


def test_a_run_with_a_key_leaves_a_sealed_crosswalk(tmp_path):
    """One entry for each object that was written; neither it nor the journal holds a source identity in clear."""
    run(job(tmp_path, study(tmp_path / "in")))

    out = tmp_path / "out"
    entries = list(read_crosswalk(out / FILENAME, CrosswalkSeal(Identities(KEY, "p"))))
    assert {entry.patient_id for entry in entries} == {PATIENT_ID}
    assert sorted(entry.instance_uid[0] for entry in entries) == [f"1.2.826.0.1.55.{number}" for number in range(1, 5)]
    assert {entry.instance_uid[1] for entry in entries} == {path.stem for path in (out / "objects").rglob("*.dcm")}
    for path in (out / FILENAME, out / ".run" / "journal.jsonl"):
        assert PATIENT_ID.encode() not in path.read_bytes()
        assert b"1.2.826.0.1.55." not in path.read_bytes()


def test_a_resumed_run_leaves_a_whole_crosswalk(tmp_path):
    """What an earlier run did is in it too."""
    run(job(tmp_path, study(tmp_path / "in", count=2)))
    save_image(tmp_path / "in" / "late.dcm", speckle(2, seed=9), SOPInstanceUID="1.2.826.0.1.55.9")

    run(job(tmp_path, tmp_path / "in"))

    assert len(list(read_crosswalk(tmp_path / "out" / FILENAME, CrosswalkSeal(Identities(KEY, "p"))))) == 3


def test_a_run_whose_key_is_erased_leaves_no_crosswalk(tmp_path):
    """Nobody could open it."""
    run(job(tmp_path, study(tmp_path / "in", count=1), key=None))

    assert not (tmp_path / "out" / FILENAME).exists()
