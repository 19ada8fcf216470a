"""Cone, text and device masks → one plan: what is blanked on which frames, and why. Nothing is painted here.

Every coordinate is a pixel of the *original* frame, origin top left, right and bottom exclusive. A plan only ever
grows: `with_more` adds, nothing takes away.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.frames.description import VIDEO_COLOUR
from pipeline.painting import cells_of
from pipeline.records import (
    BlankedBox,
    ConeFinding,
    ConeOutcome,
    Findings,
    TextAction,
    TextFinding,
    TextPlace,
    WrittenPlan,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pipeline.frames.description import PixelDescription

TEXT_RULE = "text"
"""Of what is blanked because text was found there at the first look."""
Box = tuple[int, int, int, int]
"""left, top, right, bottom."""
_VIDEO_GRID = (4, 2)
"""Rows and columns of a video that share their colour, where two fields make a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """One rectangle that is blanked.

    Parameters
    ----------
    frame_first, frame_last
        Zero-based, both inclusive.
    rule
        Which part of the profile decided: `text`, `verify`, `mask:NAME`, `mask:ctp:LINE`.
    """

    frame_first: int
    frame_last: int
    box: Box
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConeArea:
    """What the cone stage keeps of every frame.

    Parameters
    ----------
    kept
        bool (rows, columns), True = stays; None where the stage does not apply.
    crop
        The part of the frame that the output consists of; None for all of it.
    in_doubt
        A cone was wanted and not found, and no fall-back helped: the finished object is held for a person.
    rule
        Why this is kept: `cone` (the model's), or a fall-back, `cone:regions` or `cone:masks`; empty for neither.
    doubt
        Why the model's cone was not taken, as a sentence of ours; empty where it was.
    """

    kept: NDArray[np.bool_] | None
    crop: Box | None
    finding: ConeFinding
    in_doubt: bool
    rule: str = "cone"
    doubt: str = ""


