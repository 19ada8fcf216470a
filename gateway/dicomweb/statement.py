"""What the conformance statement says of DICOMweb (PS3.2 N.8, PS3.18 10.5).

Rule of the file: as in `gateway.statement`: what is answered and limited is read from the code that does it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from gateway.dicomweb.answers import DICOM_JSON
from gateway.dicomweb.part import MEDIA_TYPE
from gateway.dicomweb.sender import LATER, OF_THE_NODE
from gateway.dicomweb.service import LEAST_RATE_BYTES_PER_S, RETRY_AFTER_S, ROOT
from gateway.dicomweb.upload import MOST_PARTS
from gateway.markdown import table
from gateway.statuses import REFERENCED_SYNTAX_NOT_SUPPORTED, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.schema import GatewayConfig

_ANSWERS = {
    HTTPStatus.OK: "all parts are durable on disk, each with its receipt and its row in the ledger",
    HTTPStatus.ACCEPTED: "some are; the answer says of each which, and why not",
    HTTPStatus.BAD_REQUEST: "no part, no usable boundary, or no UID in the URL",
    HTTPStatus.UNAUTHORIZED: "no token and no certificate of a node was shown",
    HTTPStatus.FORBIDDEN: "the node is known, and does not call from this address",
    HTTPStatus.NOT_FOUND: "another resource",
    HTTPStatus.METHOD_NOT_ALLOWED: "another method than POST",
    HTTPStatus.NOT_ACCEPTABLE: f"the answer is wanted in another media type than {DICOM_JSON}",
    HTTPStatus.REQUEST_TIMEOUT: "the body stands still, or drips",
    HTTPStatus.CONFLICT: "no part could be stored; the answer says why of each",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is longer than `dicomweb.max_request`",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "another media type, or a coded body",
    HTTPStatus.INTERNAL_SERVER_ERROR: "a fault of ours; nothing more was stored",
    HTTPStatus.SERVICE_UNAVAILABLE: f"no room now; nothing was stored; Retry-After: {RETRY_AFTER_S}",
}
_REASONS = {
    Status.OUT_OF_RESOURCES: "nothing was kept; the same may succeed later",
    Status.DATA_SET_DOES_NOT_MATCH: "the data set names another class or instance than its file meta information, or "
    "another study than the URL",
    Status.INVALID_SOP_INSTANCE: "a UID that breaks the rules for UIDs (PS3.5 9.1)",
    Status.CANNOT_UNDERSTAND: "no Part 10 file of a storage class, or cut off; in Other Failures Sequence (0008,119A) "
    "where it names no class and instance",
}


def origin_server(config: GatewayConfig) -> Iterator[str]:
    """Yield what is said of STOW-RS as origin server."""
    yield "## DICOMweb: Studies Service, Store, as origin server (STOW-RS)"
    yield ""
    web = config.dicomweb
    if web is None:
        yield "Not offered in this configuration: nothing listens."
        return
    scheme = "https" if web.tls is not None else "http"
    behind = ", behind a proxy that speaks TLS" if web.behind_proxy else ""
    yield (
        f"POST to `{scheme}://{web.host}:{web.port}{ROOT}/studies` and `{ROOT}/studies/{{study}}`{behind}; HTTP/1.1, "
        f'with a length or in chunks. The body is `multipart/related; type="{MEDIA_TYPE}"`, each part a Part 10 file '
        "in any transfer syntax; metadata with bulk data (JSON, XML) is not taken. Nothing can be searched, retrieved "
        "or deleted. What is stored, held or refused afterwards is as with C-STORE."
    )
    yield ""
    callers = [
        name
        for name, node in config.nodes.items()
        if node.allow_store and (node.caller_token_file is not None or (node.tls and node.tls.client_name))
    ]
    yield (
        "Every request is authenticated: a bearer token (RFC 6750) of the node's own, the name in its verified "
        f"certificate, or both, and its address where it has hosts. Known: {', '.join(callers) or 'nobody'}. TLS is "
        "1.2 or 1.3 (PS3.15 Annex B, BCP 195)."
    )
    yield ""
    stall_s = config.listener.timeouts.dimse.total_seconds()
    yield from table(
        ("Limit", "Value"),
        [
            ("bytes in a request", web.max_request),
            ("parts in a request", MOST_PARTS),
            ("connections at the same time", web.max_connections),
            ("seconds for the head of a request", f"{config.listener.timeouts.association.total_seconds():g}"),
            ("seconds without a byte of the body", f"{stall_s:g}"),
            ("bytes per second, on the whole, at least", LEAST_RATE_BYTES_PER_S),
        ],
    )
    yield ""
    yield from table(
        ("Answer", "When"), [(f"{status.value} {status.phrase}", meaning) for status, meaning in _ANSWERS.items()]
    )
    yield ""
    yield (
        f"200, 202, 409 and 503 carry the Store Instances Response Module as {DICOM_JSON}: class and instance UIDs as "
        "they were sent, no other attribute of the objects, Retrieve URL (0008,1190) empty. There is no Warning "
        "Reason: nothing is changed on the way in. Failure Reason (0008,1197) of a part:"
    )
    yield ""
    yield from table(("Failure Reason", "Meaning"), [(f"0x{code.value:04X}", text) for code, text in _REASONS.items()])


def user_agent(config: GatewayConfig) -> Iterator[str]:
    """Yield what is said of STOW-RS as user agent."""
    yield "## DICOMweb: Studies Service, Store, as user agent (STOW-RS)"
    yield ""
    targets = {name: node.url for name, node in config.nodes.items() if node.url is not None}
    yield (
        "Nodes with a `url` are sent to by STOW-RS instead of C-STORE: POST to URL/studies, one instance in a request, "
        f'`multipart/related; type="{MEDIA_TYPE}"` with a Content-Length, Accept: {DICOM_JSON}, HTTP/1.1, connections '
        "kept open. With https the certificate and its name are verified. Redirections are not followed. Storage "
        "commitment is not part of DICOMweb and is not asked of them."
    )
    yield ""
    yield from table(
        ("Answer", "Then"),
        [
            ("the instance in Referenced SOP Sequence", "sent; a Warning Reason stands with the delivery"),
            (f"a Failure Reason 0x{Status.OUT_OF_RESOURCES >> 8:02X}xx", "the same bytes later"),
            (
                f"Failure Reason 0x{REFERENCED_SYNTAX_NOT_SUPPORTED:04X}, or 415",
                "as a refused presentation context: converted once, then the delivery fails",
            ),
            ("any other Failure Reason", "the delivery fails and is shown to a person"),
            (f"5xx, {_listed(LATER)}, no answer, a lost connection", "the same bytes later"),
            (f"3xx, {_listed(OF_THE_NODE)}", "the whole target rests, then the same bytes again"),
            ("2xx that does not name the instance", "the same bytes later"),
            ("any other 4xx without a Failure Reason", "the delivery fails and is shown to a person"),
        ],
    )
    yield ""
    yield from table(
        ("Node", "URL", "Shown to it"),
        [
            (name, url, "a bearer token" if config.nodes[name].token_file else "no token")
            for name, url in targets.items()
        ]
        or [("none", "none", "none")],
    )


def _listed(statuses: frozenset[HTTPStatus]) -> str:
    return ", ".join(str(status.value) for status in sorted(statuses))
