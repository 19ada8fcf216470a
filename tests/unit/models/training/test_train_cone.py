"""Training and export of the cone network, as small as it goes."""

import hashlib
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`")

from models.cone import ConeSegmenter  # noqa: E402  after the skip
from models.cone.contract import CONTRACT  # noqa: E402  after the skip
from models.session import Session  # noqa: E402  after the skip
from models.training.export_cone import ParityError, export_cone  # noqa: E402  after the skip
from models.training.screens import Mix  # noqa: E402  after the skip
from models.training.train_cone import cone_loss, train_cone, training_pair  # noqa: E402  after the skip
from models.training.unet import ConeNet  # noqa: E402  after the skip


def _run(out, **changes):
    wanted = {
        "steps": 2,
        "batch": 2,
        "until": 1000,
        "peak_rate": 2e-3,
        "mix": Mix.SCREENS,
        "seed": 3,
        "start": None,
        "average_start": False,
        "validation": 4,
        "progress": lambda _step, _loss: None,
    }
    return train_cone(out=out, **{**wanted, **changes})


def test_a_run_writes_weights_that_the_runtime_opens(tmp_path):
    """ONNX, checkpoint and manifest; the session takes the file and the segmenter runs on it."""
    out = tmp_path / "cone.onnx"

    report = _run(out)

    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    pinned = json.loads((tmp_path / "manifest.json").read_text())["models"]
    assert [(one["name"], one["sha256"]) for one in pinned] == [("cone", digest)]
    assert (report.steps, report.screens) == (2, 4)
    assert report.parity <= 1e-4
    session = Session(out, name="cone", sha256=digest, contract=CONTRACT, device="cpu")
    found = ConeSegmenter(session).segment(np.zeros((50, 70), dtype=np.uint8))
    assert found.mask.shape == (50, 70)


def test_the_same_arguments_train_the_same_weights(tmp_path):
    """Two runs end with equal weights, another seed with others."""
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        _run(tmp_path / name / "cone.onnx", seed=seed)
    first, again, other = (torch.load(tmp_path / name / "cone.pt", weights_only=True) for name in "abc")

    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_a_run_can_continue_from_a_checkpoint(tmp_path):
    """With a start, two more steps move weights that began where the other run ended."""
    _run(tmp_path / "cone.onnx")

    report = _run(tmp_path / "more" / "cone.onnx", start=tmp_path / "cone.pt", seed=5, mix=Mix.CUT)

    assert report.steps == 2


def test_a_run_can_be_averaged_with_its_start(tmp_path):
    """The result lies half way between the start and where the run alone would have ended."""
    _run(tmp_path / "cone.onnx")
    _run(tmp_path / "end" / "cone.onnx", start=tmp_path / "cone.pt", seed=5)
    _run(tmp_path / "mean" / "cone.onnx", start=tmp_path / "cone.pt", seed=5, average_start=True)

    start, end, mean = (
        torch.load(tmp_path / name, weights_only=True) for name in ("cone.pt", "end/cone.pt", "mean/cone.pt")
    )

    assert torch.allclose(mean["head.weight"], (start["head.weight"] + end["head.weight"]) / 2, atol=1e-7)
    assert not torch.equal(mean["head.weight"], end["head.weight"])


def test_a_run_can_stop_before_its_schedule_ends(tmp_path):
    """Three steps of a schedule of a hundred."""
    assert _run(tmp_path / "cone.onnx", steps=100, until=3).screens == 6


def test_training_lowers_the_loss(tmp_path):
    """Thirty steps on small batches are enough to see it learn."""
    losses = []

    _run(tmp_path / "cone.onnx", steps=30, progress=lambda _step, loss: losses.append(loss))

    assert np.mean(losses[-8:]) < np.mean(losses[:8])


def test_the_loss_prefers_the_right_mask():
    """The loss of the truth is near 0, of its opposite large."""
    _, target = training_pair((1, 2))
    target = (target[None] > 0.5).float()

    right, wrong = (float(cone_loss(sign * (target * 24 - 12), target)) for sign in (1, -1))

    assert right < 0.01
    assert wrong > 5


def test_an_export_that_differs_is_not_written(tmp_path, monkeypatch):
    """Beyond the parity limit nothing stays on disk."""
    monkeypatch.setattr("models.training.export_cone.PARITY", -1.0)

    with pytest.raises(ParityError):
        export_cone(ConeNet(), tmp_path / "cone.onnx")

    assert list(tmp_path.iterdir()) == []


def test_the_network_is_small():
    """At most two million parameters."""
    assert sum(weights.numel() for weights in ConeNet().parameters()) <= 2_000_000
