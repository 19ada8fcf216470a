"""A real Prometheus that scrapes what a test serves."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.peers.programs import find, free_port, running, wait_for_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ANSWER_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """A running Prometheus."""

    port: int

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result vector of a PromQL expression: each with `metric` (labels) and `value` (time, text)."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}", timeout=_ANSWER_S) as answer:
            return list(json.load(answer)["data"]["result"])

    def value(self, expression: str) -> float | None:
        """Return the only value of an expression, None while there is none."""
        result = self.query(expression)
        return float(result[0]["value"][1]) if len(result) == 1 else None

    def wait_for_scrape(self) -> None:
        """Wait until every target was scraped with success."""
        wait_until(
            lambda: (up := self.query("up")) and all(float(sample["value"][1]) == 1 for sample in up),
            what="a successful scrape",
        )


@contextmanager
def prometheus(folder: Path, targets: Sequence[str], *, every: str = "1s") -> Iterator[Prometheus]:
    """Run Prometheus until the block ends.

    Parameters
    ----------
    folder
        Its data, configuration and log go there.
    targets
        `host:port` of what serves `/metrics`.
    every
        Scrape interval.
    """
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configured = folder / "prometheus.yml"
    scrape = {"job_name": "sonoveil", "static_configs": [{"targets": list(targets)}]}
    # JSON is YAML.
    configured.write_text(json.dumps({"global": {"scrape_interval": every}, "scrape_configs": [scrape]}))
    log = folder / "prometheus.log"
    command = [
        find("prometheus"),
        f"--config.file={configured}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, log=log) as process:
        wait_for_port(process, port, what="prometheus", log=log)
        server = Prometheus(port=port)
        wait_until(lambda: _is_ready(port), what="prometheus to be ready")
        yield server


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=_ANSWER_S):
            return True
    except urllib.error.URLError:
        return False
