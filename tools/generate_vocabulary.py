"""Write the word lists of `pipeline/header/text` from packaged terminologies and hand-written lists.

    python -m tools.generate_vocabulary

Run it in an environment that has, besides this project, `Faker` and `names` (both MIT): their name lists, the second
of them that of the 1990 census of the United States, are only used to take names out and are not shipped. Words come
from the concept meanings of PS3.16 and the names of PS3.6 as pydicom packages them (MIT), from the common words of
Faker's sentences, and from `tools/vocabulary`.

A word that is also a name is judged by where it comes from:

- words of `pipeline.header.vocabulary`, of `connecting.txt` and of `essential.txt` stay words;
- words of the hand-written medical lists are marked with `?`: they stay unless a removed word stands beside them;
- all other words go when they are common names or towns, and are marked when they are rare names.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom._dicom_dict import DicomDictionary
from pydicom._uid_dict import UID_dictionary
from pydicom.sr._cid_dict import name_for_cid
from pydicom.sr._concepts_dict import concepts

from pipeline.header.folding import fold
from pipeline.header.text.written_dates import MONTH_WORDS
from pipeline.header.vocabulary import MEDICAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HAND_WRITTEN = Path(__file__).resolve().parent / "vocabulary"
OUTPUT = Path(__file__).resolve().parents[1] / "pipeline" / "header" / "text"
_MEDICAL = "english devices protocols units german french spanish italian dutch_portuguese scripts"
MEDICAL_LISTS = tuple(_MEDICAL.split())
GENERAL_LISTS = ("common",)
SHORTEST_GENERATED = 4
"""Letters; shorter words of terminologies are abbreviations of too many things, so only hand-written ones count."""
COMMON_SURNAME_RANK = 5000
TAKEN_OUT = "-"
LANGUAGES = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "ru_RU")
PERSON_LISTS = r"(?:first|last|middle)_names?|.*_(?:first|last)_names?"
PLACE_LISTS = r"cities|city_names?|towns|municipalities|villages"

_LETTERS = re.compile(r"[^\W\d_]+")
_RUN = re.compile(r"[^\W_]+")


def main() -> int:
    """Write the two lists and say how many words each has."""
    common, rare = _names()
    medical = _hand_written(MEDICAL_LISTS) | _joined("german_stems", "german_heads") | _joined("planes", "weightings")
    medical |= MEDICAL_WORDS
    firm, marked = _hand_written(("connecting", "essential")) | MEDICAL_WORDS, _hand_written(("everyday",)) | medical
    particles = _hand_written(("particles",))
    general = _hand_written(GENERAL_LISTS) | _terminologies() | _everyday_language()
    names = common | rare | MONTH_WORDS
    words = dict.fromkeys(medical | general | firm | particles, "")
    for word in words:
        if word in particles:
            words[word] = "?"
        elif word not in firm and word in names:
            words[word] = "?" if word in marked or word in rare else TAKEN_OUT
    kept = sorted(f"{word}{mark}" for word, mark in words.items() if mark != TAKEN_OUT)
    OUTPUT.mkdir(exist_ok=True)
    _write("vocabulary.txt", kept, "Folded words that may stay in text; `?`: a name too.")
    _write("code_strings.txt", sorted(_code_strings()), "Values of CS attributes, upper case, one on a line.")
    taken = sorted(word for word, mark in words.items() if mark == TAKEN_OUT)
    print(f"{len(kept)} words, {sum(word.endswith('?') for word in kept)} of them marked; {len(taken)} names taken out")
    print(f"taken out of the hand-written ones: {' '.join(sorted(set(taken) & _hand_written(GENERAL_LISTS)))}")
    return 0


def _hand_written(lists: Iterable[str]) -> set[str]:
    """Return the folded words of hand-written lists, and the parts of those that are written with a hyphen."""
    words: set[str] = set()
    for name in lists:
        for line in (HAND_WRITTEN / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                words.update(_RUN.findall(fold(line)))
    return {word for word in words if not word.isdigit()}


def _joined(first: str, second: str) -> set[str]:
    """Return every word of one list followed by every other of the second."""
    return {start + end for start in _hand_written((first,)) for end in _hand_written((second,)) if start != end}


def _terminologies() -> set[str]:
    """Return the words of concept meanings, context groups, attribute names and UIDs, as pydicom packages them."""
    texts = [meaning for scheme in concepts.values() for codes in scheme.values() for meaning, _ in codes.values()]
    texts += [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name) for name in name_for_cid.values()]
    texts += [entry[2] for entry in DicomDictionary.values()]
    texts += [entry[0] for entry in UID_dictionary.values()]
    return {word for text in texts for word in _words(text) if len(word) >= SHORTEST_GENERATED}


def _everyday_language() -> set[str]:
    """Return the common words that Faker makes its sentences of."""
    words: set[str] = set()
    for locale in LANGUAGES:
        provider = importlib.import_module(f"faker.providers.lorem.{locale}").Provider
        words.update(*map(_words, provider.word_list))
    return {word for word in words if len(word) >= SHORTEST_GENERATED}


def _words(text: str) -> list[str]:
    """Return the folded words of a text; a trade mark's sign is none."""
    return _LETTERS.findall(fold(re.sub("[\u2122\u00ae]", " ", text)))


def _names() -> tuple[set[str], set[str]]:
    """Return common and rare names, folded."""
    common, rare = set(_faker_words("person", PERSON_LISTS)) | set(_faker_words("address", PLACE_LISTS)), set()
    lists = Path(str(importlib.import_module("names").__file__)).parent
    for file in sorted(lists.glob("dist.*")):
        for line in file.read_text(encoding="ascii").splitlines():
            name, _, _, rank = line.split()
            first = "first" in file.name
            (common if first or int(rank) <= COMMON_SURNAME_RANK else rare).add(name.lower())
    return common, rare - common


def _faker_words(kind: str, lists: str) -> Iterator[str]:
    """Yield the words of the lists of one kind of provider, in all of its languages."""
    providers = importlib.import_module(f"faker.providers.{kind}")
    for locale in pkgutil.iter_modules(providers.__path__):
        provider = importlib.import_module(f"faker.providers.{kind}.{locale.name}").Provider
        for attribute in filter(re.compile(lists).fullmatch, dir(provider)):
            listed = getattr(provider, attribute)
            for name in listed if isinstance(listed, dict | list | tuple | set | frozenset) else ():
                yield from _LETTERS.findall(fold(str(name)))


def _code_strings() -> set[str]:
    lines = (HAND_WRITTEN / "code_strings.txt").read_text(encoding="utf-8").splitlines()
    return {value.strip().upper() for line in lines if not line.startswith("#") for value in line.split("|")} - {""}


def _write(name: str, lines: list[str], what: str) -> None:
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}" for package in ("pydicom", "Faker", "names")
    )
    head = (
        f"# {what} Generated; do not edit.",
        f"# Written by tools/generate_vocabulary.py on {datetime.now(UTC):%Y-%m-%d} from tools/vocabulary and from",
        "# PS3.16, PS3.6 as packaged in pydicom; names of people and towns taken out by Faker and the census of 1990.",
        f"# {versions}",
    )
    (OUTPUT / name).write_text("".join(f"{line}\n" for line in (*head, *lines)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
