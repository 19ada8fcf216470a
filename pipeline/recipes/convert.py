"""A foreign recipe → a commented profile, and a list of what it does not do.

Rule of the file: the profile starts as the Basic Profile with cleaned pixels; a wish can add to it only through
`pipeline.recipes.grant`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from config.schema import Option, PatientIds, Profile
from pipeline.header.explain import ruling
from pipeline.header.table import Action
from pipeline.recipes.ctp import read_properties, read_xml
from pipeline.recipes.ctp_pixels import looks_like_pixels, read_pixels
from pipeline.recipes.deid import read_deid
from pipeline.recipes.grant import RuleLine, grant
from pipeline.recipes.masks import MaskLine, mask_of
from pipeline.recipes.profile_text import profile_text
from pipeline.recipes.wishes import Intent, Missing, Recipe, Remark, UnreadableRecipeError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Converted", "UnreadableRecipeError", "convert"]

_LARGEST_BYTES = 8 << 20
_PATIENT_ID = 0x00100020
_PROPERTIES = re.compile(r"^#?(?:set\.\[|param\.|keep\.|remove\.)", re.MULTILINE)
_DEID = re.compile(r"^\s*(?:FORMAT\s+dicom|%(?:header|filter))", re.MULTILINE | re.IGNORECASE)
_MOST_TOGETHER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A profile and what it lacks.

    Parameters
    ----------
    text
        The profile's file, YAML with comments.
    rules, masks
        How many lines of each it has.
    """

    text: str
    rules: int
    masks: int
    missing: tuple[Missing, ...]
    remarks: tuple[Remark, ...]


def convert(file: Path, *, form: Literal["ctp", "deid"] | None, accept_keeps: bool) -> Converted:
    """Read a foreign recipe and return the profile for it.

    Parameters
    ----------
    form
        None: as the file looks.
    accept_keeps
        What the recipe keeps over the table becomes a rule.

    Raises
    ------
    UnreadableRecipeError
        The file is no recipe of a known kind.
    OSError
        It cannot be read.
    """
    recipe = _read(_text(file), form)
    options = _options(recipe, accept_keeps=accept_keeps)
    profile = Profile(name="imported", options=options)
    grants = [grant(wish, profile, accept_keeps=accept_keeps) for wish in recipe.wishes]
    masks = [mask_of(wish) for wish in recipe.masks]
    rules = sorted((one.rule for one in grants if one.rule is not None), key=lambda rule: rule.tag)
    mask_lines = [line for line, _missing in masks if line is not None]
    prefix, of_prefix = _prefix(recipe)
    missing = [
        *recipe.missing,
        *of_prefix,
        *_of_private(recipe, accept_keeps=accept_keeps),
        *(one.missing for one in grants if one.missing is not None),
        *(one for _line, one in masks if one is not None),
    ]
    remarks = [*recipe.remarks, *(one.remark for one in grants if one.remark is not None), *_of_dates(recipe, profile)]
    return _converted(file.name, recipe.form, options, prefix, rules, mask_lines, missing, remarks)


def _converted(  # noqa: PLR0917  private, and named by their types
    name: str,
    form: str,
    options: tuple[Option, ...],
    prefix: str,
    rules: list[RuleLine],
    masks: list[MaskLine],
    missing: list[Missing],
    remarks: list[Remark],
) -> Converted:
    listed = _together(sorted(missing, key=lambda one: one.line))
    noted = sorted(dict.fromkeys(remarks), key=lambda one: one.line)
    return Converted(
        text=profile_text(
            source=f"{name}, {form}",
            options=options,
            prefix=prefix,
            rules=rules,
            masks=masks,
            missing=listed,
            remarks=noted,
        ),
        rules=len(rules),
        masks=len(masks),
        missing=tuple(listed),
        remarks=tuple(noted),
    )


def _text(file: Path) -> str:
    if file.stat().st_size > _LARGEST_BYTES:
        raise UnreadableRecipeError("larger than any recipe")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableRecipeError("not a text in UTF-8") from None


def _read(text: str, form: Literal["ctp", "deid"] | None) -> Recipe:
    if form == "deid" or (form is None and _DEID.search(text)):
        if not _DEID.search(text):
            raise UnreadableRecipeError("no pydicom/deid recipe: neither FORMAT dicom nor a section")
        return read_deid(text)
    if text.lstrip().startswith("<"):
        return read_xml(text.lstrip())
    if _PROPERTIES.search(text):
        return read_properties(text)
    if looks_like_pixels(text):
        return read_pixels(text)
    raise UnreadableRecipeError("neither a CTP script nor a pydicom/deid recipe; say which by --from")


def _options(recipe: Recipe, *, accept_keeps: bool) -> tuple[Option, ...]:
    dates = (Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,) if _moves_dates(recipe) else ()
    private = (Option.RETAIN_SAFE_PRIVATE,) if accept_keeps and recipe.keeps_safe_private is not None else ()
    return (Option.CLEAN_PIXEL_DATA, *dates, *private)


def _of_private(recipe: Recipe, *, accept_keeps: bool) -> list[Missing]:
    if accept_keeps or recipe.keeps_safe_private is None:
        return []
    instead = (
        "the option retain_safe_private with `private_tags: {keep_safe: true}`, or import again with --accept-keeps"
    )
    why = "the Basic Profile removes private attributes"
    return [Missing(line=recipe.keeps_safe_private, what="keep safe private elements", why=why, instead=instead)]


def _moves_dates(recipe: Recipe) -> bool:
    """Tell whether the recipe moves a date that the option moves too."""
    moving = Profile(name="imported", options=(Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,))
    return any(
        wish.intent is Intent.SHIFT and ruling(wish.tag, moving).action is Action.SHIFT for wish in recipe.wishes
    )


def _of_dates(recipe: Recipe, profile: Profile) -> list[Remark]:
    if Option.RETAIN_LONGITUDINAL_MODIFIED_DATES not in profile.options:
        return []
    first = min(wish.line for wish in recipe.wishes if wish.intent is Intent.SHIFT)
    text = (
        "every date of the table moves, back by a secret number of days of each patient, not by the recipe's own number"
    )
    return [Remark(line=first, text=text)]


def _prefix(recipe: Recipe) -> tuple[str, list[Missing]]:
    """Return what stands before pseudonyms, as far as the recipe says so."""
    for wish in recipe.wishes:
        if wish.tag == _PATIENT_ID and wish.intent is Intent.PSEUDONYM and wish.value.strip():
            try:
                return PatientIds(prefix=wish.value.strip()).prefix, []
            except ValueError:
                why = "no prefix: at most 16 of the characters A-Z a-z 0-9 . _ -"
                return "SV-", [Missing(line=wish.line, what=wish.what, why=why, instead="write `patient_id.prefix`")]
    return "SV-", []


def _together(missing: list[Missing]) -> list[Missing]:
    """List what one line lacks for one reason once, with the names of the first few attributes."""
    groups: dict[tuple[int, str, str], list[str]] = {}
    for one in missing:
        groups.setdefault((one.line, one.why, one.instead), []).append(one.what)
    return [
        Missing(line=line, what=_names(names), why=why, instead=instead)
        for (line, why, instead), names in groups.items()
    ]


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_TOGETHER} more" if len(names) > _MOST_TOGETHER else ""
    return ", ".join(names[:_MOST_TOGETHER]) + more
