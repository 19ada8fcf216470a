"""C-ECHO SCU: can a node be talked to, and if not, why (PS3.4 Annex A).

Rule of the file: one question, one answer; nothing is raised for what a peer does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.uid import ImplicitVRLittleEndian

from gateway.connection import Connection
from gateway.forward import target_of
from gateway.negotiation import VERIFICATION
from gateway.requestor import Failure, Lost, Wanted
from gateway.statuses import Status

if TYPE_CHECKING:
    from config.gateway import Node, NodeTls

_WANTED = Wanted(abstract_syntax=VERIFICATION, transfer_syntax=str(ImplicitVRLittleEndian))


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoOutcome:
    """The answer to a C-ECHO.

    Parameters
    ----------
    answered
        True when the peer answered with success.
    why
        What went wrong below DIMSE, None where nothing did.
    status
        The peer's status, None where there was none.
    """

    answered: bool
    why: Failure | None
    status: int | None


def echo(node: Node, *, calling_ae_title: str, tls: NodeTls | None = None) -> EchoOutcome:
    """Ask a node for a C-ECHO on an association of its own.

    Parameters
    ----------
    calling_ae_title, tls
        Ours towards it (`GatewayConfig.calling_ae_title`, `GatewayConfig.tls_towards`).

    Raises
    ------
    ValueError
        The node has no port: it only calls us.
    gateway.tls.TlsFilesError
        The certificates cannot be used.
    """
    target = target_of(node, calling_ae_title=calling_ae_title, tls=tls)
    try:
        connection = Connection.open(target, [_WANTED])
        if not connection.accepts(_WANTED):
            return EchoOutcome(answered=False, why=Failure.REJECTED, status=None)
        try:
            status = connection.echo()
        finally:
            connection.close()
    except Lost as lost:
        return EchoOutcome(answered=False, why=lost.why, status=None)
    return EchoOutcome(answered=status == Status.SUCCESS, why=None, status=status)
