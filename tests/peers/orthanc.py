"""Orthanc as a PACS, clinical or research, with its REST interface.

Rule of the file: Orthanc is configured as its users configure it; nothing of it is imitated.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.peers.programs import find, free_port, require_file, running, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_ANSWER_S = 120
_DICOMWEB_PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
_AUTO_ROUTE = """
function OnStoredInstance(instanceId, tags, metadata, origin)
  SendToModality(instanceId, '{target}')
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modality:
    """A peer as Orthanc's configuration has it."""

    ae_title: str
    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orthanc:
    """A running Orthanc."""

    ae_title: str
    port: int
    http_port: int
    process: subprocess.Popen[bytes]

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Call the REST interface; an HTTP error is raised as `urllib.error.HTTPError`."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:
            return bytes(answer.read())

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        return json.loads(self.request("GET", path))

    def post(self, path: str, body: object) -> Any:
        """Post JSON and return the JSON answer."""
        return json.loads(self.request("POST", path, json.dumps(body).encode()))

    def upload(self, file: Path) -> str:
        """Put a DICOM file into the PACS by REST; return Orthanc's instance ID."""
        return str(json.loads(self.request("POST", "/instances", file.read_bytes()))["ID"])

    def instances(self) -> list[str]:
        """Return Orthanc's IDs of all instances."""
        return list(self.get("/instances"))

    def studies(self) -> list[str]:
        """Return Orthanc's IDs of all studies."""
        return list(self.get("/studies"))

    def tags(self, instance: str) -> dict[str, str]:
        """Return the simplified top-level tags of an instance."""
        return dict(self.get(f"/instances/{instance}/simplified-tags"))

    def file(self, instance: str) -> bytes:
        """Return an instance as the Part 10 file that Orthanc keeps."""
        return self.request("GET", f"/instances/{instance}/file")

    def add_modality(self, name: str, modality: Modality) -> None:
        """Make a peer known while running."""
        body = {"AET": modality.ae_title, "Host": modality.host, "Port": modality.port}
        self.request("PUT", f"/modalities/{name}", json.dumps(body).encode())

    def store(self, modality: str, resources: Sequence[str]) -> dict[str, Any]:
        """Send instances, series or studies by C-STORE and wait for the end; raises HTTPError when it failed."""
        return dict(self.post(f"/modalities/{modality}/store", {"Resources": list(resources), "Synchronous": True}))

    def echo(self, modality: str) -> bool:
        """Say whether a peer answers a C-ECHO of Orthanc's."""
        try:
            self.request("POST", f"/modalities/{modality}/echo", b"{}")
        except urllib.error.HTTPError:
            return False
        return True

    def wait_for_instances(self, count: int, *, seconds: float = 60) -> None:
        """Wait until so many instances stand in the PACS."""
        wait_until(
            lambda: len(self.instances()) >= count, what=f"{count} instances in {self.ae_title}", seconds=seconds
        )


def dicomweb_plugin() -> dict[str, object]:
    """Return the settings with which it serves DICOMweb under `/dicom-web`; skip the test where it cannot."""
    require_file(_DICOMWEB_PLUGIN)
    return {"Plugins": [_DICOMWEB_PLUGIN], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}


@contextmanager
def orthanc(
    folder: Path,
    *,
    ae_title: str,
    modalities: Mapping[str, Modality] | None = None,
    auto_route_to: str | None = None,
    port: int | None = None,
    settings: Mapping[str, object] | None = None,
) -> Iterator[Orthanc]:
    """Run an Orthanc until the block ends.

    Parameters
    ----------
    folder
        Its index, storage, configuration and log go there; the same folder again brings its content back.
    modalities
        Peers that it may send to, by Orthanc's name for them.
    auto_route_to
        A name of `modalities` that every stored instance is sent to at once, by a Lua script.
    port
        DICOM port; None for a free one.
    settings
        Further keys of Orthanc's configuration.
    """
    port = free_port() if port is None else port
    http_port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    scripts: list[str] = []
    if auto_route_to is not None:
        script = folder / "route.lua"
        script.write_text(_AUTO_ROUTE.format(target=auto_route_to))
        scripts.append(str(script))
    configuration = {
        "Name": ae_title,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "DicomAet": ae_title,
        "DicomPort": port,
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowEcho": True,
        "UnknownSopClassAccepted": True,
        "DicomModalities": {name: [m.ae_title, m.host, m.port] for name, m in (modalities or {}).items()},
        "LuaScripts": scripts,
        "Plugins": [],
        "StableAge": 1,
        "OverwriteInstances": True,
        **(settings or {}),
    }
    configured = folder / "orthanc.json"
    configured.write_text(json.dumps(configuration))
    log = folder / "orthanc.log"
    with running([find("Orthanc"), str(configured)], log=log) as process:
        server = Orthanc(ae_title=ae_title, port=port, http_port=http_port, process=process)
        wait_until(lambda: process.poll() is not None or _answers(server), what=f"Orthanc {ae_title}")
        if process.poll() is not None:
            pytest.fail(f"Orthanc ended with {process.returncode}: {log.read_text(errors='replace')[-2000:]}")
        yield server


def _answers(server: Orthanc) -> bool:
    try:
        server.get("/system")
    except OSError:
        return False
    return True