NO_CONE = ConeArea(
    kept=None,
    crop=None,
    finding=ConeFinding(outcome=ConeOutcome.NOT_APPLICABLE, confidence=0.0, box=None),
    in_doubt=False,
    rule="",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionPlan:
    """Everything that is blanked in one object.

    Parameters
    ----------
    grid
        Rows and columns of the smallest area that can be blanked in the stored data: (1, 1) for single samples, (1, 2)
        where neighbours share their colour, a minimum coded unit for JPEG. Areas grow outward to it, and so do the
        left and top edges of the crop.
    fills_in
        What is blanked for text alone is filled in from around; what the verification still finds becomes black.
    dropped
        What of a video is not written, beside its pictures: `audio`, `data`, `subtitle`.
    """

    _last: list[tuple[tuple[Redaction, ...], NDArray[np.bool_]]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    rows: int
    columns: int
    frames: int
    grid: tuple[int, int]
    cone: ConeArea
    redactions: tuple[Redaction, ...]
    text: tuple[TextFinding, ...]
    fills_in: bool = False
    dropped: tuple[str, ...] = ()

    @property
    def crop(self) -> Box:
        """The part of the original frame that the output consists of."""
        left, top, right, bottom = self.cone.crop or (0, 0, self.columns, self.rows)
        rows, columns = self.grid
        return (left - left % columns, top - top % rows, right, bottom)

    @property
    def changes_pixels(self) -> bool:
        """Whether any pixel of any frame is blanked or cropped away."""
        cropped = self.crop != (0, 0, self.columns, self.rows)
        return cropped or bool(self.redactions) or (self.cone.kept is not None and not bool(self.cone.kept.all()))

    def blanked(self, frame: int) -> NDArray[np.bool_]:
        """Which pixels of original frame `frame` are blanked: bool (rows, columns), not to be changed."""
        active = tuple(one for one in self.redactions if one.frame_first <= frame <= one.frame_last)
        if not self._last or self._last[0][0] != active:
            mask = self._drawn(active)
            mask.flags.writeable = False
            self._last[:] = [(active, mask)]  # most frames are blanked as the one before was
        return self._last[0][1]

    def _drawn(self, redactions: Iterable[Redaction]) -> NDArray[np.bool_]:
        mask = np.zeros((self.rows, self.columns), dtype=bool)
        if self.cone.kept is not None:
            np.logical_not(self.cone.kept, out=mask)
        for redaction in redactions:
            left, top, right, bottom = redaction.box
            mask[top:bottom, left:right] = True
        return mask if self.grid == (1, 1) else _outward(mask, self.grid)

    @property
    def filled_boxes(self) -> tuple[Redaction, ...]:
        """What is filled in from around; parts of it that something else blanks are black."""
        return tuple(one for one in self.redactions if one.rule == TEXT_RULE) if self.fills_in else ()

    def filled(self, frame: int) -> NDArray[np.bool_]:
        """Which of the blanked pixels of original frame `frame` are filled in: bool (rows, columns)."""
        mask = np.zeros((self.rows, self.columns), dtype=bool)
        for redaction in sorted(self.redactions if self.fills_in else (), key=lambda one: one.rule != TEXT_RULE):
            if redaction.frame_first <= frame <= redaction.frame_last:
                left, top, right, bottom = redaction.box
                mask[top:bottom, left:right] = redaction.rule == TEXT_RULE
        return mask if self.cone.kept is None else mask & self.cone.kept

    def on_grid(self, grid: tuple[int, int]) -> RedactionPlan:
        """Return the same plan for stored data that can only be blanked in areas of `grid` (rows, columns)."""
        return replace(self, grid=grid)

    def with_more(self, redactions: Iterable[Redaction], text: Iterable[TextFinding]) -> RedactionPlan:
        """Return the same plan and what was found later."""
        return replace(self, redactions=(*self.redactions, *redactions), text=(*self.text, *text))

    def findings(self) -> Findings:
        """Return what the record says about the pixels."""
        return Findings(
            frames=self.frames,
            redacted_fraction=self._fraction(),
            cone=self.cone.finding,
            text=tuple(self._as_done(found) for found in self.text),
            plan=self._written(),
        )

    def _as_done(self, found: TextFinding) -> TextFinding:
        is_filled = self.fills_in and found.action is TextAction.MASKED and found.rule == TEXT_RULE
        is_filled = is_filled and found.place is TextPlace.IMAGE
        return replace(found, action=TextAction.INPAINTED) if is_filled else found

    def _written(self) -> WrittenPlan:
        kept = self.cone.kept
        return WrittenPlan(
            rows=self.rows,
            columns=self.columns,
            grid=self.grid,
            crop=self.crop,
            kept=None if kept is None else packed_mask(kept),
            kept_rule=self.cone.rule,
            doubt=self.cone.doubt,
            blanked=tuple(dict.fromkeys(self._as_blanked(redaction) for redaction in self.redactions)),
            dropped=self.dropped,
        )

    def _as_blanked(self, redaction: Redaction) -> BlankedBox:
        left, top, right, bottom = redaction.box
        rows, columns = self.grid
        box = (left - left % columns, top - top % rows, right + -right % columns, bottom + -bottom % rows)
        return BlankedBox(
            frame_first=redaction.frame_first,
            frame_last=redaction.frame_last,
            box=clipped(box, self.rows, self.columns) or redaction.box,
            rule=redaction.rule,
        )

    def _fraction(self) -> float:
        if not self.frames:
            return 0.0
        left, top, right, bottom = self.crop
        kept, previous, count = 0, None, 0
        for frame in range(self.frames):
            active = [r for r in self.redactions if r.frame_first <= frame <= r.frame_last]
            if active != previous:
                count = int(np.count_nonzero(~self.blanked(frame)[top:bottom, left:right]))
                previous = active
            kept += count
        return 1.0 - kept / (self.rows * self.columns * self.frames)


def uncropped_plan(description: PixelDescription) -> RedactionPlan:
    """Return the plan that changes nothing."""
    return cropped_plan(description, None)


def cropped_plan(description: PixelDescription, crop: Box | None) -> RedactionPlan:
    """Return the plan that blanks nothing, and keeps a part of the frames or, by None, all of them."""
    return RedactionPlan(
        rows=description.rows,
        columns=description.columns,
        frames=description.frames,
        grid=grid_of(description),
        cone=replace(NO_CONE, crop=crop),
        redactions=(),
        text=(),
    )


def packed_mask(mask: NDArray[np.bool_]) -> str:
    """Return a mask as text; `unpacked_mask` reads it."""
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode("ascii")


def unpacked_mask(packed: str, rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the mask that `packed_mask` wrote, bool (rows, columns)."""
    bits = np.frombuffer(zlib.decompress(base64.b64decode(packed)), dtype=np.uint8)
    return np.unpackbits(bits, count=rows * columns).reshape(rows, columns).astype(bool)


def grid_of(description: PixelDescription) -> tuple[int, int]:
    """Return the smallest area (rows, columns) that can be blanked in samples that are written one by one."""
    if description.photometric == VIDEO_COLOUR:
        return _VIDEO_GRID
    return (1, 2 if description.is_subsampled else 1)


def _outward(mask: NDArray[np.bool_], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Grow the masked areas to whole cells of a grid that starts at the top left."""
    rows, columns = mask.shape
    cells = cells_of(mask, grid)
    return np.repeat(np.repeat(cells, grid[0], axis=0), grid[1], axis=1)[:rows, :columns]


def clipped(box: Box, rows: int, columns: int) -> Box | None:
    """`box` cut at the frame's edges; None where nothing of it lies inside."""
    left, top, right, bottom = max(0, box[0]), max(0, box[1]), min(columns, box[2]), min(rows, box[3])
    return (left, top, right, bottom) if left < right and top < bottom else None


def masking(findings: Iterable[TextFinding], rows: int, columns: int) -> tuple[Redaction, ...]:
    """Return the rectangles that blank `findings` (those that are not kept), with a margin for blurred edges."""
    redactions = []
    for found in findings:
        if found.action is TextAction.KEPT:
            continue
        margin = max(2, (found.bottom - found.top) // 8)
        box = clipped(
            (found.left - margin, found.top - margin, found.right + margin, found.bottom + margin), rows, columns
        )
        if box is not None:
            redactions.append(
                Redaction(frame_first=found.frame_first, frame_last=found.frame_last, box=box, rule=found.rule)
            )
    return tuple(redactions)
