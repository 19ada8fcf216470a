"""What goes into the ledger and comes out of it. Behaviour lives elsewhere; no field here has a default value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.priority import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInstance:
    """What the receiver knows of an object whose bytes are durable under `token`.

    Parameters
    ----------
    sealed
        The source identifiers, encrypted; `sop_index`, `study_index`, `patient_index` their keyed hashes.
    content_sha256
        Hash of the data set without file meta, 32 bytes.
    """

    token: str
    node: str
    calling_aet: str
    called_aet: str
    sop_class_uid: str
    transfer_syntax_uid: str
    readable: bool
    sop_index: bytes
    study_index: bytes | None
    patient_index: bytes | None
    sealed: bytes
    content_sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An instance that a worker holds for a while."""

    instance_id: int
    token: str
    node: str
    calling_aet: str
    called_aet: str
    size_bytes: int
    readable: bool
    study_index: bytes | None
    received_at: float
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose object it is, as the ledger may know it: keyed hashes and ciphertext (`gateway.subjects`).

    Parameters
    ----------
    subject_index
        One patient of one domain; None in rows from before that was kept.
    patient_index
        The Patient ID, whatever its leading zeros and its domain.
    withdrawal_indexes
        Under which a withdrawal of this patient or study would stand.
    crosswalk
        The sealed `CrosswalkEntry`.
    """

    subject_index: bytes | None
    patient_index: bytes | None
    withdrawal_indexes: tuple[bytes, ...]
    crosswalk: bytes | None

    def columns(self) -> dict[str, Any]:
        """Return the ledger's columns for this identity."""
        return {
            "subject_index": self.subject_index,
            "patient_index": self.patient_index,
            "crosswalk": self.crosswalk,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A verified output in the spool, and what the ledger keeps of it."""

    token: str
    sha256: str
    size_bytes: int
    transfer_syntax_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    pseudonym: str
    profile_sha256: str
    record: Mapping[str, Any]
    identity: Identity

    def columns(self) -> dict[str, Any]:
        """Return the ledger's columns for this output."""
        return {
            "output_token": self.token,
            "output_sha256": self.sha256,
            "output_bytes": self.size_bytes,
            "output_syntax_uid": self.transfer_syntax_uid,
            "public_sop_uid": self.sop_instance_uid,
            "public_series_uid": self.series_instance_uid,
            "public_study_uid": self.study_instance_uid,
            "pseudonym": self.pseudonym,
            "profile_sha256": self.profile_sha256,
            "record": dict(self.record),
            "output_kept": True,
            **self.identity.columns(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The rule that decided about an instance."""

    rule: str
    project: str | None
    profile: str | None
    targets: tuple[str, ...]
    priority: Priority = Priority.NORMAL

    def columns(self) -> dict[str, Any]:
        """Return the ledger's columns for this route."""
        return {"rule": self.rule, "project": self.project, "profile": self.profile}
