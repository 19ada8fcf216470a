"""What every treatment of one object's elements shares: the profile's rules and this patient's identities.

Rule of the file: data only; frozen, so that no element's treatment can change another's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pydicom.dataset import Dataset

if TYPE_CHECKING:
    from pipeline.header.identifiers import Identifiers
    from pipeline.header.identity import Identities
    from pipeline.header.table import Rules
    from pipeline.header.text import TextCleaner

ScrubItem: TypeAlias = Callable[[Dataset, int], Dataset]
"""Scrub a nested data set; the number is how deep it stands (the root is 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubContext:
    """One object under one profile.

    Parameters
    ----------
    cleaner
        Cleans free text of this patient.
    shift_days
        By how many days this patient's dates move back, where the profile shifts dates.
    patient_domain
        Who issued this patient's ID; accession and order numbers are taken to be of the same house. Confidential.
    normal_patient_id
        As it counts; an equal Patient ID in an item becomes the pseudonym, another one a dummy.
    is_big_endian
        How the source was read: pydicom leaves the bytes of OW and its like as they came, the result is little-endian.
    """

    rules: Rules
    identities: Identities
    identifiers: Identifiers
    cleaner: TextCleaner
    shift_days: int
    pseudonym: str
    patient_domain: str = field(repr=False)
    normal_patient_id: str = field(repr=False)
    is_big_endian: bool
