"""`sonoveil profile …`: what profiles there are, what one makes of each attribute, and profiles made from recipes."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.load import load_profile, shipped_profiles
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import add_json, complain, print_json, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

_IMPORT = """Read a DicomAnonymizer script of CTP (XML or .properties), one of its DicomPixelAnonymizer, or a recipe of
pydicom/deid, and write a profile that gives away no more than it. What cannot be carried over is listed, on screen
and as comments at the end of the profile, each with its line, the reason and what to do instead.

An attribute that the foreign file keeps and the Basic Profile does not is left to the Basic Profile, and listed, unless
--accept-keeps is given. Exit code 1 when something was not carried over, 0 when everything was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    tag: str
    keyword: str
    vr: str
    action: str
    rule: str


def profile(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    import argparse  # noqa: PLC0415  for the class of the formatter alone

    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("ls", help="the profiles that come with the product")
    add_json(listing)
    listing.set_defaults(run=_ls)
    show = actions.add_parser("show", help="what a profile makes of each attribute, and by which rule")
    show.add_argument("profile", metavar="NAME|FILE")
    _add_form(show)
    show.set_defaults(run=_show)
    differ = actions.add_parser("diff", help="the attributes that two profiles treat otherwise")
    differ.add_argument("profile", metavar="NAME|FILE")
    differ.add_argument("other", metavar="NAME|FILE")
    _add_form(differ)
    differ.set_defaults(run=_diff)
    made = actions.add_parser(
        "import",
        help="make a profile from a CTP script or a pydicom/deid recipe",
        description=_IMPORT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("file", type=Path, metavar="FILE")
    made.add_argument("-o", "--output", type=Path, required=True, metavar="PROFILE.yaml", help="must not exist yet")
    made.add_argument("--from", dest="form", choices=("ctp", "deid"), help="default: as the file looks")
    made.add_argument("--accept-keeps", action="store_true", help="keep what the foreign file keeps, over the table")
    add_json(made)
    made.set_defaults(run=_import)


def _add_form(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="every attribute of the dictionary, not the table's alone")
    parser.add_argument("--csv", action="store_true", help="comma-separated values")
    add_json(parser)


def _ls(options: argparse.Namespace) -> int:
    found = {name: load_profile(name) for name in shipped_profiles()}
    if options.json:
        print_json({name: [option.value for option in one.options] for name, one in found.items()})
        return DONE
    for name, one in found.items():
        say(f"{name}\t{', '.join(option.value for option in one.options)}")
    return DONE


def _show(options: argparse.Namespace) -> int:
    rows = list(_rows(options.profile, every=options.all))
    if options.json:
        print_json({"profile": options.profile, "attributes": [asdict(row) for row in rows]})
    else:
        _print(("tag", "keyword", "vr", "action", "rule"), [tuple(asdict(row).values()) for row in rows], options)
    return DONE


def _diff(options: argparse.Namespace) -> int:
    first = {row.tag: row for row in _rows(options.profile, every=options.all)}
    second = {row.tag: row for row in _rows(options.other, every=options.all)}
    found = [
        (tag, (first.get(tag) or second[tag]).keyword, *_action(first.get(tag)), *_action(second.get(tag)))
        for tag in sorted(first.keys() | second.keys())
        if _action(first.get(tag))[0] != _action(second.get(tag))[0]
    ]
    names = ("tag", "keyword", "action", "rule", "other_action", "other_rule")
    if options.json:
        print_json({"attributes": [dict(zip(names, row, strict=True)) for row in found]})
    else:
        _print(names, found, options)
    return DONE


def _action(row: _Line | None) -> tuple[str, str]:
    return ("not listed", "") if row is None else (row.action, row.rule)


def _rows(name: str, *, every: bool) -> Iterator[_Line]:
    from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR  # noqa: PLC0415  a second

    from pipeline.header.explain import listed_tags, ruling, why  # noqa: PLC0415  as above

    wanted = load_profile(name)
    for tag in listed_tags(wanted, every=every):
        known = dictionary_has_tag(tag)
        yield _Line(
            tag=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
            keyword=dictionary_keyword(tag) if known else "",
            vr=dictionary_VR(tag) if known else "",
            action=ruling(tag, wanted).action.value,
            rule=why(tag, wanted),
        )


def _print(names: tuple[str, ...], rows: Iterable[tuple[str, ...]], options: argparse.Namespace) -> None:
    if options.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([names, *rows])
        return
    for row in rows:
        say("\t".join(row))


def _import(options: argparse.Namespace) -> int:
    from pipeline.recipes.convert import UnreadableRecipeError, convert  # noqa: PLC0415  pydicom's dictionary

    if options.output.exists():
        raise UsageError(f"{options.output} exists; write another name")
    try:
        made = convert(options.file, form=options.form, accept_keeps=options.accept_keeps)
        options.output.write_text(made.text, encoding="utf-8")
    except UnreadableRecipeError as error:
        raise UsageError(f"{options.file}: {error}") from None
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None
    load_profile(options.output)
    if options.json:
        print_json(_summary(made, options))
    else:
        say(f"wrote {options.output}: {made.rules} rules, {made.masks} device masks")
        for remark in made.remarks:
            say(f"note: {remark}")
        for missing in made.missing:
            complain(f"not carried over: {missing}")
        say(f"{len(made.missing)} not carried over; see `sonoveil profile show {options.output}`")
    return HELD_OR_FAILED if made.missing else DONE


def _summary(made: Any, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "profile": str(options.output),
        "rules": made.rules,
        "masks": made.masks,
        "remarks": [asdict(one) for one in made.remarks],
        "not_carried_over": [asdict(one) for one in made.missing],
    }
