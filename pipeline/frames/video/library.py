"""PyAV, which is an extra of its own: its wheel carries encoders under the GPL. Without it video is held.

The rule of this file: it is the only one that imports the library, and the only one that names its formats. Which
one a stream is in is seen from its first bytes and never guessed by the library, some of whose formats are lists of
other files and addresses.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.frames.syntaxes import Coding
from pipeline.frames.video.tables import check_tables
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pipeline.frames.video.joined import JoinedFragments

_LONGEST_HEAD = 1024
_PACKETS = ((188, 0), (192, 4), (204, 0))
"""Length of a packet of a transport stream, and where in it the first byte of synchronisation is."""
_SYNCHRONISATION = 0x47
_BOXES = (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide")
_START = b"\x00\x00\x01"
_PACK, _SEQUENCE = 0xBA, 0xB3


class Container(StrEnum):
    """What a stream of pictures stands in."""

    NONE = "none"
    """Nothing: an elementary stream."""
    PROGRAM = "program"
    """ISO/IEC 13818-1, program stream."""
    TRANSPORT = "transport"
    """ISO/IEC 13818-1, transport stream."""
    MP4 = "mp4"
    """ISO/IEC 14496-12 and 14496-14."""


_DEMUXERS = {Container.PROGRAM: "mpeg", Container.TRANSPORT: "mpegts", Container.MP4: "mp4"}
_ELEMENTARY = {Coding.MPEG_2: "mpegvideo", Coding.AVC: "h264", Coding.HEVC: "hevc"}
MUXERS = {Container.PROGRAM: "vob", Container.TRANSPORT: "mpegts", Container.MP4: "mp4"}
CODECS = {Coding.MPEG_2: "mpeg2video", Coding.AVC: "h264", Coding.HEVC: "hevc"}


def load() -> Any:
    """Return PyAV.

    Raises
    ------
    Held
        `UNDECODABLE` where it is not installed.
    """
    try:
        import av  # noqa: PLC0415  an extra
    except ImportError as error:
        raise Held(Reason.UNDECODABLE, "video needs the extra `video` (PyAV), which is not installed") from error
    return av


def container_of(file: JoinedFragments) -> Container:
    """Tell what a stream stands in, from its first bytes.

    Raises
    ------
    Held
        `UNDECODABLE` where it is nothing that DICOM allows.
    """
    file.seek(0)
    head = file.read(_LONGEST_HEAD)
    file.seek(0)
    if head[4:8] in _BOXES:
        return Container.MP4
    for length, first in _PACKETS:
        if len(head) > first + 2 * length and set(head[first : first + 2 * length + 1 : length]) == {_SYNCHRONISATION}:
            return Container.TRANSPORT
    at = head.find(_START)
    if at < 0 or head[:at].strip(b"\0"):
        raise Held(Reason.UNDECODABLE, "a video in no container that DICOM knows")
    return Container.PROGRAM if head[at + 3] == _PACK else Container.NONE


def open_input(file: JoinedFragments, coding: Coding, *, most_pixels: int) -> Any:
    """Open a stream for reading.

    Parameters
    ----------
    most_pixels
        A picture of more is an error before there is memory for it: already here the library decodes some.

    Raises
    ------
    Held
        `UNDECODABLE`; as `check_tables`.
    """
    av = load()
    container = container_of(file)
    if container is Container.MP4:
        check_tables(file)
    name = _DEMUXERS.get(container, _ELEMENTARY[coding])
    try:
        return av.open(file, format=name, metadata_errors="ignore", options={"max_pixels": str(most_pixels)})
    except av.FFmpegError as error:
        raise Held(Reason.UNDECODABLE, f"a video cannot be opened ({type(error).__name__})") from error
