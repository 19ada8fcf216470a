"""The identifiers of one original, and whether they stand in something that is about to leave.

Rule of the file: only whole tokens count. In text a token has at least 4 characters (2 in scripts without blanks), in
raw bytes 8; a bare number has at least 6 digits; words of `pipeline.header.vocabulary` and the profile's keep-words
never count. So a patient called LI or MASS holds nothing, and one called MILLER holds no MILLERITE. In free text that
is cleaned, where one word too few costs nothing, names and IDs that are shorter or are such words count too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from pipeline.header.byte_search import ByteSearch
from pipeline.header.decoding import Undecodable, decoded, silent_decoding
from pipeline.header.folding import fold, is_unspaced, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydicom.dataset import Dataset

SHORTEST_IN_TEXT = 4
SHORTEST_UNSPACED = 2
SHORTEST_IN_BYTES = 8
SHORTEST_NUMBER = 6
PIXEL_GROUP = 0x7FE0

_UID_IN_TEXT = re.compile(r"\d+(?:\.\d+){3,}", re.ASCII)
_WHOLE_NUMBER_VRS = frozenset({"DS", "IS"})
_TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_BYTES_VRS = frozenset({"OB", "OW", "UN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """What identifies the people and the objects of one original. Confidential; its `repr` shows nothing.

    Parameters
    ----------
    words
        Folded tokens, each identifying alone.
    phrases
        First folded token -> longer runs of tokens that identify together (an ID with a dash, a date with points).
    everyday
        Folded names and IDs that identify in free text only: short ones (Li, 1234), and words (Stone).
    unspaced
        Folded names in scripts without blanks, looked for anywhere in a text.
    uids
        Source UIDs that must not stay.
    literals
        The identifiers as bytes, for `in_bytes`.
    """

    words: frozenset[str] = field(repr=False)
    phrases: Mapping[str, tuple[tuple[str, ...], ...]] = field(repr=False)
    everyday: frozenset[str] = field(repr=False)
    unspaced: frozenset[str] = field(repr=False)
    uids: frozenset[str] = field(repr=False)
    literals: ByteSearch = field(repr=False)

    def in_text(self, text: str) -> bool:
        """Tell whether a text holds an identifier as a whole token, run of tokens or UID."""
        folded = fold(text)
        found = tokens(folded)
        if not self.words.isdisjoint(found):
            return True
        if any(self._phrase_at(found, index) for index, token in enumerate(found) if token in self.phrases):
            return True
        if self.unspaced and not folded.isascii() and any(name in folded for name in self.unspaced):
            return True
        return "." in folded and any(match[0] in self.uids for match in _UID_IN_TEXT.finditer(folded))

    def in_free_text(self, text: str) -> bool:
        """Tell the same of a text that is to be cleaned: there short and everyday names count too."""
        return not self.everyday.isdisjoint(tokens(fold(text))) or self.in_text(text)

    def in_number(self, text: str) -> bool:
        """Tell whether a DS or IS as a whole is an identifier."""
        return text.strip() in self.words

    def in_bytes(self, raw: bytes | bytearray | memoryview) -> bool:
        """Tell whether bytes hold an identifier of 8 or more bytes: ASCII, UTF-8, Latin-1 or UTF-16, any ASCII case."""
        return self.literals.finds(raw)

    def in_dataset(self, dataset: Dataset) -> tuple[str, ...]:
        """Name the elements that hold an identifier, as 8 hexadecimal digits joined by `.` where nested.

        Every element is decoded and looked at, except pixel data (7FE0,xxxx) and dates, times and ages, which the
        profile governs. What cannot be decoded is named too: nobody can say what it holds. The elements' tags are
        no secret; their values are never returned.
        """
        with silent_decoding():
            return tuple(dict.fromkeys(self._walk(dataset, "")))

    def holds(self, vr: str, value: Any) -> bool:
        """Tell whether a decoded value of a VR holds an identifier; sequences are not entered."""
        if vr in _TEXT_VRS:
            return any(self.in_text(str(part)) for part in parts_of(value))
        if vr == "UI":
            return any(str(part) in self.uids for part in parts_of(value))
        if vr in _WHOLE_NUMBER_VRS:
            return any(self._in_number_string(part) for part in parts_of(value))
        return vr in _BYTES_VRS and isinstance(value, bytes) and self.in_bytes(value)

    def _in_number_string(self, part: Any) -> bool:
        """Judge a DS or IS: a number as a whole, anything else, which pydicom lets pass, as the text that it is."""
        return self.in_text(part) if type(part) is str else self.in_number(number_text(part))

    def _walk(self, dataset: Dataset, path: str) -> Iterator[str]:
        for tag in sorted(dataset.keys()):
            if tag.group == PIXEL_GROUP:
                continue
            element = decoded(dataset, tag)
            here = f"{path}{int(tag):08X}"
            if isinstance(element, Undecodable):
                yield here
            elif isinstance(element.value, Sequence):
                for item in element.value:
                    yield from self._walk(item, f"{here}.")
            elif self.holds(element.VR, element.value):
                yield here

    def _phrase_at(self, found: list[str], index: int) -> bool:
        return any(tuple(found[index : index + len(phrase)]) == phrase for phrase in self.phrases[found[index]])


def parts_of(value: Any) -> Iterator[Any]:
    """Yield the values of an element of any VM, none of an empty one."""
    if isinstance(value, MultiValue | list | tuple):
        yield from value
    elif value is not None:
        yield value


def number_text(value: Any) -> str:
    """Return a DS or IS as it was written."""
    return str(getattr(value, "original_string", value))


def is_long_enough(run: tuple[str, ...]) -> bool:
    """Tell whether a run of folded tokens may count as an identifier in text."""
    length = sum(map(len, run))
    if len(set("".join(run))) == 1:
        return False  # 000000 and XXXX stand for nothing
    if all(token.isdecimal() for token in run):
        return length >= SHORTEST_NUMBER
    return length >= SHORTEST_IN_TEXT


def build(
    runs: set[tuple[str, ...]],
    literal_texts: set[str],
    uids: frozenset[str],
    harmless: frozenset[str],
    everyday: frozenset[str] = frozenset(),
) -> Identifiers:
    """Make `Identifiers` of what was collected, by the rule of this file.

    Parameters
    ----------
    runs
        Folded tokens that identify, alone or in this order.
    literal_texts
        The same as they were written, for the search in bytes.
    harmless
        Folded words that identify nobody.
    everyday
        Folded words that identify in free text, harmless or not.
    """
    kept = {run for run in runs if run and is_long_enough(run) and not harmless.issuperset(run)}
    unspaced = {"".join(run) for run in runs if is_unspaced("".join(run)) and len("".join(run)) >= SHORTEST_UNSPACED}
    phrases: dict[str, list[tuple[str, ...]]] = {}
    for run in kept:
        if len(run) > 1:
            phrases.setdefault(run[0], []).append(run)
    literals = frozenset(text for text in literal_texts if is_long_enough(tuple(tokens(fold(text)))))
    return Identifiers(
        words=frozenset(run[0] for run in kept if len(run) == 1),
        phrases={first: tuple(runs) for first, runs in phrases.items()},
        everyday=everyday,
        unspaced=frozenset(unspaced),
        uids=uids,
        literals=_byte_search(literals | uids, harmless),
    )


def _byte_search(texts: frozenset[str], harmless: frozenset[str]) -> ByteSearch:
    narrow: set[bytes] = set()
    wide: set[bytes] = set()
    for text in texts:
        if harmless.issuperset(tokens(fold(text))):
            continue
        narrow.update(text.encode(charset, "ignore").lower() for charset in ("utf-8", "latin-1"))
        wide.update(text.encode(charset).lower() for charset in ("utf-16-le", "utf-16-be"))
    return ByteSearch(
        whole=frozenset(pattern for pattern in narrow if len(pattern) >= SHORTEST_IN_BYTES),
        anywhere=frozenset(pattern for pattern in wide if len(pattern) >= 2 * SHORTEST_IN_BYTES),
    )
