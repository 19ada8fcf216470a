"""Keyed identities: the same key, project and source give the same public UID, pseudonym and date shift anywhere.

Rule of the file: everything is a pure function of the key, so that nodes agree without talking to each other. Each
purpose has its own subkey (HKDF, RFC 5869), so that what one purpose publishes says nothing about another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydicom.uid import UID_dictionary  # type: ignore[attr-defined]  # public there, but not re-exported for types

from config.patient_table import normal_domain, normal_patient_id
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from config.schema import PatientIds

KEY_BYTES = 32
LONGEST_PSEUDONYM = 64
_NUMBER_BYTES = 10
"""80 bits, 16 characters of base32 without padding: what a Short String (SH) holds."""

_PLACEHOLDERS = frozenset(
    {
        "ANON", "ANONYM", "ANONYMIZED", "ANONYMISED", "ANONYMOUS", "DESCONOCIDO", "DUMMY", "EMERGENCY", "EMPTY", "ID",
        "INCONNU", "MISSING", "NA", "NIL", "NN", "NOID", "NOMRN", "NONE", "NOPATIENTID", "NOTAVAILABLE", "NOTKNOWN",
        "NULL", "PATIENT", "PATIENTID", "TBA", "TBD", "TEMP", "TEST", "TESTPATIENT", "UNBEKANNT", "UNDEFINED",
        "UNDEFINIERT", "UNKNOWN", "UNKNOWNID",
    }
)  # fmt: skip
"""What stands where nobody knew the ID, letters and digits only. Different people share it: a pseudonym would mix
them. TEST is among them because scans made under it are of whoever was at hand."""

_NUMBER_KINDS = ("accession", "study id", "placer order", "filler order")
_NOTHING_SAID = re.compile(r"[\W_0]*|[\W_]*X+[\W_]*")
_BLANK = " \t\r\n\f\v\0"


class Identities:
    """Public UIDs, pseudonyms and date shifts of one project.

    Parameters
    ----------
    key
        The site's key, at least 32 random bytes.
    project
        The same patient differs between projects; may be empty.

    Raises
    ------
    ValueError
        The key is shorter than 32 bytes.
    """

    def __init__(self, key: bytes, project: str) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, needed are {KEY_BYTES}")
        self._key = key
        self.project = project
        self._uid_key = self.subkey("uid")
        self._patient_key = self.subkey("patient")
        self._shift_key = self.subkey("date shift")
        self._number_keys = {kind: self.subkey(kind) for kind in _NUMBER_KINDS}
        self._text_key = self.subkey("text")

    def subkey(self, purpose: str) -> bytes:
        """Return the 32 bytes that this project uses for `purpose`, and nothing else does (HKDF-SHA256)."""
        info = _length_prefixed("sonoveil identity", self.project, purpose)
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._key)

    def public_uid(self, source_uid: str) -> str:
        """Return the UID that stands for `source_uid`: 2.25. and a UUID of version 8 (PS3.5 B.2, RFC 9562).

        UIDs of the standard itself are returned as they are, blanks and NULs around a UID do not count, and an
        empty UID stays empty. Nothing but the subkey and the source UID decides.
        """
        source_uid = source_uid.strip(_BLANK)
        if not source_uid or is_well_known(source_uid):
            return source_uid
        digest = bytearray(hmac.digest(self._uid_key, source_uid.encode(), hashlib.sha256)[:16])
        digest[6] = digest[6] & 0x0F | 0x80
        digest[8] = digest[8] & 0x3F | 0x80
        return f"2.25.{uuid.UUID(bytes=bytes(digest)).int}"

    def pseudonym(
        self, domain: str, patient_id: str, *, prefix: str = "", length: int = 16, alphabet: str = "base32"
    ) -> str:
        """Return `prefix` and `length` characters that stand for a patient.

        Parameters
        ----------
        domain
            Who issued the ID (see `patient_domain_of`).
        patient_id
            As `normalise_patient_id` returns it.
        length, alphabet
            `base32` (A-Z 2-7), `hex` (0-9 A-F) or `digits`; at least 80 bits, see `config.profile.PatientIds`.

        Raises
        ------
        ValueError
            The whole is too long for an LO of 64 characters.
        """
        digest = hmac.digest(self._patient_key, _length_prefixed(self.project, domain, patient_id), hashlib.sha256)
        pseudonym = prefix + _spelled(digest, length, alphabet)
        if len(pseudonym) > LONGEST_PSEUDONYM:
            raise ValueError(f"prefix and length make {len(pseudonym)} characters, which is too long")
        return pseudonym

    def study_number(self, kind: str, domain: str, number: str) -> str:
        """Return 16 characters A-Z 2-7 that stand for an accession number, Study ID or order number.

        Parameters
        ----------
        kind
            One of `accession`, `study id`, `placer order`, `filler order`: each has its own subkey, so that a number
            that serves as two things is not recognised by that.
        domain
            The patient's; numbers of different hospitals are different numbers.
        number
            As it stands in the source. Nothing, or blanks alone, stays nothing.
        """
        normal = normal_patient_id(number, strip_leading_zeros=False)
        if not normal:
            return ""
        message = _length_prefixed(self.project, domain, normal)
        digest = hmac.digest(self._number_keys[kind], message, hashlib.sha256)
        return base64.b32encode(digest[:_NUMBER_BYTES]).decode("ascii")

    def date_shift_days(self, domain: str, patient_id: str, range_days: int) -> int:
        """Return by how many whole days this patient's dates move back: 1 to `range_days`."""
        digest = hmac.digest(self._shift_key, _length_prefixed(self.project, domain, patient_id), hashlib.sha256)
        return int.from_bytes(digest[:8], "big") % range_days + 1

    def text_digest(self, text: str) -> str:
        """Return 32 hexadecimal digits that stand for a text in a sidecar that stores no text."""
        return hmac.digest(self._text_key, text.encode(), hashlib.sha256)[:16].hex()


