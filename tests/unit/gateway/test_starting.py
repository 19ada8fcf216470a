"""What the node's own process carries, and where the bodies of the others are."""

import subprocess
import sys
from importlib import import_module

import pytest

from gateway import starting
from gateway.database import Database
from gateway.migrating import open_migrated

_HEAVY = (
    "numpy",
    "PIL",
    "cv2",
    "onnxruntime",
    "gdcm",
    "imagecodecs",
    "requests",
    "alembic",
    "rich",
    "httpx",
    "uvicorn",
)
_NODE = """
import sys
from gateway import frugal
frugal.go_without_pixels()
import gateway.cli.serve, gateway.node
import gateway.arrivals, gateway.auditor, gateway.health, gateway.metrics
import gateway.receive, gateway.reports, gateway.self_check
print(*sorted(name for name in sys.argv[1:] if sys.modules.get(name) is not None))
"""


def test_the_process_that_receives_carries_nothing_that_looks_at_pixels(tmp_path):
    """Models, codecs, arrays and migrations are other processes'; each of them is tens of megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", _NODE, *_HEAVY],
        capture_output=True,
        text=True,
        check=True,
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "body",
    [value for value in vars(starting).values() if isinstance(value, starting.Body)],
    ids=lambda body: body.place,
)
def test_every_body_is_where_it_is_said_to_be(body):
    """A name is all that the node knows of it."""
    module, _, function = body.place.partition(":")
    assert callable(getattr(import_module(module), function))


def test_a_ledger_that_is_made_in_another_process_is_opened_here(tmp_path, monkeypatch):
    """Alembic is not needed here any more, neither then nor at the next start."""
    monkeypatch.setitem(sys.modules, "alembic", None)
    for _ in range(2):
        database = open_migrated(tmp_path / "ledger.sqlite")
        assert Database.is_current(database.path)
        assert database.path.stat().st_mode & 0o777 == 0o600
        database.close()
