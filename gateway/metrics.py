"""What Prometheus sees. Label values come from the configuration and from closed lists, never from a peer or a header.

Processes write into files of one folder (prometheus_client's multiprocess mode) and the node's main process sums them;
what the ledger knows better is read from it at each scrape. `PROMETHEUS_MULTIPROC_DIR` is set by `gateway.node` before
this module is imported anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.counts import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from gateway.database import Database
    from gateway.spool import Spool

_STAGE_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

INSTANCES = Counter("sonoveil_instances", "Instances that a stage finished, by outcome.", ["stage", "outcome"])
HELD = Counter("sonoveil_held", "Instances that were held, by reason.", ["reason"])
STAGE_SECONDS = Histogram(
    "sonoveil_stage_seconds", "Time an instance spent in a stage.", ["stage"], buckets=_STAGE_BUCKETS_S
)
FRAMES = Counter("sonoveil_frames", "Frames that were de-identified.")
TEXT_REGIONS = Counter("sonoveil_text_regions", "Regions of burned-in text that were found.", ["region"])
RECEIVED_BYTES = Counter("sonoveil_received_bytes", "Bytes that were received and acknowledged.")
SENT_BYTES = Counter("sonoveil_sent_bytes", "Bytes that a target acknowledged.", ["destination"])
DELIVERY_ATTEMPTS = Counter("sonoveil_delivery_attempts", "Attempts to send an instance.", ["destination", "outcome"])
COMMITMENT_REQUESTS = Counter(
    "sonoveil_commitment_requests",
    "Requests to a target to commit to keep what it was sent.",
    ["destination", "outcome"],
)
ASSOCIATIONS = Gauge(
    "sonoveil_associations", "Associations that are open now.", ["direction"], multiprocess_mode="livesum"
)
LAST_RECEIVED = Gauge(
    "sonoveil_last_received_timestamp_seconds",
    "When a node's last instance was acknowledged.",
    ["node"],
    multiprocess_mode="max",
)
MODEL_SECONDS = Histogram(
    "sonoveil_model_seconds", "Time of one look of a model at a frame.", ["model"], buckets=_STAGE_BUCKETS_S
)
MODEL_INFO = Gauge(
    "sonoveil_model_info", "Models in use; always 1.", ["model", "sha256", "device"], multiprocess_mode="livemax"
)
AUDIT_OLDEST_UNSENT = Gauge(
    "sonoveil_audit_oldest_unsent_seconds",
    "Age of the oldest audit row that the audit repository has not taken.",
    multiprocess_mode="livemax",
)
DISCREPANCIES = Gauge(
    "sonoveil_discrepancies",
    "What did not add up at the last daily self-check, as `sonoveil reconcile` names it.",
    ["kind"],
    multiprocess_mode="livemax",
)
LAST_SELF_CHECK = Gauge(
    "sonoveil_last_self_check_timestamp_seconds", "When the last self-check ended.", multiprocess_mode="livemax"
)
BUILD_INFO = Gauge("sonoveil_build_info", "This version; always 1.", ["version"], multiprocess_mode="max")


class LedgerCollector(Collector):
    """Reads at each scrape what only the ledger and the disk know.

    Parameters
    ----------
    database, spool
        Of the running node.
    """

    def __init__(self, database: Database, spool: Spool) -> None:
        self._database = database
        self._spool = spool

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        with self._database.snapshot() as connection:
            counts = count(connection, now=self._database.clock())
        waiting = GaugeMetricFamily("sonoveil_instances_waiting", "Instances in a state, now.", labels=["state"])
        for state, number in counts.states.items():
            waiting.add_metric([state], number)
        yield waiting
        oldest = GaugeMetricFamily(
            "sonoveil_oldest_waiting_seconds", "Age of the oldest instance in a state.", labels=["state"]
        )
        for state, age in counts.oldest_waiting_s.items():
            oldest.add_metric([state], age)
        yield oldest
        unconfirmed = GaugeMetricFamily(
            "sonoveil_unconfirmed", "Instances that a target has and has not committed to keep.", labels=["destination"]
        )
        unanswered = GaugeMetricFamily(
            "sonoveil_oldest_unconfirmed_seconds", "Time since the oldest of these was sent.", labels=["destination"]
        )
        for name, target in counts.targets.items():
            unconfirmed.add_metric([name], target.unconfirmed)
            unanswered.add_metric([name], target.oldest_unconfirmed_s or 0.0)
        yield unconfirmed
        yield unanswered
        yield GaugeMetricFamily(
            "sonoveil_storage_free_bytes", "Free space where the spool lies.", value=self._spool.free_bytes()
        )


def registry(database: Database, spool: Spool) -> CollectorRegistry:
    """Return what `/metrics` serves."""
    result = CollectorRegistry()
    MultiProcessCollector(result)  # type: ignore[no-untyped-call]  # the library has no annotation here
    result.register(LedgerCollector(database, spool))
    return result
