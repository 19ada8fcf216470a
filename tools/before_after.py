"""Make the README's before/after picture: drawn images, burned-in text, and what the pipeline makes of them.

    python -m tools.before_after docs/before-after.png

Rule of the file: nothing of a patient and nothing of anybody else's in the picture, so that it can be published; the
right-hand side is what the shipped profile `ultrasound` really writes, never drawn by hand.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydicom import dcmread

from config.load import load_profile
from config.schema import ModelsConfig
from pipeline.deidentify import Deidentifier
from pipeline.records import ReceivedInstance
from tools.demo.pictures import FONT, INK, save
from tools.demo.pixels import frames_of, picture
from tools.demo.worklist import worklist

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.demo.worklist import Sent

    Picture = NDArray[np.uint8]

_SHOWN = ("heart-drawn", "abdomen-drawn", "chest")
_HEIGHT, _GAP, _HEAD = 285, 12, 34
_PAPER, _PANE = 255, 232
_KEY = bytes(range(32))
"""The picture shows no pseudonym; any key will do."""


def main() -> int:
    """Write the picture and return 0."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/before-after.png")
    gateway = Deidentifier(
        profile=load_profile("ultrasound"), key=_KEY, project="picture", models_config=ModelsConfig()
    )
    with tempfile.TemporaryDirectory() as folder:
        pairs = [_before_after(one, gateway, Path(folder)) for one in worklist() if one.name in _SHOWN]
    save(_sheet(pairs), target)
    print(f"wrote {target}: {target.stat().st_size / 1000:.0f} kB")
    return 0


def _before_after(sent: Sent, gateway: Deidentifier, folder: Path) -> tuple[Picture, Picture]:
    """De-identify one object; return the same frame of it as it was and as it came out."""
    source, output = folder / f"{sent.name}.dcm", folder / f"{sent.name}-out.dcm"
    sent.dataset.save_as(source, enforce_file_format=True)
    received = ReceivedInstance(
        path=source, patient_domain="PICTURE", node_name="files", size_bytes=source.stat().st_size
    )
    gateway.run(received, output)
    frame = max(one.frame_first for one in sent.burned)
    return picture(frames_of(sent.dataset)[frame]), picture(frames_of(dcmread(output))[frame])


def _sheet(pairs: list[tuple[Picture, Picture]]) -> Picture:
    """Lay the pairs out in columns: above as sent, below as received, at the same scale."""
    columns = []
    for before, after in pairs:
        scale = _HEIGHT / before.shape[0]
        width = round(before.shape[1] * scale)
        column = np.full((2 * (_HEIGHT + _HEAD), width, 3), _PAPER, dtype=np.uint8)
        for row, image in enumerate((before, after)):
            pane = column[row * (_HEIGHT + _HEAD) + _HEAD :][:_HEIGHT]
            pane[:] = _PANE
            size = (min(width, round(image.shape[1] * scale)), min(_HEIGHT, round(image.shape[0] * scale)))
            drawn = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            top, left = (_HEIGHT - size[1]) // 2, (width - size[0]) // 2
            pane[top : top + size[1], left : left + size[0]] = drawn
        columns += [column, np.full((len(column), _GAP, 3), _PAPER, dtype=np.uint8)]
    sheet = np.hstack(columns[:-1])
    for row, words in enumerate(("Before: sent by the clinical PACS", "After: as it leaves for the research PACS")):
        cv2.putText(sheet, words, (2, row * (_HEIGHT + _HEAD) + 24), FONT, 0.6, INK, 1, cv2.LINE_AA)
    return np.pad(sheet, ((0, _GAP), (_GAP, _GAP), (0, 0)), constant_values=_PAPER)


if __name__ == "__main__":
    sys.exit(main())
