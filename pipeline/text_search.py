"""The text of an object: what was read where, on which frames, and whether it may stay.

The rule of this file: what is in doubt goes, and what names the patient goes on every frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.clip_text import Scanner, joined, overlap, read_clip
from pipeline.ink import Ink
from pipeline.records import TextAction, TextFinding, TextPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.clip_text import SeenText
    from pipeline.detectors import TextReader
    from pipeline.frames.stream import Frames
    from pipeline.plan import Box, ConeArea

_SAME_PLACE = 0.6


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


def find_text(frames: Frames, reader: TextReader, cone: ConeArea, keep: KeepRule) -> tuple[TextFinding, ...]:
    """Find the text of every frame.

    Returns
    -------
    tuple
        One finding for each place and text, over as many consecutive frames as show it.
    """
    views = (frames.renderings(index) for index in range(len(frames)))
    seen = read_clip(views, len(frames), Scanner(reader, strict=False))
    found = as_findings(seen, cone, keep, rule="text")
    return _with_static_text(frames, _everywhere_if_it_identifies(merged(found), len(frames), keep))


def as_findings(
    seen: Iterable[SeenText], cone: ConeArea, keep: KeepRule, *, rule: str, offset: tuple[int, int] = (0, 0)
) -> list[TextFinding]:
    """Texts as findings in coordinates of the original frame.

    Parameters
    ----------
    offset
        Left and top of the image that was read, in the original frame.
    """
    findings = []
    for text in seen:
        left, top, right, bottom = text.box
        box = (left + offset[0], top + offset[1], right + offset[0], bottom + offset[1])
        kept = keep.keeps(text.text)
        findings.append(
            TextFinding(
                frame_first=text.frame_first,
                frame_last=text.frame_last,
                left=box[0],
                top=box[1],
                right=box[2],
                bottom=box[3],
                text=text.text,
                confidence=text.confidence,
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
            open_ones[match] = joined(open_ones[match], found)
    return tuple(sorted([*done, *open_ones], key=lambda f: (f.frame_first, f.top, f.left, f.text)))


def _continues(track: TextFinding, found: TextFinding) -> bool:
    return (
        track.text == found.text
        and track.action is found.action
        and track.rule == found.rule
        and track.place is found.place
        and overlap(track.box, found.box) >= _SAME_PLACE
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
    inks = [Ink.of(frames.displayed(found.frame_first), found.box) for found in partial]
    masked = _masked_boxes(findings, len(frames))
    more: list[TextFinding] = []
    for index in range(len(frames)):
        # Asked of each box once: a timer has as many texts as frames, all in one box.
        covered = {box: _is_covered(box, masked[index]) for box in {found.box for found in partial}}
        missing = [(found, ink) for found, ink in zip(partial, inks, strict=True) if not covered[found.box]]
        if not missing:
            continue
        shown = frames.displayed(index)
        more.extend(
            replace(found, frame_first=index, frame_last=index) for found, ink in missing if ink.stands_in(shown)
        )
    return merged([*findings, *more])


def _masked_boxes(findings: tuple[TextFinding, ...], count: int) -> list[set[Box]]:
    """Return what is masked on each frame."""
    boxes: list[set[Box]] = [set() for _ in range(count)]
    for found in findings:
        if found.action is TextAction.MASKED:
            for index in range(found.frame_first, found.frame_last + 1):
                boxes[index].add(found.box)
    return boxes


def _is_covered(box: Box, masked: set[Box]) -> bool:
    return box in masked or any(overlap(box, other) >= _SAME_PLACE for other in masked)


def _place(box: Box, cone: ConeArea) -> TextPlace:
    if cone.kept is None:
        return TextPlace.IMAGE
    rows, columns = cone.kept.shape
    row = min(max((box[1] + box[3]) // 2, 0), rows - 1)
    column = min(max((box[0] + box[2]) // 2, 0), columns - 1)
    return TextPlace.IMAGE if cone.kept[row, column] else TextPlace.OUTSIDE_CONE
