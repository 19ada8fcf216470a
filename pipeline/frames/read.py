"""A Part 10 file → its header and its frames, one at a time.

The file stays open while the object is in use and is never written. The rule of this file: what is cut short,
inflates without end or contradicts itself is held here, before any stage sees it.
"""

from __future__ import annotations

import io
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.uid import UID

from pipeline.frames.description import PIXEL_KEYWORDS, describe_pixels
from pipeline.frames.guess import encapsulated_syntax
from pipeline.frames.stream import Frames, PixelElement
from pipeline.frames.syntaxes import (
    DEFLATED_LITTLE,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Syntax,
    syntax_of,
)
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom import Dataset
    from pydicom.dataset import FileDataset
    from pydicom.tag import BaseTag

MAX_INFLATED_BYTES = 2 * 2**30
"""A deflated data set may grow to this size; more is held."""
_CHUNK_BYTES = 1 << 20
_UNDEFINED = 0xFFFFFFFF
_PIXEL_TAGS = {pydicom.datadict.tag_for_keyword(keyword): keyword for keyword in PIXEL_KEYWORDS}
_PIXEL_GROUP = 0x7FE0
_META_GROUP = 0x0002
_PIXEL_VRS = frozenset({b"OB\0\0", b"OW\0\0", b"OF\0\0", b"OD\0\0", b"UN\0\0"})
_PREAMBLE_BYTES, _PREFIX = 128, b"DICM"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInstance:
    """One object, open for reading.

    Parameters
    ----------
    header
        Every element except group 7FE0, with `file_meta`; whoever changes it copies it first.
    source_syntax_uid
        As the file names it; it may be one that cannot be decoded when there are no pixels.
    frames
        None where the object has no pixel data.
    """

    header: FileDataset
    source_syntax_uid: str
    frames: Frames | None


@contextmanager
def open_instance(path: Path) -> Iterator[OpenInstance]:
    """Open a Part 10 file.

    Raises
    ------
    Held
        `UNREADABLE` where it is not a DICOM data set or ends early; `UNDECODABLE` or `RESOURCE_LIMIT` where its
        pixel data cannot be used.
    """
    with path.open("rb") as file:
        yield _read(file)


def _read(file: BinaryIO) -> OpenInstance:
    header, stream = _read_header(file)
    syntax_uid = _syntax_uid(header, stream)
    element = _pixel_element(stream, header, syntax_uid)
    offsets = _extended_offsets(header)
    for tag in [tag for tag in header.keys() if tag.group == _PIXEL_GROUP]:  # noqa: SIM118  a data set iterates elements
        del header[tag]
    frames = None
    if element is not None:
        description = describe_pixels(header, element.keyword)
        frames = _kind_of_frames(syntax_of(syntax_uid))(
            stream=stream,
            element=element,
            description=description,
            syntax=syntax_of(syntax_uid),
            header=header,
            extended_offsets=offsets,
        )
    return OpenInstance(header=header, source_syntax_uid=syntax_uid, frames=frames)


def _kind_of_frames(syntax: Syntax) -> type[Frames]:
    if not syntax.is_video:
        return Frames
    from pipeline.frames.video.frames import VideoFrames  # noqa: PLC0415  few objects are video

    return VideoFrames


def _read_header(file: BinaryIO) -> tuple[FileDataset, BinaryIO]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            header, stream = _parse(file)
            names = [header.get("SOPClassUID"), header.get("SOPInstanceUID")]
            is_whole = all(_is_whole(header.get_item(tag)) for tag in header.keys())  # noqa: SIM118  a data set iterates elements
        except (Held, MemoryError):
            raise
        except Exception as error:  # pydicom raises many kinds on garbage; the outcome is the same for all
            raise Held(Reason.UNREADABLE, f"not a DICOM data set ({type(error).__name__})") from error
    if any(" in file " in str(warning.message) for warning in said):  # how pydicom tells of an unexpected end
        raise Held(Reason.UNREADABLE, "the data set ends early")
    if not all(names):
        raise Held(Reason.UNREADABLE, "the data set names no SOP class or instance")
    if not is_whole:
        raise Held(Reason.UNREADABLE, "the data set ends early")
    return header, stream


def _is_whole(raw: object) -> bool:
    """Tell whether an element has as many bytes as it says."""
    if not isinstance(raw, RawDataElement) or raw.length == _UNDEFINED:
        return True
    return len(raw.value or b"") == raw.length


