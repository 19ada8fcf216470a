"""An audit repository: a listener for syslog over TLS that reads frames as RFC 5425 says.

Rule of the file: independent of `gateway`; what it took is kept as it came.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.peers.programs import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.peers.certificates import Pair

_LOOPBACK = "127.0.0.1"


@dataclass(kw_only=True)
class Repository:
    """What a listener took.

    Parameters
    ----------
    hangs_up_after
        The first connection is cut, without a word, once so many messages have come over it; None: never.
    """

    port: int
    hangs_up_after: int | None = None
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended_properly: int = 0

    def wait_for(self, count: int, *, seconds: float = 30) -> None:
        """Wait until so many messages are here."""
        wait_until(lambda: len(self.messages) >= count, what=f"{count} audit messages", seconds=seconds)

    def serve(self, connection: ssl.SSLSocket) -> None:
        """Read frames, `MSG-LEN SP SYSLOG-MSG` each, until the connection ends."""
        taken = 0
        with connection, connection.makefile("rb") as stream:
            while length := _length(stream):
                self.messages.append(stream.read(length))
                taken += 1
                if self.connections == 1 and taken == self.hangs_up_after:
                    return
            self.ended_properly += 1


def _length(stream) -> int:
    digits = b""
    while (digit := stream.read(1)).isdigit():
        digits += digit
    if digit not in (b" ", b"") or digits.startswith(b"0"):
        raise AssertionError(f"no frame of RFC 5425: {digits + digit!r}")
    return int(digits or 0)


@contextmanager
def audit_repository(
    pair: Pair, authority: Path, *, port: int | None = None, hangs_up_after: int | None = None
) -> Iterator[Repository]:
    """Listen until the block ends; callers must show a certificate of the authority.

    Parameters
    ----------
    port
        None for a free one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.private_key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    repository = Repository(port=port or free_port(), hangs_up_after=hangs_up_after)
    listener = socket.create_server((_LOOPBACK, repository.port))
    open_now: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            repository.connections += 1
            with suppress(OSError):  # a caller without the right certificate, or cut off: the next one
                connection = context.wrap_socket(plain, server_side=True)
                open_now.append(connection)
                repository.serve(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield repository
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(10)
