"""One file through the real engine, up to its pixels, and the account of what became of each attribute.

Rule of the file: nothing is judged here. The header is scrubbed by the pipeline's own `Deidentifier`, written to
memory by its own writer, searched by its own search, and then compared with the source.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydicom.datadict import dictionary_has_tag, dictionary_keyword
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.device_masks import device_redactions
from pipeline.frames.read import open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.header.container import write_part10_to
from pipeline.header.decoding import Undecodable, decoded, silent_decoding
from pipeline.header.differences import Difference, Kind, differences
from pipeline.header.explain import PrivateRuling, Ruling, doubt, private_ruling, ruling, why
from pipeline.header.private.safe import TEXT_VRS, PrivateAction
from pipeline.header.table import Action
from pipeline.header.text import Outcome as Cleaned
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from config.schema import Profile
    from pipeline.deidentify import Deidentifier
    from pipeline.header.scrub import ScrubbedHeader
    from pipeline.plan import Redaction
    from pipeline.records import ReceivedInstance

_PATIENT_NAME, _PATIENT_ID = 0x00100010, 0x00100020
_INSIDE = "; its items are scrubbed, see below"
_LONGEST_SHOWN = 160
_PRIVATE_CREATORS = range(0x10, 0x100)


class Outcome(StrEnum):
    """What becomes of an attribute, as a steward reads it."""

    KEPT = "kept"
    """The value leaves as it is."""
    CHANGED = "changed"
    """It leaves in part: an age over 89, one of several values."""
    CLEANED = "cleaned"
    """A text leaves without what may identify."""
    SHIFTED = "shifted"
    """A date leaves, moved by the patient's days."""
    MAPPED = "mapped"
    """A pseudonym or a public UID leaves in its place."""
    REPLACED = "replaced"
    """A dummy, or the value of a rule of the profile, leaves in its place."""
    EMPTIED = "emptied"
    """It leaves without a value."""
    REMOVED = "removed"
    """It does not leave."""
    ADDED = "added"
    """The product writes it."""
    WAS_EMPTY = "was empty"
    """It had no value, and has none."""


