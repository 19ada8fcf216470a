"""The sidecar: one safe line for each region, and only what the profile wants stored."""

import csv
import multiprocessing
from pathlib import Path

import pytest

from config.schema import Sidecar
from pipeline import sidecar
from pipeline.header.identity import Identities
from pipeline.records import (
    ConeFinding,
    ConeOutcome,
    DeidentifiedInstance,
    Findings,
    TextAction,
    TextFinding,
    TextPlace,
)
from tests.factories.crosswalk import crosswalk_entry

IDENTITIES = Identities(bytes(32), "p")
FULL = Sidecar(csv=True, store_text="full")
HEADER = (
    "filename,sop_instance_uid,series_instance_uid,study_instance_uid,frame_first,frame_last,left,top,right,bottom,"
    "text,confidence,region,action,rule"
)


def instance(*texts, sop="2.25.1"):
    """Return an instance with one finding for each text."""
    found = tuple(
        TextFinding(
            frame_first=0,
            frame_last=4,
            left=10,
            top=20,
            right=30,
            bottom=40,
            text=text,
            confidence=0.5,
            place=TextPlace.IMAGE,
            action=TextAction.MASKED,
            rule="text",
        )
        for text in texts
    )
    cone = ConeFinding(outcome=ConeOutcome.NOT_APPLICABLE, confidence=0.0, box=None)
    return DeidentifiedInstance(
        path=Path("out.dcm"),
        size_bytes=1,
        sha256="00",
        sop_class_uid="1.2",
        transfer_syntax_uid="1.2",
        sop_instance_uid=sop,
        series_instance_uid="2.25.2",
        study_instance_uid="2.25.3",
        patient_id="SV-A",
        findings=Findings(frames=5, redacted_fraction=0.1, cone=cone, text=found, plan=None),
        profile_sha256="00",
        model_sha256={},
        crosswalk=crosswalk_entry(),
    )


def store(folder, one, *, rules=FULL, replace=False):
    """Store one instance."""
    sidecar.store(one, folder=folder, filename="out.dcm", rules=rules, identities=IDENTITIES, replace=replace)


def lines(folder):
    """Return the rows of the study's file as dictionaries."""
    with (folder / "2.25.3.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_columns_are_the_promised_ones_in_their_order(tmp_path):
    """First line and line ends, byte for byte."""
    store(tmp_path, instance("MILLER"))

    content = (tmp_path / "2.25.3.csv").read_bytes()

    assert content.split(b"\r\n")[0].decode() == HEADER
    assert content.split(b"\r\n")[1] == (b"out.dcm,2.25.1,2.25.2,2.25.3,0,4,10,20,30,40,MILLER,0.500,image,masked,text")
    assert content.endswith(b"\r\n")


@pytest.mark.parametrize("start", ["=1+1", "+49", "-5 cm", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(start, tmp_path):
    """A spreadsheet shows it as text."""
    store(tmp_path, instance(start))

    assert lines(tmp_path)[0]["text"][0] not in "=+-@\t"


@pytest.mark.parametrize("text", ['a,"b"', "zwei\r\nZeilen", "Müller 山田", "nul\x00", "\ud800"])
def test_whatever_was_recognised_is_one_row(text, tmp_path):
    """Quotes, commas, line ends, other scripts, half characters."""
    store(tmp_path, instance(text, "next"))

    assert [row["text"] for row in lines(tmp_path)][1] == "next"
    assert len((tmp_path / "2.25.3.csv").read_bytes().split(b"\r\n")) == 4


def test_hashed_text_repeats_and_cannot_be_read(tmp_path):
    """The same text gives the same digest under the project's own key."""
    store(tmp_path, instance("MILLER", "MILLER", ""), rules=Sidecar(store_text="hashed"))

    texts = [row["text"] for row in lines(tmp_path)]

    assert texts == [IDENTITIES.text_digest("MILLER")] * 2 + [""]
    assert b"MILLER" not in (tmp_path / "2.25.3.csv").read_bytes()


def test_no_text_or_no_file_where_the_profile_says_so(tmp_path):
    """`none` keeps the places; `csv: false` keeps nothing."""
    store(tmp_path, instance("MILLER"), rules=Sidecar(store_text="none"))
    assert [row["text"] for row in lines(tmp_path)] == [""]

    (tmp_path / "other").mkdir()
    store(tmp_path / "other", instance("MILLER"), rules=Sidecar(csv=False))
    assert not list((tmp_path / "other").iterdir())


def test_an_attempt_that_is_repeated_replaces_its_rows_and_no_others(tmp_path):
    """After a crash the same instance is stored again."""
    store(tmp_path, instance("A", "B", sop="2.25.1"))
    store(tmp_path, instance("C", sop="2.25.9"))

    store(tmp_path, instance("D", sop="2.25.1"), replace=True)

    assert [(row["sop_instance_uid"], row["text"]) for row in lines(tmp_path)] == [("2.25.9", "C"), ("2.25.1", "D")]


def test_half_a_row_that_a_crash_left_is_cut_off(tmp_path):
    """The next row starts on its own line."""
    store(tmp_path, instance("A"))
    with (tmp_path / "2.25.3.csv").open("ab") as file:
        file.write(b"out.dcm,2.25.7,2.2")

    store(tmp_path, instance("B"))

    assert [row["text"] for row in lines(tmp_path)] == ["A", "B"]


def test_the_file_is_for_its_owner_alone(tmp_path):
    """It is names beside new UIDs."""
    store(tmp_path, instance("A"))

    assert (tmp_path / "2.25.3.csv").stat().st_mode & 0o777 == 0o600


def _store_many(folder, number):
    for index in range(20):
        store(folder, instance(f"T{number}-{index}", sop=f"2.25.{number}.{index}"))


def test_processes_that_add_to_one_study_lose_no_row(tmp_path):
    """Three at once."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_store_many, args=(tmp_path, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len({row["text"] for row in lines(tmp_path)}) == 60


def test_rows_that_must_not_stay_go_and_an_empty_file_with_them(tmp_path):
    """Those of other instances stay; what is not there is no error."""
    store(tmp_path, instance("A", sop="2.25.7"))
    store(tmp_path, instance("B", sop="2.25.8"))

    sidecar.forget(tmp_path, "2.25.3", {"2.25.7"})
    assert [row["text"] for row in lines(tmp_path)] == ["B"]

    sidecar.forget(tmp_path, "2.25.3", {"2.25.8"})
    sidecar.forget(tmp_path, "2.25.3", {"2.25.8"})
    assert list(tmp_path.iterdir()) == []
