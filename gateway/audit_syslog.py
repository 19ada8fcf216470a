"""Audit messages over syslog and TLS: RFC 5424 messages in RFC 5425 frames, as PS3.15 A.6 asks.

Syslog has no acknowledgement. A row counts as taken once the repository's machine has acknowledged all bytes at TCP's
level. When a connection breaks, what was sent over it is sent again over the next one, because the repository may have
ended without reading what its machine had. So rows may arrive twice; one is lost only where the repository does not
read what came over a connection that was ended in good order.

Rule of the file: bytes and sockets; what a message says is `audit_messages`' business.
"""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
import struct
import termios
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.audit_messages import LARGEST_BYTES, PROCESS
from gateway.tls import calling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.gateway import Syslog
    from gateway.audit_messages import Message

MESSAGE_ID = "DICOM+RFC3881"
_FACILITY = 10
_SEVERITIES = {"0": 5, "4": 4, "8": 3}
"""By Event Outcome Indicator: notice, warning, error."""
_BOM = b"\xef\xbb\xbf"
_ANSWER_S = 30.0
_LOOK_AGAIN_S = 0.02


class NotTaken(StrEnum):
    """Why messages wait."""

    UNREACHABLE = "unreachable"
    """No connection."""
    TLS = "tls_failed"
    """No handshake, or another's certificate."""
    CLOSED = "closed"
    """The repository, or the network, ended the connection."""
    TIMEOUT = "timeout"
    """It takes no bytes any more."""


class NotTakenError(Exception):
    """The messages were not, or not all, taken; they are sent again.

    Parameters
    ----------
    why
        A reason of ours.
    """

    def __init__(self, why: NotTaken) -> None:
        super().__init__(str(why))
        self.why = why


def frame(message: Message, *, hostname: str) -> bytes:
    """Return a message as it goes over the wire: its length in octets, a space, the syslog message (RFC 5425 4.3)."""
    severity = _SEVERITIES[message.outcome]
    at = datetime.fromtimestamp(message.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = f"<{_FACILITY * 8 + severity}>1 {at} {_host(hostname)} {PROCESS} {os.getpid()} {MESSAGE_ID} - "
    whole = head.encode("ascii") + _BOM + message.xml
    if len(whole) > LARGEST_BYTES:
        raise ValueError("an audit message is longer than a repository must take")
    return f"{len(whole)} ".encode("ascii") + whole


def _host(name: str) -> str:
    printable = "".join(letter for letter in name if "!" <= letter <= "~")
    return printable[:255] or "-"


class Repository:
    """The audit repository, called when there is something to send. Not for several threads.

    Parameters
    ----------
    syslog
        Where it is.
    hostname
        Of this machine.
    patience_s
        How long it may take to connect, and to take what it is sent.

    Raises
    ------
    gateway.tls.TlsFilesError
        The certificates cannot be used.
    """

    def __init__(self, syslog: Syslog, *, hostname: str, patience_s: float = _ANSWER_S) -> None:
        self._syslog = syslog
        self._hostname = hostname
        self._patience_s = patience_s
        self._tls = calling(syslog.tls)
        self._connection: ssl.SSLSocket | None = None

    def send(self, messages: Sequence[Message]) -> None:
        """Send messages in order; when this returns, the repository's machine has all of their bytes.

        Raises
        ------
        NotTakenError
            It may have some of them; and where it has ended the connection, it may lack what was sent last over it.
        """
        self.notice()
        connection = self._connected()
        try:
            connection.sendall(b"".join(frame(message, hostname=self._hostname) for message in messages))
            self._wait_until_taken(connection)
        except TimeoutError:
            self.close()
            raise NotTakenError(NotTaken.TIMEOUT) from None
        except OSError:
            self.close()
            raise NotTakenError(NotTaken.CLOSED) from None

    def notice(self) -> None:
        """Look whether the repository has ended the connection.

        Raises
        ------
        NotTakenError
            It has; the next `send` opens another one.
        """
        if self._connection is not None and _is_closed(self._connection):
            self.close()
            raise NotTakenError(NotTaken.CLOSED)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.settimeout(1.0)
                connection.unwrap()  # close_notify: the repository can tell an end from a cut (RFC 5425 4.4)
            except OSError:
                pass
            finally:
                connection.close()

    def _connected(self) -> ssl.SSLSocket:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.settimeout(self._patience_s)
        return self._connection

    def _connect(self) -> ssl.SSLSocket:
        try:
            plain = socket.create_connection((self._syslog.host, self._syslog.port), timeout=self._patience_s)
        except OSError:
            raise NotTakenError(NotTaken.UNREACHABLE) from None
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            name = self._syslog.tls.server_name or self._syslog.host
            return self._tls.current().wrap_socket(plain, server_hostname=name)
        except OSError:  # SSLError is one; a peer that speaks no TLS just closes
            plain.close()
            raise NotTakenError(NotTaken.TLS) from None

    def _wait_until_taken(self, connection: ssl.SSLSocket) -> None:
        deadline = time.monotonic() + self._patience_s
        while _unacknowledged_bytes(connection):
            if _is_closed(connection):
                raise ConnectionError
            if time.monotonic() >= deadline:
                raise TimeoutError
            time.sleep(_LOOK_AGAIN_S)


def _unacknowledged_bytes(connection: ssl.SSLSocket) -> int:
    """Return how many sent bytes the other machine has not acknowledged (SIOCOUTQ, the same number as TIOCOUTQ)."""
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])


def _is_closed(connection: ssl.SSLSocket) -> bool:
    """Tell whether the repository has ended the connection; it has nothing to say on it otherwise."""
    connection.settimeout(0)
    try:
        return connection.recv(1) == b""
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
        return False
    except OSError:
        return True
