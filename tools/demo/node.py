"""The gateway as its users run it: a configuration file, a key file, `sonoveil serve` in a process of its own.

Rule of the file: only the command line and `/metrics` are used, and only processes started here are ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from prometheus_client.parser import text_string_to_metric_families

from tools.demo.peers import CLINICAL, GATEWAY, HOST, RESEARCH

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT, SOFT_TISSUE_PROJECT = "demo", "demo-soft-tissue"
_STARTED = "DICOM on port"
_START_S = 120.0
_STOP_S = 120.0
_POLL_S = 0.1
_METRICS_S = 60.0

_CONFIGURATION = """\
# Written by `make demo`. Everything that is not said here has its default.
listener: {{ae_titles: [{gateway}], host: {host}, port: {dicom_port}}}
nodes:
  clinical: {{ae_title: {clinical}, host: {host}, allow_store: true, patient_domain: DEMO-HOSPITAL}}
  research: {{ae_title: {research}, host: {host}, port: {research_port}, local_aet: {gateway}}}
storage: {{path: storage, ledger: sqlite, reserve_space: 200MB}}
rules:
  - {{name: soft-tissue, from: clinical, when: {{Modality: [US], StudyDescription: /soft tissue/i}},
     profile: research, project: {soft_tissue}, target: [research]}}
  - {{name: everything-else, from: clinical, profile: ultrasound, project: {project}, target: [research]}}
  - {{name: default, fallback: true, action: hold}}
send: {{retry_delay: 1s, max_retry_delay: 5s}}
secrets: {{key_file: gateway.key}}
metrics: {{host: {host}, port: {metrics_port}}}
"""


class GatewayError(Exception):
    """The gateway did not start, answer or stop as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the gateway of the demonstration keeps its things.

    Parameters
    ----------
    folder
        Holds configuration, key, log and, in `storage`, ledger and spool.
    dicom_port, metrics_port
        Where it listens on loopback.
    """

    folder: Path
    dicom_port: int
    metrics_port: int

    @property
    def configuration(self) -> Path:
        """The file for `-c`."""
        return self.folder / "gateway.yaml"

    @property
    def key(self) -> Path:
        """The key file."""
        return self.folder / "gateway.key"

    @property
    def log(self) -> Path:
        """Everything that the gateway said."""
        return self.folder / "gateway.log"

    @property
    def metrics_url(self) -> str:
        """Where Prometheus would look."""
        return f"http://{HOST}:{self.metrics_port}/metrics"


def prepare(folder: Path, *, research_port: int) -> Place:
    """Write the configuration and the key of a new gateway into `folder`."""
    dicom_port, metrics_port = _free_ports(2)
    place = Place(folder=folder, dicom_port=dicom_port, metrics_port=metrics_port)
    place.configuration.write_text(
        _CONFIGURATION.format(
            gateway=GATEWAY, clinical=CLINICAL, research=RESEARCH, host=HOST, dicom_port=dicom_port,
            research_port=research_port, metrics_port=metrics_port, project=PROJECT, soft_tissue=SOFT_TISSUE_PROJECT,
        ),
        encoding="utf-8",
    )  # fmt: skip
    _sonoveil("keygen", str(place.key))
    return place


def _free_ports(count: int) -> tuple[int, ...]:
    """Ports that are free now; all are held until the last one is known, so that they differ."""
    probes = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = tuple(int(probe.getsockname()[1]) for probe in probes)
    for probe in probes:
        probe.close()
    return ports


def command() -> list[str]:
    """Return the `sonoveil` that was installed for this Python."""
    script = Path(sys.executable).with_name("sonoveil")
    return [str(script)] if script.exists() else [sys.executable, "-m", "gateway"]


def _sonoveil(*arguments: str, accept: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([*command(), *arguments], capture_output=True, text=True, check=False)  # noqa: S603  our own program
    if done.returncode not in accept:
        raise GatewayError(f"sonoveil {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class RunningGateway:
    """`sonoveil serve`, from start to drain; use it with `with`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._log = place.log.open("wb")
        # A session of its own: Ctrl-C in the terminal reaches only the demonstration, which then drains this one.
        self._process = subprocess.Popen(  # noqa: S603  our own program
            [*command(), "serve", "-c", str(place.configuration)],
            stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    def __enter__(self) -> Self:
        try:
            self._wait_until_started()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def status(self) -> Mapping[str, Any]:
        """`sonoveil status --json`: instances per state, held ones per reason."""
        self.assert_running()
        return dict(json.loads(_sonoveil("status", "-c", str(self.place.configuration), "--json")))

    def counted(self) -> Mapping[str, int]:
        """Instances per state as `/metrics` shows them; cheaper to ask often than `status`."""
        self.assert_running()
        families = text_string_to_metric_families(self.metrics().decode())
        waiting = next((one for one in families if one.name == "sonoveil_instances_waiting"), None)
        return {sample.labels["state"]: int(sample.value) for sample in waiting.samples} if waiting else {}

    def metrics(self) -> bytes:
        """Return the metrics page."""
        try:
            with urllib.request.urlopen(self.place.metrics_url, timeout=_METRICS_S) as answer:  # noqa: S310  our own, on loopback
                return bytes(answer.read())
        except OSError as error:
            raise GatewayError(f"the metrics page does not answer ({type(error).__name__})") from error

    def reconcile(self) -> Mapping[str, Any]:
        """`sonoveil reconcile --json`; it ends with 1 where something is lost, which `balanced` says too."""
        answer = _sonoveil("reconcile", "-c", str(self.place.configuration), "--json", "--hash", accept=(0, 1))
        return dict(json.loads(answer))

    def assert_running(self) -> None:
        """Raise where the gateway has ended by itself."""
        code = self._process.poll()
        if code is not None:
            raise GatewayError(f"the gateway ended with {code}; see {self.place.log}")

    def wait(self, timeout_s: float) -> bool:
        """Wait for the gateway to end by itself; tell whether it did."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> int:
        """Send SIGTERM, wait for the drain, and return the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        return int(self._process.returncode)

    def _wait_until_started(self) -> None:
        deadline = time.monotonic() + _START_S
        while _STARTED not in self.place.log.read_text(encoding="utf-8", errors="replace"):
            self.assert_running()
            if time.monotonic() > deadline:
                raise GatewayError(f"the gateway did not start within {_START_S:.0f} s; see {self.place.log}")
            self.wait(_POLL_S)
