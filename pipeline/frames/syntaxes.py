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
    JPEG_XL = "jpeg_xl"
    """ISO/IEC 18181-1."""
    DEFLATED = "deflated"
    """Every frame is a deflate stream (RFC 1951) of its native bytes."""
    MPEG_2 = "mpeg_2"
    """ISO/IEC 13818-2: all frames are one stream, as in the next two."""
    AVC = "avc"
    """ISO/IEC 14496-10, ITU-T H.264."""
    HEVC = "hevc"
    """ISO/IEC 23008-2, ITU-T H.265."""


IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_FIRST_ORDER = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"
JPEG_XL_RECOMPRESSION = "1.2.840.10008.1.2.4.111"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
MPEG_2_MAIN_LEVEL = "1.2.840.10008.1.2.4.100"
MPEG_2_HIGH_LEVEL = "1.2.840.10008.1.2.4.101"
AVC_41 = "1.2.840.10008.1.2.4.102"
AVC_41_DISC = "1.2.840.10008.1.2.4.103"
AVC_42 = "1.2.840.10008.1.2.4.104"
HEVC_MAIN = "1.2.840.10008.1.2.4.107"
HEVC_MAIN_10 = "1.2.840.10008.1.2.4.108"
FRAGMENTABLE = ".1"
"""Behind the UID of a video syntax: its stream may stand in several fragments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """One transfer syntax.

    Parameters
    ----------
    uid
        Its UID (PS3.6, Table A-1).
    lossless
        Decoding gives the very samples that were encoded. False where the syntax *allows* loss.
    rewritten_uid
        The syntax of the object once its pixels were changed: the same where it is lossless and a permissively licensed
        encoder is installed, the lossless sibling of one that allows loss, else Explicit VR Little Endian.
    high_throughput
        JPEG 2000 with the block coder of part 15.
    """

    uid: str
    coding: Coding
    lossless: bool
    rewritten_uid: str
    high_throughput: bool
    implicit_vr: bool
    little_endian: bool
    deflated: bool

    @property
    def encapsulated(self) -> bool:
        """Frames stand as fragments in items (PS3.5, A.4)."""
        return self.coding is not Coding.NATIVE

    @property
    def lossy_method(self) -> str | None:
        """Lossy Image Compression Method (0028,2114) of a syntax that allows loss (PS3.3, C.7.6.1.1.5.1)."""
        if self.lossless:
            return None
        return "ISO_15444_15" if self.high_throughput else _LOSSY_METHODS[self.coding]

    @property
    def is_lossy_jpeg(self) -> bool:
        """Colour is coded as luminance and chrominance, and nobody stored it so."""
        return self.coding is Coding.JPEG and not self.lossless

    @property
    def is_copied(self) -> bool:
        """Coded frames can be cleaned of what is no pixel without coding them again, one by one."""
        return self.coding is not Coding.JPEG_XL and not self.is_video

    @property
    def is_video(self) -> bool:
        """All frames are one coded stream: no frame has bytes of its own."""
        return self.coding in _VIDEO


_LOSSY_METHODS = {
    Coding.JPEG: "ISO_10918_1",
    Coding.JPEG_LS: "ISO_14495_1",
    Coding.JPEG_2000: "ISO_15444_1",
    Coding.JPEG_XL: "ISO_18181_1",
    Coding.MPEG_2: "ISO_13818_2",
    Coding.AVC: "ISO_14496_10",
    Coding.HEVC: "ISO_23008_2",
}
_VIDEO = frozenset({Coding.MPEG_2, Coding.AVC, Coding.HEVC})


def _native(uid: str, *, implicit_vr: bool = False, little_endian: bool = True, deflated: bool = False) -> Syntax:
    return Syntax(
        uid=uid,
        coding=Coding.NATIVE,
        lossless=True,
        rewritten_uid=uid,
        high_throughput=False,
        implicit_vr=implicit_vr,
        little_endian=little_endian,
        deflated=deflated,
    )


def _encapsulated(
    uid: str, coding: Coding, *, lossless: bool, rewritten: str = EXPLICIT_LITTLE, high_throughput: bool = False
) -> Syntax:
    return Syntax(
        uid=uid,
        coding=coding,
        lossless=lossless,
        rewritten_uid=rewritten,
        high_throughput=high_throughput,
        implicit_vr=False,
        little_endian=True,
        deflated=False,
    )


_ALL = (
    _native(IMPLICIT_LITTLE, implicit_vr=True),
    _native(EXPLICIT_LITTLE),
    _native(DEFLATED_LITTLE, deflated=True),
    _native(EXPLICIT_BIG, little_endian=False),
    _encapsulated(DEFLATED_FRAMES, Coding.DEFLATED, lossless=True, rewritten=DEFLATED_FRAMES),
    _encapsulated(RLE_LOSSLESS, Coding.RLE, lossless=True, rewritten=RLE_LOSSLESS),
    _encapsulated(JPEG_BASELINE, Coding.JPEG, lossless=False),  # JPEG Baseline (Process 1)
    _encapsulated(JPEG_EXTENDED, Coding.JPEG, lossless=False),  # JPEG Extended (Process 2 and 4)
    _encapsulated("1.2.840.10008.1.2.4.53", Coding.JPEG, lossless=False),  # Spectral Selection (retired)
    _encapsulated("1.2.840.10008.1.2.4.55", Coding.JPEG, lossless=False),  # Full Progression (retired)
    _encapsulated(JPEG_LOSSLESS, Coding.JPEG, lossless=True, rewritten=JPEG_LOSSLESS),  # Process 14
    _encapsulated(JPEG_LOSSLESS_FIRST_ORDER, Coding.JPEG, lossless=True, rewritten=JPEG_LOSSLESS_FIRST_ORDER),
    _encapsulated(JPEG_LS_LOSSLESS, Coding.JPEG_LS, lossless=True, rewritten=JPEG_LS_LOSSLESS),
    _encapsulated("1.2.840.10008.1.2.4.81", Coding.JPEG_LS, lossless=False, rewritten=JPEG_LS_LOSSLESS),
    _encapsulated(JPEG_2000_LOSSLESS, Coding.JPEG_2000, lossless=True, rewritten=JPEG_2000_LOSSLESS),
    _encapsulated("1.2.840.10008.1.2.4.91", Coding.JPEG_2000, lossless=False, rewritten=JPEG_2000_LOSSLESS),
    _encapsulated(JPEG_XL_LOSSLESS, Coding.JPEG_XL, lossless=True, rewritten=JPEG_XL_LOSSLESS),
    _encapsulated(JPEG_XL_RECOMPRESSION, Coding.JPEG_XL, lossless=False, rewritten=JPEG_XL_LOSSLESS),
    _encapsulated("1.2.840.10008.1.2.4.112", Coding.JPEG_XL, lossless=False, rewritten=JPEG_XL_LOSSLESS),
    *(
        _encapsulated(uid, Coding.JPEG_2000, lossless=lossless, rewritten=HTJ2K_LOSSLESS, high_throughput=True)
        for uid, lossless in (
            (HTJ2K_LOSSLESS, True),
            ("1.2.840.10008.1.2.4.202", True),  # promises an order of packets that the encoder does not
            ("1.2.840.10008.1.2.4.203", False),
        )
    ),
    *(
        _encapsulated(uid + variant, coding, lossless=False)
        for uid, coding in (
            (MPEG_2_MAIN_LEVEL, Coding.MPEG_2),
            (MPEG_2_HIGH_LEVEL, Coding.MPEG_2),
            (AVC_41, Coding.AVC),
            (AVC_41_DISC, Coding.AVC),
            (AVC_42, Coding.AVC),
        )
        for variant in ("", FRAGMENTABLE)
    ),
    _encapsulated(HEVC_MAIN, Coding.HEVC, lossless=False),
    _encapsulated(HEVC_MAIN_10, Coding.HEVC, lossless=False),
)

SYNTAXES: Mapping[str, Syntax] = MappingProxyType({syntax.uid: syntax for syntax in _ALL})
"""Every syntax whose pixels this version can read."""


def syntax_of(uid: str) -> Syntax:
    """Look a syntax up.

    Raises
    ------
    Held
        `UNDECODABLE` where this version cannot read the syntax (stereoscopic video, private ones).
    """
    if uid not in SYNTAXES:
        raise Held(Reason.UNDECODABLE, "the transfer syntax is not one that this version can decode")
    return SYNTAXES[uid]