def _parse(file: BinaryIO) -> tuple[FileDataset, BinaryIO]:
    preamble, meta = _read_meta(file)
    if meta.get("TransferSyntaxUID") != DEFLATED_LITTLE:
        file.seek(0)
        return read_partial(file, stop_when=_at_pixels, force=True), file
    inflated = _inflate(file)
    header = read_dataset(inflated, is_implicit_VR=False, is_little_endian=True, stop_when=_at_pixels)
    whole = pydicom.dataset.FileDataset(
        inflated, header, preamble, FileMetaDataset(meta), is_implicit_VR=False, is_little_endian=True
    )
    whole.set_original_encoding(is_implicit_vr=False, is_little_endian=True, character_encoding=header._character_set)  # noqa: SLF001  the reader does the same; there is no public way
    return whole, inflated


def _read_meta(file: BinaryIO) -> tuple[bytes | None, Dataset]:
    """Read preamble and group 0002, where they are, and leave the file behind them.

    Where the group ends is seen from its elements: its length is wrong in too many files. pydicom reads on, and would
    inflate a deflated data set whole, however long it becomes.
    """
    start = file.read(_PREAMBLE_BYTES + len(_PREFIX))
    has_preamble = start[_PREAMBLE_BYTES:] == _PREFIX
    if not has_preamble:
        file.seek(0)
    meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=_after_meta)
    return start[:_PREAMBLE_BYTES] if has_preamble else None, meta


def _after_meta(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001  pydicom's signature
    return int(tag) >> 16 != _META_GROUP


def _at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001  pydicom's signature
    return int(tag) in _PIXEL_TAGS


def _inflate(file: BinaryIO) -> BinaryIO:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    out = io.BytesIO()
    while chunk := file.read(_CHUNK_BYTES):
        data = chunk
        while data:
            out.write(inflater.decompress(data, _CHUNK_BYTES))
            if out.tell() > MAX_INFLATED_BYTES:
                raise Held(Reason.RESOURCE_LIMIT, "the deflated data set grows beyond the limit")
            data = inflater.unconsumed_tail
        if inflater.eof:
            break
    out.write(inflater.flush())
    if not inflater.eof:
        raise Held(Reason.UNREADABLE, "the deflated data set ends early")
    out.seek(0)
    return out


def _syntax_uid(header: FileDataset, stream: BinaryIO) -> str:
    """Return the transfer syntax that the file names; without a name, the one that its bytes are in."""
    named = header.file_meta.get("TransferSyntaxUID")
    if named:
        if not isinstance(named, str):
            raise Held(Reason.UNREADABLE, "the file names several transfer syntaxes")
        return str(UID(named))
    implicit, little = header.original_encoding
    if implicit:
        return IMPLICIT_LITTLE
    if not little:
        return EXPLICIT_BIG
    position = stream.tell()
    guessed = encapsulated_syntax(stream)
    stream.seek(position)
    return guessed or EXPLICIT_LITTLE


def _pixel_element(stream: BinaryIO, header: FileDataset, syntax_uid: str) -> PixelElement | None:
    """Read the header of the pixel data element that `stream` stands before; None at the end of the data set."""
    implicit, little = header.original_encoding
    order: Literal["little", "big"] = "little" if little else "big"
    start = stream.tell()
    raw = stream.read(12)
    if len(raw) < 8:  # noqa: PLR2004  the shortest element header
        return None
    tag = int.from_bytes(raw[:2], order) << 16 | int.from_bytes(raw[2:4], order)
    if tag not in _PIXEL_TAGS:
        raise Held(Reason.UNREADABLE, "the data set ends in the middle of an element")
    # Some data sets are not encoded as their syntax says; pydicom sees that from the first element and reads on.
    # No length is mistaken for a VR: as numbers all of these are odd.
    implicit = raw[4:8] not in _PIXEL_VRS if little else implicit
    value_offset = 8 if implicit else 12
    length = int.from_bytes(raw[value_offset - 4 : value_offset], order)
    if len(raw) < value_offset:
        raise Held(Reason.UNREADABLE, "the data set ends early")
    element = PixelElement(
        keyword=_PIXEL_TAGS[tag],
        vr="OW" if implicit else raw[4:6].decode("ascii", "replace"),
        offset=start + value_offset,
        length=None if length == _UNDEFINED else length,
    )
    _check_length(stream, element, syntax_uid)
    return element


def _check_length(stream: BinaryIO, element: PixelElement, syntax_uid: str) -> None:
    syntax: Syntax = syntax_of(syntax_uid)
    if syntax.encapsulated != (element.length is None):
        raise Held(Reason.UNDECODABLE, "the pixel data is not coded as its transfer syntax says")
    if element.length is not None and element.offset + element.length > stream.seek(0, 2):
        raise Held(Reason.UNDECODABLE, "the pixel data ends early")


def _extended_offsets(header: Dataset) -> tuple[int, ...] | None:
    value = header.get("ExtendedOffsetTable")
    if not isinstance(value, bytes):
        return None
    return tuple(int.from_bytes(value[at : at + 8], "little") for at in range(0, len(value), 8))
