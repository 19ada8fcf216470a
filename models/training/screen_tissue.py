"""What is inside a drawn cone: speckle, layers, cysts, bright reflectors, shadows, gain over depth.

Rule of the file: textures are made on a beam grid (depth, lateral) and only then bent into the cone, as a scanner does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.training.screen_shapes import DrawnCone

    Grid = NDArray[np.float32]

DEPTHS, BEAMS = 224, 192


def _smooth_noise(rng: np.random.Generator, cells_deep: int, cells_wide: int) -> Grid:
    """Smooth noise of unit range on the beam grid, float32 (DEPTHS, BEAMS)."""
    coarse = rng.standard_normal((max(2, cells_deep), max(2, cells_wide))).astype(np.float32)
    grid = cv2.resize(coarse, (BEAMS, DEPTHS), interpolation=cv2.INTER_CUBIC)
    low, high = float(grid.min()), float(grid.max())
    return np.asarray((grid - low) / max(high - low, 1e-6), dtype=np.float32)


def _speckle(rng: np.random.Generator) -> Grid:
    """Rayleigh-distributed speckle whose grain is finer along the beam than across."""
    field = rng.standard_normal((2, DEPTHS, BEAMS)).astype(np.float32)
    along, across = rng.uniform(0.4, 1.6), rng.uniform(0.6, 4.0)
    real, imaginary = (cv2.GaussianBlur(part, (0, 0), across, sigmaY=along) for part in field)
    magnitude = cv2.magnitude(real, imaginary)
    return np.asarray(magnitude / float(magnitude.mean()), dtype=np.float32)


def _layers(rng: np.random.Generator, echo: Grid) -> None:
    """Add bright, slightly wavy interfaces at a few depths, in dB on `echo`."""
    thin, thick = np.zeros((2, DEPTHS, BEAMS), dtype=np.float32)
    beams = np.arange(0, BEAMS, 4)
    for _ in range(rng.integers(0, 9)):
        wave = np.interp(beams, np.linspace(0, BEAMS, 6), rng.normal(0, rng.uniform(0, 14), 6))
        depth = rng.uniform(0, 0.9) * DEPTHS + wave + np.linspace(-1, 1, beams.size) * rng.normal(0, 10)
        first = int(rng.choice([0, int(rng.integers(beams.size // 2))]))
        points = np.stack([beams, depth], axis=1).astype(np.int32)[first : first + int(rng.integers(8, 64))]
        layer = thin if rng.random() < 0.6 else thick
        cv2.polylines(
            layer, [points], isClosed=False, color=float(rng.uniform(6, 40)), thickness=int(rng.integers(1, 4))
        )
    echo += cv2.GaussianBlur(thin, (0, 0), 0.8) + cv2.GaussianBlur(thick, (0, 0), 2.5)


def _ellipses(rng: np.random.Generator, echo: Grid) -> None:
    """Put cysts, vessels, organs and bright spots on `echo`, in dB."""
    for _ in range(rng.integers(0, 7)):
        blob = np.zeros((DEPTHS, BEAMS), dtype=np.float32)
        centre = (int(rng.uniform(0, BEAMS)), int(rng.uniform(0, DEPTHS)))
        size = float(np.exp(rng.uniform(np.log(2), np.log(100))))
        axes = (max(1, int(size)), max(1, int(size * rng.uniform(0.4, 1.6))))
        cv2.ellipse(blob, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
        blob = cv2.GaussianBlur(blob, (0, 0), float(rng.uniform(0.5, 3)))
        echo += blob * np.float32(rng.choice([-45, -18, -9, 6, 14, 24], p=[0.34, 0.2, 0.12, 0.1, 0.12, 0.12]))


def _void(rng: np.random.Generator, echo: Grid) -> None:
    """Empty a band of depths from side to side (vitreous, bladder, water), in dB on `echo`."""
    near, far = np.sort(rng.uniform(-0.1, 1.1, 2)) * DEPTHS
    beams = np.linspace(-1, 1, BEAMS, dtype=np.float32)[None, :]
    bulge = 1 - rng.uniform(0, 1) * beams**2
    middle, half = (near + far) / 2, (far - near) / 2 * bulge
    rows = np.arange(DEPTHS, dtype=np.float32)[:, None]
    echo -= (np.clip((half - np.abs(rows - middle)) / rng.uniform(1, 4), 0, 1) * rng.uniform(20, 60)).astype(np.float32)


def _shadows(rng: np.random.Generator, echo: Grid) -> None:
    """Darken beams below a depth (bone, gas, poor contact), or brighten them (B-lines), in dB on `echo`."""
    rows = np.arange(DEPTHS, dtype=np.float32)[:, None]
    beams = np.arange(BEAMS, dtype=np.float32)[None, :]
    for _ in range(rng.integers(0, 6)):
        width, centre = rng.uniform(2, 55), rng.uniform(-10, BEAMS + 10)
        profile = np.clip(1.3 - np.abs(beams - centre) / width, 0, 1)
        below = 1 / (1 + np.exp(-(rows - rng.choice([0, rng.uniform(0, 0.7)]) * DEPTHS) / rng.uniform(2, 12)))
        echo += (profile * below * rng.choice([-40, -22, -12, 9])).astype(np.float32)


def _gain(rng: np.random.Generator) -> Grid:
    """Gain over depth and over beams in dB: attenuation, time gain, dim edges, a black far field."""
    deep = np.linspace(0, 1, DEPTHS, dtype=np.float32)[:, None]
    across = np.abs(np.linspace(-1, 1, BEAMS, dtype=np.float32))[None, :]
    curve = -deep * rng.choice([0, rng.uniform(0, 20), rng.uniform(15, 60)], p=[0.25, 0.5, 0.25])
    curve = curve + (_smooth_noise(rng, int(rng.integers(3, 9)), 2) - 0.5) * rng.uniform(0, 20)
    if rng.random() < 0.25:
        curve = curve - 60 * np.clip((deep - rng.uniform(0.02, 0.8)) * rng.uniform(2, 12), 0, 1)
    if rng.random() < 0.35:
        curve = curve - np.clip(across - rng.uniform(0.3, 0.95), 0, 1) * rng.uniform(15, 120)
    if rng.random() < 0.3:
        curve = curve + np.exp(-deep * rng.uniform(15, 60)) * rng.uniform(-30, 30)
    return np.asarray(curve, dtype=np.float32)


def beam_image(rng: np.random.Generator) -> Grid:
    """Make what a scanner would hold before scan conversion: float32 (DEPTHS, BEAMS) of 0 to 255."""
    echo = (_smooth_noise(rng, int(rng.integers(2, 14)), int(rng.integers(2, 14))) - 0.5) * np.float32(
        rng.uniform(0, 26)
    )
    echo += (_smooth_noise(rng, int(rng.integers(20, 60)), int(rng.integers(4, 30))) - 0.5) * np.float32(
        rng.uniform(0, 16)
    )
    _layers(rng, echo)
    _ellipses(rng, echo)
    if rng.random() < 0.22:
        _void(rng, echo)
    _shadows(rng, echo)
    echo += _gain(rng)
    level = 20 * np.log10(_speckle(rng) + 1e-3) * rng.uniform(0.25, 1.1) + echo
    dynamic_db = rng.uniform(38, 75)
    base = rng.normal(0.52, 0.2)
    # A cone of which nothing shows cannot be labelled by anyone: at least 3 % of it is lifted above black.
    base = max(base, 0.12 - float(np.quantile(level[::4, ::4], 0.97)) / dynamic_db)
    floor = rng.uniform(0, 14) if rng.random() < 0.3 else 0.0
    shown = np.clip((level / dynamic_db + base) * 255, floor, 255).astype(np.float32)
    if rng.random() < 0.3:
        shown = cv2.GaussianBlur(shown, (0, 0), float(rng.uniform(0.5, 2.5)))
    return np.asarray(shown, dtype=np.float32)


def scan_convert(beams: Grid, cone: DrawnCone) -> Grid:
    """Bend a beam image into a cone: float32 (rows, columns) of 0 to 255, zero outside the cone's mask."""
    x = np.clip(cone.lateral, 0, 1) * (BEAMS - 1)
    y = np.clip(cone.depth, 0, 1) * (DEPTHS - 1)
    image = cv2.remap(beams, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(image * cone.mask, dtype=np.float32)
