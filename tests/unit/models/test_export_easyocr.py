"""EasyOCR's networks as ONNX: equal to torch, found by the catalogue, and useful."""

import importlib.util
import os

import pytest

from models.catalog import open_models, verify
from models.errors import ModelUnavailable

PACKAGES = ("torch", "torchvision", "onnx", "easyocr", "easyocr_en_models")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder that the export command wrote, and its report."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"with CI=true these must be installed: {missing}")
    if missing:
        pytest.skip(f"export of EasyOCR: not installed: {missing}")
    from models.training.export_easyocr import export_easyocr

    return export_easyocr(tmp_path_factory.mktemp("easyocr"))


@pytest.fixture
def searched(exported, monkeypatch, tmp_path):
    """The exported folder as the only place where exported models are looked for."""
    monkeypatch.setenv("SONOVEIL_MODEL_PATH", str(exported.folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return exported


def test_the_export_agrees_with_torch(exported):
    """Scores and probabilities differ by rounding only, and the comparison had something to compare."""
    assert exported.detector_difference < 1e-4
    assert exported.recogniser_difference < 1e-3
    assert exported.boxes >= 10
    assert exported.lines >= 5


def test_only_the_models_and_their_manifest_are_written(exported):
    """No scratch file is left."""
    assert sorted(path.name for path in exported.folder.iterdir()) == ["craft.onnx", "english_g2.onnx", "manifest.json"]


def test_the_catalogue_finds_and_verifies_the_export(searched, cpu):
    """Hash and contract come from the manifest beside the files."""
    found = {one.name: one for one in verify(cpu)}

    assert found["craft"].fault is None
    assert found["english_g2"].fault is None
    assert found["craft"].sha256 == searched.sha256["craft"]


def test_text_is_found_and_read_by_easyocrs_models(searched, cpu, frame):
    """Words lie under regions, in the frame's own pixels."""
    reader = open_models(cpu, text="craft", cone=False).text
    image = frame(("MEIER 1962", 20, 60), rows=160, columns=256)

    regions = reader.read(image, strict=False)

    assert "".join(one.text for one in sorted(regions, key=lambda one: one.left)).replace(" ", "") == "MEIER1962"
    assert {one.detector for one in regions} == {"craft"}
    inked = image.max(axis=2) > 100
    for one in regions:
        inked[one.top : one.bottom, one.left : one.right] = False
    assert inked.sum() == 0


def test_a_union_opens_all_four_models(searched, cpu, frame):
    """Both detectors look; a region inside another is reported once."""
    models = open_models(cpu, text="union", cone=False)

    regions = models.text.read(frame(("MEIER", 20, 60), rows=128, columns=160), strict=True)

    assert set(models.sha256) == {"ppocr-detector", "ppocr-recogniser", "craft", "english_g2"}
    assert regions


def test_one_changed_byte_of_an_export_makes_it_unavailable(searched, cpu, tmp_path, monkeypatch):
    """The manifest pins what was compared with torch."""
    for path in searched.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes() + (b"\0" if path.name == "craft.onnx" else b""))
    monkeypatch.setenv("SONOVEIL_MODEL_PATH", str(tmp_path))

    with pytest.raises(ModelUnavailable, match="SHA-256"):
        open_models(cpu, text="craft", cone=False)
