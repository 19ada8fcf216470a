"""Search a file for planted strings as bytes: every likely character set, both byte orders, inside what hides bytes.

What hides bytes: deflated streams, zlib and gzip, base64, and words in the other byte order; fragments of one frame are
joined, so that a word cut by an item's header is found too.

The rule here: look at bytes, never at decoded attributes, so that a leak in a place no parser reads is still a leak.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np

CHARSETS = (
    "utf-8",
    "latin-1",
    "utf-16-le",
    "utf-16-be",
    "iso8859-2",
    "iso8859-3",
    "iso8859-4",
    "iso8859-5",
    "iso8859-6",
    "iso8859-7",
    "iso8859-8",
    "iso8859-9",
    "tis-620",
    "iso2022_jp",
    "iso2022_jp_2",
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
_PREFIX_BITS = 16
_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{12,}={0,2}")
_ITEM = re.compile(rb"\xfe\xff\x00\xe0[\s\S]{4}")


def find_planted(where: Path | str | bytes, planted: tuple[str, ...] | list[str]) -> list[str]:
    """Name the planted strings that stand in a file or in bytes; an empty list is what a test wants.

    Letters match in any case. A string truncated by its writer is not found: plant what fits.
    """
    raw = where if isinstance(where, bytes) else Path(where).read_bytes()
    streams = [raw, *_inflated(raw)]
    streams += [_ITEM.sub(b"", stream) for stream in streams if _ITEM.search(stream)]
    streams += [decoded for stream in list(streams) for decoded in _from_base64(stream)]
    forms = b"\n\n".join(form for stream in streams for form in (stream, _swapped(stream), _swapped(stream[1:])))
    found = _found_in(forms.lower(), planted)
    return [text for text in planted if text in found]


def _found_in(haystack: bytes, planted: tuple[str, ...] | list[str]) -> set[str]:
    """Look for all patterns in one pass: a table says where the first four bytes of any of them stand."""
    by_start: dict[bytes, list[tuple[bytes, str]]] = defaultdict(list)
    for text in planted:
        for pattern in _patterns(text):
            by_start[pattern[:SHORTEST]].append((pattern, text))
    if len(haystack) < SHORTEST or not by_start:
        return set()
    starts = np.zeros(1 << _PREFIX_BITS, dtype=bool)
    starts[_hashes(b"".join(by_start))[::SHORTEST]] = True
    found = set()
    for at in np.flatnonzero(starts[_hashes(haystack)]).tolist():
        for pattern, text in by_start.get(haystack[at : at + SHORTEST], ()):
            if haystack.startswith(pattern, at):
                found.add(text)
    return found


def _hashes(raw: bytes) -> np.ndarray:
    """Return a number of `_PREFIX_BITS` bits for the four bytes at each place."""
    byte = np.frombuffer(raw, dtype=np.uint8).astype(np.uint32)
    words = byte[:-3] | byte[1:-2] << 8 | byte[2:-1] << 16 | byte[3:] << 24
    return words * np.uint32(2654435761) >> (32 - _PREFIX_BITS)


@lru_cache(maxsize=65536)
def _patterns(text: str) -> frozenset[bytes]:
    found = set()
    for variant in {text, text.upper(), text.lower(), text.capitalize()}:
        for charset in CHARSETS:
            try:
                found.add(variant.encode(charset).lower())
            except UnicodeEncodeError:
                continue
    return frozenset(pattern for pattern in found if len(pattern) >= SHORTEST)


def _swapped(raw: bytes) -> bytes:
    even = raw[: len(raw) // 2 * 2]
    swapped = bytearray(len(even))
    swapped[0::2], swapped[1::2] = even[1::2], even[0::2]
    return bytes(swapped)


def _from_base64(raw: bytes) -> list[bytes]:
    """Return what every run of base64 letters decodes to, begun at each of the four places it may begin."""
    decoded = []
    for match in _BASE64.finditer(raw):
        letters = re.sub(rb"[\r\n=]", b"", match[0])
        for start in range(4):
            run = letters[start:]
            try:
                decoded.append(base64.b64decode(run[: len(run) // 4 * 4]))
            except binascii.Error:
                continue
    return [b"\n".join(decoded)] if decoded else []


def _inflated(raw: bytes) -> list[bytes]:
    """Inflate the data set of a deflated Part 10 file, and whatever starts like a zlib or gzip stream."""
    streams = []
    if DEFLATED in raw[:1024] and raw[128:132] == b"DICM":
        length = int.from_bytes(raw[META_START + 8 : META_START + 12], "little")
        streams.append(_inflate(raw[META_START + 12 + length :], -zlib.MAX_WBITS))
    for header, window in (
        (b"\x78\x9c", zlib.MAX_WBITS),
        (b"\x78\xda", zlib.MAX_WBITS),
        (b"\x78\x01", zlib.MAX_WBITS),
        (b"\x1f\x8b\x08", zlib.MAX_WBITS | 16),
    ):
        at = raw.find(header)
        while at >= 0:
            streams.append(_inflate(raw[at:], window))
            at = raw.find(header, at + 1)
    return [stream for stream in streams if stream]


def _inflate(raw: bytes, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(raw)
    except zlib.error:
        return b""
