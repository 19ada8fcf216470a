"""A model gives the same on the GPU as on the CPU; runs where there is a GPU."""

import numpy as np
import pytest

from config.schema import ModelsConfig
from models.catalog import find
from models.session import Session, offered_devices

SHAPES = {"ppocr-detector": (1, 3, 224, 320), "ppocr-recogniser": (2, 3, 48, 160), "cone": (2, 1, 256, 256)}


@pytest.mark.skipif("cuda" not in offered_devices(), reason="this onnxruntime has no CUDA")
@pytest.mark.parametrize("name", SHAPES)
def test_the_gpu_gives_what_the_cpu_gives(name):
    """Scores differ by rounding only, so that masks do not depend on the machine."""
    weights, path = find(name, ModelsConfig())
    on_cpu, on_gpu = (
        Session(path, name=name, sha256=weights.sha256, contract=weights.contract, device=device)
        for device in ("cpu", "cuda")
    )
    batch = np.random.default_rng(1).uniform(0, 1, SHAPES[name]).astype(np.float32)

    assert on_gpu.device == "cuda"
    for one, other in zip(on_cpu.run(batch), on_gpu.run(batch), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, equal_nan=False)
