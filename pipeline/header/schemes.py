"""Coding schemes: which are public, what their codes look like, and what the standard calls them (PS3.16 section 8).

Rule of the file: nothing here knows a patient; what a scheme says of itself is the same for every object, and cached.
A shape is as narrow as the scheme allows, check digits included, because a number that merely claims to be a code may
be somebody's.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.header.units import is_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TABLE = Path(__file__).with_name("ps316_codes.csv")
_LONGEST_MEANING = 64
_SNOMED_RT = frozenset({"SRT", "SNM3", "99SDM"})
"""Older names of the same codes (PS3.16 8.1)."""
_CONCEPT_PARTITIONS = frozenset({"00", "10"})
_VERHOEFF_PRODUCTS = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_VERHOEFF_PLACES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7), (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)  # fmt: skip


def is_snomed_concept(value: str) -> bool:
    """Tell whether digits are the identifier of a SNOMED CT concept: partition and Verhoeff's check digit."""
    if not re.fullmatch(r"[1-9][0-9]{5,17}", value, re.ASCII) or value[-3:-1] not in _CONCEPT_PARTITIONS:
        return False
    check = 0
    for place, digit in enumerate(reversed(value)):
        check = _VERHOEFF_PRODUCTS[check][_VERHOEFF_PLACES[place % 8][int(digit)]]
    return check == 0


