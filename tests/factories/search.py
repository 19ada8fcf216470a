"""Search a file for planted strings as bytes: every likely character set, both byte orders, inside deflated streams.

The rule here: look at bytes, never at decoded attributes, so that a leak in a place no parser reads is still a leak.
"""

from __future__ import annotations

import zlib
from pathlib import Path

CHARSETS = (
    "utf-8",
    "latin-1",
    "utf-16-le",
    "utf-16-be",
    "iso8859-2",
    "iso8859-5",
    "iso8859-7",
    "iso2022_jp",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "gb18030",
    "koi8-r",
    "cp1251",
)
DEFLATED = b"1.2.840.10008.1.2.1.99"
META_START = 132
SHORTEST = 4


def find_planted(where: Path | str | bytes, planted: tuple[str, ...] | list[str]) -> list[str]:
    """Name the planted strings that stand in a file or in bytes; an empty list is what a test wants.

    Letters match in any case. A string truncated by its writer is not found: plant what fits.
    """
    raw = where if isinstance(where, bytes) else Path(where).read_bytes()
    haystacks = [_folded(stream) for stream in (raw, _swapped(raw), *_inflated(raw))]
    return [text for text in planted if any(_stands_in(text, haystack) for haystack in haystacks)]


def _stands_in(text: str, haystack: bytes) -> bool:
    return any(pattern in haystack for pattern in _patterns(text))


def _patterns(text: str) -> set[bytes]:
    found = set()
    for variant in {text, text.upper(), text.lower(), text.capitalize()}:
        for charset in CHARSETS:
            try:
                found.add(_folded(variant.encode(charset)))
            except UnicodeEncodeError:
                continue
    return {pattern for pattern in found if len(pattern) >= SHORTEST}


def _folded(raw: bytes) -> bytes:
    return raw.lower()


def _swapped(raw: bytes) -> bytes:
    even = raw[: len(raw) // 2 * 2]
    swapped = bytearray(len(even))
    swapped[0::2], swapped[1::2] = even[1::2], even[0::2]
    return bytes(swapped)


def _inflated(raw: bytes) -> list[bytes]:
    """Inflate the data set of a deflated Part 10 file, and every zlib stream that starts with a usual header."""
    streams = []
    if DEFLATED in raw[:1024] and raw[128:132] == b"DICM":
        length = int.from_bytes(raw[META_START + 8 : META_START + 12], "little")
        streams.append(_inflate(raw[META_START + 12 + length :], -zlib.MAX_WBITS))
    for header in (b"\x78\x9c", b"\x78\xda", b"\x78\x01"):
        at = raw.find(header)
        while at >= 0:
            streams.append(_inflate(raw[at:], zlib.MAX_WBITS))
            at = raw.find(header, at + 1)
    return [stream for stream in streams if stream]


def _inflate(raw: bytes, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(raw)
    except zlib.error:
        return b""
