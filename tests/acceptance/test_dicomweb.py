"""In and out by STOW-RS through a whole node: a cut body, a kill, targets that fail first; nothing is lost."""

from __future__ import annotations

import io
import signal
from collections import Counter
from xml.etree import ElementTree as ET

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from gateway.cli import main
from tests.acceptance.node import running_node
from tests.factories.planted import find_planted, planted_object
from tests.peers.dcmtk import storescu
from tests.peers.orthanc import dicomweb_plugin, orthanc
from tests.peers.programs import free_port, wait_until
from tests.peers.receiving import token_file
from tests.peers.stow import body_of, connect, head_of, stow
from tests.peers.stow_service import Reply, stow_service

pytestmark = pytest.mark.timeout(300)
TOKEN = "0123456789abcdef" * 4
LATE_TOKEN = "fedcba9876543210" * 4
OUT_TOKEN = "00112233445566778899"
SENDS = {"allow_store": True, "patient_domain": "HOSPITAL-A"}
HEADERS_ONLY = "options: []\npixels: {cone: null, text: null}\n"


def _rules(*senders):
    return [
        {
            "name": "all",
            "from": list(senders),
            "profile": "headers",
            "project": "trial-1",
            "target": ["research", "flaky"],
        },
        {"name": "default", "fallback": True, "action": "hold"},
    ]


def _part_files(node):
    return list((node.storage / "incoming").iterdir())


def _cut_off(port, node, body, *, left_bytes):
    """Send a body but for its end, wait until its last part is being written, go away, and wait until it is gone."""
    with connect(port) as connection:
        connection.sendall(head_of(len(body), token=TOKEN) + body[:-left_bytes])
        wait_until(lambda: node.status()["acknowledged"] == 4 and _part_files(node), what="a part is on its way")
    wait_until(lambda: not _part_files(node), what="the part that was cut is gone")


def _senders_in_audit(node, file):
    """Count who sent objects, by the audit messages: configured name, and AE title where there is one."""
    assert main(["audit", "export", "-o", str(file), "-c", str(node.config_file)]) == 0
    senders = Counter()
    for line in file.read_text().splitlines():
        message = ET.fromstring(line)
        if message.find("EventIdentification/EventTypeCode").get("csd-code") == "receive":
            sender = message.find("ActiveParticipant[@UserIsRequestor='true']")
            title = sender.get("AlternativeUserID")
            senders[sender.get("UserID"), title and title.removeprefix("AETITLES=")] += 1
    return senders


def test_objects_come_and_leave_by_dicomweb_and_none_is_lost(tmp_path, planted_files):
    """Two targets, one of them in trouble; two ways in at once; a kill -9 in the middle; each object stands once."""
    paths, planted = planted_files(7)
    large = planted_object("CT", seed=9, instance=99, rows=1024, columns=1024)
    paths[4] = large.save(tmp_path / "large.dcm")
    planted = (*planted, *large.planted)
    contents = [path.read_bytes() for path in paths]
    profile = tmp_path / "headers.yaml"
    profile.write_text(HEADERS_ONLY)
    trouble = [
        Reply(status=503, body=b""),
        Reply(status=401, body=b""),
        Reply(cut_after_bytes=1),
        Reply(body=b"<html>a proxy</html>"),
    ]
    with (
        orthanc(tmp_path / "research", ae_title="RESEARCH", settings=dicomweb_plugin()) as research,
        stow_service(*trouble) as flaky,
        running_node(
            tmp_path / "node",
            research_port=free_port(),
            nodes={
                "research": {"url": f"http://127.0.0.1:{research.http_port}/dicom-web", "timeout": "20s"},
                "flaky": {
                    "url": flaky.url,
                    "timeout": "5s",
                    "token_file": str(token_file(tmp_path, "flaky", OUT_TOKEN)),
                    "max_associations": 1,
                },
                "viewer": {"caller_token_file": str(token_file(tmp_path, "viewer", TOKEN)), **SENDS},
            },
            dicomweb={"port": free_port()},
            rules=_rules("clinical", "viewer"),
            processing={"workers": 1},
            profiles={"headers": str(profile)},
        ) as node,
    ):
        port = node.config["dicomweb"]["port"]
        url = f"http://127.0.0.1:{port}/dicom-web"

        # One client stores three, another stores one and is cut off within the next.
        client = DICOMwebClient(url, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = client.store_instances([pydicom.dcmread(path) for path in paths[:3]])
        assert len(answer.ReferencedSOPSequence) == 3
        _cut_off(port, node, body_of(contents[3:5]), left_bytes=len(contents[4]) // 4)

        # A kill, and everything again, for the sender has no answer: what was there is suppressed.
        node.kill()
        node.start()
        assert stow(port, contents[3:5], token=TOKEN).status == 200
        assert storescu(node.port, [paths[5]], calling="CLINICAL", called="SONOVEIL").returncode == 0

        # A caller that is only known after SIGHUP.
        assert stow(port, contents[6:], token=LATE_TOKEN).status == 401
        node.config["nodes"]["late"] = {
            "ae_title": "LATE",
            "caller_token_file": str(token_file(tmp_path, "late", LATE_TOKEN)),
            **SENDS,
        }
        node.config["rules"] = _rules("clinical", "viewer", "late")
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any(line["event"] == "reloaded" for line in node.events()), what="reloaded")
        assert stow(port, contents[6:], token=LATE_TOKEN).status == 200

        status = node.settled(acknowledged=8)
        research.wait_for_instances(7)
        assert status["states"]["sent"] == 7
        assert node.terminate() == 0
        assert main(["reconcile", "-c", str(node.config_file)]) == 0

        assert _part_files(node) == []
        sent = [pydicom.dcmread(io.BytesIO(part), stop_before_pixels=True) for part in flaky.parts]
        stands = {research.tags(instance)["SOPInstanceUID"] for instance in research.instances()}
        assert len(stands) == 7
        assert {str(header.SOPInstanceUID) for header in sent} == stands
        assert len(set(flaky.parts)) == 7, "whatever was sent twice was the same bytes"
        assert {request.headers["authorization"] for request in flaky.requests} == {f"Bearer {OUT_TOKEN}"}
        for shown in (*flaky.parts, node.log().encode(), *map(research.file, research.instances())):
            assert find_planted(shown, planted) == []
        for secret in (TOKEN, LATE_TOKEN, OUT_TOKEN):
            assert secret not in node.log()

        senders = _senders_in_audit(node, tmp_path / "audit.xml")
        assert senders == {("viewer", None): 6, ("clinical", "CLINICAL"): 1, ("late", "LATE"): 1}
