"""A multipart body, cut into its parts as it arrives (RFC 2046 5.1, PS3.18 8.6.1.2).

Rule of the file: pure and bounded; a part's bytes pass through and are never collected. A part is complete only when
the whole delimiter line behind it was seen, so that a body that was cut off never looks whole, and bytes that only
begin like a delimiter end no part as a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST_HEADERS_BYTES = 8 * 1024
_LARGEST_PREAMBLE_BYTES = 64 * 1024
_LONGEST_PADDING = 256


class MultipartFault(Exception):
    """The body is no multipart body of this boundary; what was complete before stays complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBegins:
    """The headers of a part, names in lower case."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBytes:
    """Some bytes of the part that has begun."""

    content: memoryview


@dataclass(frozen=True, slots=True)
class PartEnds:
    """The part is complete."""


Event = PartBegins | PartBytes | PartEnds


class _At(Enum):
    PREAMBLE = auto()
    DELIMITER = auto()
    HEADERS = auto()
    BODY = auto()
    END = auto()


class MultipartReader:
    """Reads one body.

    Parameters
    ----------
    boundary
        Of the request's Content-Type.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._at = _At.PREAMBLE
        self._rest = b"\r\n"  # so that a delimiter at the very beginning is one like all others
        self._to_skip = 0
        self._is_in_part = False

    @property
    def is_complete(self) -> bool:
        """Whether the closing delimiter was seen."""
        return self._at is _At.END

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Take the next bytes and yield what they complete.

        Raises
        ------
        MultipartFault
            They cannot be followed.
        """
        text, offset = self._rest + chunk, 0
        while self._at is not _At.END:
            step = self._step(text, offset)
            if step is None:
                break
            events, offset = step
            yield from events
        self._rest = b"" if self._at is _At.END else text[offset:]
        if self._at is _At.BODY and (passing := len(self._rest) - len(self._delimiter) + 1) > 0:
            passed, self._rest = memoryview(self._rest)[:passing], self._rest[passing:]
            yield from self._content(passed)

    def _step(self, text: bytes, offset: int) -> tuple[list[Event], int] | None:
        """Return what stands next and where it ends; None when more bytes are needed."""
        match self._at:
            case _At.PREAMBLE:
                return self._preamble(text, offset)
            case _At.DELIMITER:
                return self._delimiter_line(text, offset)
            case _At.HEADERS:
                return self._headers(text, offset)
            case _:
                return self._body(text, offset)

    def _preamble(self, text: bytes, offset: int) -> tuple[list[Event], int] | None:
        found = text.find(self._delimiter, offset)
        if found < 0:
            if len(text) - offset > _LARGEST_PREAMBLE_BYTES:
                raise MultipartFault("no first delimiter")
            return None
        self._at = _At.DELIMITER
        return [], found + len(self._delimiter)

    def _delimiter_line(self, text: bytes, offset: int) -> tuple[list[Event], int] | None:
        if text[offset : offset + 2] == b"--":
            self._at = _At.END
            return self._end_of_part(), len(text)
        end = text.find(b"\r\n", offset, offset + _LONGEST_PADDING)
        if end < 0:
            if len(text) - offset >= _LONGEST_PADDING:
                raise MultipartFault("a delimiter without end")
            return None
        if text[offset:end].strip(b" \t"):
            raise MultipartFault("a delimiter with more behind it")
        self._at = _At.HEADERS
        return self._end_of_part(), end

    def _headers(self, text: bytes, offset: int) -> tuple[list[Event], int] | None:
        end = text.find(b"\r\n\r\n", offset, offset + LARGEST_HEADERS_BYTES)
        if end < 0:
            if len(text) - offset >= LARGEST_HEADERS_BYTES:
                raise MultipartFault("headers of a part without end")
            return None
        self._at = _At.BODY
        self._is_in_part = True
        self._to_skip = 2  # the delimiter behind a part without content begins with the line end of its headers
        return [PartBegins(headers=_parsed(text[offset:end]))], end + 2

    def _body(self, text: bytes, offset: int) -> tuple[list[Event], int] | None:
        found = text.find(self._delimiter, offset)
        if found < 0:
            return None
        self._at = _At.DELIMITER
        return self._content(memoryview(text)[offset:found]), found + len(self._delimiter)

    def _end_of_part(self) -> list[Event]:
        ended, self._is_in_part = self._is_in_part, False
        return [PartEnds()] if ended else []

    def _content(self, passed: memoryview) -> list[Event]:
        content = passed[self._to_skip :]
        self._to_skip = max(0, self._to_skip - len(passed))
        return [PartBytes(content=content)] if content else []


def _parsed(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    unfolded = block.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    for line in unfolded.split(b"\r\n"):
        if not line:
            continue
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise MultipartFault("a header of a part without a colon")
        headers[name.strip().lower()] = value.strip()
    return headers
