"""Write the word lists of `pipeline/header/text` from packaged terminologies and the hand-written lists beside this file.

    python -m tools.generate_vocabulary

Run it in an environment that has, besides this project, `Faker` and `names` (both MIT): their name lists, the second
of them that of the 1990 census of the United States, are only used to take names out and are not shipped. Words come
from the concept meanings of PS3.16 and the names of PS3.6 as pydicom packages them (MIT), and from `tools/vocabulary`.

A word that is also a name is judged by where it comes from:

- words of `pipeline.header.vocabulary` and the connecting words below stay words;
- words of the hand-written medical lists are marked with `?`: they stay unless a removed word stands beside them;
- all other words go when they are common names, and are marked when they are rare ones.
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

from pydicom import __version__ as pydicom_version
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
MEDICAL_LISTS = "english devices protocols units german french spanish italian dutch_portuguese scripts".split()
GENERAL_LISTS = ("common",)
SHORTEST_GENERATED = 4
"""Letters; shorter words of terminologies are abbreviations of too many things, so only hand-written ones count."""
COMMON_SURNAME_RANK = 5000

CONNECTING = frozenset(
    """a about above after all also an and any are as at away be before below between both but by can did do down each
    eight few five for four from had has have he her here him his how i if in into is it its less many more most much
    no none nor not now of off old on one only or other out over own per same seven she six so some such ten than that
    the their them then there these they this three to too two under until up us very was we well were what when where
    which while who why will with without would you your mit und oder ohne bei nach vor von vom zum zur der die das dem
    des ein eine nicht auf aus im am ist sind avec sans et ou de du des le la les un une au aux en dans sur par pas con
    sin y o e del el los las una al por para entre no si su se come per senza il lo gli da dal tra non met zonder van
    voor op uit door het een niet com sem na no nas ao em os as um uma mm cm ml mg kg min sec ms hz
    ct mr mri us pet spect right left upper lower long short small large high low thick thin soft hard new normal
    middle end start side level image view views series study
    post pre ax sag cor tra abd pel""".split()
)
"""Words that stay even when somebody is called so."""
ESSENTIAL = frozenset(
    fold(word)
    for word in """tse dwi dti adc swi swan haste cube vista fiesta lava medic space water fat iso diff flash vibe jet mip
    mars dixon perf recon delay key iq dr dx cal cine loc fast pilot survey scan filter plan raw ti te tr fa hu ir av pa ap
    core edge one prime discovery revolution optima genesis elan titan symphony sensation harmony verio aera skyra vida
    kopf hals knie fuss finger schulter schadel hand brust bein beine schenkel ellenbogen milz leber niere herz galle nagel
    haut zahn zahne ohr auge mitte gelenk rippe tete cou bras main mains pied doigt genou rein reins foie rate coude cabeza
    cuello cara mano manos pie pies dedo rodilla rodillas pierna hombro brazo codo cadera testa collo piede ginocchio gamba
    spalla braccio anca costa coscia hoofd voet been benen knieen pols vinger maag hart perna braco coxa mao pe cotovelo
    eye ear finger fingers shoulder shoulders organ nipple nose mouth labrum patella ramus carina pons root roots body
    bones horn pulmonary cornea lobe section phase field beam plane base chamber valve valves wall tip cuff disc drain graft
    scar mass cancer pain stone marker wire""".split()
)
"""Body parts, sequences and model families that stay like connecting words."""
EVERYDAY = frozenset(
    """age basic best bland blunt bright case cases chance child clear close comment cross daily dot else fair fall falls far
    fine fit free front good light list lot made means number numbers page place prior rash read reader reason see soon tiny
    valid way week weeks zero begin""".split()
)
"""Words of every report that are common surnames: marked instead of taken out."""
PARTICLES = frozenset(
    "van von der den de del della di da do dos das du la le el ten ter bin ibn al zu zur af av los las y e".split()
)
"""Parts of family names that are connecting words too: marked, so that they go with the name that they stand beside."""
PLANES = "ax axi axial sag sagi sagittal cor coro coronal tra trans obl oblique para".split()
WEIGHTINGS = (
    "stir flair dwi adc mpr mprs mip mips minip pd pdfs vibe lava tse fse se gre epi tof mra mrv cta post pre gd fs"
    " thin bone soft lung recon reformat dixon space cube swi haste ssfse fiesta trufi perf thick gado ce nativ".split()
)
GERMAN_STEMS = (
    "abdomen thorax schädel becken knie schulter hüft hals kopf lungen leber nieren herz gefäß weichteil knochen brust"
    " bauch wirbelsäulen hand fuß sprung ellenbogen finger röntgen verlaufs kontrast spät früh nativ standard ganzkörper"
    " oberschenkel unterschenkel oberarm unterarm arterien venen tumor kontroll dünnschicht not trauma schicht".split()
)
GERMAN_HEADS = (
    "übersicht aufnahme aufnahmen serie serien untersuchung gelenk gelenke gelenks ct mrt protokoll darstellung kontrolle"
    " phase bereich region bild bilder filter fenster befund verletzung fraktur schmerzen metastasen tumor parenchym"
    " angiographie sonographie röntgen rekonstruktion spirale scan gefäße knochen weichteile".split()
)

_LETTERS = re.compile(r"[^\W\d_]+")
_RUN = re.compile(r"[^\W_]+")


def main() -> int:
    """Write the two lists and say how many words each has."""
    common, rare = _names()
    medical = _hand_written(MEDICAL_LISTS) | _german_compounds() | _planes() | set(MEDICAL_WORDS)
    general = _hand_written(GENERAL_LISTS) | _terminologies()
    words = {word: _judged(word, medical, common, rare) for word in medical | general}
    kept = sorted(f"{word}{mark}" for word, mark in words.items() if mark is not None)
    OUTPUT.mkdir(exist_ok=True)
    _write("vocabulary.txt", kept, "Folded words that may stay in text; `?` marks those that are names too.")
    _write("code_strings.txt", sorted(_code_strings()), "Values of CS attributes, upper case, one on a line.")
    taken = sorted(word for word, mark in words.items() if mark is None)
    print(f"{len(kept)} words, {sum(word.endswith('?') for word in kept)} of them marked; {len(taken)} names taken out")
    print(f"taken out of the hand-written ones: {' '.join(sorted(set(taken) & _hand_written(GENERAL_LISTS)))}")
    return 0


def _judged(word: str, medical: set[str], common: set[str], rare: set[str]) -> str | None:
    """Return a word's mark, or None where it goes."""
    if word in PARTICLES:
        return "?"
    if word in MONTH_WORDS and len(word) >= SHORTEST_GENERATED:
        return None
    if word in CONNECTING or word in ESSENTIAL or word in MEDICAL_WORDS:
        return ""
    if word not in common and word not in rare:
        return ""
    if word in medical or word in EVERYDAY:
        return "?"
    return None if word in common else "?"


