"""`make bench`: every measurement that the README and the model cards quote, one after the other.

Those that measure on real images need a folder of them in SONOVEIL_DATA and say so when it is not set.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_WITH_IMAGES = {"text", "cone", "holds"}


def main() -> int:
    """Run every benchmark of this folder; return 1 when one failed."""
    failed = []
    images = os.environ.get("SONOVEIL_DATA")
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        print(f"== {path.stem}", flush=True)
        if path.stem in _WITH_IMAGES and images is None:
            print("skipped: SONOVEIL_DATA does not name a folder of real images")
            continue
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{path.stem}"], check=False)
        if done.returncode:
            failed.append(path.stem)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
