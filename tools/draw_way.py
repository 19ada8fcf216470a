"""`python -m tools.draw_way`: draw `docs/way.svg` and `docs/way-dark.svg`, the way an image takes through the node.

Reasons for holding are named by the enum, so that a reason that is renamed or removed is renamed here too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.reasons import Reason
from tools.drawing import DARK, LIGHT, Palette, Picture, write_variants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.drawing import Tone

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT = 1090, 528
_STORES_TOP, _STORES_HEIGHT = 24.0, 104.0
_STAGES_TOP, _STAGE_WIDTH, _STAGE_HEIGHT = 204.0, 120.0, 92.0
_HELD_TOP = 428.0
_STEP = 134.0

_STAGES: tuple[tuple[str, tuple[str, ...], tuple[Reason, ...]], ...] = (
    ("rules", ("profile, project,", "targets"), (Reason.NO_RULE, Reason.UNREADABLE)),
    ("header", ("PS3.15 Annex E,", "keyed identities"), (Reason.NO_PATIENT_ID, Reason.STRUCTURED_CONTENT)),
    ("cone", ("ultrasound only:", "blank and crop"), (Reason.CONE_UNCERTAIN, Reason.MODEL_UNAVAILABLE)),
    ("text", ("every frame,", "black boxes"), (Reason.UNDECODABLE, Reason.MODEL_UNAVAILABLE)),
    ("verify", ("read from disk,", "searched again"), (Reason.RESIDUAL_TEXT, Reason.RESIDUAL_IDENTIFIER)),
    ("forward", ("one per target,", "with retries"), (Reason.DELIVERY_FAILED, Reason.NOT_ACCEPTED_BY_TARGET)),
)


def draw(palette: Palette) -> str:
    """Return the picture in one palette."""
    picture = Picture(WIDTH, HEIGHT, title="The way an image takes through Sonoveil", palette=palette)
    lefts = [30 + number * _STEP for number in range(5)] + [30 + 5 * _STEP + 32]
    _panels(picture, lefts)
    _stores(picture)
    for left, (name, lines, reasons) in zip(lefts, _STAGES, strict=True):
        _stage(picture, left, name, lines, reasons)
    _research_side(picture, lefts)
    _lines_between(picture, lefts)
    _held(picture, lefts)
    return picture.svg()


def _panels(picture: Picture, lefts: Sequence[float]) -> None:
    top, height = _STAGES_TOP - 34, _STAGE_HEIGHT + 50
    picture.box(lefts[0] - 14, top, 4 * _STEP + _STAGE_WIDTH + 28, height, "panel", round_px=12)
    picture.text((lefts[1], top + 17), "worker processes", size_px=13, faint=True, anchor="start")
    picture.box(lefts[5] - 10, top, _STAGE_WIDTH + 20, height, "panel", round_px=12)


def _stores(picture: Picture) -> None:
    top = _STORES_TOP
    picture.cylinder(30, top, 130, _STORES_HEIGHT, "violet")
    picture.text((95, top + 58), ["clinical", "PACS"], size_px=15, bold=True)
    picture.box(250, top + 8, 150, _STORES_HEIGHT - 16, "blue")
    picture.text((325, top + 32), "receive", size_px=15, bold=True)
    picture.text((325, top + 64), ["known callers only,", "streamed to disk"], size_px=13, faint=True)
    picture.cylinder(470, top, 170, _STORES_HEIGHT, "plain")
    picture.text((555, top + 36), "spool and ledger", size_px=15, bold=True)
    picture.text((555, top + 70), ["original, receipt, row:", "on disk before Success"], size_px=13, faint=True)
    picture.cylinder(678, top, 188, _STORES_HEIGHT, "plain")
    picture.text((772, top + 36), "outputs", size_px=15, bold=True)
    picture.text((772, top + 70), ["clean object, record,", "sidecar CSV (stays here)"], size_px=13, faint=True)


def _stage(picture: Picture, left: float, name: str, lines: Sequence[str], reasons: Sequence[Reason]) -> None:
    tone: Tone = "green" if name == "forward" else "blue"
    middle = left + _STAGE_WIDTH / 2
    picture.box(left, _STAGES_TOP, _STAGE_WIDTH, _STAGE_HEIGHT, tone)
    picture.text((middle, _STAGES_TOP + 26), name, size_px=15, bold=True)
    picture.text((middle, _STAGES_TOP + 60), lines, size_px=13, faint=True)
    bottom = _STAGES_TOP + _STAGE_HEIGHT
    picture.arrow([(middle, bottom), (middle, _HELD_TOP)], dashed=True, tone="amber")
    picture.text((middle, bottom + 82), [reason.value for reason in reasons], size_px=12, halo=True)


def _research_side(picture: Picture, lefts: Sequence[float]) -> None:
    left = lefts[5] + _STAGE_WIDTH + 84
    picture.cylinder(left, _STAGES_TOP - 8, WIDTH - left - 20, _STAGE_HEIGHT + 16, "violet")
    picture.text(((left + WIDTH - 20) / 2, _STAGES_TOP + 52), ["research", "PACS"], size_px=15, bold=True)
    middle = _STAGES_TOP + _STAGE_HEIGHT / 2
    picture.arrow([(lefts[5] + _STAGE_WIDTH, middle), (left, middle)])
    picture.text(((lefts[5] + _STAGE_WIDTH + left) / 2 + 5, middle - 14), "C-STORE", size_px=13)


def _lines_between(picture: Picture, lefts: Sequence[float]) -> None:
    row, between = _STORES_TOP + _STORES_HEIGHT / 2, _STORES_TOP + _STORES_HEIGHT + 24
    picture.arrow([(160, row - 8), (250, row - 8)])
    picture.text((205, row - 22), "C-STORE", size_px=13)
    picture.arrow([(250, row + 14), (160, row + 14)])
    picture.text((205, row + 28), "Success", size_px=13)
    picture.arrow([(400, row - 8), (470, row - 8)])
    picture.arrow([(470, row + 14), (400, row + 14)])
    middles = [left + _STAGE_WIDTH / 2 for left in lefts]
    picture.arrow(
        [(555, _STORES_TOP + _STORES_HEIGHT), (555, between), (middles[0], between), (middles[0], _STAGES_TOP)]
    )
    for left in lefts[:4]:
        picture.arrow(
            [(left + _STAGE_WIDTH, _STAGES_TOP + _STAGE_HEIGHT / 2), (left + _STEP, _STAGES_TOP + _STAGE_HEIGHT / 2)]
        )
    bottom = _STORES_TOP + _STORES_HEIGHT
    picture.arrow([(middles[4], _STAGES_TOP), (middles[4], between), (738, between), (738, bottom)])
    picture.arrow([(middles[5], bottom - 4), (middles[5], _STAGES_TOP)])


def _held(picture: Picture, lefts: Sequence[float]) -> None:
    width = lefts[5] + _STAGE_WIDTH - 30
    picture.box(30, _HELD_TOP, width, 76, "amber")
    picture.text((30 + width / 2, _HELD_TOP + 24), "held under a named reason", size_px=15, bold=True)
    picture.text(
        (30 + width / 2, _HELD_TOP + 52),
        "retry: the whole pipeline again  ·  reject  ·  release: only a scrubbed result, never the original",
        size_px=13.5,
    )


def main() -> None:
    """Write both variants."""
    write_variants(DOCS, "way", {palette.suffix: draw(palette) for palette in (LIGHT, DARK)})


if __name__ == "__main__":
    main()
