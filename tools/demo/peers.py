"""The two PACS roles: a clinical one that sends by C-STORE, and a research one that stores what arrives.

Rule of the file: the research PACS keeps the bytes of the data set exactly as they came over the network.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at run time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.events import Event
    from pynetdicom.transport import ThreadedAssociationServer

CLINICAL, GATEWAY, RESEARCH = "CLINICAL", "SONOVEIL", "RESEARCH"
HOST = "127.0.0.1"
_PDU_BYTES = 131072
_SUCCESS = 0x0000
_CANNOT_STORE = 0xA700


class NotSentError(Exception):
    """The gateway did not take an object."""


class ClinicalPacs:
    """A Storage SCU that sends one study over one association.

    Parameters
    ----------
    port
        Where the gateway listens.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def send_study(self, files: Sequence[Path]) -> None:
        """Send Part 10 files and wait for each one's acknowledgement.

        Raises
        ------
        NotSentError
            The gateway did not accept the association, or answered an object with anything but success.
        """
        entity = AE(ae_title=CLINICAL)
        metas = [read_file_meta_info(path) for path in files]
        for kind in {(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas}:
            entity.requested_contexts = [*entity.requested_contexts, build_context(*kind)]
        association = entity.associate(HOST, self._port, ae_title=GATEWAY, max_pdu=_PDU_BYTES)
        if not association.is_established:
            raise NotSentError("the gateway did not accept an association")
        try:
            for path in files:
                status = association.send_c_store(path)
                if status.get("Status") != _SUCCESS:
                    raise NotSentError("the gateway did not acknowledge an object with success")
        except ValueError as error:
            raise NotSentError("the gateway did not accept an object's presentation context") from error
        finally:
            association.release()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One object as the research PACS stored it."""

    path: Path
    sop_instance_uid: str


class ResearchPacs:
    """A Storage SCP that writes every object into a folder.

    Parameters
    ----------
    folder
        Exists. Files are named by SOP Instance UID, as most archives do: a name that leaks would be found.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stored: dict[str, Received] = {}
        self._arrival = threading.Condition()
        entity = AE(ae_title=RESEARCH)
        entity.maximum_pdu_size = _PDU_BYTES
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES[:])
        entity.add_supported_context(Verification)
        self._server = cast(
            "ThreadedAssociationServer",
            entity.start_server((HOST, 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]),
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def stored(self) -> tuple[Received, ...]:
        """Return everything that arrived until now."""
        with self._arrival:
            return tuple(self._stored.values())

    def wait_for_change(self, known: int, timeout_s: float) -> int:
        """Wait until there are more than `known` objects, or until the time is over; return how many there are."""
        with self._arrival:
            self._arrival.wait_for(lambda: len(self._stored) > known, timeout_s)
            return len(self._stored)

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()

    def _store(self, event: Event) -> int:
        uid = UID(str(cast("C_STORE", event.request).AffectedSOPInstanceUID))
        if not uid.is_valid:
            return _CANNOT_STORE
        path = self._folder / f"{uid}.dcm"
        path.write_bytes(event.encoded_dataset())
        with self._arrival:
            self._stored[uid] = Received(path=path, sop_instance_uid=str(uid))
            self._arrival.notify_all()
        return _SUCCESS
