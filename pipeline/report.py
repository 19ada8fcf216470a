"""The record of one instance, and `report.json` of a run: numbers and outcomes, never recognised text.

The structure is promised to other tools; add to it, rename nothing.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipeline.records import FrameCrop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.reasons import Held
    from pipeline.records import DeidentifiedInstance, WrittenPlan

WRITTEN, HELD, REFUSED, SKIPPED = "written", "held", "refused", "skipped"
_OWNER_ONLY = 0o600
_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the report's `instances`.

    Parameters
    ----------
    source
        Path relative to the input; confidential as the input's folder names are.
    output
        Path relative to the output folder; None unless written.
    state
        `written`, `held`, `refused` (no DICOM at all) or `skipped` (a DICOMDIR).
    reason, note
        Why it is not written; None where it is.
    seconds
        Wall clock.
    record
        As `record` returns it; empty where nothing was found out.
    """

    source: str
    output: str | None
    state: str
    reason: str | None
    note: str | None
    seconds: float
    record: Mapping[str, Any]


def record(instance: DeidentifiedInstance) -> dict[str, Any]:
    """Return what is kept about an instance: what was done to its pixels, in numbers, and by which models."""
    findings = instance.findings
    box = findings.cone.box
    return {
        "frames": findings.frames,
        "redacted_fraction": round(findings.redacted_fraction, _DIGITS),
        "cone": {
            "outcome": findings.cone.outcome.value,
            "confidence": round(findings.cone.confidence, _DIGITS),
            "box": list(box) if box is not None else None,
        },
        "text_regions": len(findings.text),
        "plan": None if findings.plan is None else plan_record(findings.plan),
        "transfer_syntax_uid": instance.transfer_syntax_uid,
        "sha256": instance.sha256,
        "profile_sha256": instance.profile_sha256,
        "models": dict(instance.model_sha256),
    }


def plan_record(plan: WrittenPlan) -> dict[str, Any]:
    """Return the plan by which frames were painted, as the record and the review show it."""
    return {
        "rows": plan.rows,
        "columns": plan.columns,
        "grid": list(plan.grid),
        "crop": list(plan.crop),
        "kept": plan.kept,
        "kept_rule": plan.kept_rule,
        "doubt": plan.doubt,
        "blanked": [
            {"frames": [one.frame_first, one.frame_last], "box": list(one.box), "rule": one.rule}
            for one in plan.blanked
        ],
        "dropped": list(plan.dropped),
    }


def crop_of(kept: Mapping[str, Any]) -> FrameCrop | None:
    """Return what was left of an instance's frames, by its record; None where it has none."""
    plan = kept.get("plan")
    return None if plan is None else FrameCrop(rows=plan["rows"], columns=plan["columns"], box=tuple(plan["crop"]))


def held_record(held: Held) -> dict[str, Any]:
    """Return what is kept about a held instance: the reason, and the record of a result that may be released."""
    return {
        "reason": held.reason.value,
        "note": held.note,
        "result": None if held.result is None else record(held.result),
    }


def report(*, profile: str, models: Mapping[str, str], entries: Iterable[Entry]) -> dict[str, Any]:
    """Return the content of `report.json`."""
    listed = list(entries)
    states = [entry.state for entry in listed]
    return {
        "version": version("sonoveil"),
        "profile": profile,
        "models": dict(models),
        "counts": {
            "read": len(listed),
            "written": states.count(WRITTEN),
            "held": states.count(HELD),
            "refused": states.count(REFUSED),
            "skipped": states.count(SKIPPED),
        },
        "instances": [_line(entry) for entry in listed],
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a confidential JSON file (0600), durably and at once."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def write_text(path: Path, content: str) -> None:
    """Write a confidential text file (0600, UTF-8), durably and at once."""
    temporary = path.with_name(f".{path.name}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _line(entry: Entry) -> dict[str, Any]:
    return {
        "source": entry.source,
        "output": entry.output,
        "state": entry.state,
        "reason": entry.reason,
        "note": entry.note,
        "seconds": round(entry.seconds, 3),
        "frames": entry.record.get("frames"),
        "redacted_fraction": entry.record.get("redacted_fraction"),
        "cone": entry.record.get("cone"),
        "text_regions": entry.record.get("text_regions"),
        "plan": entry.record.get("plan"),
        "sha256": entry.record.get("sha256"),
    }
