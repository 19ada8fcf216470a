"""Looking for text on every frame: what was read where, on which frames, and whether it may stay.

Every frame is looked at. A frame that shows exactly what another one showed is not looked at again: the answer is
remembered under the digest of the image. The rule of this file: a reader that fails raises; it never gives "no text".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.records import TextAction, TextFinding, TextPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from pipeline.detectors import FoundText, TextReader
    from pipeline.frames.stream import Frames
    from pipeline.plan import Box, ConeArea

_SAME_PLACE = 0.6
_SAME_ON_ONE_FRAME = 0.7
_INK_CONTRAST = 48
_INK_PIXELS = 12
_INK_CHANGE = 12.0
_STROKE_SHARE = 0.85
_STROKES_LEFT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRule:
    """Which text may stay.

    Parameters
    ----------
    words
        The profile's `keep_words`, upper case. A region stays when every word in it is one of them.
    identifies
        Whether a text holds an identifier of the original: such a text never stays.
    """

    words: frozenset[str]
    identifies: Callable[[str], bool]

    def keeps(self, text: str) -> bool:
        """Whether a region that reads `text` stays."""
        words = text.split()
        return bool(words) and self.words.issuperset(words) and not self.identifies(text)


class Scanner:
    """Reads images, each different one once.

    Parameters
    ----------
    strict
        Look harder; used when verifying.
    """

    def __init__(self, reader: TextReader, *, strict: bool) -> None:
        self._reader = reader
        self._strict = strict
        self._known: dict[bytes, tuple[FoundText, ...]] = {}

    def read(self, views: Iterable[NDArray[np.uint8]]) -> tuple[FoundText, ...]:
        """Text in any of several views of one frame, each place once for each text read there.

        What two views read differently at one place stays twice: one reading may be a word to keep, the other not.
        """
        found: list[FoundText] = []
        for view in views:
            for region in self._read_one(view):
                if not any(
                    region.text == other.text and _overlap(_box(region), _box(other)) >= _SAME_ON_ONE_FRAME
                    for other in found
                ):
                    found.append(region)
        return tuple(found)

    def _read_one(self, view: NDArray[np.uint8]) -> tuple[FoundText, ...]:
        digest = hashlib.blake2b(repr(view.shape).encode(), digest_size=24)
        digest.update(np.ascontiguousarray(view).data)
        key = digest.digest()
        if key not in self._known:
            self._known[key] = tuple(self._reader.read(view, strict=self._strict))
        return self._known[key]


def find_text(frames: Frames, reader: TextReader, cone: ConeArea, keep: KeepRule) -> tuple[TextFinding, ...]:
    """Read the text of every frame.

    Returns
    -------
    tuple
        One finding for each place and text, over as many consecutive frames as show it.

    Notes
    -----
    Bright letters over moving tissue are lost in the speckle of one frame. The darker of each two neighbouring frames,
    pixel by pixel, shows them alone, because the speckle moves and they do not (`benchmarks/typed_over.py`: missed on
    5.5 % of such frames without this look, on none of 128 with it).
    """
    scanner = Scanner(reader, strict=False)
    found: list[TextFinding] = []
    before: NDArray[np.uint8] | None = None
    for index in range(len(frames)):
        views = frames.renderings(index)
        found.extend(as_findings(scanner.read(views), index, cone, keep, rule="text"))
        if before is not None and before.shape == views[0].shape:
            steady = scanner.read((np.minimum(before, views[0]),))
            found.extend(as_findings(steady, index - 1, cone, keep, rule="text"))
            found.extend(as_findings(steady, index, cone, keep, rule="text"))
        before = views[0]
    return _with_static_text(frames, _everywhere_if_it_identifies(merged(found), len(frames), keep))


def as_findings(
    regions: Sequence[FoundText],
    frame: int,
    cone: ConeArea,
    keep: KeepRule,
    *,
    rule: str,
    offset: tuple[int, int] = (0, 0),
) -> list[TextFinding]:
    """Regions of one frame as findings in coordinates of the original frame.

    Parameters
    ----------
    offset
        Left and top of the image that was read, in the original frame.
    """
    findings = []
    for region in regions:
        left, top, right, bottom = _box(region)
        box = (left + offset[0], top + offset[1], right + offset[0], bottom + offset[1])
        kept = keep.keeps(region.text)
        findings.append(
            TextFinding(
                frame_first=frame,
                frame_last=frame,
                left=box[0],
                top=box[1],
                right=box[2],
                bottom=box[3],
                text=region.text,
                confidence=float(region.confidence),
                place=_place(box, cone),
                action=TextAction.KEPT if kept else TextAction.MASKED,
                rule="keep_words" if kept else rule,
            )
        )
    return findings


def merged(findings: Iterable[TextFinding]) -> tuple[TextFinding, ...]:
    """Join findings of the same text at the same place on consecutive frames; the box is their union."""
    done: list[TextFinding] = []
    open_ones: list[TextFinding] = []
    for found in sorted(findings, key=lambda f: (f.frame_first, f.top, f.left, f.text)):
        still_open = [track for track in open_ones if track.frame_last >= found.frame_first - 1]
        done.extend(track for track in open_ones if track.frame_last < found.frame_first - 1)
        open_ones = still_open
        match = next((at for at, track in enumerate(open_ones) if _continues(track, found)), None)
        if match is None:
            open_ones.append(found)
        else:
            open_ones[match] = _joined(open_ones[match], found)
    return tuple(sorted([*done, *open_ones], key=lambda f: (f.frame_first, f.top, f.left, f.text)))


def _continues(track: TextFinding, found: TextFinding) -> bool:
    return (
        track.text == found.text
        and track.action is found.action
        and track.rule == found.rule
        and track.place is found.place
        and _overlap(_place_of(track), _place_of(found)) >= _SAME_PLACE
    )


def _joined(track: TextFinding, found: TextFinding) -> TextFinding:
    return replace(
        track,
        frame_last=max(track.frame_last, found.frame_last),
        left=min(track.left, found.left),
        top=min(track.top, found.top),
        right=max(track.right, found.right),
        bottom=max(track.bottom, found.bottom),
        confidence=max(track.confidence, found.confidence),
    )


def _everywhere_if_it_identifies(
    findings: tuple[TextFinding, ...], frames: int, keep: KeepRule
) -> tuple[TextFinding, ...]:
    """Blank what names the patient on every frame: it may stand, unread, on more of them than it was found on."""
    return merged(
        replace(found, frame_first=0, frame_last=frames - 1)
        if found.action is TextAction.MASKED and keep.identifies(found.text)
        else found
        for found in findings
    )


def _with_static_text(frames: Frames, findings: tuple[TextFinding, ...]) -> tuple[TextFinding, ...]:
    """Add the frames on which the same ink stands but was not found: detectors flicker, overlays do not."""
    partial = [
        found
        for found in findings
        if found.action is TextAction.MASKED and found.frame_last - found.frame_first + 1 < len(frames)
    ]
    if not partial:
        return findings
    inks = [_Ink.of(frames.displayed(found.frame_first), _place_of(found)) for found in partial]
    more: list[TextFinding] = []
    for index in range(len(frames)):
        missing = [
            (found, ink)
            for found, ink in zip(partial, inks, strict=True)
            if ink is not None and not _covered(findings, found, index)
        ]
        if not missing:
            continue
        shown = _grey(frames.displayed(index))
        more.extend(
            replace(found, frame_first=index, frame_last=index) for found, ink in missing if ink.stands_in(shown)
        )
    return merged([*findings, *more])


def _covered(findings: tuple[TextFinding, ...], wanted: TextFinding, frame: int) -> bool:
    return any(
        found.frame_first <= frame <= found.frame_last
        and found.action is TextAction.MASKED
        and _overlap(_place_of(found), _place_of(wanted)) >= _SAME_PLACE
        for found in findings
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ink:
    """The pixels of a region that stand out from its middle brightness.

    Parameters
    ----------
    values
        What they show, float32 (ink pixels,).
    strokes
        bool (ink pixels,): those that stand out the most. Over moving tissue the ink is letters and bright speckle
        together, and only the letters stay; they are among the brightest.
    """

    box: Box
    mask: NDArray[np.bool_]
    values: NDArray[np.float32]
    strokes: NDArray[np.bool_]

    @classmethod
    def of(cls, shown: NDArray[np.uint8], box: Box) -> _Ink | None:
        grey = _grey(shown)
        box = (max(0, box[0]), max(0, box[1]), min(grey.shape[1], box[2]), min(grey.shape[0], box[3]))
        part = grey[box[1] : box[3], box[0] : box[2]]
        if part.size == 0:
            return None
        contrast = np.abs(part - np.median(part))
        mask = contrast > _INK_CONTRAST
        if np.count_nonzero(mask) < _INK_PIXELS:
            return None
        strokes = contrast[mask] >= _STROKE_SHARE * contrast.max()
        return cls(box=box, mask=mask, values=part[mask], strokes=strokes)

    def stands_in(self, grey: NDArray[np.float32]) -> bool:
        left, top, right, bottom = self.box
        change = np.abs(grey[top:bottom, left:right][self.mask] - self.values)
        if float(change.mean()) <= _INK_CHANGE:
            return True
        return float((change[self.strokes] <= _INK_CHANGE).mean()) >= _STROKES_LEFT


def _grey(shown: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = shown.astype(np.float32)
    return grey if grey.ndim == 2 else grey.mean(axis=2)  # noqa: PLR2004  rows and columns


def _place(box: Box, cone: ConeArea) -> TextPlace:
    if cone.kept is None:
        return TextPlace.IMAGE
    rows, columns = cone.kept.shape
    row = min(max((box[1] + box[3]) // 2, 0), rows - 1)
    column = min(max((box[0] + box[2]) // 2, 0), columns - 1)
    return TextPlace.IMAGE if cone.kept[row, column] else TextPlace.OUTSIDE_CONE


def _box(region: FoundText) -> Box:
    return (int(region.left), int(region.top), int(region.right), int(region.bottom))


def _place_of(found: TextFinding) -> Box:
    return (found.left, found.top, found.right, found.bottom)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both)
