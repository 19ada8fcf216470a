"""Patterns that identify whatever they say: mail, phones, numbers, addresses, titles with names, ages over 89.

Rule of the file: every pattern is anchored at the edges of a token, and none needs more than a linear look.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.header.dates import OLDEST_AGE_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterator

_X = re.VERBOSE | re.IGNORECASE
_LABELS = (
    r"mrn|pid|pat(?:ient(?:en)?)?[ ._-]?(?:id|nr|no|num(?:ber|mer)?)|acc(?:ession|n)?(?:[ ._-]?(?:id|nr|no|num(?:ber)?))?|ssn|sozialversicherung\w*|"
    r"fall(?:nummer|[ -]?nr)|aufnahme(?:nummer|nr)|auftrag(?:s?nummer|snr)|versicherten(?:nummer|nr)|kv-?nr|nhs(?:[ -]?no)?|nir|ipp|nip|dni|nie|nif|nhc|nss|"
    r"bsn|cpf|rg|cod(?:ice)?[ ._]?fisc(?:ale)?|ticket|order(?:[ ._-]?(?:id|nr|no))?|visit(?:[ ._-]?(?:id|nr|no))|encounter|case[ ._-]?(?:id|nr|no)|"
    r"account|acct|insurance|license|licence|passport|badge|serial(?:[ ._-]?(?:nr|no))?|s/n|sn|id|ident|record|chart|bed|bett|room|zimmer|ward|station|"
    r"ext(?:ension)?|durchwahl|dw|pager|piepser|funk|rufnummer"
)
_PHONE_LABELS = r"tel(?:e(?:fon|phone|fono|foon))?|phone|ph|fon|fax|telefax|cell|mobile|mobil|handy|movil|móvil|celular|portable|gsm|call|rückruf|rappel"
_BIRTH = (
    r"dob|d\.o\.b|birth\s?date|date\sof\sbirth|birthday|born(?:\son)?|geb(?:\.|oren)?(?:\sam)?|geburts(?:datum|tag)|gebdat|n[ée]{1,2}(?:\(e\))?\sle|date\sde\snaissance|ddn|"
    r"nac(?:ido|ida|imiento)(?:\sel)?|fecha\s(?:de\s)?nac(?:\.|imiento)|fn|nat[oa](?:\sil)?|data\sdi\snascita|geboren(?:\sop)?|geboortedatum|nascid[oa](?:\sem)?|data\sde\snasc(?:\.|imento)|dn|\*"
)
_NAME_LABELS = (
    r"(?:(?:pat(?:ient(?:in|en)?|\.)?|last|first|family|given|middle|full|maiden|sur|vor|nach|familien|mädchen|geburts|mother'?s?|father'?s?)[ _.-]?)?names?|"
    r"nom(?:\sde\sfamille)?|prénom|prenom|nombre|apellidos?|nome|cognome|sobrenome|naam|voornaam|achternaam|"
    r"patient(?:in)?|paciente|paziente|patiënt|pt|pat|"
    r"referr(?:ing|ed)(?:\s(?:physician|doctor|by))?|physician|doctor|radiologist|technologist|technician|operator|reader|"
    r"reported\sby|read\sby|performed\sby|dictated\sby|signed(?:\sby)?|verified\sby|approved\sby|attending|requested\sby|ordered\sby|contact|c/o|cc:?\sdr|"
    r"arzt|ärztin|überweiser|zuweiser|untersucher|mtra?|befunder|médecin|médico|medico|arts|signature|unterschrift|initials"
)
_STREET = r"street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|terrace|parkway|pkwy|highway|hwy|square|way"
_CAPITAL = r"[A-ZÀ-ÖØ-Þ]"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "e-mail",
        re.compile(
            r"(?<![\w.%+-])[\w.%+-]{1,64}+(?:[@\uff20](?!\d)[\w-]+(?:\.[\w-]+)*|\s?(?:[@\uff20]|[\[(]at[\])])\s?[\w-]+(?:\.[\w-]+)+)",
            _X,
        ),
    ),
    (
        "url",
        re.compile(
            r"""\b(?:https?|ftp|file|mailto|dicom|ldap)s?:[^\s]+ | \bwww\.[^\s]+ | \\\\[\w.$-]+(?:\\[^\s]*)? | \b[a-z]:\\[^\s]*
            | (?<![\w.-])(?:[a-z0-9-]{1,63}+\.){1,8}(?:com|org|net|edu|gov|info|local|lan|de|at|ch|fr|es|it|nl|be|uk|us|eu|br|pt|jp|cn)\b(?:[/:][^\s]*)?
            | (?<![\w/])(?:/[\w.-]+){3,}/?""",
            _X,
        ),
    ),
    ("uid", re.compile(r"(?<![\w.])[0-2](?:\.\d+){4,}(?![\w])")),
    (
        "ip-address",
        re.compile(
            r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?!\w)|(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}(?![\w:])",
            _X,
        ),
    ),
    (
        "birth",
        re.compile(
            rf"(?<![^\W_])(?:{_BIRTH})[\s:.=-]*(?:\d{{1,4}}[\s./-]{{1,2}}(?:\d{{1,2}}|[^\W\d_]{{3,10}})[\s./,-]{{1,2}}\d{{1,4}}|\d{{8}}|\d{{1,2}}[^\W\d_]{{3}}\d{{2,4}}"
            rf"|[^\W\d_]{{3,10}}\s\d{{1,2}},?\s\d{{2,4}}|(?:19|20)\d\d)(?!\w)",
            _X,
        ),
    ),
    ("phone", re.compile(rf"\b(?:{_PHONE_LABELS})\b[\s.:#=-]*(?:nr|no|number)?[\s.:#]*\+?[(\d][\d\s()/.-]*\d", _X)),
    ("phone", re.compile(r"(?<![\w.])(?:\+|00)\d[\d\s()/.-]{5,}\d(?!\w)", _X)),
    ("phone", re.compile(r"(?<![\w.])\(\d{2,5}\)\s?\d[\d\s/.-]{2,}\d(?!\w)", _X)),
    (
        "number",
        re.compile(
            rf"(?<![^\W_])(?:{_LABELS})\b\.?(?:\s?[:#=№]+\s?|\s?(?:nr|no)\.?\s|\s)\#?\s?(?=[^\s]*\d)[^\W_][\w./-]*[^\W_]?(?:[ ]\d[\d-]*)*",
            _X,
        ),
    ),
    ("number", re.compile(r"#\s?\d[\w-]{2,}|№\s?\d[\w-]*")),
    (
        "name",
        re.compile(
            rf"(?<![^\W_])(?:{_NAME_LABELS})\s?[:=]\s*(?:[^\W\d_](?:['\u2019.-]?[^\W\d_])*\.?(?:,?[ ]|\^|,)?){{1,3}}",
            _X,
        ),
    ),
    (
        "name",
        re.compile(
            rf"(?<!\w)(?!G\.[ ]?E\.)[BDFGHIJKOPQSUWXYZ]\.[ ]?(?:{_CAPITAL}\.[ ]?)*(?:{_CAPITAL}[^\W\d_]+)(?:-{_CAPITAL}[^\W\d_]+)?"
        ),
    ),
    (
        "address",
        re.compile(
            rf"(?<![\w.])\d{{1,5}}[a-z]?,?\s+(?:[^\W\d_]+\.?\s+){{1,3}}(?:{_STREET})\b\.?(?:\s?(?:apt|suite|unit|fl(?:oor)?|\#)\.?\s?\w+)?",
            _X,
        ),
    ),
    (
        "address",
        re.compile(
            r"(?<!\w)(?:[^\W\d_]+[ -]){0,2}[^\W\d_]*(?:straße|strasse|str\.|strase|gasse|allee|platz|ufer|damm|weg|straat|laan|gracht|plein)\s*\d{1,4}\s?[a-z]?\b",
            _X,
        ),
    ),
    (
        "address",
        re.compile(
            r"(?<!\w)\d{0,4},?\s?(?:bis\s)?(?:rue|avenue|boulevard|chemin|impasse|allée|quai)\s(?:(?:de|du|des|la|le|l)['\u2019\s]){0,2}[^\W\d_]+(?:[ -][^\W\d_]+)?",
            _X,
        ),
    ),
    (
        "address",
        re.compile(
            r"(?<!\w)(?:via|viale|corso|piazza|calle|c/|plaza|avenida|avda|paseo|rua|travessa|praça)\.?\s(?:(?:de|del|della|dei|da|do|dos|la|los)\s){0,2}[^\W\d_]+(?:\s[^\W\d_]+){0,2},?\s(?:n[º°.]?\s?)?\d{1,4}\w?\b",
            _X,
        ),
    ),
    ("address", re.compile(r"\bp\.?\s?o\.?\s?box\s\d+|\bpostfach\s\d+", _X)),
    (
        "address",
        re.compile(
            rf"(?<![\w.])(?:[A-Z]{{1,2}}-)?\d{{5}}(?:-\d{{4}})?\s{_CAPITAL}[^\W\d_]+|\b[A-Z]{{2}}\s\d{{5}}(?:-\d{{4}})?\b"
        ),
    ),
    (
        "address",
        re.compile(
            r"\b(?!T[12] )[A-Z]{1,2}\d[A-Z\d]?\s\d(?!MM|CM|ML|MG|KV|MA|MS|HZ|SL|CH|NM|XX|PH)[ABD-HJLNP-UW-Z]{2}\b|\b[1-9]\d{3}\s[A-Z]{2}\s[A-Z][a-z]+"
        ),
    ),
    ("name", re.compile(r"(?<!\w)(?:\d{1,2}[- ]?(?:jährige[rn]?|year[- ]old|yo)\s)?(?:Hr|Fr)\.\s[A-ZÀ-Þ][^\W\d_]+")),
)
_AGES = re.compile(
    r"""(?<![\w.,/])(?P<age>\d{2,3})(?P<unit>\s?-?\s?(?:y/?\s?o|yo|yrs?|y|years?|yr|jahre?n?|jr|j|ans|años|anos|anni|aa|jaar|jährige?[rn]?|jaehrige?[rn]?|лет|歳|岁|세)
        (?:[ -]old)?\b) (?!\+)
    | \b(?:aged?|alter|âge|edad|età|leeftijd|idade|age\sof)[\s:=]{1,3}(?P<age2>\d{2,3})\b(?!\+)
    | (?<![\w.,/])(?P<age3>\d{2,3})[ ]?/?[ ]?(?:m|f|w|h)\b(?=\s*(?:$|[,;)]))""",
    _X,
)
_LONGEST_LIFE_YEARS = 150
_TIMES = re.compile(
    r"(?<![\w:./])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s?[ap]\.?m\b\.?)?(?:\sUhr\b)?(?![\w:])|(?<!\w)(?:[01]?\d|2[0-3])[h.][0-5]\d\s?(?:Uhr|h)\b|(?<!\w)(?:[01]?\d|2[0-3])\sUhr\b|(?<!\w)(?:[01]?\d|2[0-3])h[0-5]\d(?!\w)|(?<!\w)(?:0?[1-9]|1[0-2])\s?[ap]\.?m\b",
    _X,
)
_GROUPS = re.compile(r"(?<![\w.,])\d+(?:(?:[ ]?[-./ ()][ ]?|,)\d+)+(?!\w)", re.ASCII)
_DECIMALS = re.compile(
    r"\d{1,4}[.,]\d{1,4}(?:(?:[ ]?[-/][ ]?|[ ])\d{1,4}[.,]\d{1,4}|(?:[ ]?[-/][ ]?|[ ])\d{1,3})*", re.ASCII
)
_MIXED_DECIMALS = re.compile(r"(?:\d{1,3}[ /-]){0,3}\d{1,4}\.\d{1,3}(?:[ /-]\d{1,4}(?:\.\d{1,3})?)*", re.ASCII)
SHORTEST_GROUPED_NUMBER = 6


def identifying(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of what goes whatever it says, the surest kinds first."""
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield match.start(), match.end(), kind


def old_ages(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the number of an age over 89 years stands."""
    for match in _AGES.finditer(text):
        group = str(match.lastgroup if match.lastgroup != "unit" else "age")
        if OLDEST_AGE_YEARS < int(match[group]) < _LONGEST_LIFE_YEARS:
            yield match.span(group)


def times(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a time of day stands."""
    for match in _TIMES.finditer(text):
        yield match.start(), match.end()


def grouped_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield numbers of 6 digits and more with blanks or signs in between, but no rows of decimal fractions."""
    for match in _GROUPS.finditer(text):
        written = match[0]
        is_row = _DECIMALS.fullmatch(written) or _MIXED_DECIMALS.fullmatch(written)
        if not is_row and sum(map(str.isdigit, written)) >= SHORTEST_GROUPED_NUMBER:
            yield match.start(), match.end()