def is_loinc(value: str) -> bool:
    """Tell whether a value is a LOINC code: digits, a dash, and the check digit of modulus 10."""
    if not re.fullmatch(r"(?:L[AP])?[0-9]{1,7}-[0-9]", value, re.ASCII):
        return False
    digits, check = value.lstrip("LAP").split("-")
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    return (sum(part // 10 + part % 10 for part in doubled) + int(check)) % 10 == 0


def _pattern(expression: str) -> Callable[[str], bool]:
    compiled = re.compile(expression, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


_is_snomed_rt = _pattern(r"[A-Z][A-Z0-9]?-[0-9A-F]{4,5}[0-9A-Z]?")
PUBLIC_SCHEMES: Mapping[str, Callable[[str], bool]] = {
    "DCM": _pattern(r"1[0-9]{5}"),
    "SCT": is_snomed_concept,
    **dict.fromkeys(_SNOMED_RT, _is_snomed_rt),
    "LN": is_loinc,
    "UCUM": is_unit,
    "RADLEX": _pattern(r"R(?:P|ADLEX:)?ID[0-9]{1,6}"),
    "RADELEMENT": _pattern(r"RDES?[0-9]{1,5}(?:\.[0-9]{1,3})?"),
    "FMA": _pattern(r"[0-9]{2,6}"),
    "NCIt": _pattern(r"C[0-9]{3,6}"),
    "NCIT": _pattern(r"C[0-9]{3,6}"),
    "MSH": _pattern(r"[CD][0-9]{6}(?:[0-9]{3})?"),
    "UMLS": _pattern(r"C[NL]?[0-9]{7}"),
    "I10": _pattern(r"[A-Z][0-9][0-9AB](?:\.[0-9A-Z]{1,4})?"),
    "I10P": _pattern(r"(?=(?:[A-Z]*[0-9]){3})[0-9B-DF-HX][0-9A-HJ-NP-Z]{6}"),
    "I9C": _pattern(r"[VE]?[0-9]{2,3}(?:\.[0-9]{1,2})?"),
    "ICDO3": _pattern(r"C[0-9]{2}(?:\.[0-9])?|[0-9]{4}/[0-9]"),
    "MDC": _pattern(r"[0-9]{1,2}:[0-9]{1,5}|[0-9]{1,6}"),
    "RXNORM": _pattern(r"[0-9]{1,7}"),
    "NDC": _pattern(r"[0-9]{4,5}-[0-9]{3,4}-[0-9]{1,2}"),
    "HGNC": _pattern(r"[0-9]{1,5}"),
    "ITIS_TSN": _pattern(r"[0-9]{4,6}"),
    "PUBCHEM_CID": _pattern(r"[0-9]{1,6}"),
    "UBERON": _pattern(r"[0-9]{7}"),
    "NEU": _pattern(r"[0-9]{1,4}"),
    "BARI": _pattern(r"[0-9]{1,2}[A-Z]{0,2}"),
    "IBSI": _pattern(r"[0-9A-Z]{3,4}"),
    "BI": _pattern(r"[A-Z0-9.]{1,6}"),
    "ACR": _pattern(r"[0-9]{1,4}(?:\.[0-9]{1,4})?"),
    "C4": _pattern(r"[0-9]{4}[0-9FTU]"),
    "ISO3166_1": _pattern(r"[A-Z]{2,3}|[0-9]{3}"),
    "ISO639_1": _pattern(r"[a-z]{2}"),
    "ISO639_2": _pattern(r"[a-z]{3}"),
    "ISO5218_1": _pattern(r"[0129]"),
    **dict.fromkeys(("RFC3066", "RFC5646"), _pattern(r"[a-z]{2,3}(?:-[A-Za-z]{2,4}){0,2}")),
    "DCMUID": _pattern(r"1\.2\.840\.10008(?:\.[0-9]{1,3}){1,8}"),
}
"""Designator -> whether a value has the shape of its codes; those of PS3.16 Table 8-1 that images and reports use."""

_VENDORS = """
99GEMS 99GEMS_RT 99SMS 99SMSMR 99SIEMENS 99SHS 99PMP 99PMS 99PHILIPS 99PHMAMMO 99TSH 99TOSHIBA 99CANON 99HITACHI
99SAMSUNG 99MEDISON 99AGFA 99KODAK 99CARESTREAM 99FUJI 99HOLOGIC 99VARIAN 99ELEKTA 99BRAINLAB 99MERGE 99CTP
99DCMTK 99QIICR 99OFFIS_DCMTK 99PIXELMED 99IHE 99IHERADTF 99DICOM 99NEMA 99RSNA 99TCIA 99NCI 99SLICER
99SONOVEIL 99LOCAL 99ORTHANC 99ZEISS 99TOPCON 99HEIDELBERG 99BRUKER 99UIH 99MINDRAY 99ESAOTE L LOCAL
"""
VENDOR_SCHEMES = frozenset(_VENDORS.split())
"""Private designators that name a maker or nobody."""


class Concept(NamedTuple):
    """What the standard calls a code; `others` are its other meanings. All as they would stand in Code Meaning."""

    meaning: str
    others: frozenset[str]


@lru_cache(maxsize=8192)
def standard_concept(scheme: str, value: str) -> Concept | None:
    """Return the standard's meanings of a code, None where PS3.16 does not list it."""
    listed = _meanings().get(f"{_table_name(scheme)}\0{value}")
    if listed is None:
        return None
    meanings = [meaning[:_LONGEST_MEANING].strip() for meaning in listed.split("\n")]
    return Concept(meaning=meanings[0], others=frozenset(map(folded_meaning, meanings)))


def folded_meaning(meaning: str) -> str:
    """Return a meaning as it is compared: letters and digits in lower case, blanks and punctuation aside."""
    return "".join(letter for letter in meaning.casefold() if letter.isalnum())


def _table_name(scheme: str) -> str:
    if scheme in _SNOMED_RT:
        return "SRT"
    return "NCIt" if scheme == "NCIT" else scheme


@lru_cache(maxsize=1)
def _meanings() -> dict[str, str]:
    """Read the table when the first coded entry comes; a few megabytes for as long as the process lives."""
    found: dict[str, str] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for scheme, value, meaning in csv.reader(line for line in file if not line.startswith("# ")):
            key = f"{scheme}\0{value}"
            found[key] = f"{found[key]}\n{meaning}" if key in found else meaning
    return found
