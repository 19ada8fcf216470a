"""`/metrics`, `/healthz` and `/readyz` over HTTP.

`/healthz`: the node's main loop turns and its processes live; an orchestrator restarts the node when this fails.
`/readyz`: it can take an object now; a load balancer asks this. Both answer 200 or 503 with one JSON object.
"""

from __future__ import annotations

import json
import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client.exposition import make_wsgi_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication

    from prometheus_client import CollectorRegistry


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Say nothing: a URL somebody asks for is not ours to log."""


class HealthServer:
    """Serves metrics and health on a thread of its own.

    Parameters
    ----------
    host, port
        Where; port 0 takes a free one.
    registry
        What `/metrics` shows.
    alive, ready
        Return named checks; the answer is 200 when all hold.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        registry: CollectorRegistry,
        alive: Callable[[], Mapping[str, bool]],
        ready: Callable[[], Mapping[str, bool]],
    ) -> None:
        app = _application(registry, alive=alive, ready=ready)
        self._server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.server_port

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _application(
    registry: CollectorRegistry,
    *,
    alive: Callable[[], Mapping[str, bool]],
    ready: Callable[[], Mapping[str, bool]],
) -> WSGIApplication:
    metrics_app = make_wsgi_app(registry)
    checks = {"/healthz": alive, "/readyz": ready}

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            result: Iterable[bytes] = metrics_app(environ, start_response)
            return result
        if path not in checks:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics, /healthz, /readyz\n"]
        found = checks[path]()
        status = "200 OK" if all(found.values()) else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps({"ok": all(found.values()), "checks": dict(found)}).encode() + b"\n"]

    return answer
