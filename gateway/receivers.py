"""Several receiving processes, as the node sees them: one listening socket, which each of them accepts from.

One socket, and not one for each (SO_REUSEPORT): a connection then goes to a process that waits for one. The system
would otherwise give it to any, a busy one or one that is just being started again included, and those that wait at an
ended one would be lost.
"""

from __future__ import annotations

import errno
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway import log, starting
from gateway.board import Board
from gateway.children import Child
from gateway.tls import listening

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from config.gateway import Listener
    from config.schema import GatewayConfig

_BACKLOG = 256
_ENDING_S = 5.0
"""A killed node's processes end with it, a moment later: until then they hold the port."""
_LOOK_AGAIN_S = 0.05


class Receivers:
    """The receiving processes of a node.

    Parameters
    ----------
    listener
        Where to listen, and by how many processes.
    folder
        Private to the node, and there as long as it runs.

    Raises
    ------
    gateway.tls.TlsFilesError
        The listener's certificates cannot be used.
    """

    def __init__(self, listener: Listener, folder: Path) -> None:
        if listener.tls is not None:
            listening(listener.tls)  # a wrong file ends the start, and not each process later
        self._listener = listener
        self._folder = folder
        self._children: list[Child] = []
        self._board = Board(folder, processes=listener.processes)
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)

    def start(self) -> None:
        """Listen; the processes accept as soon as they run.

        Raises
        ------
        OSError
            The address cannot be bound.
        """
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until = time.monotonic() + _ENDING_S
        while True:
            try:
                self._socket.bind((self._listener.host, self._listener.port))
                self._socket.listen(_BACKLOG)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                    raise
                time.sleep(_LOOK_AGAIN_S)
            else:
                return

    def wanted(self, config: GatewayConfig, key: bytes) -> list[Child]:
        """Return the processes, to be kept running by the node."""
        wanted = []
        for number in range(self._listener.processes):
            name = f"receive-{number}"
            settings = starting.ReceiverSettings(
                name=name, number=number, config=config, key=key, listening=self._socket, board=self._folder
            )
            wanted.append(Child(name=name, target=starting.RECEIVER, settings=settings, follows_settings=True))
        self._children = self._children or wanted
        return wanted

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    @property
    def associations(self) -> int:
        """How many associations are open now, in all of them."""
        return self._board.open()

    def admit(self, config: GatewayConfig) -> None:
        """Let all of them let callers in by new settings.

        Raises
        ------
        OSError
            They cannot be handed on; none of them has any.
        """
        if not self._board.publish(config):
            log.event("reload_late", why="a receiving process does not answer")

    def stop_accepting(self) -> None:
        """Refuse connections that come from now on; the processes let those who are in finish, and end."""
        for child in self._children:
            if child.process is not None:
                child.process.terminate()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def drain(self, timeout: timedelta) -> None:
        """Wait for the processes to end; who takes longer is left to the node."""
        until = time.monotonic() + timeout.total_seconds()
        for child in self._children:
            if child.process is not None:
                child.process.join(max(0.0, until - time.monotonic()))
