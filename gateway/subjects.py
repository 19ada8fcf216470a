"""Under which keyed hashes the ledger knows a patient and a study.

Rule of the file: pure, and the only place that says what goes into such a hash, so that who asks and who wrote agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.patient_table import normal_domain, normal_patient_id
from gateway.entries import Identity
from pipeline.crosswalk import as_fields, from_fields

if TYPE_CHECKING:
    from config.schema import GatewayConfig
    from gateway.sealing import Sealer
    from pipeline.records import CrosswalkEntry

_PATIENT, _SUBJECT, _STUDY, _WITHDRAWN = "patient", "subject", "study", "withdrawn patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """Keyed hashes and ciphertext of one node.

    Parameters
    ----------
    strips_leading_zeros
        Whether any profile takes 007 and 7 for one patient: a withdrawal is then of both.
    """

    sealer: Sealer
    strips_leading_zeros: bool

    @classmethod
    def of(cls, config: GatewayConfig, sealer: Sealer) -> Subjects:
        """Return those of a configured node."""
        strips = any(profile.patient_id.strip_leading_zeros for profile in config.profiles.values())
        return cls(sealer=sealer, strips_leading_zeros=strips)

    def patient(self, patient_id: str) -> bytes:
        """Return the index of a Patient ID whatever its spelling, leading zeros and domain: a first choice of rows."""
        return self.sealer.index(_PATIENT, normal_patient_id(patient_id, strip_leading_zeros=True))

    def spellings(self, patient_id: str) -> frozenset[str]:
        """Return the forms under which a patient counts here."""
        normal = normal_patient_id(patient_id, strip_leading_zeros=False)
        return frozenset({normal, normal.lstrip("0")}) if self.strips_leading_zeros else frozenset({normal})

    def are_one(self, first: str, second: str) -> bool:
        """Tell whether two Patient IDs of one domain may be the same patient's."""
        return not self.spellings(first).isdisjoint(self.spellings(second))

    def same_domain(self, first: str, second: str) -> bool:
        """Tell whether two names are of one patient domain."""
        return normal_domain(first) == normal_domain(second)

    def study(self, study_uid: str) -> bytes:
        """Return the index of a source Study Instance UID."""
        return self.sealer.index(_STUDY, study_uid)

    def withdrawals_of_patient(self, patient_id: str, domain: str | None) -> tuple[bytes, ...]:
        """Return under what a withdrawal is written: for one domain, or with None for the ID in every domain."""
        whose = normal_domain(domain or "")
        return tuple(self.sealer.index(_WITHDRAWN, f"{whose}\0{one}") for one in sorted(self.spellings(patient_id)))

    def withdrawals(self, *, patient_id: str, domain: str, study_uid: str) -> tuple[bytes, ...]:
        """Return under what a withdrawal of an object's patient or study would stand."""
        return (
            *self.withdrawals_of_patient(patient_id, domain),
            *self.withdrawals_of_patient(patient_id, None),
            self.study(study_uid),
        )

    def identity(self, entry: CrosswalkEntry, *, token: str) -> Identity:
        """Return what the ledger keeps of whose object it is, sealed for the row of that token."""
        return Identity(
            subject_index=self.sealer.index(_SUBJECT, f"{entry.patient_domain}\0{entry.normal_patient_id}"),
            patient_index=self.patient(entry.patient_id),
            withdrawal_indexes=self.withdrawals(
                patient_id=entry.patient_id, domain=entry.patient_domain, study_uid=entry.study_uid[0]
            ),
            crosswalk=self.sealer.seal(as_fields(entry), token=_crosswalk_of(token)),
        )

    def entry(self, crosswalk: bytes, *, token: str) -> CrosswalkEntry:
        """Return what `identity` sealed.

        Raises
        ------
        gateway.sealing.SealBrokenError
            Another key sealed it, or for another row.
        """
        return from_fields(self.sealer.unseal(crosswalk, token=_crosswalk_of(token)))


def _crosswalk_of(token: str) -> str:
    """Return what the ciphertext is bound to; another text than for the identifiers at arrival."""
    return f"crosswalk {token}"