def _hand_written(lists: Iterable[str]) -> set[str]:
    """Return the folded words of hand-written lists, and the parts of those that are written with a hyphen."""
    words: set[str] = set()
    for name in lists:
        for line in (HAND_WRITTEN / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                words.update(_RUN.findall(fold(line)))
    return {word for word in words if not word.isdigit()}


def _german_compounds() -> set[str]:
    stems = [fold(stem) for stem in GERMAN_STEMS]
    return {f"{stem}{fold(head)}" for stem in stems for head in GERMAN_HEADS if not fold(head).startswith(stem)}


def _planes() -> set[str]:
    return {f"{first}{second}" for first in PLANES for second in WEIGHTINGS} - {"corse", "corpost"}


def _terminologies() -> set[str]:
    """Return the words of concept meanings, context groups, attribute names and UIDs, as pydicom packages them."""
    texts = [meaning for scheme in concepts.values() for codes in scheme.values() for meaning, _ in codes.values()]
    texts += [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name) for name in name_for_cid.values()]
    texts += [entry[2] for entry in DicomDictionary.values()]
    texts += [entry[0] for entry in UID_dictionary.values()]
    return {word for text in texts for word in _LETTERS.findall(fold(text)) if len(word) >= SHORTEST_GENERATED}


def _names() -> tuple[set[str], set[str]]:
    """Return common and rare names, folded."""
    common, rare = set(_faker_names()), set()
    lists = Path(str(importlib.import_module("names").__file__)).parent
    for file in sorted(lists.glob("dist.*")):
        for line in file.read_text(encoding="ascii").splitlines():
            name, _, _, rank = line.split()
            first = "first" in file.name
            (common if first or int(rank) <= COMMON_SURNAME_RANK else rare).add(name.lower())
    return common, rare - common


def _faker_names() -> Iterator[str]:
    person = importlib.import_module("faker.providers.person")
    for locale in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{locale.name}").Provider
        for attribute in dir(provider):
            if re.match(r"(first|last|middle)_names?|.*_(first|last)_names?", attribute):
                listed = getattr(provider, attribute)
                for name in listed if isinstance(listed, dict | list | tuple | set | frozenset) else ():
                    yield from _LETTERS.findall(fold(str(name)))


def _code_strings() -> set[str]:
    lines = (HAND_WRITTEN / "code_strings.txt").read_text(encoding="utf-8").splitlines()
    return {value.strip().upper() for line in lines if not line.startswith("#") for value in line.split("|")} - {""}


def _write(name: str, lines: list[str], what: str) -> None:
    versions = f"pydicom {pydicom_version}, Faker {importlib.metadata.version('Faker')}, names {importlib.metadata.version('names')}"
    head = (
        f"# {what} Generated; do not edit.\n# Written by tools/generate_vocabulary.py on {datetime.now(UTC):%Y-%m-%d} from"
        f" tools/vocabulary, PS3.16 and PS3.6 as packaged in pydicom;\n# names taken out by Faker and the census of 1990: {versions}.\n"
    )
    (OUTPUT / name).write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
