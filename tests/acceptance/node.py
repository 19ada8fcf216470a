"""A whole node as a subprocess, with its configuration, its command line and its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gateway.counts import count
from gateway.database import Database
from gateway.decisions import Decisions
from gateway.spool import Spool
from tests.peers.programs import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SONOVEIL = (sys.executable, "-m", "gateway")
START_S = 60.0
SETTLE_S = 240.0


@dataclass
class RunningNode:
    """One gateway: configuration file, process, command line."""

    folder: Path
    config: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    """Added to that of its processes."""

    @property
    def port(self) -> int:
        return int(self.config["listener"]["port"])

    @property
    def config_file(self) -> Path:
        return self.folder / "gateway.yaml"

    @property
    def storage(self) -> Path:
        return Path(self.config["storage"]["path"])

    def write_config(self) -> None:
        self.config_file.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def start(self, *, until: str = "/readyz") -> None:
        """Start it and wait until it is ready, or answers another question with yes."""
        self.write_config()
        self.starts += 1
        log = (self.folder / f"node-{self.starts}.log").open("wb")
        self.process = subprocess.Popen(
            [*SONOVEIL, "serve", "-c", str(self.config_file)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
        )
        log.close()
        wait_until(lambda: self._is_up(until), seconds=START_S, what=f"the node answers {until}")

    def _is_up(self, question: str) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the node ended with {self.process.returncode}: {self.log()[-2000:]}")
        return self.get(question)[0] == 200

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.config['metrics']['port']}{path}", timeout=10
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("node-*.log")))

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def kill(self) -> None:
        """End the main process as a crash would; its children end with it."""
        assert self.process is not None
        children = self.children()
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not any(_lives(pid) for pid in children), seconds=20, what="children end with the node")

    def terminate(self) -> int:
        """Ask the node to drain and stop; return its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=90)

    def children(self) -> list[int]:
        """Return the process ids of the node's own child processes (spawned ones, not the resource tracker)."""
        assert self.process is not None
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
                arguments = (status.parent / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and b"--multiprocessing-fork" in arguments:
                found.append(int(status.parent.name))
        return sorted(found)

    def child(self, name: str) -> int:
        """Return the process id of a named child, from the node's own log."""
        started = [event for event in self.events() if event["event"] == "process_started" and event["process"] == name]
        return int(started[-1]["pid"])

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this node."""
        done = subprocess.run(
            [*SONOVEIL, *arguments, "-c", str(self.config_file)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def status(self) -> dict[str, Any]:
        """Return what `sonoveil status --json` says, without starting a process each time."""
        with self._ledger() as database, database.snapshot() as connection:
            return asdict(count(connection, now=database.clock()))

    def held(self) -> list[dict[str, Any]]:
        """Return what `sonoveil held ls --json` says, likewise."""
        with self._ledger() as database:
            return [asdict(row) for row in Decisions(database, actor="test").held()]

    @contextmanager
    def _ledger(self) -> Iterator[Database]:
        database = Database.open(Spool(self.storage).ledger_path)
        try:
            yield database
        finally:
            database.close()

    def settled(self, *, acknowledged: int, seconds: float = SETTLE_S) -> dict[str, Any]:
        """Wait until so many instances were acknowledged and none is on its way; return the status."""
        last: dict[str, Any] = {}

        def is_settled() -> bool:
            last.update(self.status())
            states = last["states"]
            return last["acknowledged"] >= acknowledged and states["received"] == 0 and states["clean"] == 0

        wait_until(is_settled, seconds=seconds, what=f"{acknowledged} instances settle; last {last}")
        return last


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def configuration(folder: Path, *, research_port: int, **changes: Any) -> dict[str, Any]:
    """Return a node's configuration on loopback: one sender `clinical`, one target `research`."""
    key = folder / "key"
    if not key.exists():
        subprocess.run([*SONOVEIL, "keygen", str(key)], check=True, capture_output=True)
    config: dict[str, Any] = {
        "listener": {"ae_titles": ["SONOVEIL"], "host": "127.0.0.1", "port": free_port()},
        "nodes": {
            "clinical": {
                "ae_title": "CLINICAL",
                "host": ["127.0.0.1"],
                "allow_store": True,
                "patient_domain": "HOSPITAL-A",
            },
            "research": {"ae_title": "RESEARCH", "host": "127.0.0.1", "port": research_port, "timeout": "20s"},
        },
        "storage": {"path": str(folder / "storage"), "reserve_space": "1MB"},
        "rules": [
            {"name": "all", "from": "clinical", "profile": "ultrasound", "project": "trial-1", "target": ["research"]},
            {"name": "default", "fallback": True, "action": "hold"},
        ],
        "send": {"retry_delay": "1s", "max_retry_delay": "2s"},
        "secrets": {"key_file": str(key)},
        "metrics": {"host": "127.0.0.1", "port": free_port()},
    }
    for name, section in changes.items():
        config[name] = {**config.get(name, {}), **section} if isinstance(section, dict) else section
    return config


@contextmanager
def running_node(
    folder: Path, *, research_port: int, environment: dict[str, str] | None = None, **changes: Any
) -> Iterator[RunningNode]:
    """Start a node; end it with SIGTERM, or SIGKILL where it does not end."""
    folder.mkdir(parents=True, exist_ok=True)
    node = RunningNode(
        folder, configuration(folder, research_port=research_port, **changes), environment=environment or {}
    )
    try:
        node.start()
        yield node
    finally:
        if node.process is not None and node.process.poll() is None:
            node.process.send_signal(signal.SIGTERM)
            try:
                node.process.wait(timeout=90)
            except subprocess.TimeoutExpired:
                node.process.kill()
                node.process.wait()
