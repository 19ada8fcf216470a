"""DCMTK's tools as peers: `storescu`, `dcmsend` and `echoscu` as modalities, `storescp` as a PACS.

Rule of the file: every call names both AE titles; results carry the exit status and the output, and judge nothing.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.peers.programs import find, free_port, running, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_LONGEST_S = 120
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended."""

    returncode: int
    output: str


def storescu(
    port: int, files: Sequence[Path], *, calling: str, called: str, options: Sequence[str] = (), host: str = _LOOPBACK
) -> Ran:
    """Send files with `storescu`: proposes what `options` say, one association."""
    return _run("storescu", [*options, "-aet", calling, "-aec", called, host, str(port), *map(str, files)])


def dcmsend(
    port: int, files: Sequence[Path], *, calling: str, called: str, options: Sequence[str] = (), host: str = _LOOPBACK
) -> Ran:
    """Send files or folders (`+sd`) with `dcmsend`: proposes what the files need, as they are."""
    return _run("dcmsend", [*options, "-aet", calling, "-aec", called, host, str(port), *map(str, files)])


def echoscu(port: int, *, calling: str, called: str, host: str = _LOOPBACK) -> Ran:
    """Ask for a C-ECHO with `echoscu`."""
    return _run("echoscu", ["-v", "-aet", calling, "-aec", called, host, str(port)])


def _run(program: str, arguments: Sequence[str]) -> Ran:
    done = subprocess.run([find(program), *arguments], capture_output=True, timeout=_LONGEST_S, check=False)
    return Ran(returncode=done.returncode, output=(done.stdout + done.stderr).decode(errors="replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreScp:
    """A running `storescp`.

    Parameters
    ----------
    folder
        Where its files lie, one per object received, as it wrote them.
    """

    ae_title: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def files(self) -> list[Path]:
        """Return what was received."""
        return sorted(path for path in self.folder.iterdir() if path.is_file())


@contextmanager
def storescp(
    folder: Path, *, ae_title: str = "RESEARCH", port: int | None = None, options: Sequence[str] = ("+B", "+xa", "-pm")
) -> Iterator[StoreScp]:
    """Run `storescp` until the block ends.

    Parameters
    ----------
    folder
        An empty folder of the test's; it gets `received/` and a log.
    port
        None for a free one; give one to come back where another stood.
    options
        By default: bytes as they come, every syntax, every class.
    """
    port = free_port() if port is None else port
    received = folder / "received"
    received.mkdir(parents=True, exist_ok=True)
    log = folder / "storescp.log"
    command = [find("storescp"), *options, "-aet", ae_title, "-od", str(received), "+uf", str(port)]
    with running(command, log=log) as process:
        wait_for_port(process, port, what="storescp", log=log)
        yield StoreScp(ae_title=ae_title, port=port, folder=received, process=process)
