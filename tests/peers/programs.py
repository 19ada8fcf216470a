"""Real programs as peers: found, started on free loopback ports, waited for, ended by process id.

Rule of the file: a program that is missing skips the test by name, and fails it where `CI=true`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

START_S = 30.0
_LOOK_AGAIN_S = 0.02
_END_S = 10.0
_EXTRA_PATH = "/usr/sbin:/usr/local/sbin:/sbin"


def find(program: str) -> str:
    """Return a program's path; skip the test when it is missing, fail it on CI."""
    path = shutil.which(program) or shutil.which(program, path=_EXTRA_PATH)
    if path is None:
        _missing(program)
    return path


def require_file(path: str) -> None:
    """Skip the test when a program's file is missing, fail it on CI."""
    if not os.path.exists(path):  # noqa: PTH110  one of a fixed list
        _missing(path)


def _missing(what: str) -> NoReturn:
    message = f"{what} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """Return a TCP port on loopback that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], *, what: str, seconds: float = START_S) -> None:
    """Wait until a condition holds; fail the test with `what` when it does not in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain for: {what}")
        pause.wait(_LOOK_AGAIN_S)


def is_listening(port: int) -> bool:
    """Say whether something accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends: SIGTERM, and SIGKILL after ten seconds.

    Parameters
    ----------
    log
        File that takes its output.
    env
        Added to the environment.
    """
    with (
        log.open("wb") as output,
        subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **(env or {})}
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for_port(process: subprocess.Popen[bytes], port: int, *, what: str, log: Path) -> None:
    """Wait until a started program listens; fail with its output when it ends instead."""
    wait_until(lambda: process.poll() is not None or is_listening(port), what=what)
    if process.poll() is not None:
        pytest.fail(f"{what} ended with {process.returncode}: {log.read_text(errors='replace')[-2000:]}")
