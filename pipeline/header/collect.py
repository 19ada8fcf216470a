"""Collect the identifiers of an original: names, IDs, birth date, staff, institution, addresses, phones and UIDs.

Rule of the file: public attributes only, at any depth, and only those that the profile does not keep; private
attributes and free text say too many other things to be compared with.
"""

from __future__ import annotations

import itertools
import re
from datetime import date
from typing import TYPE_CHECKING

from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence

from pipeline.header.decoding import Undecodable, check_depth, decoded, stored_vr
from pipeline.header.folding import fold, tokens
from pipeline.header.identifiers import Identifiers, build, parts_of
from pipeline.header.identity import is_well_known
from pipeline.header.outside import action_for
from pipeline.header.table import Action, Rules
from pipeline.header.vocabulary import MEDICAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_BIRTH_DATE = 0x00100030
_CONTENT_ITEM_UID = 0x0040A124
"""Mapped by Table E.1-1 whatever the options, kept by Table E.3.4-1 where UIDs are retained."""
_WORDS_IDENTIFY = frozenset(
    {
        0x00080080,  # Institution Name
        0x00080081,  # Institution Address
        0x00080092,  # Referring Physician's Address
        0x00081010,  # Station Name
        0x00081040,  # Institutional Department Name
        0x00101040,  # Patient's Address
        0x00101080,  # Military Rank
        0x00102152,  # Region of Residence
    }
)
"""Texts of which every word of 4 letters identifies, as in a name."""
_WHOLE_IDENTIFIES = frozenset(
    {
        0x00080050,  # Accession Number
        0x00080094,  # Referring Physician's Telephone Numbers
        0x00100020,  # Patient ID
        0x00100021,  # Issuer of Patient ID
        0x00100050,  # Patient's Insurance Plan Code Sequence is no text; its codes are not compared
        0x00101000,  # Other Patient IDs
        0x00101050,  # Insurance Plan Identification
        0x00101090,  # Medical Record Locator
        0x00102154,  # Patient's Telephone Numbers
        0x00181000,  # Device Serial Number
        0x00200010,  # Study ID
        0x00380010,  # Admission ID
        0x00400009,  # Scheduled Procedure Step ID
        0x00400253,  # Performed Procedure Step ID
        0x00401001,  # Requested Procedure ID
        0x00402016,  # Placer Order Number
        0x00402017,  # Filler Order Number
    }
)
"""Texts that identify as a whole."""
_NAMED = _WORDS_IDENTIFY | _WHOLE_IDENTIFIES | {_BIRTH_DATE}
_SHORT_IDS = frozenset({0x00080050, 0x00100020, 0x00101000, 0x00380010})
"""Accession Number, Patient IDs, Admission ID: 3 characters count in free text. Study ID is too often a 1."""
_SHORTEST_NAME, _SHORTEST_ID = 2, 3
_NAME_COMPONENTS = 3
"""Family, given and middle name; prefix and suffix (MR, DR, MD) are words of their own (PS3.5 6.2)."""
_NOBODY = frozenset({"anonymous", "anonymized"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
_NAME_PARTS = re.compile(r"[\^=\s,;/\\]+")


def collect_identifiers(source: Dataset, rules: Rules, *, keep_words: tuple[str, ...]) -> Identifiers:
    """Return the identifiers of `source` that must not stand in what leaves.

    Parameters
    ----------
    source
        The original, pixel data or not; read only.
    rules
        The compiled profile: an attribute that it keeps does not identify (Retain Institution Identity, UIDs, …).
    keep_words
        Words that the profile never takes for an identifier.
    """
    collector = _Collector(rules)
    collector.walk(source)
    kept = {fold(word) for word in keep_words}
    return build(
        collector.runs,
        collector.literals,
        frozenset(collector.uids),
        MEDICAL_WORDS | kept,
        frozenset(collector.everyday) - _NOBODY - kept,
    )


class _Collector:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.runs: set[tuple[str, ...]] = set()
        self.literals: set[str] = set()
        self.uids: set[str] = set()
        self.everyday: set[str] = set()

    def walk(self, dataset: Dataset, depth: int = 0) -> None:
        check_depth(depth)
        for vr, tag, stored in _interesting(dataset):
            if vr != "SQ" and action_for(tag, self._rules) is Action.KEEP:
                continue
            if tag == _CONTENT_ITEM_UID and self._rules.retain_uids:
                continue
            if isinstance(stored, RawDataElement) and vr != "SQ" and (plain := _plain_text(stored)) is not None:
                for text in plain.split("\\"):
                    self._take(vr, tag, text.strip(" \0"))
                continue
            element = decoded(dataset, tag)
            if isinstance(element, Undecodable) or element.is_empty:
                continue
            if vr == "SQ" and isinstance(element.value, Sequence):
                for item in element.value:
                    self.walk(item, depth + 1)
                continue
            for value in parts_of(element.value):
                self._take(vr, tag, str(value).strip(" \0"))

    def _take(self, vr: str, tag: int, text: str) -> None:
        if vr == "UI":
            if text and not is_well_known(text):
                self.uids.add(text)
        elif vr == "PN":
            self._take_name(text)
        elif tag == _BIRTH_DATE:
            self._take_date(text)
        elif tag in _WORDS_IDENTIFY:
            self._take_words(text)
        else:
            self._take_whole(text)
            if tag in _SHORT_IDS:
                self._take_everyday(text, _SHORTEST_ID)

    def _take_name(self, text: str) -> None:
        for group in text.split("="):
            self._take_words(group)
            for component in group.split("^")[:_NAME_COMPONENTS]:
                for part in _NAME_PARTS.split(component):
                    self._take_everyday(part, _SHORTEST_NAME)
            components = [component for component in group.split("^") if component.strip()]
            for pair in itertools.permutations(components[:2]):
                self._take_whole(" ".join(pair))

    def _take_words(self, text: str) -> None:
        self._take_whole(text)
        for part in _NAME_PARTS.split(text):
            self._take_whole(part)
            self.runs.update((token,) for token in tokens(fold(part)))

    def _take_whole(self, text: str) -> None:
        run = tuple(tokens(fold(text)))
        self.runs.update({run, ("".join(run),)} if run else ())
        self.literals.add(text)

    def _take_everyday(self, text: str, shortest: int) -> None:
        """Take a name or an ID that is one token; parts of a longer one say too little."""
        run = tokens(fold(text))
        if len(run) == 1 and len(run[0]) >= shortest:
            self.everyday.add(run[0])

    def _take_date(self, text: str) -> None:
        match = _DATE.fullmatch(text)
        if match is None:
            return
        try:
            birth = date(*(int(part) for part in match.groups()))
        except ValueError:
            return
        for written in _written_dates(birth):
            self.runs.add(tuple(tokens(written)))
            self.literals.add(written)


def _interesting(dataset: Dataset) -> Iterator[tuple[str, int, DataElement | RawDataElement]]:
    """Yield VR, tag and element as stored of the elements to look at, without decoding any."""
    for tag, stored in list(dataset.items()):
        number = int(tag)
        if number >> 16 & 1:
            continue
        if number in _NAMED:
            yield "", number, stored
        else:
            vr = stored_vr(stored, number)
            if vr in {"PN", "SQ", "UI"}:
                yield vr, number, stored


def _plain_text(raw: RawDataElement) -> str | None:
    """Return the text of an element that is the same in every character set, None where it must be decoded."""
    value = raw.value
    return value.decode("ascii") if value and value.isascii() and b"\x1b" not in value else None


def _written_dates(birth: date) -> Iterator[str]:
    """Yield a date in the ways people and devices write it."""
    year, month, day = f"{birth.year:04d}", f"{birth.month:02d}", f"{birth.day:02d}"
    orders = ((year, month, day), (day, month, year), (month, day, year))
    for order in orders:
        yield "".join(order)
        for separator in "-./ ":
            yield separator.join(order)
    short = (str(birth.month), str(birth.day))
    for separator in "-./":
        yield separator.join((short[1], short[0], year))
        yield separator.join((short[0], short[1], year))
    name = _MONTHS[birth.month - 1]
    for written_day in {day, short[1]}:
        yield f"{written_day} {name} {year}"
        yield f"{written_day}-{name}-{year}"
        yield f"{name} {written_day} {year}"
    yield f"{day}{name}{year}"
