"""What each video syntax allows, and how a video is coded again within it.

PS3.5, 8.2.5 to 8.2.11: profile, level, pixel format, one fragment or several. The levels' numbers: ISO/IEC 13818-2
tables 8-11 to 8-14, ITU-T H.264 table A-1 (High profile: 1.25 times the rate), ITU-T H.265 tables A.8 and A.9.
The rule of this file: facts and settings of encoders, no picture and no byte is touched here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.frames.syntaxes import (
    AVC_41,
    AVC_41_DISC,
    AVC_42,
    FRAGMENTABLE,
    HEVC_MAIN,
    HEVC_MAIN_10,
    MPEG_2_HIGH_LEVEL,
    MPEG_2_MAIN_LEVEL,
)
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from pipeline.frames.syntaxes import Syntax

_CRF = 12
"""Constant rate factor of both x264 and x265: the loss is below what is seen, above 42 dB on what PACS hold."""
_FINEST_QUANTIZER = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLimits:
    """One video syntax.

    Parameters
    ----------
    profile, level
        As decoders name them, in the numbers of each standard.
    bits
        Depths of a sample that its profile knows.
    frame_pixels, second_pixels
        Largest picture, and most pixels a second, in whole macroblocks.
    kbit_s, buffer_kbit
        Highest rate, and the decoder's buffer.
    """

    profile: str
    level: int
    bits: tuple[int, ...]
    frame_pixels: int
    second_pixels: int
    kbit_s: int
    buffer_kbit: int

    def check(self, *, rows: int, columns: int, bits: int, rate: Fraction) -> None:
        """Refuse what cannot be coded again within the syntax.

        Raises
        ------
        Held
            `UNDECODABLE`.
        """
        pixels = -(-rows // 16) * -(-columns // 16) * 256
        if bits not in self.bits or pixels > self.frame_pixels or pixels * rate > self.second_pixels:
            raise Held(Reason.UNDECODABLE, "a video that is larger, faster or deeper than its syntax allows")

    def check_coded(self, context: Any) -> None:
        """Refuse what an encoder has made of another profile or level than it was told.

        Parameters
        ----------
        context
            The library's, of the coded stream.

        Raises
        ------
        Held
            `VERIFICATION_FAILED`.
        """
        if (context.profile, context.level) != (self.profile, self.level):
            raise Held(Reason.VERIFICATION_FAILED, "the written video has another profile or level than its syntax")


_BLOCK = 256
"""Pixels of a macroblock."""
_AVC_41 = VideoLimits(
    profile="High",
    level=41,
    bits=(8,),
    frame_pixels=8192 * _BLOCK,
    second_pixels=245_760 * _BLOCK,
    kbit_s=62_500,
    buffer_kbit=78_125,
)
_LIMITS = {
    MPEG_2_MAIN_LEVEL: VideoLimits(
        profile="Main",
        level=8,
        bits=(8,),
        frame_pixels=720 * 576,
        second_pixels=10_368_000,
        kbit_s=15_000,
        buffer_kbit=1_792,
    ),
    MPEG_2_HIGH_LEVEL: VideoLimits(
        profile="Main",
        level=4,
        bits=(8,),
        frame_pixels=1920 * 1152,
        second_pixels=62_668_800,
        kbit_s=80_000,
        buffer_kbit=9_552,
    ),
    AVC_41: _AVC_41,
    AVC_41_DISC: VideoLimits(
        profile="High",
        level=41,
        bits=(8,),
        frame_pixels=8192 * _BLOCK,
        second_pixels=245_760 * _BLOCK,
        kbit_s=40_000,
        buffer_kbit=30_000,
    ),
    AVC_42: VideoLimits(
        profile="High",
        level=42,
        bits=(8,),
        frame_pixels=8704 * _BLOCK,
        second_pixels=522_240 * _BLOCK,
        kbit_s=62_500,
        buffer_kbit=78_125,
    ),
    HEVC_MAIN: VideoLimits(
        profile="Main",
        level=153,
        bits=(8,),
        frame_pixels=8_912_896,
        second_pixels=534_773_760,
        kbit_s=40_000,
        buffer_kbit=40_000,
    ),
    HEVC_MAIN_10: VideoLimits(
        profile="Main 10",
        level=153,
        bits=(8, 10),
        frame_pixels=8_912_896,
        second_pixels=534_773_760,
        kbit_s=40_000,
        buffer_kbit=40_000,
    ),
}
LIMITS: Mapping[str, VideoLimits] = MappingProxyType(_LIMITS)
"""By UID, without the ending of the fragmentable variants."""
LARGEST_PICTURE = max(limits.frame_pixels for limits in LIMITS.values())
"""Pixels of the largest picture of any syntax."""


def base_uid(syntax: Syntax) -> str:
    """Return the UID of the syntax whose stream stands in one fragment."""
    return syntax.uid if syntax.uid in LIMITS else syntax.uid.removesuffix(FRAGMENTABLE)


def limits_of(syntax: Syntax) -> VideoLimits:
    """Return what a video syntax allows."""
    return LIMITS[base_uid(syntax)]


def is_fragmentable(syntax: Syntax) -> bool:
    """Whether the stream may stand in several fragments."""
    return syntax.uid not in LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Coder:
    """An encoder and its settings.

    Parameters
    ----------
    options
        Of the library. One thread and no look at the machine, so that the same input gives the same bytes.
    """

    name: str
    options: Mapping[str, str]


def coder_of(syntax: Syntax, *, rate: Fraction, interlaced: bool, top_first: bool) -> Coder:
    """Return the encoder that keeps a video within its syntax, at a quality that loses nothing to the eye.

    Parameters
    ----------
    rate
        Frames a second.
    interlaced, top_first
        Two fields make a frame, and which one comes first.

    Raises
    ------
    Held
        `UNDECODABLE` where fields are coded in a way that the encoder does not know.
    """
    uid = base_uid(syntax)
    if uid in (MPEG_2_MAIN_LEVEL, MPEG_2_HIGH_LEVEL):
        return Coder(name="mpeg2video", options=_mpeg_2(uid, interlaced=interlaced))
    if uid in (HEVC_MAIN, HEVC_MAIN_10):
        if interlaced:
            raise Held(Reason.UNDECODABLE, "an interlaced HEVC video")
        return Coder(name="libx265", options=_hevc(uid, rate))
    return Coder(name="libx264", options=_avc(uid, rate, interlaced=interlaced, top_first=top_first))


def _mpeg_2(uid: str, *, interlaced: bool) -> dict[str, str]:
    limits = LIMITS[uid]
    return {
        "profile": "4",  # Main
        "level": "8" if uid == MPEG_2_MAIN_LEVEL else "4",
        "b": str(limits.kbit_s * 900),
        "maxrate": str(limits.kbit_s * 1000),
        "bufsize": str(limits.buffer_kbit * 1024),
        "qmin": _FINEST_QUANTIZER,
        "g": "12",
        "bf": "2",
        "dc": "2",  # ten bits
        "a53cc": "0",
        **({"flags": "+ildct+ilme"} if interlaced else {}),
    }


def _avc(uid: str, rate: Fraction, *, interlaced: bool, top_first: bool) -> dict[str, str]:
    limits, second = LIMITS[uid], max(1, round(rate))
    settings: dict[str, object] = {
        "threads": 1,
        "keyint": second,
        "min-keyint": 1,
        "open-gop": 0,
        "mbtree": 0,  # its AVX-512 code reads memory that nobody wrote: other bytes now and then
    }
    if uid == AVC_41_DISC:
        settings |= {"bluray-compat": 1, "slices": 4, "nal-hrd": "vbr", "aud": 1, "ref": 4, "bframes": 3}
    if interlaced:
        settings |= {"tff" if top_first else "bff": 1}
    return {
        "preset": "fast",
        "crf": str(_CRF),
        "profile": "high",
        "level": "4.2" if uid == AVC_42 else "4.1",
        "a53cc": "0",
        "maxrate": str(limits.kbit_s * 1000),
        "bufsize": str(limits.buffer_kbit * 1000),
        "x264-params": _joined(settings),
    }


def _hevc(uid: str, rate: Fraction) -> dict[str, str]:
    limits = LIMITS[uid]
    settings: dict[str, object] = {
        "crf": _CRF,
        "profile": "main10" if uid == HEVC_MAIN_10 else "main",
        "level-idc": "5.1",
        "high-tier": 0,
        "keyint": max(1, round(rate)),
        "open-gop": 0,
        "repeat-headers": 1,
        "vbv-maxrate": limits.kbit_s,
        "vbv-bufsize": limits.buffer_kbit,
        "pools": "none",
        "frame-threads": 1,
        "info": 0,
        "log-level": "none",
    }
    return {"preset": "fast", "x265-params": _joined(settings)}


def _joined(settings: Mapping[str, object]) -> str:
    return ":".join(f"{name}={value}" for name, value in settings.items())
