"""Frames → the mask of the ultrasound cone, and how far it can be trusted.

Rule of the file: the mask errs little on the outside. A fitted shape replaces the network's mask only where both agree,
and never reaches further beyond it than a narrow rim. "No cone" is an empty mask with confidence 0, never an error; a
model that broke is `ModelFailed`, never an empty mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from models.cone.fit import Fit, fit_shape
from models.cone.letterbox import SIDE_PX, Letterbox
from models.cone.shape import ConeShape, ShapeKind, corners_of
from models.errors import ModelFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Map = NDArray[np.float32]
    Mask = NDArray[np.bool_]

ACCEPTED_CONFIDENCE = 0.80
"""From this confidence on a mask is fit for use without a human look; `benchmarks/cone.py` measures what it costs."""

_BORDER = 0.5  # probability at a pane's border
_SMALLEST_SHARE = 0.01  # of the square: a smaller pane is no cone
_SECOND_SHARE = 0.12  # of the largest pane: a smaller one beside it is no pane
_AGREES = 0.94  # a shape that agrees less is not believed
_RIM_PX = 5.0  # of the 256-pixel square: how far a shape may reach beyond the network's mask
_PLAUSIBLE_SHARE = 0.03  # of the image: below, a cone is ever less plausible
_CLIP_FRAMES = 8


class Network(Protocol):
    """What the segmenter needs of `models.session.Session`."""

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the model once; raises `models.errors.ModelFailed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConeMask:
    """Where the cone is.

    Parameters
    ----------
    mask
        bool (rows, columns) of the image, True inside every B-mode pane.
    confidence
        0 to 1: how decided the network is, times how well the shapes agree with it, times how plausible the area is.
    shapes
        The fitted shape of each pane that one explains, in pixels of the image; panes without one are kept as found.
    """

    mask: Mask
    confidence: float
    shapes: tuple[ConeShape, ...]


class ConeSegmenter:
    """Finds the ultrasound cone.

    Parameters
    ----------
    session
        The opened network: float32 (batch, 1, 256, 256) grey of 0 to 1 in, probabilities of the same shape out.
    fit
        Whether shapes are fitted; without, the mask is the network's (for measurements).
    """

    def __init__(self, session: Network, *, fit: bool = True) -> None:
        self._session = session
        self._fit = fit

    def segment(self, image: NDArray[np.uint8]) -> ConeMask:
        """Find the cone of one frame.

        Parameters
        ----------
        image
            uint8 (rows, columns) grey or (rows, columns, 3) RGB.

        Raises
        ------
        ValueError
            The array is not such an image.
        models.errors.ModelFailed
            The network broke.
        """
        return self.segment_clip((image,))

    def segment_clip(self, frames: Sequence[NDArray[np.uint8]]) -> ConeMask:
        """Find the one cone of a clip: the mean probability of frames spread over it, and of their brightest values.

        Parameters
        ----------
        frames
            One or more frames of one size, as in `segment`. At most eight are looked at, evenly spread.

        Raises
        ------
        ValueError
            There is no frame, sizes differ, or an array is not such an image.
        models.errors.ModelFailed
            The network broke.
        """
        chosen = _spread(frames)
        box = Letterbox(rows=chosen[0].shape[0], columns=chosen[0].shape[1])
        squares = [box.to_network(frame) for frame in chosen]
        if len(squares) > 1:
            # What is dark in one frame may show in another: brightest values fill a dim cone, chrome stays as it is.
            squares.append(np.max(squares, axis=0))
        maps = [self._session.run(square[None, None])[0][0, 0] for square in squares]
        probability = np.asarray(np.mean(maps, axis=0), dtype=np.float32)
        if not ((probability >= 0) & (probability <= 1)).all():
            raise ModelFailed("cone", "its output is not a map of probabilities")
        return self._decide(probability, box)

    def _decide(self, probability: Map, box: Letterbox) -> ConeMask:
        """Turn the probabilities of the square into the mask of the image."""
        panes = _panes(probability)
        if not panes:
            return ConeMask(mask=np.zeros((box.rows, box.columns), dtype=bool), confidence=0.0, shapes=())
        mask = np.zeros((box.rows, box.columns), dtype=bool)
        shapes: list[ConeShape] = []
        agreements, areas = [], []
        for pane in panes:
            alone = np.where(pane, np.maximum(probability, _inner(pane)), 0.0).astype(np.float32)
            fit = fit_shape(alone, threshold=_BORDER, image=box.inner) if self._fit else None
            agreements.append(fit.agreement if fit else 1.0)
            areas.append(float(pane.sum()))
            drawn = box.to_image(alone) > _BORDER
            if fit is not None and fit.agreement >= _AGREES:
                drawn = _drawn(fit, alone, box)
                shapes.append(_on_image(fit, box))
            mask |= drawn
        confidence = (
            _decidedness(probability, panes) * float(np.average(agreements, weights=areas)) * _plausibility(areas, box)
        )
        return ConeMask(mask=mask, confidence=confidence, shapes=tuple(shapes))


def _spread(frames: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    if not len(frames):
        raise ValueError("A clip has at least one frame.")
    places = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _CLIP_FRAMES)).round().astype(int))
    chosen = [np.asarray(frames[int(place)]) for place in places]
    for frame in chosen:
        grey, colour = frame.ndim == 2, frame.ndim == 3 and frame.shape[2] == 3  # noqa: PLR2004  numbers of axes
        if frame.dtype != np.uint8 or not (grey or colour) or frame.size == 0:
            raise ValueError("A frame is uint8, (rows, columns) or (rows, columns, 3), and not empty.")
        if frame.shape[:2] != chosen[0].shape[:2]:
            raise ValueError("The frames of a clip have one size.")
    return chosen


def _panes(probability: Map) -> list[Mask]:
    """Split the square into panes, largest first, holes filled, specks dropped."""
    above = (probability > _BORDER).astype(np.uint8)
    outlines, _ = cv2.findContours(above, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    panes = []
    for index in range(len(outlines)):
        filled = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
        cv2.drawContours(filled, outlines, index, 1, cv2.FILLED)
        panes.append(filled.astype(bool))
    panes.sort(key=lambda pane: -int(pane.sum()))
    least = _SMALLEST_SHARE * SIDE_PX**2
    return [pane for pane in panes if pane.sum() >= max(least, _SECOND_SHARE * panes[0].sum())]


def _inner(pane: Mask) -> Map:
    """1 within a pane but for its outermost pixels, whose own probabilities place the border."""
    return np.asarray(cv2.erode(pane.astype(np.float32), np.ones((3, 3), dtype=np.uint8)), dtype=np.float32)


def _drawn(fit: Fit, alone: Map, box: Letterbox) -> Mask:
    """Rasterise a fit on the image, within a narrow rim around the network's mask.

    Distances, unlike masks, can be enlarged without loss but for the outermost pixel of a corner.
    """
    places = np.arange(SIDE_PX, dtype=np.float64)
    away = cv2.distanceTransform((alone <= _BORDER).astype(np.uint8), cv2.DIST_L2, 5)
    inside = np.minimum(fit.distance(places[None, :], places[:, None]), _RIM_PX - away)
    return np.asarray(box.to_image(inside.astype(np.float32)) >= 0, dtype=bool)


def _decidedness(probability: Map, panes: list[Mask]) -> float:
    """Soft Dice of the probabilities and the mask made of them: 1 where every pixel is decided and none is left out."""
    mask = np.any(panes, axis=0)
    return float(2 * probability[mask].sum() / (probability.sum() + mask.sum()))


def _plausibility(areas: list[float], box: Letterbox) -> float:
    """1 for a cone of usual size, falling to 0 with its share of the image."""
    left, top, right, bottom = box.inner
    return min(1.0, sum(areas) / ((right - left) * (bottom - top)) / _PLAUSIBLE_SHARE)


def _on_image(fit: Fit, box: Letterbox) -> ConeShape:
    """Express the fit in pixels of the image."""
    left, top, right, bottom = box.inner
    scale = max(box.rows, box.columns) / max(right - left, bottom - top)
    window = box.points_to_image(np.array(fit.window).reshape(2, 2)).ravel()
    corners = apex = inner = outer = axis = opening = None
    if fit.kind in {ShapeKind.LINEAR, ShapeKind.QUADRILATERAL}:
        placed = box.points_to_image(corners_of(fit.solution))
        corners = tuple((float(x), float(y)) for x, y in placed)
    else:
        x, y = box.points_to_image(fit.solution[None, :2])[0]
        apex, inner, outer = (float(x), float(y)), float(fit.solution[4] * scale), float(fit.solution[5] * scale)
        axis, opening = float(np.degrees(fit.solution[2])), float(np.degrees(2 * fit.solution[3]))
    return ConeShape(
        kind=fit.kind,
        apex=apex,
        inner_px=inner,
        outer_px=outer,
        axis_degrees=axis,
        opening_degrees=opening,
        corners=corners,
        window=(float(window[0]), float(window[1]), float(window[2]), float(window[3])),
        agreement=fit.agreement,
    )
