"""What a dry run adds up: per SOP class, which attributes would fare how, and by which rule.

Rule of the file: memory is bounded by what differs, never by how many files there are. Values are in it only when a
steward asked for them, and then a few per line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydicom.uid import UID

if TYPE_CHECKING:
    from config.schema import Profile
    from pipeline.dry_run.look import Line, Look

WITHOUT_VALUES = (
    "No value of a header is in this file. Paths of files are, where an object would be held or is in doubt: it is "
    "confidential as far as they are."
)
WITH_VALUES = (
    "CONFIDENTIAL: this file shows values of patients beside what would replace them. It undoes the "
    "de-identification of every object in it. Do not send it, do not keep it longer than you read it."
)
MOST_LISTED = 1000
"""So many held and refused files are named, of each kind; all are counted."""
_MOST_ROWS = 20_000
_MOST_EXAMPLES = 3
_MOST_VALUES = 5


@dataclass(slots=True)
class _Row:
    objects: int = 0
    elements: int = 0
    doubts: dict[str, _Doubt] = field(default_factory=dict)
    values: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    more_values: bool = False


@dataclass(slots=True)
class _Doubt:
    elements: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _SopClass:
    objects: int = 0
    with_pixels: int = 0
    frames: int = 0
    masked: int = 0
    left_out: int = 0
    rows: dict[tuple[str, str, str, str, str], _Row] = field(default_factory=dict)


@dataclass(slots=True)
class _Listed:
    counts: dict[str, int] = field(default_factory=dict)
    files: list[dict[str, str]] = field(default_factory=list)

    def add(self, source: str, reason: str, note: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if len(self.files) < MOST_LISTED:
            self.files.append({"source": source, "reason": reason, "note": note})

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class Account:
    """Adds up looks and failures.

    Parameters
    ----------
    with_values
        Values before and after are kept, a few per line: the account is confidential then.
    """

    def __init__(self, *, with_values: bool) -> None:
        self._with_values = with_values
        self._classes: dict[str, _SopClass] = {}
        self._held = _Listed()
        self._refused = _Listed()
        self._skipped = 0

    @property
    def held(self) -> int:
        """How many files would be held so far."""
        return self._held.total

    @property
    def done(self) -> int:
        """How many files were looked at so far."""
        objects = sum(one.objects for one in self._classes.values())
        return objects + self._held.total + self._refused.total + self._skipped

    def add(self, look: Look, source: str) -> None:
        """Add an object that would leave."""
        of_class = self._classes.setdefault(look.sop_class_uid, _SopClass())
        of_class.objects += 1
        of_class.with_pixels += bool(look.frames)
        of_class.frames += look.frames
        of_class.masked += bool(look.masks)
        seen: set[int] = set()
        for line in look.lines:
            key = (line.attribute, line.tag, line.vr, line.outcome.value, line.rule)
            if key not in of_class.rows and len(of_class.rows) >= _MOST_ROWS:
                of_class.left_out += 1
                continue
            row = of_class.rows.setdefault(key, _Row())
            row.objects += id(row) not in seen
            seen.add(id(row))
            row.elements += 1
            self._note(row, line, source)

    def _note(self, row: _Row, line: Line, source: str) -> None:
        if line.doubt:
            doubt = row.doubts.setdefault(line.doubt, _Doubt())
            doubt.elements += 1
            if source not in doubt.examples and len(doubt.examples) < _MOST_EXAMPLES:
                doubt.examples.append(source)
        if self._with_values and (line.before or line.after):
            pair = (line.before, line.after)
            if pair in row.values or len(row.values) < _MOST_VALUES:
                row.values[pair] = line.reasons
            else:
                row.more_values = True

    def hold(self, source: str, reason: str, note: str) -> None:
        """Add an object that would be held."""
        self._held.add(source, reason, note)

    def refuse(self, source: str, reason: str, note: str) -> None:
        """Add a file that is no DICOM object."""
        self._refused.add(source, reason, note)

    def skip(self) -> None:
        """Add a DICOMDIR, which lists files and is no object."""
        self._skipped += 1

    def content(self, profile: Profile) -> dict[str, Any]:
        """Return the content of `dry-run.json`."""
        leave = sum(one.objects for one in self._classes.values())
        return {
            "version": version("sonoveil"),
            "dry_run": True,
            "profile": profile.name,
            "has_values": self._with_values,
            "notice": WITH_VALUES if self._with_values else WITHOUT_VALUES,
            "counts": {
                "read": self.done,
                "would_leave": leave,
                "would_be_held": self._held.total,
                "refused": self._refused.total,
                "skipped": self._skipped,
            },
            "held_reasons": dict(sorted(self._held.counts.items())),
            "held": self._held.files,
            "refused": self._refused.files,
            "pixels": pixel_stage(profile),
            "classes": [self._class_content(uid, one) for uid, one in sorted(self._classes.items())],
        }

    def _class_content(self, uid: str, of_class: _SopClass) -> dict[str, Any]:
        rows = sorted(of_class.rows.items(), key=lambda item: (_sort_key(item[0]), item[0]))
        return {
            "sop_class_uid": uid,
            "name": UID(uid).name if UID(uid).name != uid else "private or unknown class",
            "objects": of_class.objects,
            "with_pixels": of_class.with_pixels,
            "frames": of_class.frames,
            "with_device_mask": of_class.masked,
            "attributes_not_listed": of_class.left_out,
            "attributes": [self._row_content(key, row) for key, row in rows],
        }

    def _row_content(self, key: tuple[str, str, str, str, str], row: _Row) -> dict[str, Any]:
        attribute, tag, vr, outcome, rule = key
        content: dict[str, Any] = {
            "attribute": attribute,
            "tag": tag,
            "vr": vr,
            "outcome": outcome,
            "rule": rule,
            "objects": row.objects,
            "elements": row.elements,
            "doubts": [
                {"why": reason, "elements": doubt.elements, "examples": doubt.examples}
                for reason, doubt in sorted(row.doubts.items())
            ],
        }
        if self._with_values:
            content["values"] = [
                {"before": before, "after": after, "cleaned": list(reasons)}
                for (before, after), reasons in row.values.items()
            ]
            content["more_values"] = row.more_values
        return content


def _sort_key(key: tuple[str, str, str, str, str]) -> tuple[int, str]:
    """Order lines of the root before those of sequences, by tag."""
    return key[0].count(" > "), key[1]


def pixel_stage(profile: Profile) -> list[str]:
    """Return what the pixel stage would do under a profile; a dry run runs no model and decodes no frame."""
    pixels = profile.pixels
    lines = ["Not run: a dry run decodes no frame and runs no model. Undecodable frames and text in pixels show later."]
    if pixels.text is None:
        lines.append("Text in pixels: stays.")
    else:
        kept = ", ".join(pixels.text.keep_words) or "nothing"
        lines.append(
            f"Text in pixels: looked for {pixels.text.where} in every frame by {pixels.text.detector}, "
            f"filled {pixels.text.fill}; words that stay: {kept}."
        )
    if pixels.cone is None:
        lines.append("Ultrasound cone: not looked for.")
    else:
        lines.append(
            f"Ultrasound cone: looked for where Modality is {', '.join(pixels.cone.apply_to)}; outside "
            f"{'black' if pixels.cone.blank_outside else 'stays'}, {'cropped' if pixels.cone.crop else 'not cropped'}."
        )
    script = "and a CTP script " if pixels.ctp_script is not None else ""
    lines.append(
        f"Device masks: {len(pixels.masks)} {script}in the profile; each class says how many objects one fits."
    )
    doubts = ", ".join(pixels.review.hold_when) or "nothing"
    lines.append(f"Written objects: {'searched again' if pixels.verify else 'not searched again'}; held on {doubts}.")
    return lines
