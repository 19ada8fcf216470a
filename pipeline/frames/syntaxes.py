"""What each transfer syntax is to the pixel stages: the only place that knows syntaxes.

A syntax that is not in the table cannot be read by this version, and its objects are held. The rule of this file:
facts only, no pixel and no byte is touched here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping


class Coding(StrEnum):
    """How the frames of an object are coded."""

    NATIVE = "native"
    """Samples side by side."""
    RLE = "rle"
    JPEG = "jpeg"
    """ISO/IEC 10918-1: baseline, extended and lossless processes."""
    JPEG_LS = "jpeg_ls"
    """ISO/IEC 14495-1."""
    JPEG_2000 = "jpeg_2000"
    """ISO/IEC 15444-1, and 15444-15 (high throughput)."""


IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """One transfer syntax.

    Parameters
    ----------
    uid
        Its UID (PS3.6, Table A-1).
    lossless
        Decoding gives the very samples that were encoded. False where the syntax *allows* loss.
    has_encoder
        A permissively licensed encoder is installed that codes this syntax without loss.
    """

    uid: str
    coding: Coding
    lossless: bool
    has_encoder: bool
    implicit_vr: bool
    little_endian: bool
    deflated: bool

    @property
    def encapsulated(self) -> bool:
        """Frames stand as fragments in items (PS3.5, A.4)."""
        return self.coding is not Coding.NATIVE

    @property
    def rewritten_uid(self) -> str:
        """The syntax of the object once its pixels were changed: the same where that costs no loss."""
        return self.uid if self.lossless and self.has_encoder else EXPLICIT_LITTLE


def _native(uid: str, *, implicit_vr: bool = False, little_endian: bool = True, deflated: bool = False) -> Syntax:
    return Syntax(
        uid=uid,
        coding=Coding.NATIVE,
        lossless=True,
        has_encoder=True,
        implicit_vr=implicit_vr,
        little_endian=little_endian,
        deflated=deflated,
    )


def _encapsulated(uid: str, coding: Coding, *, lossless: bool, has_encoder: bool = False) -> Syntax:
    return Syntax(
        uid=uid,
        coding=coding,
        lossless=lossless,
        has_encoder=has_encoder,
        implicit_vr=False,
        little_endian=True,
        deflated=False,
    )


_ALL = (
    _native(IMPLICIT_LITTLE, implicit_vr=True),
    _native(EXPLICIT_LITTLE),
    _native(DEFLATED_LITTLE, deflated=True),
    _native(EXPLICIT_BIG, little_endian=False),
    _encapsulated(RLE_LOSSLESS, Coding.RLE, lossless=True, has_encoder=True),
    _encapsulated(JPEG_BASELINE, Coding.JPEG, lossless=False),  # JPEG Baseline (Process 1)
    _encapsulated(JPEG_EXTENDED, Coding.JPEG, lossless=False),  # JPEG Extended (Process 2 and 4)
    _encapsulated("1.2.840.10008.1.2.4.57", Coding.JPEG, lossless=True),  # JPEG Lossless (Process 14)
    _encapsulated("1.2.840.10008.1.2.4.70", Coding.JPEG, lossless=True),  # JPEG Lossless, first-order prediction
    _encapsulated("1.2.840.10008.1.2.4.80", Coding.JPEG_LS, lossless=True, has_encoder=True),
    _encapsulated("1.2.840.10008.1.2.4.81", Coding.JPEG_LS, lossless=False),
    _encapsulated("1.2.840.10008.1.2.4.90", Coding.JPEG_2000, lossless=True, has_encoder=True),
    _encapsulated("1.2.840.10008.1.2.4.91", Coding.JPEG_2000, lossless=False),
    _encapsulated("1.2.840.10008.1.2.4.201", Coding.JPEG_2000, lossless=True),  # HTJ2K: OpenJPEG only decodes
    _encapsulated("1.2.840.10008.1.2.4.202", Coding.JPEG_2000, lossless=True),
    _encapsulated("1.2.840.10008.1.2.4.203", Coding.JPEG_2000, lossless=False),
)

SYNTAXES: Mapping[str, Syntax] = MappingProxyType({syntax.uid: syntax for syntax in _ALL})
"""Every syntax whose pixels this version can read."""


def syntax_of(uid: str) -> Syntax:
    """Look a syntax up.

    Raises
    ------
    Held
        `UNDECODABLE` where this version cannot read the syntax (video, JPEG XL, private ones).
    """
    if uid not in SYNTAXES:
        raise Held(Reason.UNDECODABLE, "the transfer syntax is not one that this version can decode")
    return SYNTAXES[uid]
