"""The trained cone network as an ONNX file, checked against torch.

Rule of the file: an export that computes anything else than torch computed is not left on disk.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch

from models.cone.contract import CONTRACT
from models.cone.letterbox import SIDE_PX
from models.manifest import MANIFEST, Weights, names_in, read_manifest, write_manifest
from models.training.screens import render_screen
from models.training.unet import ConeNet, ConeProbability

if TYPE_CHECKING:
    from pathlib import Path

PARITY = 1e-4
"""Largest difference of a probability between ONNX and torch that passes."""


class ParityError(Exception):
    """The exported network differs from the trained one."""


def export_cone(net: ConeNet, out: Path) -> float:
    """Write `net` as ONNX and pin it in the manifest beside it.

    The file has the input `image` and the output `probability`, float32 (batch, 1, 256, 256) both.

    Parameters
    ----------
    net
        The trained network.
    out
        The file to write.

    Returns
    -------
    float
        Largest difference of a probability between ONNX and torch over 16 rendered screens.

    Raises
    ------
    ParityError
        That difference exceeds `PARITY`; nothing is written.
    """
    module = ConeProbability(net.to(memory_format=torch.contiguous_format)).eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The TorchScript exporter is chosen on purpose (small graph, no weights beside it); torch announces its end.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            module,
            (torch.zeros(1, 1, SIDE_PX, SIDE_PX),),
            buffer,
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["probability"],
            dynamic_axes={"image": {0: "batch"}, "probability": {0: "batch"}},
        )
    content = buffer.getvalue()
    difference = _largest_difference(module, content)
    if difference > PARITY:
        raise ParityError(f"ONNX and torch differ by {difference:.2e}; at most {PARITY:.0e} passes.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    _pin(out, content)
    return difference


def _largest_difference(module: ConeProbability, content: bytes) -> float:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    squares = []
    for index in range(16):
        grey = render_screen((7, index)).image[:SIDE_PX, :SIDE_PX, 0].astype(np.float32) / 255
        square = np.zeros((1, SIDE_PX, SIDE_PX), dtype=np.float32)
        square[0, : grey.shape[0], : grey.shape[1]] = grey
        squares.append(square)
    image = np.stack(squares)
    with torch.no_grad():
        expected = module(torch.from_numpy(image)).numpy()
    found = session.run(["probability"], {"image": image})[0]
    return float(np.abs(found - expected).max())


def _pin(out: Path, content: bytes) -> None:
    """Name the file in its folder's manifest; other models named there stay."""
    others = [read_manifest(out.parent, name=name) for name in names_in(out.parent) if name != "cone"]
    if (out.parent / MANIFEST).exists() and not names_in(out.parent):
        raise ValueError("The folder's manifest cannot be read; it is not overwritten.")
    cone = Weights(
        name="cone",
        file=out.name,
        sha256=hashlib.sha256(content).hexdigest(),
        licence="Apache-2.0",
        source="models.training.train_cone, synthetic screens only",
        contract=CONTRACT,
    )
    write_manifest(out.parent, [*others, cone])
