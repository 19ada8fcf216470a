"""`python -m tests.acceptance.faults document | all | kills | soak`: what the tests have no time for.

    document            write docs/faults.md
    all                 every row, every power cut, long fuzzing (pytest with SONOVEIL_SOAK=1)
    kills [--times N]   a node under load, one of its processes killed at random N times (200)
    soak [--minutes N]  a node under load with a misbehaving target for N minutes (60): nothing grows
                        both: [--processes N] with so many receiving processes (1)

Each ends with status 0 when what it looked for holds, and prints what it counted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.acceptance.faults.document import text
from tests.acceptance.faults.load import kill_at_random, soak

_ROOT = Path(__file__).parents[3]
_LONG_S = 4 * 3600


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.faults")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("document")
    commands.add_parser("all")
    kills, long = commands.add_parser("kills"), commands.add_parser("soak")
    kills.add_argument("--times", type=int, default=200)
    long.add_argument("--minutes", type=float, default=60)
    for command in (kills, long):
        command.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.command == "document":
        (_ROOT / "docs" / "faults.md").write_text(text(), encoding="utf-8")
        return 0
    if arguments.command == "all":
        places = ("tests/acceptance/faults", "tests/integration/test_network_fuzzing.py")
        return subprocess.run(
            [sys.executable, "-m", "pytest", f"--timeout={_LONG_S}", *places],
            check=False,
            cwd=_ROOT,
            env={**os.environ, "SONOVEIL_SOAK": "1"},
        ).returncode
    with tempfile.TemporaryDirectory(prefix="sonoveil-faults-") as folder:
        if arguments.command == "kills":
            return kill_at_random(Path(folder), times=arguments.times, processes=arguments.processes)
        return soak(Path(folder), minutes=arguments.minutes, processes=arguments.processes)


if __name__ == "__main__":
    sys.exit(main())
