"""The file of an imported profile: YAML with a comment for every line that a person will ask about.

Rule of the file: every text of the foreign recipe is written as a quoted scalar or, on one line, as a comment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.recipes.grant import attribute
from pipeline.recipes.wishes import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.schema import Option
    from pipeline.recipes.grant import RuleLine
    from pipeline.recipes.masks import MaskLine
    from pipeline.recipes.wishes import Missing, Remark

_MOST_COMMENTS = 1000
"""A profile is read only up to a size; a recipe that has more to say is not one that anybody wrote by hand."""
_OPTIONS = {
    "clean_pixel_data": "not the recipe's: text in pixels is looked for and blanked, as in every shipped profile",
    "retain_longitudinal_modified_dates": "the recipe moves dates",
    "retain_safe_private": "the recipe keeps private attributes known to be safe; which these are, PS3.15 and TCIA say",
}


def profile_text(
    *,
    source: str,
    options: Sequence[Option],
    prefix: str,
    rules: Sequence[RuleLine],
    masks: Sequence[MaskLine],
    missing: Sequence[Missing],
    remarks: Sequence[Remark],
) -> str:
    """Return the content of the profile's file."""
    lines = [
        f"# Imported from {shortened(source)}.",
        f"# {len(rules)} rules, {len(masks)} device masks; not carried over, and listed at the end: {len(missing)}.",
        "# What no line here names is treated by the Basic Application Level Confidentiality Profile (PS3.15 Annex E).",
        "# See all of it with `sonoveil profile show`, and try it with `sonoveil deid --dry-run` first.",
        "",
        "options:",
        *(f"  - {option.value}   # {_OPTIONS[option.value]}" for option in options),
        "",
        f"patient_id: {{method: keyed, prefix: {json.dumps(prefix)}}}",
        *(["", "private_tags: {keep_safe: true}"] if "retain_safe_private" in options else []),
        "",
        *_rules(rules),
        "",
        *_masks(masks),
        *_comments("Carried over, and works otherwise than it did:", remarks),
        *_comments("Not carried over (line in the recipe: what: why; what to do instead):", missing),
    ]
    return "\n".join(lines) + "\n"


def _rules(rules: Sequence[RuleLine]) -> Iterator[str]:
    if not rules:
        yield "rules: []"
        return
    yield "# Attributes that the recipe treats otherwise than the Basic Profile would, each with the line that says so."
    yield "rules:"
    for rule in rules:
        value = "" if rule.value is None else f", value: {_quoted(rule.value)}"
        tag = attribute(rule.tag)
        name = tag if tag.isalnum() else _quoted(tag)
        yield f"  - {{tag: {name}, action: {rule.action}{value}}}   # {shortened(rule.comment)}"


def _masks(masks: Sequence[MaskLine]) -> Iterator[str]:
    if not masks:
        return
    yield "pixels:"
    yield "  masks:"
    for mask in masks:
        names = ", ".join(f"{key}: {_quoted(name)}" for key, name in mask.names)
        rectangles = ", ".join(str(list(one)) for one in mask.rectangles)
        yield f"    # {shortened(mask.comment)}"
        yield f"    - {{{names}, columns: {mask.columns}, rows: {mask.rows}, rectangles: [{rectangles}]}}"


def _comments(title: str, listed: Sequence[object]) -> Iterator[str]:
    if not listed:
        return
    yield ""
    yield f"# {title}"
    for one in listed[:_MOST_COMMENTS]:
        yield f"# - {' '.join(str(one).split())}"
    if len(listed) > _MOST_COMMENTS:
        yield f"# and {len(listed) - _MOST_COMMENTS} more, which the import printed"


def _quoted(text: str) -> str:
    """Write a double-quoted scalar: JSON's are YAML's, but for letters that YAML does not take as they are."""
    plain = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08X}" for letter in plain)
