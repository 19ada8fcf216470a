"""Which presentation contexts are accepted, and which transfer syntax is preferred in one.

Rule of the file: pure; a decision depends on the proposal and the DICOM dictionary alone. Every abstract syntax with a
valid UID is storage unless the standard says it is another service; every transfer syntax with a valid UID is taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom import uid
from pydicom._uid_dict import UID_dictionary
from pynetdicom import sop_class
from pynetdicom.presentation import build_context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pynetdicom.presentation import PresentationContext

VERIFICATION = "1.2.840.10008.1.1"
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model (PS3.4 J.3)."""

COMMITMENT_SYNTAXES = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+", re.ASCII)
_LONGEST_UID = 64

LOSSLESS_COMPRESSED = (
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.RLELossless,
    "1.2.840.10008.1.2.4.110",  # JPEG XL Lossless
    "1.2.840.10008.1.2.4.111",  # JPEG XL JPEG Recompression: lossless against the JPEG that it carries
    "1.2.840.10008.1.2.8.1",  # Deflated Image Frame Compression
)
UNCOMPRESSED = (
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
)
_PREFERENCE = {syntax: rank for rank, syntax in enumerate((*LOSSLESS_COMPRESSED, *UNCOMPRESSED))}
_PRIVATE_OR_UNKNOWN = len(_PREFERENCE)
_LOSSY = _PRIVATE_OR_UNKNOWN + 1
_ELSEWHERE = _LOSSY + 1
_PIXELS_ELSEWHERE = frozenset(
    {"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205"}
)
"""JPIP: the object holds a URL in place of its pixels, so it is the last that one wants."""

_DICOM_ROOT = "1.2.840.10008."
_STORAGE_CLASSES = frozenset(sop_class._STORAGE_CLASSES.values()) | frozenset(  # noqa: SLF001  the dictionaries have no public name
    sop_class._NON_PATIENT_OBJECT_CLASSES.values()  # noqa: SLF001  same
)
_NOT_STORAGE_THOUGH_NAMED_SO = frozenset(
    {
        "1.2.840.10008.1.3.10",  # Media Storage Directory Storage: files on media, never sent
        STORAGE_COMMITMENT,
        "1.2.840.10008.1.20.2",  # Storage Commitment Pull Model
    }
)


def is_valid_uid(value: str) -> bool:
    """Say whether a text can be a UID: 1 to 64 digits and dots, at least two components, none empty (PS3.5 9.1).

    Leading zeros in a component break the rule as written, but real equipment sends them and the UID still identifies:
    refusing it would make its owner's queue loop.
    """
    return len(value) <= _LONGEST_UID and _UID.fullmatch(value) is not None


def is_storage(abstract_syntax: str) -> bool:
    """Say whether an abstract syntax is taken for storage.

    Private and unknown UIDs are (a retired or newer class is no reason to refuse); UIDs that the standard gives to
    another service, to a transfer syntax or to anything else are not.
    """
    if not is_valid_uid(abstract_syntax):
        return False
    if abstract_syntax in _STORAGE_CLASSES:
        return True
    entry = UID_dictionary.get(abstract_syntax)
    if entry is None or not abstract_syntax.startswith(_DICOM_ROOT):
        return True
    name, kind = entry[0], entry[1]
    return kind == "SOP Class" and "Storage" in name and abstract_syntax not in _NOT_STORAGE_THOUGH_NAMED_SO


def preference(transfer_syntax: str) -> int:
    """Rank a transfer syntax, smaller is better.

    Lossless compressed, Explicit VR Little Endian, Implicit VR Little Endian, the rarer uncompressed ones, private and
    unknown ones, lossy, and at last those whose pixels lie elsewhere.
    """
    if transfer_syntax in _PREFERENCE:
        return _PREFERENCE[transfer_syntax]
    if transfer_syntax in _PIXELS_ELSEWHERE:
        return _ELSEWHERE
    entry = UID_dictionary.get(transfer_syntax)
    if entry is None or entry[1] != "Transfer Syntax":
        return _PRIVATE_OR_UNKNOWN
    return _LOSSY


def by_preference(transfer_syntaxes: Iterable[str]) -> list[str]:
    """Return the valid ones among proposed transfer syntaxes, each once, the preferred first."""
    return sorted(dict.fromkeys(s for s in transfer_syntaxes if is_valid_uid(s)), key=preference)


def supported_contexts(
    proposed: Iterable[PresentationContext], *, may_store: bool, may_echo: bool, may_report: bool = False
) -> list[PresentationContext]:
    """Return what we support of a proposal, one context per abstract syntax, transfer syntaxes in our order.

    pynetdicom then picks, in each proposed context, the first of ours that the context has.

    Parameters
    ----------
    proposed
        The requestor's presentation contexts.
    may_store, may_echo
        What the requestor is allowed.
    may_report
        Whether it may tell what became of our storage commitment requests: it is the SCP of that class here, so it
        must have proposed that role (PS3.7 D.3.3.4), and no other role is accepted.

    Returns
    -------
    list of PresentationContext
        Empty when nothing proposed is allowed.
    """
    wanted: dict[str, list[str]] = {}
    reported: list[PresentationContext] = []
    for context in proposed:
        abstract_syntax = str(context.abstract_syntax)
        is_echo = abstract_syntax == VERIFICATION
        if (is_echo and may_echo) or (not is_echo and may_store and is_storage(abstract_syntax)):
            wanted.setdefault(abstract_syntax, []).extend(str(s) for s in context.transfer_syntax)
        elif may_report and abstract_syntax == STORAGE_COMMITMENT and not reported:
            reported = [build_context(STORAGE_COMMITMENT, list(COMMITMENT_SYNTAXES))]
            reported[0].scu_role, reported[0].scp_role = False, True
    ordered = {abstract: by_preference(syntaxes) for abstract, syntaxes in wanted.items()}
    return [*(build_context(abstract, list(syntaxes)) for abstract, syntaxes in ordered.items() if syntaxes), *reported]
