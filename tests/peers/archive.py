"""PACSs that can be queried: DCMTK's `dcmqrscp`, and one of our own that misbehaves as it is told.

Rule of the file: independent of `gateway`; the second is built on stock pynetdicom.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

from tests.peers.programs import find, free_port, running, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

MODELS = tuple(f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
_LOOPBACK = "127.0.0.1"


@contextmanager
def dcmqrscp(
    folder: Path, files: Sequence[Path], *, port: int, destinations: Mapping[str, int], ae_title: str = "CLINICAL"
) -> Iterator[None]:
    """Run `dcmqrscp` with these files until the block ends.

    Parameters
    ----------
    folder
        An empty folder; the files are copied into it.
    destinations
        Where it may move to: AE title to port.
    """
    store = folder / "store"
    store.mkdir(parents=True)
    copies = []
    for number, file in enumerate(files):
        copies.append(store / f"{number:04d}.dcm")
        copies[-1].write_bytes(file.read_bytes())
    subprocess.run([find("dcmqridx"), str(store), *map(str, copies)], check=True, capture_output=True, timeout=60)
    hosts = [f"host{number} = ({title}, {_LOOPBACK}, {at})" for number, (title, at) in enumerate(destinations.items())]
    configured = folder / "dcmqrscp.cfg"
    configured.write_text(
        "\n".join(
            [
                *(f"NetworkTCPPort = {port}", "MaxPDUSize = 16384", "MaxAssociations = 16"),
                *("HostTable BEGIN", *hosts, "HostTable END", "VendorTable BEGIN", "VendorTable END"),
                *("AETable BEGIN", f"{ae_title} {store} RW (200, 1024mb) ANY", "AETable END", ""),
            ]
        )
    )
    log = folder / "dcmqrscp.log"
    with running([find("dcmqrscp"), "-c", str(configured), str(port)], log=log) as process:
        wait_for_port(process, port, what="dcmqrscp", log=log)
        yield


@dataclass(kw_only=True)
class OddArchive:
    """A PACS whose behaviour a test decides.

    Parameters
    ----------
    find_status
        Called with the keys; returns the status of each match: 0xFF00, or 0xFF01 where keys are ignored; anything else
        ends the answer.
    change
        Called with each match and its level, may alter it.
    ends_after
        C-GET: the association is aborted after so many objects; None: never.
    move
        C-MOVE: called with the matching objects; success is answered at once, as if there were nothing to send.
    """

    objects: list[Dataset]
    find_status: Callable[[Dataset], int] = lambda _keys: 0xFF00
    change: Callable[[Dataset, str], None] = lambda _match, _level: None
    ends_after: int | None = None
    move: Callable[[list[Dataset]], None] = lambda _objects: None
    port: int = 0
    asked: list[Dataset] = field(default_factory=list)
    got: list[Dataset] = field(default_factory=list)

    def matching(self, keys: Dataset) -> list[Dataset]:
        """Return objects whose UIDs and accession number are those asked for, as exactly as DICOM does."""
        named = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "AccessionNumber")
        wanted = {name: str(keys.get(name) or "") for name in named}
        return [o for o in self.objects if all(not v or str(o.get(name)) == v for name, v in wanted.items())]

    def find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        """Answer a C-FIND."""
        keys = event.identifier
        self.asked.append(keys)
        level = str(keys.QueryRetrieveLevel)
        by = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}[level]
        status = self.find_status(keys)
        if status not in (0xFF00, 0xFF01):
            yield status, None
            return
        for found in {str(o[by].value): o for o in self.matching(keys)}.values():
            match = Dataset()
            match.QueryRetrieveLevel = level
            for element in keys:
                if element.keyword in found:
                    match[element.tag] = found[element.tag]
            if level == "STUDY":
                study = [o for o in self.objects if o.StudyInstanceUID == found.StudyInstanceUID]
                match.NumberOfStudyRelatedInstances = len(study)
            self.change(match, level)
            yield status, match

    def get(self, event: evt.Event) -> Iterator[Any]:
        """Answer a C-GET."""
        self.got.append(event.identifier)
        found = self.matching(event.identifier)
        yield len(found)
        for number, one in enumerate(found):
            if number == self.ends_after:
                event.assoc.abort()
                return
            yield 0xFF00, one

    def moved(self, event: evt.Event) -> Iterator[Any]:
        """Answer a C-MOVE without sub-operations on this association."""
        self.move(self.matching(event.identifier))
        yield _LOOPBACK, self.port
        yield 0


@contextmanager
def odd_archive(files: Sequence[Path], **settings: Any) -> Iterator[OddArchive]:
    """Run a PACS of our own until the block ends."""
    archive = OddArchive(objects=[dcmread(file) for file in files], port=free_port(), **settings)
    entity = AE("CLINICAL")
    handlers = [
        (evt.EVT_C_FIND, archive.find),
        (evt.EVT_C_GET, archive.get),
        (evt.EVT_C_MOVE, archive.moved),
    ]
    for model in MODELS:
        entity.add_supported_context(model)
    for uid in {str(one.SOPClassUID) for one in archive.objects}:
        context = build_context(uid)
        entity.add_supported_context(uid, context.transfer_syntax, scu_role=True, scp_role=True)
    server = entity.start_server((_LOOPBACK, archive.port), block=False, evt_handlers=handlers)
    try:
        yield archive
    finally:
        server.shutdown()
