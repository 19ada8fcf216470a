"""Which settings there are, read off the models: for did-you-mean, for the check of the example, for editors.

Rule of the file: no setting is named here.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from config.section import Section

if TYPE_CHECKING:
    from config.problems import Place

ANY = "*"
"""In a setting's place: any name, or any position in a list."""


def keys_at(model: type[Section], place: Place) -> tuple[str, ...]:
    """Return the keys that may stand in the section at `place`; empty where keys are free or there is no section."""
    section: type[Section] | None = model
    kind: Any = model
    for step in place:
        kind = _written(section).get(str(step)) if section else _item(kind)
        section = _section(kind)
    return tuple(_written(section)) if section else ()


def all_settings(model: type[Section], above: Place = ()) -> Iterator[Place]:
    """Yield the place of every setting that is no section itself, with `ANY` for names and list positions."""
    for key, kind in _written(model).items():
        place = (*above, key)
        inner: Any = kind
        while (item := _item(inner)) is not None:
            place, inner = (*place, ANY), item
        section = _section(inner)
        if section is None:
            yield (*above, key)
        else:
            yield from all_settings(section, place)


def _written(section: type[Section]) -> dict[str, Any]:
    """Map the keys of a section, as they stand in the file, to their types."""
    return {info.alias or name: info.annotation for name, info in section.model_fields.items()}


def _plain(kind: Any) -> Any:
    """Take `Annotated` and `| None` off a type."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {Union, types.UnionType}:
        rest = [item for item in get_args(kind) if item is not type(None)]
        return _plain(rest[0]) if len(rest) == 1 else kind
    return kind


def _section(kind: Any) -> type[Section] | None:
    kind = _plain(kind)
    return kind if isinstance(kind, type) and issubclass(kind, Section) and not kind.one_value else None


def _item(kind: Any) -> Any:
    """Return the type of what a mapping or list holds, None for anything else."""
    kind = _plain(kind)
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    return get_args(kind)[1] if get_origin(kind) in {dict, Mapping} else None
