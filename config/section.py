"""What every section of the configuration has in common: frozen, strict, no unknown keys.

Rule of the file: nothing here knows a particular setting.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


class Section(BaseModel):
    """A part of the configuration: immutable, strict about types, closed to unknown keys."""

    one_value: ClassVar[bool] = False
    """Whether the section is written as a single value (`/echo/i`, a path) where another section holds it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def one_or_many(value: Any) -> Any:
    """Read a single text as a list of one, and any list as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def as_tuple(value: Any) -> Any:
    """Read a list as a tuple: what YAML calls a list never changes here."""
    return tuple(value) if isinstance(value, list) else value


def _path(value: Any, info: ValidationInfo) -> Any:
    """Read a path; a relative one lies beside the file that names it (`context["folder"]`)."""
    if not isinstance(value, str):
        return value
    if not value.strip() or "\0" in value:
        raise ValueError("write the path of a file or folder")
    if re.match(r"[a-z0-9+]+://", value):
        raise ValueError(f"{value.split(':', maxsplit=1)[0]}:// is not available in this version; write a local path")
    if value.startswith("~"):
        raise ValueError(f"{value!r}: write the whole path; ~ means another folder for every user")
    folder = (info.context or {}).get("folder", Path())
    return Path(folder, value)


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value, re.ASCII):
        raise ValueError(
            f"{value!r} is no name; write 1 to 64 of the characters A-Z a-z 0-9 . _ -, the first a letter or digit"
        )
    return value


def _no_repeats(value: tuple[Any, ...]) -> tuple[Any, ...]:
    for index, item in enumerate(value):
        if item in value[:index]:
            raise ValueError(f"{item} stands twice in this list; remove one")
    return value


class _OneOrMany(BeforeValidator):
    """A list that may be written as its one item, and says so to editors."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        several = handler(core)
        return {"anyOf": [several, several["items"]]}


LocalPath = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string"})]
"""A local file or folder; relative to the file in which it is written."""

Name = Annotated[
    str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][\\w.-]{0,63}$"})
]
"""A name given by the administrator: safe as a metric label and as a file name."""

ListOf = BeforeValidator(as_tuple)
OneOrMany = _OneOrMany(one_or_many)
NoRepeats = AfterValidator(_no_repeats)
