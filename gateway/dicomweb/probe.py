"""Can a node with a `url` be talked to, and does it let us in; the counterpart of C-ECHO, which DICOMweb lacks.

Rule of the file: nothing is stored and nothing of a patient is asked for: the question is for a study that cannot
exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.dicomweb.answers import DICOM_JSON
from gateway.dicomweb.client import WebClient
from gateway.requestor import Lost

if TYPE_CHECKING:
    from config.gateway import Node, NodeTls
    from gateway.dicomweb.client import HttpAnswer

_NO_QUERIES = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
"""A service that only stores: it answers, and that is what is asked here."""
_WRONG = {
    HTTPStatus.UNAUTHORIZED: "HTTP 401: it does not take our token or certificate",
    HTTPStatus.FORBIDDEN: "HTTP 403: it knows us and does not let us in",
    HTTPStatus.NOT_FOUND: "HTTP 404: there is no DICOMweb service at this URL",
}


def ask(client: WebClient) -> HttpAnswer:
    """Ask for a study that cannot exist (QIDO-RS, PS3.18 10.6).

    Raises
    ------
    gateway.requestor.Lost
        There is no answer.
    """
    return client.ask("GET", f"/studies?StudyInstanceUID=2.25.{uuid4().int}&limit=1", headers={"Accept": DICOM_JSON})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOutcome:
    """The answer to a probe; `note` says it in words without anything of the peer's."""

    answered: bool
    note: str


def probe(node: Node, *, tls: NodeTls | None) -> ProbeOutcome:
    """Say whether a node answers and lets us in.

    Parameters
    ----------
    tls
        Ours towards it (`GatewayConfig.tls_towards`).

    Raises
    ------
    gateway.tls.TlsFilesError
        The certificates cannot be used.
    """
    client = WebClient(node, tls=tls)
    try:
        answer = ask(client)
    except Lost as lost:
        return ProbeOutcome(answered=False, note=str(lost.why))
    finally:
        client.close()
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return ProbeOutcome(answered=True, note="answers DICOMweb; whether it takes objects, only storing shows")
    if answer.status in _NO_QUERIES:
        return ProbeOutcome(answered=True, note=f"answers HTTP {answer.status}: it may store, and does not search")
    wrong = next((text for status, text in _WRONG.items() if status == answer.status), f"HTTP {answer.status}")
    return ProbeOutcome(answered=False, note=wrong)
