"""How each kind of process is started: with what, and where its body is.

Rule of the file: nothing that a process runs is imported here. The process that starts the others would otherwise carry
the models, the codecs and the network of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway import frugal

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from config.schema import GatewayConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker process is started with."""

    name: str
    config: GatewayConfig
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwarderSettings:
    """What a forwarder process is started with."""

    name: str
    target: str
    config: GatewayConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditorSettings:
    """What the process `audit` is started with; `config.audit.syslog` is not None."""

    config: GatewayConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """What a receiving process is started with.

    Parameters
    ----------
    number
        Which of the receiving processes it is.
    listening
        The socket that all of them accept from.
    board
        The folder of `gateway.board`.
    """

    name: str
    number: int
    config: GatewayConfig
    key: bytes
    listening: socket.socket
    board: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The body of a process, imported in that process alone.

    Parameters
    ----------
    place
        `module:function`; the function takes the settings.
    is_frugal
        It goes without the libraries that only pixels need.
    """

    place: str
    is_frugal: bool = False

    def __call__(self, settings: Any) -> None:
        """Run it to its end."""
        if self.is_frugal:
            frugal.go_without_pixels()
        module, _, function = self.place.partition(":")
        getattr(import_module(module), function)(settings)


WORKER = Body(place="gateway.worker:run_worker")
FORWARDER = Body(place="gateway.forwarder:run_forwarder")
AUDITOR = Body(place="gateway.auditor:run_auditor", is_frugal=True)
RECEIVER = Body(place="gateway.receiving:run_receiver", is_frugal=True)
MIGRATION = Body(place="gateway.migrating:migrate", is_frugal=True)
