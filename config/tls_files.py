"""The files of TLS sections, looked at before anything starts: there, readable, keys for their owner only.

Rule of the file: what the files hold is the TLS library's to judge (`gateway.tls`); nothing of a key is read here.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from config.problems import Place

_FILES = ("certificate", "private_key", "trusted_certificates")


def check_tls_files(raw: Mapping[str, Any], folder: Path) -> Iterator[tuple[Place, str]]:
    """Yield the place and wording of every file of a TLS section that cannot be used.

    Parameters
    ----------
    raw
        The values of `gateway.yaml`; what has the wrong type is reported by the models.
    folder
        Where relative paths lie.
    """
    nodes, audit = raw.get("nodes"), raw.get("audit")
    sections: list[tuple[Place, Any]] = []
    for name in ("listener", "dicomweb"):
        ours = raw.get(name)
        if isinstance(ours, dict):
            sections.append(((name, "tls"), ours.get("tls")))
    if isinstance(nodes, dict):
        sections += [
            (("nodes", name, "tls"), node.get("tls")) for name, node in nodes.items() if isinstance(node, dict)
        ]
    syslog = audit.get("syslog") if isinstance(audit, dict) else None
    if isinstance(syslog, dict):
        sections.append((("audit", "syslog", "tls"), syslog.get("tls")))
    for place, section in sections:
        if not isinstance(section, dict):
            continue
        for key in _FILES:
            written = section.get(key)
            if isinstance(written, str) and written.strip() and not re.match(r"~|[a-z0-9+]+://", written):
                fault = _fault(folder / written, is_secret=key == "private_key")
                if fault:
                    yield (*place, key), fault


def _fault(path: Path, *, is_secret: bool) -> str | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return f"there is no file {path}"
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK):
        return f"{path} is no file that this user can read"
    if is_secret and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"others can use the key file (mode {stat.S_IMODE(status.st_mode):04o}); run `chmod 600 {path}`"
    return None
