"""A study from a real clinical PACS through the node into a real research PACS, watched by a real Prometheus."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from gateway.part10 import data_set_offset, head
from tests.acceptance.node import running_node
from tests.factories.planted import find_planted, planted_object
from tests.factories.study import decoded_frames, write_study
from tests.peers.dcmtk import dcmsend, echoscu, storescu
from tests.peers.orthanc import Modality, orthanc
from tests.peers.programs import wait_until
from tests.peers.prometheus import prometheus
from tests.peers.raw import raw_requestor
from tests.peers.recording import recording_scp

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def passed_through(tmp_path_factory):
    """Send one study by Orthanc's REST interface and one by its auto-routing, and collect everything that came out."""
    folder = tmp_path_factory.mktemp("whole-way")
    by_rest = write_study(folder / "by-rest", seed=7)
    by_routing = planted_object("CT", seed=8, rows=96, columns=128)
    document = planted_object("PDF", seed=8, instance=2)
    with (
        orthanc(folder / "research", ae_title="RESEARCH") as research,
        running_node(folder / "node", research_port=research.port) as node,
        orthanc(
            folder / "clinical",
            ae_title="CLINICAL",
            modalities={"sonoveil": Modality(ae_title="SONOVEIL", port=node.port)},
        ) as clinical,
        orthanc(
            folder / "routing",
            ae_title="CLINICAL",
            modalities={"sonoveil": Modality(ae_title="SONOVEIL", port=node.port)},
            auto_route_to="sonoveil",
        ) as routing,
        prometheus(folder / "prometheus", [f"127.0.0.1:{node.config['metrics']['port']}"]) as watching,
    ):
        ids = [clinical.upload(path) for path in by_rest.files.values()]
        clinical.store("sonoveil", ids)
        routing.upload(by_routing.save(folder / "routed.dcm"))
        routing.upload(document.save(folder / "document.dcm"))
        status = node.settled(acknowledged=8)
        research.wait_for_instances(7)
        received = folder / "received"
        received.mkdir()
        for name in research.instances():
            (received / f"{name}.dcm").write_bytes(research.file(name))
        wait_until(
            lambda: watching.value('sonoveil_instances_total{stage="forward",outcome="sent"}') == 7,
            what="Prometheus sees seven sent instances",
        )
        yield {
            "study": by_rest,
            "planted": (*by_rest.planted, *by_routing.planted, *document.planted),
            "received": sorted(received.iterdir()),
            "status": status,
            "held": node.held(),
            "node": node,
            "metrics": node.get("/metrics")[1],
            "watching": watching,
        }


def _of_class(passed_through, modality):
    return next(
        path for path in passed_through["received"] if dcmread(path, stop_before_pixels=True).Modality == modality
    )


def test_everything_but_the_document_arrives_and_the_document_is_held(passed_through):
    """Clip, CT, MR, CR, secondary capture and report arrive; the PDF waits with its reason."""
    modalities = sorted(dcmread(path, stop_before_pixels=True).Modality for path in passed_through["received"])

    assert modalities == ["CR", "CT", "CT", "MR", "OT", "SR", "US"]
    assert [row["reason"] for row in passed_through["held"]] == ["encapsulated_document"]
    assert passed_through["status"]["states"]["sent"] == 7


def test_no_planted_identifier_is_in_anything_the_research_side_received(passed_through):
    """Searched as bytes in several character sets."""
    for path in passed_through["received"]:
        assert find_planted(path, passed_through["planted"]) == []


def test_no_planted_identifier_is_in_log_metrics_errors_or_file_names(passed_through):
    """Logs, metrics, status, held list, file names; and the ledger's clear text."""
    node = passed_through["node"]
    names = "\n".join(str(path) for path in node.storage.rglob("*"))
    shown = "".join(node.run("held", "show", str(row["instance_id"])).stdout for row in passed_through["held"])
    texts = [node.log(), passed_through["metrics"], names, shown, json.dumps(passed_through["status"])]
    texts += [path.read_bytes().decode("latin-1") for path in node.storage.glob("ledger.sqlite*")]

    for text in texts:
        assert find_planted(text.encode("latin-1", "replace"), passed_through["planted"]) == []


