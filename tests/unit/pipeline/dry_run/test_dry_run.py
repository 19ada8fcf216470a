"""The dry run: computed by the real engine, silent about values unless asked, and nothing written but the account."""

import json
from pathlib import Path

import pydicom
import pytest

from config.schema import DeviceMask, Option, Pixels, Profile, TagRule
from models.errors import ModelUnavailable
from pipeline.deidentify import Deidentifier
from pipeline.dry_run.account import MOST_LISTED, Account
from pipeline.dry_run.look import Outcome, look_at
from pipeline.dry_run.page import page
from pipeline.dry_run.run import DryRunJob, run_dry
from pipeline.frames.read import open_instance
from pipeline.records import ReceivedInstance
from tests.factories.planted import find_planted, planted_object
from tests.factories.profiles import RESEARCH

KEY = bytes(range(32))
IMAGES = ("US", "CT", "MR", "SC")


@pytest.fixture
def planted(tmp_path):
    """Files of several classes under names that tell nothing, and all that is planted in them."""
    folder = tmp_path / "in"
    folder.mkdir()
    made = [planted_object(kind, seed=5) for kind in (*IMAGES, "PDF")]
    for number, one in enumerate(made):
        one.save(folder / f"{number}.dcm")
    (folder / "notes.txt").write_text("no image", encoding="ascii")
    return folder, tuple({text for one in made for text in one.planted})


def dry(folder, out=None, **changes):
    """Run a dry run."""
    settings = {
        "inputs": (folder,),
        "out": out,
        "profile": RESEARCH,
        "key": KEY,
        "project": "p",
        "patient_domain": "A",
        "with_values": False,
    }
    return run_dry(DryRunJob(**{**settings, **changes}), lambda _progress: None)


def rows(content, name):
    """Return the lines of all classes about one attribute."""
    return [row for one in content["classes"] for row in one["attributes"] if row["attribute"] == name]


def look(tmp_path, profile=RESEARCH, **attributes):
    """Return attribute -> line for one object with these attributes."""
    source = planted_object("CT", seed=1, rows=8, columns=8)
    for keyword, value in attributes.items():
        setattr(source.dataset, keyword, value)
    path = source.save(tmp_path / "one.dcm")
    received = ReceivedInstance(path=path, patient_domain="A", node_name="files", size_bytes=path.stat().st_size)
    deidentifier = Deidentifier(profile=profile, key=KEY, project="p", models_config=None)
    return {line.attribute: line for line in look_at(received, deidentifier, with_values=True).lines}


def test_no_planted_identifier_is_in_any_file_of_a_dry_run_unless_it_was_asked_for(planted, tmp_path):
    """Searched for as bytes; with values, they are there, which proves the search."""
    folder, words = planted
    dry(folder, tmp_path / "out")
    dry(folder, tmp_path / "shown", with_values=True)

    for name in ("dry-run.json", "dry-run.html"):
        assert find_planted(tmp_path / "out" / name, words) == []
        assert len(find_planted(tmp_path / "shown" / name, words)) > 20


def test_every_file_is_counted_once_and_held_ones_are_named_with_their_reason(planted):
    """Four images would leave, a PDF would be held, a text is no DICOM."""
    content = dry(planted[0])

    assert content["counts"] == {"read": 6, "would_leave": 4, "would_be_held": 1, "refused": 1, "skipped": 0}
    assert [(one["source"], one["reason"]) for one in content["held"]] == [("4.dcm", "encapsulated_document")]
    assert [one["source"] for one in content["refused"]] == ["notes.txt"]
    assert content["held_reasons"] == {"encapsulated_document": 1}


def test_what_is_said_is_what_the_engine_does(planted, tmp_path):
    """Each attribute said to be kept, removed or emptied is so in the header that the pipeline makes."""
    folder, _words = planted
    profile = RESEARCH
    deidentifier = Deidentifier(profile=profile, key=KEY, project="p", models_config=None)
    path = folder / "1.dcm"
    received = ReceivedInstance(path=path, patient_domain="A", node_name="files", size_bytes=path.stat().st_size)

    found = {line.attribute: line for line in look_at(received, deidentifier, with_values=False).lines}
    with open_instance(path) as source:
        result = deidentifier.scrub(source, received)[1].dataset
    original = pydicom.dcmread(path, stop_before_pixels=True)
    for element in original:
        line = found[element.keyword] if element.keyword else None
        if line is None or element.VR == "SQ":
            continue
        left = result.get(element.tag)
        if line.outcome is Outcome.REMOVED:
            assert left is None
        elif line.outcome is Outcome.EMPTIED:
            assert left.is_empty
        elif line.outcome is Outcome.KEPT:
            assert left.value == element.value
        else:
            assert left is not None
            assert line.outcome is Outcome.WAS_EMPTY or left.value != element.value


EXPECTED = {
    "StudyDate": (Outcome.SHIFTED, "retain_longitudinal_modified_dates C"),
    "StudyTime": (Outcome.KEPT, "retain_longitudinal_modified_dates C"),
    "StudyInstanceUID": (Outcome.MAPPED, "E.1-1 (2026d) U"),
    "PatientID": (Outcome.MAPPED, "pseudonym"),
    "PatientSex": (Outcome.KEPT, "retain_patient_characteristics K"),
    "InstitutionName": (Outcome.REPLACED, "E.1-1 (2026d) X/Z/D"),
    "PatientBirthDate": (Outcome.EMPTIED, "E.1-1 (2026d) Z"),
    "PatientAddress": (Outcome.REMOVED, "E.1-1 (2026d) X"),
    "PatientIdentityRemoved": (Outcome.ADDED, "set by the product"),
    "Rows": (Outcome.KEPT, "outside the table"),
    "SourceImageSequence > ReferencedSOPInstanceUID": (Outcome.MAPPED, "E.1-1 (2026d) U"),
    "(0019,1001) private": (Outcome.REMOVED, "private attributes X"),
    "(0008,0203)": (Outcome.REMOVED, "in no dictionary"),
}


