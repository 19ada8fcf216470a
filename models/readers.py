"""The readers of burned-in text, made of open models.

Rule of the file: which detector goes with which recogniser, and nothing else; where models lie is the catalogue's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.craft import CraftDetector
from models.errors import ModelUnavailable
from models.geometry import FEW_SHAPES
from models.ppocr import PpocrDetector
from models.recognise import EnglishRecogniser, PpocrRecogniser, Remembering
from models.text import TextReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.catalog import TextModels
    from models.recognise import Recogniser
    from models.session import Session
    from models.text import Detector


def text_reader(text: TextModels, opened: Callable[[str], Session]) -> TextReader:
    """Return a profile's text models as one; `union` finds what either of the two finds.

    Parameters
    ----------
    opened
        Opens a model of the catalogue by its name.

    Raises
    ------
    ModelUnavailable
        No such text models, or what `opened` raises.
    """
    pairs: list[tuple[Detector, Recogniser]] = []
    if text in {"ppocr", "union"}:
        detector, recogniser = opened("ppocr-detector"), opened("ppocr-recogniser")
        reader: Recogniser = PpocrRecogniser(recogniser, few_shapes=recogniser.device == "cuda")
        pairs.append((PpocrDetector(detector, multiple=_multiple(detector)), Remembering(reader)))
    if text in {"craft", "union"}:
        detector, recogniser = opened("craft"), opened("english_g2")
        reader = EnglishRecogniser(recogniser, few_shapes=recogniser.device == "cuda")
        pairs.append((CraftDetector(detector, multiple=_multiple(detector)), Remembering(reader)))
    if not pairs:
        raise ModelUnavailable(str(text), "no text models of this name")
    return TextReader(pairs)


def _multiple(session: Session) -> int:
    return FEW_SHAPES if session.device == "cuda" else 32
