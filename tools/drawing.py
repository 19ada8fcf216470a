"""SVG pictures for the documentation: boxes, cylinders, arrows and text in two palettes.

Rule of the file: nothing but text is written, so that the same picture is the same bytes on every machine. Lengths are
the picture's own units (pixels at its natural size), origin top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Tone = Literal["plain", "blue", "green", "amber", "red", "violet", "panel"]
Point = tuple[float, float]

_FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif"
_ARROW_LENGTH = 9.0
_LINE_SPACING = 1.28


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one variant; a tone is (fill, stroke).

    Parameters
    ----------
    suffix
        What the file's name says about it.
    """

    suffix: str
    paper: str
    ink: str
    faint: str
    line: str
    tones: dict[Tone, tuple[str, str]]


LIGHT = Palette(
    suffix="",
    paper="#ffffff",
    ink="#1f2328",
    faint="#59636e",
    line="#59636e",
    tones={
        "plain": ("#ffffff", "#8c959f"),
        "panel": ("#f6f8fa", "#d1d9e0"),
        "blue": ("#ddf4ff", "#0969da"),
        "green": ("#dafbe1", "#1a7f37"),
        "amber": ("#fff8c5", "#9a6700"),
        "red": ("#ffebe9", "#cf222e"),
        "violet": ("#fbefff", "#8250df"),
    },
)
DARK = Palette(
    suffix="-dark",
    paper="#0d1117",
    ink="#f0f6fc",
    faint="#b7bdc8",
    line="#9198a1",
    tones={
        "plain": ("#151b23", "#656c76"),
        "panel": ("#151b23", "#3d444d"),
        "blue": ("#0c2d6b", "#4493f8"),
        "green": ("#0f3d1d", "#3fb950"),
        "amber": ("#3b2a00", "#d29922"),
        "red": ("#4a1216", "#f85149"),
        "violet": ("#2f1a58", "#ab7df8"),
    },
)


class Picture:
    """One SVG under construction; later shapes lie over earlier ones.

    Parameters
    ----------
    width, height
        Natural size.
    title
        What a screen reader says.
    """

    def __init__(self, width: int, height: int, *, title: str, palette: Palette) -> None:
        self._palette = palette
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FONT}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="10" fill="{palette.paper}"/>',
        ]

    def box(self, left: float, top: float, width: float, height: float, tone: Tone, *, round_px: float = 8) -> None:
        """Draw a rectangle with round corners."""
        fill, stroke = self._palette.tones[tone]
        self._parts.append(
            f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="{round_px:g}" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'
        )

    def cylinder(self, left: float, top: float, width: float, height: float, tone: Tone) -> None:
        """Draw a store: a cylinder standing upright."""
        fill, stroke = self._palette.tones[tone]
        right, bottom, bend = left + width, top + height, 9.0
        radii = f"{width / 2:g} {bend:g}"
        body = (
            f"M{left:g} {top + bend:g} A{radii} 0 0 1 {right:g} {top + bend:g} V{bottom - bend:g} "
            f"A{radii} 0 0 1 {left:g} {bottom - bend:g} Z"
        )
        rim = f"M{left:g} {top + bend:g} A{radii} 0 0 0 {right:g} {top + bend:g}"
        self._parts.append(f'<path d="{body}" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>')
        self._parts.append(f'<path d="{rim}" fill="none" stroke="{stroke}" stroke-width="1.5"/>')

    def dot(self, center: Point) -> None:
        """Draw where something begins."""
        self._parts.append(f'<circle cx="{center[0]:g}" cy="{center[1]:g}" r="6" fill="{self._palette.line}"/>')

    def text(
        self,
        at: Point,
        lines: str | Sequence[str],
        *,
        size_px: float = 13,
        bold: bool = False,
        faint: bool = False,
        anchor: Literal["start", "middle", "end"] = "middle",
        halo: bool = False,
    ) -> None:
        """Write lines whose block is centred on `at` vertically; with `halo`, lines under it are interrupted."""
        rows = [lines] if isinstance(lines, str) else list(lines)
        color = self._palette.faint if faint else self._palette.ink
        weight = ' font-weight="600"' if bold else ""
        stroke = f' paint-order="stroke" stroke="{self._palette.paper}" stroke-width="5"' if halo else ""
        first = at[1] - (len(rows) - 1) / 2 * size_px * _LINE_SPACING + size_px * 0.35
        for number, row in enumerate(rows):
            y = first + number * size_px * _LINE_SPACING
            self._parts.append(
                f'<text x="{at[0]:g}" y="{y:.1f}" font-size="{size_px:g}" text-anchor="{anchor}" fill="{color}"'
                f"{weight}{stroke}>{escape(row)}</text>"
            )

    def arrow(self, points: Sequence[Point], *, dashed: bool = False, tone: Tone | None = None) -> None:
        """Draw a line with round bends through the points and an arrow head at its end."""
        color = self._palette.line if tone is None else self._palette.tones[tone][1]
        (x0, y0), (x1, y1) = points[-2:]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        base = (x1 - ux * _ARROW_LENGTH, y1 - uy * _ARROW_LENGTH)
        path = _rounded([*points[:-1], base])
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.6"{dashes}/>')
        half = _ARROW_LENGTH * 0.45
        wings = (
            f"{base[0] - uy * half:.1f},{base[1] + ux * half:.1f} {base[0] + uy * half:.1f},{base[1] - ux * half:.1f}"
        )
        self._parts.append(f'<polygon points="{x1:g},{y1:g} {wings}" fill="{color}"/>')

    def svg(self) -> str:
        """Return the file's content."""
        return "\n".join([*self._parts, "</svg>", ""])


def _rounded(points: Sequence[Point], radius: float = 10.0) -> str:
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _toward(corner, before, radius), _toward(corner, after, radius)
        path += f" L{start[0]:.1f} {start[1]:.1f} Q{corner[0]:.1f} {corner[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    return f"{path} L{points[-1][0]:.1f} {points[-1][1]:.1f}"


def _toward(start: Point, end: Point, distance: float) -> Point:
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    share = min(distance / length, 0.5) if length else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def write_variants(folder: Path, name: str, contents: dict[str, str]) -> None:
    """Write `NAME.svg` and `NAME-dark.svg`; `contents` maps a palette's suffix to a file's content."""
    for suffix, content in contents.items():
        path = folder / f"{name}{suffix}.svg"
        path.write_text(content, encoding="utf-8")
        print(f"wrote {path.name}")
