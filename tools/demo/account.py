"""The verdict: what was sent, what arrived, what was held, and whether anything planted is on the research side.

Rule of the file: a `Verdict` is good only when nothing was found *and* everything is where it is expected; whatever
is not as expected is a sentence in `problems`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydicom import dcmread

from pipeline.header.identity import Identities
from tools.demo.node import PROJECT, SOFT_TISSUE_PROJECT
from tools.demo.patients import planted_in_headers
from tools.demo.pixels import Comparison, ComparisonError, Reading, compare, frames_of
from tools.demo.search import Leak, in_bytes, search_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydicom.dataset import Dataset

    from tools.demo.peers import Received
    from tools.demo.worklist import Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One object on both sides.

    Parameters
    ----------
    received
        None where it did not arrive.
    project
        The project under which it arrived: a patient has one pseudonym in each.
    comparison
        None where there are no pixels to compare.
    """

    sent: Sent
    received: Dataset | None
    project: str | None
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The demonstration in numbers.

    Parameters
    ----------
    planted_headers
        Distinct strings planted in headers.
    planted_lines
        Lines of text burned into pixels of the objects that arrived.
    leaks
        Planted strings found in received files, the gateway's log or its metrics.
    legible_lines
        Burned lines that survive in received pixels.
    lines_read_sent, lines_read_received
        Burned lines that the text recogniser reads in what was sent, and in what was received.
    altered_pixels
        Received pixels that are neither as sent nor blanked.
    patients, pseudonyms
        Of the objects that arrived; a patient counts once in each project.
    problems
        What is not as it should be, one sentence each.
    """

    sent: int
    received: int
    held: Mapping[str, int]
    planted_headers: int
    planted_lines: int
    leaks: tuple[Leak, ...]
    legible_lines: int
    lines_read_sent: int
    lines_read_received: int
    altered_pixels: int
    patients: int
    pseudonyms: int
    balanced: bool
    problems: tuple[str, ...]

    @property
    def identifiers_found(self) -> int:
        """Planted strings, lines of pixels and readings on the research side, together; zero is the promise."""
        return len(self.leaks) + self.legible_lines + self.lines_read_received

    @property
    def good(self) -> bool:
        """Nothing was found, and nothing is missing."""
        return not self.identifiers_found and not self.problems


def pair_up(worklist: Sequence[Sent], received: Sequence[Received], key: bytes) -> tuple[Pair, ...]:
    """Put sent and received objects side by side, by the public UID that the key gives to each."""
    identities = [Identities(key, project) for project in (PROJECT, SOFT_TISSUE_PROJECT)]
    by_uid = {one.sop_instance_uid: one for one in received}
    pairs = []
    for sent in worklist:
        uids = {one.public_uid(str(sent.dataset.SOPInstanceUID)): one.project for one in identities}
        uid = next((uid for uid in uids if uid in by_uid), None)
        dataset = dcmread(by_uid[uid].path) if uid else None
        comparison = _comparison(sent, dataset) if dataset is not None else None
        project = uids[uid] if uid else None
        pairs.append(Pair(sent=sent, received=dataset, project=project, comparison=comparison))
    return tuple(pairs)


def _comparison(sent: Sent, received: Dataset) -> Comparison | None:
    if "PixelData" not in sent.dataset or "PixelData" not in received:
        return None
    try:
        return compare(frames_of(sent.dataset), frames_of(received), sent.burned)
    except ComparisonError:
        return None


def judge(
    pairs: Sequence[Pair],
    stored: Sequence[Received],
    spoken: Mapping[str, bytes],
    *,
    held: Mapping[str, int],
    reconciled: Mapping[str, Any],
) -> Verdict:
    """Search everything that the research side has.

    Parameters
    ----------
    stored
        Every file that arrived, paired or not.
    spoken
        What the gateway said to anybody who listens, by name: its log, its metrics.
    held
        Held instances by reason.
    reconciled
        The answer of `sonoveil reconcile --json`.
    """
    planted = tuple(dict.fromkeys(word for pair in pairs for word in planted_in_headers(pair.sent.patient)))
    leaks = [leak for one in stored for leak in search_file(one.path, planted)]
    leaks += [
        Leak(file=name, planted=word, where="bytes") for name, raw in spoken.items() for word in in_bytes(raw, planted)
    ]
    arrived = [pair for pair in pairs if pair.received is not None]
    compared = [(pair, pair.comparison) for pair in arrived if pair.comparison is not None]
    read_sent, read_received = _read(arrived)
    return Verdict(
        sent=len(pairs),
        received=len(stored),
        held=dict(held),
        planted_headers=len(planted),
        planted_lines=sum(len(pair.sent.burned) for pair in arrived),
        leaks=tuple(leaks),
        legible_lines=sum(one.legible_lines for _, one in compared),
        lines_read_sent=read_sent,
        lines_read_received=read_received,
        altered_pixels=sum(one.altered_pixels for _, one in compared),
        patients=len({(pair.sent.patient.number, pair.project) for pair in arrived}),
        pseudonyms=len(_pseudonyms(arrived)),
        balanced=bool(reconciled["balanced"]),
        problems=tuple(_problems(pairs, stored, held, reconciled, read_sent)),
    )


def _read(arrived: Sequence[Pair]) -> tuple[int, int]:
    """How many burned lines the recogniser reads in what was sent, and in what was received."""
    reading = Reading()
    sent = received = 0
    for pair in arrived:
        if pair.sent.burned and pair.received is not None:
            sent += reading.lines_read(frames_of(pair.sent.dataset), pair.sent.burned)
            received += reading.lines_read(frames_of(pair.received), pair.sent.burned)
    return sent, received


def _problems(
    pairs: Sequence[Pair],
    stored: Sequence[Received],
    held: Mapping[str, int],
    reconciled: Mapping[str, Any],
    read_sent: int,
) -> list[str]:
    problems = [f"{pair.sent.name} {fault}" for pair in pairs if (fault := _fault(pair)) is not None]
    expected = Counter(str(pair.sent.held) for pair in pairs if pair.sent.held is not None)
    if Counter(held) != expected:
        problems.append(f"held are {_counted(held)}; expected were {_counted(expected)}")
    if len(stored) != sum(pair.received is not None for pair in pairs):
        problems.append("the research PACS has an object that nobody sent")
    if not _one_pseudonym_each([pair for pair in pairs if pair.received is not None]):
        problems.append("patients and pseudonyms do not correspond one to one within a project")
    if not reconciled["balanced"]:
        problems.append("`sonoveil reconcile` does not balance")
    if reconciled["acknowledged"] != len(pairs):
        problems.append("`sonoveil reconcile` counts another number of objects than were sent")
    if not read_sent:
        problems.append("the recogniser read nothing in what was sent, so that its silence proves nothing")
    return problems


def _pseudonyms(pairs: Sequence[Pair]) -> set[str]:
    return {str(pair.received.PatientID) for pair in pairs if pair.received is not None}


def _one_pseudonym_each(arrived: Sequence[Pair]) -> bool:
    patients = {(pair.sent.patient.number, pair.project) for pair in arrived}
    of_each = [[pair for pair in arrived if (pair.sent.patient.number, pair.project) == one] for one in patients]
    return all(len(_pseudonyms(pairs)) == 1 for pairs in of_each) and len(_pseudonyms(arrived)) == len(patients)


def _fault(pair: Pair) -> str | None:
    """Say what is wrong with one object; None where nothing is."""
    if pair.received is None:
        return "did not arrive" if pair.sent.held is None else None
    if pair.sent.held is not None:
        return "arrived, but must be held"
    if "Rows" not in pair.sent.dataset:
        return None
    if pair.comparison is None:
        return "arrived with other pixels than it was sent with"
    return "has pixels that are neither as sent nor blanked" if pair.comparison.altered_pixels else None


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items())) or "none"
