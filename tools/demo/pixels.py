"""Did burned-in text survive, and was anything else touched? Judged pixel by pixel, and by reading both sides.

Rule of the file: sent and received frames are compared as stored values, (frame, row, column[, sample]); a received
frame that is smaller is a cut-out of the sent one, and where it was cut out is found by looking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from config.schema import ModelsConfig
from models.catalog import open_models
from tools.demo.search import folding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from tools.demo.burning import Burned

    Frames = NDArray[Any]

_GREY_NDIM = 3
_EDGE_SHARE = 0.15
_LEGIBLE_SHARE = 0.02
_CONFUSED = str.maketrans("oilszbqg", "01152809")


class ComparisonError(Exception):
    """A received image is no cut-out of the sent one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One received image beside the sent one.

    Parameters
    ----------
    left, top
        Where the received frame lies in the sent one, px.
    surviving
        Share of each burned line's letter edges that both frames show alike, the highest over its frames.
    altered_pixels
        Received pixels that are neither as they were sent nor of the one value that blanks.
    blanked_share
        Share of the received pixels that were blanked.
    kept_share
        Share of the sent pixels that stand in the received image as they were.
    """

    left: int
    top: int
    surviving: tuple[float, ...]
    altered_pixels: int
    blanked_share: float
    kept_share: float

    @property
    def legible_lines(self) -> int:
        """How many burned lines survive by more than a trace: an edge or two of a letter's rim identifies nobody."""
        return sum(share > _LEGIBLE_SHARE for share in self.surviving)


def frames_of(dataset: Dataset) -> Frames:
    """Decode every frame: (frame, row, column) or (frame, row, column, RGB), stored values."""
    pixels = dataset.pixel_array
    return pixels if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else pixels[None]


def compare(sent: Frames, received: Frames, burned: Sequence[Burned]) -> Comparison:
    """Compare all frames of an object.

    Raises
    ------
    ComparisonError
        Number of frames or samples differ, or the received frame is larger.
    """
    if len(sent) != len(received) or sent.ndim != received.ndim:
        raise ComparisonError("number of frames or samples differ")
    left, top = _locate(sent, received)
    rows, columns = received.shape[1:3]
    cut = sent[:, top : top + rows, left : left + columns]
    same = cut == received
    same = same if same.ndim == _GREY_NDIM else same.all(axis=-1)
    changed = received[~same]
    altered = 0
    if len(changed):
        _, counts = np.unique(changed.reshape(len(changed), -1), axis=0, return_counts=True)
        altered = int(len(changed) - counts.max())
    whole = np.zeros(sent.shape[:3], dtype=bool)
    whole[:, top : top + rows, left : left + columns] = same
    return Comparison(
        left=left,
        top=top,
        surviving=tuple(_surviving(sent, whole, one) for one in burned),
        altered_pixels=altered,
        blanked_share=len(changed) / same.size,
        kept_share=float(whole.mean()),
    )


def _locate(sent: Frames, received: Frames) -> tuple[int, int]:
    """Find where the received frame was cut out: the place where most of its pixels are the sent ones."""
    if sent.shape == received.shape:
        return 0, 0
    if received.shape[1] > sent.shape[1] or received.shape[2] > sent.shape[2]:
        raise ComparisonError("the received frame is larger than the sent one")
    whole, part = _grey(sent[0]), _grey(received[0])
    weight = (part > part.min()).astype(np.float32)  # what was blanked says nothing about the place
    fit = cv2.matchTemplate(whole, part, cv2.TM_SQDIFF, mask=weight)
    _, _, (left, top), _ = cv2.minMaxLoc(fit)
    return int(left), int(top)


def _grey(frame: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(frame if frame.ndim == _GREY_NDIM - 1 else frame.mean(axis=-1), dtype=np.float32)


def _surviving(sent: Frames, same: NDArray[np.bool_], burned: Burned) -> float:
    """Share of a line's letter edges that are received as they were sent, the highest over its frames.

    An edge is a pair of neighbours of which one is ink, with a clear step between them. It survives where both
    pixels are unchanged.
    """
    left, top, right, bottom = burned.box
    rows, columns = sent.shape[1:3]
    window = np.s_[max(0, top - 1) : min(rows, bottom + 1), max(0, left - 1) : min(columns, right + 1)]
    ink = burned.ink[window]
    worst = 0.0
    for frame in range(burned.frame_first, burned.frame_last + 1):
        grey, kept = _grey(sent[frame][window]), same[frame][window]
        step = _EDGE_SHARE * max(float(np.ptp(grey)), 1.0)
        edges = survivors = 0
        for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
            edge = (ink[one] != ink[other]) & (np.abs(grey[one] - grey[other]) > step)
            edges += int(edge.sum())
            survivors += int((edge & kept[one] & kept[other]).sum())
        worst = max(worst, survivors / max(edges, 1))
    return worst


def picture(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """Make a frame visible: uint8 (rows, columns, 3), RGB; other than 8-bit ones are stretched over their range."""
    if frame.ndim == _GREY_NDIM:
        return np.asarray(frame, dtype=np.uint8)
    if frame.dtype != np.uint8:
        low, high = np.percentile(frame, (0.5, 99.8))
        frame = np.clip((frame.astype(np.float64) - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
    return np.repeat(frame[..., None], 3, axis=2)


class Reading:
    """The text recogniser of the product, used on both sides."""

    def __init__(self) -> None:
        self._reader = open_models(ModelsConfig(), text="ppocr", cone=False).text

    def lines_read(self, frames: Frames, burned: Sequence[Burned]) -> int:
        """Count the burned lines of which at least one telling word is read in the middle frame of their time."""
        texts: dict[int, str] = {}
        count = 0
        for one in burned:
            frame = (one.frame_first + one.frame_last) // 2
            if frame not in texts:
                regions = self._reader.read(picture(frames[frame]), strict=False)
                texts[frame] = _as_read("".join(region.text for region in regions))
            count += any(_as_read(word) in texts[frame] for word in one.line.telling)
        return count


def _as_read(text: str) -> str:
    """Fold a text so that letters and digits that recognisers mix up are alike."""
    return folding(text).translate(_CONFUSED)
