"""Models opened once for all tests of this folder, and frames drawn for them."""

import cv2
import numpy as np
import pytest

from config.schema import ModelsConfig
from models.catalog import open_models


@pytest.fixture(scope="session")
def cpu():
    """The configuration a machine without a GPU has."""
    return ModelsConfig(device="cpu")


@pytest.fixture(scope="session")
def ppocr(cpu):
    """The default text models."""
    return open_models(cpu, text="ppocr", cone=False)


@pytest.fixture
def frame():
    """Draw texts at (left, baseline) on speckle; uint8 (rows, columns, 3)."""

    def draw(*texts, rows=480, columns=640, colour=(220, 220, 220), scale=0.7):
        speckle = np.random.default_rng(7).integers(0, 30, (rows, columns, 1), dtype=np.uint8)
        image = np.repeat(speckle, 3, axis=2)
        for text, left, baseline in texts:
            cv2.putText(image, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 2, cv2.LINE_AA)
        return image

    return draw
