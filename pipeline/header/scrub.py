"""Scrub a header: PS3.15 Table E.1-1 under a profile, recursively, and a rule for everything the table does not name.

Rule of the file: the result is built up from nothing. An element is in it because an action put it there, so that
what nobody thought of is absent. The source is only read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.header.blank_documents import put_blank_document
from pipeline.header.collect import collect_identifiers
from pipeline.header.context import ScrubContext
from pipeline.header.correspondence import correspondence
from pipeline.header.decoding import Undecodable, decoded, silent_decoding
from pipeline.header.elements import Scrubber, needs_unicode
from pipeline.header.identity import normalise_patient_id, patient_domain_of, pseudonym_of
from pipeline.header.marks import write_marks
from pipeline.header.table import Dates, compile_rules
from pipeline.header.text import TextCleaner
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from config.schema import Profile
    from pipeline.header.identifiers import Identifiers
    from pipeline.header.identity import Identities
    from pipeline.records import CrosswalkEntry

_PATIENT_NAME = 0x00100010
_PATIENT_ID = 0x00100020
_ISSUER_OF_PATIENT_ID = 0x00100021
_UIDS = {
    "SOP Class UID": 0x00080016,
    "SOP Instance UID": 0x00080018,
    "Study Instance UID": 0x0020000D,
    "Series Instance UID": 0x0020000E,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubbedHeader:
    """A header that may leave, and what must not be found beside it.

    Parameters
    ----------
    dataset
        A new data set without pixel data, file meta and private attributes; ready for `write_part10`.
    patient_id
        The pseudonym.
    patient_domain
        Who issued the original Patient ID, for the crosswalk. Confidential.
    normal_patient_id
        The original Patient ID as it counts, for the crosswalk. Confidential; not in `repr`.
    identifiers
        Of the original; confidential.
    cleaner
        That cleaned the free text of this object, for whoever wants its decisions explained; confidential.
    sop_class_uid, sop_instance_uid, series_instance_uid, study_instance_uid
        As they stand in `dataset`.
    crosswalk
        Every identity of the original beside its new one. Confidential.
    """

    dataset: Dataset = field(repr=False)
    patient_id: str
    patient_domain: str = field(repr=False)
    normal_patient_id: str = field(repr=False)
    identifiers: Identifiers
    cleaner: TextCleaner = field(repr=False)
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    crosswalk: CrosswalkEntry


def scrub_header(
    source: Dataset, *, profile: Profile, identities: Identities, patient_domain: str | None, node_name: str
) -> ScrubbedHeader:
    """Return the scrubbed header of an object of a class that `check_class` lets through.

    Parameters
    ----------
    source
        The original; never changed. Group 7FE0 is not looked at and not in the result.
    identities
        Of the rule's project.
    patient_domain
        `nodes.NAME.patient_domain` as configured, or None.
    node_name
        The configured name of the sender, the last resort for the domain.

    Raises
    ------
    Held
        `NO_PATIENT_ID` where a pseudonym would mix patients; `UNREADABLE` where a UID that names the object, its
        series, its study or its class is missing; `RESOURCE_LIMIT` for absurd nesting.
    """
    with silent_decoding():
        uids = {name: _text(source, tag) for name, tag in _UIDS.items()}
        for name, uid in uids.items():
            if not uid:
                raise Held(Reason.UNREADABLE, f"{name} is missing")
        normal_id = normalise_patient_id(
            _text(source, _PATIENT_ID), strip_leading_zeros=profile.patient_id.strip_leading_zeros
        )
        domain = patient_domain_of(patient_domain, _text(source, _ISSUER_OF_PATIENT_ID), node_name)
        pseudonym = pseudonym_of(identities, profile.patient_id, domain, normal_id)
        rules = compile_rules(profile)
        text = profile.pixels.text
        identifiers = collect_identifiers(source, rules, keep_words=text.keep_words if text else ())
        shift_days = identities.date_shift_days(domain, normal_id, profile.date_shift.range_days)
        cleaner = TextCleaner(identifiers=identifiers, shift_days=shift_days if rules.dates is Dates.MODIFIED else None)
        context = ScrubContext(
            rules=rules,
            identities=identities,
            identifiers=identifiers,
            cleaner=cleaner,
            shift_days=shift_days,
            pseudonym=pseudonym,
            patient_domain=domain,
            normal_patient_id=normal_id,
            is_big_endian=source.original_encoding[1] is False,
        )
        scrubber = Scrubber(context)
        result = scrubber.scrub(source)
        if _PATIENT_NAME not in rules.ruled:
            result.add_new(_PATIENT_NAME, "PN", pseudonym)
        result.add_new(_PATIENT_ID, "LO", pseudonym)
        put_blank_document(result, uids["SOP Class UID"])
        write_marks(result, profile, rules)
        if needs_unicode(result):
            result.add_new(0x00080005, "CS", "ISO_IR 192")
        crosswalk = correspondence(source, result, context)
    return ScrubbedHeader(
        dataset=result,
        patient_id=pseudonym,
        patient_domain=domain,
        normal_patient_id=normal_id,
        identifiers=identifiers,
        cleaner=cleaner,
        sop_class_uid=str(result.SOPClassUID),
        sop_instance_uid=str(result.SOPInstanceUID),
        series_instance_uid=str(result.SeriesInstanceUID),
        study_instance_uid=str(result.StudyInstanceUID),
        crosswalk=crosswalk,
    )


def _text(source: Dataset, tag: int) -> str:
    if tag not in source:
        return ""
    element: Any = decoded(source, tag)
    if isinstance(element, Undecodable) or element.value is None:
        return ""
    value = element.value
    return ("\\".join(map(str, value)) if element.VM > 1 else str(value)).strip(" \0")
