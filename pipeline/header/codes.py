"""Coded entries (PS3.3 8.8): what of a code may stay, wherever one stands.

A code of the standard keeps its value and gets the standard's own meaning; whatever else was written there is text
like any other. Rule of the file: Code Meaning leaves only as the scheme's own words or cleaned, a code value only when
it has the shape of its scheme's codes or says nothing about anybody. Codes are all over every header, so what does not
depend on the patient is cached.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pydicom.dataelem import DataElement, RawDataElement

from pipeline.header.decoding import Undecodable, decoded
from pipeline.header.dummies import ANONYMIZED
from pipeline.header.folding import was_decoded
from pipeline.header.identifiers import parts_of
from pipeline.header.schemes import PUBLIC_SCHEMES, VENDOR_SCHEMES, folded_meaning, standard_concept

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from pipeline.header.context import ScrubContext

CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE = 0x00080100, 0x00080119, 0x00080120
SCHEME, SCHEME_VERSION, MEANING = 0x00080102, 0x00080103, 0x00080104
MAPPING_RESOURCE, MAPPING_NAME, CONTEXT_ID = 0x00080105, 0x00080122, 0x0008010F
_VALUES = {CODE_VALUE: "SH", LONG_CODE_VALUE: "UC", URN_CODE_VALUE: "UR"}
_ABOUT_SCHEME = {0x00080114: "ST", 0x00080115: "ST", 0x00080116: "ST"}
"""External ID, name and responsible organization of a coding scheme (0008,0110)."""
_SCHEME_RESOURCES = 0x00080109
CODE_TAGS = frozenset(
    {*_VALUES, *_ABOUT_SCHEME, SCHEME, SCHEME_VERSION, MEANING}
    | {MAPPING_RESOURCE, CONTEXT_ID, MAPPING_NAME, _SCHEME_RESOURCES}
)
"""Attributes that `scrub_code` decides about in a coded entry, whatever was made of them before. Not the versions of a
context group: they are dates, about which Table E.1-1 decides."""
_ENTRY_TAGS = frozenset({*_VALUES, SCHEME, MEANING})
_USUAL_TAGS = frozenset({CODE_VALUE, SCHEME, MEANING})
_PRIVATE_SCHEME, _UNSAID_SCHEME = "99LOCAL", "99SONOVEIL"
_MAPPING_RESOURCES = {"DCMR": "DICOM Content Mapping Resource", "SDM": "SNOMED DICOM Microglossary"}
_HARMLESS_VALUE = re.compile(r"[0-9]{1,4}|[A-Z]{1,3}|[A-Z]{1,3}[-_. ]?[0-9]{1,4}", re.ASCII)
_PRIVATE_NAME = re.compile(r"99[A-Za-z0-9_.-]{1,8}", re.ASCII)
_VERSION = re.compile(r"(?=.*[0-9])[A-Za-z]{0,4}[0-9][0-9._-]{0,11}", re.ASCII)
_CONTEXT_ID = re.compile(r"(?:CID ?)?[0-9]{1,5}", re.ASCII)
_URN = re.compile(
    r"http://(?:snomed\.info/(?:id|sct)/(?P<SCT>[0-9]+)|loinc\.org/(?P<LN>[0-9L][0-9AP-]*)"
    r"|(?:www\.)?radlex\.org/RID/(?P<RADLEX>RID[0-9]+))",
    re.ASCII,
)
_LONGEST_MEANING = 64


class _Code(NamedTuple):
    """A code as it leaves; empty texts are not written."""

    value: str
    scheme: str
    meaning: str


def is_coded(item: Dataset) -> bool:
    """Tell whether a data set is a coded entry or describes a coding scheme, or has a part of one by mistake."""
    return not CODE_TAGS.isdisjoint(item.keys())


def scrub_code(source: Dataset, result: Dataset, context: ScrubContext) -> bool:
    """Decide about the code of a coded entry, over what a general action made of it.

    Parameters
    ----------
    source
        The original item; only read.
    result
        What the item has become; its attributes of `CODE_TAGS` are written anew, others are not looked at. Attributes
        that the profile itself has rules for stay as they are.

    Returns
    -------
    bool
        Whether a text that is not ASCII was written.
    """
    if _is_untouched_standard(source, result):
        return False
    value_tag = next((tag for tag in _VALUES if tag in source), None)
    code = _Code(
        value="" if value_tag is None else _text(source, value_tag),
        scheme=_text(source, SCHEME),
        meaning=_text(source, MEANING),
    )
    kept = _scrubbed(code, context, is_urn=value_tag == URN_CODE_VALUE)
    wanted = {MEANING: ("LO", kept.meaning)}
    if value_tag is not None:
        value_tag = value_tag if kept.value == code.value else CODE_VALUE
        wanted[value_tag] = (_VALUES[value_tag], kept.value)
    if kept.scheme:
        wanted[SCHEME] = ("SH", kept.scheme)
    wanted.update(_surroundings(source, kept, context))
    if MEANING not in source:
        del wanted[MEANING]
    return _write(wanted, result, context)


def _is_untouched_standard(source: Dataset, result: Dataset) -> bool:
    """Tell, for the most usual entry, in the least time that there is nothing to do.

    That is: the standard's value, scheme and meaning, each of them in the result as the bytes that it came in. The
    engine leaves those only where they hold no identifier.
    """
    if CODE_TAGS.intersection(source.keys()) != _USUAL_TAGS:
        return False
    parts: list[bytes] = []
    for tag in (CODE_VALUE, SCHEME, MEANING):
        before, after = source.get_item(tag), result.get_item(tag) if tag in result else None
        if not isinstance(before, RawDataElement) or not isinstance(after, RawDataElement):
            return False
        if before.value is not after.value or before.value is None:
            return False
        parts.append(before.value)
    return _is_of_the_standard(*parts)


@lru_cache(maxsize=8192)
def _is_of_the_standard(value: bytes, scheme: bytes, meaning: bytes) -> bool:
    if not (value + scheme + meaning).isascii():
        return False
    own = _Code(*(part.decode("ascii").strip(" \0") for part in (value, scheme, meaning)))
    return _of_the_standard(*own) == own


def restore_code(source: Dataset, result: Dataset, context: ScrubContext) -> None:
    """Put a code back as it was, where the profile keeps what it names (Retain Institution Identity and its like).

    A code that holds an identifier of the patient does not come back. A meaning is written without accents, so that it
    needs no character set of its own.
    """
    wanted = {}
    for tag, vr in ((CODE_VALUE, "SH"), (SCHEME, "SH"), (MEANING, "LO")):
        text = unicodedata.normalize("NFKD", _text(source, tag)).encode("ascii", "ignore").decode()
        if not text or context.identifiers.in_text(text):
            return
        wanted[tag] = (vr, text)
    _write(wanted, result, context)


def _scrubbed(code: _Code, context: ScrubContext, *, is_urn: bool) -> _Code:
    scheme, value = code.scheme, code.value
    match = _URN.fullmatch(value) if is_urn else None
    if match is not None and match.lastgroup is not None:
        scheme, value = match.lastgroup, match[match.lastgroup]
    known = None if is_urn and match is None else _of_the_standard(value, scheme, code.meaning)
    in_text = context.identifiers.in_text
    beside = code.scheme if code.scheme in PUBLIC_SCHEMES else ""  # a URN needs none, and anything may stand there
    if known is not None and not in_text(known.value) and not in_text(known.meaning):
        return _Code(value=code.value, scheme=beside, meaning=known.meaning)
    if scheme in PUBLIC_SCHEMES and (not value or (_has_shape(scheme, value) and not in_text(value))):
        return _Code(value=code.value, scheme=beside, meaning=_cleaned_meaning(code, context))
    if is_urn or not _may_stay(value, context):
        value = ANONYMIZED if code.value else ""
    scheme = _private_scheme(scheme, context) if scheme or value else ""
    if value == ANONYMIZED:
        scheme = _UNSAID_SCHEME
    return _Code(value=value, scheme=scheme, meaning=_cleaned_meaning(code._replace(value=value), context))


@lru_cache(maxsize=8192)
def _of_the_standard(value: str, scheme: str, meaning: str) -> _Code | None:
    """Return a code of PS3.16 with the meaning that it may have there: its own if that is one of the standard's."""
    concept = standard_concept(scheme, value)
    if concept is None:
        return None
    own = (
        folded_meaning(meaning) in concept.others
        and meaning.isascii()
        and meaning.isprintable()
        and len(meaning) <= _LONGEST_MEANING
    )
    return _Code(value=value, scheme=scheme, meaning=meaning if own else concept.meaning)


