"""Counts over many objects: what leaked from which places, which UIDs were kept, differ or point nowhere.

Rule of the file: it sees bytes that went in and bytes that came out, whatever program is in between.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pydicom
from pydicom.uid import UID_dictionary

from pipeline.header.decoding import silent_decoding
from pipeline.header.ps315_table import COLUMNS, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from tests.factories.corpus.made import Made
    from tests.factories.corpus.plants import Place, Plant

_OWN = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")


@dataclass(kw_only=True)
class Tally:
    """What became of the objects that `add` was told of.

    Parameters
    ----------
    options
        Names of the profile's options: a place whose row says K for one of them is not counted.

    Attributes
    ----------
    checks
        How many plants of each kind of place came out or might have.
    leaks
        (kind of place, place) -> names of the objects in which a plant of it was found.
    refused
        Reason -> names of the objects.
    """

    options: frozenset[str] = frozenset()
    files: int = 0
    checks: Counter[Place] = field(default_factory=Counter)
    leaks: defaultdict[tuple[Place, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _own: dict[str, str] = field(default_factory=dict)
    _seen: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, made: Made, result: bytes | None, *, reason: str = "refused") -> None:
        """Count one object; `result` is None where nothing came out, for `reason`."""
        self.files += 1
        if result is None:
            self.refused[reason].append(made.name)
            return
        counted = [plant for plant in made.plants if not self._may_stay(plant)]
        self.checks.update(plant.place for plant in counted)
        found = {plant.text for plant in made.leaks(result)}
        for plant in counted:
            if plant.text in found:
                self.leaks[plant.place, plant.where].append(made.name)
        self._compare_uids(made.dataset, result)

    def leaked(self, place: Place) -> dict[str, list[str]]:
        """Return place in words -> names of objects, for one kind of place."""
        return {where: names for (of, where), names in self.leaks.items() if of is place}

    def share_leaked(self, place: Place) -> float:
        """Return leaks of a kind of place per check, 0 to 1."""
        return sum(map(len, self.leaked(place).values())) / max(1, self.checks[place])

    @property
    def share_refused(self) -> float:
        """Objects of which nothing came out, 0 to 1."""
        return sum(map(len, self.refused.values())) / max(1, self.files)

    @property
    def inconsistent(self) -> dict[str, set[str]]:
        """Source UIDs that became several UIDs."""
        return {uid: became for uid, became in self._seen.items() if len(became) > 1}

    @property
    def dangling(self) -> dict[str, set[str]]:
        """Source UIDs of objects, series and studies that came out, referenced by a UID that none of them has now."""
        return {uid: self._seen[uid] for uid, own in self._own.items() if self._seen[uid] - {own}}

    def _may_stay(self, plant: Plant) -> bool:
        columns = ROWS.get(f"{plant.tag:08X}", ("", ""))[1].split() if plant.tag is not None else []
        return any(column[1] == "K" and COLUMNS[column[0]] in self.options for column in columns)

    def _compare_uids(self, source: Dataset, result: bytes) -> None:
        with silent_decoding():
            read = pydicom.dcmread(io.BytesIO(result), force=True)
            for keyword in _OWN:
                if keyword in source and keyword in read:
                    self._own[str(source[keyword].value)] = str(read[keyword].value)
            for before, after in uid_pairs(source, read):
                self._seen[before].add(after)


def uid_pairs(source: Dataset, result: Dataset) -> Iterator[tuple[str, str]]:
    """Yield every instance UID with what stands at the same place of the result; removed places are left out."""
    for element in source:
        other = result.get(element.tag)
        if other is None or other.is_empty:
            continue
        if element.VR == "SQ" and other.VR == "SQ" and len(element.value) == len(other.value):
            for item, other_item in zip(element.value, other.value, strict=True):
                yield from uid_pairs(item, other_item)
        elif element.VR == "UI" and element.VM == other.VM == 1 and str(element.value) not in UID_dictionary:
            yield str(element.value), str(other.value)
