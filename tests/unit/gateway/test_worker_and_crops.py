"""A report follows its image through a worker, and its coordinates follow the image's crop."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence

from config.schema import Cone, Pixels
from gateway import worker as module
from gateway.spool import Shelf
from gateway.starting import WorkerSettings
from gateway.worker import Worker
from tests.factories.content import item, reference, report
from tests.factories.pixels import US_CLIP, BlindReader, Eyes, FixedCone, moving_within, save_image
from tests.factories.profiles import CLEANING

from .conftest import KEY, WORKER
from .test_worker import Config

IMAGE, REPORT = "1.2.826.0.1.3680043.8.498.55.1.3", "1.2.3.5"


@pytest.fixture
def worker(node, monkeypatch):
    """A worker whose models see a cone that begins at column 41, row 23."""
    mask = np.zeros((160, 240), bool)
    mask[23:140, 41:200] = True
    eyes = Eyes(text=BlindReader(), cone=FixedCone(mask=mask, confidence=0.9), sha256={"eyes": "0" * 64})
    monkeypatch.setattr(module, "open_watched", lambda _config, *, text, cone: eyes)
    config = Config(node.root)
    config.profiles = {"research": CLEANING.model_copy(update={"pixels": Pixels(cone=Cone(crop=True))})}
    return Worker(WorkerSettings(name=WORKER, config=config, key=KEY), spool=node.spool, database=node.database)


def image_file(folder):
    """Return the bytes of a clip."""
    mask = np.zeros((160, 240), bool)
    mask[23:140, 41:200] = True
    return save_image(folder / "image.dcm", moving_within(mask, 3)).read_bytes()


def report_file(folder):
    """Return the bytes of a report with a point in the clip."""
    image = item("IMAGE", None, IMAGE, relationship="SELECTED FROM")
    image.ReferencedSOPSequence = Sequence([reference(IMAGE, US_CLIP)])
    point = item("SCOORD", ("111030", "DCM"), children=[image], GraphicType="POINT", GraphicData=[51.5, 43.0])
    source = report(point, SOPInstanceUID=REPORT, PatientID="PID-4711-QX", Modality="SR")
    source.file_meta = FileMetaDataset()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    source.save_as(folder / "report.dcm", enforce_file_format=True)
    return (folder / "report.dcm").read_bytes()


def outcome(node, number):
    """Return state and reason."""
    shown = node.decisions.show(number)
    return shown["state"], shown["reason"]


def test_a_report_that_comes_after_its_image_leaves_with_its_coordinates_moved(node, worker, tmp_path):
    """By the offset of the very crop that was written, and with the image's public UID."""
    node.arrive(IMAGE, image_file(tmp_path))
    node.arrive(REPORT, report_file(tmp_path))
    while worker.step():
        pass
    assert [outcome(node, number) for number in (1, 2)] == [("clean", None), ("clean", None)]
    image, written = (
        pydicom.dcmread(node.spool.path(Shelf.OUTPUTS, node.decisions.show(number)["output_token"]))
        for number in (1, 2)
    )
    (point,) = written.ContentSequence
    assert (image.Rows, image.Columns) == (117, 159)
    assert list(point.GraphicData) == [10.5, 20.0]
    named = point.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    assert named == image.SOPInstanceUID


def test_a_report_that_comes_before_its_image_waits_for_a_person(node, worker, tmp_path):
    """Held with its reason; when it is tried again after the image, it leaves."""
    node.arrive(REPORT, report_file(tmp_path))
    node.arrive(IMAGE, image_file(tmp_path))
    while worker.step():
        pass
    assert outcome(node, 1) == ("held", "references_cropped")
    node.decisions.retry(1)
    while worker.step():
        pass
    assert outcome(node, 1) == ("clean", None)
