"""The identities of an original beside those of its output: one line of the crosswalk.

Rule of the file: what is said to stand in the output is read from the output, but for UIDs that only references
name: those are mapped once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.header.decoding import Undecodable, decoded
from pipeline.header.numbers import number_in
from pipeline.records import CrosswalkEntry

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from pipeline.header.context import ScrubContext

_ACCESSION_NUMBER = 0x00080050
_STUDY_ID = 0x00200010
_PATIENT_ID = 0x00100020
_INSTANCE, _STUDY, _SERIES = 0x00080018, 0x0020000D, 0x0020000E


def correspondence(source: Dataset, result: Dataset, context: ScrubContext) -> CrosswalkEntry:
    """Return what stands in `source`, beside what stands in `result` in its place."""
    study, series, instance = (_pair(source, result, tag) for tag in (_STUDY, _SERIES, _INSTANCE))
    public_uid = context.identities.public_uid
    others = context.identifiers.uids - {study[0], series[0], instance[0]}
    return CrosswalkEntry(
        patient_domain=context.patient_domain,
        patient_id=_text(source, _PATIENT_ID),
        normal_patient_id=context.normal_patient_id,
        pseudonym=context.pseudonym,
        accession_number=_numbers(source, result, _ACCESSION_NUMBER),
        study_id=_numbers(source, result, _STUDY_ID),
        study_uid=study,
        series_uid=series,
        instance_uid=instance,
        other_uids=tuple((uid, public_uid(uid)) for uid in sorted(others)),
    )


def _pair(source: Dataset, result: Dataset, tag: int) -> tuple[str, str]:
    return _text(source, tag), _text(result, tag)


def _numbers(source: Dataset, result: Dataset, tag: int) -> tuple[str, str]:
    return number_in(source, tag).strip(" \0"), number_in(result, tag)


def _text(dataset: Dataset, tag: int) -> str:
    element = decoded(dataset, tag)
    assert not isinstance(element, Undecodable), "the scrubber has read it"
    return ("\\".join(map(str, element.value)) if element.VM > 1 else str(element.value)).strip(" \0")
