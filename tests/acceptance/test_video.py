"""A video through the whole node, with PyAV and without, sent and received by DCMTK and looked at by OpenCV."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pydicom
import pytest

from tests.acceptance.node import running_node
from tests.factories.video import COLUMNS, ROWS, SECRET, Recipe, clip, coded, stream_of, video_object
from tests.peers.dcmtk import dcmsend, storescp
from tests.peers.programs import wait_until

pytestmark = pytest.mark.timeout(240)
AVC = "1.2.840.10008.1.2.4.102"
FRAMES = 6
RECIPE = Recipe(codec="libx264", container="mp4", audio=True, planted=True)


@pytest.fixture
def endoscopy(tmp_path):
    """Write a video whose frames show a name and whose container has it in its tags, with sound."""
    pictures = np.repeat(clip(1, bar=False), FRAMES, axis=0)
    for picture in pictures:
        cv2.rectangle(picture, (0, 0), (COLUMNS, 44), 16, -1)
        cv2.putText(picture, "QUATYN 1961-02-03", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 235, 2, cv2.LINE_AA)
    return video_object(tmp_path / "in.dcm", coded(pictures, RECIPE), AVC, frames=FRAMES), pictures


def test_a_video_leaves_without_its_text_its_sound_and_its_tags(tmp_path, endoscopy):
    """The target has it in the same syntax; another build of the decoder sees no line, and tissue as it was."""
    path, pictures = endoscopy
    with (
        storescp(tmp_path / "research", ae_title="RESEARCH") as research,
        running_node(tmp_path / "node", research_port=research.port) as node,
    ):
        assert dcmsend(node.port, [path], calling="CLINICAL", called="SONOVEIL").returncode == 0
        wait_until(lambda: research.files() or node.held(), what="the video has left", seconds=120)
        assert node.held() == []

    written = pydicom.dcmread(research.files()[0])
    assert written.file_meta.TransferSyntaxUID == AVC
    assert SECRET not in research.files()[0].read_bytes()
    (tmp_path / "out.mp4").write_bytes(stream_of(research.files()[0]))
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    shown = np.stack([cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2GRAY) for _ in range(FRAMES)])
    assert capture.read()[0] is False
    assert shown.shape == (FRAMES, ROWS, COLUMNS)
    assert shown[:, :44].max() < 60
    assert np.corrcoef(shown[:, 60:].ravel(), pictures[:, 60:].ravel())[0, 1] > 0.99


def test_a_node_without_the_extra_holds_video_and_lives(tmp_path, endoscopy):
    """As `undecodable`, nothing leaves; and `sonoveil check` tells of it."""
    path, _ = endoscopy
    without = tmp_path / "without"
    without.mkdir()
    (without / "av.py").write_text("raise ImportError('not installed')\n")
    environment = {"PYTHONPATH": os.pathsep.join((str(without), os.environ.get("PYTHONPATH", "")))}
    with (
        storescp(tmp_path / "research", ae_title="RESEARCH") as research,
        running_node(tmp_path / "node", research_port=research.port, environment=environment) as node,
    ):
        assert dcmsend(node.port, [path], calling="CLINICAL", called="SONOVEIL").returncode == 0
        wait_until(node.held, what="the video is held")
        held = node.held()
        assert node.get("/readyz")[0] == 200

    assert [one["reason"] for one in held] == ["undecodable"]
    assert research.files() == []