_BY_ACTION = {
    Action.UID: Outcome.MAPPED,
    Action.SHIFT: Outcome.SHIFTED,
    Action.DUMMY: Outcome.REPLACED,
    Action.REPLACE: Outcome.REPLACED,
    Action.CLEAN: Outcome.CLEANED,
    Action.KEYED: Outcome.MAPPED,
}
_PRIVATE = dict.fromkeys(PrivateAction, Action.KEEP) | {
    PrivateAction.CLEAN: Action.CLEAN,
    PrivateAction.DATE: Action.SHIFT,
    PrivateAction.REMOVE: Action.REMOVE,
    PrivateAction.UID: Action.UID,
}
"""The public action that an outcome is named after."""
_BY_KIND = {
    Kind.EMPTY: Outcome.WAS_EMPTY,
    Kind.EMPTIED: Outcome.EMPTIED,
    Kind.GONE: Outcome.REMOVED,
    Kind.NEW: Outcome.ADDED,
}
_LET_THROUGH = frozenset({Action.KEEP, Action.CLEAN, Action.SHIFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of one element.

    Parameters
    ----------
    attribute
        Keywords from the root down, joined by ` > `; numbers where there is no keyword. Never a value.
    tag
        `(gggg,eeee)`.
    rule
        Which rule decided.
    doubt
        Why a value that the rule would have let through did not stay as it was; mostly empty.
    before, after, reasons
        Values and what the text cleaner says of them: confidential, and empty unless they were asked for.
    """

    attribute: str
    tag: str
    vr: str
    outcome: Outcome
    rule: str
    doubt: str
    before: str = field(repr=False)
    after: str = field(repr=False)
    reasons: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The account of one object that would leave, if its pixels let it.

    Parameters
    ----------
    frames
        0 where it has no pixel data.
    masks
        Rectangles that the profile's device masks and CTP script would blank on it.
    """

    sop_class_uid: str
    frames: int
    masks: tuple[Redaction, ...]
    lines: tuple[Line, ...] = field(repr=False)


def look_at(received: ReceivedInstance, deidentifier: Deidentifier, *, with_values: bool) -> Look:
    """Return what would become of a file's attributes.

    Raises
    ------
    Held
        As the pipeline would hold it before it looks at its pixels.
    OSError
        The file cannot be read.
    """
    with quiet_libraries(), open_instance(received.path) as source:
        _kind, scrubbed = deidentifier.scrub(source, received)
        _check_residue(scrubbed)
        with silent_decoding():
            lines = tuple(_lines(source.header, scrubbed, deidentifier.profile, with_values=with_values))
        frames = source.frames
        size = None if frames is None else frames.description
        return Look(
            sop_class_uid=scrubbed.sop_class_uid,
            frames=0 if size is None else size.frames,
            masks=()
            if size is None
            else device_redactions(
                source.header,
                deidentifier.profile.pixels,
                rows=size.rows,
                columns=size.columns,
                frames=size.frames,
            ),
            lines=lines,
        )


def _check_residue(scrubbed: ScrubbedHeader) -> None:
    """Hold what the verification of a written object would hold for its header; the bytes are in memory only."""
    buffer = io.BytesIO()
    write_part10_to(buffer, scrubbed.dataset, ExplicitVRLittleEndian)
    found = scrubbed.identifiers.in_dataset(scrubbed.dataset)
    if found or scrubbed.identifiers.in_bytes(buffer.getbuffer()):
        raise Held(Reason.RESIDUAL_IDENTIFIER, f"{len(found) or 'some'} elements would hold an identifier")


def _lines(source: Dataset, scrubbed: ScrubbedHeader, profile: Profile, *, with_values: bool) -> Iterator[Line]:
    swapped = source.original_encoding[1] is False
    for one in differences(source, scrubbed.dataset, swapped=swapped):
        tag, depth = one.path[-1], len(one.path) - 1
        decided = ruling(tag, profile, depth=depth)
        private = _private(one, profile)
        outcome = _outcome(one, decided.action if private is None else _PRIVATE[private.action], depth)
        rule = why(tag, profile, depth=depth) if private is None else private.rule
        yield Line(
            attribute=" > ".join([*map(_name, one.path[:-1]), _name(tag, private)]),
            tag=_number(tag),
            vr=one.vr,
            outcome=outcome,
            rule=rule + (_INSIDE if one.vr == "SQ" and outcome is Outcome.KEPT else ""),
            doubt=_doubt(one, decided, private, outcome, scrubbed),
            before=_shown(one.before) if with_values else "",
            after=_shown(one.after) if with_values else "",
            reasons=_reasons(one, decided.action, scrubbed) if with_values else (),
        )


def _outcome(one: Difference, action: Action, depth: int) -> Outcome:
    if one.kind in _BY_KIND:
        return _BY_KIND[one.kind]
    is_patient = depth == 0 and one.path[-1] in {_PATIENT_ID, _PATIENT_NAME} and action is not Action.REPLACE
    if is_patient or (one.kind is Kind.CHANGED and one.vr == "UI"):
        return Outcome.MAPPED
    if one.kind is Kind.SAME and action is not Action.DUMMY:
        return Outcome.KEPT
    return _BY_ACTION.get(action, Outcome.CHANGED)


def _doubt(
    one: Difference, decided: Ruling, private: PrivateRuling | None, outcome: Outcome, scrubbed: ScrubbedHeader
) -> str:
    """Return why a value that its rule would have let through did not stay; a treatment has reasons of its own."""
    stayed = {Outcome.KEPT, Outcome.WAS_EMPTY, Outcome.MAPPED, Outcome.SHIFTED, Outcome.CLEANED, Outcome.ADDED}
    if outcome in stayed or one.before is None or decided.treatment:
        return ""
    if private is not None:
        return (
            "" if private.action is PrivateAction.REMOVE else "not what the table of safe attributes says, or in doubt"
        )
    if decided.action not in _LET_THROUGH:
        return ""
    action = decided.action
    return doubt(one.path[-1], action, one.before, scrubbed.identifiers)


def _reasons(one: Difference, action: Action, scrubbed: ScrubbedHeader) -> tuple[str, ...]:
    """Return what the text cleaner says of the words that did not stay; nothing where it did not decide."""
    if action is not Action.CLEAN or one.vr not in TEXT_VRS or isinstance(one.before, Undecodable | None):
        return ()
    decisions = [decision for part in _parts(one.before.value) for decision in scrubbed.cleaner.explain(str(part))]
    return tuple(
        f"[{_printable(decision.text)}] {decision.outcome}: {decision.rule}"
        for decision in decisions
        if decision.outcome is not Cleaned.KEPT
    )


def _private(one: Difference, profile: Profile) -> PrivateRuling | None:
    """Return what the profile makes of a private attribute; None for public ones and for creators."""
    tag = one.path[-1]
    if not (tag >> 16) % 2 or tag & 0xFFFF in _PRIVATE_CREATORS:
        return None
    creator = (tag & 0xFFFF0000) | ((tag >> 8) & 0xFF)
    element = decoded(one.parent, creator) if creator in one.parent else None
    return private_ruling(tag, str(getattr(element, "value", "")).strip(" \0"), profile)


def _name(tag: int, private: PrivateRuling | None = None) -> str:
    if not (tag >> 16) % 2:
        return str(dictionary_keyword(tag)) if dictionary_has_tag(tag) else _number(tag)
    if tag & 0xFFFF in _PRIVATE_CREATORS:
        return f"{_number(tag)} private creator"
    return f"{_number(tag)} {'private' if private is None else private.name}"


def _number(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _shown(element: Any) -> str:
    """Write a value in one short line."""
    if element is None:
        return ""
    if isinstance(element, Undecodable):
        return "(not decodable)"
    value = element.value
    if isinstance(value, Sequence):
        return f"({len(value)} items)"
    if isinstance(value, bytes | bytearray):
        start = bytes(value[:24])
        return f"({len(value)} bytes: {start!r}{'…' if len(value) > len(start) else ''})"
    text = "" if element.is_empty else _printable("\\".join(map(str, _parts(value))))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text)} characters)"


def _printable(text: str) -> str:
    """Replace what would move a terminal's cursor or turn a line of writing round."""
    return "".join(letter if letter.isprintable() else "\u2423" for letter in text)


def _parts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, MultiValue | list) else [value]
