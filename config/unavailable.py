"""What the configuration already knows by name but this version cannot do yet.

Rule of the file: one line per setting, as data. Whoever makes a feature work deletes its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.profile import AVAILABLE_OPTIONS
from config.settings import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """A setting of which only some values work.

    Parameters
    ----------
    place
        Where it stands; `ANY` for any name or position.
    works
        The values that work; empty where the setting must not be written at all.
    """

    place: Place
    works: tuple[Any, ...] = ()


IN_GATEWAY = (
    Unavailable(place=("storage", "ledger"), works=("sqlite",)),
    Unavailable(place=("rules", ANY, "action"), works=("hold", "refuse")),
    Unavailable(place=("web",)),
)
"""In `gateway.yaml`. URLs for `storage.path` are refused where paths are read (`config.section`)."""

IN_PROFILE = (
    Unavailable(place=("options", ANY), works=tuple(option.value for option in AVAILABLE_OPTIONS)),
    Unavailable(place=("pixels", "verify"), works=(True,)),
    Unavailable(
        place=("pixels", "review", "hold_when"),
        works=(("residual_text", "cone_uncertain"), ("cone_uncertain", "residual_text")),
    ),
)
"""In a profile."""


def find(value: Any, table: tuple[Unavailable, ...]) -> Iterator[tuple[Place, Unavailable]]:
    """Yield every place in a file's values where something stands that does not work in this version."""
    for entry in table:
        for place, written in _walk(value, entry.place, ()):
            if written is not None and written not in entry.works:
                yield place, entry


def _walk(value: Any, pattern: Place, here: Place) -> Iterator[tuple[Place, Any]]:
    if not pattern:
        yield here, value
        return
    if isinstance(value, dict):
        steps: list[Any] = list(value) if pattern[0] == ANY else [key for key in value if key == pattern[0]]
    else:
        steps = list(range(len(value))) if isinstance(value, tuple) and pattern[0] == ANY else []
    for step in steps:
        yield from _walk(value[step], pattern[1:], (*here, step))
