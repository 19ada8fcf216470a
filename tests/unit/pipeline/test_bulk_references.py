"""A run over files does what refers to images when these are through."""

from dataclasses import replace

from config.schema import ModelsConfig, Pixels, Profile
from pipeline import bulk, crew
from pipeline.bulk import BulkJob, run_bulk
from pipeline.header.identity import Identities
from pipeline.reasons import Reason
from pipeline.records import FrameCrop
from tests.factories.pixels import KEY


def run(tmp_path, folder):
    """Run a job of header profiles over a folder, and return its result and every progress that was told."""
    job = BulkJob(
        inputs=(folder,),
        out=tmp_path / "out",
        profile=Profile(name="headers", options=(), pixels=Pixels(text=None)),
        key=KEY,
        project="p",
        patient_domain="HOSPITAL",
        workers=1,
        models_config=ModelsConfig(),
    )
    told = []
    return run_bulk(job, told.append), told


def states(result):
    """Return source -> (state, reason)."""
    return {one["source"]: (one["state"], one["reason"]) for one in result.report["instances"]}


def test_what_refers_to_cropped_images_is_done_when_these_are_through(tmp_path, monkeypatch):
    """Whatever the order of the files; what lies in no image of the run stays held, and a later run can bring it."""
    outcomes = {
        "a.dcm": _of_report("1.2.3.9"),
        "b.dcm": _of_image("1.2.3.9"),
        "c.dcm": _of_report("1.2.3.8"),
    }
    folder = tmp_path / "in"
    folder.mkdir()
    for name in outcomes:
        (folder / name).write_bytes(bytes(128) + b"DICM" + name.encode())
    passes = []

    def crew_of(work, sources, _workers):
        passes.append([source.label for source in sources])
        known = crew._Crops(Identities(work.key, work.project), work.crops)
        return (outcomes[source.label](source, known, work.objects) for source in sources)

    monkeypatch.setattr(bulk, "run_crew", crew_of)

    result, told = run(tmp_path, folder)

    assert passes == [["a.dcm", "b.dcm", "c.dcm"], ["a.dcm", "c.dcm"]]
    assert states(result) == {
        "a.dcm": ("written", None),
        "b.dcm": ("written", None),
        "c.dcm": ("held", "references_cropped"),
    }
    assert (told[-1].done, told[-1].total, told[-1].held) == (3, 3, 1)
    assert len(list((tmp_path / "out" / "held").iterdir())) == 1

    (folder / "d.dcm").write_bytes(bytes(128) + b"DICM")
    outcomes["d.dcm"] = _of_image("1.2.3.8")
    result, _ = run(tmp_path, folder)

    assert passes[2:] == [["d.dcm"], ["c.dcm"]]
    assert result.complete
    assert list((tmp_path / "out" / "held").iterdir()) == []


def _of_image(uid):
    """Return how an image with this source UID comes out."""

    def outcome(source, known, objects):
        name = f"1/2/{known.identities.public_uid(uid)}.dcm"
        (objects / "1/2").mkdir(parents=True, exist_ok=True)
        (objects / name).write_bytes(b"")
        plan = {"rows": 100, "columns": 120, "crop": [30, 20, 90, 70]}
        return replace(crew._not_written(source, Reason.UNREADABLE, ""), **_WRITTEN, output=name, record={"plan": plan})

    return outcome


def _of_report(uid):
    """Return how a report with coordinates in an image comes out."""

    def outcome(source, known, objects):
        if known.get(uid) is None:
            return crew._not_written(source, Reason.REFERENCES_CROPPED, "")
        assert known.get(uid) == FrameCrop(rows=100, columns=120, box=(30, 20, 90, 70))
        (objects / f"1/2/{source.label}").write_bytes(b"")
        return replace(crew._not_written(source, Reason.UNREADABLE, ""), **_WRITTEN, output=f"1/2/{source.label}")

    return outcome


_WRITTEN = {"state": "written", "reason": None, "note": None}
