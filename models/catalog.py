"""Which models there are, where their weights lie, and how they are opened.

The rule of this file: weights are found on this machine, never fetched; and a model whose bytes are not the pinned ones
is unavailable, never replaced by another. What runs models is imported where they are opened: the node's own process
lists them, and opens none.

Where weights come from
-----------------------
- PP-OCRv6 (text, the default): inside the installed PyPI package `rapidocr`, found without importing it.
- EasyOCR's CRAFT and english_g2 (text, on request): written by `sonoveil models export easyocr`.
- The cone model: shipped in `models/weights`.

Folders of exported models are looked through in this order: `models.text` and `models.cone` of the configuration where
they are not `default`, the folders of the environment variable `SONOVEIL_MODEL_PATH` (separated as in `PATH`), the
user's own `$XDG_DATA_HOME/sonoveil/models`, and `models/weights`. The first whose manifest names the model counts.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from models.contract import Contract
from models.errors import ModelUnavailable
from models.heap import give_back, keep_heap_small
from models.manifest import Weights, names_in, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from config.schema import ModelsConfig
    from models.cone import ConeSegmenter
    from models.session import Session
    from models.text import TextReader

TextModels = Literal["ppocr", "craft", "union"]

_SHIPPED = Path(__file__).parent / "weights"
_DEFAULT = "default"

PPOCR_DETECTOR = Weights(
    name="ppocr-detector",
    file="PP-OCRv6_det_small.onnx",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    licence="Apache-2.0",
    source="PyPI rapidocr 3.10.0",
    contract=Contract(
        input_name="x",
        input_shape=(None, 3, None, None),
        output_names=("fetch_name_0",),
        output_ranks=(4,),
        metadata_keys=(),
    ),
)
PPOCR_RECOGNISER = Weights(
    name="ppocr-recogniser",
    file="PP-OCRv6_rec_small.onnx",
    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    licence="Apache-2.0",
    source="PyPI rapidocr 3.10.0",
    contract=Contract(
        input_name="x",
        input_shape=(None, 3, 48, None),
        output_names=("fetch_name_0",),
        output_ranks=(3,),
        metadata_keys=("character",),
    ),
)
_PACKAGED = (PPOCR_DETECTOR, PPOCR_RECOGNISER)
_MADE_HERE = ("cone", "craft", "english_g2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Open models, for one process.

    Parameters
    ----------
    text
        Finds and reads text.
    cone
        Finds the ultrasound cone; None where it was not asked for.
    sha256
        Hash of every opened model, by its name.
    device
        `cuda` where all of them run there, else `cpu`.
    """

    text: TextReader
    cone: ConeSegmenter | None
    sha256: Mapping[str, str]
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of `sonoveil models ls` and `sonoveil models verify`.

    Parameters
    ----------
    name
        The catalogue's name.
    path
        Where the weights are; None where there are none.
    sha256
        The pinned hash; empty where nothing is pinned because there are no weights.
    licence, source
        As the catalogue or the manifest says; empty where there are no weights.
    fault
        Why the model cannot be used; None where it can.
    """

    name: str
    path: Path | None
    sha256: str
    licence: str
    source: str
    fault: str | None


def open_models(config: ModelsConfig, *, text: TextModels, cone: bool, threads: int = 1) -> Models:
    """Open what a profile needs, all of it or nothing.

    Parameters
    ----------
    config
        The device, and folders other than the default ones.
    text
        The profile's text models; `union` finds what either of the two finds.
    cone
        Whether the cone model is needed.
    threads
        Threads inside one operator, for each model, and inside OpenCV's for the whole process.

    Raises
    ------
    ModelUnavailable
        A model that is needed is missing, altered, of another contract, or its device does not exist.
    """
    import cv2  # noqa: PLC0415  see the rule of this file

    from models.readers import text_reader  # noqa: PLC0415
    from models.session import Session  # noqa: PLC0415

    sessions: list[Session] = []

    def opened(name: str) -> Session:
        weights, path = find(name, config)
        session = Session(
            path,
            name=name,
            sha256=weights.sha256,
            contract=weights.contract,
            device=config.device,
            threads=threads,
        )
        sessions.append(session)
        return session

    keep_heap_small()
    cv2.setNumThreads(threads)  # of every image operation of the process; by itself it takes all cores for each of them
    reader = text_reader(text, opened)
    segmenter = _cone_segmenter(opened) if cone else None
    give_back()
    return Models(
        text=reader,
        cone=segmenter,
        sha256=MappingProxyType({session.name: session.sha256 for session in sessions}),
        device="cuda" if all(session.device == "cuda" for session in sessions) else "cpu",
    )


def find(name: str, config: ModelsConfig) -> tuple[Weights, Path]:
    """Say what is pinned for a model, and where its file should be.

    Raises
    ------
    ModelUnavailable
        Nothing on this machine brings the model.
    """
    for weights in _PACKAGED:
        if weights.name == name:
            return weights, _packaged_folder(name) / weights.file
    for folder in _folders(name, config):
        if name in names_in(folder):
            weights = read_manifest(folder, name=name)
            return weights, folder / weights.file
    how = "sonoveil models export easyocr" if name in {"craft", "english_g2"} else "sonoveil train cone"
    raise ModelUnavailable(name, f"no folder of models has it; `{how}` makes it")


def listing(config: ModelsConfig) -> tuple[Listed, ...]:
    """Every model of the catalogue, found or not; nothing is hashed or opened."""
    return tuple(_listed(name, config) for name in (*(one.name for one in _PACKAGED), *_MADE_HERE))


def verify(config: ModelsConfig) -> tuple[Listed, ...]:
    """Every model of the catalogue, hashed and opened on the configured device; `fault` says what is wrong."""
    return tuple(_verified(one, config) for one in listing(config))


def _cone_segmenter(opened: Callable[[str], Session]) -> ConeSegmenter:
    from models.cone import ConeSegmenter  # noqa: PLC0415  a text-only profile must not need it

    return ConeSegmenter(opened("cone"))


def _packaged_folder(name: str) -> Path:
    # find_spec of a top-level package does not run it; importing rapidocr would cost seconds and set up its logging.
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(name, "the package rapidocr, which brings the weights, is not installed")
    return Path(spec.submodule_search_locations[0]) / "models"


def _folders(name: str, config: ModelsConfig) -> list[Path]:
    configured = config.cone if name == "cone" else config.text
    chosen = [] if configured == _DEFAULT else [configured]
    searched = [folder for folder in os.environ.get("SONOVEIL_MODEL_PATH", "").split(os.pathsep) if folder]
    own = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "sonoveil" / "models"
    return [*map(Path, chosen), *map(Path, searched), own, _SHIPPED]


def _listed(name: str, config: ModelsConfig) -> Listed:
    try:
        weights, path = find(name, config)
    except ModelUnavailable as error:
        return Listed(name=name, path=None, sha256="", licence="", source="", fault=error.why)
    return Listed(
        name=name,
        path=path,
        sha256=weights.sha256,
        licence=weights.licence,
        source=weights.source,
        fault=None if path.is_file() else "the file is missing",
    )


def _verified(listed: Listed, config: ModelsConfig) -> Listed:
    if listed.fault is not None or listed.path is None:
        return listed
    from models.session import Session  # noqa: PLC0415  see the rule of this file

    weights, path = find(listed.name, config)
    try:
        Session(path, name=weights.name, sha256=weights.sha256, contract=weights.contract, device=config.device)
    except ModelUnavailable as error:
        fault = error.why
    else:
        return listed
    return Listed(
        name=listed.name,
        path=path,
        sha256=weights.sha256,
        licence=weights.licence,
        source=weights.source,
        fault=fault,
    )
