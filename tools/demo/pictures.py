"""Before/after pictures, and a page that shows them beside the headers.

Rule of the file: drawing only; what is compared is decided in `account`. The page needs no web server.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tools.demo.pixels import frames_of, picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from tools.demo.account import Pair, Verdict

    Picture = NDArray[np.uint8]

_PANE = (430, 560)
_GAP, _HEAD = 14, 40
_PAPER, INK, _FAINT = 250, (40, 44, 52), (120, 126, 138)
FONT = cv2.FONT_HERSHEY_SIMPLEX
_TAGS = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientAge", "StudyDate", "AccessionNumber", "InstitutionName",
    "ReferringPhysicianName", "StudyDescription", "StudyInstanceUID", "PatientIdentityRemoved",
    "BurnedInAnnotation",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture with its words.

    Parameters
    ----------
    image
        uint8 (rows, columns, 3), RGB.
    """

    title: str
    note: str
    image: Picture


def beside(left: Panel, right: Panel) -> Picture:
    """Draw two panels side by side at the same scale: uint8 (rows, columns, 3), RGB."""
    scale = min(_PANE[0] / left.image.shape[0], _PANE[1] / left.image.shape[1])
    rows = round(left.image.shape[0] * scale)
    columns = max(round(left.image.shape[1] * scale), 380)
    sheet = np.full((rows + _HEAD + 2 * _GAP, 2 * columns + 3 * _GAP, 3), _PAPER, dtype=np.uint8)
    for number, panel in enumerate((left, right)):
        x = _GAP + number * (columns + _GAP)
        cv2.putText(sheet, panel.title, (x, 22), FONT, 0.55, INK, 1, cv2.LINE_AA)
        cv2.putText(sheet, panel.note, (x, 41), FONT, 0.42, _FAINT, 1, cv2.LINE_AA)
        pane = sheet[_HEAD + _GAP : _HEAD + _GAP + rows, x : x + columns]
        pane[:] = 226
        _centre(pane, panel.image, scale)
    return sheet


def _centre(pane: Picture, image: Picture, scale: float) -> None:
    shape = (min(pane.shape[0], round(image.shape[0] * scale)), min(pane.shape[1], round(image.shape[1] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    drawn = cv2.resize(image, (shape[1], shape[0]), interpolation=way)
    top, left = (pane.shape[0] - shape[0]) // 2, (pane.shape[1] - shape[1]) // 2
    pane[top : top + shape[0], left : left + shape[1]] = drawn


def save(sheet: Picture, path: Path) -> None:
    """Write a picture as PNG."""
    encoded = cv2.imencode(".png", np.ascontiguousarray(sheet[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    path.write_bytes(encoded.tobytes())


def write_all(pairs: Sequence[Pair], verdict: Verdict, folder: Path) -> Path:
    """Write one PNG for each image that arrived, and `index.html`; return the page's path."""
    parts = []
    for pair in pairs:
        if pair.received is not None and "ContentSequence" in pair.sent.dataset:
            parts.append(_report_part(pair, pair.received))
            continue
        if pair.received is None or pair.comparison is None:
            parts.append(_held_part(pair))
            continue
        frame = max((one.frame_first + 1 for one in pair.sent.burned), default=0)
        left = Panel(
            title="sent by the clinical PACS", note=_size(pair.sent.dataset), image=_frame(pair.sent.dataset, frame)
        )
        right = Panel(
            title="received by the research PACS", note=_size(pair.received), image=_frame(pair.received, frame)
        )
        name = f"{pair.sent.name}.png"
        save(beside(left, right), folder / name)
        parts.append(_image_part(pair, name))
    page = folder / "index.html"
    page.write_text(_PAGE.format(summary=_summary(verdict), parts="\n".join(parts)), encoding="utf-8")
    return page


def _frame(dataset: Dataset, index: int) -> Picture:
    frames = frames_of(dataset)
    return picture(frames[min(index, len(frames) - 1)])


def _size(dataset: Dataset) -> str:
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    size = f"{dataset.Columns} x {dataset.Rows}"
    return f"{size}, {frames} frames" if frames > 1 else size


def _summary(verdict: Verdict) -> str:
    held = ", ".join(f"{number} {reason}" for reason, number in sorted(verdict.held.items())) or "none"
    return (
        f"{verdict.sent} objects sent, {verdict.received} received, held: {held}. "
        f"{verdict.planted_headers} identifiers planted in headers and {verdict.planted_lines} lines burned into "
        f"pixels; found on the research side: {verdict.identifiers_found}."
    )


def _image_part(pair: Pair, name: str) -> str:
    assert pair.received is not None
    assert pair.comparison is not None
    words = (
        f"{len(pair.sent.burned)} identifying lines were burned in, {pair.comparison.legible_lines} survive. "
        f"{pair.comparison.kept_share:.1%} of the sent pixels stand unchanged in what was received; pixels that are "
        f"neither as sent nor blanked: {pair.comparison.altered_pixels}."
    )
    rows = "".join(
        f"<tr><th>{tag}</th><td>{_value(pair.sent.dataset, tag)}</td><td>{_value(pair.received, tag)}</td></tr>"
        for tag in _TAGS
    )
    return (
        f"<section><h2>{html.escape(pair.sent.title)}</h2><p>{words}</p><img src='{name}' alt='before and after'>"
        f"<details><summary>headers</summary><table><tr><th></th><th>sent</th><th>received</th></tr>{rows}</table>"
        f"</details></section>"
    )


def _report_part(pair: Pair, received: Dataset) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(_words(before))}</td><td>{html.escape(_words(after))}</td></tr>"
        for before, after in zip(pair.sent.dataset.ContentSequence, received.ContentSequence, strict=True)
    )
    return (
        f"<section><h2>{html.escape(pair.sent.title)}</h2>"
        f"<table><tr><th>sent</th><th>received</th></tr>{rows}</table></section>"
    )


def _words(item: Dataset) -> str:
    return str(item.get("TextValue", ""))


def _held_part(pair: Pair) -> str:
    reason = f"held: {pair.sent.held}" if pair.sent.held else "not received"
    return (
        f"<section><h2>{html.escape(pair.sent.title)}</h2><p class='held'>{reason}. Nothing of it left.</p></section>"
    )


def _value(dataset: Dataset, tag: str) -> str:
    return html.escape(str(dataset.get(tag, "")) if tag in dataset else "—")


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sonoveil: before and after</title>
<style>
 body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; color: #282c34; }}
 h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.1rem; margin: 0 0 .3rem; }}
 section {{ border-top: 1px solid #d8dce3; padding: 1.2rem 0; }} p {{ margin: .2rem 0 .8rem; }}
 img {{ max-width: 100%; height: auto; }} .held {{ color: #a04000; }}
 table {{ border-collapse: collapse; font-size: .85rem; }} th, td {{ text-align: left; padding: .15rem 1rem .15rem 0; }}
 td {{ font-family: ui-monospace, monospace; overflow-wrap: anywhere; }}
</style></head><body>
<h1>Sonoveil: before and after</h1>
<p>{summary}</p>
<p>The people are invented. The left column shows identifiers, as confidential as the originals would be.</p>
{parts}
</body></html>
"""