def is_well_known(uid: str) -> bool:
    """Tell whether a UID is the standard's own (PS3.6 Annex A), so that it says nothing about anybody.

    A UID that merely starts with 1.2.840.10008 is not enough: devices have made instance UIDs of that shape.
    """
    return uid in UID_dictionary


def normalise_patient_id(value: str, *, strip_leading_zeros: bool) -> str:
    """Return a Patient ID in the form that counts: NFKC, trimmed, upper case.

    Raises
    ------
    Held
        `NO_PATIENT_ID` for nothing, zeros, punctuation, X's or a placeholder: a pseudonym would mix patients.
    """
    normal = normal_patient_id(value, strip_leading_zeros=False)
    letters = re.sub(r"[\W_]", "", normal)
    if _NOTHING_SAID.fullmatch(normal) or letters in _PLACEHOLDERS:
        raise Held(Reason.NO_PATIENT_ID, "Patient ID is empty, all zeros or a placeholder")
    return normal.lstrip("0") if strip_leading_zeros else normal


def patient_domain_of(configured: str | None, issuer: str, node_name: str) -> str:
    """Return who issued a Patient ID: the configured domain, else Issuer of Patient ID, else the node's name."""
    for candidate in (configured, issuer):
        if domain := normal_domain(candidate or ""):
            return domain
    return node_name


def pseudonym_of(identities: Identities, how: PatientIds, domain: str, patient_id: str) -> str:
    """Return the pseudonym of a patient as the profile wants it made.

    Raises
    ------
    Held
        `UNKNOWN_PATIENT`: the steward's table does not have this patient.
    """
    if how.file is None:
        return identities.pseudonym(domain, patient_id, prefix=how.prefix, length=how.length, alphabet=how.alphabet)
    pseudonym = how.file.new_id(domain, patient_id)
    if pseudonym is None:
        raise Held(Reason.UNKNOWN_PATIENT, "the profile's table of patients does not have this one")
    return pseudonym


def _spelled(digest: bytes, length: int, alphabet: str) -> str:
    """Write the beginning of a digest of 256 bits; a number's last digits are as random as its first bits."""
    if alphabet == "digits":
        return f"{int.from_bytes(digest) % 10**length:0{length}d}"
    return (digest.hex().upper() if alphabet == "hex" else base64.b32encode(digest).decode("ascii"))[:length]


def _length_prefixed(*parts: str) -> bytes:
    """Join so that no two different lists of strings give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
