"""Looking for planted identifiers in files: as bytes in several character sets, and as text in decoded headers.

Rule of the file: it knows nothing of how the gateway works. What it finds is a leak; `Leak` names where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom import dcmread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_CHARSETS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "shift_jis", "iso2022_jp", "cp1252")
_SHORTEST_IN_BYTES = 6
_SHORTEST_IN_TEXT = 5
_LONGEST_BINARY = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A planted string that was found.

    Parameters
    ----------
    where
        The tag, or `bytes`.
    """

    file: str
    planted: str
    where: str


def search_file(path: Path, planted: Iterable[str]) -> tuple[Leak, ...]:
    """Search a DICOM file for planted strings, in its name, its bytes and its decoded header."""
    words = tuple(planted)
    found = [Leak(file=path.name, planted=word, where="file name") for word in words if word.lower() in path.name]
    found += [Leak(file=path.name, planted=word, where="bytes") for word in in_bytes(path.read_bytes(), words)]
    dataset = dcmread(path, force=True)
    found += [Leak(file=path.name, planted=word, where=tag) for tag, word in _in_header(dataset, words)]
    found += [Leak(file=path.name, planted=word, where=tag) for tag, word in _in_header(dataset.file_meta, words)]
    return tuple(found)


def in_bytes(raw: bytes, planted: Iterable[str]) -> tuple[str, ...]:
    """Return the planted strings that stand in `raw` in any usual character set, in any case of ASCII letters."""
    haystack = raw.lower()
    return tuple(word for word in planted if any(pattern in haystack for pattern in _patterns(word)))


def _patterns(word: str) -> set[bytes]:
    patterns = set()
    for charset in _CHARSETS:
        try:
            patterns.add(word.encode(charset).lower())
        except UnicodeEncodeError:
            continue
    return {pattern for pattern in patterns if len(pattern) >= _SHORTEST_IN_BYTES}


def _in_header(dataset: Dataset, planted: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    folded = {word: folding(word) for word in planted}
    for element in _elements(dataset):
        text = folding(_text(element))
        for word, wanted in folded.items():
            if wanted and wanted in text and (len(wanted) >= _SHORTEST_IN_TEXT or not wanted.isascii()):
                yield str(element.tag), word


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)
        else:
            yield element


def _text(element: DataElement) -> str:
    value = element.value
    if isinstance(value, bytes):
        return "" if len(value) > _LONGEST_BINARY else value.decode("latin-1")
    return str(value)


def folding(text: str) -> str:
    """Return letters and digits only, in lower case, so that punctuation and line breaks hide nothing."""
    return "".join(character for character in text.lower() if character.isalnum())
