"""The record and the report: the promised names, and never a word that was recognised."""

import json

from pipeline.reasons import Held, Reason
from pipeline.records import TextAction, TextFinding, TextPlace
from pipeline.report import Entry, held_record, record, report, write_json
from tests.factories.pixels import WhiteReader, burn, deidentifier, received, save_image, speckle


def made(tmp_path):
    """Return an instance in which VORZIB was read."""
    frames = speckle(2)
    burn(frames[0], "X", 30, 60)
    path = save_image(tmp_path / "in.dcm", frames)
    return deidentifier(reader=WhiteReader("VORZIB")).run(received(path), tmp_path / "out.dcm")


def test_a_record_has_numbers_and_no_recognised_text(tmp_path):
    """It is kept in clear text, and it is JSON."""
    instance = made(tmp_path)
    assert isinstance(instance.findings.text[0], TextFinding)
    assert instance.findings.text[0].action is TextAction.MASKED
    assert instance.findings.text[0].place is TextPlace.IMAGE

    content = record(instance)

    assert "VORZIB" not in json.dumps(content)
    assert content["frames"] == 2
    assert content["text_regions"] == len(instance.findings.text)
    assert 0 < content["redacted_fraction"] < 1
    assert content["cone"] == {"outcome": "not_applicable", "confidence": 0.0, "box": None}


def test_a_held_record_has_the_reason_and_the_record_of_what_may_be_released(tmp_path):
    """Or nothing where there is no result."""
    assert held_record(Held(Reason.UNDECODABLE, "cut")) == {"reason": "undecodable", "note": "cut", "result": None}
    residual = Held(Reason.RESIDUAL_TEXT, "left", result=made(tmp_path))
    assert held_record(residual)["result"]["frames"] == 2


def test_the_report_has_the_promised_structure_and_is_for_its_owner_alone(tmp_path):
    """Names are relied on by other tools."""
    entries = [
        Entry(
            source="a.dcm",
            output="objects/1",
            state="written",
            reason=None,
            note=None,
            seconds=0.5,
            record=record(made(tmp_path)),
        ),
        Entry(source="b", output=None, state="refused", reason="unreadable", note="n", seconds=0.0, record={}),
    ]

    content = report(profile="research", models={"m": "0"}, entries=entries)
    write_json(tmp_path / "report.json", content)

    assert set(content) >= {"version", "profile", "models", "counts", "instances"}
    assert content["counts"] == {"read": 2, "written": 1, "held": 0, "refused": 1, "skipped": 0}
    promised = {
        "source",
        "output",
        "state",
        "reason",
        "seconds",
        "frames",
        "redacted_fraction",
        "cone",
        "text_regions",
    }
    assert all(set(line) >= promised for line in content["instances"])
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == content
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == 0o600
