"""The models of a worker process: opened once for all its rules, and timed look by look."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway import metrics
from models.catalog import open_models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from config.schema import ModelsConfig
    from pipeline.detectors import ConeSegmenter, FoundCone, FoundText, TextReader


class _TimedText:
    def __init__(self, reader: TextReader) -> None:
        self._reader = reader

    def read(
        self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int] | None = None
    ) -> Sequence[FoundText]:
        with metrics.MODEL_SECONDS.labels("text").time():
            return self._reader.read(image, strict=strict, frame=frame)


class _TimedCone:
    def __init__(self, segmenter: ConeSegmenter) -> None:
        self._segmenter = segmenter

    def segment(self, image: NDArray[np.uint8]) -> FoundCone:
        with metrics.MODEL_SECONDS.labels("cone").time():
            return self._segmenter.segment(image)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedModels:
    """Open models whose looks are counted in `sonoveil_model_seconds`."""

    text: TextReader
    cone: ConeSegmenter | None
    sha256: Mapping[str, str]
    device: str


@lru_cache(maxsize=4)
def open_watched(config: ModelsConfig, *, text: Any, cone: bool) -> WatchedModels:
    """Open what a profile needs, once per process; a failure is not remembered, so that the next instance tries again.

    Raises
    ------
    models.errors.ModelUnavailable
        As `models.catalog.open_models`.
    """
    models = open_models(config, text=text, cone=cone)
    for name, sha256 in models.sha256.items():
        metrics.MODEL_INFO.labels(name, sha256, models.device).set(1)
    return WatchedModels(
        text=_TimedText(models.text),
        cone=_TimedCone(models.cone) if models.cone is not None else None,
        sha256=models.sha256,
        device=models.device,
    )