@pytest.mark.parametrize("attribute", EXPECTED)
def test_outcome_and_rule(tmp_path, attribute):
    """One attribute of each kind under the research profile."""
    outcome, rule = EXPECTED[attribute]

    line = look(tmp_path)[attribute]

    assert line.outcome is outcome
    assert rule in line.rule


def test_a_rule_of_the_profile_is_named(tmp_path):
    """Replaced by the profile's own word, by its first rule."""
    profile = Profile(name="own", rules=(TagRule(tag="StudyDescription", action="replace", value="ECHO"),))

    line = look(tmp_path, profile)["StudyDescription"]

    assert (line.outcome, line.after) == (Outcome.REPLACED, "ECHO")
    assert line.rule == "rules[0] of the profile: replace"


def test_doubt_has_its_reason_and_never_the_value(tmp_path):
    """An identifier that stands where a code was expected; an age over 89."""
    family = str(planted_object("CT", seed=1).dataset.PatientName).split("^", maxsplit=1)[0]
    lines = look(tmp_path, ScanOptions=family.upper(), PatientAge="097Y")

    assert lines["ScanOptions"].doubt == "repeats an identifier of the original"
    assert lines["PatientAge"].outcome is Outcome.CHANGED
    assert (lines["PatientAge"].after, "over 89" in lines["PatientAge"].doubt) == ("090Y", True)
    assert family not in repr(lines)


def test_terminal_controls_in_values_are_shown_as_a_mark(tmp_path):
    """A value cannot move the cursor of whoever reads it."""
    assert "\x1b" not in look(tmp_path, StudyDescription="x\x1b[2Jy")["StudyDescription"].before


def test_no_model_is_opened_and_no_frame_decoded(planted, monkeypatch):
    """And the page says that neither was."""

    def broken(*_arguments, **_named):
        raise ModelUnavailable("must not be opened")

    monkeypatch.setattr("pipeline.frames.stream.Frames.decoded", broken)
    monkeypatch.setattr("pipeline.deidentify.Deidentifier.open", broken)

    content = dry(planted[0])

    assert content["counts"]["would_leave"] == 4
    assert "runs no model" in content["pixels"][0]


def test_device_masks_that_fit_are_counted(planted):
    """The profile's mask is for the frames of these sizes."""
    mask = DeviceMask(manufacturer_model="Probe 9000", columns=96, rows=64, rectangles=((0, 0, 96, 9),))
    profile = Profile(name="masks", options=(Option.CLEAN_PIXEL_DATA,), pixels=Pixels(masks=(mask,)))

    assert [one["with_device_mask"] for one in dry(planted[0], profile=profile)["classes"]] == [1, 1, 1, 1]


def test_files_are_for_their_owner_alone_and_the_inputs_stay_as_they_are(planted, tmp_path):
    """0600 in 0700."""
    folder, _words = planted
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    dry(folder, tmp_path / "out")

    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dry-run.html", "dry-run.json"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_without_an_output_folder_nothing_is_written(planted, tmp_path, monkeypatch):
    """Not even for archives: what is unpacked goes with the run."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    dry(planted[0])

    assert list((tmp_path / "scratch").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "scratch"]


def test_the_same_attribute_of_many_objects_is_one_line(tmp_path):
    """Memory does not grow with the number of files."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1, 8):
        planted_object("CT", seed=2, instance=number, rows=8, columns=8).save(folder / f"{number}.dcm")

    content = dry(folder, with_values=True)

    (row,) = rows(content, "SOPInstanceUID")
    assert (row["objects"], len(row["values"]), row["more_values"]) == (7, 5, True)
    assert len(content["classes"]) == 1


def test_held_files_are_all_counted_and_the_first_thousand_named():
    """A folder of a million files that cannot be used does not fill the memory."""
    account = Account(with_values=False)
    for number in range(MOST_LISTED + 5):
        account.hold(f"{number}.dcm", "unreadable", "cut short")

    content = account.content(RESEARCH)

    assert content["counts"]["would_be_held"] == account.held == MOST_LISTED + 5
    assert len(content["held"]) == MOST_LISTED
    assert "and 5 more" in page(content)


def test_the_page_escapes_what_it_shows_and_asks_for_nothing_from_elsewhere(planted, tmp_path):
    """Names of files and values are text, never markup."""
    source = planted_object("CT", seed=3, rows=8, columns=8)
    source.dataset.StudyDescription = "<script>alert(1)</script>"
    source.save(planted[0] / "evil.dcm")
    (planted[0] / "<b>x.txt").write_text("x", encoding="ascii")

    dry(planted[0], tmp_path / "out", with_values=True)
    html = (tmp_path / "out" / "dry-run.html").read_text(encoding="utf-8")

    assert "<script>alert" not in html
    assert "<b>x.txt" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "http" not in html.replace("http-equiv", "")
    assert "src=" not in html
    assert html.count("<script") == 1


def test_a_page_with_values_says_loudly_that_it_is_confidential(planted, tmp_path):
    """In the page and in the JSON."""
    content = dry(planted[0], tmp_path / "out", with_values=True)

    assert content["notice"].startswith("CONFIDENTIAL")
    assert json.loads((tmp_path / "out" / "dry-run.json").read_text(encoding="utf-8")) == content
    assert '<p class="loud">CONFIDENTIAL' in Path(tmp_path / "out" / "dry-run.html").read_text(encoding="utf-8")