@lru_cache(maxsize=8192)
def _has_shape(scheme: str, value: str) -> bool:
    return standard_concept(scheme, value) is not None or PUBLIC_SCHEMES[scheme](value)


def _may_stay(value: str, context: ScrubContext) -> bool:
    """Tell whether a code of a private scheme says nothing about anybody: short, or words that cleaning lets stand."""
    if value == ANONYMIZED or not value:
        return True
    if context.identifiers.in_free_text(value):
        return False
    if _HARMLESS_VALUE.fullmatch(value):
        return True
    return not any(letter.isdigit() for letter in value) and context.cleaner.clean(value) == value


def _private_scheme(scheme: str, context: ScrubContext) -> str:
    if scheme in VENDOR_SCHEMES or (scheme in PUBLIC_SCHEMES and scheme.startswith("99")):
        return scheme
    name = scheme.removeprefix("99")
    if not _PRIVATE_NAME.fullmatch(scheme) or context.identifiers.in_free_text(name):
        return _PRIVATE_SCHEME
    return scheme if context.cleaner.clean(name) == name else _PRIVATE_SCHEME


def _cleaned_meaning(code: _Code, context: ScrubContext) -> str:
    meaning = code.meaning
    if meaning.casefold() == ANONYMIZED.casefold() or (
        meaning == code.value and meaning and not context.identifiers.in_free_text(meaning)
    ):
        return meaning
    return context.cleaner.clean(meaning).strip()[:_LONGEST_MEANING].strip() or ANONYMIZED