def test_the_study_stays_together_and_the_patient_has_one_pseudonym(passed_through):
    """References between the objects of one study still resolve."""
    headers = [dcmread(path, stop_before_pixels=True) for path in passed_through["received"]]
    studies = {str(header.StudyInstanceUID) for header in headers}
    patients = {(str(header.StudyInstanceUID), str(header.PatientID)) for header in headers}

    assert len(studies) == 2
    assert len(patients) == 2
    assert all(header.PatientIdentityRemoved == "YES" for header in headers)


@pytest.mark.parametrize(("kind", "modality"), [("MR", "MR"), ("CR", "CR"), ("SC", "OT")])
def test_pixels_without_text_are_untouched(passed_through, kind, modality):
    """Noise has no text: every sample is the one that was sent."""
    sent = dcmread(passed_through["study"].files[kind])
    got = dcmread(_of_class(passed_through, modality))

    assert got.PixelData == sent.PixelData


def test_the_clip_keeps_its_cone_and_loses_its_text(passed_through):
    """Inside the kept area the pixels equal those that were sent, apart from text regions that the sidecar names."""
    node, study = passed_through["node"], passed_through["study"]
    path = _of_class(passed_through, "US")
    got, sent = decoded_frames(path), decoded_frames(study.clip)
    header = dcmread(path, stop_before_pixels=True)
    record = next(r for r in _records(node) if r["cone"]["outcome"] in {"cropped", "blanked"})
    left, top, right, bottom = record["cone"]["box"]
    assert got.shape == (30, bottom - top, right - left, 3)

    differs = (got != sent[:, top:bottom, left:right]).any(axis=-1)
    assert not got[differs].any(), "what differs is black"
    assert (~differs).mean() > 0.5, "most of the kept box is what was sent"
    with (node.storage / "sidecar" / f"{header.StudyInstanceUID}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    texts = " ".join(row["text"].upper() for row in rows)
    assert all(text.split(".")[0][:6] in texts for text in study.burned[:2])
    assert np.count_nonzero(got) > 0


def _records(node):
    ids = range(1, node.status()["acknowledged"] + 1)
    shown = [json.loads(node.run("held", "show", str(number)).stdout) for number in ids]
    return [row["record"] for row in shown if row["record"]]


def test_prometheus_sees_what_happened(passed_through):
    """Names as fixed by the product; the sums of all processes."""
    watching = passed_through["watching"]

    assert watching.value('sonoveil_instances_total{stage="receive",outcome="received"}') == 8
    assert watching.value('sonoveil_held_total{reason="encapsulated_document"}') == 1
    assert watching.value('sonoveil_instances_waiting{state="sent"}') == 7
    assert watching.value("sonoveil_frames_total") == 35
    assert watching.value('sonoveil_delivery_attempts_total{destination="research",outcome="sent"}') == 7
    assert watching.value("sonoveil_storage_free_bytes") > 0
    assert watching.query('sonoveil_model_info{device="cpu"}')
    assert passed_through["node"].get("/healthz")[0] == 200


def test_the_shell_says_what_is_where(passed_through):
    """`status` and `held ls` agree with the ledger."""
    node = passed_through["node"]

    assert json.loads(node.run("status", "--json").stdout)["states"] == node.status()["states"]
    assert json.loads(node.run("held", "ls", "--json").stdout)["held"] == node.held()
    assert "encapsulated_document: 1" in node.run("status").stdout
    assert "1 held" in node.run("held", "ls").stdout


def test_the_account_balances(passed_through):
    """One command proves that nothing is lost."""
    assert "balanced" in passed_through["node"].run("reconcile", "--hash").stdout


def test_garbage_and_unknown_things_are_held_and_disturb_nothing(tmp_path):
    """Noise as a data set, a truncated object, an undecodable syntax; a good object beside them arrives."""
    good = planted_object("CT", seed=1, rows=48, columns=64)
    files = [good.save(tmp_path / "good.dcm")]
    whole = planted_object("MR", seed=2).save(tmp_path / "whole.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[: len(whole) - 3000])
    strange = dcmread(planted_object("CT", seed=3).save(tmp_path / "strange.dcm"))
    strange.file_meta.TransferSyntaxUID = "1.2.826.0.1.3680043.8.498.1.1"
    strange.save_as(tmp_path / "strange.dcm")
    with recording_scp() as research, running_node(tmp_path / "node", research_port=research.port) as node:
        assert echoscu(node.port, calling="CLINICAL", called="SONOVEIL").returncode == 0
        assert echoscu(node.port, calling="STRANGER", called="SONOVEIL").returncode != 0
        assert storescu(node.port, files, calling="STRANGER", called="SONOVEIL").returncode != 0
        assert dcmsend(node.port, files, calling="CLINICAL", called="SONOVEIL").returncode == 0
        _send_raw(node.port, tmp_path / "cut.dcm")
        _send_raw(node.port, tmp_path / "strange.dcm")
        _send_raw(node.port, tmp_path / "good.dcm", data_set=b"\x00garbage" * 300, uid="1.2.3.4.5.6.7")
        status = node.settled(acknowledged=4)

        reasons = sorted(row["reason"] for row in node.held())
        assert reasons == ["undecodable", "undecodable", "unreadable"], status
        assert status["states"]["sent"] == 1
        assert len(research.hashes()) == 1
        node.run("reconcile")


def _send_raw(port, path, *, data_set=None, uid=None):
    """Send a file's data set as it stands in the file's own transfer syntax, or other bytes in its place."""
    header = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
    if data_set is None:
        with path.open("rb") as file:
            file.seek(data_set_offset(file))
            data_set = file.read()
    sop_class_uid, sop_instance_uid = str(header.SOPClassUID), uid or str(header.SOPInstanceUID)
    with raw_requestor(port) as peer:
        answer = peer.associate([(sop_class_uid, [str(header.file_meta.TransferSyntaxUID)])])
        assert answer.accepted[1][0] == 0
        status = peer.store(data_set, sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid)
        assert status == 0


def test_a_model_that_is_missing_holds_what_needs_it_until_it_is_back(tmp_path, planted_files, monkeypatch):
    """Without its text model the node lets nothing through; a retry after the repair sends it."""
    files, _ = planted_files(1)
    with recording_scp() as research:
        changes = {"models": {"device": "cuda", "text": "default", "cone": "default"}}
        with running_node(tmp_path / "node", research_port=research.port, **changes) as node:
            assert dcmsend(node.port, files, calling="CLINICAL", called="SONOVEIL").returncode == 0
            node.settled(acknowledged=1)
            held = node.held()
            assert [row["reason"] for row in held] == ["model_unavailable"]
            assert not held[0]["releasable"]
            assert node.run("held", "release", "1", "--reason", "let it go", check=False).returncode == 1
            assert node.terminate() == 0
            node.config["models"]["device"] = "cpu"
            node.start()

            node.run("retry", "1")
            status = node.settled(acknowledged=1)

            assert status["states"]["sent"] == 1
            assert len(research.hashes()) == 1


@pytest.mark.parametrize("takes", ["uncompressed", "nothing"])
def test_a_target_that_refuses_a_syntax_gets_explicit_little_endian_or_nothing(tmp_path, takes):
    """The substitute shows the same pixels; where that is refused too, the instance is held for this target."""
    files = [get_testdata_file(name) for name in ("MR_small_RLE.dcm", "SC_rgb_rle_2frame.dcm")]

    def refuse(_abstract, syntax):
        return takes == "nothing" or syntax not in {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}

    with (
        recording_scp(refuse=refuse, keep_bytes=True) as research,
        running_node(tmp_path / "node", research_port=research.port) as node,
    ):
        assert dcmsend(node.port, files, calling="CLINICAL", called="SONOVEIL").returncode == 0
        wait_until(
            lambda: node.status()["states"]["sent"] + len(node.held()) == 2, what="both are decided", seconds=120
        )

        if takes == "nothing":
            assert {row["reason"] for row in node.held()} == {"not_accepted_by_target"}
            assert research.stored == []
        else:
            assert {one.transfer_syntax_uid for one in research.stored} == {"1.2.840.10008.1.2.1"}
            got = {dcmread(_file(one, tmp_path)).SOPClassUID: _file(one, tmp_path) for one in research.stored}
            for path in files:
                sent = dcmread(path)
                assert np.array_equal(dcmread(got[sent.SOPClassUID]).pixel_array, sent.pixel_array)
        node.run("reconcile")


def _file(stored, folder):
    """Write what was received as a Part 10 file."""
    path = folder / f"{stored.sha256}.dcm"
    uids = {
        "sop_class_uid": stored.sop_class_uid,
        "sop_instance_uid": stored.sop_instance_uid,
        "transfer_syntax_uid": stored.transfer_syntax_uid,
    }
    path.write_bytes(head(**uids) + stored.data_set)
    return path
