"""`python -m models.training.screens_sheet --out FILE.png`: a contact sheet of rendered screens for a human look.

Rule of the file: it only draws. The rendered mask is outlined in green; with `--weights`, what the model finds in red.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.cone import ConeSegmenter
from models.cone.contract import CONTRACT
from models.session import Session
from models.training.screens import Screen, render_screen

if TYPE_CHECKING:
    from numpy.typing import NDArray


def contact_sheet(
    screens: list[Screen], *, segmenter: ConeSegmenter | None, across: int, tile_px: int
) -> NDArray[np.uint8]:
    """Lay screens out in a grid, outlines drawn on them.

    Parameters
    ----------
    screens
        What is shown; its mask in green.
    segmenter
        Draws what it finds in red; None for nothing.
    across
        Tiles in a row.
    tile_px
        Side of a tile.

    Returns
    -------
    numpy.ndarray
        uint8 (rows, columns, 3), RGB.
    """
    tiles = []
    for screen in screens:
        image = screen.image.copy()
        _outline(image, screen.mask, (0, 255, 0))
        if segmenter is not None:
            _outline(image, segmenter.segment(screen.image).mask, (255, 40, 40))
        scale = tile_px / max(image.shape[:2])
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.full((tile_px, tile_px, 3), 70, dtype=np.uint8)
        tile[: small.shape[0], : small.shape[1]] = small
        tiles.append(tile)
    while len(tiles) % across:
        tiles.append(np.full((tile_px, tile_px, 3), 70, dtype=np.uint8))
    return np.vstack([np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)])


def _outline(image: NDArray[np.uint8], mask: NDArray[np.bool_], ink: tuple[int, int, int]) -> None:
    outline, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, outline, -1, ink, 2)


def _opened(weights: Path) -> ConeSegmenter:
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    return ConeSegmenter(Session(weights, name="cone", sha256=digest, contract=CONTRACT, device="cpu"))


def main() -> None:
    """Write the sheet the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=42)
    parser.add_argument("--across", type=int, default=7)
    parser.add_argument("--tile-px", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weights", type=Path, default=None)
    wanted = parser.parse_args()
    screens = [render_screen((wanted.seed, index)) for index in range(wanted.count)]
    segmenter = None if wanted.weights is None else _opened(wanted.weights)
    sheet = contact_sheet(screens, segmenter=segmenter, across=wanted.across, tile_px=wanted.tile_px)
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(wanted.out), sheet[..., ::-1])


if __name__ == "__main__":
    main()
