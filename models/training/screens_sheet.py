"""`python -m models.training.screens_sheet --out FILE.png`: a contact sheet of rendered screens for a human look."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.training.screens import Screen, render_screen

if TYPE_CHECKING:
    from numpy.typing import NDArray


def contact_sheet(screens: list[Screen], *, across: int, tile_px: int) -> NDArray[np.uint8]:
    """Lay screens out in a grid, each mask drawn as a green outline.

    Returns
    -------
    numpy.ndarray
        uint8 (rows, columns, 3), RGB.
    """
    tiles = []
    for screen in screens:
        image = screen.image.copy()
        outline, _ = cv2.findContours(screen.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outline, -1, (0, 255, 0), 2)
        scale = tile_px / max(image.shape[:2])
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.full((tile_px, tile_px, 3), 70, dtype=np.uint8)
        tile[: small.shape[0], : small.shape[1]] = small
        tiles.append(tile)
    while len(tiles) % across:
        tiles.append(np.full((tile_px, tile_px, 3), 70, dtype=np.uint8))
    return np.vstack([np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)])


def main() -> None:
    """Write the sheet the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=42)
    parser.add_argument("--across", type=int, default=7)
    parser.add_argument("--tile-px", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    screens = [render_screen((wanted.seed, index)) for index in range(wanted.count)]
    sheet = contact_sheet(screens, across=wanted.across, tile_px=wanted.tile_px)
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(wanted.out), sheet[..., ::-1])


if __name__ == "__main__":
    main()
