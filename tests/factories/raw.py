"""Data sets written byte by byte: whatever a library would refuse to write, or would mend while writing.

Raw("explicit").element(0x00100010, "PN", b"Vorzib").sequence(0x00081140, items, undefined=True).bytes
"""

from __future__ import annotations

import struct

LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT"})
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "big": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
}


class Raw:
    """Elements in one encoding, appended as they are told; nothing is padded, sorted or checked."""

    def __init__(self, encoding: str, content: bytes = b"") -> None:
        self.encoding = encoding
        self.bytes = content

    @property
    def order(self) -> str:
        """Return the byte order as `struct` writes it."""
        return ">" if self.encoding == "big" else "<"

    def header(self, tag: int, vr: str, length: int) -> bytes:
        """Return the header of an element, or of an item."""
        group, element = tag >> 16, tag & 0xFFFF
        if self.encoding == "implicit" or group == 0xFFFE:
            return struct.pack(f"{self.order}HHL", group, element, length)
        if vr in LONG_VRS:
            return struct.pack(f"{self.order}HH2sHL", group, element, vr.encode(), 0, length)
        return struct.pack(f"{self.order}HH2sH", group, element, vr.encode(), length)

    def element(self, tag: int, vr: str, value: bytes, *, length: int | None = None) -> Raw:
        """Append an element; `length` may be a lie."""
        self.bytes += self.header(tag, vr, len(value) if length is None else length) + value
        return self

    def number(self, tag: int, value: int) -> Raw:
        """Append a US."""
        return self.element(tag, "US", struct.pack(f"{self.order}H", value))

    def sequence(self, tag: int, items: list[bytes], *, vr: str = "SQ", undefined: bool, ended: bool = True) -> Raw:
        """Append a sequence; `ended` says whether its items and itself are closed by a delimiter."""
        body = b"".join(self.item(content, undefined=undefined, ended=ended) for content in items)
        if undefined and ended:
            body += self.header(SEQUENCE_END, "", 0)
        return self.element(tag, vr, body, length=UNDEFINED if undefined else None)

    def item(self, content: bytes, *, undefined: bool, ended: bool = True) -> bytes:
        """Return an item."""
        if not undefined:
            return self.header(ITEM, "", len(content)) + content
        return self.header(ITEM, "", UNDEFINED) + content + (self.header(ITEM_END, "", 0) if ended else b"")


def image(encoding: str, before: bytes = b"", after: bytes = b"", *, patient: bytes = b"Vorzibmurdax^Jo ") -> bytes:
    """Return a Secondary Capture of 4 rows and 6 columns as a Part 10 file.

    Parameters
    ----------
    before
        Elements between Patient ID and the image; of the same encoding.
    after
        What follows the pixel data.
    """
    raw = Raw(encoding)
    raw.element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0").element(
        0x00080018, "UI", b"1.2.826.0.1.99.1\0\0"[:16]
    )
    raw.element(0x00080060, "CS", b"OT").element(0x00100010, "PN", patient).element(0x00100020, "LO", b"PID-4711")
    raw.bytes += before
    raw.element(0x0020000D, "UI", b"1.2.826.0.1.99.2").element(0x0020000E, "UI", b"1.2.826.0.1.99.3")
    raw.number(0x00280002, 1).element(0x00280004, "CS", b"MONOCHROME2 ")
    for tag, value in ((0x10, 4), (0x11, 6), (0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0)):
        raw.number(0x00280000 + tag, value)
    raw.element(0x7FE00010, "OB" if encoding != "implicit" else "OW", bytes(range(24)))
    return part10(encoding, raw.bytes + after)


def part10(encoding: str, dataset: bytes) -> bytes:
    """Return a data set as a Part 10 file; `encoding` is one of `SYNTAXES` or a transfer syntax UID."""
    uid = SYNTAXES.get(encoding, encoding).encode()
    meta = Raw("explicit").element(0x00020010, "UI", uid + b"\0" * (len(uid) % 2))
    length = Raw("explicit").element(0x00020000, "UL", struct.pack("<L", len(meta.bytes)))
    return bytes(128) + b"DICM" + length.bytes + meta.bytes + dataset
