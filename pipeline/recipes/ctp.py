"""CTP's DicomAnonymizer scripts: XML (`<e en="T" t="00080050" n="AccessionNumber">@empty()</e>`) and .properties.

Rule of the file: the XML may declare no document type, so that no entity can be expanded and nothing is fetched. Lines
that are switched off (`en="F"`, `#set.`) ask for nothing. Source: RSNA MIRC wiki, "The CTP DICOM Anonymizer".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from pipeline.recipes.ctp_functions import meaning
from pipeline.recipes.wishes import Intent, Missing, Recipe, Remark, UnreadableRecipeError, Wish, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEX = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_REST = "what the script does not name, it removes; a profile keeps numbers, codes and texts that hold no identifier"
_READ_REST = "read `sonoveil profile show FILE --all`, and add a rule `remove` for what must not leave"
_GROUP = "a whole group is not kept: Table E.1-1 and the rules outside it decide about each attribute"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One element of a script: `kind` p, e, k or r."""

    line: int
    kind: str
    on: bool
    target: str
    name: str
    text: str


def read_xml(text: str) -> Recipe:
    """Read a script in XML.

    Raises
    ------
    UnreadableRecipeError
        Not well-formed, no `<script>`, or with a document type declaration.
    """
    return _recipe("a CTP DicomAnonymizer script", _xml_entries(text))


def read_properties(text: str) -> Recipe:
    """Read a script in the older form, one `set.[0008,0050]AccessionNumber=@empty()` a line."""
    entries = [_property(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]
    return _recipe("a CTP DicomAnonymizer script (.properties)", [entry for entry in entries if entry is not None])


def _xml_entries(text: str) -> list[_Entry]:
    entries: list[_Entry] = []
    open_now: list[tuple[int, str, Mapping[str, str]]] = []
    words: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        if not open_now and name != "script":
            raise UnreadableRecipeError("the XML is no <script>")
        open_now.append((parser.CurrentLineNumber, name, attributes))
        words.clear()

    def end(_name: str) -> None:
        line, name, attributes = open_now.pop()
        if name in {"p", "e", "k", "r"}:
            target = attributes.get("t", "")
            on = name == "p" or attributes.get("en") == "T"
            label = attributes.get("n", "")
            entries.append(_Entry(line=line, kind=name, on=on, target=target, name=label, text="".join(words)))

    def refuse(*_declared: object) -> None:
        raise UnreadableRecipeError(
            "it declares a document type, which could fetch or expand something; remove <!DOCTYPE>"
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = words.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise UnreadableRecipeError(f"no well-formed XML at line {error.lineno}") from None
    return entries


def _property(number: int, line: str) -> _Entry | None:
    left, separator, right = line.partition("=")
    on, left = not left.startswith("#"), left.removeprefix("#").strip()
    kind, dot, rest = left.partition(".")
    if not separator or not dot or kind not in {"param", "set", "keep", "remove"}:
        return None
    target, name = rest.strip(), ""
    if kind == "set":
        bracketed, _, name = rest.partition("]")
        target = re.sub(r"[^0-9A-Fa-f]", "", bracketed)
    elif kind == "keep":
        target = target if target.startswith("safe") else target.removeprefix("group").zfill(4)
    return _Entry(line=number, kind=_KINDS[kind], on=on or kind == "param", target=target, name=name, text=right)


_KINDS = {"param": "p", "set": "e", "keep": "k", "remove": "r"}


def _recipe(form: str, entries: list[_Entry]) -> Recipe:
    parameters = {entry.target: entry.text.strip() for entry in entries if entry.kind == "p"}
    wishes: dict[str, Wish] = {}
    missing: list[Missing] = []
    remarks: list[Remark] = []
    safe = None
    for entry in entries:
        if not entry.on or entry.kind == "p":
            continue
        if entry.kind == "k" and entry.target.startswith("safe"):
            safe = entry.line
            continue
        if entry.kind == "e" and _HEX.fullmatch(entry.target):
            wishes[entry.target.upper()] = _wish(
                entry, parameters, remarks
            )  # the last line of a tag is the one in force
        else:
            missing += _of_groups(entry)
    return Recipe(
        form=form,
        keeps_safe_private=safe,
        wishes=tuple(wishes.values()),
        missing=tuple(missing),
        remarks=tuple(remarks),
    )


def _wish(entry: _Entry, parameters: Mapping[str, str], remarks: list[Remark]) -> Wish:
    found = meaning(entry.text, entry.name or entry.target, parameters)
    if found.creates and found.intent in {Intent.REPLACE, Intent.KEEP}:
        where = f"{entry.name or entry.target}: no rule makes an attribute that an object does not have"
        remarks.append(Remark(line=entry.line, text=where))
    return Wish(
        line=entry.line,
        what=shortened(f"{entry.name or entry.target} {entry.text}"),
        tag=int(entry.target, 16),
        intent=found.intent,
        value=found.value,
        why=found.why,
        instead=found.instead,
    )


def _of_groups(entry: _Entry) -> list[Missing]:
    what = shortened(f"{entry.kind} {entry.target} {entry.text}")
    if entry.kind == "r" and entry.target in {"privategroups", "curves", "overlays"}:
        return []
    if entry.kind == "r" and entry.target == "unspecifiedelements":
        return [Missing(line=entry.line, what="remove unspecified elements", why=_REST, instead=_READ_REST)]
    if entry.kind == "k":
        return [Missing(line=entry.line, what=what, why=_GROUP, instead="see `sonoveil profile show FILE --all`")]
    return [Missing(line=entry.line, what=what, why="not understood", instead="look at the line")]
