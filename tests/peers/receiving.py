"""A `Receiver` on loopback with a folder behind it: the smallest intake that keeps the contract.

Rule of the file: `FolderIntake` stands in for the ledger's intake only where the network is what is tested.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from config.gateway import Dicomweb, GatewayConfig, Listener, Node, Timeouts
from gateway.dicomweb.server import StoreServer
from gateway.receive import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from gateway.commitment import ReportTaker
    from gateway.intake import Arrival, Intake

LOOPBACK = "127.0.0.1"


class _PartFile:
    def __init__(self, path: Path, intake: FolderIntake) -> None:
        self.path = path
        self._intake = intake
        self._file: BinaryIO = path.open("wb")

    def write(self, chunk: bytes | memoryview, /) -> object:
        self._intake.before_write()
        return self._file.write(chunk)

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True, kw_only=True)
class FolderIntake:
    """Keeps committed files as `N.dcm` beside each other.

    Parameters
    ----------
    before_open, before_write, before_commit
        Called there; what they raise is raised there.
    """

    folder: Path
    before_open: Callable[[], None] = lambda: None
    before_write: Callable[[], None] = lambda: None
    before_commit: Callable[[], None] = lambda: None
    arrivals: list[tuple[Path, Arrival]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> _PartFile:
        """Create a part file."""
        self.before_open()
        with self.lock:
            return _PartFile(self.folder / f"{next(self.numbers)}.part", self)

    def commit(self, file: _PartFile, arrival: Arrival, /) -> None:
        """Rename it."""
        self.before_commit()
        file.close()
        final = file.path.with_suffix(".dcm")
        file.path.rename(final)
        with self.lock:
            self.arrivals.append((final, arrival))

    def abandon(self, file: _PartFile, /) -> None:
        """Remove it."""
        file.close()
        file.path.unlink(missing_ok=True)

    def parts(self) -> list[Path]:
        """Return the part files that stand now."""
        return list(self.folder.glob("*.part"))

    def by_instance(self) -> dict[str, tuple[Path, Arrival]]:
        """Return what was committed, by SOP Instance UID."""
        with self.lock:
            return {arrival.sop_instance_uid: (path, arrival) for path, arrival in self.arrivals}


def loopback_listener(**changes: object) -> Listener:
    """Return a listener on loopback and a free port; port 0 is not for configuration files, so it is not validated."""
    listener = Listener(timeouts=Timeouts(dimse=timedelta(seconds=20)))
    return listener.model_copy(update={"host": LOOPBACK, "port": 0, **changes})


def clinical_node(**changes: object) -> Node:
    """Return a node on loopback that may store."""
    return Node(ae_title="CLINICAL", host=(LOOPBACK,), allow_store=True).model_copy(update=changes)


@contextmanager
def receiving(
    intake: FolderIntake,
    *,
    listener: Listener | None = None,
    nodes: Mapping[str, Node] | None = None,
    reports: ReportTaker | None = None,
) -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver(listener or loopback_listener(), nodes or {"clinical": clinical_node()}, intake, reports)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop_accepting()
        receiver.drain(timedelta(seconds=0))


def data_set_sha256(part10: bytes) -> str:
    """Return the hash of a Part 10 file's data set, found by the group length of its file meta information."""
    assert part10[128:132] == b"DICM"
    assert part10[132:140] == b"\2\0\0\0UL\4\0"
    return hashlib.sha256(part10[144 + int.from_bytes(part10[140:144], "little") :]).hexdigest()


def web_config(*, nodes: Mapping[str, Node], timeouts: Timeouts | None = None, **web: object) -> GatewayConfig:
    """Return as much of a configuration as the DICOMweb service reads; port 0 takes a free one."""
    listener = loopback_listener(timeouts=timeouts or Timeouts())
    settings = Dicomweb().model_copy(update={"port": 0, **web})
    return GatewayConfig.model_construct(listener=listener, nodes=dict(nodes), dicomweb=settings)


def token_file(folder: Path, name: str, token: str) -> Path:
    """Write a token as an administrator would."""
    path = folder / f"{name}.token"
    path.write_text(f"{token}\n")
    path.chmod(0o600)
    return path


@contextmanager
def serving_web(config: GatewayConfig, intake: Intake) -> Iterator[StoreServer]:
    """Run the DICOMweb service until the block ends."""
    server = StoreServer(config, intake)
    server.start(drain=timedelta(seconds=5))
    try:
        yield server
    finally:
        server.stop()
