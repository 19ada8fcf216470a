"""Which models there are, and what happens when one is not what it should be."""

import json
import subprocess
import sys

import cv2
import pytest

from config.schema import ModelsConfig
from models import catalog
from models.errors import ModelUnavailable
from models.manifest import MANIFEST, read_manifest, write_manifest


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine on which nobody exported a model."""
    monkeypatch.setenv("SONOVEIL_MODEL_PATH", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_default_text_models_are_there_and_verified(cpu, nowhere):
    """They come with a dependency, by hash, and open."""
    found = {one.name: one for one in catalog.verify(cpu)}

    for name in ("ppocr-detector", "ppocr-recogniser"):
        assert found[name].fault is None
        assert len(found[name].sha256) == 64
        assert found[name].licence == "Apache-2.0"


def test_opening_names_the_hash_of_every_model(ppocr):
    """What was used is recorded."""
    assert ppocr.device == "cpu"
    assert ppocr.cone is None
    assert dict(ppocr.sha256) == {
        "ppocr-detector": catalog.PPOCR_DETECTOR.sha256,
        "ppocr-recogniser": catalog.PPOCR_RECOGNISER.sha256,
    }


def test_image_operations_take_as_many_threads_as_networks(cpu):
    """OpenCV takes all cores for each small operation otherwise, in every worker beside the others."""
    cv2.setNumThreads(2)
    catalog.open_models(cpu, text="ppocr", cone=False, threads=1)
    assert cv2.getNumThreads() == 1


def test_models_nobody_exported_are_unavailable_and_say_how_to_get_them(cpu, nowhere):
    """No other model takes their place, and the listing says so, too."""
    with pytest.raises(ModelUnavailable, match="export easyocr"):
        catalog.open_models(cpu, text="craft", cone=False)

    listed = {one.name: one for one in catalog.listing(cpu)}
    assert listed["craft"].path is None
    assert "export easyocr" in listed["craft"].fault


def test_an_altered_package_makes_its_model_unavailable(cpu, nowhere, monkeypatch):
    """Another version of the package is not silently used."""
    for weights in (catalog.PPOCR_DETECTOR, catalog.PPOCR_RECOGNISER):
        (nowhere / weights.file).write_bytes(b"another version")
    monkeypatch.setattr(catalog, "_packaged_folder", lambda _: nowhere)

    with pytest.raises(ModelUnavailable, match="SHA-256"):
        catalog.open_models(cpu, text="ppocr", cone=False)
    assert {one.fault is None for one in catalog.verify(cpu) if one.name.startswith("ppocr")} == {False}


def test_a_missing_package_makes_its_model_unavailable(cpu, monkeypatch):
    """Without the package there is no text model, and that is an error."""
    monkeypatch.setattr(catalog.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ModelUnavailable, match="rapidocr"):
        catalog.open_models(cpu, text="ppocr", cone=False)


def test_unknown_text_models_are_unavailable(cpu):
    """A word that names no models opens none."""
    with pytest.raises(ModelUnavailable):
        catalog.open_models(cpu, text="tesseract", cone=False)


def test_a_folder_of_the_configuration_comes_first(nowhere):
    """`models.text` names a folder of exported models."""
    chosen, other = nowhere / "chosen", nowhere / "other"
    for folder in (chosen, other):
        folder.mkdir()
        write_manifest(folder, [catalog.PPOCR_DETECTOR.__class__(**described(name="craft", file="craft.onnx"))])

    config = ModelsConfig(device="cpu", text=str(chosen))

    assert catalog.find("craft", config)[1] == chosen / "craft.onnx"


def described(**changes):
    """Fields of a record of weights."""
    weights = catalog.PPOCR_DETECTOR
    return {name: getattr(weights, name) for name in weights.__slots__} | changes


def test_a_manifest_reads_as_it_was_written(tmp_path):
    """Nothing is lost on the way through JSON."""
    weights = catalog.PPOCR_RECOGNISER

    write_manifest(tmp_path, [weights])

    assert read_manifest(tmp_path, name=weights.name) == weights


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("sha256"),
        lambda one: one.update(file="../elsewhere.onnx"),
        lambda one: one.update(sha256="abc"),
        lambda one: one["contract"].pop("input_shape"),
        lambda one: one.update(contract=[]),
        lambda one: one.update(name="other"),
    ],
)
def test_a_manifest_that_is_not_understood_makes_the_model_unavailable(tmp_path, change):
    """Nothing in it is guessed, and no file outside the folder is named."""
    path = write_manifest(tmp_path, [catalog.PPOCR_RECOGNISER])
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content["models"][0])
    path.write_text(json.dumps(content), encoding="utf-8")

    with pytest.raises(ModelUnavailable):
        read_manifest(tmp_path, name="ppocr-recogniser")


@pytest.mark.parametrize("content", ["", "[]", '{"models": 3}', '{"models": []}'])
def test_garbage_for_a_manifest_makes_the_model_unavailable(tmp_path, content):
    """Whatever stands there, it is an error of ours."""
    (tmp_path / MANIFEST).write_text(content, encoding="utf-8")

    with pytest.raises(ModelUnavailable):
        read_manifest(tmp_path, name="cone")


def test_run_time_imports_neither_torch_nor_rapidocr():
    """Opening the catalogue costs no second of somebody else's import."""
    code = "import sys, models.catalog; print({'torch', 'easyocr', 'rapidocr', 'onnx'} & set(sys.modules))"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "set()"
