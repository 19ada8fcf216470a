"""How many planted names the text cleaner leaves, and how many medical words it takes.

    python -m benchmarks.text_cleaning [NAMES]

Descriptions in seven languages, with people of fourteen countries planted in the ways in which names are written
(Faker's), and with rare surnames of the census of 1990 (`names`); NAMES texts of each kind, 4,000 by default. No
planted name is among the identifiers of the object: these are the names that only the vocabulary stops. A name counts
as left when one of its words of three letters and more is still a word of the text. Retention is counted in words of
the same descriptions: with a name beside them, and without one.
"""

from __future__ import annotations

import importlib
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.header.folding import fold, tokens
from pipeline.header.identifiers import build
from pipeline.header.text import TextCleaner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCALES = (
    "en_US",
    "en_GB",
    "en_IN",
    "de_DE",
    "de_AT",
    "fr_FR",
    "es_ES",
    "es_MX",
    "it_IT",
    "nl_NL",
    "pt_BR",
    "pl_PL",
    "sv_SE",
    "tr_TR",
)
SHORTEST_WORD = 3
RARE_RANK = 20_000
SEED = 20260101
DESCRIPTIONS = """
CT chest abdomen pelvis with contrast|MRI brain without and with contrast|XR right knee 3 views
US renal bilateral
NM thyroid uptake and scan|CT head without contrast stroke|MR lumbar spine without contrast
Mammogram screening bilateral
AX T2 FSE FS|SAG T1 FLAIR|COR STIR 4mm|3D SPGR post gad|t2_tse_tra_p2|ep2d_diff_b0_1000_ADC|localizer
CTA pulmonary 1.25 MIP
Thorax 5.0 B30f|Abdomen venous 3.0 Br40|PA chest upright|Echo transthoracic complete|CT guided lung biopsy
Portable chest
CT Thorax mit KM|MRT Knie links nativ|Röntgen Hand rechts 2 Ebenen|Sonographie Oberbauch|Schädel CT nativ
LWS seitlich stehend
IRM du genou droit sans injection|Scanner abdominal avec injection|Radiographie du thorax de face
Échographie rénale
RM de rodilla derecha sin contraste|TAC de tórax con contraste|Radiografía de mano izquierda|Ecografía abdominal
RM encefalo senza contrasto|TC torace addome con mdc|Radiografia ginocchio destro|CT hoofd zonder contrast
MRI knie rechts
Tomografia de abdome com contraste|RM do joelho esquerdo
Stable 6 mm nodule in the right upper lobe, no effusion|Mild degenerative changes of the cervical spine
No acute intracranial hemorrhage or mass effect|Gallbladder wall thickening with stones
Fracture of the distal radius, unchanged
The heart is enlarged, small left pleural effusion|Normal ventricles, no midline shift
Patient with persistent cough and fever
""".strip().replace("\n", "|")
PLACES: tuple[str, ...] = (
    "{text} {first} {last}",
    "{text} {LAST}",
    "{LAST}^{FIRST} {text}",
    "{LAST}, {FIRST}: {text}",
    "{last} {text}",
    "{text} - Dr. {last}",
    "{text} ({first} {last})",
    "{LAST}_{FIRST}_{text}",
    "{text}, reported by {first} {last}",
    "{text} {initial}. {last}",
    "Herr {last} {text}",
    "{text}; patient: {last} {first}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A made-up person."""

    first: str
    last: str


def main() -> int:
    """Print leak and retention of both kinds of names, and the speed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    chance = random.Random(SEED)  # noqa: S311  a corpus, no secret
    cleaner = TextCleaner(identifiers=build(set(), set(), frozenset(), frozenset()), shift_days=None)
    descriptions = DESCRIPTIONS.split("|")
    kept = sum(len(_words(cleaner.clean(text))) for text in descriptions)
    print(f"without names: {100 * kept / sum(len(_words(text)) for text in descriptions):.2f} % of words kept")
    for kind, people in (("Faker, 14 locales", _of_faker), ("census, rank > 20,000", _of_census)):
        _measure(kind, people(chance, count), descriptions, cleaner, chance)
    return 0


def _measure(
    kind: str, people: Iterator[Person], descriptions: list[str], cleaner: TextCleaner, chance: random.Random
) -> None:
    left: list[str] = []
    names = words = stay = 0
    spent = 0.0
    for person in people:
        description = chance.choice(descriptions)
        text = chance.choice(PLACES).format(
            text=description,
            first=person.first,
            last=person.last,
            FIRST=person.first.upper(),
            LAST=person.last.upper(),
            initial=person.first[0],
        )
        started = time.process_time()
        cleaned = _words(cleaner.clean(text))
        spent += time.process_time() - started
        own = _words(description)
        planted = {word for word in _words(f"{person.first} {person.last}") if len(word) >= SHORTEST_WORD} & set(
            _words(text)
        )
        planted -= set(own)
        names += len(planted)
        left += sorted(planted & set(cleaned))
        words += len(own)
        stay += sum(word in cleaned for word in own)
    print(f"{kind}: {len(left)} of {names} planted words left ({100 * len(left) / names:.3f} %)")
    print(f"  {100 * stay / words:.2f} % of the descriptions' words kept")
    print(f"  left: {' '.join(sorted(set(left))) or 'none'}")
    print(f"  {names / spent:.0f} new texts' words per CPU-second")


def _of_faker(chance: random.Random, count: int) -> Iterator[Person]:
    faker: Callable[[str], object] = importlib.import_module("faker").Faker
    sources = [faker(locale) for locale in LOCALES]
    for index, source in enumerate(sources):
        source.seed_instance(SEED + index)  # type: ignore[attr-defined]
    for _ in range(count):
        source = chance.choice(sources)
        yield Person(first=source.first_name(), last=source.last_name())  # type: ignore[attr-defined]


def _of_census(chance: random.Random, count: int) -> Iterator[Person]:
    folder = Path(str(importlib.import_module("names").__file__)).parent
    lines = (folder / "dist.all.last").read_text(encoding="ascii").splitlines()
    last = [line.split()[0].title() for line in lines if int(line.split()[3]) > RARE_RANK]
    first = [
        line.split()[0].title() for line in (folder / "dist.female.first").read_text(encoding="ascii").splitlines()
    ]
    for _ in range(count):
        yield Person(first=chance.choice(first), last=chance.choice(last))


def _words(text: str) -> list[str]:
    return tokens(fold(text))


if __name__ == "__main__":
    raise SystemExit(main())
