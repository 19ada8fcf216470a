"""The ultrasound cone: which pixels of a frame are B-mode image and which are the machine's surroundings."""

from models.cone.segment import ACCEPTED_CONFIDENCE, ConeMask, ConeSegmenter
from models.cone.shape import ConeShape, ShapeKind

__all__ = ["ACCEPTED_CONFIDENCE", "ConeMask", "ConeSegmenter", "ConeShape", "ShapeKind"]