def _surroundings(source: Dataset, code: _Code, context: ScrubContext) -> dict[int, tuple[str, str]]:
    """Return what stays of versions, context groups and mapping resources, and of what is said about the scheme."""
    present = CODE_TAGS.intersection(source.keys()) - _ENTRY_TAGS
    if not present:
        return {}
    wanted: dict[int, tuple[str, str]] = {}
    in_text = context.identifiers.in_text
    if SCHEME_VERSION in present:
        version = _text(source, SCHEME_VERSION)
        if _VERSION.fullmatch(version) and not in_text(version):
            wanted[SCHEME_VERSION] = ("SH", version)
    resource = _text(source, MAPPING_RESOURCE) if MAPPING_RESOURCE in present else ""
    if resource in _MAPPING_RESOURCES:
        wanted[MAPPING_RESOURCE] = ("CS", resource)
        if MAPPING_NAME in present:
            wanted[MAPPING_NAME] = ("LO", _MAPPING_RESOURCES[resource])
        group = _text(source, CONTEXT_ID)
        if _CONTEXT_ID.fullmatch(group) and not in_text(group):
            wanted[CONTEXT_ID] = ("CS", group)
    if code.scheme in PUBLIC_SCHEMES:
        for tag, vr in _ABOUT_SCHEME.items():
            text = context.cleaner.clean(_text(source, tag)).strip() if tag in present else ""
            if text:
                wanted[tag] = (vr, text)
    return wanted


def _write(wanted: dict[int, tuple[str, str]], result: Dataset, context: ScrubContext) -> bool:
    ruled = context.rules.ruled
    for tag in CODE_TAGS.intersection(result.keys()):
        if tag not in wanted and tag not in ruled:
            del result[tag]
    is_unicode = False
    for tag, (vr, text) in wanted.items():
        if tag in ruled:
            continue
        element = result.get(tag)
        if element is None or element.value != text:
            result[tag] = DataElement(tag, vr, text, already_converted=True)
        is_unicode |= not text.isascii()
    return is_unicode


def _text(item: Dataset, tag: int) -> str:
    """Return a text without padding, nothing for what cannot be decoded; plain ASCII goes no detour by pydicom."""
    if tag not in item:
        return ""
    raw = item.get_item(tag)
    if (
        isinstance(raw, RawDataElement)
        and isinstance(raw.value, bytes)
        and raw.value.isascii()
        and b"\x1b" not in raw.value
    ):
        text = raw.value.decode("ascii").strip(" \0")
        return text if was_decoded(text) else ""
    element = decoded(item, tag)
    if isinstance(element, Undecodable):
        return ""
    text = "\\".join(str(part) for part in parts_of(element.value)).strip(" \0")
    return text if was_decoded(text) else ""
