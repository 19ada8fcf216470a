"""The corpus: a planted object of any kind in any syntax that its pixels may have, as the bytes of a file.

    made = make("CT", JPEG_2000, seed=3)
    made.leaks(bytes_that_came_out)      # the plants that are still there

Rule of the file: the same kind, syntax and seed give the same bytes; the seed alone gives patient and study.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from tests.factories.corpus.container import file_of
from tests.factories.corpus.outside import alias_names, write_outside, write_outside_of_image
from tests.factories.corpus.patient import CHARACTER_SETS, Shared, write_frame_of_reference, write_patient, write_study
from tests.factories.corpus.pixels import NATIVE, SYNTAXES, write_pixels
from tests.factories.corpus.plants import Place, Plant, Plants
from tests.factories.corpus.private_places import write_private
from tests.factories.corpus.radiographs import RADIOGRAPHS
from tests.factories.corpus.reports import REPORTS
from tests.factories.corpus.sections import SECTIONS
from tests.factories.corpus.table_rows import write_rows
from tests.factories.corpus.therapy import THERAPY
from tests.factories.corpus.visible import VISIBLE
from tests.factories.search import find_planted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.factories.corpus.kind import Kind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*RADIOGRAPHS, *SECTIONS, *VISIBLE, *REPORTS, *THERAPY)}
_WITHOUT_SIDE = frozenset({"SR-BASIC", "SR-ENHANCED", "SR-COMPREHENSIVE", "SR-DOSE", "KOS", "PDF", "CDA", "STL"})
"""Kinds whose series has no laterality."""
TURNS = 97
"""Into how many parts the rows of the table and of the dictionary are dealt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One planted file.

    Parameters
    ----------
    dataset
        Its content, pixel data as in the file.
    strangers
        Names outside the table are nobody's whom the header names.
    """

    kind: str
    syntax: str
    raw: bytes
    dataset: Dataset
    plants: tuple[Plant, ...]
    strangers: bool

    @property
    def name(self) -> str:
        """Kind and syntax, as a file's name."""
        return f"{self.kind}-{SYNTAXES.get(self.syntax, self.syntax)}"

    def leaks(self, result: bytes) -> list[Plant]:
        """Return the plants that stand in the bytes of a result."""
        return self.leaks_of(result, self.plants)

    @staticmethod
    def leaks_of(result: bytes, plants: Iterable[Plant]) -> list[Plant]:
        """Return those of some plants that stand in the bytes of a result."""
        plants = list(plants)
        found = set(find_planted(result, [plant.text for plant in plants]))
        return [plant for plant in plants if plant.text in found]


def make(kind: str, syntax: str, *, seed: int = 1, planted: bool = True, strangers: bool | None = None) -> Made:
    """Return a planted object.

    Parameters
    ----------
    kind, syntax
        Of `KINDS` and `SYNTAXES`; `combinations` yields those that go together.
    seed
        Names patient and study.
    strangers
        Whether names outside the table are strangers'; as the combination has it where it is not said.
    planted
        False: only what patient, study and kind need, for comparisons of validity.
    """
    described, turn = KINDS[kind], _turn(kind, syntax)
    shared = _shared(seed)
    strangers = _is_odd(kind, syntax) if strangers is None else strangers
    plants = Plants(seed * 1000 + turn, strangers=strangers, taken=shared.plants.words)
    plants.plants.extend(shared.plants.plants)
    dataset = Dataset()
    write_patient(dataset, shared, plants)
    write_study(dataset, shared, plants, kind=kind, modality=described.modality)
    if described.in_space:
        write_frame_of_reference(dataset, shared, plants)
    dataset.SOPClassUID = described.sop_class
    dataset.SOPInstanceUID = plants.planted(shared.study.instance(kind), Place.UID, "SOP Instance UID")
    dataset.InstanceNumber = str(turn + 1)
    if described.pixels is not None:
        write_pixels(dataset, described.pixels, syntax, plants, planted=planted)
    described.write(dataset, shared, plants)
    if not {"ImageLaterality", "Laterality"} & set(dataset.dir()) and described.name not in _WITHOUT_SIDE:
        dataset.Laterality = ""
    if planted:
        if described.pixels is not None:
            write_outside_of_image(dataset, plants)
        write_private(dataset, plants)
        write_rows(dataset, plants, turn=turn % TURNS, turns=TURNS)
        write_outside(dataset, plants, turn=turn % TURNS, turns=TURNS)
        alias_names(dataset, plants)
    raw = file_of(dataset, syntax, plants)
    unique = dict.fromkeys(plants.plants)
    return Made(kind=kind, syntax=syntax, raw=raw, dataset=dataset, plants=tuple(unique), strangers=plants.strangers)


def combinations() -> Iterator[tuple[str, str]]:
    """Yield every kind with every syntax that it may be written in."""
    for name, kind in KINDS.items():
        for syntax in SYNTAXES:
            if kind.pixels.fits(syntax) if kind.pixels else syntax in NATIVE:
                yield name, syntax


def _is_odd(kind: str, syntax: str) -> bool:
    return (list(KINDS).index(kind) + list(SYNTAXES).index(syntax)) % 2 == 1


def _turn(kind: str, syntax: str) -> int:
    return list(KINDS).index(kind) * len(SYNTAXES) + list(SYNTAXES).index(syntax)


@lru_cache(maxsize=256)
def _shared(seed: int) -> Shared:
    sets = list(CHARACTER_SETS)
    return Shared(seed, sets[seed % len(sets)])
